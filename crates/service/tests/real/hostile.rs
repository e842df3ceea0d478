//! Clients that mean no good.

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::support::{GUID, PATIENCE, service, service_with, session};

#[tokio::test]
async fn frames_that_are_no_requests() {
    let service = service().await;
    for (frame, code) in [
        (Message::Binary(Bytes::from_static(b"{}")), 1003),
        (Message::text("x".repeat(16 * 1024 + 1)), 1009),
        (Message::text("x".repeat(10 * 1024 * 1024)), 1009),
        (Message::text("rubbish"), 4000),
        (Message::text("[".repeat(16_000)), 4000),
        (Message::text(r#"{"do":"ping"}"#), 4000),
        (Message::text(r#"{"id":1,"do":"ping"}"#), 4001),
    ] {
        let mut raw = service.connect().await;
        let what = frame.to_text().map_or("binary".to_owned(), |text| text.chars().take(20).collect());
        // The service may close before it has read all of it.
        drop(raw.socket.send(frame).await);
        assert_eq!(raw.closed().await, Some(code), "{what}");
    }
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    let deep = format!(r#"{{"id":7,"do":"ping","x":{}{}}}"#, "[".repeat(8_000), "]".repeat(8_000));
    raw.send_text(deep).await;
    assert_eq!(raw.answer(7).await["code"], 0, "an unknown field is ignored, however deep");
    for bad in
        [r#"{"id":8,"do":"dance"}"#, r#"{"id":8}"#, r#"{"id":8,"do":["ping"]}"#, r#"{"id":8,"do":"ping","key":7}"#]
    {
        raw.send_text(bad).await;
        assert_eq!(raw.answer(8).await["name"], "E_INVALIDARG", "{bad}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_version_that_nobody_speaks_and_ids_that_come_again() {
    let service = service().await;
    let mut raw = service.connect().await;
    let answer = raw.ask("hello", json!({"versions": [99]})).await;
    assert_eq!(answer["name"], "MSGR_E_SERVER_VERSION");
    assert_eq!(raw.closed().await, Some(4001));

    // An id only ties the answer to the question: a replayed one is a new question.
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    alice.connect_session(&mut bob, &session(1)).await;
    let frame = format!(r#"{{"id":500,"do":"cancel","session":"{}"}}"#, session(1));
    alice.send_text(frame.clone()).await;
    assert_eq!(alice.answer(500).await["name"], "S_OK");
    alice.send_text(frame).await;
    assert_eq!(alice.answer(500).await["name"], "SR_SESSION_STATE_INVALID");
    // A replayed invitation is one to a session that has been used.
    assert_eq!(alice.invite(&session(1), "bob@example.org").await, "SR_SESSION_NOT_READY");
    bob.event("ended").await;
    bob.nothing_came().await;
    service.stop().await;
}

#[tokio::test]
async fn connections_that_never_sign_in_leave_the_others_alone() {
    let service = service_with(|config| config.machine.sign_in_ms = 2_000).await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(service.connect().await);
    }
    alice.connect_session(&mut bob, &session(1)).await;
    for raw in &mut idle {
        assert_eq!(raw.closed().await, Some(4002));
    }
    assert_eq!(alice.outcome("cancel", json!({"session": session(1)})).await, "S_OK");
    bob.event("ended").await;
    service.stop().await;
}

#[tokio::test]
async fn half_a_frame_and_silence() {
    let service = service_with(|config| {
        config.machine.sign_in_ms = 60_000;
        config.machine.keepalive_ms = 50;
    })
    .await;
    let mut raw = service.connect().await;
    // A text frame of 100 bytes is announced, and ten come.
    raw.socket.get_mut().write_all(&[0x81, 0x80 | 0x64, 0, 0, 0, 0, b'{', b'"', b'i', b'd', b'"', b':']).await.unwrap();
    assert_eq!(raw.closed().await, Some(4006));
    service.stop().await;
}

#[tokio::test]
async fn whoever_never_signs_in_is_closed() {
    let service = service_with(|config| config.machine.sign_in_ms = 50).await;
    let mut raw = service.connect().await;
    assert_eq!(raw.closed().await, Some(4002));
    service.stop().await;
}

#[tokio::test]
async fn a_flood_of_requests_without_reading() {
    let service = service_with(|config| config.unread_ms = 100).await;
    let mut flood = service.signed_in("alice@example.org").await;
    let mut sent = 0_u32;
    // Its answers fill the sockets' buffers, then the queue; then it is gone.
    while tokio::time::timeout(PATIENCE, flood.socket.send(Message::text(r#"{"id":1,"do":"contacts"}"#)))
        .await
        .expect("the service goes on reading or closes")
        .is_ok()
    {
        sent += 1;
        assert!(sent < 2_000_000, "closed at some time");
    }
    let mut bob = service.signed_in("bob@example.org").await;
    bob.nothing_came().await;
    service.stop().await;
}

#[tokio::test]
async fn a_stolen_session_id_is_as_good_as_none() {
    let service = service().await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    let mut carol = service.signed_in("carol@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    for n in [1, 2] {
        for request in ["accept", "decline", "ignore", "cancel", "attach"] {
            assert_eq!(carol.outcome(request, json!({"session": session(n)})).await, "E_INVALIDARG", "{request}");
        }
        let context = json!({"session": session(n), "data": {"text": "x"}});
        assert_eq!(carol.outcome("context", context).await, "E_INVALIDARG");
    }
    let invite = json!({"session": session(1), "to": "bob@example.org", "app": {"guid": GUID}});
    assert_eq!(carol.outcome("invite", invite).await, "E_INVALIDARG");
    alice.nothing_came().await;
    bob.nothing_came().await;
    service.stop().await;
}

#[tokio::test]
async fn too_many_invitations_are_answered_and_not_swallowed() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut bob = service.signed_in("bob@example.org").await;
    for n in 1..=8 {
        assert_eq!(alice.invite(&session(n), "bob@example.org").await, "S_OK");
    }
    assert_eq!(alice.invite(&session(9), "bob@example.org").await, "MSGR_E_TOO_MANY_SESSIONS");
    for n in 1..=8 {
        assert_eq!(bob.event("invitation").await["session"], session(n), "nothing hides behind another");
        assert_eq!(bob.outcome("decline", json!({"session": session(n)})).await, "S_OK");
    }
    assert_eq!(alice.invite(&session(10), "bob@example.org").await, "S_OK");
    service.stop().await;
}
