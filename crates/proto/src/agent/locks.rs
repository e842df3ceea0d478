//! Lock and Key through an agent (reference, section 2.3). An application proves itself to the service:
//! the agent carries the challenge and the response under an object of the application's own, and
//! never sees its key. For the person's own tools the agent proves itself, with a pair of its own.

use hither_wire::lock::Response;
use hither_wire::message::{Event, EventFrame, Request};
use hither_wire::{LockStatus, ServerFrame};

use super::port::Output;
use super::programs::{Program, ProgramId};
use super::service::Purpose;
use super::{Agent, Deadline};
use crate::Millis;
use crate::client::Call;

/// The object under which the service knows an application of this machine.
pub(super) fn object_of(program: ProgramId) -> Box<str> {
    format!("{}", program.0).into()
}

fn program_of(object: &str) -> Option<ProgramId> {
    object.parse().ok().map(ProgramId)
}

/// Whether the service looks at which application asks.
pub(super) fn is_for_an_object(request: &Request) -> bool {
    matches!(request, Request::Invite(_) | Request::Challenge { .. } | Request::Response(_))
}

/// Whether an application that has lost its connection is waited for because of its lock.
pub(super) fn is_worth_keeping(status: LockStatus) -> bool {
    matches!(status, LockStatus::Unlocked | LockStatus::PendingResult)
}

impl Agent {
    /// How the lock of an application begins.
    pub(super) fn fresh_lock(&self) -> LockStatus {
        match self.own_lock() {
            LockStatus::NotInitialized => LockStatus::NotInitialized,
            LockStatus::Disabled => LockStatus::Disabled,
            LockStatus::Initialized | LockStatus::PendingResult | LockStatus::Unlocked | LockStatus::UnlockFailed => {
                LockStatus::Initialized
            }
        }
    }

    /// Whether what is locked is refused to an application. While the service has not said whether it
    /// has a lock, nothing is: a registration on one's own machine is no secret of the service's.
    pub(super) fn is_locked(&self, id: ProgramId) -> bool {
        self.programs.get(&id).is_some_and(|program| program.lock.is_locked())
    }

    /// `OnLockEnable` for an application that has just signed in, if it is known.
    pub(super) fn tell_lock(&mut self, id: ProgramId) {
        let Some(program) = self.programs.get(&id) else { return };
        let (Some(link), status) = (program.link, program.lock) else { return };
        if status == LockStatus::NotInitialized {
            return;
        }
        let event = Event::Lock { object: None, enabled: status != LockStatus::Disabled, status };
        let frame = ServerFrame::Event(EventFrame { seq: None, event });
        self.outputs.push_back(Output::Send { link, frame });
    }

    /// The service has said whether there is a lock.
    pub(super) fn lock_enabled(&mut self, enabled: bool) {
        let fresh = if enabled { LockStatus::Initialized } else { LockStatus::Disabled };
        for id in self.program_ids() {
            let Some(program) = self.programs.get_mut(&id) else { continue };
            // One that an earlier agent has left is as it was, if the stay is.
            if program.lock == LockStatus::NotInitialized {
                program.lock = fresh;
                self.tell_lock(id);
            }
        }
        self.unsaved = true;
    }

    /// Another stay at the service: every lock begins anew.
    pub(super) fn locks_anew(&mut self) {
        for id in self.program_ids() {
            match self.programs.get_mut(&id) {
                // That is nothing to be told of.
                Some(program) if program.lock == LockStatus::Disabled => program.lock = LockStatus::NotInitialized,
                Some(_) | None => self.lock_is(id, LockStatus::NotInitialized),
            }
        }
    }

    /// The agent's own lock: opened with its own pair, if it has one.
    pub(super) fn own_lock_changed(&mut self, status: LockStatus, retry_after_ms: Option<Millis>) {
        if status == LockStatus::NotInitialized {
            return self.locks_anew();
        }
        self.locks_switched(status);
        let again = retry_after_ms.map(|after| self.now.saturating_add(after));
        self.timers.set(Deadline::Unlock, again.filter(|_| status == LockStatus::Initialized));
        if again.is_none() {
            self.unlock();
        }
    }

