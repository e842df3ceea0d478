//! One's own account: its password, its devices, and registering.

use hither_proto::rate::Allowance;
use hither_service::{NewCode, ServiceConfig, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Raw, TestService, service, service_with, session};

const ALICE: &str = "alice@example.org";

fn device(n: u8) -> String {
    format!("{{00000000-0000-0000-0000-0000000000{n:02X}}}")
}

fn passwords(old: &str, new: &str) -> Value {
    json!({"key": "p", "password": old, "new_password": new})
}

/// A connection that has said hello.
async fn greeted(service: &TestService) -> Raw {
    let mut raw = service.connect().await;
    raw.ask("hello", json!({"versions": [1], "client": "test/1"})).await;
    raw
}

/// What a sign-in with this token comes to.
async fn by_token(service: &TestService, token: &Value) -> String {
    greeted(service).await.outcome("sign-in", json!({"token": token})).await
}

async fn by_password(service: &TestService, who: &str, password: &str) -> String {
    greeted(service).await.outcome("sign-in", json!({"user": who, "password": password})).await
}

/// Alice on a device, and her token.
async fn alice(service: &TestService, n: u8) -> (Raw, Value) {
    let mut raw = greeted(service).await;
    let fields = json!({"user": ALICE, "password": "alice", "device": device(n)});
    let token = raw.ask("sign-in", fields).await["signed_in"]["token"].clone();
    assert!(token.is_string());
    (raw, token)
}

