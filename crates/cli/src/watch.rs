//! `hither watch`: everything that happens, one line each.

mod human;
mod lines;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither_agent::remote::Told;
use hither_wire::message::Event;

use crate::args::WatchArgs;
use crate::remote::{self, session_of};
use crate::stop::Stop;
use human::Known;

/// Shows what happens until a signal.
pub async fn run(args: &WatchArgs) -> Result<ExitCode> {
    let mut stop = Stop::new();
    let mut agent = remote::connect(true).await?;
    let status = agent.status().await.context("cannot ask the agent")?;
    let sessions = agent.sessions().await.context("cannot ask the agent")?;
    if args.json {
        lines::begin(&status, &sessions)?;
    } else {
        human::begin(&status, &sessions)?;
    }
    let mut known = Known::of(&sessions);
    loop {
        let told = tokio::select! {
            () = stop.wait() => return Ok(ExitCode::SUCCESS),
            told = agent.told() => told?,
        };
        if args.json {
            lines::tell(&told)?;
            continue;
        }
        // An event names its session by its id; a person wants to read who and what.
        if session_of(&told).is_some_and(|session| !known.has(session)) && !is_invitation(&told) {
            known = Known::of(&agent.sessions().await?);
        }
        human::tell(&told, &mut known)?;
    }
}

/// It says itself what it is about.
fn is_invitation(told: &Told) -> bool {
    matches!(told, Told::Event(Event::Invitation(_)))
}
