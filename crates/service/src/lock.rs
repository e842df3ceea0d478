//! Judging responses of Lock and Key, on a thread of their own with a bounded queue.
//!
//! Wrong responses are counted by address and by person; beyond what is allowed nobody is
//! judged for a while, and the lock is as it was before the challenge. Time is lost by whoever fails in
//! the machine, which keeps the outcome back, and not on this thread: nobody waits behind a failure.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hither_proto::Millis;
use hither_proto::lock::Judgement;
use hither_proto::rate::{Allowance, Rate};
use hither_proto::service::{Input, Ticket, Whom};
use hither_wire::lock::Response;
use hither_wire::{Code, PersonName};
use tokio::sync::mpsc;

use crate::audit::{Audit, AuditEvent};
use crate::config::Live;
use crate::driver::{Clock, Note};
use crate::keys::{AppId, Judge, Revocations, Verdict};
use crate::looks::Looks;

/// Responses that wait for the thread.
const WAITING: usize = 256;
/// What somebody should wait who is refused because too many wait, or the store has failed.
const RETRY_MS: u64 = 2_000;

/// One response to judge.
#[derive(Debug)]
pub struct Job {
    pub ticket: Ticket,
    /// Whose application it is.
    pub person: PersonName,
    /// Where it came from.
    pub address: IpAddr,
    pub challenge: Box<str>,
    pub response: Box<Response>,
}

/// The way to the thread.
pub struct Locks {
    jobs: mpsc::Sender<Job>,
    door: Arc<Door>,
}

/// Shut for a while to whoever fails too often.
struct Door {
    config: Live,
    clock: Clock,
    audit: Audit,
    judge: JudgeSlot,
    failures: Mutex<Failures>,
}

/// The judge, which is another one when the settings of the lock have changed.
#[derive(Clone)]
pub struct JudgeSlot(Arc<Mutex<Box<dyn Judge>>>);

impl JudgeSlot {
    /// With this one to begin with.
    pub fn new(judge: Box<dyn Judge>) -> JudgeSlot {
        JudgeSlot(Arc::new(Mutex::new(judge)))
    }

    /// Another one from now on.
    pub fn set(&self, judge: Box<dyn Judge>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = judge;
    }
}

#[derive(Debug, Default)]
struct Failures {
    by_address: Rate<IpAddr>,
    by_person: Rate<PersonName>,
}

impl Locks {
    /// Starts the thread.
    pub fn start(
        config: Live,
        judge: JudgeSlot,
        clock: Clock,
        audit: Audit,
        inbox: mpsc::Sender<Note>,
    ) -> std::io::Result<Locks> {
        let (jobs, mut receiver) = mpsc::channel(WAITING);
        let door = Arc::new(Door { config, clock, audit, judge, failures: Mutex::default() });
        let worker = Arc::clone(&door);
        std::thread::Builder::new().name("locks".to_owned()).spawn(move || {
            while let Some(job) = receiver.blocking_recv() {
                let judgement = worker.judge(&job);
                if inbox.blocking_send(Note::Input(Input::Judged { ticket: job.ticket, judgement })).is_err() {
                    return;
                }
            }
        })?;
        Ok(Locks { jobs, door })
    }

    /// Hands over a response, which is judged into the driver's inbox; or answers at once if the door is
    /// shut, or too many wait.
    pub fn submit(&self, job: Job) -> Option<Input> {
        let ticket = job.ticket;
        if let Some(judgement) = self.door.refusal(&job) {
            return Some(Input::Judged { ticket, judgement });
        }
        let refused = self.jobs.try_send(job).is_err();
        refused.then(|| Input::Judged { ticket, judgement: busy(RETRY_MS) })
    }
}

