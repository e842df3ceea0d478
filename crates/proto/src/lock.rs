//! Lock and Key: whether an application may use what is locked (reference, section 2.3; R19, R31).
//!
//! ```text
//!                  challenge            drawn             response            right
//!  ┌► Locked ──────────────► Drawing ──────────► Pending ──────────► Judging ──────────► Unlocked
//!  │                            ▲                 │  ▲                │    │                │
//!  │      the service           │        too late │  │ the key is     │    │ wrong          │ the service challenges,
//!  │      challenges unasked    │                 │  │ gone meanwhile │    ▼                │ or the key is gone
//!  │                            │                 │  └── Drawing ◄────┤  Failing            │
//!  │                            │                 ▼                   │    │ after a while  │
//!  │                            ├───────────── Failed ◄───────────────│────┘                │
//!  │                            └─────────────────────────────────────│─────────────────────┘
//!  └──────────────────── nobody could judge: too many failures ───────┘
//! ```
//!
//! There is one for each object that calls: an application that has signed in by itself, or each
//! application behind an agent. It lives as long as the stay at the service, so that a resumed
//! connection finds it as it was, and a new stay begins locked. A try is made once; but the service may
//! challenge at any time, unasked, and then a failed lock gets another try and an open one has to prove
//! itself anew.
//!
//! What a key is, whether a response is right and where challenges come from is told from outside.

use std::collections::BTreeSet;

use hither_wire::{Code, Guid, LockStatus};

use crate::Millis;

/// A lock, with what is known in each state. `LOCK_NOTINITIALIZED` is not among them: until the
/// sign-in there is no lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The service runs without the lock.
    Disabled,
    /// Locked.
    Locked,
    /// A challenge is being drawn.
    Drawing {
        /// Of whoever asked; 0 if nobody did.
        cookie: u32,
    },
    /// A challenge waits for its response.
    Pending {
        /// As in [`Lock::Drawing`].
        cookie: u32,
        /// What is to be answered.
        challenge: Box<str>,
        /// Until when.
        until: Millis,
    },
    /// A response is being judged.
    Judging {
        /// As in [`Lock::Drawing`].
        cookie: u32,
        /// Whose key is said to have made it.
        app_id: Box<str>,
        /// Ties the judgement to the response.
        number: u64,
    },
    /// The response was wrong; whoever gave it does not know yet, for a failure costs time.
    Failing {
        /// As in [`Lock::Drawing`].
        cookie: u32,
        /// When it is told.
        until: Millis,
    },
    /// Unlocked.
    Unlocked {
        /// By whose key.
        app_id: Box<str>,
        /// For which applications; `None` for all.
        apps: Option<BTreeSet<Guid>>,
    },
    /// The response was wrong, or did not come in time.
    Failed,
}

/// What can happen to a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// `RequestChallenge`.
    Request {
        /// A random number of the one who asks.
        cookie: u32,
    },
    /// The service wants a proof, whatever was before.
    Unasked,
    /// The operator turns the lock on or off.
    Switch {
        /// Whether it is on from now on.
        on: bool,
    },
    /// The key of this id is worth nothing any more.
    KeyGone {
        /// Whose key.
        app_id: Box<str>,
    },
    /// A challenge has been drawn.
    Drawn {
        /// The challenge; `None` if the system has no randomness.
        challenge: Option<Box<str>>,
        /// Until when it can be answered.
        until: Millis,
    },
    /// `SendResponse`.
    Respond {
        /// Of the challenge.
        cookie: u32,
        /// Whose key made it.
        app_id: Box<str>,
        /// Never used twice; comes back with the judgement.
        number: u64,
    },
    /// The response has been judged.
    Judged {
        /// Which response.
        number: u64,
        /// What came of it.
        judgement: Judgement,
        /// When a failure is told.
        until: Millis,
    },
    /// The time of [`Lock::deadline`] has come.
    Due,
}

/// What came of judging a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is right.
    Right {
        /// For which applications; `None` for all.
        apps: Option<BTreeSet<Guid>>,
    },
    /// It is wrong. Why is nobody's business but the operator's.
    Wrong,
    /// It could not be judged: the lock is locked again and the challenge used up, but another may be
    /// requested.
    Not {
        /// Why: `MSGR_E_SERVER_TOO_BUSY` after too many failures, `E_FAIL` if the store has failed.
        code: Code,
        /// When to try again.
        retry_after_ms: Option<u64>,
    },
}

/// What follows from a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Draw a challenge; [`Move::Drawn`] answers.
    Draw,
    /// Judge the response to this challenge; [`Move::Judged`] answers.
    Judge {
        /// The challenge, used up by this.
        challenge: Box<str>,
    },
    /// `OnLockStatusChanged`: another status, with why it is not the one that was wanted.
    Status {
        /// Why.
        error: Option<Code>,
        /// When to try again.
        retry_after_ms: Option<u64>,
    },
    /// `OnLockChallenge`.
    Challenge {
        /// As in [`Lock::Drawing`].
        cookie: u32,
        /// What is to be answered.
        challenge: Box<str>,
    },
    /// `OnLockResult`.
    Result {
        /// Of the challenge.
        cookie: u32,
        /// Whether it was right.
        ok: bool,
    },
}

