//! `hither sign-in`: a password once, a token from then on.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hither::{Client, DeviceId};
use hither_agent::credentials::{Account, Credentials};
use hither_agent::remote::Told;
use hither_wire::local::{Event, Request};

use crate::agent::keeping;
use crate::args::SignInArgs;
use crate::failure::say;
use crate::password;
use crate::remote;
use crate::sign_out::{Revoked, revoke};
use crate::terminal::{escape, show};

/// How long the agent may take to sign in with the new token, before nobody waits for it any more.
const AGENT: Duration = Duration::from_secs(10);

/// Signs in once, and keeps the token.
pub async fn run(args: &SignInArgs) -> Result<ExitCode> {
    let credentials = Credentials::new(&remote::paths()?, keeping(&args.keyring));
    let before = credentials.load().unwrap_or_else(|error| {
        say(format_args!("the sign-in that was kept cannot be read, and is replaced: {error}"));
        None
    });
    let password = match &args.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask(args.user.as_str())?,
    };
    let is_same = |before: &Account| before.user == args.user && before.service == args.service;
    // A new token ends the old one: better nothing happens than a token that cannot be kept.
    if let Some(before) = &before {
        credentials.save(before).context("nothing has changed, since a token could not be kept")?;
    }
    let device = before.as_ref().filter(|before| is_same(before)).map(|before| before.device);
    let account = sign_in(args, &password, device).await?;
    let place = credentials.save(&account).context("signed in, but the token cannot be kept")?;
    show(&format!("signed in as {} at {}", escape(account.user.as_str()), escape(&account.service)))?;
    show(&format!("the token is kept in {}", escape(&place.to_string())))?;
    tell_agent().await?;
    if let Some(before) = before.filter(|before| !is_same(before)) {
        replaced(&before).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks the service for a token; the device stays the same for the same person at the same service.
async fn sign_in(args: &SignInArgs, password: &str, device: Option<DeviceId>) -> Result<Account> {
    let mut builder = Client::builder(&args.service);
    if let Some(device) = device {
        builder = builder.device(device);
    }
    let (client, _events) = builder
        .sign_in(args.user.as_str(), password)
        .await
        .map_err(|error| {
            let code = error.code();
            anyhow::Error::from(error).context(code)
        })
        .with_context(|| format!("cannot sign in as {} at {}", args.user, args.service))?;
    let token = client.token().context("the service gave no token to keep")?;
    let account =
        Account { user: client.user().clone(), service: args.service.clone(), token, device: client.device() };
    // Only this connection goes; the token is for the agent's.
    client.sign_out().await.context("cannot leave the service again")?;
    Ok(account)
}

/// An agent that runs takes the new sign-in at once.
pub async fn tell_agent() -> Result<()> {
    let Some(mut agent) = remote::attempt(true).await? else {
        return show("next: start the agent with `hither agent`, or let it start by itself: `hither agent install`");
    };
    agent.ask_agent(Request::Reload).await.context("cannot tell the agent")?;
    let connected = agent.until(AGENT, |told| match told {
        Told::Agent(Event::Service { connected: true, .. }) => Some(()),
        Told::Agent(_) | Told::Event(_) => None,
    });
    match connected.await? {
        Some(()) => show("the agent is signed in"),
        None => show("the agent has been told, and is not signed in yet: `hither doctor` says why"),
    }
}

/// Somebody else, or the same person elsewhere, was signed in before.
pub async fn replaced(before: &Account) -> Result<()> {
    let who = format!("the sign-in of {} at {}", escape(before.user.as_str()), escape(&before.service));
    match revoke(before).await {
        Ok(Revoked::Now | Revoked::Before) => show(&format!("it replaces {who}, whose token no longer works")),
        Err(error) => {
            show(&format!("it replaces {who}"))?;
            say(format_args!("the old token could not be revoked and still works: {error:#}"));
            Ok(())
        }
    }
}
