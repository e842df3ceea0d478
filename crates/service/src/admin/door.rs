//! The listener of the operator's API: who may connect, over what, and for how long.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

use super::authorities::{Authorities, AuthoritiesError, AuthoritiesRead};
use super::desk::{App, Parts};
use super::guard::{Guard, Peer};
use super::places::Places;
use super::token::TokenError;
use crate::config::AdminConfig;
use crate::gate::source;
use crate::http::PATIENCE;
use crate::tls::{Tls, TlsError, TlsRead};

/// A connection is closed in good order after so long, so that no certificate counts for longer.
const LONGEST: Duration = Duration::from_mins(5);
/// How long a request that is being answered keeps its connection open then.
const LAST: Duration = Duration::from_secs(4);
/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// After a failed accept the next try waits this long.
const BREATH: Duration = Duration::from_millis(50);
/// Header fields of a request.
const HEADERS: usize = 64;
/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// Why the operator's API cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address} for the operator's API: choose another with --admin-listen")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Tokens and people would be seen on the way.
    #[error(
        "the operator's API cannot be served on {0} without TLS: set admin.certificate and admin.key, or let it listen \
         on 127.0.0.1 or [::1]"
    )]
    Plain(SocketAddr),
    /// Nobody could prove to be the operator.
    #[error("nobody could use the operator's API: set admin.token_file, admin.client_ca or both")]
    Nobody,
    /// There are no certificates without TLS.
    #[error(
        "clients show certificates over TLS only: set admin.certificate and admin.key, or leave out admin.client_ca"
    )]
    NoTls,
    /// It would be another door.
    #[error("whether the operator's API has TLS, and asks for certificates, counts at the next start only")]
    AtStart,
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The authorities cannot be used.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    /// The certificate or its key cannot be used.
    #[error("the operator's API cannot be served over TLS")]
    Tls(#[source] TlsError),
}

/// The operator's API, listening.
pub struct AdminDoor {
    listener: TcpListener,
    locks: AdminLocks,
}

/// What the door is locked with; can be changed while it is open. Clones are the same.
#[derive(Clone)]
pub struct AdminLocks {
    tls: Option<Arc<Tls>>,
    authorities: Option<Arc<Authorities>>,
}

impl AdminDoor {
    /// Listens, if the settings are safe.
    pub async fn bind(config: &AdminConfig) -> Result<AdminDoor, AdminError> {
        check(config)?;
        let authorities = config.client_ca.as_deref().map(Authorities::open).transpose()?.map(Arc::new);
        let tls = match &config.tls {
            Some(files) => {
                let clients = authorities.clone().map(|authorities| authorities as _);
                Some(Arc::new(Tls::open_for(files, clients).map_err(AdminError::Tls)?))
            }
            None => None,
        };
        if let Some(file) = &config.token_file {
            super::token::Token::read(file)?;
        }
        let failed = |source| AdminError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        Ok(AdminDoor { listener, locks: AdminLocks { tls, authorities } })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// What can be changed.
    pub fn locks(&self) -> AdminLocks {
        self.locks.clone()
    }
}

/// What was read for the locks, fit for use.
pub struct AdminRead {
    tls: Option<TlsRead>,
    authorities: Option<AuthoritiesRead>,
}

impl AdminLocks {
    /// Reads other files; nothing changes yet.
    pub fn read(&self, config: &AdminConfig) -> Result<AdminRead, AdminError> {
        check(config)?;
        if self.tls.is_some() != config.tls.is_some() || self.authorities.is_some() != config.client_ca.is_some() {
            return Err(AdminError::AtStart);
        }
        if let Some(file) = &config.token_file {
            super::token::Token::read(file)?;
        }
        let authorities = config.client_ca.as_deref().map(AuthoritiesRead::of).transpose()?;
        let tls = config.tls.as_ref().map(TlsRead::of).transpose().map_err(AdminError::Tls)?;
        Ok(AdminRead { tls, authorities })
    }

    /// Uses what was read from now on.
    pub fn set(&self, read: AdminRead) {
        if let (Some(tls), Some(read)) = (&self.tls, read.tls) {
            tls.set(read);
        }
        if let (Some(authorities), Some(read)) = (&self.authorities, read.authorities) {
            authorities.set(read);
        }
    }

    fn refresh(&self) {
        if let Some(Err(error)) = self.tls.as_ref().map(|tls| tls.refresh()) {
            said("certificate", &error);
        }
        if let Some(Err(error)) = self.authorities.as_ref().map(|authorities| authorities.refresh()) {
            said("authorities", &error);
        }
    }
}

fn said(what: &'static str, error: &(dyn std::error::Error + 'static)) {
    tracing::error!(error, what, "a file of the operator's API cannot be used: what was before stays in use");
}

fn check(config: &AdminConfig) -> Result<(), AdminError> {
    let AdminConfig { listen, token_file, client_ca, tls } = config;
    if token_file.is_none() && client_ca.is_none() {
        return Err(AdminError::Nobody);
    }
    if tls.is_none() && !listen.ip().to_canonical().is_loopback() {
        return Err(AdminError::Plain(*listen));
    }
    if tls.is_none() && client_ca.is_some() {
        return Err(AdminError::NoTls);
    }
    Ok(())
}

/// Serves until `stop`, then lets requests that are being answered end.
pub async fn run(door: AdminDoor, parts: Parts, mut stop: watch::Receiver<bool>) {
    let AdminDoor { listener, locks } = door;
    let guard = Guard::new(parts.config.clone(), parts.clock, parts.audit.clone(), locks.authorities.is_some());
    let router = super::router(App::new(parts, guard));
    let places = Arc::new(Places::default());
    let mut looks = interval(LOOK);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = looks.tick() => {
                let looked = locks.clone();
                drop(tokio::task::spawn_blocking(move || looked.refresh()).await);
                continue;
            }
            () = stopped(&mut stop) => break,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(BREATH).await;
            continue;
        };
        // Whoever finds no place is not answered: nothing is said to strangers.
        let address = source(peer.ip());
        let Some((place, leave)) = places.enter(address) else { continue };
        let peer = Peer { address, place: Arc::new(place) };
        let (router, tls, stop) = (router.clone(), locks.tls.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = enter(stream, tls, router, peer, stop) => {}
                _ = leave => {}
            }
        });
    }
    drop(listener);
    drop(timeout(LAST, places.empty()).await);
}

async fn enter(stream: TcpStream, tls: Option<Arc<Tls>>, router: Router, peer: Peer, stop: watch::Receiver<bool>) {
    drop(stream.set_nodelay(true));
    match tls {
        None => serve(stream, router.layer(Extension(peer)), stop).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream, PATIENCE).await {
                serve(stream, router.layer(Extension(peer)), stop).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router, mut stop: watch::Receiver<bool>) {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(HEAD_BYTES).max_headers(HEADERS);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = sleep(LONGEST) => last(connection).await,
        () = stopped(&mut stop) => last(connection).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the operator's API broke off");
    }
}

/// Until it is to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// The request that is being answered is the last.
async fn last<I, S>(mut connection: std::pin::Pin<&mut http1::Connection<I, S>>) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = axum::body::Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    connection.as_mut().graceful_shutdown();
    timeout(LAST, connection).await.unwrap_or(Ok(()))
}
