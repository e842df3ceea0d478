//! The agent: a person's signed-in presence on one machine.
//!
//! ```text
//!  applications, tools ── links ──► agent ── client ──► service
//!                                     │
//!                   ring, launch, register: the shell's
//! ```
//!
//! Towards the service it is a client like any other; towards the applications of its machine it is
//! what the service is to a client: it numbers their events, keeps them until they are acknowledged
//! and answers a repeated request once. In between it decides what a person's client decides: whether
//! to ring, whom a session belongs to, when to start an application, when to give up.
//!
//! It is driven as the crate says: one [`Input`] with the time, then every [`Output`]. What must not
//! be lost if the agent is killed is its [`Memory`].
//!
//! | file | what is decided there |
//! | --- | --- |
//! | `links`, `programs` | who is at the other end of a local connection, and what it is owed |
//! | `requests`, `person` | what an application, what the person's tools may ask |
//! | `service` | what the service's answers and events mean here |
//! | `sessions`, `questions`, `rules` | whom an invitation is shown to, when it rings |
//! | `launching` | when an application is started, and when that has failed |
//! | `rehearsal`, `check` | sessions that are tried out, without the service or without an application |
//! | `memory` | what is kept |
//! | `locks` | which application has unlocked the service's lock, and the agent's own proof |

mod check;
mod launching;
mod links;
mod locks;
mod memory;
mod person;
mod port;
mod programs;
mod questions;
mod rehearsal;
mod requests;
pub mod rules;
mod service;
mod sessions;

use std::collections::{BTreeMap, VecDeque};

use hither_wire::{Code, Guid, PersonName, SessionId, Status};

use crate::client::{CallId, Client, Input as ClientInput, ResumePoint};
use crate::timers::Timers;
use crate::{Millis, session};
use links::Link;
pub use memory::Memory;
pub use port::{Input, Launch, LinkId, Output, Press, Process, Registered, Ringing, ShellStatus, Ticket};
use programs::{Program, ProgramId};
use questions::Question;
use rules::Rule;
use service::Purpose;
use sessions::Held;

/// The agent machine.
#[derive(Debug)]
pub struct Agent {
    now: Millis,
    /// `None` while nobody is signed in, or wants to be.
    client: Option<Box<Client>>,
    /// What an earlier agent has left, until somebody signs in.
    point: Option<ResumePoint>,
    /// The sessions among it that are to be gone on with.
    restored: Vec<SessionId>,
    /// What the client is to be told next.
    inbox: VecDeque<ClientInput>,
    /// How many of the client's events have been taken.
    taken: u64,
    /// Whom the answers of the service are for.
    purposes: BTreeMap<CallId, Purpose>,
    presence: BTreeMap<PersonName, (Box<str>, Status)>,
    standing: Standing,
    status: Status,
    links: BTreeMap<LinkId, Link>,
    programs: BTreeMap<ProgramId, Program>,
    held: BTreeMap<SessionId, Held>,
    rehearsed: BTreeMap<SessionId, session::Session>,
    apps: BTreeMap<Guid, Registered>,
    rules: Vec<Rule>,
    shell: ShellStatus,
    questions: BTreeMap<u64, Question>,
    tickets: BTreeMap<Ticket, links::Caller>,
    /// The last number that was given out; never given twice, in no process.
    numbers: u64,
    timers: Timers<Deadline>,
    outputs: VecDeque<Output>,
    unsaved: bool,
}

/// How the person stands with the service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Standing {
    /// Nobody wants to be signed in.
    Nobody,
    /// The connection is being made, for the first time or again, and why it is not there.
    Away(Code),
    /// Signed in.
    There,
    /// The service does not let the person in: somebody has to sign in anew.
    Refused(Code, Box<str>),
}

/// What has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Deadline {
    /// For a local connection to say who it is.
    Greeting(LinkId),
    /// For a program to come back.
    Program(ProgramId),
    /// For the answers to a question.
    Question(u64),
    /// For a session to ring.
    Ring(SessionId),
    /// For a started application to attach.
    Attach(SessionId),
    /// To unlock for the agent's own tools once more.
    Unlock,
}