#[tokio::test]
async fn a_new_password_ends_every_other_token() {
    let service = service().await;
    let ((mut here, mine), (mut desk, other)) = (alice(&service, 1).await, alice(&service, 2).await);
    let mut bob = service.signed_in("bob@example.org").await;
    desk.connect_session(&mut bob, &session(1)).await;
    assert_eq!(here.outcome("password", passwords("alice", "battery staple")).await, "S_OK");

    assert_eq!(desk.event("signed-out").await["code"], 0x8100_031e_u32);
    assert_eq!(desk.closed().await, Some(4008));
    assert_eq!(bob.event("ended").await["code"], 0x8100_0603_u32);
    assert_eq!(by_token(&service, &other).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(by_password(&service, ALICE, "alice").await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(by_password(&service, ALICE, "battery staple").await, "S_OK");
    assert_eq!(here.outcome("ping", json!({})).await, "S_OK");
    drop(here);
    assert_eq!(by_token(&service, &mine).await, "S_OK", "this device keeps its own");
    service.stop().await;
}

#[tokio::test]
async fn passwords_that_are_not_changed() {
    let service = service_with(|config| {
        config.failures_per_name = Allowance { burst: 3, each_ms: 60_000 };
    })
    .await;
    let ((mut here, _), (mut desk, other)) = (alice(&service, 1).await, alice(&service, 2).await);
    for (old, new, name) in [
        ("alice", "7 bytes", "E_INVALIDARG"),
        ("alice", "", "E_INVALIDARG"),
        ("alice", &"p".repeat(513), "E_INVALIDARG"),
        ("alice", "PassWord", "E_INVALIDARG"),
        ("alice", "Alice@Example.org", "E_INVALIDARG"),
        ("guess", "battery staple", "MSGR_E_INVALID_PASSWORD"),
        // Whoever does not know the old one learns nothing of the new one.
        ("guess", "PassWord", "MSGR_E_INVALID_PASSWORD"),
        ("", "battery staple", "MSGR_E_INVALID_PASSWORD"),
    ] {
        let answer = here.ask("password", json!({"password": old, "new_password": new})).await;
        assert_eq!(answer["name"], name, "{old} {new}");
        assert!(answer["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer}");
    }
    let waits = here.ask("password", json!({"password": "alice", "new_password": "battery staple"})).await;
    assert_eq!(waits["name"], "MSGR_E_SERVER_TOO_BUSY", "three were wrong");
    assert!(waits["retry_after_ms"].as_u64().unwrap() > 0);
    assert_eq!(desk.outcome("ping", json!({})).await, "S_OK");
    drop(desk);
    assert_eq!(by_token(&service, &other).await, "S_OK");
    service.stop().await;

    let service = service_with(|config| config.passwords = false).await;
    let refused = by_password(&service, ALICE, "alice").await;
    assert_eq!(refused, "MSGR_E_POLICY_RESTRICTED", "nobody has a password to change here");
    service.stop().await;
}

#[tokio::test]
async fn the_answer_to_a_new_password_that_was_lost() {
    let service = service().await;
    let mut here = greeted(&service).await;
    let fields = json!({"user": ALICE, "password": "alice", "device": device(1)});
    let signed_in = here.ask("sign-in", fields).await["signed_in"].clone();
    let (mut desk, _) = alice(&service, 2).await;
    here.send("password", passwords("alice", "battery staple")).await;
    // It is done when the other device is told; whoever asked has gone without the answer.
    assert_eq!(desk.closed().await, Some(4008));
    drop(here);

    let mut again = greeted(&service).await;
    let fields = json!({"token": signed_in["token"], "device": device(1), "epoch": signed_in["epoch"], "ack": 0});
    assert_eq!(again.ask("sign-in", fields).await["signed_in"]["resumed"], true);
    assert_eq!(again.outcome("password", passwords("alice", "battery staple")).await, "S_OK");
    // Anew, it is another change, and the old password is wrong.
    let anew = json!({"key": "q", "password": "alice", "new_password": "battery staple"});
    assert_eq!(again.outcome("password", anew).await, "MSGR_E_INVALID_PASSWORD");
    service.stop().await;
}

#[tokio::test]
async fn devices_are_listed_and_one_is_removed() {
    let service = service().await;
    let ((mut here, _), (desk, _), (mut lost, token)) =
        (alice(&service, 1).await, alice(&service, 2).await, alice(&service, 3).await);
    let mut desk = desk;
    assert_eq!(desk.outcome("sign-out", json!({})).await, "S_OK");
    let listed = here.ask("devices", json!({})).await["devices"].clone();
    let short: Vec<_> = listed.as_array().unwrap().iter().map(|d| (&d["device"], &d["here"], &d["online"])).collect();
    let (one, two, three) = (json!(device(1)), json!(device(2)), json!(device(3)));
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(short, [(&one, yes, yes), (&three, no, yes), (&two, no, no)]);
    for d in listed.as_array().unwrap() {
        assert_eq!(d["client"], "test/1");
        assert!(d["created"].as_u64().unwrap() > 1_700_000_000 && d["last_used"].is_u64(), "{d}");
    }

    assert_eq!(here.outcome("remove-device", json!({"key": "r", "device": device(3)})).await, "S_OK");
    assert_eq!(lost.event("signed-out").await["code"], 0x8100_031e_u32);
    assert_eq!(lost.closed().await, Some(4008));
    assert_eq!(by_token(&service, &token).await, "MSGR_E_INVALID_PASSWORD");
    assert_eq!(here.ask("devices", json!({})).await["devices"].as_array().unwrap().len(), 2);
    for (fields, name) in [
        (json!({"device": device(3)}), "S_OK"),
        (json!({"device": "telephone"}), "E_INVALIDARG"),
        (json!({}), "E_INVALIDARG"),
    ] {
        assert_eq!(here.outcome("remove-device", fields.clone()).await, name, "{fields}");
    }
    assert_eq!(here.outcome("remove-device", json!({"device": device(1)})).await, "S_OK");
    assert_eq!(here.closed().await, Some(1000));
    let data = service.data.path().to_owned();
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
            let subject = format!(r#""action":"device-removed","subject":"{ALICE} {}""#, device(1));
            assert!(audit.contains(&subject) && audit.contains(r#""by":{"person":"127.0.0.1"}"#), "{audit}");
        })
        .await;
}

/// Takes registrations.
fn open(config: &mut ServiceConfig) {
    config.registration = true;
}

/// A code for so many accounts of a domain, for a day.
fn code(service: &TestService, uses: u32, domain: &str) -> String {
    let new = NewCode { note: String::new(), domain: domain.to_owned(), uses, life: 86_400 };
    Store::open(service.data.path()).unwrap().issue_code(&new).unwrap().0
}

fn registration(who: &str, password: &str, code: &str) -> Value {
    json!({"user": who, "password": password, "registration": code, "friendly_name": "Friendly"})
}

async fn registers(service: &TestService, who: &str, password: &str, code: &str) -> Value {
    greeted(service).await.ask("sign-in", registration(who, password, code)).await
}

#[tokio::test]
async fn whoever_has_a_code_has_an_account_of_their_own() {
    let service = service_with(open).await;
    let code = code(&service, 1, "");
    let answer = registers(&service, "Erin@Example.org", "correct horse", &code).await;
    let signed_in = &answer["signed_in"];
    assert_eq!((&signed_in["user"], &signed_in["friendly_name"]), (&json!("erin@example.org"), &json!("Friendly")));
    assert_eq!(by_token(&service, &signed_in["token"]).await, "S_OK");
    assert_eq!(by_password(&service, "erin@example.org", "correct horse").await, "S_OK");

    // The answer was lost: said again, it signs in, and makes nothing.
    let again = registers(&service, "erin@example.org", "correct horse", &code).await;
    assert_eq!((&again["name"], &again["signed_in"]["friendly_name"]), (&json!("S_OK"), &json!("Friendly")));
    assert_eq!(
        registers(&service, "frank@example.org", "correct horse", &code).await["name"],
        "MSGR_E_POLICY_RESTRICTED"
    );
    let store = Store::open(service.data.path()).unwrap();
    assert_eq!(store.codes().unwrap()[0].uses, 0);
    let made = store.accounts().unwrap().into_iter().filter(|account| account.friendly_name == "Friendly");
    assert_eq!(made.count(), 1);
    service.stop().await;
}

#[tokio::test]
async fn registrations_that_are_refused() {
    let service = service_with(|config| {
        open(config);
        let patient = Allowance { burst: 1_000, each_ms: 1 };
        (config.failures_per_name, config.failures_per_address) = (patient, patient);
    })
    .await;
    let (right, bound) = (code(&service, 9, ""), code(&service, 9, "example.com"));
    let store = Store::open(service.data.path()).unwrap();
    let (used_up, revoked) = (code(&service, 1, ""), code(&service, 1, ""));
    assert_eq!(registers(&service, "first@example.org", "correct horse", &used_up).await["name"], "S_OK");
    store.revoke_code(&revoked[..6]).unwrap();
    let restricted = "MSGR_E_POLICY_RESTRICTED";
    let erin = "erin@example.org";
    let swapped = format!("{}{}", &right[..7], &bound[7..]);
    let mut said = Vec::new();
    for (who, password, code, name) in [
        (erin, "correct horse", "ABCDEF-ABCDEF-ABCDEF-ABCDEF", restricted),
        (erin, "correct horse", "x", restricted),
        (erin, "correct horse", &right[..6], restricted),
        (erin, "correct horse", &right.to_lowercase(), restricted),
        (erin, "correct horse", &swapped, restricted),
        (erin, "correct horse", &used_up, restricted),
        (erin, "correct horse", &revoked, restricted),
        (erin, "correct horse", &bound, restricted),
        // Somebody who is there is told like somebody who is not, and so is a weak password.
        (ALICE, "correct horse", &revoked, restricted),
        (erin, "password", &revoked, restricted),
    ] {
        let answer = registers(&service, who, password, code).await;
        assert_eq!(answer["name"], name, "{who} {code}: {answer}");
        said.push(answer["message"].clone());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "all are told the same: {said:?}");
    for (who, password, code, name) in [
        (erin, "password", &*right, "E_INVALIDARG"),
        (erin, "7 bytes", &right, "E_INVALIDARG"),
        (erin, erin, &right, "E_INVALIDARG"),
        (erin, "correct horse", &"c".repeat(65), "E_INVALIDARG"),
        (erin, "correct horse", "", "E_INVALIDARG"),
        ("erin", "correct horse", &right, "E_INVALIDARG"),
        (ALICE, "correct horse", &right, "MSGR_E_INVALID_PASSWORD"),
        ("erin@example.com", "correct horse", &bound, "S_OK"),
        (erin, "correct horse", &right, "S_OK"),
    ] {
        let answer = registers(&service, who, password, code).await;
        assert_eq!(answer["name"], name, "{who} {code}: {answer}");
    }
    let uses = |code: &str| store.codes().unwrap().into_iter().find(|kept| kept.name == code[..6]).unwrap().uses;
    assert_eq!((uses(&right), uses(&bound)), (8, 8), "only an account uses a code");
    let data = service.data.path().to_owned();
    service
        .stop_and(|| {
            let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
            for why in ["no-such-code", "code-that-is-used-up", "code-for-another-domain", "name-is-taken"] {
                assert!(audit.contains(&format!(r#""why":"{why}""#)), "{why}: {audit}");
            }
            assert!(audit.contains(&format!(r#""subject":"{erin} {}""#, &right[..6])), "{audit}");
            assert!(!audit.contains(&right) && !audit.contains(&bound));
        })
        .await;
}

#[tokio::test]
async fn a_code_ends_with_its_time() {
    let service = service_with(open).await;
    let store = Store::open(service.data.path()).unwrap();
    let new = NewCode { note: String::new(), domain: String::new(), uses: 1, life: 1 };
    let (code, kept) = store.issue_code(&new).unwrap();
    // As if it had been issued an hour ago.
    let db = rusqlite::Connection::open(service.data.path().join("hither.sqlite")).unwrap();
    assert_eq!(db.execute("UPDATE codes SET ends = ends - 3600 WHERE name = ?", [&kept.name]).unwrap(), 1);
    let refused = registers(&service, "erin@example.org", "correct horse", &code).await;
    assert_eq!(refused["name"], "MSGR_E_POLICY_RESTRICTED");
    service.stop().await;
}

#[tokio::test]
async fn where_nobody_registers() {
    let service = service().await;
    let code = code(&service, 1, "");
    let refused = registers(&service, "erin@example.org", "correct horse", &code).await;
    assert_eq!(refused["name"], "MSGR_E_POLICY_RESTRICTED");
    // Not even whoever has an account already: a registration is no way around anything.
    assert_eq!(registers(&service, ALICE, "alice's own", &code).await["name"], "MSGR_E_POLICY_RESTRICTED");
    service.stop().await;

    let service = service_with(|config| {
        open(config);
        config.passwords = false;
    })
    .await;
    let refused = registers(&service, "erin@example.org", "correct horse", "x").await;
    assert_eq!(refused["name"], "MSGR_E_POLICY_RESTRICTED");
    service.stop().await;
}

#[tokio::test]
async fn whoever_guesses_codes_is_slowed_down() {
    let service = service_with(|config| {
        open(config);
        config.failures_per_address = Allowance { burst: 3, each_ms: 60_000 };
    })
    .await;
    for n in 0..3 {
        let guess = registers(&service, &format!("erin{n}@example.org"), "correct horse", "guess").await;
        assert_eq!(guess["name"], "MSGR_E_POLICY_RESTRICTED");
    }
    let right = code(&service, 1, "");
    let waits = registers(&service, "erin@example.org", "correct horse", &right).await;
    assert_eq!(waits["name"], "MSGR_E_SERVER_TOO_BUSY");
    assert!(waits["retry_after_ms"].as_u64().unwrap() > 0, "{waits}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_race_for_a_code_one_has_an_account() {
    const MANY: usize = 20;
    let service = service_with(|config| {
        open(config);
        config.failures_per_address = Allowance { burst: 1_000, each_ms: 1 };
    })
    .await;
    let code = code(&service, 1, "");
    let mut racing = JoinSet::new();
    for n in 0..MANY {
        let mut raw = greeted(&service).await;
        let fields = registration(&format!("racer{n}@example.org"), "correct horse", &code);
        racing.spawn(async move { raw.outcome("sign-in", fields).await });
    }
    let outcomes = racing.join_all().await;
    let count = |name: &str| outcomes.iter().filter(|outcome| *outcome == name).count();
    assert_eq!((count("S_OK"), count("MSGR_E_POLICY_RESTRICTED")), (1, MANY - 1), "{outcomes:?}");
    let store = Store::open(service.data.path()).unwrap();
    let made = store.accounts().unwrap().into_iter().filter(|account| account.name.starts_with("racer"));
    assert_eq!((made.count(), store.codes().unwrap()[0].uses), (1, 0));
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