/// What is asked of a lock, without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `RequestChallenge`.
    Request,
    /// `SendResponse`.
    Respond,
    /// Anything that is locked, such as `Invite`.
    Use,
}

/// Whether a call is let through in a status: `Err` says with which code it is refused. This is the
/// whole of the rules of section 2.3 and R31 that do not look at data.
pub fn policy(status: LockStatus, call: Call) -> Result<(), Code> {
    match (status, call) {
        (LockStatus::NotInitialized, _) => Err(Code::MSGR_E_API_NOTINITIALIZED),
        (LockStatus::Disabled | LockStatus::Unlocked, Call::Use)
        | (LockStatus::Initialized, Call::Request)
        | (LockStatus::PendingResult, Call::Respond) => Ok(()),
        (LockStatus::Disabled, Call::Request | Call::Respond) => Err(Code::MSGR_E_API_DISABLED),
        (LockStatus::Unlocked, Call::Request | Call::Respond) => Err(Code::MSGR_E_API_ALREADY_UNLOCKED),
        (LockStatus::PendingResult, Call::Request) => Err(Code::MSGR_E_API_PENDING_UNLOCK),
        (LockStatus::UnlockFailed, Call::Request | Call::Respond) => Err(Code::MSGR_E_API_UNLOCK_FAILED),
        (LockStatus::Initialized, Call::Respond | Call::Use)
        | (LockStatus::PendingResult | LockStatus::UnlockFailed, Call::Use) => Err(Code::MSGR_E_API_LOCKED),
    }
}

impl Lock {
    /// How a stay begins.
    pub fn new(enabled: bool) -> Lock {
        if enabled { Lock::Locked } else { Lock::Disabled }
    }

    /// `LockStatus`.
    pub fn status(&self) -> LockStatus {
        match self {
            Lock::Disabled => LockStatus::Disabled,
            Lock::Locked => LockStatus::Initialized,
            Lock::Drawing { .. } | Lock::Pending { .. } | Lock::Judging { .. } | Lock::Failing { .. } => {
                LockStatus::PendingResult
            }
            Lock::Unlocked { .. } => LockStatus::Unlocked,
            Lock::Failed => LockStatus::UnlockFailed,
        }
    }

    /// When [`Move::Due`] is.
    pub fn deadline(&self) -> Option<Millis> {
        match self {
            Lock::Pending { until, .. } | Lock::Failing { until, .. } => Some(*until),
            Lock::Disabled
            | Lock::Locked
            | Lock::Drawing { .. }
            | Lock::Judging { .. }
            | Lock::Unlocked { .. }
            | Lock::Failed => None,
        }
    }

    /// Whether an invitation into an application is let through; a pair that is bound to applications
    /// unlocks those only.
    pub fn permits(&self, app: Guid) -> Result<(), Code> {
        policy(self.status(), Call::Use)?;
        match self {
            Lock::Unlocked { apps: Some(apps), .. } if !apps.contains(&app) => Err(Code::MSGR_E_API_LOCKED),
            Lock::Unlocked { .. }
            | Lock::Disabled
            | Lock::Locked
            | Lock::Drawing { .. }
            | Lock::Pending { .. }
            | Lock::Judging { .. }
            | Lock::Failing { .. }
            | Lock::Failed => Ok(()),
        }
    }

    /// Applies a move; `Err` if it is refused, and then nothing has changed. What does not concern a
    /// lock in its state, such as a judgement that nobody waits for, changes nothing either.
    pub fn handle(&mut self, what: Move) -> Result<Vec<Effect>, Code> {
        match what {
            Move::Request { cookie } => {
                policy(self.status(), Call::Request)?;
                Ok(self.draw(cookie))
            }
            Move::Respond { cookie, app_id, number } => {
                policy(self.status(), Call::Respond)?;
                self.respond(cookie, app_id, number)
            }
            Move::Unasked => Ok(self.unasked()),
            Move::Switch { on } => Ok(self.switch(on)),
            Move::KeyGone { app_id } => Ok(self.key_gone(&app_id)),
            Move::Drawn { challenge, until } => Ok(self.drawn(challenge, until)),
            Move::Judged { number, judgement, until } => Ok(self.judged(number, judgement, until)),
            Move::Due => Ok(self.due()),
        }
    }

    fn draw(&mut self, cookie: u32) -> Vec<Effect> {
        let mut effects = self.transition(Lock::Drawing { cookie }, None, None);
        effects.push(Effect::Draw);
        effects
    }

    fn unasked(&mut self) -> Vec<Effect> {
        match self {
            Lock::Locked | Lock::Unlocked { .. } | Lock::Failed => self.draw(0),
            // There is nothing to prove, or it is being proved already.
            Lock::Disabled
            | Lock::Drawing { .. }
            | Lock::Pending { .. }
            | Lock::Judging { .. }
            | Lock::Failing { .. } => Vec::new(),
        }
    }

