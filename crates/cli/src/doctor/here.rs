//! What there is on this machine.

use anyhow::Result;
use hither_agent::apps::{Listing, Registry};
use hither_agent::credentials::{Account, Credentials};
use hither_agent::paths::Paths;
use hither_wire::local::AgentStatus;

use super::Found;
use crate::remote::{self, Agent};
use crate::steps::Steps;

/// Where everything is kept.
pub fn environment(steps: &mut Steps) -> Result<Option<Paths>> {
    let paths = match Paths::from_env() {
        Ok(paths) => paths,
        Err(error) => {
            steps.failed("environment", &error.to_string(), "set HOME, or HITHER_HOME")?;
            return Ok(None);
        }
    };
    let of = if std::env::var_os("HITHER_HOME").is_some() { "below HITHER_HOME" } else { "of this account" };
    let detail = format!("folders {of}: {}, {}", paths.config.display(), paths.state.display());
    steps.ok("environment", &detail)?;
    Ok(Some(paths))
}

/// Whether an agent runs, and is this person's.
pub async fn agent(steps: &mut Steps) -> Result<Option<(Agent, AgentStatus)>> {
    let socket = hither_ipc::socket_path();
    let mut agent = match remote::attempt(true).await {
        Ok(Some(agent)) => agent,
        Ok(None) => {
            let detail = format!("none listens on {}", socket.display());
            steps.failed("agent", &detail, "start it with `hither agent`")?;
            return Ok(None);
        }
        Err(error) => {
            steps.failed(
                "agent",
                &format!("{error:#}"),
                "restart it, and compare HITHER_HOME and HITHER_SOCKET of both",
            )?;
            return Ok(None);
        }
    };
    let status = agent.status().await?;
    let AgentStatus { version, process, .. } = &status;
    let detail = format!("version {version}, process {process}, yours, on {}", socket.display());
    if version.as_ref() == env!("CARGO_PKG_VERSION") {
        steps.ok("agent", &detail)?;
    } else {
        let other = format!("{detail}; this command is version {}", env!("CARGO_PKG_VERSION"));
        steps.failed("agent", &other, "restart the agent: `hither agent stop`, then `hither agent`")?;
    }
    Ok(Some((agent, status)))
}

/// Whether a token is kept.
pub fn sign_in(steps: &mut Steps, credentials: &Credentials) -> Result<Option<Account>> {
    match credentials.load() {
        Ok(Some(account)) => {
            steps.ok("sign-in", &format!("a token of {} for {}", account.user, account.service))?;
            Ok(Some(account))
        }
        Ok(None) => {
            steps.failed("sign-in", "no token is kept: nobody is signed in", SIGN_IN)?;
            Ok(None)
        }
        Err(error) => {
            steps.failed("sign-in", &format!("what is kept cannot be read: {error}"), SIGN_IN)?;
            Ok(None)
        }
    }
}

const SIGN_IN: &str = "`hither sign-in NAME@DOMAIN --service URL`";

/// Whether the agent is connected to the service, as the person whose token is kept.
pub fn connected(steps: &mut Steps, found: &Found) -> Result<()> {
    let Some(status) = found.status() else { return steps.skipped("connection", "there is no agent") };
    let trouble = status.trouble.as_deref().unwrap_or("it does not say why");
    match (&status.user, &found.account) {
        (Some(user), Some(account)) if status.connected && *user != account.user => {
            let detail = format!("the agent is signed in as {user}, and the token is of {}", account.user);
            steps.failed("connection", &detail, "sign in again, or restart the agent")
        }
        (Some(user), _) if status.connected => {
            steps.ok("connection", &format!("the agent is signed in as {user}, {}", status.status.name()))
        }
        (_, None) => steps.skipped("connection", "nobody is signed in"),
        (_, Some(_)) if !found.service_answers => steps.skipped("connection", "the service does not answer"),
        (_, Some(_)) => steps.failed("connection", &format!("the agent is not signed in: {trouble}"), SIGN_IN_AGAIN),
    }
}

const SIGN_IN_AGAIN: &str = "wait a moment and look again; if it stays so, `hither sign-in` again";

/// Whether the registry's files are well.
pub fn registry(steps: &mut Steps, paths: &Paths) -> Result<Listing> {
    let listing = Registry::new(paths).read();
    let count = listing.apps.len();
    if listing.complaints.is_empty() {
        let more = if count == 0 { ": `hither app register` registers one" } else { "" };
        steps.ok("applications", &format!("{count} registered{more}"))?;
    } else {
        let complaints: Vec<String> = listing.complaints.iter().map(ToString::to_string).collect();
        let detail = format!("{count} registered, and {}", complaints.join("; "));
        steps.failed("applications", &detail, "correct the file; the agent reads it again at once")?;
    }
    Ok(listing)
}

/// What shows invitations.
pub fn notifications(steps: &mut Steps, status: Option<&AgentStatus>) -> Result<()> {
    match status.map(|status| status.notifications.as_deref()) {
        None => steps.skipped("notifications", "there is no agent"),
        Some(Some(name)) => steps.ok("notifications", &format!("invitations show in {name}")),
        Some(None) => steps.skipped("notifications", "none here: invitations show in `hither watch` only"),
    }
}
