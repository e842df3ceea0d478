//! Listening, and stopping in good order.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hither_proto::service::{Config, Service};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::admin::{self, AdminDoor, AdminError};
use crate::audit::{Action, Actor, Audit, AuditEvent, AuditTo};
use crate::auth::Auth;
use crate::config::{Live, ServiceConfig};
use crate::door::{Door, accept};
use crate::driver::{Clock, Driver};
use crate::gate::Gate;
use crate::handle::Handle;
use crate::keys::{Judge, KeyError, Keychain, NoKeys, Revocations};
use crate::lock::{self, JudgeSlot, LockControl, Locks};
use crate::metrics::Metrics;
use crate::notices::{self, Notices};
use crate::operations;
use crate::password::PasswordError;
use crate::store::{Store, StoreError};
use crate::tls::{self, Tls, TlsError};
use crate::upgrade::PATH;
use crate::writer::Writer;

/// Inputs that wait for the driver; whoever has more to say waits.
const INBOX: usize = 1024;
/// How long a stop waits for connections to close.
const STOP: Duration = Duration::from_secs(5);

/// Why a service cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another with --listen, port 0 for any free one")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address for operators' tools cannot be listened on.
    #[error("cannot listen on {address} for operators: choose another with --operations")]
    Operations {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The operator's API cannot be served.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// Another service uses the store.
    #[error("another service runs on {0}: two would each know half of who is there")]
    InUse(PathBuf),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate or its key cannot be used.
    #[error("cannot serve TLS")]
    Tls(#[source] TlsError),
    /// Passwords cannot be checked at this cost.
    #[error("passwords cannot be checked with these parameters")]
    PasswordCost(#[from] PasswordError),
    /// The keys of Lock and Key cannot be had, and without them nobody could unlock anything.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The audit cannot be written.
    #[error("cannot write the audit: its file must be in a directory that this user can write to")]
    Audit(#[source] io::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A service that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    handle: Handle,
    stop: oneshot::Sender<()>,
    /// Where operators' tools ask.
    operations: Option<TcpListener>,
    /// The operator's API, and what it works with.
    admin: Option<(AdminDoor, admin::Parts)>,
    driver: tokio::task::JoinHandle<()>,
    audit: Audit,
    /// The thread that writes the audit.
    writing: std::thread::JoinHandle<()>,
    revocations: Revocations,
    notices: Notices,
    /// Locked as long as the service runs.
    alone: File,
}

impl Server {
    /// Opens the store and listens. Must be called in a tokio runtime.
    pub async fn bind(config: ServiceConfig) -> Result<Server, StartError> {
        Server::begin(config, None).await
    }

    /// [`Server::bind`], with somebody who judges the responses of Lock and Key.
    pub async fn bind_with(config: ServiceConfig, judge: Box<dyn Judge>) -> Result<Server, StartError> {
        Server::begin(config, Some(judge)).await
    }

    async fn begin(config: ServiceConfig, judge: Option<Box<dyn Judge>>) -> Result<Server, StartError> {
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let operations = match config.operations {
            Some(address) => {
                let failed = |source| StartError::Operations { address, source };
                Some(TcpListener::bind(address).await.map_err(failed)?)
            }
            None => None,
        };
        let admin = match &config.admin {
            Some(admin) => Some(AdminDoor::bind(admin).await?),
            None => None,
        };
        let tls = config.tls.as_ref().map(Tls::open).transpose().map_err(StartError::Tls)?.map(Arc::new);
        let live = Live::new(config);
        let config = live.get();
        let clock = Clock::start();
        let (inbox, notes) = mpsc::channel(INBOX);
        let store = Store::open(&config.data)?;
        let alone = alone_in(&config.data)?;
        let to = config.audit.clone().unwrap_or_else(|| AuditTo::in_data(&config.data));
        let (audit, writing) = Audit::start(&to).map_err(StartError::Audit)?;
        let writer = Writer::start(store, config.connections, audit.clone(), inbox.clone());
        let writer = writer.map_err(StartError::Thread)?;
        let auth = Auth::start(&live, clock, &audit, &inbox)?;
        let (stop, stopped) = oneshot::channel();
        let machine = Service::new(with_lock(&config), first_epoch());
        let judge = JudgeSlot::new(judge.map_or_else(|| keys_of(&config), Ok)?);
        let locks = Locks::start(live.clone(), judge.clone(), clock, audit.clone(), inbox.clone());
        let locks = locks.map_err(StartError::Thread)?;
        let revocations = Revocations::open(&config.data)?;
        let notices = Notices::open(&config.data)?;
        let metrics = Arc::new(Metrics::new());
        let driver = Driver::new(machine, clock, auth, writer, locks, Arc::clone(&metrics));
        let driver = tokio::spawn(driver.run(notes, stopped));
        tls.iter().filter_map(|tls| tls.ends()).for_each(|at| metrics.certificate_ends(at));
        let gate = Gate::new(config.connections, config.connections_per_address);
        let drain = watch::Sender::new(false);
        let admin_locks = admin.as_ref().map(AdminDoor::locks);
        let admin = match admin {
            Some(door) => {
                let store = Store::open_beside(&config.data)?;
                let (config, draining) = (live.clone(), drain.subscribe());
                Some((
                    door,
                    admin::Parts { config, clock, audit: audit.clone(), inbox: inbox.clone(), draining, store },
                ))
            }
            None => None,
        };
        let handle =
            Handle { config: live, inbox, gate, tls, metrics, judge, audit: audit.clone(), admin: admin_locks, drain };
        Ok(Server {
            listener,
            address,
            handle,
            stop,
            operations,
            admin,
            driver,
            audit,
            writing,
            revocations,
            notices,
            alone,
        })
    }

    /// What can be changed while it runs.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where operators' tools ask, if there is such a place.
    pub fn operations_addr(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Where the operator's API is, if it is served.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().and_then(|(door, _)| door.local_addr())
    }

    /// Asks for proofs while the service runs.
    pub fn lock_control(&self) -> LockControl {
        LockControl::new(self.handle.inbox.clone())
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        let scheme = if self.handle.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}{PATH}", self.address)
    }

    /// Serves until `stop`, then tells everybody, closes every connection and returns.
    ///
    /// # Panics
    /// If the machine has: there is no going on without it, and no telling what it would have said.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Server {
            listener,
            address,
            handle,
            stop: halt,
            operations,
            admin,
            mut driver,
            audit,
            writing,
            revocations,
            notices,
            alone,
        } = self;
        audit.tell(AuditEvent::ServiceStarted { version: env!("CARGO_PKG_VERSION") });
        let Handle { config, inbox, gate, tls, metrics, drain, judge: _, audit: _, admin: _ } = handle;
        let revocations = lock::watch(revocations, LockControl::new(inbox.clone()));
        let notices = tokio::spawn(notices::watch(notices, Arc::clone(&metrics), inbox.clone())).abort_handle();
        let watching = [tokio::spawn(revocations).abort_handle(), notices];
        let operations = operations.map(|listener| {
            tokio::spawn(operations::run(listener, Arc::clone(&metrics), drain.subscribe())).abort_handle()
        });
        let close_admin = watch::Sender::new(false);
        let admin = admin.map(|(door, parts)| tokio::spawn(admin::run(door, parts, close_admin.subscribe())));
        let certificates = tls.clone().map(|tls| watch_certificates(tls, Arc::clone(&metrics), audit.clone()));
        let door = Door { config, inbox, gate: Arc::clone(&gate), metrics, tls };
        tracing::info!(%address, "serving");
        let failed = tokio::select! {
            () = accept(&listener, &door) => None,
            () = stop => None,
            failed = &mut driver => Some(failed),
        };
        tracing::info!("stopping");
        drain.send_replace(true);
        drop(listener);
        let ended = if let Some(failed) = failed {
            failed
        } else {
            // The driver has told everybody when it returns.
            let _ = halt.send(());
            driver.await
        };
        if let Err(failure) = ended
            && failure.is_panic()
        {
            std::panic::resume_unwind(failure.into_panic());
        }
        if timeout(STOP, gate.empty()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        // Requests that were being worked on have their answers, and the others were told that it stops.
        close_admin.send_replace(true);
        if let Some(admin) = admin {
            drop(admin.await);
        }
        for task in operations.into_iter().chain(certificates).chain(watching) {
            task.abort();
        }
        audit.tell(AuditEvent::ServiceStopped);
        // Whoever tells it anything later speaks of a service that has stopped.
        let ended = move || {
            audit.end();
            writing.join()
        };
        drop(tokio::task::spawn_blocking(ended).await);
        drop(alone);
        tracing::info!("stopped");
    }
}

fn keys_of(config: &ServiceConfig) -> Result<Box<dyn Judge>, StartError> {
    Ok(match &config.lock {
        Some(lock) => Box::new(Keychain::open(&config.data, lock)?),
        // It may be turned on later.
        None => Box::new(NoKeys),
    })
}

/// The lock on a data directory that one service has at a time; the system lets go of it however the
/// service ends.
fn alone_in(data: &Path) -> Result<File, StartError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed = |source| StartError::Store(StoreError::Open { path: data.to_owned(), source });
    let file = options.open(data.join("hither.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(data.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Looks at the certificate's files as long as the service runs.
fn watch_certificates(tls: Arc<Tls>, metrics: Arc<Metrics>, audit: Audit) -> tokio::task::AbortHandle {
    let exchanged = move |at| {
        metrics.certificate_ends(at);
        let (action, by) = (Action::CertificateLoaded, Actor::Service);
        audit.tell(AuditEvent::Administered { action, subject: String::new(), by });
    };
    tokio::spawn(tls::watch(tls, exchanged)).abort_handle()
}

/// The machine's settings, with what is set of the lock.
pub fn with_lock(config: &ServiceConfig) -> Config {
    match &config.lock {
        Some(lock) => Config { lock: true, answer_ms: lock.answer_ms, ..config.machine.clone() },
        None => Config { lock: false, ..config.machine.clone() },
    }
}

/// Higher than any number of an earlier run: the second of this one, with room for a million stays
/// in each second that it lasts.
fn first_epoch() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs() << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[should_panic(expected = "the machine has failed")]
    async fn without_its_machine_a_service_does_not_go_on() {
        let data = tempfile::tempdir().unwrap();
        let config = ServiceConfig::new(([127, 0, 0, 1], 0).into(), data.path().to_owned());
        let mut server = Server::bind(config).await.unwrap();
        server.driver.abort();
        server.driver = tokio::spawn(async { panic!("the machine has failed") });
        server.run(std::future::pending()).await;
    }
}
