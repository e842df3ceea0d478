//! TLS for a listener: handshakes, and certificates that are exchanged while it listens.
//!
//! The files are read again every [`LOOK`] and whenever the settings are; what is wrong with them is
//! logged once, and the certificate before stays in use. Connections that are open keep the keys that
//! they agreed upon.

mod files;
mod validity;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::TlsFiles;
use crate::http::{self, Answer, TLS_HANDSHAKE};
pub use files::TlsError;
use files::{Found, Stamp};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

const NOT_TLS: Answer = Answer {
    status: "400 Bad Request",
    header: "",
    text: std::borrow::Cow::Borrowed("This port speaks TLS: use wss:// or https://, not ws:// or http://.\n"),
};

/// What a certificate says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when it counts, in seconds since 1970.
    pub begins: i64,
    /// Until when.
    pub ends: i64,
}

/// Reads the files as a service would, and says how long the certificate counts; `None` if it does not
/// say so in a way that is understood.
pub fn inspect(files: &TlsFiles) -> Result<Option<Validity>, TlsError> {
    TlsRead::of(files).map(|read| read.found.validity)
}

/// Everything that is needed to accept over TLS.
pub struct Tls {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
}

/// The certificate that is shown, and where it came from.
#[derive(Debug)]
struct Certificates {
    shown: RwLock<Arc<CertifiedKey>>,
    /// Held until what is shown is exchanged: else what was read before could be shown after what was read later.
    source: Mutex<Source>,
}

#[derive(Debug)]
struct Source {
    files: TlsFiles,
    /// What was in the files when they were last looked at, fit for use or not.
    seen: Option<Stamp>,
    validity: Option<Validity>,
}

/// What files hold, fit for use.
pub struct TlsRead {
    files: TlsFiles,
    found: Found,
}

impl TlsRead {
    /// Reads the files; they must be right.
    pub fn of(files: &TlsFiles) -> Result<TlsRead, TlsError> {
        let found = files::read(files, &aws_lc_rs::default_provider())?;
        Ok(TlsRead { files: files.clone(), found })
    }
}

impl Tls {
    /// Reads the files; they must be right.
    pub fn open(files: &TlsFiles) -> Result<Tls, TlsError> {
        Tls::open_for(files, None)
    }

    /// [`Tls::open`], for clients that have to show a certificate. Each of them does so each time: nobody
    /// resumes by what counted before.
    pub fn open_for(files: &TlsFiles, clients: Option<Arc<dyn ClientCertVerifier>>) -> Result<Tls, TlsError> {
        let TlsRead { files, found: Found { key, stamp, validity } } = TlsRead::of(files)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let source = Source { files, seen: Some(stamp), validity };
        let certificates = Arc::new(Certificates { shown: RwLock::new(Arc::new(key)), source: Mutex::new(source) });
        let builder = rustls::ServerConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Certificates>::clone(&certificates);
        let resumed = clients.is_none();
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(clients),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A client that comes back after a restart of the network saves the larger part of a
        // handshake. What is needed for it stays with the client, not here.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        if resumed {
            config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
            config.send_tls13_tickets = 1;
        }
        Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificates })
    }

    /// Uses what was read from now on; whether that is anything else.
    pub fn set(&self, read: TlsRead) -> bool {
        let TlsRead { files, found } = read;
        let mut source = self.certificates.source();
        let is_other = source.seen.as_ref() != Some(&found.stamp);
        self.certificates.show(&mut source, files, found);
        is_other
    }

    /// Looks whether the files have changed. What is wrong is said once for each change.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        self.certificates.refresh()
    }

    /// When the certificate ends, in seconds since 1970.
    pub fn ends(&self) -> Option<i64> {
        self.certificates.source().validity.map(|validity| validity.ends)
    }

    /// A handshake within this time. Whoever speaks plain HTTP is told so in words. `Err` says
    /// whether a handshake had begun.
    pub async fn accept(&self, stream: TcpStream, limit: Duration) -> Result<Box<TlsStream<TcpStream>>, bool> {
        let handshake = async {
            let mut first = [0];
            // Looked at, not taken: the handshake needs it too.
            if stream.peek(&mut first).await.map_err(|_| false)? == 0 {
                return Err(false);
            }
            if first != [TLS_HANDSHAKE] {
                http::answer(stream, &NOT_TLS).await;
                return Err(false);
            }
            self.acceptor.accept(stream).await.map(Box::new).map_err(|error| {
                tracing::debug!(%error, "a TLS handshake failed");
                true
            })
        };
        // On the heap: the connection's task must not keep room for it as long as it lives.
        Box::pin(timeout(limit, handshake)).await.unwrap_or(Err(true))
    }
}

impl Certificates {
    fn refresh(&self) -> Result<bool, TlsError> {
        let mut source = self.source();
        let stamp = files::stamp(&source.files);
        let unchanged = matches!((&stamp, &source.seen), (Ok(now), Some(seen)) if now == seen);
        // Files that are missing stay missing until they are there.
        if unchanged || (stamp.is_err() && source.seen.is_none()) {
            return Ok(false);
        }
        source.seen = stamp.ok();
        let TlsRead { files, found } = TlsRead::of(&source.files)?;
        self.show(&mut source, files, found);
        Ok(true)
    }

    fn show(&self, source: &mut Source, files: TlsFiles, found: Found) {
        let Found { key, stamp, validity } = found;
        *source = Source { files, seen: Some(stamp), validity };
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
    }

    fn source(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Looks at the files again and again, and says what it has found in the log.
pub async fn watch(tls: Arc<Tls>, ends: impl Fn(i64)) {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let looked = Arc::clone(&tls);
        let refreshed = tokio::task::spawn_blocking(move || looked.refresh()).await;
        match refreshed.map_err(io::Error::other) {
            Ok(Ok(true)) => {
                tracing::info!("the certificate was exchanged");
                tls.ends().into_iter().for_each(&ends);
            }
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the new certificate cannot be used: the one before stays in use");
            }
            Err(error) => tracing::error!(%error, "the certificate could not be looked at"),
        }
    }
}

#[cfg(test)]
pub mod tests;
