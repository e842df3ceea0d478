//! Who somebody is: passwords on a bounded pool of threads, tokens by their hash.
//!
//! Everybody comes to the entrance, a thread that does only what is quick: it looks at tokens, and sends
//! those with passwords on into the [`Line`]. A wrong password and an unknown person cost the same work
//! and get the same answer. Failures are counted by address and by name, of a device that is known by
//! itself, and only passwords are refused for it: who has a token gets in.

mod failures;
mod judge;
mod line;
mod verdict;

use std::net::IpAddr;
use std::sync::Arc;

use hither_proto::service::{ConnId, Input, Ticket};
use hither_wire::account::{NewPassword, Token};
use hither_wire::message::{Credential, SignIn};
use hither_wire::{DeviceId, PersonName};
use tokio::sync::mpsc;

use crate::audit::Audit;
use crate::config::Live;
use crate::driver::{Clock, Note};
use crate::issuers::{Desk, is_jwt};
use crate::password;
use crate::server::StartError;
use crate::store::Store;
use failures::Failures;
pub use judge::Judge;
use line::Line;
pub use verdict::{RETRY_MS, Refused};

/// Those who wait at the entrance.
const WAITING: usize = 1024;
/// Passwords that wait to be checked. A check takes some hundredths of a second: whoever waits behind
/// so many waits for seconds already.
const IN_LINE: usize = 64;

/// Somebody who has to prove who they are.
#[derive(Debug)]
pub struct Job {
    pub conn: ConnId,
    pub address: IpAddr,
    pub work: Work,
}

/// What for.
#[derive(Debug)]
pub enum Work {
    /// To sign in.
    SignIn {
        /// What was said.
        sign_in: Box<SignIn>,
        /// What the client calls itself.
        client: Box<str>,
    },
    /// To change a password.
    NewPassword {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Whose.
        owner: PersonName,
        /// The device that keeps its token.
        device: DeviceId,
        /// The passwords.
        passwords: Box<NewPassword>,
    },
    /// To give a new token.
    Renew {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Whose it has to be.
        owner: PersonName,
        /// The token.
        token: Token,
    },
}

/// The entrance.
#[derive(Debug)]
pub struct Auth {
    entrance: mpsc::Sender<Job>,
}

impl Auth {
    /// Starts the threads; each has the store open for itself.
    pub fn start(config: &Live, clock: Clock, audit: &Audit, inbox: &mpsc::Sender<Note>) -> Result<Auth, StartError> {
        let nobody: Arc<str> = password::hash("nobody", config.get().password_cost)?.into();
        let failures = Arc::new(Failures::new(config.clone(), clock));
        let judge = || -> Result<Judge, StartError> {
            Ok(Judge {
                store: Store::open_for_tokens(&config.get().data)?,
                accounts: Store::open_again(&config.get().data)?,
                config: config.clone(),
                failures: Arc::clone(&failures),
                clock,
                nobody: Arc::clone(&nobody),
                audit: audit.clone(),
            })
        };
        let line = Arc::new(Line::new(IN_LINE));
        let threads = std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        for _ in 0..threads {
            let (judge, line, inbox) = (judge()?, Arc::clone(&line), inbox.clone());
            spawn("passwords", move || check_passwords(&judge, &line, &inbox))?;
        }
        let (entrance, jobs) = mpsc::channel(WAITING);
        let desk = Desk::start(judge()?, inbox.clone())?;
        let (judge, inbox) = (judge()?, inbox.clone());
        spawn("entrance", move || receive(&judge, jobs, &line, &desk, &inbox))?;
        Ok(Auth { entrance })
    }

    /// Hands in a job, which is answered into the driver's inbox; or answers at once if too many wait.
    pub fn submit(&self, job: Job) -> Option<Input> {
        let refused = self.entrance.try_send(job).err()?;
        Some(refused.into_inner().refuse(&Refused::too_busy(RETRY_MS)))
    }

