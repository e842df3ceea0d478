//! `hither sign-in`: a password once, a token from then on.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hither::{Client, Code, DeviceId, PersonName};
use hither_agent::credentials::{Account, Credentials};
use hither_agent::remote::Told;
use hither_wire::local::{Event, Request};

use crate::agent::keeping;
use crate::args::{KeyringArgs, SignInArgs};
use crate::failure::say;
use crate::password;
use crate::remote;
use crate::sign_out::{Revoked, revoke};
use crate::terminal::{escape, show};

/// How long the agent may take to sign in with the new token, before nobody waits for it any more.
const AGENT: Duration = Duration::from_secs(10);

/// Where to sign in, and as whom.
pub struct Entrance<'a> {
    pub user: &'a PersonName,
    pub service: &'a str,
    pub keyring: &'a KeyringArgs,
}

/// What lets somebody in who has no token yet.
pub enum Proof {
    /// The password of an account.
    Password(String),
    /// What an account is made with, if there is none.
    Registration { password: String, friendly_name: String, code: String },
}

/// Signs in once, and keeps the token.
pub async fn run(args: &SignInArgs) -> Result<ExitCode> {
    if is_signed_in(args).await? {
        show(&format!("{} is signed in already at {}", escape(args.user.as_str()), escape(&args.service)))?;
        show("nothing has changed; for a new token `hither sign-out` first, which ends your sessions")?;
        return Ok(ExitCode::SUCCESS);
    }
    let password = match &args.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask(args.user.as_str())?,
    };
    let SignInArgs { user, service, keyring, .. } = args;
    enter(&Entrance { user, service, keyring }, &Proof::Password(password)).await
}

/// Whether the agent is at this service as this person: another sign-in of its device would end its
/// sessions.
async fn is_signed_in(args: &SignInArgs) -> Result<bool> {
    let Some(mut agent) = remote::attempt(false).await? else { return Ok(false) };
    let status = agent.status().await.context("cannot ask the agent")?;
    Ok(status.connected && status.user.as_ref() == Some(&args.user) && status.service.as_deref() == Some(&args.service))
}

/// Signs in, keeps the token, and tells an agent that runs.
pub async fn enter(to: &Entrance<'_>, proof: &Proof) -> Result<ExitCode> {
    let credentials = Credentials::new(&remote::paths()?, keeping(to.keyring));
    let before = credentials.load().unwrap_or_else(|error| {
        say(format_args!("the sign-in that was kept cannot be read, and is replaced: {error}"));
        None
    });
    let is_same = |before: &Account| before.user == *to.user && before.service == to.service;
    // A new token ends the old one: better nothing happens than a token that cannot be kept.
    if let Some(before) = &before {
        credentials.save(before).context("nothing has changed, since a token could not be kept")?;
    }
    let device = before.as_ref().filter(|before| is_same(before)).map(|before| before.device);
    let account = sign_in(to, proof, device).await?;
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
async fn sign_in(to: &Entrance<'_>, proof: &Proof, device: Option<DeviceId>) -> Result<Account> {
    let mut builder = Client::builder(to.service);
    if let Some(device) = device {
        builder = builder.device(device);
    }
    let user = to.user.as_str();
    let (signed_in, what) = match proof {
        Proof::Password(password) => (builder.sign_in(user, password).await, "sign in"),
        Proof::Registration { password, friendly_name, code } => {
            (builder.register(user, password, friendly_name, code).await, "sign up")
        }
    };
    let (client, _events) = signed_in
        .map_err(|error| {
            let code = error.code();
            let error = anyhow::Error::from(error);
            if matches!(proof, Proof::Registration { .. }) && code == Code::MSGR_E_INVALID_PASSWORD {
                return error.context("the name is taken: if it is yours, use `hither sign-in` with its password");
            }
            error.context(code)
        })
        .with_context(|| format!("cannot {what} as {user} at {}", to.service))?;
    let token = client.token().context("the service gave no token to keep")?;
    let (user, device, service) = (client.user().clone(), client.device(), to.service.to_owned());
    // Only this connection goes; the token is for the agent's.
    client.sign_out().await.context("cannot leave the service again")?;
    Ok(Account { user, service, token, device })
}

/// An agent that runs takes the new sign-in at once.
async fn tell_agent() -> Result<()> {
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
async fn replaced(before: &Account) -> Result<()> {
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
