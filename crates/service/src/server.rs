//! Listening, and stopping in good order.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hither_proto::service::{Config, ConnId, Service};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::auth::Auth;
use crate::config::ServiceConfig;
use crate::connection::{self, Link, Pace};
use crate::driver::{Clock, Driver, Note};
use crate::gate::{Gate, Place, source};
use crate::keys::{Judge, NoKeys};
use crate::lock::{LockControl, Locks};
use crate::metrics::Metrics;
use crate::operations;
use crate::outbox::Outbox;
use crate::password::PasswordError;
use crate::store::{Store, StoreError};
use crate::upgrade::{PATH, turn_away, upgrade};
use crate::writer::Writer;

/// Inputs that wait for the driver; whoever has more to say waits.
const INBOX: usize = 1024;
/// How long a stop waits for connections to close.
const STOP: Duration = Duration::from_secs(5);
/// Connections that are told at a time that they are too many; more go without an answer.
const FAREWELLS: usize = 256;
/// After a failed accept (no more file handles, say) the next try waits this long.
const BREATH: Duration = Duration::from_millis(50);

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
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Passwords cannot be checked at this cost.
    #[error("passwords cannot be checked with these parameters")]
    PasswordCost(#[from] PasswordError),
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// A service that listens.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Arc<ServiceConfig>,
    inbox: mpsc::Sender<Note>,
    stop: oneshot::Sender<()>,
    metrics: Arc<Metrics>,
    /// Where operators' tools ask.
    operations: Option<TcpListener>,
    driver: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store and listens. Must be called in a tokio runtime.
    pub async fn bind(config: ServiceConfig) -> Result<Server, StartError> {
        Server::bind_with(config, Box::new(NoKeys)).await
    }

    /// [`Server::bind`], with somebody who judges the responses of Lock and Key.
    pub async fn bind_with(config: ServiceConfig, judge: Box<dyn Judge>) -> Result<Server, StartError> {
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
        let config = Arc::new(config);
        let clock = Clock::start();
        let (inbox, notes) = mpsc::channel(INBOX);
        let store = Store::open(&config.data)?;
        let writer = Writer::start(store, config.connections, inbox.clone()).map_err(StartError::Thread)?;
        let auth = Auth::start(&config, clock, &inbox)?;
        let (stop, stopped) = oneshot::channel();
        let machine = Service::new(with_lock(&config), first_epoch());
        // It may be turned on later.
        let lock = config.lock.clone().unwrap_or_default();
        let locks = Locks::start(lock, judge, clock, inbox.clone()).map_err(StartError::Thread)?;
        let metrics = Arc::new(Metrics::new());
        let driver = Driver::new(machine, clock, auth, writer, locks, Arc::clone(&metrics));
        let driver = tokio::spawn(driver.run(notes, stopped));
        Ok(Server { listener, address, config, inbox, stop, metrics, operations, driver })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where operators' tools ask, if there is such a place.
    pub fn operations_addr(&self) -> Option<SocketAddr> {
        self.operations.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Asks for proofs while the service runs.
    pub fn lock_control(&self) -> LockControl {
        LockControl::new(self.inbox.clone())
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("ws://{}{PATH}", self.address)
    }

    /// Serves until `stop`, then tells everybody, closes every connection and returns.
    ///
    /// # Panics
    /// If the machine has: there is no going on without it, and no telling what it would have said.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Server { listener, address, config, inbox, stop: halt, metrics, operations, mut driver } = self;
        let (drain, draining) = watch::channel(false);
        let operations = operations
            .map(|listener| tokio::spawn(operations::run(listener, Arc::clone(&metrics), draining)).abort_handle());
        let gate = Gate::new(config.connections, config.connections_per_address);
        tracing::info!(%address, "serving");
        let failed = tokio::select! {
            () = accept(&listener, &gate, &config, &inbox, &metrics) => None,
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
        if let Some(operations) = operations {
            operations.abort();
        }
        tracing::info!("stopped");
    }
}

async fn accept(
    listener: &TcpListener,
    gate: &Arc<Gate>,
    config: &Arc<ServiceConfig>,
    inbox: &mpsc::Sender<Note>,
    metrics: &Metrics,
) {
    let farewells = Arc::new(Semaphore::new(FAREWELLS));
    let mut count = 0;
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                failing = false;
                let address = source(peer.ip());
                if let Some(place) = gate.enter(address) {
                    count += 1;
                    let (config, inbox) = (Arc::clone(config), inbox.clone());
                    tokio::spawn(serve(ConnId(count), stream, address, place, config, inbox));
                    continue;
                }
                metrics.turned_away.inc();
                if let Ok(farewell) = Arc::clone(&farewells).try_acquire_owned() {
                    tokio::spawn(async move {
                        turn_away(stream).await;
                        drop(farewell);
                    });
                }
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "cannot accept connections");
                }
                failing = true;
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// The machine's settings, with what is set of the lock.
fn with_lock(config: &ServiceConfig) -> Config {
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

async fn serve(
    conn: ConnId,
    stream: TcpStream,
    address: IpAddr,
    place: Place,
    config: Arc<ServiceConfig>,
    inbox: mpsc::Sender<Note>,
) {
    // Frames are small and somebody waits for each.
    drop(stream.set_nodelay(true));
    if let Some(socket) = upgrade(stream, &config.origins, config.machine.frame_bytes).await {
        let link = Arc::new(Link { address, outbox: Outbox::new(config.unsent_bytes) });
        let pace = Pace {
            keepalive: Duration::from_millis(config.machine.keepalive_ms),
            unread: Duration::from_millis(config.unread_ms),
        };
        connection::run(conn, socket, link, inbox, pace).await;
    }
    drop(place);
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
