//! Signing in and out.

use futures_util::SinkExt as _;
use hither_proto::rate::Allowance;
use hither_service::{PasswordCost, Store, hash_password};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{PEOPLE, Raw, service, service_with};

#[tokio::test]
async fn by_password_then_by_token() {
    let service = service().await;
    let mut raw = service.connect().await;
    let answer = raw.sign_in("Alice@Example.org", json!({"password": "wrong"})).await;
    assert_eq!((&answer["name"], answer["code"].as_u64()), (&json!("MSGR_E_INVALID_PASSWORD"), Some(0x8100_0303)));
    let nobody = raw.ask("sign-in", json!({"user": "nobody@example.org", "password": "wrong"})).await;
    assert_eq!((&nobody["name"], &nobody["message"]), (&answer["name"], &answer["message"]), "no telling them apart");

    let signed_in = raw.ask("sign-in", json!({"user": "Alice@Example.org", "password": "Alice"})).await;
    assert_eq!(signed_in["name"], "MSGR_E_INVALID_PASSWORD", "passwords are as they are written");
    let signed_in =
        raw.ask("sign-in", json!({"user": "Alice@Example.org", "password": "alice"})).await["signed_in"].clone();
    assert_eq!((&signed_in["user"], &signed_in["resumed"]), (&json!("alice@example.org"), &json!(false)));

    let (token, device) = (signed_in["token"].clone(), signed_in["device"].clone());
    for (more, name) in [
        (json!({"token": token, "device": device}), "S_OK"),
        (json!({"token": token}), "S_OK"),
        (json!({"token": "x"}), "MSGR_E_INVALID_PASSWORD"),
        (json!({"token": token, "device": "{00000000-0000-0000-0000-000000000001}"}), "MSGR_E_INVALID_PASSWORD"),
    ] {
        let mut again = service.connect().await;
        assert_eq!(again.sign_in("alice@example.org", more.clone()).await["name"], name, "{more}");
    }
    let mut again = service.connect().await;
    assert_eq!(again.sign_in("bob@example.org", json!({"token": token})).await["name"], "MSGR_E_INVALID_PASSWORD");

    let mut last = service.connect().await;
    last.sign_in("alice@example.org", json!({"token": token})).await;
    assert_eq!(last.outcome("sign-out", json!({"revoke": true})).await, "S_OK");
    assert_eq!(last.closed().await, Some(1000));
    let mut again = service.connect().await;
    let refused = again.sign_in("alice@example.org", json!({"token": token})).await;
    assert_eq!(refused["name"], "MSGR_E_INVALID_PASSWORD", "the token is revoked");
    service.stop().await;
}

