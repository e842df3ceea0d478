//! The connection: made, signed in, watched, and made again when it is lost.
//!
//! ```text
//!         ┌──────────── lost: after a while ────────────┐
//!         ▼                                             │
//!      Waiting ──► Connecting ──► Greeting ──► SigningIn ──► Up
//!                      ▲              │            │
//!                      └── redirect ──┴────────────┘        any ──► Stopped
//! ```
//!
//! Until the first sign-in has succeeded, a failure is final: whoever starts a client wants to hear
//! of a wrong address or password at once. Later failures are only a wait, unless the service says
//! that coming back makes no sense.

use hither_wire::message::{Ended, Event as Told, How, Request};
use hither_wire::{ClientFrame, Code, ServerFrame, SessionId};

use super::neighbour::Neighbour;
use super::port::{CallId, Event, Output, Reply, Stop};
use super::requests::Pending;
use super::{Client, Deadline, LockSnapshot};
use crate::Millis;
use crate::service::Close;
use crate::timers::Timers;

/// How long connecting, `hello` and signing in may take together.
const ATTEMPT_MS: Millis = 20_000;
/// How long nothing may be heard while something is asked.
const ANSWER_MS: Millis = 10_000;
/// A connection that lasted this long was good, even if nobody asked anything.
const STEADY_MS: Millis = 10_000;
/// How long calls wait for the first connection, and what an earlier process was in is taken as going
/// on, where the client goes on trying.
pub(super) const FIRST_MS: Millis = 30_000;
/// How long to stay away at most, whatever the service says.
const AWAY_MS: Millis = 10 * 60 * 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Not started.
    Idle,
    /// Until the next try.
    Waiting,
    Connecting,
    /// `hello` is on its way.
    Greeting {
        id: u64,
    },
    /// The sign-in is on its way.
    SigningIn {
        id: u64,
        /// The stay that is to be resumed.
        resuming: Option<u64>,
        terms: Terms,
    },
    Up(Up),
    Stopped,
}

/// What the service said of itself in its answer to `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// Of this much silence the service makes a ping.
    pub keepalive_ms: Millis,
    /// How many requests may wait for their answer.
    pub requests: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Up {
    terms: Terms,
    since: Millis,
    heard: Millis,
    /// Whether it has been good for something already.
    good: bool,
}

/// How this device stands with the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It has never been signed in.
    New,
    /// It was, in an earlier process, in this stay; this process has not been yet.
    Restored(u64),
    /// It is, or is waited for, in this stay.
    Known(u64),
    /// It was away beyond the grace: whatever the service knows of it is over.
    Lost,
}

impl Client {
    pub(super) fn connect(&mut self, redirect: Option<Box<str>>) {
        self.link = Link::Connecting;
        self.timers.set(Deadline::Attempt, Some(self.now.saturating_add(ATTEMPT_MS)));
        self.outputs.push_back(Output::Connect { redirect });
    }

    pub(super) fn frame(&mut self, frame: ServerFrame) {
        self.heard();
        match (&self.link, frame) {
            (Link::Greeting { id }, ServerFrame::Answer(answer)) if answer.re == *id => self.greeted(*answer),
            (Link::SigningIn { id, resuming, terms }, ServerFrame::Answer(answer)) if answer.re == *id => {
                let (resuming, terms) = (*resuming, *terms);
                self.sign_in_answered(*answer, resuming, terms);
            }
            (Link::Up(_), ServerFrame::Answer(answer)) => self.answered(*answer),
            (Link::Up(_), ServerFrame::Event(event)) => self.told(event.seq, event.event),
            (Link::Up(_), ServerFrame::Local(event)) => self.told_by_agent(*event),
            (Link::Greeting { .. } | Link::SigningIn { .. }, _) => self.nonsense(),
            (Link::Idle | Link::Waiting | Link::Connecting | Link::Stopped, _) => {}
        }
    }

    /// What the service says breaks the rules: better a new connection than a wrong state.
    pub(super) fn nonsense(&mut self) {
        if self.is_connected() {
            tracing::debug!("the service broke the rules of the protocol");
            self.give_up(Stop::Nonsense);
        }
    }

    pub(super) fn connect_failed(&mut self) {
        if self.link == Link::Connecting {
            self.lost(Code::MSGR_E_DISCONNECTED, None, Stop::Unreachable);
        }
    }

