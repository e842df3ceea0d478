//! `hither console`: a signed-in client for people and for scripts.
//!
//! Requests are carried out one after the other while events come in between; both ways of
//! writing, [`json`] and [`human`], meet in the same [`Request`] and are carried out by the same
//! [`Console`].

mod conversation;
mod event;
mod human;
mod input;
mod json;
mod request;
mod sessions;
mod sign_in;

use std::io::{IsTerminal as _, stdin, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use hither::{
    Attach, Client, Code, ContactAction, Event, LockStatus, NextStep, Role, Session, SessionId, SettingsChange, Status,
};
use hither_agent::pair::Pair;

use crate::args::ConsoleArgs;
use conversation::{Conversation, Ended, Face};
use request::{Answer, Body, Refusal, Request, SessionView, Success};
use sessions::Sessions;
use sign_in::SignIn;

/// How often unlocking is tried while the service is too busy to judge.
const UNLOCKING_TRIES: u32 = 10;

/// Runs the console until end of input, `quit` or a signal.
pub async fn run(args: &ConsoleArgs) -> Result<ExitCode> {
    let signing_in = SignIn::prepare(args)?;
    let pair = crate::agent::pair(args.app_id.as_deref(), args.key_file.as_deref())?;
    let edited = !args.json && stdin().is_terminal() && stdout().is_terminal();
    // Requests before sign-in wait for it.
    let waiting = (!edited).then(input::read_stdin);

    let (client, events) = match signing_in.perform().await {
        Ok(signed_in) => signed_in,
        Err(error) => {
            let refusal = Refusal { code: error.code(), message: error.to_string() };
            if let Some(lines) = waiting
                && args.json
            {
                conversation::refuse_waiting(lines, &refusal).await;
            }
            return Err(error).with_context(|| format!("cannot sign in as {} at {}", args.user, args.service));
        }
    };

    if let Some(pair) = &pair {
        pair.unlock(&client).await.with_context(|| format!("cannot unlock the service at {}", args.service))?;
    }

    let console = Arc::new(Console::new(client, pair));
    let (face, lines) = match waiting {
        Some(lines) if args.json => (Face::Json, lines),
        Some(lines) => (Face::Human(human::Face::plain()), lines),
        None => {
            let (face, lines) = human::edit(&console).await?;
            (Face::Human(face), lines)
        }
    };
    match Conversation::new(console, events, args.state.is_some(), face, lines).run().await? {
        Ended::Left => signing_in.forget_state().map(|()| ExitCode::SUCCESS),
        // Perhaps because another console goes on with the same state file.
        Ended::SignedOut => Ok(ExitCode::FAILURE),
    }
}

/// Carries out requests.
pub struct Console {
    client: Client,
    sessions: Sessions,
    /// What unlocks the service's lock, if it was given.
    pair: Option<Pair>,
}

impl Console {
    /// A console with the sessions that a state file has brought back.
    fn new(client: Client, pair: Option<Pair>) -> Console {
        let console = Console { client, sessions: Sessions::default(), pair };
        for session in console.client.take_restored() {
            console.keep_session(session);
        }
        console
    }

    /// Carries out one request; `quit` is the conversation's affair.
    async fn perform(&self, request: Request) -> Answer {
        match request {
            Request::Create => self.create(),
            Request::Application { session, guid, name, url } => {
                self.session(&session)?.set_application(&guid, &name, &url)?;
                Ok(Success::DONE)
            }
            Request::Address { session, address } => {
                self.session(&session)?.set_local_address(address.as_deref())?;
                Ok(Success::DONE)
            }
            Request::Invite { session, to, data } => done(self.session(&session)?.invite(&to, &data).await),
            Request::Accept { session, data } => done(self.session(&session)?.accept(&data).await),
            Request::Decline { session, data } => done(self.session(&session)?.decline(&data).await),
            Request::Ignore { session } => done(self.session(&session)?.ignore().await),
            Request::Cancel { session, hr, data } => done(self.session(&session)?.cancel(hr, &data).await),
            Request::Attach { session } => match self.session(&session)?.attach().await? {
                Attach::Done => Ok(Success::DONE),
                Attach::Already => Ok(Success::code(Code::S_FALSE)),
            },
            Request::Context { session, data } => done(self.session(&session)?.send_context_data(&data).await),
            Request::Get { session } => self.get(&session),
            Request::Status { status } => self.set_status(status).await,
            Request::Contact { action, who } => self.contact(action, &who).await,
            Request::Contacts => Ok(Success::with(Body::Contacts { contacts: self.client.contacts().await? })),
            Request::Settings(change) => self.settings(change).await,
            Request::Quit => done(self.client.sign_out().await),
        }
    }

    fn create(&self) -> Answer {
        match self.sessions.keep(self.client.create_session()) {
            Some(session) => Ok(Success::with(Body::Created { session })),
            None => Err(Refusal {
                code: Code::E_OUTOFMEMORY,
                message: "there are too many sessions: use those that were created, or start again".to_owned(),
            }),
        }
    }

    fn get(&self, session: &SessionId) -> Answer {
        let now = self.session(session)?.snapshot();
        let application = now.application.as_ref();
        Ok(Success::with(Body::Session(Box::new(SessionView {
            session: now.id,
            state: now.state.name(),
            flags: now.flags,
            guid: application.map(|app| app.guid.to_string()),
            name: application.map(|app| app.name.to_string()),
            url: application.map(|app| app.url.to_string()),
            user: now.user.map(|user| user.to_string()),
            local: now.local.map(|address| address.to_string()),
            remote: now.remote.map(|address| address.to_string()),
            context: now.context,
        }))))
    }

    async fn set_status(&self, status: Status) -> Answer {
        done(self.client.set_status(status).await)
    }

    async fn contact(&self, action: ContactAction, who: &str) -> Answer {
        Ok(Success::with(Body::Contact { contact: self.client.contact(action, who).await? }))
    }

    async fn settings(&self, change: SettingsChange) -> Answer {
        Ok(Success::with(Body::Settings { settings: self.client.settings(change).await? }))
    }

    fn session(&self, id: &SessionId) -> Result<Arc<Session>, Refusal> {
        self.sessions.get(id).ok_or_else(|| Refusal::invalid("this console has no session with this id"))
    }

    /// The console's `create` attaches the inviter, its `accept` does not attach (R7).
    fn keep_session(&self, session: Session) {
        session.attach_on_answer(session.snapshot().role == Role::Inviter);
        // The service lets nobody have more sessions than can be kept.
        self.sessions.keep(session);
    }

    /// Unlocks again, if it was given what for. It is told by events what comes of it.
    async fn unlock(&self) {
        let Some(pair) = &self.pair else { return };
        for _ in 0..UNLOCKING_TRIES {
            match pair.unlock(&self.client).await.map_err(|error| error.next_step()) {
                Err(NextStep::RetryAfter(after)) => tokio::time::sleep(after).await,
                Ok(()) | Err(_) => return,
            }
        }
    }

    /// Takes the handle of an invitation, and notes the end of a session.
    fn keep(&self, event: Event) {
        if let Event::Invitation(invitation) = event {
            self.keep_session(invitation.session);
        } else if let Event::Termination { session, .. } = event {
            self.sessions.ended(session);
        }
    }
}

fn done(outcome: Result<(), hither::Error>) -> Answer {
    outcome?;
    Ok(Success::DONE)
}

/// Whether the service wants a proof that nobody here has asked for: by a challenge of its own, after a
/// sign-in that has not resumed, or because its lock is on from now on.
fn is_asked_to_unlock(event: &Event) -> bool {
    let anew = matches!(event, Event::LockStatusChanged { status: LockStatus::Initialized, error: None, .. });
    anew || matches!(event, Event::LockChallenge { cookie: 0, .. })
}