impl Agent {
    /// An agent that goes on where an earlier one was. `first_number` is larger than any that an
    /// earlier agent has given out: the time in microseconds will do.
    pub fn new(now: Millis, first_number: u64, memory: Memory) -> Agent {
        let mut agent = Agent {
            now,
            client: None,
            point: None,
            restored: Vec::new(),
            inbox: VecDeque::new(),
            taken: 0,
            purposes: BTreeMap::new(),
            presence: BTreeMap::new(),
            standing: Standing::Nobody,
            status: Status::Online,
            links: BTreeMap::new(),
            programs: BTreeMap::new(),
            held: BTreeMap::new(),
            rehearsed: BTreeMap::new(),
            apps: BTreeMap::new(),
            rules: Vec::new(),
            shell: ShellStatus::default(),
            questions: BTreeMap::new(),
            tickets: BTreeMap::new(),
            numbers: first_number,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            unsaved: false,
        };
        agent.remember(memory);
        agent
    }

    /// Takes one input. All outputs of the one before must have been taken.
    pub fn handle(&mut self, now: Millis, input: Input) {
        debug_assert!(self.outputs.is_empty(), "take the outputs first");
        self.now = self.now.max(now);
        match input {
            Input::SignIn(setup) => self.sign_in(*setup),
            Input::Forget => self.forget(Code::S_OK),
            Input::Service(input) => self.inbox.push_back(input),
            Input::Linked { link, process } => self.linked(link, process),
            Input::Received { link, frame } => self.received(link, frame),
            Input::Unlinked { link } => self.unlinked(link),
            Input::Apps(apps) => self.apps_changed(apps),
            Input::Rules(rules) => self.rules = rules,
            Input::Written { ticket, result } | Input::Linking { ticket, result } => self.written(ticket, result),
            Input::Traced { ticket, session } => self.traced(ticket, session),
            Input::Shell(shell) => {
                self.shell = *shell;
                self.unlock();
            }
            Input::Proved(response) => self.proved(response),
            Input::Pressed(press) => self.pressed(press),
            Input::Launched { session, result } => self.launched(session, result),
            Input::Exited { session, why } => self.exited(session, &why),
            Input::Saved => self.inbox.extend(self.client.is_some().then_some(ClientInput::Saved)),
            Input::Timeout => self.timeout(),
            Input::Shutdown => self.shutdown(),
        }
        self.run_client();
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        if std::mem::take(&mut self.unsaved) {
            return Some(Output::Save);
        }
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Millis> {
        let own = self.timers.next().map(|(at, _)| at);
        let clients = self.client.as_ref().and_then(|client| client.poll_timeout());
        own.into_iter().chain(clients).min()
    }

    fn timeout(&mut self) {
        while let Some(reason) = self.timers.pop(self.now) {
            match reason {
                Deadline::Greeting(link) => self.close(link, crate::service::Close::SignInTimeout),
                Deadline::Program(program) => self.drop_program(program),
                Deadline::Question(question) => self.unanswered(question),
                Deadline::Ring(session) => self.outputs.push_back(Output::Quiet { session }),
                Deadline::Unlock => self.unlock(),
                Deadline::Attach(session) => self.launch_failed(session, "it did not attach to its session in time"),
            }
        }
        if self.client.as_ref().and_then(|client| client.poll_timeout()).is_some_and(|at| at <= self.now) {
            self.inbox.push_back(ClientInput::Timeout);
        }
    }

    /// A number that has never been given out.
    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The registry has changed: everybody is told, and invitations that waited for it are accepted.
    fn apps_changed(&mut self, apps: Vec<Registered>) {
        let apps: BTreeMap<Guid, Registered> = apps.into_iter().map(|entry| (entry.app.guid, entry)).collect();
        let before = std::mem::replace(&mut self.apps, apps);
        let gone: Vec<Guid> = before.keys().filter(|guid| !self.apps.contains_key(*guid)).copied().collect();
        let news: Vec<Registered> =
            self.apps.values().filter(|entry| before.get(&entry.app.guid) != Some(*entry)).cloned().collect();
        for guid in gone {
            self.tell_everybody(&hither_wire::local::Event::AppUnregistered { guid });
        }
        for entry in news {
            let guid = entry.app.guid;
            self.tell_everybody(&hither_wire::local::Event::AppRegistered { app: entry.app });
            self.installed(guid);
        }
    }

    /// The agent stops. Applications are told; what goes on is kept for the next agent.
    fn shutdown(&mut self) {
        self.tell_everybody(&hither_wire::local::Event::Shutdown);
        for link in self.links.keys().copied().collect::<Vec<_>>() {
            self.close(link, crate::service::Close::GoingAway);
        }
        self.unsaved = true;
        self.outputs.push_back(Output::Stop);
    }
}

#[cfg(test)]
mod tests;
