//! `hither open`: a link does nothing without the person's yes.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use hither_agent::uri::Link;
use hither_wire::local::Request;

use crate::app;
use crate::args::OpenArgs;
use crate::remote::{self, fresh_id};
use crate::session;
use crate::terminal::{escape, show};
use crate::words;

/// More than anybody types who means yes or no.
const ANSWER_BYTES: u64 = 64;

/// Asks on the terminal, or lets the agent ask.
pub async fn run(args: &OpenArgs) -> Result<ExitCode> {
    let link = Link::parse(&args.uri).map_err(|error| anyhow!("the link is refused: {error} (E_INVALIDARG)"))?;
    if !args.yes && !stdin().is_terminal() {
        let request = Request::Link { session: fresh_id()?, uri: args.uri.as_str().into() };
        remote::connect(false).await?.ask_agent(request).await.context("the agent does not take the link")?;
        show("the agent asks you, with a notification")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut agent = remote::connect(false).await?;
    match link {
        Link::Accept { session } => {
            let line = agent.sessions().await?.into_iter().find(|line| line.session == session);
            let line = line.ok_or_else(|| anyhow!("no invitation with this id waits here: see `hither sessions`"))?;
            if !asked(args, &format!("Accept: {}{}?", words::session(&line), words::said(line.data.as_ref())))? {
                return nothing();
            }
            session::accept_one(&mut agent, &line, "").await
        }
        Link::Invite { to, app, data } => {
            let listing = app::listing()?;
            let app = app::find(&listing, &app.to_string())?;
            let name = words::app(&app.application()).into_owned();
            let said = if data.is_empty() { String::new() } else { format!(", saying \"{}\"", escape(&data)) };
            if !asked(args, &format!("Invite {} to {name}{said}?", escape(to.as_str())))? {
                return nothing();
            }
            let session = session::start(&mut agent, &to, app.guid, &data).await?;
            show(&format!("{} is invited to {name}: session {session}", escape(to.as_str())))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Whether the person says yes; anything else is no.
fn asked(args: &OpenArgs, question: &str) -> Result<bool> {
    if args.yes {
        show(question)?;
        return Ok(true);
    }
    let mut out = stdout().lock();
    write!(out, "{question} [y/N] ").and_then(|()| out.flush()).context("cannot write to standard output")?;
    let mut answer = String::new();
    stdin().lock().take(ANSWER_BYTES).read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn nothing() -> Result<ExitCode> {
    show("nothing was done")?;
    Ok(ExitCode::SUCCESS)
}