    /// The service has turned its lock on or off: it tells so of those applications only that have asked
    /// for a challenge.
    fn locks_switched(&mut self, own: LockStatus) {
        for id in self.program_ids() {
            let before = self.programs.get(&id).map_or(LockStatus::NotInitialized, |program| program.lock);
            match (own, before) {
                (_, LockStatus::NotInitialized) => {}
                (LockStatus::Disabled, _) => self.lock_is(id, LockStatus::Disabled),
                (_, LockStatus::Disabled) => self.lock_is(id, LockStatus::Initialized),
                (_, _) => {}
            }
        }
    }

    /// Asks for a challenge, if there is something to answer it with.
    pub(super) fn unlock(&mut self) {
        if self.shell.has_key && self.own_lock() == LockStatus::Initialized {
            let cookie = u32::try_from(self.number() & u64::from(u32::MAX)).unwrap_or(1).max(1);
            self.call(Call::RequestChallenge { cookie }, Purpose::Own);
        }
    }

    pub(super) fn prove(&mut self, cookie: u32, challenge: Box<str>) {
        if self.shell.has_key {
            self.outputs.push_back(Output::Prove { cookie, challenge });
        }
    }

    pub(super) fn proved(&mut self, response: Box<Response>) {
        self.call(Call::SendResponse(response), Purpose::Own);
    }

    /// An event about the lock of an application is passed on to it; others are given back.
    pub(super) fn lock_told(&mut self, told: Event) -> Option<Event> {
        match told {
            Event::Lock { object, status, .. } => self.lock_seen(object?, status),
            Event::LockChallenge { object, cookie, challenge } => {
                self.pass_on(&object?, Event::LockChallenge { object: None, cookie, challenge });
            }
            Event::LockResult { object, cookie, ok } => {
                self.pass_on(&object?, Event::LockResult { object: None, cookie, ok });
            }
            Event::LockStatus { object, status, error, retry_after_ms } => {
                let object = object?;
                if let Some(program) = program_of(&object).and_then(|id| self.programs.get_mut(&id)) {
                    program.lock = status;
                }
                self.pass_on(&object, Event::LockStatus { object: None, status, error, retry_after_ms });
            }
            other @ (Event::Invited { .. }
            | Event::Invitation(_)
            | Event::Accepted { .. }
            | Event::Connected { .. }
            | Event::Context { .. }
            | Event::Ended(_)
            | Event::Progress { .. }
            | Event::Presence { .. }
            | Event::SignedOut { .. }
            | Event::Expiring { .. }
            | Event::Unknown) => return Some(other),
        }
        None
    }

    /// An application is gone for good, and its object with it.
    pub(super) fn release(&mut self, gone: &Program) {
        if !matches!(gone.lock, LockStatus::NotInitialized | LockStatus::Disabled) {
            self.release_object(object_of(gone.id));
        }
    }

    fn release_object(&mut self, object: Box<str>) {
        let call = Call::Relay { request: Request::Release, key: None, object: Some(object) };
        self.call(call, Purpose::Own);
    }

    /// After a resumed sign-in the service says how every lock stands.
    fn lock_seen(&mut self, object: Box<str>, status: LockStatus) {
        match program_of(&object).filter(|id| self.programs.contains_key(id)) {
            Some(id) => self.lock_is(id, status),
            // Nobody here has it any more.
            None => self.release_object(object),
        }
    }

    fn lock_is(&mut self, id: ProgramId, status: LockStatus) {
        let Some(program) = self.programs.get_mut(&id).filter(|program| program.lock != status) else { return };
        program.lock = status;
        self.push(id, Event::LockStatus { object: None, status, error: None, retry_after_ms: None });
    }

    fn pass_on(&mut self, object: &str, event: Event) {
        if let Some(id) = program_of(object) {
            self.push(id, event);
        }
    }

    pub(super) fn own_lock(&self) -> LockStatus {
        self.client.as_ref().map_or(LockStatus::NotInitialized, |client| client.lock().status)
    }

    fn program_ids(&self) -> Vec<ProgramId> {
        self.programs.keys().copied().collect()
    }
}
