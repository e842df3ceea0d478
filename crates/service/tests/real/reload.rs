//! Settings that change while people are in sessions: what is new counts from then on, and nobody is
//! dropped.

use std::time::Duration;

use hither_service::{Allowance, ServiceConfig};
use hither_wire::message::InvitationsFrom;
use serde_json::json;
use tokio::net::TcpStream;

use crate::http::ask;
use crate::support::{Raw, TestService, service, service_with, session};

/// Every setting that can change, as low as it goes.
fn strict(running: &ServiceConfig) -> ServiceConfig {
    let mut config = running.clone();
    config.listen = ([192, 0, 2, 1], 1).into();
    config.data = "/nowhere".into();
    config.origins = vec!["https://new.example".to_owned()];
    (config.connections, config.connections_per_address) = (1, 1);
    (config.token_days, config.tokens_per_account) = (1, 1);
    config.failures_per_address = Allowance { burst: 1, each_ms: 3_600_000 };
    config.failures_per_name = Allowance { burst: 1, each_ms: 3_600_000 };
    let machine = &mut config.machine;
    (machine.ring_ms, machine.connect_ms, machine.longest_ms) = (5_000, 1_000, 1_000);
    (machine.devices_per_person, machine.sessions_per_person, machine.ringing_per_pair) = (1, 1, 1);
    (machine.events_pending, machine.keepalive_ms) = (64, 1_000);
    config
}

async fn reload(service: &TestService, config: ServiceConfig) {
    service.handle.reload(config).await.unwrap();
}

/// One session that is connected, one that rings.
async fn busy(service: &TestService) -> (Raw, Raw, Raw) {
    let mut alice = service.signed_in("alice@example.org").await;
    let mut bob = service.signed_in("bob@example.org").await;
    let mut carol = service.signed_in("carol@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    assert_eq!(alice.invite(&session(2), "carol@example.org").await, "S_OK");
    carol.event("invitation").await;
    (alice, bob, carol)
}

#[tokio::test]
async fn sessions_go_on_while_every_setting_changes_under_them() {
    let service = service().await;
    let (mut alice, mut bob, mut carol) = busy(&service).await;
    for round in 0..50 {
        let config = if round % 2 == 0 { strict(&service.config) } else { service.config.clone() };
        reload(&service, config).await;
        if round < 5 {
            let text = format!("context {round}");
            let data = json!({"session": session(1), "data": {"text": text}});
            assert_eq!(alice.outcome("context", data).await, "S_OK");
            assert_eq!(bob.event("context").await["data"]["text"], text);
        }
        for raw in [&mut alice, &mut bob, &mut carol] {
            assert_eq!(raw.outcome("ping", json!({})).await, "S_OK");
        }
    }
    let accept = json!({"session": session(2), "attach": true});
    assert_eq!(carol.outcome("accept", accept).await, "S_OK");
    for (raw, id) in [(&mut alice, session(1)), (&mut carol, session(2))] {
        assert_eq!(raw.outcome("cancel", json!({"session": id})).await, "S_OK");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_session_that_began_under_other_settings_ends_by_those() {
    let service = service_with(|config| config.machine.longest_ms = 3_600_000).await;
    let (mut alice, mut bob, _carol) = busy(&service).await;
    let mut config = service.config.clone();
    config.machine.longest_ms = 1;
    config.machine.events_pending = 1;
    reload(&service, config).await;
    // A session of one millisecond would be over before this is answered.
    for _ in 0..20 {
        assert_eq!(bob.outcome("ping", json!({})).await, "S_OK");
    }
    assert_eq!(alice.outcome("cancel", json!({"session": session(1)})).await, "S_OK");
    assert_eq!(bob.event("ended").await["by"], "remote");
    service.stop().await;
}

#[tokio::test]
async fn what_is_new_counts_at_once() {
    let service = service().await;
    let mut dave = service.signed_in("dave@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(dave.invite(&session(1), "alice@example.org").await, "MSGR_E_RESTRICTED_USER");
    let mut config = service.config.clone();
    config.machine.invitations = InvitationsFrom::Anyone;
    config.machine.ring_ms = 30_000;
    config.origins = vec!["https://new.example".to_owned()];
    reload(&service, config.clone()).await;
    assert_eq!(dave.invite(&session(2), "alice@example.org").await, "S_OK");
    assert_eq!(alice.event("invitation").await["ring_ms"], 30_000);
    let page = "GET /v1 HTTP/1.1\r\nHost: x\r\nOrigin: https://new.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    assert!(ask(service.address, page).await.0.contains("101"));
    // Fewer than there are: nobody goes, nobody comes.
    config.connections = 1;
    config.origins.clear();
    reload(&service, config.clone()).await;
    assert!(ask(service.address, "GET /v1 HTTP/1.1\r\n\r\n").await.0.contains("503"));
    assert_eq!(dave.outcome("ping", json!({})).await, "S_OK");
    config.connections = 100;
    // One wrong password more than before is one too many.
    config.failures_per_name = Allowance { burst: 1, each_ms: 3_600_000 };
    reload(&service, config).await;
    for code in ["MSGR_E_INVALID_PASSWORD", "MSGR_E_SERVER_TOO_BUSY"] {
        let mut raw = service.connect().await;
        assert_eq!(raw.sign_in("bob@example.org", json!({"password": "wrong"})).await["name"], code);
    }
    service.stop().await;
}

#[tokio::test]
async fn draining_is_told_while_clients_are_still_taken() {
    let service = service_with(|config| config.operations = Some(([127, 0, 0, 1], 0).into())).await;
    let operations = service.operations.unwrap();
    let ready = "GET /readyz HTTP/1.1\r\n\r\n";
    assert!(ask(operations, ready).await.0.contains("200"));
    service.handle.drain();
    assert!(ask(operations, ready).await.0.contains("503"));
    let mut late = service.signed_in("alice@example.org").await;
    assert_eq!(late.outcome("ping", json!({})).await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn a_service_in_plain_text_stays_one() {
    let service = service().await;
    let mut config = service.config.clone();
    config.tls = Some(hither_service::TlsFiles { certificate: "/nowhere".into(), key: "/nowhere".into() });
    reload(&service, config).await;
    let stream = tokio::time::timeout(Duration::from_secs(20), TcpStream::connect(service.address)).await;
    drop(stream.unwrap().unwrap());
    service.signed_in("alice@example.org").await;
    service.stop().await;
}
