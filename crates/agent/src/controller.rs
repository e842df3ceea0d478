//! The one loop of the agent: whatever happens is an [`Event`], becomes an input of the machine, and
//! what the machine wants is carried out. It decides nothing itself.
//!
//! The clock is tokio's, so a test can stop it. What belongs to the system comes in from outside:
//! connections to the service ([`Dial`]), the [`Desktop`], [`Programs`], local connections.

mod links;
mod outputs;
mod programs;

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use hither::transport::Clock;
use hither_proto::agent::{Agent, Input, LinkId, Press, Registered, ShellStatus};
use hither_proto::client::{Input as ClientInput, Setup};
use hither_wire::lock::LockStatus;
use hither_wire::message::{ClientFrame, Credential};
use hither_wire::{Code, SessionId};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Duration, Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::apps::Registry;
use crate::credentials::{Account, Credentials};
use crate::desktop::{Button, Desktop, Pressed, Subject};
use crate::launch::Process;
use crate::pair::Pair;
use crate::paths::Paths;
use crate::rules::Rules;
use crate::service::{Dial, Happened};
use crate::state::StateFile;
use links::Link;
pub use links::{NewLink, Stream};
pub use programs::{Ending, Programs};

/// Events that wait for the loop; whoever has more then waits.
pub const EVENTS_MAX: usize = 256;

/// How often what applications say is cut to its last words, and an unreadable sign-in read again.
const LOOK_AFTER: Duration = Duration::from_mins(1);

/// Everything that can happen to the loop.
#[derive(Debug)]
pub enum Event {
    /// An application or a tool has connected.
    Linked(NewLink),
    /// A local connection said something, or is gone.
    Link {
        /// Which.
        link: LinkId,
        /// What.
        received: hither_ipc::Received,
    },
    /// Something happened to a connection to the service.
    Service {
        /// To which connection.
        number: u64,
        /// What.
        happened: Happened,
    },
    /// The person has answered a notification.
    Pressed(Pressed),
    /// A started application has ended.
    Exited {
        /// Which.
        process: Process,
        /// Of which session.
        session: SessionId,
        /// How.
        why: String,
    },
    /// The registry has been written, or not.
    Written {
        /// For whom.
        ticket: hither_proto::agent::Ticket,
        /// What came of it.
        result: Result<(), (Code, String)>,
    },
    /// Files in the agent's folders have changed.
    FilesChanged,
    /// The stored sign-in has been read, or why not.
    SignIn(Result<Option<Account>, String>),
    /// The agent is to stop.
    Stop,
}

/// What the system does for the agent.
pub struct System {
    /// Makes connections to the service.
    pub dial: Dial,
    /// Shows notifications.
    pub desktop: Box<dyn Desktop>,
    /// Starts applications.
    pub programs: Box<dyn Programs>,
    /// Unlocks the service's lock for the person's tools.
    pub pair: Option<Pair>,
}

/// The loop, with what it owns.
pub struct Controller {
    agent: Agent,
    system: System,
    paths: Paths,
    registry: Registry,
    credentials: Credentials,
    state: StateFile,
    clock: Clock,
    account: Option<Account>,
    /// Why the stored sign-in could not be read the last time; tried again once in a while.
    unread: Option<Box<str>>,
    /// Why the memory could not be written the last time.
    unwritten: Option<Box<str>>,
    /// The connection to the service, and its number.
    service: Option<mpsc::UnboundedSender<ClientFrame>>,
    calls: u64,
    links: BTreeMap<LinkId, Link>,
    links_ever: u64,
    /// Connections that are being closed.
    closing: JoinSet<()>,
    /// What the person is asked because of a link.
    asked: BTreeMap<u64, Press>,
    asked_ever: u64,
    watched: BTreeMap<SessionId, Process>,
    complaints: Vec<Box<str>>,
    /// How it stood at the service when the log was told last.
    at_service: (bool, LockStatus),
    events: mpsc::Sender<Event>,
    inbox: mpsc::Receiver<Event>,
    stopped: bool,
}

