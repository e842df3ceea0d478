//! Where requests are worked on: the way to the store and to the service machine.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hither_proto::Millis;
use hither_proto::service::{Command, Told};
use hither_wire::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use super::guard::Guard;
use super::problem::{Kind, Problem};
use crate::audit::{Action, Actor, Audit, AuditEvent, Caller};
use crate::config::{Live, PasswordCost};
use crate::driver::{Clock, Note};
use crate::keys::LockConfig;
use crate::password;
use crate::store::{Store, StoreError};

/// Requests that are worked on at a time.
const REQUESTS: usize = 32;
/// Passwords that are hashed at a time: each takes some 20 MiB.
const HASHING: usize = 2;

/// What the API works with; clones are the same.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

/// What an [`App`] is made of.
pub struct Parts {
    pub config: Live,
    pub clock: Clock,
    pub audit: Audit,
    pub inbox: mpsc::Sender<Note>,
    pub draining: watch::Receiver<bool>,
    pub store: Store,
}

struct Inner {
    config: Live,
    audit: Audit,
    inbox: mpsc::Sender<Note>,
    draining: watch::Receiver<bool>,
    store: Arc<Mutex<Store>>,
    guard: Guard,
    requests: Arc<Semaphore>,
    hashing: Semaphore,
    /// When the clock showed 0, in milliseconds since 1970.
    zero_ms: i64,
}

impl App {
    pub fn new(parts: Parts, guard: Guard) -> App {
        let Parts { config, clock, audit, inbox, draining, store } = parts;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        let zero_ms = now_ms.saturating_sub_unsigned(clock.now());
        let (requests, hashing) = (Arc::new(Semaphore::new(REQUESTS)), Semaphore::new(HASHING));
        let store = Arc::new(Mutex::new(store));
        let inner = Inner { config, audit, inbox, draining, store, guard, requests, hashing, zero_ms };
        App { inner: Arc::new(inner) }
    }

    pub fn guard(&self) -> &Guard {
        &self.inner.guard
    }

    pub fn is_draining(&self) -> bool {
        *self.inner.draining.borrow()
    }

    /// A place for a request, if there is one left.
    pub fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.inner.requests).try_acquire_owned().ok()
    }

    /// When the service was started, in seconds since 1970.
    pub fn started(&self) -> i64 {
        self.inner.zero_ms.div_euclid(1_000)
    }

    /// When the service's clock showed this, in seconds since 1970.
    pub fn when(&self, at: Millis) -> i64 {
        self.inner.zero_ms.saturating_add_unsigned(at).div_euclid(1_000)
    }

    /// Asks the service machine.
    pub async fn ask(&self, command: Command) -> Result<Told, Problem> {
        let (answer, told) = oneshot::channel();
        let sent = self.inner.inbox.send(Note::Operator(command, answer)).await;
        sent.map_err(|_| Problem::draining())?;
        match told.await {
            Ok(Told::Failed(code)) if code == Code::MSGR_E_SERVER_TOO_BUSY => Err(Problem::busy()),
            Ok(Told::Failed(_)) => Err(Problem::failed()),
            Ok(told) => Ok(told),
            // The driver has stopped meanwhile.
            Err(_) => Err(Problem::draining()),
        }
    }

    /// Works on the store, on a thread that may wait.
    pub async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = Arc::clone(&self.inner.store);
        self.blocking(move || {
            let store = store.lock().unwrap_or_else(PoisonError::into_inner);
            work(&store).map_err(|error| refused(&error))
        })
        .await
    }

    /// Works on a thread that may wait.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Problem::failed()))
    }

    /// Carries a change through, even if whoever has asked hangs up.
    pub async fn whole<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::spawn(change).await.unwrap_or_else(|_| Err(Problem::failed()))
    }

    /// The hash of a password.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let _place = self.inner.hashing.acquire().await.map_err(|_| Problem::failed())?;
        let cost: PasswordCost = self.inner.config.get().password_cost;
        self.blocking(move || {
            let password = zeroize::Zeroizing::new(password);
            password::hash(&password, cost).map_err(|error| Problem::invalid("/password", format!("{error}")))
        })
        .await
    }

    /// Where the keys are, and what of the lock is set; `None` if it is off.
    pub fn lock(&self) -> (PathBuf, Option<LockConfig>) {
        let config = self.inner.config.get();
        (config.data.clone(), config.lock.clone())
    }

    /// Tells the audit what was done, and by whom.
    pub fn audit(&self, action: Action, subject: &impl ToString, from: Caller) {
        let by = Actor::Api(from);
        self.inner.audit.tell(AuditEvent::Administered { action, subject: subject.to_string(), by });
    }
}

/// What the store has against it.
pub fn refused(error: &StoreError) -> Problem {
    if let StoreError::NotFound(_) = error {
        let detail = "There is no such person: GET /v1/people lists those there are.";
        return Problem::new(Kind::NotFound, detail).with_code(Code::MSGR_E_USER_NOT_FOUND);
    }
    if let StoreError::Exists(_) = error {
        let detail = "There is somebody of this name already: change them with PATCH /v1/people/{name}.";
        return Problem::new(Kind::PersonExists, detail);
    }
    if let StoreError::OfIssuer(_, issuer) = error {
        let detail =
            format!("The person signs in with tokens of {issuer} and has no password here: leave `password` out.");
        return Problem::new(Kind::OfIssuer, detail);
    }
    if let StoreError::Sqlite(failure) = error
        && failure.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
    {
        return Problem::busy();
    }
    tracing::error!(error = error as &dyn std::error::Error, "the store failed for the operator");
    Problem::failed()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::audit::AuditTo;
    use crate::config::{AdminConfig, ServiceConfig};

    /// An API that whoever is there may use; whoever has the other end of `inbox` answers for the machine.
    pub fn app(data: &std::path::Path, inbox: mpsc::Sender<Note>) -> App {
        let listen = ([127, 0, 0, 1], 0).into();
        let mut config = ServiceConfig::new(listen, data.to_owned());
        config.admin = Some(AdminConfig { listen, token_file: None, client_ca: None, tls: None });
        let (config, clock) = (Live::new(config), Clock::start());
        let (audit, _writing) = Audit::start(&AuditTo::in_data(data)).unwrap();
        let guard = Guard::new(config.clone(), clock, audit.clone(), true);
        let (store, draining) = (Store::open(data).unwrap(), watch::Sender::new(false).subscribe());
        App::new(Parts { config, clock, audit, inbox, draining, store }, guard)
    }
}
