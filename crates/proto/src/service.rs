//! The service: people with their devices, who may invite whom, and every session.
//!
//! One machine owns all of it, so there is one order of events: what crosses on the wire is ordered
//! here (R11). It is driven as the crate says: one [`Input`] with the time, then every [`Output`].
//! Durable things are outputs too ([`Output::Load`], [`Output::Store`]), answered by inputs, so that
//! nothing is decided in the middle of a wait.
//!
//! | file | what is decided there |
//! | --- | --- |
//! | `connection` | order of a connection's requests, `hello` |
//! | `sign_in` | signing in and out, resuming, losing a device |
//! | `invite` | who may invite whom (R26, R32), how often (R18) |
//! | `sessions` | every other request of a session; telling the parties |
//! | `contacts`, `presence` | the contact list, who sees whom (R30) |
//! | `account` | one's own account: password, devices, registration |
//! | `expiry` | tokens that end while somebody is signed in |
//! | `device` | a device's numbered events and kept answers |
//! | `locks` | who may do what is locked (section 2.3) |
//! | `operator` | what the operator asks, and changes at once |
//! | `quota` | invitations a minute |
//!
//! It knows no sockets, no passwords and no database: `hither-service` does.

mod account;
mod config;
mod connection;
mod contacts;
mod device;
mod expiry;
mod invite;
mod locks;
mod operator;
mod port;
mod presence;
mod quota;
mod sessions;
mod sign_in;

use std::collections::{BTreeMap, HashMap, VecDeque};

use hither_wire::message::{Answer, Event, EventFrame};
use hither_wire::{DeviceId, PersonName, ServerFrame, SessionId};

use crate::Millis;
use crate::session::Session;
use crate::timers::Timers;
pub use config::Config;
use connection::Conn;
use device::Device;
use locks::{Holder, Object};
use operator::Refreshing;
pub use operator::{Command, Filter, Line, Page, Presence, PresentDevice, Told};
pub use port::{Admitted, Change, Close, ConnId, Denied, Input, Output, Record, Ticket, Whom};
use quota::Quota;

/// The service machine.
#[derive(Debug)]
pub struct Service {
    config: Config,
    now: Millis,
    conns: BTreeMap<ConnId, Conn>,
    /// Everybody who has a device signed in, or a session that goes on.
    people: HashMap<PersonName, Person>,
    sessions: HashMap<SessionId, Session>,
    quota: Quota,
    timers: Timers<Deadline>,
    /// Requests that wait for the store.
    waiting: BTreeMap<Ticket, Waiting>,
    /// Locks that wait for a challenge that nobody has asked for, or for a judgement.
    locks: BTreeMap<Ticket, Holder>,
    /// Records that are being read anew, because the operator has changed them.
    refreshing: BTreeMap<Ticket, Refreshing>,
    tickets: u64,
    /// The number of the next stay of a device.
    next_epoch: u64,
    /// People of whom perhaps nothing is left to think; looked at when an input has been handled.
    maybe_idle: Vec<PersonName>,
    outputs: VecDeque<Output>,
}

/// A person as long as the service has to think of them.
#[derive(Debug)]
struct Person {
    record: Record,
    devices: Vec<Device>,
    /// The sessions the person is in, whatever the device.
    sessions: Vec<SessionId>,
}

/// Who asks: a person on a device.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Who {
    person: PersonName,
    device: DeviceId,
}

/// What has a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Deadline {
    /// A connection must have signed in.
    SignIn(ConnId),
    /// A device must be back (R17).
    Grace(PersonName, DeviceId),
    /// A device's token is about to expire.
    Expiring(PersonName, DeviceId),
    /// A device's token has expired.
    Expired(PersonName, DeviceId),
    /// A session goes on by itself (R16).
    Session(SessionId),
    /// A challenge must be answered, or a failure told.
    Lock(Holder),
}

/// A request that waits for the store.
#[derive(Debug)]
struct Waiting {
    who: Who,
    /// Where to answer; another one once the device has resumed and asked again.
    conn: ConnId,
    id: u64,
    key: Option<Box<str>>,
    job: Job,
}

/// What is to be done when the store has answered.
#[derive(Clone, Debug)]
enum Job {
    Invite(Box<hither_wire::message::Invite>),
    Change(Change),
    SignOut,
    /// The other devices are signed out.
    Password,
    Renew,
    Devices,
    RemoveDevice(DeviceId),
    /// A challenge is being drawn for this object.
    Challenge(Object),
}

