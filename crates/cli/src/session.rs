//! What a person tells the agent about invitations and sessions.

mod following;
mod pick;

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use hither::{Code, Guid, PersonName, SessionId};
use hither_wire::local::{Request as Local, SessionLine};
use hither_wire::message::{Accept, Data, Request};
use serde::Serialize;

use crate::app;
use crate::args::{AnswerArgs, InviteArgs, ListArgs, SessionArgs};
use crate::failure::say;
use crate::remote::{self, Agent, fresh_id};
use crate::terminal::{escape, json, show};
use crate::words;
use pick::{Fit, pick};

/// Invites somebody; both sides launch when it is accepted.
pub async fn invite(args: &InviteArgs) -> Result<ExitCode> {
    let listing = app::listing()?;
    let app = app::find(&listing, &args.app)?;
    let name = words::app(&app.application()).into_owned();
    let mut agent = remote::connect(args.wait).await?;
    let session = start(&mut agent, &args.who, app.guid, &args.data.text).await?;
    show(&format!("{} is invited to {name}: session {session}", escape(args.who.as_str())))?;
    if args.wait { following::follow(&mut agent, session).await } else { Ok(ExitCode::SUCCESS) }
}

/// Invites, and gives the session.
pub async fn start(agent: &mut Agent, to: &PersonName, application: Guid, data: &str) -> Result<SessionId> {
    let session = fresh_id()?;
    let start = Local::Start { session, to: to.clone(), application, data: Data::text(data) };
    agent.ask_agent(start).await.with_context(|| format!("cannot invite {to}"))?;
    Ok(session)
}

/// Accepts an invitation.
pub async fn accept(args: &AnswerArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let line = pick(&mut agent, args.session.as_ref(), Fit::Ringing, "accept").await?;
    accept_one(&mut agent, &line, &args.data.text).await
}

/// Accepts this invitation, and says what comes next.
pub async fn accept_one(agent: &mut Agent, line: &SessionLine, data: &str) -> Result<ExitCode> {
    let session = line.session;
    let accept = Accept { session, data: Data::text(data), address: None, material: None, attach: false };
    let answer = agent.ask(Request::Accept(Box::new(accept))).await.with_context(|| cannot("accept", line))?;
    if answer.code != Code::S_FALSE {
        show(&format!("accepted: {} starts; `hither watch` shows how it goes on", words::app(&line.app)))?;
        return Ok(ExitCode::SUCCESS);
    }
    show(&format!("{} is not installed here", words::app(&line.app)))?;
    if line.app.url.is_empty() {
        show("the invitation does not say where to get it")?;
    } else {
        let id = words::short(&session);
        show(&format!("it is at {}: `hither get {id}` opens that page", escape(&line.app.url)))?;
    }
    show("the invitation goes on by itself when the application is registered (`hither app register`)")?;
    Ok(ExitCode::SUCCESS)
}

/// Declines an invitation.
pub async fn decline(args: &AnswerArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let line = pick(&mut agent, args.session.as_ref(), Fit::Ringing, "decline").await?;
    let decline = Request::Decline { session: line.session, data: Data::text(&args.data.text) };
    agent.ask(decline).await.with_context(|| cannot("decline", &line))?;
    show(&format!("declined: {}", words::session(&line)))?;
    Ok(ExitCode::SUCCESS)
}

/// Lets an invitation ring out.
pub async fn ignore(args: &SessionArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let line = pick(&mut agent, args.session.as_ref(), Fit::Ringing, "ignore").await?;
    agent.ask(Request::Ignore { session: line.session }).await.with_context(|| cannot("ignore", &line))?;
    show(&format!("it rings no more here, and can still be accepted for a while: {}", words::session(&line)))?;
    Ok(ExitCode::SUCCESS)
}

/// Ends a session.
pub async fn cancel(args: &AnswerArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let line = pick(&mut agent, args.session.as_ref(), Fit::Any, "cancel").await?;
    let cancel = Request::Cancel { session: line.session, hr: Code::S_OK, data: Data::text(&args.data.text) };
    agent.ask(cancel).await.with_context(|| cannot("cancel", &line))?;
    show(&format!("cancelled: {}", words::session(&line)))?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the page of an application that is missing.
pub async fn get(args: &SessionArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let line = pick(&mut agent, args.session.as_ref(), Fit::Missing, "get").await?;
    let answer = agent.ask_agent(Local::Get { session: line.session }).await;
    let answer = answer.with_context(|| format!("cannot open the page of {}", words::app(&line.app)))?;
    if answer.code == Code::S_FALSE {
        return Err(anyhow!("the invitation does not say where to get {}", words::app(&line.app)));
    }
    show(&format!("opening {}", escape(&line.app.url)))?;
    show("the invitation goes on by itself when the application is registered")?;
    Ok(ExitCode::SUCCESS)
}

fn cannot(what: &str, line: &SessionLine) -> String {
    format!("cannot {what} {} ({})", words::short(&line.session), words::session(line))
}

/// A session, with stable names.
#[derive(Serialize)]
struct View<'a> {
    session: SessionId,
    state: &'a str,
    doing: &'a str,
    inviter: bool,
    user: &'a str,
    guid: Guid,
    name: &'a str,
    url: &'a str,
    data: &'a str,
    ring_ms: Option<u64>,
    process: Option<u32>,
}

/// Lists the sessions of this machine.
pub async fn list(args: &ListArgs) -> Result<ExitCode> {
    let lines = remote::connect(false).await?.sessions().await.context("cannot ask the agent")?;
    for line in &lines {
        show(&if args.json { json(&view(line)) } else { row(line) })?;
    }
    if lines.is_empty() && !args.json {
        say("there is no session");
    }
    Ok(ExitCode::SUCCESS)
}

fn view(line: &SessionLine) -> View<'_> {
    let SessionLine { session, state, inviter, user, app, data, ring_ms, doing, process } = line;
    View {
        session: *session,
        state,
        doing,
        inviter: *inviter,
        user: user.as_str(),
        guid: app.guid,
        name: &app.name,
        url: &app.url,
        data: data.as_ref().and_then(Data::as_text).unwrap_or_default(),
        ring_ms: *ring_ms,
        process: *process,
    }
}

/// A session on one line.
pub fn row(line: &SessionLine) -> String {
    let said = words::said(line.data.as_ref());
    let mut row = format!(
        "{}  {:<13} {:<10} {}{said}",
        words::short(&line.session),
        line.state,
        escape(&line.doing),
        words::session(line)
    );
    if let Some(ring_ms) = line.ring_ms {
        let _ = write!(row, "; rings for {} s", ring_ms.div_ceil(1_000));
    }
    if let Some(process) = line.process {
        let _ = write!(row, "; process {process}");
    }
    row
}
