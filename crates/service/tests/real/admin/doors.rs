//! Who gets in, over what, and when no more.

use std::net::SocketAddr;
use std::sync::Arc;

use hither_service::{AdminConfig, AdminError, Server, ServiceConfig, StartError, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Operator, Reply, TOKEN, exchange, operated, private, raw, with_token, written};
use crate::support::{PATIENCE, TestService, service_with};
use crate::tls::Made;

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[tokio::test]
async fn the_token_and_nothing_else() {
    let (service, Operator { address }) = operated().await;
    let ask = |headers: String| async move { raw(address, &written("GET", "/v1/status", &headers, "")).await };
    assert_eq!(ask(bearer(TOKEN)).await.status, 200);
    assert_eq!(ask(format!("authorization: bearer   {TOKEN}\r\n")).await.status, 200);
    for wrong in [&TOKEN[1..], "x", &TOKEN.to_uppercase(), &format!("{TOKEN}0"), &"x".repeat(5000)] {
        let reply = ask(bearer(wrong)).await;
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"hither\", error=\"invalid_token\""));
    }
    for nothing in [
        String::new(),
        "Authorization: Bearer\r\n".to_owned(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
        format!("X-Authorization: Bearer {TOKEN}\r\n"),
        format!("{}{}", bearer(TOKEN), bearer(TOKEN)),
    ] {
        let reply = ask(nothing).await;
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"hither\""));
    }
    let query = raw(address, &written("GET", &format!("/v1/status?access_token={TOKEN}"), "", "")).await;
    query.problem(401, "unauthenticated");
    service.stop().await;
}

#[tokio::test]
async fn who_is_wrong_too_often_waits_and_who_is_right_does_not() {
    let (service, operator) = operated().await;
    let wrong = written("GET", "/v1/status", &bearer("wrong"), "");
    let mut refused = None;
    for _ in 0..150 {
        let reply = raw(operator.address, &wrong).await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
        reply.problem(401, "unauthenticated");
    }
    let refused = refused.expect("at last");
    refused.problem(429, "too-many-failures");
    assert!((1..=3).contains(&refused.header("retry-after").unwrap().parse::<u64>().unwrap()));
    operator.get("/v1/status").await;
    let file = service.data.path().join("audit.jsonl");
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(file).unwrap();
            assert!(audit.contains("operator-refused") && audit.contains("throttled"), "{audit}");
            assert!(!audit.contains("wrong") && !audit.contains(TOKEN), "{audit}");
        })
        .await;
}

#[tokio::test]
async fn another_token_counts_from_the_moment_it_is_written() {
    let (service, operator) = operated().await;
    let file = service.data.path().join("token");
    let other = TOKEN.replace('0', "9");
    let ask = |token: String| async move {
        raw(operator.address, &written("GET", "/v1/status", &bearer(&token), "")).await.status
    };
    private(&file, &other);
    assert_eq!((ask(other.clone()).await, ask(TOKEN.to_owned()).await), (200, 401));
    // One that is being written does not open the door, nor lock it.
    private(&file, "short");
    assert_eq!((ask(other.clone()).await, ask("short".to_owned()).await), (200, 401));
    std::fs::remove_file(&file).unwrap();
    assert_eq!((ask(other.clone()).await, ask(String::new()).await), (401, 401), "taken back");
    private(&file, TOKEN);
    assert_eq!((ask(other).await, ask(TOKEN.to_owned()).await), (401, 200));
    service.stop().await;
}

#[tokio::test]
async fn doors_that_are_not_safe_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut AdminConfig)| {
        let mut config = ServiceConfig::new(([127, 0, 0, 1], 0).into(), folder.path().to_owned());
        with_token(&mut config);
        config.admin.as_mut().map(change);
        async move {
            match Server::bind(config).await {
                Err(StartError::Admin(error)) => error,
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("it is open"),
            }
        }
    };
    let error = refused(|admin| admin.listen = ([0, 0, 0, 0], 0).into()).await;
    assert!(matches!(error, AdminError::Plain(_)));
    assert!(error.to_string().contains("admin.certificate") && error.to_string().contains("127.0.0.1"), "{error}");
    let error = refused(|admin| admin.token_file = None).await;
    assert!(error.to_string().contains("admin.token_file"), "{error}");
    let error = refused(|admin| admin.client_ca = Some("/nowhere".into())).await;
    assert!(matches!(error, AdminError::NoTls));
    let error = refused(|admin| private(admin.token_file.as_ref().unwrap(), "too short")).await;
    assert!(error.to_string().contains("32 characters"), "{error}");
}

/// An authority with a client of its own.
struct Authority {
    certificate: rcgen::Certificate,
    client: (CertificateDer<'static>, PrivateKeyDer<'static>),
}

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let own = KeyPair::generate().unwrap();
        let client = CertificateParams::new(vec!["operator".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
        Authority { client: (client.der().clone(), key), certificate }
    }
}