impl Controller {
    /// A loop that goes on where an earlier one was.
    pub fn new(paths: &Paths, credentials: Credentials, system: System) -> Controller {
        let clock = Clock::start();
        let state = StateFile::new(&paths.state);
        // Microseconds since 1970: no earlier agent has counted so far.
        let first_number = clock.now().saturating_mul(1_000);
        let agent = Agent::new(clock.now(), first_number, state.load());
        let (events, inbox) = mpsc::channel(EVENTS_MAX);
        Controller {
            agent,
            system,
            paths: paths.clone(),
            registry: Registry::new(paths),
            credentials,
            state,
            clock,
            account: None,
            unread: None,
            unwritten: None,
            service: None,
            calls: 0,
            links: BTreeMap::new(),
            links_ever: 0,
            closing: JoinSet::new(),
            asked: BTreeMap::new(),
            asked_ever: 0,
            watched: BTreeMap::new(),
            complaints: Vec::new(),
            at_service: (false, LockStatus::NotInitialized),
            events,
            inbox,
            stopped: false,
        }
    }

    /// Where to tell what happens.
    pub fn events(&self) -> mpsc::Sender<Event> {
        self.events.clone()
    }

    /// Runs until the agent is to stop.
    pub async fn run(mut self) {
        let mut begin = self.files();
        // Whoever asks first is answered by an agent that knows whose it is.
        if let Ok(loaded) = self.load_sign_in().await {
            begin.extend(self.stored_sign_in(loaded));
        }
        self.give_all(begin);
        let mut look_after = interval_at(Instant::now() + LOOK_AFTER, LOOK_AFTER);
        look_after.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.stopped {
            let due = self.agent.poll_timeout().map(|at| self.clock.instant(at));
            let busy = !self.watched.is_empty() || self.unread.is_some();
            tokio::select! {
                biased;
                () = until(due) => self.give(Input::Timeout),
                event = self.inbox.recv() => match event {
                    Some(event) => self.happened(event),
                    None => return,
                },
                _ = look_after.tick(), if busy => {
                    self.look_after_programs();
                    if self.unread.is_some() {
                        self.read_sign_in();
                    }
                }
            }
        }
        self.say_goodbye().await;
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Linked(new) => self.linked(new),
            Event::Link { link, received } => self.heard(link, received),
            Event::Service { number, happened } if number == self.calls && self.service.is_some() => {
                self.service_happened(happened);
            }
            // Of a connection that was given up.
            Event::Service { .. } => {}
            Event::Pressed(pressed) => self.pressed(&pressed),
            Event::Exited { process, session, why } => {
                if self.watched.get(&session) == Some(&process) {
                    self.watched.remove(&session);
                }
                self.give(Input::Exited { session, why });
            }
            Event::Written { ticket, result } => {
                let mut inputs = self.files();
                inputs.push(Input::Written { ticket, result });
                self.give_all(inputs);
            }
            Event::FilesChanged => {
                let inputs = self.files();
                self.give_all(inputs);
            }
            Event::SignIn(loaded) => {
                let inputs = self.stored_sign_in(loaded);
                self.give_all(inputs);
            }
            Event::Stop => self.give(Input::Shutdown),
        }
    }

    fn service_happened(&mut self, happened: Happened) {
        let input = match happened {
            Happened::Opened { local } => ClientInput::Opened { local },
            Happened::Failed(why) => {
                tracing::info!(why, "the service cannot be reached");
                self.service = None;
                ClientInput::ConnectFailed
            }
            Happened::Heard(hither::transport::Heard::Frame(frame)) => ClientInput::Frame(frame),
            Happened::Heard(hither::transport::Heard::Unreadable) => ClientInput::Unreadable,
            Happened::Heard(hither::transport::Heard::Life) => ClientInput::Heard,
            Happened::Heard(hither::transport::Heard::Closed(code)) => {
                self.service = None;
                ClientInput::ConnectionClosed { code }
            }
        };
        self.give(Input::Service(input));
    }

    fn pressed(&mut self, pressed: &Pressed) {
        let press = match *pressed {
            Pressed::Button { subject: Subject::Ringing(session), button: Button::Accept } => Press::Accept(session),
            Pressed::Button { subject: Subject::Ringing(session), button: Button::Decline } => Press::Decline(session),
            Pressed::Button { subject: Subject::Missing(session), button: Button::Get } => Press::Get(session),
            Pressed::Button { subject: Subject::Missing(session), button: Button::No } => Press::Leave(session),
            Pressed::Button { subject: Subject::Link(number), button: Button::Accept | Button::Invite } => {
                match self.asked.remove(&number) {
                    Some(press) => press,
                    None => return,
                }
            }
            Pressed::Button { subject, .. } | Pressed::Dismissed { subject } => {
                if let Subject::Link(number) = subject {
                    self.asked.remove(&number);
                }
                return;
            }
            Pressed::Changed => {
                let shell = self.shell();
                return self.give(shell);
            }
        };
        self.give(Input::Pressed(press));
    }

    /// The registry and the rules, as they are now.
    fn files(&mut self) -> Vec<Input> {
        self.look_after_programs();
        let listing = self.registry.read();
        let (rules, of_rules) = Rules::load(&self.paths);
        let complaints = listing.complaints.iter().chain(&of_rules).map(|complaint| complaint.to_string().into());
        self.complaints = complaints.collect();
        let apps = listing.apps.values().map(|app| Registered { app: app.application(), mode: app.mode });
        let apps = apps.collect();
        vec![self.shell(), Input::Rules(rules.into_rules()), Input::Apps(apps)]
    }

    /// What is kept of programs does not grow without end.
    fn look_after_programs(&mut self) {
        let going_on: Vec<SessionId> = self.agent.sessions().collect();
        self.system.programs.keep(&going_on);
    }

    /// Reads the stored sign-in; a keyring may take its time.
    fn read_sign_in(&self) {
        let (loading, events) = (self.load_sign_in(), self.events.clone());
        tokio::spawn(async move {
            if let Ok(loaded) = loading.await {
                drop(events.send(Event::SignIn(loaded)).await);
            }
        });
    }

    fn load_sign_in(&self) -> JoinHandle<Result<Option<Account>, String>> {
        let credentials = self.credentials.clone();
        tokio::task::spawn_blocking(move || credentials.load().map_err(|error| error.to_string()))
    }

    /// The stored sign-in, as it is now.
    fn stored_sign_in(&mut self, loaded: Result<Option<Account>, String>) -> Vec<Input> {
        let account = match loaded {
            Ok(account) => account,
            // Perhaps a keyring that is locked for now: whoever is signed in stays so.
            Err(what) => {
                tracing::warn!(what, "the stored sign-in cannot be read");
                self.unread = Some(what.into());
                return vec![self.shell()];
            }
        };
        self.unread = None;
        self.account.clone_from(&account);
        let shell = self.shell();
        let Some(account) = account else { return vec![shell, Input::Forget] };
        let program = concat!("hither-agent/", env!("CARGO_PKG_VERSION"));
        let credential = Credential::Token(account.token.into());
        match hither::transport::setup(Some(account.user), credential, Some(account.device), program) {
            Ok(setup) => {
                let setup = Setup { durable: true, relay: true, ..setup };
                vec![shell, Input::SignIn(Box::new(setup))]
            }
            Err(error) => {
                tracing::error!(%error, "the system gives no random numbers");
                vec![shell]
            }
        }
    }

    fn shell(&self) -> Input {
        Input::Shell(Box::new(ShellStatus {
            process: std::process::id(),
            notifications: self.system.desktop.describe().map(Into::into),
            complaints: self.complaints.iter().chain(&self.unread).chain(&self.unwritten).cloned().collect(),
            service: self.account.as_ref().map(|account| account.service.as_str().into()),
            has_key: self.system.pair.is_some(),
        }))
    }

    /// Gives the machine an input and carries out what follows.
    fn give(&mut self, input: Input) {
        self.give_all(vec![input]);
    }

    fn give_all(&mut self, inputs: Vec<Input>) {
        let mut inputs = VecDeque::from(inputs);
        while let Some(input) = inputs.pop_front() {
            self.agent.handle(self.clock.now(), input);
            let mut follows = Vec::new();
            while let Some(output) = self.agent.poll_output() {
                follows.extend(self.carry_out(output));
            }
            inputs.extend(follows);
        }
        self.log_service();
    }

    /// A line when the person is signed in or no longer is, and when the agent's own lock changes.
    fn log_service(&mut self) {
        let before = mem::replace(&mut self.at_service, self.agent.at_service());
        let (connected, lock) = self.at_service;
        if connected != before.0 {
            let status = self.agent.status();
            match status.trouble {
                None => tracing::info!(service = status.service, "signed in"),
                Some(why) => tracing::info!(why, "not signed in"),
            }
        }
        if lock != before.1 {
            tracing::info!(lock = lock.name(), "the service's lock");
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
