//! Listening, and stopping in good order.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hither_proto::service::{ConnId, Service};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::auth::Auth;
use crate::config::ServiceConfig;
use crate::connection::{self, Link, Pace};
use crate::driver::{Clock, Driver, Note};
use crate::gate::{Gate, Place};
use crate::outbox::Outbox;
use crate::store::{Store, StoreError};
use crate::upgrade::{PATH, turn_away, upgrade};
use crate::writer::Writer;

/// Inputs that wait for the driver; whoever has more to say waits.
const INBOX: usize = 1024;
/// How long a stop waits for connections to close.
const STOP: Duration = Duration::from_secs(5);
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
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    driver: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Opens the store and listens. Must be called in a tokio runtime.
    pub async fn bind(config: ServiceConfig) -> Result<Server, StartError> {
        let failed = |source| StartError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let config = Arc::new(config);
        let clock = Clock::start();
        let (inbox, notes) = mpsc::channel(INBOX);
        let store = Store::open(&config.data)?;
        let writer = Writer::start(store, config.connections, inbox.clone()).map_err(StartError::Thread)?;
        let auth = Auth::start(&config, clock, &inbox)?;
        let (stop, stopped) = oneshot::channel();
        let machine = Service::new(config.machine.clone(), first_epoch());
        let driver = Driver::new(machine, clock, auth, writer);
        let driver = tokio::spawn(driver.run(notes, stopped));
        Ok(Server { listener, address, config, inbox, stop, driver })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("ws://{}{PATH}", self.address)
    }

    /// Serves until `stop`, then tells everybody, closes every connection and returns.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let gate = Gate::new(self.config.connections, self.config.connections_per_address);
        tracing::info!(address = %self.address, "serving");
        tokio::select! {
            () = self.accept(&gate) => {}
            () = stop => {}
        }
        tracing::info!("stopping");
        drop(self.listener);
        // The driver has told everybody when it returns.
        let _ = self.stop.send(());
        drop(self.driver.await);
        if timeout(STOP, gate.empty()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        tracing::info!("stopped");
    }

    async fn accept(&self, gate: &Arc<Gate>) {
        let mut count = 0;
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    count += 1;
                    let Some(place) = gate.enter(peer.ip()) else {
                        tokio::spawn(turn_away(stream));
                        continue;
                    };
                    tokio::spawn(serve(
                        ConnId(count),
                        stream,
                        peer,
                        place,
                        Arc::clone(&self.config),
                        self.inbox.clone(),
                    ));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
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
    peer: SocketAddr,
    place: Place,
    config: Arc<ServiceConfig>,
    inbox: mpsc::Sender<Note>,
) {
    // Frames are small and somebody waits for each.
    drop(stream.set_nodelay(true));
    if let Some(socket) = upgrade(stream, &config.origins, config.machine.frame_bytes).await {
        let link = Arc::new(Link { address: peer.ip(), outbox: Outbox::new(config.unsent_bytes) });
        let pace = Pace {
            keepalive: Duration::from_millis(config.machine.keepalive_ms),
            unread: Duration::from_millis(config.unread_ms),
        };
        connection::run(conn, socket, link, inbox, pace).await;
    }
    drop(place);
}
