//! `hither contacts` and `hither contact`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither::{Code, Contact};
use hither_wire::message::Request;
use serde::Serialize;

use crate::args::{ContactVerb, ListArgs};
use crate::failure::say;
use crate::remote;
use crate::terminal::{escape, json, show};

/// A contact, with stable names.
#[derive(Serialize)]
struct View<'a> {
    who: &'a str,
    friendly_name: &'a str,
    status: &'static str,
    listed: bool,
    blocked: bool,
}

/// Lists the contacts.
pub async fn list(args: &ListArgs) -> Result<ExitCode> {
    let answer = remote::connect(false).await?.ask(Request::Contacts).await.context("cannot ask for the contacts")?;
    let contacts = answer.contacts.unwrap_or_default();
    for contact in &contacts {
        show(&if args.json { json(&view(contact)) } else { row(contact) })?;
    }
    if contacts.is_empty() && !args.json {
        say("no contacts: `hither contact add NAME@DOMAIN` adds one");
    }
    Ok(ExitCode::SUCCESS)
}

/// Changes the list.
pub async fn change(verb: &ContactVerb) -> Result<ExitCode> {
    let (action, who) = verb.parts();
    let mut agent = remote::connect(false).await?;
    let answer = agent.ask(Request::Contact { action, who: who.clone() }).await;
    let answer = answer.with_context(|| format!("cannot {} {who}", action.name()))?;
    if answer.code == Code::S_FALSE {
        show(&format!("nothing to do: there is nothing to {} about {}", action.name(), escape(who.as_str())))?;
    }
    match answer.contacts.iter().flatten().next() {
        Some(contact) => show(&row(contact))?,
        None if answer.code == Code::S_OK => show(&format!("{} is in no list", escape(who.as_str())))?,
        None => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn view(contact: &Contact) -> View<'_> {
    let Contact { who, friendly_name, status, listed, blocked } = contact;
    View { who: who.as_str(), friendly_name, status: status.name(), listed: *listed, blocked: *blocked }
}

fn row(contact: &Contact) -> String {
    let Contact { who, friendly_name, status, listed, blocked } = contact;
    let mut row = format!("{:<24} {:<14} {}", escape(who.as_str()), status.name(), escape(friendly_name));
    if *blocked {
        row.push_str(" (blocked)");
    }
    if !listed {
        row.push_str(" (not in the list)");
    }
    row.trim_end().to_owned()
}
