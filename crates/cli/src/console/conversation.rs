//! One conversation: lines in, answers and events out, until it is left.

use std::future::ready;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hither::{Event, Events, Stage};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::event::{Happened, describe};
use super::human;
use super::input::{Content, LINE_BYTES, Line, Lines};
use super::json::{self, Asked};
use super::request::{Answer, Refusal, Request};
use super::{Console, is_asked_to_unlock};
use crate::failure::say;
use crate::stop::Stop;
use crate::terminal::print_line;

/// How long the service may take to let us go.
const SIGN_OUT_AT_MOST: Duration = Duration::from_secs(5);
/// After a failed sign-in: how long a line that was written before may take to arrive.
const STRAGGLER: Duration = Duration::from_millis(100);
/// After a failed sign-in: how long lines are answered at most.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// Who is at the other end of standard input and output.
pub enum Face {
    Json,
    Human(human::Face),
}

/// Everything a conversation needs.
pub struct Conversation {
    console: Arc<Console>,
    events: Events,
    /// Whether a console that is started again goes on where this one was.
    resumable: bool,
    /// The stream of events has ended.
    over: bool,
    /// The service has signed us out, of its own accord.
    signed_out: bool,
    face: Face,
    lines: Lines,
    stop: Stop,
}

/// How a conversation ended.
pub enum Ended {
    /// We left.
    Left,
    /// The service had signed us out before.
    SignedOut,
}

/// Why a step of the conversation was left.
enum Left<T> {
    Done(T),
    Stopped,
}

impl Conversation {
    pub fn new(console: Arc<Console>, events: Events, resumable: bool, face: Face, lines: Lines) -> Conversation {
        let stop = Stop::new();
        Conversation { console, events, resumable, over: false, signed_out: false, face, lines, stop }
    }

    /// Answers lines and tells events until end of input, `quit` or a signal; then signs out.
    pub async fn run(mut self) -> Result<Ended> {
        let quit = loop {
            let Some(line) = self.next_line().await? else { break None };
            let Some(asked) = self.read(&line)? else { continue };
            match asked.request {
                Ok(Request::Quit) => break Some(asked.id),
                Ok(request) => match self.perform(request).await? {
                    Left::Done(answer) => self.answer(&asked.id, &answer)?,
                    Left::Stopped => break None,
                },
                Err(refusal) => self.answer(&asked.id, &Err(refusal))?,
            }
        };
        let ended = if self.signed_out { Ended::SignedOut } else { Ended::Left };
        let outcome = self.leave().await?;
        if let Some(id) = &quit {
            self.answer(id, &outcome)?;
        }
        Ok(ended)
    }

    /// The next line, with what happens before it; `None` when there is none.
    async fn next_line(&mut self) -> Result<Option<Line>> {
        loop {
            let event = tokio::select! {
                () = self.stop.wait() => return Ok(None),
                event = self.events.next(), if !self.over => event,
                line = self.lines.recv() => return Ok(line),
            };
            self.tell(event).await?;
        }
    }

    async fn perform(&mut self, request: Request) -> Result<Left<Answer>> {
        let console = Arc::clone(&self.console);
        self.meanwhile(async move { console.perform(request).await }).await
    }

    /// Tells what happens while a step is taken, and what had happened when it was done.
    async fn meanwhile<T>(&mut self, step: impl Future<Output = T>) -> Result<Left<T>> {
        let mut step = pin!(step);
        let done = loop {
            let event = tokio::select! {
                () = self.stop.wait() => return Ok(Left::Stopped),
                event = self.events.next(), if !self.over => event,
                done = &mut step => break done,
            };
            self.tell(event).await?;
        };
        self.tell_waiting().await?;
        Ok(Left::Done(done))
    }

    /// Tells the events that have come already.
    async fn tell_waiting(&mut self) -> Result<()> {
        while !self.over {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = ready(()) => break,
            };
            self.tell(event).await?;
        }
        Ok(())
    }

    async fn leave(&mut self) -> Result<Answer> {
        if self.over || self.signed_out {
            return Ok(Ok(super::Success::DONE));
        }
        let console = Arc::clone(&self.console);
        let signing_out = timeout(SIGN_OUT_AT_MOST, async move { console.perform(Request::Quit).await });
        let outcome = match self.meanwhile(signing_out).await? {
            Left::Done(Ok(answer)) => answer,
            Left::Done(Err(_)) | Left::Stopped => Ok(super::Success::DONE),
        };
        self.tell_waiting().await?;
        Ok(outcome)
    }

    fn read(&self, line: &Line) -> Result<Option<Asked>> {
        Ok(match (&self.face, &line.content) {
            (Face::Json, content) => Some(read_json(content)),
            (Face::Human(human), Content::Whole(text)) => human.read(text, &self.console.sessions)?,
            (Face::Human(_), Content::TooLong(_)) => {
                let refusal = Refusal::invalid(format!("the line is longer than {LINE_BYTES} bytes"));
                Some(Asked { id: Value::Null, request: Err(refusal) })
            }
        })
    }

    fn answer(&self, id: &Value, answer: &Answer) -> Result<()> {
        match &self.face {
            Face::Json => print_line(&json::answer(id, answer)),
            Face::Human(human) => human.answer(answer, &self.console.sessions),
        }
        .context("cannot write to standard output")
    }

    async fn tell(&mut self, event: Option<Event>) -> Result<()> {
        let Some(event) = event else {
            self.over = true;
            return Ok(());
        };
        if self.resumable {
            // Before it is told: whoever reads it and kills this process is not told of it again.
            self.events.settle().await;
        }
        if let Event::Signout { code } = event {
            self.signed_out = code.is_failure();
        }
        let invitation = if let Event::Invitation(invitation) = &event { Some(invitation.session.id()) } else { None };
        let asked = is_asked_to_unlock(&event);
        let happened = describe(&event);
        // First the handle, so that the event is told with its number.
        self.console.keep(event);
        self.tell_happened(&happened).context("cannot write to standard output")?;
        if asked && self.console.pair.is_some() {
            let console = Arc::clone(&self.console);
            tokio::spawn(async move { console.unlock().await });
        }
        if let Some(session) = invitation.and_then(|id| self.console.sessions.get(&id)) {
            // It rings here; whether the inviter learns of it (R24) makes no difference to this side.
            tokio::spawn(async move { drop(session.progress(Stage::Ringing, None).await) });
        }
        Ok(())
    }

    fn tell_happened(&self, happened: &Happened) -> io::Result<()> {
        match (&self.face, happened) {
            (Face::Json, Happened::Notice(notice)) => print_line(&json::line(notice)),
            (Face::Json, Happened::ConnectionLost(code)) => {
                say(format_args!("the connection is down ({code}); it is being made again"));
                Ok(())
            }
            (Face::Human(human), happened) => human.tell(happened, &self.console.sessions),
            (_, Happened::Unknown) => Ok(()),
        }
    }
}

fn read_json(content: &Content) -> Asked {
    match content {
        Content::Whole(line) => json::read(line),
        Content::TooLong(beginning) => json::read_too_long(beginning, LINE_BYTES),
    }
}

/// Answers the lines that were written before a sign-in that failed.
pub async fn refuse_waiting(mut lines: Lines, refusal: &Refusal) {
    let end = Instant::now() + STRAGGLERS;
    while let Ok(Ok(Some(line))) = timeout_at(end, timeout(STRAGGLER, lines.recv())).await {
        let asked = read_json(&line.content);
        let refusal = asked.request.err().unwrap_or_else(|| refusal.clone());
        if print_line(&json::answer(&asked.id, &Err(refusal))).is_err() {
            return;
        }
    }
}
