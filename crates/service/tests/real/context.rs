//! Context data through a raw WebSocket: what passes, what is refused with what, and that nothing
//! is sent of what is refused.

use serde_json::{Value, json};

use crate::support::{Raw, service, session};

async fn context(raw: &mut Raw, text: &str) -> String {
    raw.outcome("context", json!({"session": session(1), "data": {"text": text}})).await
}

#[tokio::test]
async fn exactly_300_units_pass_five_times() {
    let service = service().await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);

    alice.invite(&session(1), "bob@example.org").await;
    assert_eq!(context(&mut alice, "early").await, "SR_NOT_VALID_FOR_APP_INVITE", "INVITATION");
    bob.event("invitation").await;
    assert_eq!(context(&mut bob, "early").await, "SR_NOT_VALID_FOR_APP_INVITE");
    bob.ask("accept", json!({"session": session(1)})).await;
    assert_eq!(context(&mut alice, "early").await, "SR_NOT_VALID_FOR_APP_INVITE", "ACCEPTED");
    bob.ask("attach", json!({"session": session(1)})).await;
    bob.event("connected").await;
    alice.event("connected").await;

    let just = [
        "x".repeat(300),
        "\u{1F600}".repeat(150),
        "\u{20AC}".repeat(300),
        format!("\0\n{}", "x".repeat(298)),
        "e".into(),
    ];
    let long = ["x".repeat(301), format!("{}x", "\u{1F600}".repeat(150)), "\u{20AC}".repeat(301)];
    for text in &long {
        assert_eq!(context(&mut alice, text).await, "SR_CONTEXT_DATA_OVER_LIMIT");
    }
    assert_eq!(context(&mut alice, "").await, "E_INVALIDARG");
    assert_eq!(alice.outcome("context", json!({"session": session(1), "data": null})).await, "E_INVALIDARG");
    bob.nothing_came().await;
    for text in &just {
        assert_eq!(context(&mut alice, text).await, "S_OK");
        assert_eq!(bob.event("context").await["data"]["text"], Value::from(text.as_str()));
    }
    assert_eq!(context(&mut alice, "sixth").await, "SR_CONTEXT_DATA_OVER_LIMIT");
    bob.nothing_came().await;
    assert_eq!(context(&mut bob, "Bob's own first").await, "S_OK");
    assert_eq!(alice.event("context").await["data"]["text"], "Bob's own first");
    service.stop().await;
}

#[tokio::test]
async fn a_lone_surrogate_is_refused_with_the_requests_id_wherever_it_stands() {
    let service = service().await;
    let (mut alice, mut bob) =
        (service.signed_in("alice@example.org").await, service.signed_in("bob@example.org").await);
    alice.connect_session(&mut bob, &session(1)).await;
    for (id, text) in [(101, "\\ud800"), (102, "x\\udc00x"), (103, "\\ud83d\\ud83d")] {
        let frame = format!(r#"{{"do":"context","session":"{}","data":{{"text":"{text}"}},"id":{id}}}"#, session(1));
        alice.send_text(frame).await;
        let answer = alice.answer(id).await;
        assert_eq!((answer["code"].as_u64(), &answer["name"]), (Some(0x8007_0057), &json!("E_INVALIDARG")));
    }
    bob.nothing_came().await;
    // A pair of surrogates is one character.
    alice
        .send_text(format!(
            r#"{{"do":"context","session":"{}","data":{{"text":"\ud83d\ude00"}},"id":104}}"#,
            session(1)
        ))
        .await;
    assert_eq!(alice.answer(104).await["code"], 0);
    assert_eq!(bob.event("context").await["data"]["text"], "\u{1F600}");
    service.stop().await;
}