impl Authority {
    /// Of its client's certificate, as the audit has it.
    fn fingerprint(&self) -> String {
        use sha2::Digest as _;
        sha2::Sha256::digest(&self.client.0).iter().fold(String::new(), |digits, byte| format!("{digits}{byte:02x}"))
    }
}

struct Mutual {
    service: TestService,
    made: Made,
    folder: TempDir,
}

impl Mutual {
    async fn new(right: &Authority, token: bool) -> Mutual {
        let (made, folder) = (Made::new(), tempfile::tempdir().unwrap());
        let authorities = folder.path().join("authorities");
        std::fs::write(&authorities, right.certificate.pem()).unwrap();
        let service = service_with(|config| {
            with_token(config);
            config.tls = Some(made.files());
            let admin = config.admin.as_mut().unwrap();
            admin.tls = Some(made.files());
            admin.client_ca = Some(authorities);
            if !token {
                admin.token_file = None;
            }
        })
        .await;
        Mutual { service, made, folder }
    }

    async fn ask(&self, client: Option<&Authority>, headers: &str) -> std::io::Result<Reply> {
        self.send(client, &written("GET", "/v1/status", headers, "")).await
    }

    async fn send(&self, client: Option<&Authority>, request: &str) -> std::io::Result<Reply> {
        let stream = self.connect(client, self.service.admin.unwrap()).await?;
        exchange(stream, request.as_bytes()).await
    }

    /// To this service as it was begun: another certificate is not believed.
    async fn connect(&self, client: Option<&Authority>, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.made.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let config = match client {
            Some(Authority { client: (certificate, key), .. }) => {
                builder.with_client_auth_cert(vec![certificate.clone()], key.clone_key()).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }
}

#[tokio::test]
async fn the_right_certificate_and_no_other() {
    let (right, other) = (Authority::new(), Authority::new());
    let mutual = Mutual::new(&right, false).await;
    assert_eq!(mutual.ask(Some(&right), "").await.unwrap().status, 200);
    assert!(mutual.ask(None, "").await.is_err());
    assert!(mutual.ask(None, &bearer(TOKEN)).await.is_err(), "a token is no certificate");
    assert!(mutual.ask(Some(&other), "").await.is_err());
    // In plain text nothing is said but that it is TLS.
    let reply = raw(mutual.service.admin.unwrap(), &written("GET", "/v1/status", &bearer(TOKEN), "")).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("TLS"), "{reply:?}");
    mutual.service.stop().await;
}

/// A form of any page, sent by the browser that holds the operator's certificate: nothing asks beforehand.
#[tokio::test]
async fn a_web_page_does_nothing_with_the_operator_s_certificate() {
    let right = Authority::new();
    let mutual = Mutual::new(&right, false).await;
    let path = "/v1/people/alice@example.org/sign-out";
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for page in [
        "Origin: https://elsewhere.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
    ] {
        let request = written("POST", path, &format!("{form}{page}"), "");
        mutual.send(Some(&right), &request).await.unwrap().problem(403, "web-page");
    }
    for program in ["", "Sec-Fetch-Site: none\r\n", "Sec-Fetch-Site: same-origin\r\n"] {
        let reply = mutual.send(Some(&right), &written("POST", path, program, "")).await.unwrap();
        assert_eq!(reply.status, 200, "{program}");
    }
    let file = mutual.service.data.path().join("audit.jsonl");
    mutual
        .service
        .stop_and(|| {
            let audit = std::fs::read_to_string(file).unwrap();
            assert!(audit.contains("operator-refused"), "{audit}");
            let done = audit.lines().find(|line| line.contains("signed-out-everywhere")).unwrap();
            let by = &serde_json::from_str::<serde_json::Value>(done).unwrap()["by"]["api"];
            assert_eq!((&by["address"], &by["certificate"]), (&json!("127.0.0.1"), &json!(right.fingerprint())));
        })
        .await;
}

#[tokio::test]
async fn both_where_both_are_asked_for() {
    let right = Authority::new();
    let mutual = Mutual::new(&right, true).await;
    assert_eq!(mutual.ask(Some(&right), &bearer(TOKEN)).await.unwrap().status, 200);
    mutual.ask(Some(&right), "").await.unwrap().problem(401, "unauthenticated");
    mutual.ask(Some(&right), &bearer("wrong")).await.unwrap().problem(401, "unauthenticated");
    assert!(mutual.ask(None, &bearer(TOKEN)).await.is_err());
    mutual.service.stop().await;
}

#[tokio::test]
async fn other_files_count_after_a_reload() {
    let (right, other) = (Authority::new(), Authority::new());
    let mutual = Mutual::new(&right, false).await;
    let handle = mutual.service.handle.clone();
    let config = mutual.service.config.clone();
    std::fs::write(mutual.folder.path().join("authorities"), other.certificate.pem()).unwrap();
    handle.reload(config.clone()).await.unwrap();
    assert!(mutual.ask(Some(&right), "").await.is_err(), "no more, and nothing is resumed");
    assert_eq!(mutual.ask(Some(&other), "").await.unwrap().status, 200);
    std::fs::write(mutual.folder.path().join("authorities"), "nonsense").unwrap();
    assert!(handle.reload(config.clone()).await.is_err());
    assert_eq!(mutual.ask(Some(&other), "").await.unwrap().status, 200, "what was before stays");
    let mut open = config.clone();
    let admin = open.admin.as_mut().unwrap();
    (admin.client_ca, admin.token_file) = (None, Some(mutual.folder.path().join("token")));
    private(&mutual.folder.path().join("token"), TOKEN);
    assert!(handle.reload(open).await.is_err(), "the door stays as it was built");
    let off = ServiceConfig { admin: None, ..config };
    handle.reload(off).await.unwrap();
    assert_eq!(mutual.ask(Some(&other), "").await.unwrap().status, 200);
    mutual.service.stop().await;
}

/// What is right beside what is wrong is not taken either.
#[tokio::test]
async fn a_reload_is_whole_or_not_at_all() {
    let (right, other) = (Authority::new(), Authority::new());
    let mutual = Mutual::new(&right, false).await;
    let elsewhere = mutual.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, other.certificate.pem()).unwrap();
    let (own, wrong) = (Made::new(), Made::new());
    std::fs::write(wrong.files().certificate, "nonsense").unwrap();
    let mut config = mutual.service.config.clone();
    config.tls = Some(own.files());
    let admin = config.admin.as_mut().unwrap();
    (admin.client_ca, admin.tls) = (Some(elsewhere), Some(wrong.files()));
    assert!(mutual.service.handle.reload(config).await.is_err());
    assert_eq!(mutual.ask(Some(&right), "").await.unwrap().status, 200);
    assert!(mutual.ask(Some(&other), "").await.is_err());
    assert!(mutual.connect(None, mutual.service.address).await.is_ok(), "the service's own is as it was");
    mutual.service.stop().await;
}

