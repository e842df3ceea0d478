//! The client: one device of one person, with its connection, its sessions and its calls.
//!
//! It is driven as the crate says: one [`Input`] with the time, then every [`Output`]. A session's
//! state changes by the service's events and by nothing else; a call returns after its events have
//! been told. Lost connections are made again, requests said again under their keys, and neither
//! application notices (R17); what cannot be delivered within the grace fails with its own code
//! (R29).
//!
//! | file | what is decided there |
//! | --- | --- |
//! | `link`, `sign_in`, `backoff` | when to connect, sign in, resume, wait, stop |
//! | `calls`, `properties` | what the application may do (R26) |
//! | `requests`, `answers` | what is on the wire, what follows from an answer |
//! | `record`, `sessions` | what the service's events make of a session (R8) |
//! | `acks`, `resume` | what is acknowledged, what another process needs to go on |
//! | `presence` | which changes of presence are real |
//! | `neighbour` | what only an agent tells |
//! | `lock` | Lock and Key, as far as this side sees it |
//!
//! It knows no sockets, no files and no clock: the sdk does.

mod acks;
mod answers;
mod backoff;
mod calls;
mod link;
mod lock;
mod neighbour;
mod port;
mod presence;
mod properties;
mod record;
mod requests;
mod resume;
mod sessions;
mod sign_in;

use std::collections::VecDeque;
use std::fmt;

use hither_wire::message::{Credential, Request};
use hither_wire::{Address, ClientFrame, Code, DeviceId, Event as Told, PersonName, Status};

use crate::Millis;
use crate::timers::Timers;
use acks::{Acks, Arrival};
use backoff::Backoff;
use link::{Link, Standing};
use lock::Lock;
pub use lock::LockSnapshot;
use neighbour::Neighbour;
pub use port::{Call, CallId, Event, Input, Output, Refusal, Reply, SessionSnapshot, Setup, Stop};
use presence::Presence;
use requests::{Pending, Requests};
pub use resume::ResumePoint;
use resume::Unanswered;
use sessions::{Sessions, is_bounded};

/// The client machine.
pub struct Client {
    /// `None` until the other end has said who it is.
    user: Option<PersonName>,
    friendly_name: Box<str>,
    credential: Credential,
    device: DeviceId,
    status: Option<Status>,
    /// Its name and version, for the service's log.
    program: Box<str>,
    now: Millis,
    link: Link,
    standing: Standing,
    /// How long the service waits for this device (R17).
    grace_ms: Millis,
    backoff: Backoff,
    redirects: u8,
    /// How often a token that was good once may still be refused before that is believed.
    renewals: u8,
    /// Ids of requests that have been used.
    ids: u64,
    /// This side's address of the connection.
    own_address: Option<Address>,
    requests: Requests,
    sessions: Sessions,
    presence: Presence,
    acks: Acks,
    /// How many events the application has been told.
    told_events: u64,
    /// How many of them it has taken.
    taken_events: u64,
    /// For a resume point: those it has not taken.
    untaken: VecDeque<Event>,
    durable: bool,
    relay: bool,
    /// What the other end says if it is an agent.
    neighbour: Option<Neighbour>,
    lock: Lock,
    /// Whether a resume point would say something new.
    unsaved: bool,
    timers: Timers<Deadline>,
    outputs: VecDeque<Output>,
}

/// What has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Deadline {
    /// To connect again.
    Retry,
    /// To be signed in.
    Attempt,
    /// To be back (R17).
    Grace,
    /// To have acknowledged.
    Ack,
    /// To hear something, though nothing was asked.
    Silence,
    /// To hear something, since something was asked.
    Answer,
}