impl Service {
    /// A service in which nobody is signed in. `first_epoch` is where the numbers of devices' stays
    /// begin: higher than any that an earlier run has given, so that nobody resumes what that one
    /// knew and this one does not.
    pub fn new(config: Config, first_epoch: u64) -> Service {
        Service {
            config,
            now: 0,
            conns: BTreeMap::new(),
            people: HashMap::new(),
            sessions: HashMap::new(),
            quota: Quota::default(),
            timers: Timers::default(),
            waiting: BTreeMap::new(),
            locks: BTreeMap::new(),
            refreshing: BTreeMap::new(),
            tickets: 0,
            next_epoch: first_epoch,
            maybe_idle: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes one input. All outputs of the one before must have been taken.
    pub fn handle(&mut self, now: Millis, input: Input) {
        debug_assert!(self.outputs.is_empty(), "take the outputs first");
        self.now = self.now.max(now);
        match input {
            Input::Opened { conn } => self.opened(conn),
            Input::Received { conn, frame } => self.received(conn, frame),
            Input::Closed { conn } => self.closed(conn),
            Input::Authenticated { conn, result } => self.authenticated(conn, result),
            Input::Loaded { ticket, person } => self.loaded(ticket, person),
            Input::Stored { ticket, result } => self.stored(ticket, result),
            Input::PasswordChanged { ticket, result } => self.password_changed(ticket, result),
            Input::Renewed { ticket, result } => self.renewed(ticket, result),
            Input::Devices { ticket, result } => self.devices(ticket, result),
            Input::Drawn { ticket, challenge } => self.drawn(ticket, challenge),
            Input::Judged { ticket, judgement } => self.judged(ticket, judgement),
            Input::Lock { on } => self.switch_lock(on),
            Input::Challenge(whom) => self.challenge_unasked(&whom),
            Input::Operator { ticket, command } => self.operator(ticket, command),
            Input::Timeout => self.timeout(),
            Input::Configured(config) => self.config = *config,
            Input::Shutdown => self.shutdown(),
        }
        self.forget_idle();
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next().map(|(at, _)| at)
    }

    /// How much the service holds: people, sessions, connections.
    pub fn load(&self) -> (usize, usize, usize) {
        (self.people.len(), self.sessions.len(), self.conns.len())
    }

    fn timeout(&mut self) {
        while let Some(reason) = self.timers.pop(self.now) {
            match reason {
                Deadline::SignIn(conn) => self.close(conn, Close::SignInTimeout),
                Deadline::Grace(person, device) => self.drop_device(&Who { person, device }),
                Deadline::Expiring(person, device) => self.expiring(&Who { person, device }),
                Deadline::Expired(person, device) => self.expired(&Who { person, device }),
                Deadline::Session(session) => self.session_due(session),
                Deadline::Lock(holder) => self.lock_due(&holder),
            }
        }
    }

    /// Nobody is kept in memory who has neither a device nor a session.
    fn forget_idle(&mut self) {
        for name in std::mem::take(&mut self.maybe_idle) {
            if self.people.get(&name).is_some_and(|person| person.devices.is_empty() && person.sessions.is_empty()) {
                self.people.remove(&name);
            }
        }
    }

    fn shutdown(&mut self) {
        for (conn, state) in std::mem::take(&mut self.conns) {
            if state.who().is_some() {
                let code = hither_wire::Code::MSGR_E_SERVER_SHUTDOWN;
                self.send(conn, ServerFrame::Event(EventFrame { seq: None, event: Event::SignedOut { code } }));
            }
            self.outputs.push_back(Output::Close { conn, why: Close::GoingAway });
        }
    }

    fn ticket(&mut self, waiting: Waiting) -> Ticket {
        let ticket = self.free_ticket();
        self.waiting.insert(ticket, waiting);
        ticket
    }

    fn free_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn send(&mut self, conn: ConnId, frame: ServerFrame) {
        self.outputs.push_back(Output::Send { conn, frame, can_wait: false });
    }

    fn answer(&mut self, conn: ConnId, answer: Answer) {
        self.send(conn, ServerFrame::Answer(Box::new(answer)));
    }

    fn person(&self, name: &PersonName) -> Option<&Person> {
        self.people.get(name)
    }

    fn device_mut(&mut self, who: &Who) -> Option<&mut Device> {
        self.people.get_mut(&who.person)?.device_mut(who.device)
    }
}

impl Person {
    fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    fn device_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.id == id)
    }
}

#[cfg(test)]
pub(crate) mod tests;
