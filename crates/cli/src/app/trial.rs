//! `hither app test`: an application is started in a session that exists on this machine alone.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use hither::{Code, SessionId, Stage};
use hither_agent::apps::App;
use hither_agent::remote::{RemoteError, Told};
use hither_wire::local;
use hither_wire::message::{Event, Request};
use tokio::time::Instant;

use super::{find, listing};
use crate::args::TestArgs;
use crate::remote::{self, Agent, fresh_id, session_of};
use crate::steps::Steps;
use crate::words;

/// How long the agent may take to end a session on its own machine.
const END: Duration = Duration::from_secs(5);

/// How long a rehearsal may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until the application has asked for its session.
    pub attach: Duration,
    /// How long it is looked at after that.
    pub hold: Duration,
}

impl Times {
    /// What `hither app test` takes if it is not told.
    pub const USUAL: Times = Times { attach: Duration::from_secs(20), hold: Duration::from_secs(3) };
}

/// Tries an application out, and tells each step.
pub async fn run(args: &TestArgs) -> Result<ExitCode> {
    let listing = listing()?;
    let app = find(&listing, &args.app)?;
    let mut steps = Steps::new(args.json);
    let mut agent = remote::connect(true).await?;
    let times = Times { attach: Duration::from_secs(args.timeout), hold: Duration::from_secs(args.hold) };
    rehearse(&mut agent, &mut steps, app, times).await?;
    Ok(steps.exit())
}

/// A rehearsal on its way.
struct Rehearsal<'a> {
    agent: &'a mut Agent,
    steps: &'a mut Steps,
    app: &'a App,
    session: SessionId,
    /// The session is over, with this code.
    ended: Option<Code>,
    texts: usize,
    units: usize,
}

/// Starts an application against a rehearsed session, and ends that again.
pub async fn rehearse(agent: &mut Agent, steps: &mut Steps, app: &App, times: Times) -> Result<()> {
    steps.ok("registered", &format!("{} as {}", words::app(&app.application()), app.path()))?;
    let session = fresh_id()?;
    match agent.ask_agent(local::Request::Rehearse { session, application: app.guid }).await {
        Ok(_) => {}
        Err(RemoteError::Refused { code, message }) => {
            return steps.failed("started", &format!("{message} ({code})"), refused(code));
        }
        Err(error) => return Err(error.into()),
    }
    let mut rehearsal = Rehearsal { agent, steps, app, session, ended: None, texts: 0, units: 0 };
    if rehearsal.starts(times.attach).await? {
        rehearsal.holds(times.hold).await?;
        rehearsal.ends().await
    } else {
        rehearsal.cancel(Code::SR_APPLICATION_LAUNCH_FAILED).await
    }
}

fn refused(code: Code) -> &'static str {
    match code {
        Code::MSGR_E_NOT_LOGGED_ON => "sign in first: `hither sign-in NAME@DOMAIN --service URL`",
        Code::SR_APP_NOT_REGISTERED => "the agent reads other files than this command: compare HITHER_HOME of both",
        _ => code.advice(),
    }
}

impl Rehearsal<'_> {
    /// Until the application is attached; says whether it is.
    async fn starts(&mut self, within: Duration) -> Result<bool> {
        let deadline = Instant::now() + within;
        let mut started = false;
        loop {
            let Some(told) = self.next(deadline).await? else {
                let step = if started { ASKED } else { STARTED };
                let detail = format!("it did not within {} seconds", within.as_secs());
                self.steps.failed(
                    step,
                    &detail,
                    "see that it calls Session::launching() when it starts, or is launch-only",
                )?;
                return Ok(false);
            };
            match told {
                Told::Agent(local::Event::Launch { stage: Stage::Launched, .. }) => {
                    started = true;
                    let detail = self.process().await?;
                    self.steps.ok(STARTED, &detail)?;
                }
                Told::Agent(local::Event::Launch { stage: Stage::LaunchFailed, why, .. }) => {
                    let why = why.as_deref().unwrap_or("it did not start");
                    let (step, advice) = if started { (ASKED, EXITED) } else { (STARTED, NOT_STARTED) };
                    self.steps.failed(step, why, advice)?;
                    return Ok(false);
                }
                Told::Event(Event::Connected { .. }) => {
                    if self.app.mode.is_attached_by_agent() {
                        self.steps.skipped(ASKED, "the agent attaches for it")?;
                    } else {
                        self.steps.ok(ASKED, "it did, and has it")?;
                    }
                    self.steps.ok("attached", "the session is SS_CONNECTED")?;
                    return Ok(true);
                }
                Told::Event(Event::Ended(ended)) => {
                    self.ended = Some(ended.code);
                    let step = if started { ASKED } else { STARTED };
                    self.steps.failed(step, &words::code(ended.code), EXITED)?;
                    return Ok(false);
                }
                Told::Event(_) | Told::Agent(_) => {}
            }
        }
    }

    /// Looks at what the application does with its session.
    async fn holds(&mut self, hold: Duration) -> Result<()> {
        let deadline = Instant::now() + hold;
        while let Some(told) = self.next(deadline).await? {
            self.note(&told);
            if self.ended.is_some() {
                break;
            }
        }
        if self.app.application().launch_only {
            return self.steps.skipped(CONTEXT, "a launch-only application has none");
        }
        let detail = match self.texts {
            0 => "it sent none".to_owned(),
            texts => format!("it sent {texts}, with {} characters together", self.units),
        };
        self.steps.ok(CONTEXT, &detail)
    }

    /// Ends the session, if the application has not.
    async fn ends(&mut self) -> Result<()> {
        if let Some(code) = self.ended {
            return match code {
                Code::SR_CONNECTION_FAILURE => {
                    self.steps.failed(ENDED, "the application has gone without ending its session", EXITED)
                }
                code => self.steps.ok(ENDED, &format!("by itself, with {code}")),
            };
        }
        self.cancel(Code::S_OK).await?;
        let deadline = Instant::now() + END;
        while let Some(told) = self.next(deadline).await? {
            self.note(&told);
            if self.ended.is_some() {
                return self.steps.ok(ENDED, "the application was told so");
            }
        }
        self.steps.failed(ENDED, "the agent did not say so", "look at the agent's log")
    }

    async fn cancel(&mut self, hr: Code) -> Result<()> {
        match self.agent.ask(Request::Cancel { session: self.session, hr, data: None }).await {
            // Refused: it is over already.
            Ok(_) | Err(RemoteError::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn note(&mut self, told: &Told) {
        match told {
            Told::Event(Event::Context { data, .. }) => {
                self.texts += 1;
                self.units += data.as_text().map_or(0, hither_wire::text::units);
            }
            Told::Event(Event::Ended(ended)) => self.ended = Some(ended.code),
            Told::Event(_) | Told::Agent(_) => {}
        }
    }

    /// The next thing about this session.
    async fn next(&mut self, deadline: Instant) -> Result<Option<Told>> {
        while let Some(told) = self.agent.told_until(deadline).await? {
            if session_of(&told) == Some(self.session) {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    async fn process(&mut self) -> Result<String> {
        let lines = self.agent.sessions().await?;
        let process = lines.iter().find(|line| line.session == self.session).and_then(|line| line.process);
        Ok(process.map_or_else(|| "it ran, and has ended".to_owned(), |process| format!("process {process}")))
    }
}

const STARTED: &str = "started";
const ASKED: &str = "asked";
const CONTEXT: &str = "context data";
const ENDED: &str = "ended";

const NOT_STARTED: &str = "correct the command: `hither app unregister`, then `hither app register`";
const EXITED: &str = "start it by hand to see more; its last lines are in the agent's log";
