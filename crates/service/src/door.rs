//! Who comes in: connections are accepted, counted at the gate, brought to a WebSocket, and run.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hither_proto::service::ConnId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use crate::config::Live;
use crate::connection::{self, Link, Pace};
use crate::driver::Note;
use crate::gate::{Gate, Place, source};
use crate::http::{FAREWELL, PATIENCE};
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::proxy::{Network, is_trusted};
use crate::tls::Tls;
use crate::upgrade::{Rules, turn_away, upgrade};

/// Connections that are told at a time that they are too many; more go without an answer.
const FAREWELLS: usize = 256;
/// After a failed accept (no more file handles, say) the next try waits this long.
const BREATH: Duration = Duration::from_millis(50);

/// What a new connection needs.
#[derive(Clone)]
pub struct Door {
    /// The settings.
    pub config: Live,
    /// The driver's inbox.
    pub inbox: mpsc::Sender<Note>,
    /// How many are in.
    pub gate: Arc<Gate>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// `None` if plain text is spoken.
    pub tls: Option<Arc<Tls>>,
}

/// Accepts until it is dropped.
pub async fn accept(listener: &TcpListener, door: &Door) {
    let farewells = Arc::new(Semaphore::new(FAREWELLS));
    let mut count = 0;
    let mut failing = false;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                failing = false;
                let peer = peer.ip();
                let direct = !is_trusted(&door.config.get().proxies, peer);
                if let Some(place) = door.gate.enter(direct.then(|| source(peer))) {
                    count += 1;
                    tokio::spawn(enter(door.clone(), stream, Visitor { conn: ConnId(count), peer, direct, place }));
                    continue;
                }
                door.metrics.turned_away.inc();
                if let Ok(farewell) = Arc::clone(&farewells).try_acquire_owned() {
                    let door = door.clone();
                    tokio::spawn(async move {
                        door.turn_away(stream).await;
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

/// Somebody who comes in.
struct Visitor {
    conn: ConnId,
    /// Who connects: the client, or a proxy for it.
    peer: IpAddr,
    /// Whether it is the client.
    direct: bool,
    place: Place,
}

async fn enter(door: Door, stream: TcpStream, visitor: Visitor) {
    // Frames are small and somebody waits for each.
    drop(stream.set_nodelay(true));
    let Some(tls) = door.tls.clone() else {
        return serve(door, stream, visitor).await;
    };
    // The time to sign in begins when there is a WebSocket; before, no step may take longer either.
    let limit = PATIENCE.min(Duration::from_millis(door.config.get().machine.sign_in_ms));
    match tls.accept(stream, limit).await {
        Ok(stream) => {
            drop(tls);
            serve(door, stream, visitor).await;
        }
        Err(true) => drop(door.metrics.tls_failures.inc()),
        Err(false) => {}
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(door: Door, stream: S, visitor: Visitor) {
    let Door { config, inbox, metrics, .. } = door;
    let Visitor { conn, peer, direct, mut place } = visitor;
    let config = config.get();
    let proxies: &[Network] = if direct { &[] } else { &config.proxies };
    let rules = Rules { origins: &config.origins, frame_bytes: config.machine.frame_bytes, proxies };
    let mut address = source(peer);
    let admit = |client: Option<IpAddr>| {
        address = client.map_or(address, source);
        let fits = place.belongs_to(address);
        if !fits {
            metrics.turned_away.inc();
        }
        fits
    };
    let Some(socket) = upgrade(stream, rules, admit).await else { return };
    let link = Arc::new(Link { address, outbox: Outbox::new(config.unsent_bytes) });
    let pace = Pace {
        keepalive: Duration::from_millis(config.machine.keepalive_ms),
        unread: Duration::from_millis(config.unread_ms),
    };
    // Settings of long ago are not kept by connections that are still here.
    drop(config);
    connection::run(conn, socket, link, inbox, pace).await;
    drop(place);
}

impl Door {
    /// In the client's language: to be understood, a refusal has to be spoken over TLS as well.
    async fn turn_away(&self, stream: TcpStream) {
        match &self.tls {
            None => turn_away(stream).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream, FAREWELL).await {
                    turn_away(stream).await;
                }
            }
        }
    }
}
