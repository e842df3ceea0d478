//! What people do with their own accounts: the password, the devices, and having one at all.

use hither_service::{NewCode, RegistrationCode, ServiceConfig, Store};
use serde_json::{Value, json};

use crate::support::{GUID, Raw, TestService, service, service_with, session};

/// Signs in on a device of this number; its token.
async fn on_device(service: &TestService, who: &str, number: u64) -> (Raw, Value) {
    let mut raw = service.connect().await;
    let answer = raw.sign_in(who, json!({"device": session(number)})).await;
    assert_eq!(answer["code"], 0, "{answer}");
    (raw, answer["signed_in"]["token"].clone())
}

async fn with_token(service: &TestService, token: &Value) -> String {
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    raw.ask("sign-in", json!({"token": token})).await["name"].as_str().unwrap().to_owned()
}

fn passwords(old: &str, new: &str) -> Value {
    json!({"password": old, "new_password": new})
}

#[tokio::test]
async fn a_new_password_signs_out_every_other_device() {
    let service = service().await;
    let (mut here, token) = on_device(&service, "alice@example.org", 1).await;
    let (mut other, other_token) = on_device(&service, "alice@example.org", 2).await;
    let (_, away) = on_device(&service, "alice@example.org", 3).await;
    let mut bob = service.signed_in("bob@example.org").await;
    let invite = json!({"session": session(77), "to": "bob@example.org", "app": {"guid": GUID}, "attach": true});
    assert_eq!(other.outcome("invite", invite).await, "S_OK");
    bob.event("invitation").await;

    assert_eq!(here.outcome("password", passwords("guess", "correct horse")).await, "MSGR_E_INVALID_PASSWORD");
    for weak in ["short", "password123", "alice@example.org"] {
        let refused = here.ask("password", passwords("alice", weak)).await;
        assert_eq!(refused["name"], "E_INVALIDARG", "{weak}");
        assert!(refused["message"].as_str().unwrap().contains("password"), "{refused}");
    }
    assert_eq!(here.outcome("password", passwords("alice", "correct horse")).await, "S_OK");
    assert_eq!(other.event("signed-out").await["code"], 0x8100_031e_u32);
    assert_eq!(other.closed().await, Some(4008));
    assert_eq!(bob.event("ended").await["code"], 0x8100_0603_u32, "her sessions there are over");
    assert_eq!(here.outcome("ping", json!({})).await, "S_OK", "this one stays");

    assert_eq!(with_token(&service, &other_token).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(with_token(&service, &away).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(with_token(&service, &token).await, "S_OK", "and so does its token");
    let mut again = service.connect().await;
    assert_eq!(
        again.sign_in("alice@example.org", json!({"password": "alice"})).await["name"],
        "MSGR_E_INVALID_PASSWORD"
    );
    let mut again = service.connect().await;
    assert_eq!(again.sign_in("alice@example.org", json!({"password": "correct horse"})).await["code"], 0);
    service.stop().await;
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_not_made_twice() {
    let service = service().await;
    let mut raw = service.connect().await;
    let said = raw.sign_in("alice@example.org", json!({"device": session(1)})).await["signed_in"].clone();
    let mut change = passwords("alice", "correct horse");
    change["key"] = json!("once");
    raw.send("password", change.clone()).await;
    drop(raw);
    let mut again = service.connect().await;
    again.ask("hello", json!({"versions": [1]})).await;
    let back = json!({"token": said["token"], "device": said["device"], "epoch": said["epoch"], "ack": 0});
    assert_eq!(again.ask("sign-in", back).await["signed_in"]["resumed"], true);
    assert_eq!(again.outcome("password", change).await, "S_OK", "though the old one is wrong by now, if it arrived");
    service.stop().await;
}

#[tokio::test]
async fn guessing_the_present_password_is_counted() {
    let service = service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let mut outcomes = Vec::new();
    for _ in 0..11 {
        outcomes.push(alice.outcome("password", passwords("guess", "correct horse")).await);
    }
    assert_eq!(outcomes[0], "MSGR_E_INVALID_PASSWORD");
    assert_eq!(outcomes[10], "MSGR_E_SERVER_TOO_BUSY");
    service.stop().await;
}

#[tokio::test]
async fn devices_are_listed_and_removed() {
    let service = service().await;
    let mut here = service.connect().await;
    here.ask("hello", json!({"versions": [1], "client": "chess-club/2.1"})).await;
    let sign_in = json!({"user": "alice@example.org", "password": "alice", "device": session(1)});
    assert_eq!(here.ask("sign-in", sign_in).await["code"], 0);
    let (mut other, token) = on_device(&service, "alice@example.org", 2).await;
    let (mut gone, _) = on_device(&service, "alice@example.org", 3).await;
    assert_eq!(gone.outcome("sign-out", json!({})).await, "S_OK");

    let listed = here.ask("devices", json!({})).await["devices"].clone();
    let devices: Vec<_> = listed.as_array().unwrap().iter().map(|d| (&d["device"], &d["online"], &d["here"])).collect();
    assert_eq!(devices[0], (&json!(session(1)), &json!(true), &json!(true)));
    assert_eq!(devices[1], (&json!(session(2)), &json!(true), &json!(false)));
    assert_eq!(devices[2], (&json!(session(3)), &json!(false), &json!(false)));
    assert_eq!((devices.len(), &listed[0]["client"]), (3, &json!("chess-club/2.1")));
    assert!(listed[0]["created"].as_u64().unwrap() > 1_700_000_000 && !listed[0]["last_used"].is_null());
    // Nobody else's.
    let mut bob = service.signed_in("bob@example.org").await;
    assert_eq!(bob.ask("devices", json!({})).await["devices"].as_array().unwrap().len(), 1);
    assert_eq!(bob.outcome("remove-device", json!({"device": session(2)})).await, "S_OK");
    assert_eq!(other.outcome("ping", json!({})).await, "S_OK");

    assert_eq!(here.outcome("remove-device", json!({"device": session(2)})).await, "S_OK");
    other.event("signed-out").await;
    assert_eq!(other.closed().await, Some(4008));
    assert_eq!(with_token(&service, &token).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(here.ask("devices", json!({})).await["devices"].as_array().unwrap().len(), 2);
    assert_eq!(here.outcome("remove-device", json!({"device": session(1)})).await, "S_OK");
    assert_eq!(here.closed().await, Some(1000), "that is to sign out");
    service.stop().await;
}

async fn registering(change: impl FnOnce(&mut ServiceConfig)) -> (TestService, Store) {
    let service = service_with(|config| {
        config.registration = true;
        change(config);
    })
    .await;
    let store = Store::open(service.data.path()).unwrap();
    (service, store)
}

fn new_code(uses: u32, domain: &str) -> NewCode {
    NewCode { note: "a note".into(), domain: domain.into(), uses, life: 3600 }
}

async fn register(service: &TestService, who: &str, password: &str, code: &str) -> Value {
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1]})).await;
    raw.ask("sign-in", json!({"user": who, "password": password, "registration": code, "friendly_name": "Dora"})).await
}

