//! TLS towards a service: whom a client trusts, and in words why it does not.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, CertificateError, ClientConfig, InvalidMessage, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Failure;

/// Names a file with certificates of authorities that are trusted besides the system's.
pub const CA_FILE: &str = "HITHER_CA_FILE";

/// Whom a client trusts: the system's authorities, and those in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    file: Option<PathBuf>,
}

/// Who was trusted last: reading some hundred certificates takes a while, and sessions of TLS can only
/// be resumed with what began them.
static LAST: Mutex<Option<(Trust, Arc<ClientConfig>)>> = Mutex::new(None);

impl Trust {
    /// As the environment says.
    pub fn from_env() -> Trust {
        Trust { file: std::env::var_os(CA_FILE).filter(|file| !file.is_empty()).map(PathBuf::from) }
    }

    /// The authorities in this file.
    pub fn in_file(file: &Path) -> Trust {
        Trust { file: Some(file.to_owned()) }
    }

    fn config(&self) -> Result<Arc<ClientConfig>, Failure> {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((trust, config)) = &*last
            && trust == self
        {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.read().map_err(Failure::Untrusted)?);
        *last = Some((self.clone(), Arc::clone(&config)));
        Ok(config)
    }

    fn read(&self) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(file) = &self.file {
            add(&mut roots, file)?;
        }
        if roots.is_empty() {
            return Err(format!(
                "this machine trusts nobody: install its CA certificates, or name a file with some in {CA_FILE}"
            ));
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Who is not trusted may be trusted the next time: then everything is read again.
    fn forget(&self) {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        last.take_if(|(trust, _)| trust == self);
    }
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), String> {
    let failed = |what: String| format!("the certificates in {} cannot be read: {what}", file.display());
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).and_then(Iterator::collect).map_err(|error| failed(error.to_string()));
    let found = found?;
    if found.is_empty() {
        return Err(failed("there are none; PEM with BEGIN CERTIFICATE is needed".to_owned()));
    }
    found.into_iter().try_for_each(|certificate| roots.add(certificate)).map_err(|error| failed(error.to_string()))
}

/// A handshake with `host`.
pub async fn connect(stream: TcpStream, host: &str, trust: &Trust) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::Url(format!("no certificate can be for a host named {host}")))?;
    let read = trust.clone();
    // Files are read.
    let config = tokio::task::spawn_blocking(move || read.config()).await.map_err(io::Error::other);
    let config = config.map_err(Failure::Io)??;
    TlsConnector::from(config).connect(name, stream).await.map_err(|error| {
        let failure = in_words(error, host);
        if matches!(failure, Failure::Untrusted(_)) {
            trust.forget();
        }
        failure
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "enums of others, which grow")]
fn in_words(error: io::Error, host: &str) -> Failure {
    let Some(tls) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Failure::NoService(
                "it ends the connection when it is spoken to in TLS; if it speaks plain text, use ws://".to_owned(),
            ),
            _ => Failure::Io(error),
        };
    };
    if let rustls::Error::InvalidCertificate(why) = tls {
        return Failure::Untrusted(why_not(why, host));
    }
    Failure::NoService(match tls {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it does not speak TLS there; use ws://, or give the service a certificate".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) | rustls::Error::PeerIncompatible(_) => {
            "it speaks no TLS of a version that is safe: 1.2 or 1.3 is needed".to_owned()
        }
        rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "it speaks TLS, but no HTTP/1.1 inside".to_owned()
        }
        other => format!("the TLS handshake failed ({other})"),
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "enums of others, which grow")]
fn why_not(why: &CertificateError, host: &str) -> String {
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; whoever runs the service has to renew it (or the clock here is wrong)"
                .to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; check the clock here".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("its certificate is for {}, not for {host}; use the name that it is for", names(presented))
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("its certificate is not for {host}; use the name that it is for")
        }
        // An authority of the same name with another key signs nothing that this one has signed.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
            "nobody whom this machine trusts has signed its certificate; if you do, name a file with the \
             certificate of its authority in {CA_FILE}"
        ),
        CertificateError::Revoked => "its certificate was revoked; whoever runs the service has to renew it".to_owned(),
        other => format!("its certificate cannot be used ({other})"),
    }
}

/// Some of the names that a certificate is for: it may have a hundred, and they are the other side's.
fn names(presented: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = presented.iter().take(SHOWN).map(|name| {
        let name = name.strip_prefix("DnsName(\"").and_then(|rest| rest.strip_suffix("\")")).unwrap_or(name);
        name.chars().take(253).filter(|c| !c.is_control()).collect::<String>()
    });
    let mut text = shown.collect::<Vec<_>>().join(" and ");
    if presented.len() > SHOWN {
        text.push_str(" and others");
    }
    text
}