    fn switch(&mut self, on: bool) -> Vec<Effect> {
        let cookie = match self {
            Lock::Disabled if on => None,
            Lock::Drawing { cookie }
            | Lock::Pending { cookie, .. }
            | Lock::Judging { cookie, .. }
            | Lock::Failing { cookie, .. }
                if !on =>
            {
                Some(*cookie)
            }
            Lock::Locked | Lock::Unlocked { .. } | Lock::Failed if !on => None,
            // It is so already.
            Lock::Disabled
            | Lock::Drawing { .. }
            | Lock::Pending { .. }
            | Lock::Judging { .. }
            | Lock::Failing { .. }
            | Lock::Locked
            | Lock::Unlocked { .. }
            | Lock::Failed => return Vec::new(),
        };
        let mut effects: Vec<Effect> = cookie.map(|cookie| Effect::Result { cookie, ok: false }).into_iter().collect();
        effects.extend(self.transition(Lock::new(on), None, None));
        effects
    }

    /// Whoever has been let in by a key that is gone proves itself anew, perhaps by the key that has
    /// taken its place; so does whoever is being judged by it.
    fn key_gone(&mut self, gone: &str) -> Vec<Effect> {
        let cookie = match self {
            Lock::Unlocked { app_id, .. } if **app_id == *gone => 0,
            Lock::Judging { app_id, cookie, .. } if **app_id == *gone => *cookie,
            Lock::Unlocked { .. }
            | Lock::Judging { .. }
            | Lock::Disabled
            | Lock::Locked
            | Lock::Drawing { .. }
            | Lock::Pending { .. }
            | Lock::Failing { .. }
            | Lock::Failed => return Vec::new(),
        };
        self.draw(cookie)
    }

    fn drawn(&mut self, challenge: Option<Box<str>>, until: Millis) -> Vec<Effect> {
        let Lock::Drawing { cookie } = *self else { return Vec::new() };
        let Some(challenge) = challenge else {
            return self.unjudged(cookie, Code::E_FAIL, None);
        };
        let mut effects = self.transition(Lock::Pending { cookie, challenge: challenge.clone(), until }, None, None);
        effects.push(Effect::Challenge { cookie, challenge });
        effects
    }

    fn respond(&mut self, said: u32, app_id: Box<str>, number: u64) -> Result<Vec<Effect>, Code> {
        match self {
            Lock::Pending { cookie, challenge, .. } if *cookie == said => {
                let (cookie, challenge) = (*cookie, challenge.clone());
                let mut effects = self.transition(Lock::Judging { cookie, app_id, number }, None, None);
                effects.push(Effect::Judge { challenge });
                Ok(effects)
            }
            Lock::Pending { .. } => Err(Code::E_INVALIDARG),
            // One response has been given already, or there is no challenge to answer yet.
            Lock::Drawing { .. } | Lock::Judging { .. } | Lock::Failing { .. } => Err(Code::MSGR_E_API_PENDING_UNLOCK),
            Lock::Disabled | Lock::Locked | Lock::Unlocked { .. } | Lock::Failed => Err(Code::MSGR_E_API_LOCKED),
        }
    }

    fn judged(&mut self, judged: u64, judgement: Judgement, until: Millis) -> Vec<Effect> {
        let Lock::Judging { cookie, app_id, number } = self else { return Vec::new() };
        if *number != judged {
            return Vec::new();
        }
        let (cookie, app_id) = (*cookie, app_id.clone());
        match judgement {
            Judgement::Right { apps } => {
                let mut effects = vec![Effect::Result { cookie, ok: true }];
                effects.extend(self.transition(Lock::Unlocked { app_id, apps }, None, None));
                effects
            }
            Judgement::Wrong => self.transition(Lock::Failing { cookie, until }, None, None),
            Judgement::Not { code, retry_after_ms } => self.unjudged(cookie, code, retry_after_ms),
        }
    }

    /// Nobody has judged: locked, and free to try again.
    fn unjudged(&mut self, cookie: u32, code: Code, retry_after_ms: Option<u64>) -> Vec<Effect> {
        let mut effects = vec![Effect::Result { cookie, ok: false }];
        effects.extend(self.transition(Lock::Locked, Some(code), retry_after_ms));
        effects
    }

    fn due(&mut self) -> Vec<Effect> {
        match self {
            Lock::Pending { cookie, .. } | Lock::Failing { cookie, .. } => {
                let mut effects = vec![Effect::Result { cookie: *cookie, ok: false }];
                effects.extend(self.transition(Lock::Failed, Some(Code::MSGR_E_API_UNLOCK_FAILED), None));
                effects
            }
            Lock::Disabled
            | Lock::Locked
            | Lock::Drawing { .. }
            | Lock::Judging { .. }
            | Lock::Unlocked { .. }
            | Lock::Failed => Vec::new(),
        }
    }

    /// The only place where a lock changes.
    fn transition(&mut self, next: Lock, error: Option<Code>, retry_after_ms: Option<u64>) -> Vec<Effect> {
        let (from, to) = (self.status(), next.status());
        *self = next;
        if from == to {
            return Vec::new();
        }
        tracing::debug!(%from, %to, "a lock changes");
        vec![Effect::Status { error, retry_after_ms }]
    }
}

#[cfg(test)]
mod tests;