// The credential stays out of every log.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("user", &self.user)
            .field("device", &self.device)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that has never been signed in.
    pub fn new(setup: Setup) -> Client {
        Client {
            user: setup.user,
            friendly_name: "".into(),
            credential: setup.credential,
            device: setup.device,
            status: setup.status,
            program: setup.client,
            now: 0,
            link: Link::Idle,
            standing: Standing::New,
            grace_ms: 0,
            backoff: Backoff::new(setup.seed),
            redirects: 0,
            renewals: 0,
            ids: 0,
            own_address: None,
            requests: Requests::new(setup.key_prefix),
            sessions: Sessions::default(),
            presence: Presence::default(),
            acks: Acks::default(),
            told_events: 0,
            taken_events: 0,
            untaken: VecDeque::new(),
            durable: setup.durable,
            relay: setup.relay,
            neighbour: None,
            lock: Lock::default(),
            unsaved: false,
            timers: Timers::default(),
            outputs: VecDeque::new(),
        }
    }

    /// A client that goes on where another one was. The device is that of the point, and `setup`
    /// must be of its person; a status in `setup` replaces the one that was chosen.
    pub fn restore(setup: Setup, point: ResumePoint) -> Client {
        let ResumePoint { device, status, epoch, arrived, taken, events, sessions, requests, .. } = point;
        let mut client = Client::new(setup);
        client.device = device;
        client.status = client.status.or(status);
        client.standing = epoch.map_or(Standing::New, Standing::Restored);
        client.acks = Acks::restored(arrived, taken, events.len() as u64);
        client.sessions = Sessions::restored(sessions);
        client.untaken = events.into();
        for Unanswered(ask) in requests {
            client.requests.restore(ask);
        }
        client
    }

    /// Takes one input. All outputs of the one before must have been taken.
    pub fn handle(&mut self, now: Millis, input: Input) {
        debug_assert!(self.outputs.is_empty(), "take the outputs first");
        self.now = self.now.max(now);
        match input {
            Input::Start => self.start(),
            Input::Call { id, call } => self.call(id, call),
            Input::Changed => {}
            Input::Taken { events } => self.taken(events),
            Input::Saved => self.acks.saved(),
            Input::Opened { local } => self.opened(local.and_then(|ip| Address::parse(&ip.to_string()).ok())),
            Input::ConnectFailed => self.connect_failed(),
            Input::Frame(frame) => self.frame(frame),
            Input::Unreadable => self.nonsense(),
            Input::Heard => self.heard(),
            Input::ConnectionClosed { code } => self.connection_closed(code),
            Input::Timeout => self.timeout(),
        }
        self.clear_let_go();
        self.pump();
        self.acknowledge();
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        if std::mem::take(&mut self.unsaved) && self.durable {
            self.acks.begin_save();
            return Some(Output::Save);
        }
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next().map(|(at, _)| at)
    }

    /// What another machine needs to go on where this one is; `None` while nobody knows who it is.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        let epoch = self.standing.stay();
        let (arrived, taken) = epoch.map_or((0, 0), |_| self.acks.state());
        // A password is not kept; whoever has changed it knows it.
        let is_kept = |pending: &&Pending| pending.key.is_some() && !matches!(pending.request, Request::Account(_));
        let keyed = self.requests.iter().filter(is_kept);
        Some(ResumePoint {
            user: self.user.clone()?,
            device: self.device,
            token: self.token().map(Into::into),
            status: self.status,
            epoch,
            arrived,
            taken,
            events: self.untaken.iter().filter(|event| event.is_of_session()).cloned().collect(),
            sessions: self.sessions.to_keep(),
            requests: keyed.map(Unanswered::of).collect(),
        })
    }

    /// Who is, or wants to be, signed in; `None` until an agent has said it.
    pub fn user(&self) -> Option<&PersonName> {
        self.user.as_ref()
    }

    /// The person's friendly name, once signed in.
    pub fn friendly_name(&self) -> &str {
        &self.friendly_name
    }

    /// This installation.
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The session token, if there is one.
    pub fn token(&self) -> Option<&str> {
        match &self.credential {
            Credential::Token(token) => Some(token),
            Credential::Password(_) | Credential::Registration(_) | Credential::Local => None,
        }
    }

    fn start(&mut self) {
        if self.link != Link::Idle {
            return;
        }
        for event in std::mem::take(&mut self.untaken) {
            self.emit(event);
        }
        if self.relay {
            self.timers.set(Deadline::Grace, Some(self.now.saturating_add(link::FIRST_MS)));
        }
        self.connect(None);
    }

    fn taken(&mut self, events: u64) {
        let events = events.min(self.told_events);
        let news = events.saturating_sub(self.taken_events);
        if news > 0 {
            self.taken_events = events;
            let news = usize::try_from(news).unwrap_or(usize::MAX).min(self.untaken.len());
            self.untaken.drain(..news);
            self.acks.take(events);
            self.unsaved = true;
        }
    }

    fn timeout(&mut self) {
        while let Some(reason) = self.timers.pop(self.now) {
            match reason {
                Deadline::Retry => self.connect(None),
                Deadline::Attempt => self.give_up(Stop::TimedOut),
                Deadline::Grace => self.grace_over(),
                Deadline::Ack => self.acknowledge_alone(),
                Deadline::Silence => self.silence(),
                Deadline::Answer => self.answer_overdue(),
            }
        }
    }

    /// An event of the service.
    fn told(&mut self, seq: Option<u64>, told: Told) {
        if !is_bounded(&told) {
            return self.nonsense();
        }
        match (seq.map(|seq| self.acks.arrive(seq)), told) {
            (None, Told::Presence { who, friendly_name, status }) => {
                for event in self.presence.heard(who, friendly_name, status) {
                    self.emit(event);
                }
            }
            (None, Told::SignedOut { code }) => self.signed_out(code),
            (None, Told::Expiring { in_ms }) => self.emit(Event::TokenExpiring { in_ms }),
            (None, told @ Told::Lock { .. }) => self.lock_told(told),
            (None, Told::Unknown) | (Some(Arrival::Again), _) => {}
            (None | Some(Arrival::Gap), _) => self.nonsense(),
            (Some(Arrival::Next), told) => {
                if lock::is_of_lock(&told) {
                    self.lock_told(told);
                } else {
                    let relayed = self.relay.then(|| Event::Relayed(Box::new(told.clone())));
                    let events = self.sessions.fold(self.now, told);
                    self.tell(relayed, events);
                }
                self.acks.wait_for(self.told_events);
                self.acks.take(self.taken_events);
                self.unsaved = true;
                self.link_was_good();
            }
        }
    }

    /// The service signs this person out; a service that only stops for a while is waited for.
    fn signed_out(&mut self, code: Code) {
        if !matches!(code, Code::MSGR_E_SERVER_SHUTDOWN | Code::MSGR_E_SERVER_TOO_BUSY) {
            self.stop(Stop::SignedOutByService(code), None);
        }
    }

    /// Tells the application what a message means, or the message itself if it is passed on. One that
    /// means nothing is not.
    fn tell(&mut self, relayed: Option<Event>, events: Vec<Event>) {
        match relayed {
            Some(relayed) if !events.is_empty() => self.emit(relayed),
            Some(_) => {}
            None => events.into_iter().for_each(|event| self.emit(event)),
        }
    }

    fn emit(&mut self, event: Event) {
        self.told_events += 1;
        if self.durable {
            self.untaken.push_back(event.clone());
        }
        self.unsaved = true;
        self.outputs.push_back(Output::Event(event));
    }

    /// Acknowledges alone what no request has carried in time.
    fn acknowledge(&mut self) {
        if !self.durable {
            self.acks.begin_save();
            self.acks.saved();
        }
        if self.is_up() && self.acks.is_due(self.now) {
            self.acknowledge_alone();
        }
        self.timers.set(Deadline::Ack, self.acks.due);
    }

    fn acknowledge_alone(&mut self) {
        if let Some(ack) = self.acks.tell() {
            self.outputs.push_back(Output::Send(ClientFrame { ack: Some(ack), ask: None }));
        }
    }
}

#[cfg(test)]
mod tests;