    pub(super) fn connection_closed(&mut self, code: Option<u16>) {
        if !self.is_connected() {
            return;
        }
        let is = |close: Close| code == Some(close.number());
        if is(Close::Replaced) || is(Close::Hello) {
            self.link = Link::Waiting;
            return self.stop(if is(Close::Hello) { Stop::Version } else { Stop::Replaced }, None);
        }
        if is(Close::Binary) || is(Close::TooLong) || is(Close::Malformed) {
            // One of the requests cannot be read, and saying it again would not help.
            let failed = self.requests.take_if(Pending::is_sent);
            let returns = self.fail(failed);
            self.outputs.extend(returns);
        }
        let reason = if is(Close::GoingAway) { Code::MSGR_E_SERVER_SHUTDOWN } else { Code::MSGR_E_DISCONNECTED };
        self.lost(reason, None, Stop::Closed(code));
    }

    /// Leaves the connection and makes another; `first` is what to stop with if it was the first.
    pub(super) fn give_up(&mut self, first: Stop) {
        self.outputs.push_back(Output::Close);
        self.lost(Code::MSGR_E_DISCONNECTED, None, first);
    }

    /// The connection is gone, or did not come about: tries again after a while, at least after
    /// `after_ms`.
    pub(super) fn lost(&mut self, reason: Code, after_ms: Option<Millis>, first: Stop) {
        let link = std::mem::replace(&mut self.link, Link::Waiting);
        if matches!(self.standing, Standing::New | Standing::Restored(_)) && !self.relay {
            return self.stop(first, None);
        }
        if let Link::Up(up) = link {
            if up.good || self.now.saturating_sub(up.since) >= STEADY_MS {
                self.backoff.reset();
            }
            self.timers.set(Deadline::Grace, Some(self.now.saturating_add(self.grace_ms)));
            self.emit(Event::ConnectionLost { code: reason });
        }
        for deadline in [Deadline::Attempt, Deadline::Silence, Deadline::Answer] {
            self.timers.set(deadline, None);
        }
        self.acks.due = None;
        self.presence.interrupt();
        self.requests.unsend();
        if self.requests.iter().any(only_leaves) {
            return self.sign_out_now();
        }
        let wait_ms = self.backoff.next().max(after_ms.unwrap_or(0).min(AWAY_MS));
        self.timers.set(Deadline::Retry, Some(self.now.saturating_add(wait_ms)));
    }

    /// Something was heard: the connection lives.
    pub(super) fn heard(&mut self) {
        if let Link::Up(up) = &mut self.link {
            up.heard = self.now;
        }
    }

    /// Nothing has been said for a while: if nothing was heard either, asks.
    pub(super) fn silence(&mut self) {
        let Link::Up(up) = &self.link else { return };
        let patience = up.terms.keepalive_ms.saturating_mul(2);
        let mut due = up.heard.saturating_add(patience);
        if due <= self.now {
            due = self.now.saturating_add(patience);
            if !self.requests.is_waiting() {
                self.requests.push(None, Request::Ping);
            }
        }
        self.timers.set(Deadline::Silence, Some(due));
    }

    /// Something was asked a while ago: if nothing has been heard since, nobody is there.
    pub(super) fn answer_overdue(&mut self) {
        let Link::Up(up) = &self.link else { return };
        if !self.requests.is_waiting() {
            return;
        }
        let due = up.heard.saturating_add(ANSWER_MS);
        if due > self.now {
            self.timers.set(Deadline::Answer, Some(due));
        } else {
            self.give_up(Stop::TimedOut);
        }
    }

    /// The service does not wait for this device any longer (R17, R29).
    pub(super) fn grace_over(&mut self) {
        if self.is_up() || self.is_stopped() {
            return;
        }
        self.standing = Standing::Lost;
        self.lock_anew();
        // A sign-in that is on its way could still resume what is over here.
        if matches!(self.link, Link::SigningIn { resuming: Some(_), .. }) {
            self.give_up(Stop::TimedOut);
        }
        self.fail_everything();
        if let Some(gone) = self.neighbour.as_mut().and_then(Neighbour::gone) {
            self.emit(gone);
        }
    }

