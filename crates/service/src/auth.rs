//! Who somebody is: passwords on a bounded pool of threads, tokens by their hash.
//!
//! A wrong password and an unknown person cost the same work and get the same answer. Failures are
//! counted by address and by name, and only passwords are refused for it: who has a token gets in.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hither_proto::Millis;
use hither_proto::rate::Rate;
use hither_proto::service::{Admitted, ConnId, Denied, Input};
use hither_wire::message::{Credential, SignIn};
use hither_wire::{Code, DeviceId, Guid, PersonName};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::config::Live;
use crate::driver::{Clock, Note};
use crate::password;
use crate::server::StartError;
use crate::store::{Store, StoreError};

/// Sign-ins that wait for a thread.
const WAITING: usize = 256;
/// What somebody should wait who is refused because too many wait.
const RETRY_MS: u64 = 2_000;

/// One sign-in to check.
#[derive(Debug)]
pub struct Job {
    pub conn: ConnId,
    pub address: IpAddr,
    pub sign_in: Box<SignIn>,
}

/// The pool.
#[derive(Debug)]
pub struct Auth {
    passwords: mpsc::Sender<Job>,
    tokens: mpsc::Sender<Job>,
}

#[derive(Debug, Default)]
struct Failures {
    by_address: Rate<IpAddr>,
    by_name: Rate<PersonName>,
}

/// What a thread of the pool works with.
struct Worker {
    store: Store,
    config: Live,
    failures: Arc<Mutex<Failures>>,
    clock: Clock,
    /// A hash of nobody's password.
    nobody: Arc<str>,
}

impl Auth {
    /// Starts the threads; each has the store open for itself.
    pub fn start(config: &Live, clock: Clock, inbox: &mpsc::Sender<Note>) -> Result<Auth, StartError> {
        let nobody: Arc<str> = password::hash("nobody", config.get().password_cost)?.into();
        let failures = Arc::new(Mutex::new(Failures::default()));
        let worker = || -> Result<Worker, StartError> {
            Ok(Worker {
                store: Store::open_for_tokens(&config.get().data)?,
                config: config.clone(),
                failures: Arc::clone(&failures),
                clock,
                nobody: Arc::clone(&nobody),
            })
        };
        let threads = std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        let passwords = (0..threads).map(|_| worker()).collect::<Result<Vec<_>, _>>()?;
        let tokens = vec![worker()?];
        Ok(Auth { passwords: pool("passwords", passwords, inbox)?, tokens: pool("tokens", tokens, inbox)? })
    }

    /// Hands a sign-in to the pool, which answers into the driver's inbox; or answers at once if too
    /// many wait.
    pub fn submit(&self, job: Job) -> Option<Input> {
        let queue = match &job.sign_in.credential {
            Credential::Password(_) => &self.passwords,
            Credential::Token(_) | Credential::Local => &self.tokens,
        };
        let conn = job.conn;
        let refused = queue.try_send(job).is_err();
        refused.then(|| Input::Authenticated { conn, result: Err(too_busy(RETRY_MS)) })
    }
}