    /// The answer for somebody whose connection has gone.
    pub fn gone(conn: ConnId, work: &Work) -> Input {
        work.refuse(conn, &Refused::failed("gone"))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(StartError::Thread)
}

/// Until nobody comes any more; then nobody is served any more either.
fn receive(judge: &Judge, mut jobs: mpsc::Receiver<Job>, line: &Line<Job>, desk: &Desk, inbox: &mpsc::Sender<Note>) {
    while let Some(job) = jobs.blocking_recv() {
        let answer = if job.needs_password() {
            match judge.standing(&job) {
                Ok(standing) => line.join(standing, job).map(|without| {
                    judge.throttled();
                    without.refuse(&Refused::too_busy(RETRY_MS))
                }),
                Err(refused) => Some(job.refuse(&refused)),
            }
        } else if job.token().is_some_and(is_jwt) {
            desk.submit(job).map(|job| job.refuse(&Refused::too_busy(RETRY_MS)))
        } else {
            Some(judge.check(job))
        };
        if let Some(answer) = answer
            && inbox.blocking_send(Note::Input(answer)).is_err()
        {
            break;
        }
    }
    line.close();
}

fn check_passwords(judge: &Judge, line: &Line<Job>, inbox: &mpsc::Sender<Note>) {
    while let Some(job) = line.first() {
        if inbox.blocking_send(Note::Input(judge.check(job))).is_err() {
            return;
        }
    }
}

impl Job {
    /// Whose password is to be checked, if one is.
    fn name(&self) -> Option<&PersonName> {
        match &self.work {
            Work::SignIn { sign_in, .. } => sign_in.user.as_ref(),
            Work::NewPassword { owner, .. } | Work::Renew { owner, .. } => Some(owner),
        }
    }

    /// The device that it comes from, as it says.
    fn device(&self) -> Option<DeviceId> {
        match &self.work {
            Work::SignIn { sign_in, .. } => sign_in.device,
            Work::NewPassword { device, .. } => Some(*device),
            Work::Renew { .. } => None,
        }
    }

    /// The token that is given, if one is.
    pub fn token(&self) -> Option<&str> {
        match &self.work {
            Work::SignIn { sign_in, .. } => match &sign_in.credential {
                Credential::Token(token) => Some(token),
                Credential::Password(_) | Credential::Registration(_) | Credential::Local => None,
            },
            Work::NewPassword { .. } => None,
            Work::Renew { token: Token(token), .. } => Some(token),
        }
    }

    fn needs_password(&self) -> bool {
        match &self.work {
            Work::SignIn { sign_in, .. } => match sign_in.credential {
                Credential::Password(_) | Credential::Registration(_) => true,
                Credential::Token(_) | Credential::Local => false,
            },
            Work::NewPassword { .. } => true,
            Work::Renew { .. } => false,
        }
    }

    fn refuse(&self, refused: &Refused) -> Input {
        self.work.refuse(self.conn, refused)
    }
}

impl Work {
    fn refuse(&self, conn: ConnId, refused: &Refused) -> Input {
        match self {
            Work::SignIn { .. } => Input::Authenticated { conn, result: Err(refused.denied) },
            Work::NewPassword { ticket, .. } => Input::PasswordChanged { ticket: *ticket, result: Err(refused.denied) },
            Work::Renew { ticket, .. } => Input::Renewed { ticket: *ticket, result: Err(refused.denied) },
        }
    }
}

#[cfg(test)]
mod tests {
    use hither_wire::Code;

    use super::*;

    fn job(conn: u64, credential: Credential) -> Job {
        let sign_in = SignIn {
            user: PersonName::parse("alice@example.org").ok(),
            credential,
            device: None,
            device_key: None,
            status: None,
            epoch: None,
        };
        let work = Work::SignIn { sign_in: Box::new(sign_in), client: "".into() };
        Job { conn: ConnId(conn), address: [127, 0, 0, 1].into(), work }
    }

    #[test]
    fn when_too_many_wait_the_next_is_told_when_to_come_back() {
        let (entrance, _waiting) = mpsc::channel(2);
        let auth = Auth { entrance };
        let password = || Credential::Password("secret".into());
        assert!(auth.submit(job(1, password())).is_none() && auth.submit(job(2, password())).is_none());
        let Some(Input::Authenticated { conn: ConnId(3), result: Err(denied) }) = auth.submit(job(3, password()))
        else {
            panic!("refused at once");
        };
        assert_eq!((denied.code, denied.retry_after_ms), (Code::MSGR_E_SERVER_TOO_BUSY, Some(RETRY_MS)));
    }
}