#[tokio::test]
async fn whoever_has_a_code_can_have_an_account() {
    let (service, store) = registering(|_| {}).await;
    let (code, kept) = store.issue_code(&new_code(1, "")).unwrap();
    assert!(code.starts_with(&kept.name) && kept.counts());
    let made = register(&service, "dora@example.org", "correct horse", &code).await;
    assert_eq!(made["code"], 0, "{made}");
    assert_eq!(made["signed_in"]["friendly_name"], "Dora");
    assert_eq!(with_token(&service, &made["signed_in"]["token"]).await, "S_OK");
    // Said again, because the answer was lost: it is an ordinary sign-in.
    assert_eq!(register(&service, "dora@example.org", "correct horse", &code).await["code"], 0);
    assert!(!store.codes().unwrap()[0].counts(), "used up");
    for (who, password, code, expected) in [
        ("emil@example.org", "correct horse", &*code, "MSGR_E_POLICY_RESTRICTED"),
        ("emil@example.org", "correct horse", "", "MSGR_E_POLICY_RESTRICTED"),
        ("emil@example.org", "correct horse", "AAAAAA-BBBBBB-CCCCCC-DDDDDD", "MSGR_E_POLICY_RESTRICTED"),
        ("alice@example.org", "correct horse", "no code", "MSGR_E_POLICY_RESTRICTED"),
    ] {
        assert_eq!(register(&service, who, password, code).await["name"], expected, "{who} {code}");
    }
    let (code, kept) = store.issue_code(&new_code(9, "Example.org")).unwrap();
    for (who, password, expected) in [
        ("emil@elsewhere.example", "correct horse", "MSGR_E_POLICY_RESTRICTED"),
        ("alice@example.org", "correct horse", "MSGR_E_INVALID_PASSWORD"),
        ("emil@example.org", "emil", "E_INVALIDARG"),
        ("emil@example.org", "iloveyou", "E_INVALIDARG"),
        ("emil@example.org", "correct horse", "S_OK"),
    ] {
        assert_eq!(register(&service, who, password, &code).await["name"], expected, "{who} {password}");
    }
    store.revoke_code(&kept.name).unwrap();
    assert_eq!(
        register(&service, "fritz@example.org", "correct horse", &code).await["name"],
        "MSGR_E_POLICY_RESTRICTED"
    );
    let (late, _) = store.issue_code(&NewCode { life: 1, ..new_code(1, "") }).unwrap();
    while store.codes().unwrap().iter().any(RegistrationCode::counts) {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        register(&service, "fritz@example.org", "correct horse", &late).await["name"],
        "MSGR_E_POLICY_RESTRICTED"
    );
    service.stop().await;
}

#[tokio::test]
async fn where_it_is_off_no_code_helps() {
    let service = service().await;
    let store = Store::open(service.data.path()).unwrap();
    let (code, _) = store.issue_code(&new_code(1, "")).unwrap();
    let refused = register(&service, "dora@example.org", "correct horse", &code).await;
    assert_eq!(refused["name"], "MSGR_E_POLICY_RESTRICTED");
    assert!(store.codes().unwrap()[0].counts());
    service.stop().await;
}

#[tokio::test]
async fn of_twenty_who_use_a_code_at_once_one_gets_the_account() {
    let (service, store) = registering(|config| config.failures_per_address.burst = 1_000).await;
    let (code, _) = store.issue_code(&new_code(1, "")).unwrap();
    let tries = (0..20).map(|n| {
        let (service, code) = (&service, &code);
        async move { register(service, &format!("p{n}@example.org"), "correct horse", code).await["code"] == 0 }
    });
    let made = futures_util::future::join_all(tries).await;
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
    assert_eq!(store.accounts().unwrap().iter().filter(|account| account.name.starts_with('p')).count(), 1);
    service.stop().await;
}

#[tokio::test]
async fn a_service_without_passwords_takes_none() {
    let service = service_with(|config| config.passwords = false).await;
    let mut raw = service.connect().await;
    let refused = raw.sign_in("alice@example.org", json!({})).await;
    assert_eq!(refused["name"], "MSGR_E_POLICY_RESTRICTED");
    assert!(refused["message"].as_str().unwrap().contains("token"), "{refused}");
    service.stop().await;
}