impl Door {
    fn judge(&self, job: &Job) -> Judgement {
        // Others may have failed while this one waited.
        if let Some(refusal) = self.refusal(job) {
            return refusal;
        }
        let Response { app_id, response, .. } = &*job.response;
        let judged = {
            let judge = self.judge.0.lock().unwrap_or_else(PoisonError::into_inner);
            judge.judge(app_id, &job.challenge, response)
        };
        let (person, address) = (job.person.clone(), job.address);
        match judged {
            Ok(Verdict::Right { apps }) => {
                self.audit.tell(AuditEvent::Unlocked { person, app_id: app_id.to_string(), address });
                Judgement::Right { apps }
            }
            Ok(Verdict::Wrong(why)) => {
                tracing::debug!(?why, "a response is wrong");
                // Whoever sends rubbish does not choose what stands in the audit.
                let app_id = AppId::parse(app_id).map_or_else(String::new, |id| id.to_string());
                self.audit.tell(AuditEvent::UnlockRefused { person, app_id, address, why: why.name() });
                self.failed(job);
                Judgement::Wrong
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the store failed, and nobody could unlock");
                unjudged()
            }
        }
    }

    fn refusal(&self, job: &Job) -> Option<Judgement> {
        let wait_ms = self.must_wait(job);
        (wait_ms > 0).then(|| {
            self.audit.throttled();
            busy(wait_ms)
        })
    }

    fn must_wait(&self, job: &Job) -> Millis {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, lock) = (self.clock.now(), self.allowances());
        let by_address = failures.by_address.wait(now, &job.address, lock.0);
        by_address.max(failures.by_person.wait(now, &job.person, lock.1))
    }

    fn failed(&self, job: &Job) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, lock) = (self.clock.now(), self.allowances());
        failures.by_address.take(now, job.address, lock.0);
        failures.by_person.take(now, job.person.clone(), lock.1);
    }

    /// How many may fail, by address and by person.
    fn allowances(&self) -> (Allowance, Allowance) {
        let config = self.config.get();
        let lock = config.lock.clone().unwrap_or_default();
        (lock.failures_per_address, lock.failures_per_person)
    }
}

/// Nobody could judge.
pub fn unjudged() -> Judgement {
    Judgement::Not { code: Code::E_FAIL, retry_after_ms: Some(RETRY_MS) }
}

fn busy(retry_after_ms: u64) -> Judgement {
    Judgement::Not { code: Code::MSGR_E_SERVER_TOO_BUSY, retry_after_ms: Some(retry_after_ms) }
}

/// 32 random bytes as text. `None` if the system has no randomness.
pub fn draw() -> Option<Box<str>> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes).into())
}

/// Lets operators' tools ask for proofs while the service runs.
#[derive(Clone, Debug)]
pub struct LockControl {
    inbox: mpsc::Sender<Note>,
}

impl LockControl {
    pub(crate) fn new(inbox: mpsc::Sender<Note>) -> LockControl {
        LockControl { inbox }
    }

    /// The key of an application id has been revoked, or has expired: whoever is unlocked by it is
    /// challenged anew, and is locked until it answers.
    pub async fn key_gone(&self, app_id: &str) {
        self.tell(Input::Challenge(Whom::UnlockedBy(app_id.into()))).await;
    }

    /// Turns the lock on or off, for everybody who is there and everybody who comes.
    pub async fn switch(&self, on: bool) {
        self.tell(Input::Lock { on }).await;
    }

    /// Challenges somebody's locks, unasked, or everybody's.
    pub async fn challenge(&self, whom: Whom) {
        self.tell(Input::Challenge(whom)).await;
    }

    async fn tell(&self, input: Input) {
        // A service that has stopped has no locks.
        drop(self.inbox.send(Note::Input(input)).await);
    }
}

/// Challenges whoever is unlocked by a pair that is revoked, as long as it runs.
pub async fn watch(revocations: Revocations, control: LockControl) {
    let mut looks = Looks::at(revocations, Revocations::poll, "which keys were revoked");
    while let Some(gone) = looks.next().await {
        for id in gone.unwrap_or_default() {
            control.key_gone(&id).await;
        }
    }
}

#[cfg(test)]
mod tests;