#[tokio::test]
async fn tls_with_a_token_only() {
    let made = Made::new();
    let service = service_with(|config| {
        with_token(config);
        let TlsFiles { certificate, key } = made.files();
        config.admin.as_mut().unwrap().tls = Some(TlsFiles { certificate, key });
    })
    .await;
    let mutual = Mutual { service, made, folder: tempfile::tempdir().unwrap() };
    assert_eq!(mutual.ask(None, &bearer(TOKEN)).await.unwrap().status, 200);
    mutual.ask(None, "").await.unwrap().problem(401, "unauthenticated");
    mutual.service.stop().await;
}

#[tokio::test]
async fn a_service_that_drains_says_so_and_strangers_are_still_strangers() {
    let (service, operator) = operated().await;
    service.handle.drain();
    let reply = operator.ask("GET", "/v1/status", None).await;
    let body = reply.problem(503, "draining");
    assert_eq!((&body["name"], reply.header("retry-after")), (&json!("MSGR_E_SERVER_SHUTDOWN"), Some("10")));
    raw(operator.address, &written("GET", "/v1/status", "", "")).await.problem(401, "unauthenticated");
    service.stop().await;
    assert!(TcpStream::connect(operator.address).await.is_err());
}

/// Strangers at the operator's own address, as many as find room, and each comes back when it is put out.
#[tokio::test]
async fn strangers_who_say_nothing_do_not_keep_the_operator_out() {
    let (service, operator) = operated().await;
    let mut strangers = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(operator.address).await.unwrap();
        stream.write_all(b"GET /v1/status HTTP/1.1\r\n").await.unwrap();
        strangers.push(stream);
        if strangers.len() % 20 == 0 {
            operator.get("/v1/status").await;
        }
    }
    // Those who were there first made way.
    assert!(matches!(timeout(PATIENCE, strangers[0].read(&mut [0])).await.unwrap(), Ok(0) | Err(_)));
    service.stop().await;
}

#[tokio::test]
async fn who_is_refused_does_not_stay() {
    let (service, Operator { address }) = operated().await;
    for headers in [String::new(), bearer("wrong"), format!("{}Origin: null\r\n", bearer(TOKEN))] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /v1/status HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reply = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut reply)).await.expect("an end").unwrap();
        assert!(reply.contains("connection: close"), "{reply}");
    }
    service.stop().await;
}

#[tokio::test]
async fn somebody_who_says_nothing_does_not_keep_a_stop_waiting() {
    let (service, operator) = operated().await;
    let mut silent = TcpStream::connect(operator.address).await.unwrap();
    silent.write_all(b"GET /v1/status HTTP/1.1\r\n").await.unwrap();
    let mut idle = TcpStream::connect(operator.address).await.unwrap();
    let request = format!("GET /v1/status HTTP/1.1\r\nHost: x\r\n{}\r\n", bearer(TOKEN));
    idle.write_all(request.as_bytes()).await.unwrap();
    assert!(idle.read(&mut [0; 4096]).await.unwrap() > 0);
    service.stop().await;
    drop((silent, idle));
}

#[tokio::test]
async fn it_is_off_unless_it_is_turned_on() {
    let service = crate::support::service().await;
    assert_eq!(service.admin, None);
    service.stop().await;
}