#[tokio::test]
async fn an_account_made_while_the_service_runs_works_at_once() {
    let service = service().await;
    let store = Store::open(service.data.path()).unwrap();
    let hash = hash_password("erin", PasswordCost::FOR_TESTS).unwrap();
    store.add_account(&"erin@example.org".parse().unwrap(), "Erin", &hash).unwrap();
    let mut raw = service.connect().await;
    assert_eq!(raw.sign_in("erin@example.org", json!({})).await["signed_in"]["friendly_name"], "Erin");
    service.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_tokens_still_get_in() {
    let service = service_with(|config| {
        config.failures_per_name = Allowance { burst: 3, each_ms: 60_000 };
        config.failures_per_address = Allowance { burst: 5, each_ms: 60_000 };
    })
    .await;
    let mut alice = service.connect().await;
    let token = alice.sign_in("alice@example.org", json!({})).await["signed_in"]["token"].clone();
    let mut guesser = service.connect().await;
    guesser.ask("hello", json!({"versions": [1]})).await;
    let mut guess = async |who: &str, password: &str| {
        let answer = guesser.ask("sign-in", json!({"user": who, "password": password})).await;
        (answer["name"].as_str().unwrap().to_owned(), answer["retry_after_ms"].as_u64().unwrap_or(0))
    };
    for _ in 0..3 {
        assert_eq!(guess("alice@example.org", "guess").await.0, "MSGR_E_INVALID_PASSWORD");
    }
    let (name, wait) = guess("alice@example.org", "alice").await;
    assert!(name == "MSGR_E_SERVER_TOO_BUSY" && wait > 0, "{name} {wait}");
    for _ in 0..2 {
        assert_eq!(guess("bob@example.org", "guess").await.0, "MSGR_E_INVALID_PASSWORD");
    }
    assert_eq!(
        guess("carol@example.org", "carol").await.0,
        "MSGR_E_SERVER_TOO_BUSY",
        "the address has failed too often"
    );
    let mut again = service.connect().await;
    assert_eq!(again.sign_in("alice@example.org", json!({"token": token})).await["code"], 0);
    service.stop().await;
}

/// Reads until the end, and always has something to say; whether it was told of the sign-out, and
/// the number of the close.
async fn until_gone(mut raw: Raw, speaks: bool) -> (bool, Option<u16>) {
    let mut told = false;
    loop {
        if speaks {
            for _ in 0..2 {
                drop(raw.socket.feed(Message::text(r#"{"id":1000,"do":"ping"}"#)).await);
            }
            drop(raw.socket.flush().await);
        }
        match raw.frame().await {
            Ok(frame) => told |= frame["event"] == "signed-out",
            Err(code) => return (told, code),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_is_told_to_everybody_even_while_they_speak() {
    let service = service().await;
    let mut silent = tokio::task::JoinSet::new();
    let mut greeted = tokio::task::JoinSet::new();
    let mut signed_in = tokio::task::JoinSet::new();
    for _ in 0..20 {
        silent.spawn(until_gone(service.connect().await, false));
        let mut raw = service.connect().await;
        raw.ask("hello", json!({"versions": [1]})).await;
        greeted.spawn(until_gone(raw, true));
    }
    for who in PEOPLE {
        for _ in 0..5 {
            signed_in.spawn(until_gone(service.signed_in(who).await, true));
        }
    }
    let start = std::time::Instant::now();
    service.stop().await;
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "nobody was waited for in vain");
    assert_eq!(silent.join_all().await, [(false, Some(1001)); 20]);
    assert_eq!(greeted.join_all().await, [(false, Some(1001)); 20]);
    assert_eq!(signed_in.join_all().await, [(true, Some(1001)); 20]);
}

#[tokio::test]
async fn a_stop_is_told_and_the_store_is_whole_after_it() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.outcome("contact", json!({"block": "bob@example.org"})).await, "S_OK");
    let data = service.data.path().to_owned();
    let ((), code) = tokio::join!(service.stop(), async {
        assert_eq!(alice.event("signed-out").await["code"], 0x8100_0347_u32);
        alice.closed().await
    });
    assert_eq!(code, Some(1001));
    drop(data);
}

#[tokio::test]
async fn strangers_who_guess_shut_out_nobody_who_is_at_home() {
    let service = service_with(|config| {
        config.failures_per_name = Allowance { burst: 3, each_ms: 3_600_000 };
    })
    .await;
    let (alice, known) = ("alice@example.org", "{00000000-0000-0000-0000-000000000001}");
    let mut home = service.connect().await;
    assert_eq!(home.sign_in(alice, json!({"device": known})).await["name"], "S_OK");
    let mut raw = service.connect().await;
    let mut tries = async |device: &str, password: &str| {
        let fields = json!({"user": alice, "password": password, "device": device});
        raw.ask("hello", json!({"versions": [1]})).await;
        raw.ask("sign-in", fields).await["name"].as_str().unwrap().to_owned()
    };
    let strange = "{00000000-0000-0000-0000-000000000002}";
    for _ in 0..3 {
        assert_eq!(tries(strange, "guess").await, "MSGR_E_INVALID_PASSWORD");
    }
    assert_eq!(tries(strange, "alice").await, "MSGR_E_SERVER_TOO_BUSY", "whoever that is");
    // Her own device is counted by itself, and only as far as anybody else.
    for _ in 0..2 {
        assert_eq!(tries(known, "guess").await, "MSGR_E_INVALID_PASSWORD");
    }
    let change = json!({"password": "alice", "new_password": "battery staple"});
    assert_eq!(home.outcome("password", change).await, "S_OK");
    assert_eq!(tries(known, "guess").await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(tries(known, "battery staple").await, "MSGR_E_SERVER_TOO_BUSY");
    service.stop().await;
}

#[tokio::test]
async fn who_goes_on_with_tokens_that_are_none_does_not_fill_the_audit() {
    let service = service_with(|config| {
        config.failures_per_address = Allowance { burst: 5, each_ms: 3_600_000 };
    })
    .await;
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    for n in 0..100 {
        let fields = json!({"user": format!("somebody{n}@example.org"), "token": "x"});
        assert_eq!(raw.outcome("sign-in", fields).await, "MSGR_E_INVALID_PASSWORD");
    }
    // They are not passwords: nobody is shut out for them.
    assert_eq!(raw.outcome("sign-in", json!({"user": "alice@example.org", "password": "alice"})).await, "S_OK");
    let data = service.data.path().to_owned();
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
            assert_eq!(audit.matches("no-such-token").count(), 5, "{audit}");
            assert!(audit.contains(r#""event":"throttled","count":95"#), "{audit}");
            assert!(audit.contains("signed-in"), "{audit}");
        })
        .await;
}

#[tokio::test]
async fn who_goes_on_renewing_with_nothing_shuts_out_nobody_for_long() {
    let service = service_with(|config| {
        config.failures_per_address = Allowance { burst: 5, each_ms: 60_000 };
        config.failures_per_name = Allowance { burst: 2, each_ms: 3_600_000 };
    })
    .await;
    let mut raw = service.signed_in("bob@example.org").await;
    for token in ["x", "a.b.c"].repeat(100) {
        assert_eq!(raw.outcome("renew", json!({"token": token})).await, "MSGR_E_INVALID_PASSWORD");
    }
    let mut other = service.connect().await;
    let refused = other.sign_in("alice@example.org", json!({})).await;
    assert_eq!(refused["name"], "MSGR_E_SERVER_TOO_BUSY");
    assert!(refused["retry_after_ms"].as_u64().unwrap() <= 60_000, "{refused}");
    let data = service.data.path().to_owned();
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
            assert_eq!(audit.matches("sign-in-refused").count(), 5, "{audit}");
        })
        .await;
}