fn pool(name: &str, workers: Vec<Worker>, inbox: &mpsc::Sender<Note>) -> Result<mpsc::Sender<Job>, StartError> {
    let (sender, receiver) = mpsc::channel::<Job>(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    for worker in workers {
        let (receiver, inbox) = (Arc::clone(&receiver), inbox.clone());
        let work = move || {
            loop {
                // The lock is held while waiting: whoever has it takes the next job.
                let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
                let Some(Job { conn, address, sign_in }) = job else { return };
                let result = worker.check(address, &sign_in).map(Box::new);
                if inbox.blocking_send(Note::Input(Input::Authenticated { conn, result })).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StartError::Thread)?;
    }
    Ok(sender)
}

fn too_busy(retry_after_ms: u64) -> Denied {
    Denied { code: Code::MSGR_E_SERVER_TOO_BUSY, retry_after_ms: Some(retry_after_ms) }
}

fn wrong() -> Denied {
    Denied { code: Code::MSGR_E_INVALID_PASSWORD, retry_after_ms: None }
}

impl Worker {
    fn check(&self, address: IpAddr, sign_in: &SignIn) -> Result<Admitted, Denied> {
        let checked = match &sign_in.credential {
            Credential::Password(password) => self.check_password(address, sign_in, password),
            Credential::Token(token) => self.check_token(sign_in, token),
            // Over a network nobody is believed without one.
            Credential::Local => Ok(Err(wrong())),
        };
        checked.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the store failed during a sign-in");
            Err(Denied { code: Code::E_FAIL, retry_after_ms: Some(RETRY_MS) })
        })
    }

    fn check_password(
        &self,
        address: IpAddr,
        sign_in: &SignIn,
        password: &str,
    ) -> Result<Result<Admitted, Denied>, StoreError> {
        let Some(name) = &sign_in.user else { return Ok(Err(wrong())) };
        let wait_ms = self.must_wait(address, name);
        if wait_ms > 0 {
            return Ok(Err(too_busy(wait_ms)));
        }
        let hash = self.store.password_hash(name)?;
        let right = password::verify(password, hash.as_deref().unwrap_or(&self.nobody)) && hash.is_some();
        // The record is read only now: to read it for a wrong password would take longer than for
        // nobody, and tell them apart.
        let record = if right { self.store.record(name)? } else { None };
        let Some(record) = record else {
            self.failed(address, name);
            tracing::debug!("a sign-in was refused");
            return Ok(Err(wrong()));
        };
        let device = sign_in.device.unwrap_or_else(|| Guid(uuid::Uuid::new_v4().as_u128()));
        let Some(token) = new_token() else {
            tracing::error!("the system has no randomness: nobody can sign in with a password");
            return Ok(Err(Denied { code: Code::E_FAIL, retry_after_ms: Some(RETRY_MS) }));
        };
        self.store.add_token(&hash_of(&token), name, device, self.config.get().tokens_per_account)?;
        Ok(Ok(Admitted { record, device, token: Some(token.into()) }))
    }

    /// A token names the person and the device by itself; who names others is refused.
    fn check_token(&self, sign_in: &SignIn, token: &str) -> Result<Result<Admitted, Denied>, StoreError> {
        let life = Duration::from_hours(u64::from(self.config.get().token_days) * 24);
        let Some((name, device)) = self.store.use_token(&hash_of(token), life)? else { return Ok(Err(wrong())) };
        let device: Option<DeviceId> = Guid::parse(&device).ok();
        let other_person = sign_in.user.as_ref().is_some_and(|user| *user != name);
        let other_device = sign_in.device.is_some() && sign_in.device != device;
        let record = self.store.record(&name)?.filter(|_| !other_person && !other_device);
        let admitted = record.zip(device).map(|(record, device)| Admitted { record, device, token: None });
        Ok(admitted.ok_or_else(wrong))
    }

    fn must_wait(&self, address: IpAddr, name: &PersonName) -> Millis {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, config) = (self.clock.now(), self.config.get());
        let by_address = failures.by_address.wait(now, &address, config.failures_per_address);
        by_address.max(failures.by_name.wait(now, name, config.failures_per_name))
    }

    fn failed(&self, address: IpAddr, name: &PersonName) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, config) = (self.clock.now(), self.config.get());
        failures.by_address.take(now, address, config.failures_per_address);
        failures.by_name.take(now, name.clone(), config.failures_per_name);
    }
}

/// 32 random bytes: long enough that one round of SHA-256 keeps it. `None` if the system has no
/// randomness.
fn new_token() -> Option<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
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
        Job { conn: ConnId(conn), address: [127, 0, 0, 1].into(), sign_in: Box::new(sign_in) }
    }

    #[test]
    fn when_too_many_passwords_wait_the_next_is_told_when_to_come_back_and_tokens_go_on() {
        let (passwords, _waiting) = mpsc::channel(2);
        let (tokens, _tokens) = mpsc::channel(2);
        let auth = Auth { passwords, tokens };
        let password = || Credential::Password("secret".into());
        assert!(auth.submit(job(1, password())).is_none() && auth.submit(job(2, password())).is_none());
        let Some(Input::Authenticated { conn: ConnId(3), result: Err(denied) }) = auth.submit(job(3, password()))
        else {
            panic!("refused at once");
        };
        assert_eq!((denied.code, denied.retry_after_ms), (Code::MSGR_E_SERVER_TOO_BUSY, Some(RETRY_MS)));
        assert!(auth.submit(job(4, Credential::Token("token".into()))).is_none());
    }
}
