//! `hither sign-out`: the token stops working, here and at the service.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use hither::{Client, Code};
use hither_agent::credentials::{Account, Credentials};
use hither_wire::local;
use hither_wire::message::Request;
use tokio::time::timeout;

use crate::agent::keeping;
use crate::args::SignOutArgs;
use crate::failure::say;
use crate::remote::{self, Agent};
use crate::terminal::{escape, show};

/// Longer than a service that is there takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// When a token stopped working.
#[derive(Debug)]
pub enum Revoked {
    /// By this request.
    Now,
    /// It was worth nothing already.
    Before,
}

/// Signs out at the service, through the agent where one is connected, and removes the token.
pub async fn run(args: &SignOutArgs) -> Result<ExitCode> {
    let credentials = Credentials::new(&remote::paths()?, keeping(&args.keyring));
    let account = credentials.load().context("cannot read the sign-in that is kept")?;
    let mut agent = remote::attempt(false).await?;
    let Some(account) = account else {
        reload(agent.as_mut()).await?;
        show("nobody is signed in")?;
        return Ok(ExitCode::SUCCESS);
    };
    match revoke_through(agent.as_mut(), &account).await {
        Ok(Revoked::Now) => {}
        Ok(Revoked::Before) => say("the token did not work any more"),
        Err(error) if args.force => say(format_args!("the token still works at the service: {error:#}")),
        Err(error) => {
            let what = "nothing is removed; `hither sign-out --force` removes the token from this machine only";
            return Err(error.context(what));
        }
    }
    credentials.remove().context("cannot remove the token from this machine")?;
    reload(agent.as_mut()).await?;
    show(&format!("signed out: the token of {} is removed", escape(account.user.as_str())))?;
    Ok(ExitCode::SUCCESS)
}

/// Through the agent if it is connected, which then leaves with its sessions; else directly.
async fn revoke_through(agent: Option<&mut Agent>, account: &Account) -> Result<Revoked> {
    if let Some(agent) = agent {
        let status = agent.status().await.context("cannot ask the agent")?;
        if status.connected && status.user.as_ref() == Some(&account.user) {
            agent.ask(Request::SignOut { revoke: true }).await.context("cannot sign out through the agent")?;
            return Ok(Revoked::Now);
        }
    }
    revoke(account).await
}

/// Signs in with a token for the last time, and revokes it.
pub async fn revoke(account: &Account) -> Result<Revoked> {
    let signing_in = Client::builder(&account.service).device(account.device);
    let signing_in = signing_in.sign_in_with_token(account.user.as_str(), &account.token);
    let signed_in = timeout(PATIENCE, signing_in).await.map_err(|_| anyhow!("the service does not answer"))?;
    let (client, _events) = match signed_in {
        Ok(signed_in) => signed_in,
        Err(error) if error.code() == Code::MSGR_E_INVALID_PASSWORD => return Ok(Revoked::Before),
        Err(error) => return Err(error.into()),
    };
    match timeout(PATIENCE, client.sign_out_and_revoke()).await {
        Ok(signed_out) => signed_out.context("cannot revoke the token")?,
        Err(_) => bail!("the service does not answer"),
    }
    Ok(Revoked::Now)
}

/// The agent sees that nobody is signed in any more.
async fn reload(agent: Option<&mut Agent>) -> Result<()> {
    if let Some(agent) = agent {
        agent.ask_agent(local::Request::Reload).await.context("cannot tell the agent")?;
    }
    Ok(())
}
