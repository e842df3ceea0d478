//! What operators' tools ask, on a listener of its own.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::http::ask;
use crate::support::{GUID, PATIENCE, TestService, service, service_with};

async fn with_operations() -> (TestService, SocketAddr) {
    let service = service_with(|config| config.operations = Some(([127, 0, 0, 1], 0).into())).await;
    let address = service.operations.unwrap();
    (service, address)
}

async fn get(address: SocketAddr, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
}

/// The value of a metric, with its labels as they are written.
fn value(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn it_lives_and_is_ready_until_it_stops() {
    let (mut service, operations) = with_operations().await;
    assert_eq!(get(operations, "/livez").await, ("HTTP/1.1 200 OK".into(), "ok\n".into()));
    assert_eq!(get(operations, "/readyz?verbose").await, ("HTTP/1.1 200 OK".into(), "ok\n".into()));
    // Somebody who has connected and says nothing keeps a stop waiting.
    let mut silent = TcpStream::connect(service.address).await.unwrap();
    silent.write_all(b"GET /v1 HTTP/1.1\r\n").await.unwrap();
    let raw = service.signed_in("alice@example.org").await;
    service.begin_stop();
    loop {
        let (status, text) = get(operations, "/readyz").await;
        if status.contains("503") {
            assert_eq!(text, "stopping\n");
            break;
        }
    }
    assert!(get(operations, "/livez").await.0.contains("200"), "it lives all the same");
    drop((silent, raw));
    service.stop().await;
    assert!(TcpStream::connect(operations).await.is_err());
}

#[tokio::test]
async fn without_its_store_it_is_not_ready() {
    let (service, operations) = with_operations().await;
    let db = rusqlite::Connection::open(service.data.path().join("hither.sqlite")).unwrap();
    for (change, status, text) in [
        ("ALTER TABLE notices RENAME TO elsewhere", "503", "the store cannot be read\n"),
        ("ALTER TABLE elsewhere RENAME TO notices", "200", "ok\n"),
    ] {
        db.execute(change, []).unwrap();
        // Asked until the service has looked.
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = get(operations, "/readyz").await;
            if answer.0.contains(status) {
                assert_eq!(answer.1, text);
                break;
            }
            assert!(Instant::now() < until, "{answer:?}");
        }
        let failing = u64::from(status == "503");
        assert_eq!(value(&get(operations, "/metrics").await.1, "hither_store_failing"), Some(failing));
    }
    service.stop().await;
}

#[tokio::test]
async fn the_numbers_follow_what_happens_and_name_nobody() {
    let (service, operations) = with_operations().await;
    let (status, before) = get(operations, "/metrics").await;
    assert!(status.contains("200") && before.ends_with("# EOF\n"), "{before}");
    assert_eq!(value(&before, "hither_sessions"), Some(0));
    let mut alice = service.signed_in("alice@example.org").await;
    let _bob = service.signed_in("bob@example.org").await;
    let mut wrong = service.connect().await;
    wrong.sign_in("carol@example.org", json!({"password": "wrong"})).await;
    let session = "{00000000-0000-0000-0000-00000000000A}";
    let invite = |to: &str| json!({"session": session, "to": to, "app": {"guid": GUID}, "data": {"text": "psst"}});
    assert_eq!(alice.ask("invite", invite("alice@example.org")).await["name"], "SR_INVITED_SELF");
    assert_eq!(alice.ask("invite", invite("bob@example.org")).await["name"], "S_OK");
    let (_, text) = get(operations, "/metrics").await;
    for (name, expected) in [
        ("hither_connections", 3),
        ("hither_sessions", 1),
        ("hither_invitations_total", 1),
        ("hither_sign_ins_total{name=\"S_OK\"}", 2),
        ("hither_sign_ins_total{name=\"MSGR_E_INVALID_PASSWORD\"}", 1),
        ("hither_answers_total{name=\"SR_INVITED_SELF\"}", 1),
    ] {
        assert_eq!(value(&text, name), Some(expected), "{name} in {text}");
    }
    assert!(value(&text, "hither_frames_received_total").unwrap() >= 8, "{text}");
    for secret in ["alice", "psst", "example.org", session] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    service.stop().await;
}

#[tokio::test]
async fn what_it_does_not_know_is_answered_in_words() {
    let (service, operations) = with_operations().await;
    for (request, status) in [
        ("GET / HTTP/1.1\r\n\r\n", "404"),
        ("GET /v1 HTTP/1.1\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
        ("hello\r\n\r\n", "400"),
    ] {
        assert!(ask(operations, request).await.0.contains(status), "{request}");
    }
    let (line, _) = get(service.address, "/metrics").await;
    assert!(line.contains("404"), "not where clients are: {line}");
    service.stop().await;
    let without = self::service().await;
    assert_eq!(without.operations, None);
    without.stop().await;
}
