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
use crate::audit::{Action, Actor, Audit, AuditEvent, Caller, Fingerprint};
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
/// What the audit calls the operator's API, where the service has the same.
const SUBJECT: &str = "admin";
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
    pub fn set(&self, read: AdminRead, audit: &Audit) {
        if let (Some(tls), Some(read)) = (&self.tls, read.tls)
            && tls.set(read)
        {
            exchanged(Action::CertificateLoaded, audit);
        }
        if let (Some(authorities), Some(read)) = (&self.authorities, read.authorities)
            && authorities.set(read)
        {
            exchanged(Action::AuthoritiesLoaded, audit);
        }
    }

    /// Looks whether the files have changed.
    fn refresh(&self, audit: &Audit) {
        if let Some(tls) = &self.tls {
            looked(tls.refresh(), Action::CertificateLoaded, audit);
        }
        if let Some(authorities) = &self.authorities {
            looked(authorities.refresh(), Action::AuthoritiesLoaded, audit);
        }
    }
}

fn looked<E: std::error::Error + 'static>(found: Result<bool, E>, action: Action, audit: &Audit) {
    match found {
        Ok(true) => exchanged(action, audit),
        Ok(false) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a file of the operator's API cannot be used: what was before stays in use");
        }
    }
}

fn exchanged(action: Action, audit: &Audit) {
    tracing::info!(?action, "files of the operator's API have changed, and count from now on");
    let (subject, by) = (SUBJECT.to_owned(), Actor::Service);
    audit.tell(AuditEvent::Administered { action, subject, by });
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
    let audit = parts.audit.clone();
    let guard = Guard::new(parts.config.clone(), parts.clock, audit.clone(), locks.authorities.is_some());
    let router = super::router(App::new(parts, guard));
    let places = Arc::new(Places::default());
    let mut looks = interval(LOOK);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = looks.tick() => {
                let (looked, audit) = (locks.clone(), audit.clone());
                drop(tokio::task::spawn_blocking(move || looked.refresh(&audit)).await);
                continue;
            }
            () = stopped(&mut stop) => break,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(BREATH).await;
            continue;
        };
        // Whoever finds no place is not answered: nothing is said to strangers.
        let Some((place, leave)) = places.enter(source(peer.ip())) else { continue };
        let caller = Caller { address: peer.ip().to_canonical(), certificate: None };
        let peer = Peer { caller, place: Arc::new(place) };
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

async fn enter(stream: TcpStream, tls: Option<Arc<Tls>>, router: Router, mut peer: Peer, stop: watch::Receiver<bool>) {
    drop(stream.set_nodelay(true));
    match tls {
        None => serve(stream, router.layer(Extension(peer)), stop).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream, PATIENCE).await {
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                peer.caller.certificate = shown.map(|certificate| Fingerprint::of(certificate));
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

#[cfg(test)]
mod tests {
    use super::super::authorities::tests::authority;
    use super::*;
    use crate::audit::AuditTo;
    use crate::config::TlsFiles;
    use crate::tls::tests::write;

    /// Other authorities are other operators.
    #[tokio::test]
    async fn the_audit_is_told_of_files_that_were_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        let TlsFiles { certificate, key } = write(folder.path());
        let client_ca = folder.path().join("authorities");
        std::fs::write(&client_ca, authority("first")).unwrap();
        let (listen, tls) = (([127, 0, 0, 1], 0).into(), Some(TlsFiles { certificate, key }));
        let config = AdminConfig { listen, token_file: None, client_ca: Some(client_ca.clone()), tls };
        let locks = AdminDoor::bind(&config).await.unwrap().locks();
        let (audit, writing) = Audit::start(&AuditTo::in_data(folder.path())).unwrap();
        locks.refresh(&audit);
        locks.set(locks.read(&config).unwrap(), &audit);
        std::fs::write(&client_ca, authority("second")).unwrap();
        locks.refresh(&audit);
        std::fs::write(&client_ca, "nonsense").unwrap();
        locks.refresh(&audit);
        std::fs::write(&client_ca, authority("third")).unwrap();
        write(folder.path());
        locks.set(locks.read(&config).unwrap(), &audit);
        write(folder.path());
        locks.refresh(&audit);
        drop(audit);
        writing.join().unwrap();
        let audit = std::fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
        let lines = audit.lines().map(|line| serde_json::from_str(line).unwrap());
        let told: Vec<String> =
            lines.map(|line: serde_json::Value| format!("{} {}", line["action"], line["subject"])).collect();
        let [other, another] = [r#""authorities-loaded" "admin""#, r#""certificate-loaded" "admin""#];
        assert_eq!(told, [other, another, other, another]);
    }
}