    /// Sends whatever waits and may be sent.
    pub(super) fn pump(&mut self) {
        let Link::Up(up) = &self.link else { return };
        let was_waiting = self.requests.is_waiting();
        while let Some(ask) = self.requests.next(up.terms.requests, self.ids + 1) {
            self.ids += 1;
            let ack = self.acks.tell();
            self.outputs.push_back(Output::Send(ClientFrame { ack, ask: Some(ask) }));
        }
        if !was_waiting && self.requests.is_waiting() {
            self.timers.set(Deadline::Answer, Some(self.now.saturating_add(ANSWER_MS)));
        }
    }

    /// Stops for good: everything that waits has failed, every session is lost. `asked` is the call
    /// that wanted it.
    pub(super) fn stop(&mut self, stop: Stop, asked: Option<CallId>) {
        if self.is_connected() || self.link == Link::Connecting {
            self.outputs.push_back(Output::Close);
        }
        self.link = Link::Stopped;
        self.timers = Timers::default();
        self.acks.due = None;
        if matches!(self.standing, Standing::Known(_) | Standing::Lost) {
            self.standing = Standing::Lost;
            self.fail_everything();
            self.lock = LockSnapshot::default();
            self.emit(Event::SignedOut { code: stop.code() });
            // This process has been told, and there is nothing that another one could go on with.
            self.untaken.clear();
            // What is kept belongs to the newer connection's process now.
            self.durable &= stop != Stop::Replaced;
        } else {
            // What an earlier process asked waits for the next one.
            let failed = self.requests.take_if(|pending| pending.call.is_some());
            let returns = self.fail(failed);
            self.outputs.extend(returns);
        }
        if let Some(id) = asked {
            self.outputs.push_back(Output::Return { id, result: Ok(Reply::Done) });
        }
        self.outputs.push_back(Output::Stopped(stop));
    }

    /// Signs out without the service, which is not there; it waits for the device, and then gives
    /// it up.
    pub(super) fn sign_out_now(&mut self) {
        let leaving = self.requests.take_if(only_leaves);
        self.stop(Stop::SignedOut, leaving.into_iter().find_map(|pending| pending.call));
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.link, Link::Up(_))
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.link == Link::Stopped
    }

    /// Whether the application has asked to sign out.
    pub(super) fn is_leaving(&self) -> bool {
        self.requests.iter().any(is_sign_out)
    }

    /// Whether calls fail at once, because the grace is over and the connection still down.
    pub(super) fn is_given_up(&self) -> bool {
        self.standing == Standing::Lost && !self.is_up()
    }

    /// The connection was good for something, so the next loss begins with a quick try.
    pub(super) fn link_was_good(&mut self) {
        if let Link::Up(up) = &mut self.link {
            up.good = true;
        }
    }

    fn is_connected(&self) -> bool {
        matches!(self.link, Link::Greeting { .. } | Link::SigningIn { .. } | Link::Up(_))
    }

    fn fail_everything(&mut self) {
        self.unsaved = true;
        let failed = self.requests.take_if(|_| true);
        let returns = self.fail(failed);
        self.lose_sessions();
        self.outputs.extend(returns);
    }

    pub(super) fn lose_sessions(&mut self) {
        let live: Vec<SessionId> = self.sessions.live().map(|record| record.id).collect();
        for session in live {
            self.lose(session);
        }
    }

    /// A session is lost to this side (R17).
    pub(super) fn lose(&mut self, session: SessionId) {
        let code = Code::SR_CONNECTION_FAILURE;
        let how = How::Terminated;
        let ended = Told::Ended(Box::new(Ended { session, how, by: None, code, data: None, reason: None }));
        let relayed = self.relay.then(|| Event::Relayed(Box::new(ended)));
        let events = self.sessions.lose(session, code);
        self.tell(relayed, events);
    }
}

impl Standing {
    /// The stay that can be resumed, if there is one.
    pub fn stay(self) -> Option<u64> {
        match self {
            Standing::Restored(epoch) | Standing::Known(epoch) => Some(epoch),
            Standing::New | Standing::Lost => None,
        }
    }
}

impl Up {
    pub fn new(terms: Terms, now: Millis) -> Up {
        Up { terms, since: now, heard: now, good: false }
    }
}

/// A sign-out that needs no service.
fn only_leaves(pending: &Pending) -> bool {
    matches!(pending.request, Request::SignOut { revoke: false })
}

fn is_sign_out(pending: &Pending) -> bool {
    matches!(pending.request, Request::SignOut { .. })
}
