//! `hither status` and `hither agent status`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither::{LockStatus, Status};
use hither_wire::local::AgentStatus;
use hither_wire::message::Request;
use serde::Serialize;

use crate::args::StatusArgs;
use crate::failure::say;
use crate::remote;
use crate::terminal::{escape, json, show};

/// Shows or chooses the person's presence.
pub async fn run(args: &StatusArgs) -> Result<ExitCode> {
    let Some(status) = args.status else { return show_own(args.json).await };
    let mut agent = remote::connect(false).await?;
    agent
        .ask(Request::SetStatus { status })
        .await
        .with_context(|| format!("cannot make your status {}", status.name()))?;
    if args.json {
        show(&json(&Chosen { status: status.name() }))?;
    } else {
        let quiet = if status == Status::Busy { "; invitations do not ring, `hither sessions` lists them" } else { "" };
        show(&format!("your status is {}{quiet}", status.name()))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Chosen {
    status: &'static str,
}

/// How the agent is, with stable names.
#[derive(Serialize)]
struct View<'a> {
    user: Option<&'a str>,
    status: &'static str,
    connected: bool,
    trouble: Option<&'a str>,
    service: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<&'static str>,
    notifications: Option<&'a str>,
    applications: u64,
    complaints: &'a [Box<str>],
    version: &'a str,
    process: u32,
}

/// Shows how the agent is.
pub async fn show_own(as_json: bool) -> Result<ExitCode> {
    let status = remote::connect(false).await?.status().await.context("cannot ask the agent")?;
    if as_json {
        show(&json(&view(&status)))?;
    } else {
        people(&status)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn view(status: &AgentStatus) -> View<'_> {
    View {
        user: status.user.as_ref().map(hither::PersonName::as_str),
        status: status.status.name(),
        connected: status.connected,
        trouble: status.trouble.as_deref(),
        service: status.service.as_deref(),
        lock: status.lock.map(LockStatus::name),
        notifications: status.notifications.as_deref(),
        applications: status.applications,
        complaints: &status.complaints,
        version: &status.version,
        process: status.process,
    }
}

fn people(status: &AgentStatus) -> Result<()> {
    let nobody = "nobody: `hither sign-in NAME@DOMAIN --service URL`";
    let who = status.user.as_ref().map_or(nobody, hither::PersonName::as_str);
    let service = status.service.as_deref().unwrap_or("-");
    let connection = match &status.trouble {
        _ if status.connected => format!("connected to {service}"),
        Some(trouble) => format!("not connected to {service}: {trouble}"),
        None => format!("not connected to {service}"),
    };
    let notifications = status.notifications.as_deref().unwrap_or("none: invitations show in `hither watch` only");
    let (applications, agent) =
        (status.applications.to_string(), format!("version {}, process {}", status.version, status.process));
    let mut lines = vec![("signed in", who), ("presence", status.status.name()), ("service", &connection)];
    lines.extend(status.lock.map(|lock| ("lock", lock_for_people(lock))));
    lines.extend([("notifications", notifications), ("applications", &applications), ("agent", &agent)]);
    for (name, value) in lines {
        show(&format!("{name:<14} {}", escape(value)))?;
    }
    for complaint in &status.complaints {
        say(complaint);
    }
    Ok(())
}

/// It is the agent's own: whether `hither invite` works. Applications unlock for themselves.
fn lock_for_people(lock: LockStatus) -> &'static str {
    match lock {
        LockStatus::Unlocked => "unlocked with the agent's key",
        LockStatus::UnlockFailed => {
            "locked: the agent's key is wrong; `hither invite` does not work until it has another"
        }
        LockStatus::PendingResult => "locked: the agent's key is being judged",
        LockStatus::Initialized => {
            "locked: `hither invite` needs an agent with a key, `hither agent --app-id --key-file`"
        }
        LockStatus::NotInitialized | LockStatus::Disabled => "none",
    }
}
