//! Coming back (R17), as `spec/wire.md` tells a client to.

use serde_json::json;

use crate::support::{Raw, TestService, service, service_with, session};

/// Signs in to go on in a stay after an event; also the stay it is now, and whether it is that one.
async fn back(service: &TestService, who: &str, (epoch, ack): (u64, u64)) -> (Raw, u64, bool) {
    let mut raw = service.connect().await;
    let answer = raw.sign_in(who, json!({"device": DEVICE, "epoch": epoch, "ack": ack})).await;
    let signed_in = &answer["signed_in"];
    let resumed = signed_in["resumed"].as_bool().unwrap();
    raw.seq = if resumed { ack } else { 0 };
    (raw, signed_in["epoch"].as_u64().unwrap(), resumed)
}

const DEVICE: &str = "{00000000-0000-0000-0000-0000000000D1}";

#[tokio::test]
async fn what_was_missed_comes_once_and_what_was_asked_is_done_once() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let (mut bob, epoch, _) = back(&service, "bob@example.org", (0, 0)).await;
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
    let (mut bob, again, resumed) = back(&service, "bob@example.org", (epoch, seq)).await;
    assert_eq!(again, epoch);
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
    let (mut bob, epoch, _) = back(&service, "bob@example.org", (0, 0)).await;
    alice.connect_session(&mut bob, &session(1)).await;
    drop(bob);
    let end = alice.event("ended").await;
    assert_eq!((&end["how"], &end["code"]), (&json!("terminated"), &json!(0x8100_0603_u32)));
    let (_bob, again, resumed) = back(&service, "bob@example.org", (epoch, 3)).await;
    assert_ne!(again, epoch);
    assert!(!resumed);
    service.stop().await;
}

#[tokio::test]
async fn a_second_connection_of_a_device_takes_its_place() {
    let service = service().await;
    let (mut first, epoch, _) = back(&service, "bob@example.org", (0, 0)).await;
    let (mut second, _, resumed) = back(&service, "bob@example.org", (epoch, 0)).await;
    assert!(resumed);
    assert_eq!(first.closed().await, Some(4003));
    second.nothing_came().await;
    // Another stay of the same device is not this one.
    let (_third, again, resumed) = back(&service, "bob@example.org", (epoch - 1, 0)).await;
    assert!(!resumed && again != epoch);
    service.stop().await;
}
