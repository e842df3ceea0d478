//! Lock and Key over real sockets: the rows of section 2.3 and R31, each status and code, in and out of
//! order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hither_service::keys::{Environment, Judge, Keychain, Verdict, Why};
use hither_service::{Allowance, LockConfig, ServiceConfig, StoreError, Whom};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{GUID, PATIENCE, Raw, TestService, serve, session};

/// The keys of a test: an id with its key and what is to be known of it.
#[derive(Clone, Default)]
pub struct Keys(Arc<Mutex<BTreeMap<String, Pair>>>);

#[derive(Clone)]
struct Pair {
    key: &'static str,
    md5: bool,
    environment: Environment,
    revoked: bool,
    app: Option<&'static str>,
}

const PAIR: Pair = Pair { key: "k", md5: false, environment: Environment::Production, revoked: false, app: None };

impl Keys {
    /// One of each kind; the key of each is its id backwards.
    fn every_kind() -> Keys {
        let keys = Keys::default();
        for (id, pair) in [
            ("chess", Pair { key: "ssehc", ..PAIR }),
            ("old", Pair { key: "dlo", md5: true, ..PAIR }),
            ("trial", Pair { key: "lairt", environment: Environment::Test, ..PAIR }),
            ("gone", Pair { key: "enog", revoked: true, ..PAIR }),
            ("bound", Pair { key: "dnuob", app: Some(GUID), ..PAIR }),
        ] {
            keys.0.lock().unwrap().insert(id.into(), pair);
        }
        keys
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Pair)) {
        change(self.0.lock().unwrap().get_mut(id).unwrap());
    }
}

impl Judge for Keys {
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        let keys = self.0.lock().unwrap();
        let Some(pair) = keys.get(app_id) else { return Ok(Verdict::Wrong(Why::UnknownId)) };
        let right = response == hmac(pair.key, challenge) || pair.md5 && response == md5(pair.key, challenge);
        Ok(match pair {
            _ if !right => Verdict::Wrong(Why::WrongResponse),
            Pair { revoked: true, .. } => Verdict::Wrong(Why::Revoked),
            Pair { environment: Environment::Test, .. } => Verdict::Wrong(Why::OtherEnvironment),
            Pair { app, .. } => Verdict::Right { apps: app.map(|app| [hither_wire::Guid::parse(app).unwrap()].into()) },
        })
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

fn hmac(key: &str, challenge: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    hexadecimal(&mac.chain_update(challenge).finalize().into_bytes())
}

fn md5(key: &str, challenge: &str) -> String {
    hexadecimal(&Md5::new().chain_update(challenge).chain_update(key).finalize())
}

async fn locked_with(keys: &Keys, change: impl FnOnce(&mut ServiceConfig)) -> TestService {
    let data = tempfile::tempdir().unwrap();
    let mut config = ServiceConfig::new("127.0.0.1:0".parse().unwrap(), data.path().to_owned());
    config.password_cost = hither_service::PasswordCost::FOR_TESTS;
    config.machine.failure_ms = 5;
    config.lock = Some(LockConfig::default());
    change(&mut config);
    serve(data, config, Box::new(keys.clone())).await
}

async fn locked() -> TestService {
    locked_with(&Keys::every_kind(), |_| {}).await
}

impl Raw {
    /// Requests a challenge, and gives it.
    async fn challenge(&mut self, cookie: u32) -> String {
        assert_eq!(self.outcome("challenge", json!({"cookie": cookie})).await, "S_OK");
        assert_eq!(self.event("lock-status").await["status"], "PENDINGRESULT");
        self.challenged(cookie).await
    }

    async fn challenged(&mut self, cookie: u32) -> String {
        let event = self.event("lock-challenge").await;
        assert_eq!(event["cookie"], cookie, "{event}");
        event["challenge"].as_str().unwrap().to_owned()
    }

    async fn respond(&mut self, app_id: &str, response: &str, cookie: u32) -> String {
        self.outcome("response", json!({"app_id": app_id, "response": response, "cookie": cookie})).await
    }

    /// What came of a response: the result, and the status with its error.
    async fn judged(&mut self, cookie: u32) -> (bool, String, String) {
        let result = self.event("lock-result").await;
        assert_eq!(result["cookie"], cookie, "{result}");
        let status = self.event("lock-status").await;
        let error = status["error"].as_u64().map_or(String::new(), |code| format!("{code:#x}"));
        (result["ok"].as_bool().unwrap(), status["status"].as_str().unwrap().to_owned(), error)
    }

