//! Lock and Key as this side sees it: what the service says of the lock, and what can be answered
//! without asking it (reference, section 2.3). The service decides; this side only spares it questions.

use hither_wire::lock::Response;
use hither_wire::message::{Event as Told, Request};
use hither_wire::{Code, LockStatus, limits, local};

use super::Client;
use super::port::{Event, Refusal};
use crate::lock::{Call, policy};

/// What is known of the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockSnapshot {
    /// `IMsgrLock::Status`.
    pub status: LockStatus,
    /// The challenge that waits for a response, with its cookie.
    pub challenge: Option<(u32, Box<str>)>,
    /// Why the last try has not unlocked.
    pub error: Option<Code>,
    /// When to try again, in milliseconds from when that was told.
    pub retry_after_ms: Option<u64>,
}

/// The lock as the client machine holds it.
pub(super) type Lock = LockSnapshot;

/// Whether an event is about a lock.
pub(super) fn is_of_lock(told: &Told) -> bool {
    match told {
        Told::Lock { .. } | Told::LockChallenge { .. } | Told::LockResult { .. } | Told::LockStatus { .. } => true,
        Told::Invited { .. }
        | Told::Invitation(_)
        | Told::Accepted { .. }
        | Told::Connected { .. }
        | Told::Context { .. }
        | Told::Ended(_)
        | Told::Progress { .. }
        | Told::Presence { .. }
        | Told::SignedOut { .. }
        | Told::Expiring { .. }
        | Told::Unknown => false,
    }
}

impl Client {
    /// What is known of the lock.
    pub fn lock(&self) -> &LockSnapshot {
        &self.lock
    }

    /// An event about a lock: this client's own, or that of somebody whom it passes events on to.
    pub(super) fn lock_told(&mut self, told: Told) {
        match told {
            Told::Lock { object: Some(_), .. }
            | Told::LockChallenge { object: Some(_), .. }
            | Told::LockResult { object: Some(_), .. }
            | Told::LockStatus { object: Some(_), .. } => {
                if self.relay {
                    self.emit(Event::Relayed(Box::new(told)));
                }
            }
            Told::Lock { object: None, enabled, status } => {
                if self.lock.status == LockStatus::NotInitialized {
                    self.emit(Event::LockEnable { enabled });
                }
                self.lock_is(status, None, None);
            }
            Told::LockChallenge { object: None, cookie, challenge } => {
                self.lock.challenge = Some((cookie, challenge.clone()));
                self.emit(Event::LockChallenge { cookie, challenge });
            }
            Told::LockResult { object: None, cookie, ok } => {
                self.lock.challenge = None;
                self.emit(Event::LockResult { cookie, ok });
            }
            Told::LockStatus { object: None, status, error, retry_after_ms } => {
                self.lock_is(status, error, retry_after_ms);
            }
            Told::Invited { .. }
            | Told::Invitation(_)
            | Told::Accepted { .. }
            | Told::Connected { .. }
            | Told::Context { .. }
            | Told::Ended(_)
            | Told::Progress { .. }
            | Told::Presence { .. }
            | Told::SignedOut { .. }
            | Told::Expiring { .. }
            | Told::Unknown => {}
        }
    }

    /// Another stay begins, or this one is over: nobody has said yet how the lock stands.
    pub(super) fn lock_anew(&mut self) {
        self.lock_is(LockStatus::NotInitialized, None, None);
    }

    /// Refuses what is locked, as far as this side knows.
    pub(super) fn unlocked(&self) -> Result<(), Refusal> {
        if !self.lock.status.is_locked() {
            return Ok(());
        }
        let message = if self.relay {
            "the service lets only applications with a key invite, and this agent has none that it takes: \
             start it with `hither agent --app-id ID --key-file FILE`"
        } else {
            Code::MSGR_E_API_LOCKED.advice()
        };
        Err(Refusal::because(Code::MSGR_E_API_LOCKED, message))
    }

    pub(super) fn judge_challenge(&self, cookie: u32) -> Result<Request, Refusal> {
        policy(self.lock.status, Call::Request).map_err(Refusal::new)?;
        Ok(Request::Challenge { cookie })
    }

    pub(super) fn judge_response(&self, response: Box<Response>) -> Result<Request, Refusal> {
        let fits = |text: &str, max| !text.is_empty() && text.len() <= max;
        if !fits(&response.app_id, limits::APP_ID_BYTES) || !fits(&response.response, limits::RESPONSE_BYTES) {
            let message = "an application's id and a response are 1 to 128 bytes long";
            return Err(Refusal::because(Code::E_INVALIDARG, message));
        }
        match policy(self.lock.status, Call::Respond) {
            Ok(()) => Ok(Request::Response(response)),
            Err(Code::MSGR_E_API_LOCKED) => {
                let message = "no challenge waits for a response: request one first";
                Err(Refusal::because(Code::MSGR_E_API_LOCKED, message))
            }
            Err(code) => Err(Refusal::new(code)),
        }
    }

    /// Registering is locked too; it happens at an agent.
    pub(super) fn judge_local(&self, request: Box<local::Request>) -> Result<Request, Refusal> {
        if matches!(*request, local::Request::Register(_) | local::Request::Unregister { .. }) {
            self.unlocked()?;
        }
        Ok(Request::Local(request))
    }

    fn lock_is(&mut self, status: LockStatus, error: Option<Code>, retry_after_ms: Option<u64>) {
        if status == self.lock.status {
            return;
        }
        let challenge = self.lock.challenge.take().filter(|_| status == LockStatus::PendingResult);
        self.lock = LockSnapshot { status, challenge, error, retry_after_ms };
        self.emit(Event::LockStatusChanged { status, error, retry_after_ms });
    }
}
