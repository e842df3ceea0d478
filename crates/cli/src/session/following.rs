//! `hither invite --wait`: what becomes of one invitation.

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use hither::SessionId;
use hither_agent::remote::Told;
use hither_wire::local;
use hither_wire::message::{Event, How};

use crate::remote::{Agent, session_of};
use crate::terminal::{escape, show};
use crate::words;

/// Says how far it is, until both applications are connected or it is over.
pub async fn follow(agent: &mut Agent, session: SessionId) -> Result<ExitCode> {
    loop {
        let told = agent.told().await?;
        if session_of(&told) != Some(session) {
            continue;
        }
        match &told {
            Told::Event(Event::Connected { .. }) => {
                show("connected: both applications have the session")?;
                return Ok(ExitCode::SUCCESS);
            }
            Told::Event(Event::Ended(ended)) => {
                let said = words::said(ended.data.as_ref());
                let how = match ended.how {
                    How::Declined => "declined",
                    How::Cancelled => "cancelled",
                    How::Terminated => "over",
                };
                return Err(anyhow!("{how}{said}; {}", words::code(ended.code)));
            }
            Told::Event(Event::Accepted { data, .. }) => show(&format!("accepted{}", words::said(data.as_ref())))?,
            Told::Event(Event::Progress { stage, code, .. }) => {
                let why = code.map(|code| format!(" ({code})")).unwrap_or_default();
                show(&format!("there: {}{why}", stage.name()))?;
            }
            Told::Agent(local::Event::Launch { stage, why, .. }) => {
                let why = why.as_deref().map(|why| format!(": {}", escape(why))).unwrap_or_default();
                show(&format!("here: {}{why}", stage.name()))?;
            }
            Told::Event(_) | Told::Agent(_) => {}
        }
    }
}
