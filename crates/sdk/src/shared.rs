//! What the driver and the handles share: the machine, and the events that wait for the application.
//!
//! Only the driver gives the machine inputs and takes its outputs. The handles read it and set
//! properties, which are no inputs, and then wake the driver.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use hither_proto::client::{Call, Client as Machine, Event, Refusal, Reply};
use hither_wire::{Code, Guid, SessionId};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::Error;
use crate::machine::Clock;
use crate::transport::Target;

/// As long as so many events wait for the application, nothing more is read from the service, which
/// keeps the rest (R6).
pub const EVENTS_MAX: usize = 1_024;
/// Calls on their way to the driver; whoever calls then waits.
pub const CALLS_MAX: usize = 64;

/// When there may be room again in a queue that is full.
const ROOM_MS: u64 = 1_000;

/// A call on its way to the driver.
pub struct Command {
    pub call: Call,
    pub reply: oneshot::Sender<Result<Reply, Refusal>>,
}

/// What one client and its parts have in common. When the last of them is gone, the driver signs out.
pub struct Handle {
    pub shared: Arc<Shared>,
    pub calls: mpsc::Sender<Command>,
    pub target: Target,
    pub user: hither_wire::PersonName,
    pub friendly_name: String,
}

pub struct Shared {
    state: Mutex<State>,
    /// The driver is to look again.
    pub changed: Notify,
    /// A token is about to expire, or has, or nothing more will happen.
    pub token_expires: Notify,
    /// Something has happened to the lock, or nothing more will.
    pub lock_changed: Notify,
    pub clock: Clock,
    /// Whether another process can go on where this one is. Then an event is taken only when the
    /// application has done with it; else as soon as it has it.
    durable: bool,
}

pub struct State {
    pub machine: Machine,
    events: VecDeque<Event>,
    /// Whether the application holds an event that it may not have done with.
    handed_out: bool,
    /// How many events the application has taken.
    taken: u64,
    /// How many of them are taken in the resume point as well.
    settled: u64,
    /// Whether the application still wants to hear.
    listening: bool,
    /// Whether the last event is in.
    over: bool,
    waker: Option<Waker>,
    settling: Option<Waker>,
    /// What a resume point has brought back and nobody has taken.
    pub restored: Vec<SessionId>,
    /// The applications that this program has said it is; an agent that was started anew is told
    /// again. Each is one that an agent has registered.
    pub serves: BTreeSet<Guid>,
}

impl Shared {
    pub fn new(machine: Machine, durable: bool) -> Shared {
        let restored = machine.sessions().collect();
        let state = State {
            machine,
            events: VecDeque::new(),
            handed_out: false,
            taken: 0,
            settled: 0,
            listening: true,
            over: false,
            waker: None,
            settling: None,
            restored,
            serves: BTreeSet::new(),
        };
        Shared {
            state: Mutex::new(state),
            changed: Notify::new(),
            token_expires: Notify::new(),
            lock_changed: Notify::new(),
            clock: Clock::start(),
            durable,
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        // Each change leaves the state usable, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something of the machine that is no input, and lets the driver see what follows.
    pub fn change<T>(&self, change: impl FnOnce(&mut Machine) -> T) -> T {
        let result = change(&mut self.lock().machine);
        self.changed.notify_one();
        result
    }

    /// The application asks for the next event, and so has done with the one before.
    pub fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.lock();
        self.take(&mut state);
        if let Some(event) = state.events.pop_front() {
            state.handed_out = true;
            if !self.durable {
                self.take(&mut state);
            }
            return Poll::Ready(Some(event));
        }
        if state.over {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The application has done with the event before, and waits until that is kept.
    pub fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        self.take(&mut state);
        if state.over || state.settled >= state.taken {
            return Poll::Ready(());
        }
        state.settling = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The application does not want to hear any more: whatever comes counts as taken.
    pub fn stop_listening(&self) {
        let mut state = self.lock();
        self.take(&mut state);
        state.taken += state.events.len() as u64;
        state.events.clear();
        state.listening = false;
        self.changed.notify_one();
    }

    /// Whether nothing will happen any more.
    pub fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Something has happened.
    pub fn push(&self, event: Event) {
        if matches!(event, Event::LockEnable { .. } | Event::LockChallenge { .. } | Event::LockStatusChanged { .. }) {
            self.lock_changed.notify_waiters();
        }
        if matches!(event, Event::TokenExpiring { .. }) {
            self.token_expires.notify_one();
        }
        let mut state = self.lock();
        if state.listening {
            state.events.push_back(event);
            state.wake();
        } else {
            state.taken += 1;
            self.changed.notify_one();
        }
    }

    /// The event that was handed out, if there was one, is taken.
    fn take(&self, state: &mut State) {
        if std::mem::take(&mut state.handed_out) {
            state.taken += 1;
            self.changed.notify_one();
        }
    }
}

impl State {
    /// No event follows.
    pub fn finish(&mut self) {
        self.over = true;
        self.wake();
        self.settle(self.taken);
    }

    /// So many taken events are kept.
    pub fn settle(&mut self, events: u64) {
        self.settled = events;
        if let Some(waker) = self.settling.take() {
            waker.wake();
        }
    }

    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Whether no event follows.
    pub fn is_over(&self) -> bool {
        self.over
    }

    pub fn is_full(&self) -> bool {
        self.events.len() >= EVENTS_MAX
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Handle {
    /// Calls, and waits for the answer. Dropping this future does not take the call back.
    pub async fn call(&self, call: Call) -> Result<Reply, Error> {
        let (reply, answer) = oneshot::channel();
        self.calls.send(Command { call, reply }).await.map_err(|_| Error::SignedOut)?;
        match answer.await.map_err(|_| Error::SignedOut)? {
            Ok(reply) => Ok(reply),
            Err(refusal) if refusal.undelivered && self.target.socket().is_some() => {
                Err(Error::AgentGone(refusal.code))
            }
            // Of a call, not of a property: a queue is full, and will be emptied.
            Err(refusal) if refusal.code == Code::E_OUTOFMEMORY => {
                let retry_after_ms = refusal.retry_after_ms.or(Some(ROOM_MS));
                Err(Refusal { retry_after_ms, ..refusal }.into())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Calls what gives nothing but an outcome.
    pub async fn perform(&self, call: Call) -> Result<(), Error> {
        self.call(call).await.map(drop)
    }
}
