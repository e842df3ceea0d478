//! `wss://`: certificates that are right, and each way to be wrong in words.

use std::path::PathBuf;

use hither::{Client, ConnectError, NextStep};
use hither_service::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::world::{World, full};

/// An authority, and what it has signed.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        std::fs::write(folder.path().join("ca"), params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { folder, issuer: Issuer::new(params, key) }
    }

    /// The file with its certificate.
    fn file(&self) -> PathBuf {
        self.folder.path().join("ca")
    }

    /// Signs a certificate for a name.
    fn sign(&self, name: &str, years: (i32, i32)) -> TlsFiles {
        let files = TlsFiles { certificate: self.folder.path().join("own"), key: self.folder.path().join("key") };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().unwrap();
        std::fs::write(&files.certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        files
    }

    async fn sign_in(&self, url: &str) -> Result<Client, ConnectError> {
        let builder = Client::builder(url).root_certificates(self.file());
        builder.sign_in(&full("alice"), "alice").await.map(|(client, _events)| client)
    }
}

const NOW: (i32, i32) = (2020, 2100);

async fn with(files: TlsFiles) -> World {
    World::with(|config| config.tls = Some(files)).await
}

#[tokio::test]
async fn signed_in_over_tls_and_still_there_when_the_certificate_changes() {
    let authority = Authority::new();
    let world = with(authority.sign("127.0.0.1", NOW)).await;
    assert!(world.url.starts_with("wss://127.0.0.1:"), "{}", world.url);
    let client = authority.sign_in(&world.url).await.unwrap();
    assert_eq!(client.contacts().await.unwrap().len(), 2);
    authority.sign("127.0.0.1", NOW);
    world.handle.reload(world.config.clone()).await.unwrap();
    assert_eq!(client.contacts().await.unwrap().len(), 2);
    let again = authority.sign_in(&world.url).await.unwrap();
    assert_eq!(again.contacts().await.unwrap().len(), 2);
    client.sign_out().await.unwrap();
}

#[tokio::test]
async fn who_is_not_trusted_and_why() {
    for (name, years, says) in [
        ("example.org", NOW, &["example.org", "not for 127.0.0.1"][..]),
        ("127.0.0.1", (2020, 2021), &["expired", "clock"]),
        ("127.0.0.1", (2090, 2100), &["not valid yet"]),
    ] {
        let authority = Authority::new();
        let world = with(authority.sign(name, years)).await;
        let error = authority.sign_in(&world.url).await.unwrap_err();
        assert!(matches!(error, ConnectError::Untrusted { .. }), "{error:?}");
        assert!(says.iter().all(|part| error.to_string().contains(part)), "{error}");
        assert_eq!(error.next_step(), NextStep::CheckService);
    }
    let world = with(Authority::new().sign("127.0.0.1", NOW)).await;
    let error = Authority::new().sign_in(&world.url).await.unwrap_err();
    assert!(error.to_string().contains("HITHER_CA_FILE"), "{error}");
}

#[tokio::test]
async fn who_is_not_trusted_now_may_be_the_next_time() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let world = with(authority.sign("127.0.0.1", NOW)).await;
    let error = stranger.sign_in(&world.url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Untrusted { .. }), "{error:?}");
    std::fs::copy(authority.file(), stranger.file()).unwrap();
    stranger.sign_in(&world.url).await.unwrap();
}

#[tokio::test]
async fn a_file_of_authorities_that_is_none() {
    let authority = Authority::new();
    let world = with(authority.sign("127.0.0.1", NOW)).await;
    for content in [None, Some("nothing"), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
        match content {
            Some(content) => std::fs::write(authority.file(), content).unwrap(),
            None => std::fs::remove_file(authority.file()).unwrap(),
        }
        let error = authority.sign_in(&world.url).await.unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{content:?}: {error}");
    }
}

#[tokio::test]
async fn plain_text_where_tls_is_spoken_and_the_other_way_round() {
    let authority = Authority::new();
    let world = with(authority.sign("127.0.0.1", NOW)).await;
    let error = authority.sign_in(&world.url.replace("wss", "ws")).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoService { .. }), "{error:?}");
    assert!(error.to_string().contains("use wss://"), "{error}");
    let plain = World::new().await;
    let error = authority.sign_in(&plain.url.replace("ws", "wss")).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoService { .. }), "{error:?}");
    assert!(error.to_string().contains("use ws://"), "{error}");
}

#[tokio::test]
async fn too_many_connections_are_told_over_tls_too() {
    let authority = Authority::new();
    let files = authority.sign("127.0.0.1", NOW);
    let world = World::with(|config| (config.tls, config.connections) = (Some(files), 1)).await;
    let _first = authority.sign_in(&world.url).await.unwrap();
    let error = authority.sign_in(&world.url).await.unwrap_err();
    assert!(matches!(error, ConnectError::Busy { .. }), "{error:?}");
}

/// A service over TLS must not be able to send a client, with its password, where anybody listens in.
#[tokio::test]
async fn nobody_is_led_away_from_tls() {
    let target = hither::transport::Target::parse("wss://example.org").unwrap();
    assert!(target.redirected("ws://example.org").unwrap_err().contains("TLS"));
    assert_eq!(target.redirected("wss://two.example.org").unwrap().url(), "wss://two.example.org:443/v1");
    let plain = hither::transport::Target::parse("ws://example.org").unwrap();
    assert_eq!(plain.redirected("wss://example.org").unwrap().url(), "wss://example.org:443/v1");
}

#[tokio::test]
async fn who_only_hangs_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/v1", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        drop(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await);
    });
    let error = Authority::new().sign_in(&url).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoService { .. }), "{error:?}");
    serving.await.unwrap();
}
