//! `hither status` and `hither agent status`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither::Status;
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
    for (name, value) in [
        ("signed in", who),
        ("presence", status.status.name()),
        ("service", &connection),
        ("notifications", notifications),
        ("applications", &status.applications.to_string()),
        ("agent", &format!("version {}, process {}", status.version, status.process)),
    ] {
        show(&format!("{name:<14} {}", escape(value)))?;
    }
    for complaint in &status.complaints {
        say(complaint);
    }
    Ok(())
}