    async fn unlock(&mut self, app_id: &str, key: &str) -> (bool, String, String) {
        let challenge = self.challenge(7).await;
        assert_eq!(self.respond(app_id, &hmac(key, &challenge), 7).await, "S_OK");
        self.judged(7).await
    }
}

fn unlocked() -> (bool, String, String) {
    (true, "UNLOCKED".into(), String::new())
}

fn failed() -> (bool, String, String) {
    (false, "UNLOCKFAILED".into(), "0x81000753".into())
}

#[tokio::test]
async fn the_whole_of_it_in_order() {
    let service = locked().await;
    let mut bob = service.signed_in("bob@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    let lock = alice.event("lock").await;
    assert_eq!(lock, json!({"event": "lock", "enabled": true, "status": "INITIALIZED"}));
    assert_eq!(alice.invite(&session(1), "bob@example.org").await, "MSGR_E_API_LOCKED");
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    assert_eq!(alice.outcome("challenge", json!({"cookie": 8})).await, "MSGR_E_API_ALREADY_UNLOCKED");
    // Bob is not unlocked: to be invited, and to take part, nobody has to be.
    alice.connect_session(&mut bob, &session(2)).await;
    assert_eq!(bob.invite(&session(3), "alice@example.org").await, "MSGR_E_API_LOCKED");
    service.stop().await;
}

#[tokio::test]
async fn out_of_order() {
    let service = locked().await;
    let mut raw = service.connect().await;
    assert_eq!(raw.ask("hello", json!({"versions": [1]})).await["code"], 0);
    // Before OnLockEnable.
    assert_eq!(raw.outcome("challenge", json!({"cookie": 1})).await, "MSGR_E_API_NOTINITIALIZED");
    assert_eq!(raw.respond("chess", "00", 1).await, "MSGR_E_API_NOTINITIALIZED");
    let signed_in = raw.ask("sign-in", json!({"user": "alice@example.org", "password": "alice"})).await;
    assert_eq!(signed_in["code"], 0);

    assert_eq!(raw.respond("chess", "00", 7).await, "MSGR_E_API_LOCKED", "no challenge");
    let challenge = raw.challenge(7).await;
    assert_eq!(raw.outcome("challenge", json!({"cookie": 7})).await, "MSGR_E_API_PENDING_UNLOCK", "twice");
    assert_eq!(raw.outcome("challenge", json!({"cookie": 8})).await, "MSGR_E_API_PENDING_UNLOCK", "while pending");
    let response = hmac("ssehc", &challenge);
    assert_eq!(raw.respond("chess", &response, 8).await, "E_INVALIDARG", "another cookie");
    assert_eq!(raw.respond("chess", &"0".repeat(129), 7).await, "E_INVALIDARG");
    assert_eq!(raw.respond("", &response, 7).await, "E_INVALIDARG");
    assert_eq!(raw.respond("chess", &response, 7).await, "S_OK", "none of that has spoilt it");
    assert_eq!(raw.judged(7).await, unlocked());
    assert_eq!(raw.respond("chess", &response, 7).await, "MSGR_E_API_ALREADY_UNLOCKED");
    service.stop().await;
}

#[tokio::test]
async fn a_wrong_pair_fails_in_the_same_words_whatever_is_wrong_and_until_the_next_sign_in() {
    let service = locked().await;
    for (id, key, what) in [
        ("nobody", "x", "an unknown id"),
        ("chess", "x", "a wrong key"),
        ("trial", "lairt", "of the other environment"),
        ("gone", "enog", "revoked"),
    ] {
        let mut alice = service.signed_in("alice@example.org").await;
        assert_eq!(alice.unlock(id, key).await, failed(), "{what}");
        assert_eq!(alice.outcome("challenge", json!({"cookie": 9})).await, "MSGR_E_API_UNLOCK_FAILED", "{what}");
        assert_eq!(alice.respond("chess", "00", 7).await, "MSGR_E_API_UNLOCK_FAILED", "{what}");
        assert_eq!(alice.invite(&session(1), "bob@example.org").await, "MSGR_E_API_LOCKED", "{what}");
        assert_eq!(alice.outcome("sign-out", json!({})).await, "S_OK");
    }
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    service.stop().await;
}

#[tokio::test]
async fn md5_as_well_for_ids_that_are_marked_for_it_and_for_no_others() {
    let service = locked().await;
    let ways: [fn(&str, &str) -> String; 2] = [hmac, md5];
    for (id, key, expected) in [("old", "dlo", [unlocked(), unlocked()]), ("chess", "ssehc", [unlocked(), failed()])] {
        for (response, expected) in ways.into_iter().zip(expected) {
            let mut alice = service.signed_in("alice@example.org").await;
            let challenge = alice.challenge(7).await;
            assert_eq!(alice.respond(id, &response(key, &challenge), 7).await, "S_OK");
            assert_eq!(alice.judged(7).await, expected, "{id}");
            assert_eq!(alice.outcome("sign-out", json!({})).await, "S_OK");
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn a_response_is_good_for_its_challenge_only() {
    let service = locked().await;
    let mut alice = service.signed_in("alice@example.org").await;
    let challenge = alice.challenge(7).await;
    let response = hmac("ssehc", &challenge);
    assert_eq!(alice.respond("chess", &response, 7).await, "S_OK");
    assert_eq!(alice.judged(7).await, unlocked());
    // Overheard, and said again by somebody else.
    let mut mallory = service.signed_in("dave@example.org").await;
    assert_ne!(mallory.challenge(7).await, challenge);
    assert_eq!(mallory.respond("chess", &response, 7).await, "S_OK");
    assert_eq!(mallory.judged(7).await, failed());
    service.stop().await;
}

#[tokio::test]
async fn a_challenge_that_is_not_answered_in_time() {
    let keys = Keys::every_kind();
    let service = locked_with(&keys, |config| {
        config.lock = Some(LockConfig { answer_ms: 40, ..LockConfig::default() });
    })
    .await;
    let mut alice = service.signed_in("alice@example.org").await;
    let challenge = alice.challenge(7).await;
    assert_eq!(alice.judged(7).await, failed());
    assert_eq!(alice.respond("chess", &hmac("ssehc", &challenge), 7).await, "MSGR_E_API_UNLOCK_FAILED");
    service.stop().await;
}

#[tokio::test]
async fn locked_again_by_signing_out_and_by_another_stay_but_not_by_resuming() {
    let service = locked().await;
    let device = "{00000000-0000-0000-0000-0000000000D1}";
    let mut alice = service.connect().await;
    let signed_in = alice.sign_in("alice@example.org", json!({"device": device})).await["signed_in"].clone();
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    let ack = alice.seq;
    drop(alice);

    let mut alice = service.connect().await;
    alice.seq = ack;
    let more = json!({"device": device, "epoch": signed_in["epoch"], "ack": ack});
    assert_eq!(alice.sign_in("alice@example.org", more).await["signed_in"]["resumed"], true);
    assert_eq!(alice.event("lock").await["status"], "UNLOCKED");
    assert_eq!(alice.outcome("challenge", json!({"cookie": 8})).await, "MSGR_E_API_ALREADY_UNLOCKED");
    assert_eq!(alice.invite(&session(1), "dave@example.org").await, "MSGR_E_RESTRICTED_USER");

    // The same device in another stay.
    let mut again = service.connect().await;
    assert_eq!(again.sign_in("alice@example.org", json!({"device": device})).await["signed_in"]["resumed"], false);
    assert_eq!(again.event("lock").await["status"], "INITIALIZED");
    assert_eq!(again.unlock("chess", "ssehc").await, unlocked());
    assert_eq!(again.outcome("sign-out", json!({})).await, "S_OK");
    let mut last = service.connect().await;
    last.sign_in("alice@example.org", json!({"device": device})).await;
    assert_eq!(last.event("lock").await["status"], "INITIALIZED");
    assert_eq!(last.invite(&session(2), "bob@example.org").await, "MSGR_E_API_LOCKED");
    service.stop().await;
}

#[tokio::test]
async fn a_key_is_revoked_under_a_running_service() {
    let keys = Keys::every_kind();
    let service = locked_with(&keys, |_| {}).await;
    let mut bob = service.signed_in("bob@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    alice.connect_session(&mut bob, &session(1)).await;

    // Another key has taken its place, and nobody is dropped.
    keys.change("chess", |pair| pair.key = "new");
    service.lock.key_gone("chess").await;
    assert_eq!(alice.event("lock-status").await["status"], "PENDINGRESULT");
    let challenge = alice.challenged(0).await;
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "MSGR_E_API_LOCKED", "until it is proved");
    let context = json!({"session": session(1), "data": {"text": "goes on"}});
    assert_eq!(alice.outcome("context", context).await, "S_OK");
    assert_eq!(alice.respond("chess", &hmac("new", &challenge), 0).await, "S_OK");
    assert_eq!(alice.judged(0).await, unlocked());

    keys.change("chess", |pair| pair.revoked = true);
    service.lock.key_gone("chess").await;
    let challenge = alice.challenged(0).await;
    assert_eq!(alice.respond("chess", &hmac("new", &challenge), 0).await, "S_OK");
    assert_eq!(alice.judged(0).await.1, "UNLOCKFAILED");
    // The operator can give another chance.
    service.lock.challenge(Whom::Person("alice@example.org".parse().unwrap())).await;
    let challenge = alice.challenged(0).await;
    assert_eq!(alice.respond("old", &md5("dlo", &challenge), 0).await, "S_OK");
    assert_eq!(alice.judged(0).await, unlocked());
    service.stop().await;
}

#[tokio::test]
async fn a_pair_for_one_application_unlocks_it_alone() {
    let service = locked().await;
    let _bob = service.signed_in("bob@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("bound", "dnuob").await, unlocked());
    assert_eq!(alice.invite(&session(1), "bob@example.org").await, "S_OK");
    let other = json!({"session": session(2), "to": "bob@example.org", "app": {"guid": session(9)}});
    let refused = alice.ask("invite", other).await;
    assert_eq!(refused["name"], "MSGR_E_API_LOCKED");
    assert!(refused["message"].as_str().unwrap().contains("for other applications"));
    service.stop().await;
}

#[tokio::test]
async fn too_many_failures_shut_the_door_and_leave_the_lock_as_it_was() {
    let keys = Keys::every_kind();
    let service = locked_with(&keys, |config| {
        let once = Allowance { burst: 2, each_ms: 60_000 };
        let often = Allowance { burst: 1_000, each_ms: 1 };
        config.lock =
            Some(LockConfig { failures_per_person: once, failures_per_address: often, ..LockConfig::default() });
    })
    .await;
    for _ in 0..2 {
        let mut mallory = service.signed_in("dave@example.org").await;
        assert_eq!(mallory.unlock("chess", "guess").await, failed());
    }
    let mut mallory = service.signed_in("dave@example.org").await;
    let challenge = mallory.challenge(7).await;
    assert_eq!(mallory.respond("chess", &hmac("ssehc", &challenge), 7).await, "S_OK");
    let result = mallory.event("lock-result").await;
    assert_eq!((&result["cookie"], &result["ok"]), (&json!(7), &json!(false)));
    let status = mallory.event("lock-status").await;
    assert_eq!((&status["status"], &status["error"]), (&json!("INITIALIZED"), &json!(0x8100_030e_u32)));
    assert!((1..=60_000).contains(&status["retry_after_ms"].as_u64().unwrap()), "{status}");
    // Nobody else is concerned, not even with the same application.
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    service.stop().await;
}

#[tokio::test]
async fn while_somebody_fails_slowly_others_go_on() {
    let keys = Keys::every_kind();
    let service = locked_with(&keys, |config| config.machine.failure_ms = 60_000).await;
    let mut mallory = service.signed_in("dave@example.org").await;
    let challenge = mallory.challenge(7).await;
    assert_eq!(mallory.respond("chess", &hmac("guess", &challenge), 7).await, "S_OK");
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    mallory.nothing_came().await;
    assert_eq!(mallory.outcome("challenge", json!({"cookie": 9})).await, "MSGR_E_API_PENDING_UNLOCK");
    service.stop().await;
}

#[tokio::test]
async fn without_the_lock_everything_is_as_ever() {
    let service = crate::support::service().await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.event("lock").await, json!({"event": "lock", "enabled": false, "status": "DISABLED"}));
    assert_eq!(alice.outcome("challenge", json!({"cookie": 1})).await, "MSGR_E_API_DISABLED");
    assert_eq!(alice.respond("chess", "00", 1).await, "MSGR_E_API_DISABLED");
    let _bob = service.signed_in("bob@example.org").await;
    assert_eq!(alice.invite(&session(1), "bob@example.org").await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn it_is_turned_on_and_off_under_a_running_service_and_nobody_is_dropped() {
    let keys = Keys::every_kind();
    let service = locked_with(&keys, |config| config.lock = None).await;
    let mut bob = service.signed_in("bob@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    alice.connect_session(&mut bob, &session(1)).await;
    service.lock.switch(true).await;
    assert_eq!(alice.event("lock-status").await["status"], "INITIALIZED");
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "MSGR_E_API_LOCKED");
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    service.lock.switch(false).await;
    assert_eq!(alice.event("lock-status").await["status"], "DISABLED");
    let context = json!({"session": session(1), "data": {"text": "goes on"}});
    assert_eq!(alice.outcome("context", context).await, "S_OK");
    assert_eq!(bob.invite(&session(3), "alice@example.org").await, "S_OK");
    service.stop().await;
}

#[tokio::test]
async fn another_environment_has_to_be_proved() {
    let service = locked().await;
    let mut alice = service.signed_in("alice@example.org").await;
    assert_eq!(alice.unlock("chess", "ssehc").await, unlocked());
    drop(Keychain::open_or_make(service.data.path(), &LockConfig::default()).unwrap());
    let mut config = service.config.clone();
    config.lock = Some(LockConfig { environment: Environment::Test, ..LockConfig::default() });
    service.handle.reload(config).await.unwrap();
    let challenge = alice.challenged(0).await;
    assert_eq!(alice.invite(&session(2), "bob@example.org").await, "MSGR_E_API_LOCKED");
    assert_eq!(alice.respond("chess", &hmac("ssehc", &challenge), 0).await, "S_OK");
    assert_eq!(alice.judged(0).await.1, "UNLOCKFAILED");
    service.stop().await;
}

/// Every application behind a device is an object of its own.
#[tokio::test]
async fn objects_are_unlocked_one_by_one() {
    let service = locked().await;
    let _bob = service.signed_in("bob@example.org").await;
    let mut alice = service.signed_in("alice@example.org").await;
    let of = |event: &Value| event["object"].as_str().map(str::to_owned);
    assert_eq!(alice.outcome("challenge", json!({"object": "p1", "cookie": 7})).await, "S_OK");
    let challenge = alice.event("lock-challenge").await;
    assert_eq!(of(&challenge).as_deref(), Some("p1"));
    let response = hmac("ssehc", challenge["challenge"].as_str().unwrap());
    let fields = json!({"object": "p1", "app_id": "chess", "response": response, "cookie": 7});
    assert_eq!(alice.outcome("response", fields).await, "S_OK");
    let result = alice.event("lock-result").await;
    assert_eq!((of(&result).as_deref(), &result["ok"]), (Some("p1"), &json!(true)));
    let invite = |n: u64, object: Value| json!({"object": object, "session": session(n), "to": "bob@example.org", "app": {"guid": GUID}});
    assert_eq!(alice.outcome("invite", invite(1, json!("p1"))).await, "S_OK");
    assert_eq!(alice.outcome("invite", invite(2, json!("p2"))).await, "MSGR_E_API_LOCKED");
    assert_eq!(alice.outcome("invite", invite(3, Value::Null)).await, "MSGR_E_API_LOCKED");
    assert_eq!(alice.outcome("release", json!({"object": "p1"})).await, "S_OK");
    assert_eq!(alice.outcome("invite", invite(4, json!("p1"))).await, "MSGR_E_API_LOCKED");
    service.stop().await;
}

/// The Python client computes its responses with hmac and hashlib.
#[tokio::test]
async fn another_implementation_unlocks() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("HITHER_TEST_PYTHON").map(std::path::PathBuf::from);
    let python = named.unwrap_or_else(|| root.join("target/python/bin/python"));
    if !python.exists() {
        println!("passed over: there is no Python with the packages of the example; `cargo xtask setup` makes one");
        return;
    }
    let service = locked().await;
    let mut command = tokio::process::Command::new(python);
    command.arg(root.join("examples/python/test_unlock.py")).arg(service.url());
    command.env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    service.stop().await;
}
