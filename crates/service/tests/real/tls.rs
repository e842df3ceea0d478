//! TLS as clients meet it, with certificates that are made here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hither_service::TlsFiles;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::http::ask;
use crate::support::{PATIENCE, Raw, TestService, service, service_with, session};

/// A certificate for `localhost` that trusts itself, on disk.
pub struct Made {
    folder: TempDir,
    pub der: CertificateDer<'static>,
}

impl Made {
    pub fn new() -> Made {
        let folder = tempfile::tempdir().unwrap();
        let der = write(folder.path());
        Made { folder, der }
    }

    pub fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.folder.path().join("certificate"), key: self.folder.path().join("key") }
    }

    /// Another certificate at the same place.
    pub fn renew(&mut self) {
        self.der = write(self.folder.path());
    }
}

fn write(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate"), made.cert.pem()).unwrap();
    let key = folder.join("key");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    made.cert.der().clone()
}

async fn encrypted(made: &Made) -> TestService {
    service_with(|config| {
        config.tls = Some(made.files());
        config.operations = Some(([127, 0, 0, 1], 0).into());
        config.machine.sign_in_ms = 2_000;
    })
    .await
}

fn client(der: &CertificateDer<'static>, versions: &[&'static rustls::SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

const BOTH: &[&rustls::SupportedProtocolVersion] = rustls::ALL_VERSIONS;

async fn handshake(address: SocketAddr, config: ClientConfig) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap()
}

async fn signed_in(service: &TestService, made: &Made, who: &str) -> Raw<TlsStream<TcpStream>> {
    let stream = handshake(service.address, client(&made.der, BOTH)).await.unwrap();
    let mut raw = Raw::over(stream, "wss://localhost/v1").await;
    assert_eq!(raw.sign_in(who, json!({})).await["code"], 0);
    raw
}

async fn metric(service: &TestService, name: &str) -> Option<i64> {
    let (_, text) = ask(service.operations.unwrap(), "GET /metrics HTTP/1.1\r\n\r\n").await;
    text.lines().find_map(|line| line.strip_prefix(name)?.rsplit(' ').next()?.parse().ok())
}

#[tokio::test]
async fn a_session_over_both_versions() {
    let made = Made::new();
    let service = encrypted(&made).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut config = client(&made.der, &[version]);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = handshake(service.address, config).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        drop(stream);
    }
    let mut alice = signed_in(&service, &made, "alice@example.org").await;
    let mut bob = signed_in(&service, &made, "bob@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    assert_eq!(alice.outcome("sign-out", json!({})).await, "S_OK");
    assert_eq!(alice.closed().await, Some(1000));
    service.stop().await;
}

#[tokio::test]
async fn a_certificate_is_exchanged_and_who_is_there_stays() {
    let mut made = Made::new();
    let service = encrypted(&made).await;
    let first = made.der.clone();
    let ends = metric(&service, "hither_tls_certificate_end_timestamp_seconds").await.unwrap();
    assert!(ends > 2_000_000_000, "{ends}");
    let mut alice = signed_in(&service, &made, "alice@example.org").await;
    let mut bob = signed_in(&service, &made, "bob@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    made.renew();
    service.handle.reload(service.config.clone()).await.unwrap();
    assert!(handshake(service.address, client(&first, BOTH)).await.is_err(), "the old one is shown no more");
    let mut carol = signed_in(&service, &made, "carol@example.org").await;
    let context = json!({"session": session(1), "data": {"text": "still here"}});
    assert_eq!(alice.outcome("context", context).await, "S_OK");
    assert_eq!(bob.event("context").await["data"]["text"], "still here");

    // A broken one is refused with everything that came with it.
    std::fs::write(made.files().key, "no key").unwrap();
    let mut config = service.config.clone();
    config.connections = 1;
    let error = service.handle.reload(config).await.unwrap_err();
    assert!(error.to_string().contains("no private key"), "{error}");
    signed_in(&service, &made, "dave@example.org").await;
    assert_eq!(carol.outcome("ping", json!({})).await, "S_OK");
    let file = service.data.path().join("audit.jsonl");
    let told = move || std::fs::read_to_string(file).unwrap().matches("certificate-loaded").count();
    service.stop_and(|| assert_eq!(told(), 1)).await;
}

#[tokio::test]
async fn plain_text_and_tls_that_meet_each_other_are_told() {
    let made = Made::new();
    let service = encrypted(&made).await;
    let (line, text) = ask(service.address, "GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(line.contains("400") && text.contains("wss://"), "{line} {text}");
    service.stop().await;

    let plain = crate::support::service().await;
    let error = handshake(plain.address, client(&made.der, BOTH)).await.unwrap_err();
    assert!(error.to_string().contains("InvalidContentType"), "at once, and not by a time limit: {error}");
    plain.stop().await;
}

#[tokio::test]
async fn who_speaks_another_protocol_inside_is_refused() {
    let made = Made::new();
    let service = encrypted(&made).await;
    let mut config = client(&made.der, BOTH);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let refused = handshake(service.address, config).await.is_err();
    assert!(refused);
    service.stop().await;
}

#[tokio::test]
async fn a_thousand_half_handshakes_hold_up_nobody_and_end() {
    let made = Made::new();
    let service = encrypted(&made).await;
    // The header of a ClientHello whose rest does not come.
    let half = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let mut waiting = Vec::new();
    for number in 0..1_000 {
        let mut stream = TcpStream::connect(service.address).await.unwrap();
        // Some say nothing at all.
        stream.write_all(&half[..number % half.len()]).await.unwrap();
        waiting.push(stream);
    }
    let mut alice = signed_in(&service, &made, "alice@example.org").await;
    assert_eq!(alice.outcome("ping", json!({})).await, "S_OK");
    for stream in &mut waiting {
        let mut rest = Vec::new();
        // Closed, or reset since half a hello was never read; not waited for without end.
        drop(timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap());
    }
    assert_eq!(metric(&service, "hither_tls_failures_total").await, Some(1_000));
    assert_eq!(alice.outcome("ping", json!({})).await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn one_too_many_is_told_over_tls_as_well() {
    let made = Made::new();
    let service = service_with(|config| {
        config.tls = Some(made.files());
        config.connections = 1;
    })
    .await;
    let _alice = signed_in(&service, &made, "alice@example.org").await;
    let mut stream = handshake(service.address, client(&made.der, BOTH)).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After"), "{answer}");
    service.stop().await;
}

#[tokio::test]
async fn without_a_right_certificate_there_is_no_service() {
    let made = Made::new();
    std::fs::write(made.files().certificate, "nothing").unwrap();
    let plain = service().await;
    let mut config = plain.config.clone();
    config.tls = Some(made.files());
    let error = hither_service::Server::bind(config).await.err().unwrap();
    assert!(matches!(error, hither_service::StartError::Tls(_)), "{error}");
    plain.stop().await;
}
