//! Coming back (R17), as `spec/wire.md` tells a client to.

use serde_json::json;

use crate::support::{Raw, TestService, service, service_with, session};

async fn back(service: &TestService, who: &str, device: &str, ack: u64) -> (Raw, bool) {
    let mut raw = service.connect().await;
    let answer = raw.sign_in(who, json!({"device": device, "ack": ack})).await;
    let resumed = answer["signed_in"]["resumed"].as_bool().unwrap();
    raw.seq = if resumed { ack } else { 0 };
    (raw, resumed)
}

const DEVICE: &str = "{00000000-0000-0000-0000-0000000000D1}";

#[tokio::test]
async fn what_was_missed_comes_once_and_what_was_asked_is_done_once() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let (mut bob, _) = back(&service, "bob@example.org", DEVICE, 0).await;
    alice.connect_session(&mut bob, &session(1)).await;

    // Bob sends, and breaks off before he has read the answer.
    let seq = bob.seq;
    bob.send("context", json!({"key": "k1", "session": session(1), "data": {"text": "from Bob"}})).await;
    assert_eq!(alice.event("context").await["data"]["text"], "from Bob");
    drop(bob);
    for n in 1..=5 {
        let text = format!("while away {n}");
        assert_eq!(alice.outcome("context", json!({"session": session(1), "data": {"text": text}})).await, "S_OK");
    }
    let (mut bob, resumed) = back(&service, "bob@example.org", DEVICE, seq).await;
    assert!(resumed);
    let again = json!({"key": "k1", "session": session(1), "data": {"text": "from Bob"}});
    assert_eq!(bob.outcome("context", again).await, "S_OK", "the answer that was lost");
    for n in 1..=5 {
        assert_eq!(bob.event("context").await["data"]["text"], format!("while away {n}"));
    }
    alice.nothing_came().await;
    bob.nothing_came().await;
    service.stop().await;
}

#[tokio::test]
async fn beyond_the_grace_the_session_is_over() {
    let service = service_with(|config| config.machine.grace_ms = 50).await;
    let mut alice = service.signed_in("alice@example.org").await;
    let (mut bob, _) = back(&service, "bob@example.org", DEVICE, 0).await;
    alice.connect_session(&mut bob, &session(1)).await;
    drop(bob);
    let end = alice.event("ended").await;
    assert_eq!((&end["how"], &end["code"]), (&json!("terminated"), &json!(0x8100_0603_u32)));
    let (_bob, resumed) = back(&service, "bob@example.org", DEVICE, 3).await;
    assert!(!resumed);
    service.stop().await;
}

#[tokio::test]
async fn a_second_connection_of_a_device_takes_its_place() {
    let service = service().await;
    let (mut first, _) = back(&service, "bob@example.org", DEVICE, 0).await;
    let (mut second, resumed) = back(&service, "bob@example.org", DEVICE, 0).await;
    assert!(resumed);
    assert_eq!(first.closed().await, Some(4003));
    second.nothing_came().await;
    service.stop().await;
}
