//! Lock and Key with the sdk: what an application calls, and what it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use hither::{Code, Error, Event, Key, LockStatus, NextStep};
use hither_service::keys::{Judge, Verdict, Why};
use hither_service::{Allowance, LockConfig, ServiceConfig, StoreError};
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::world::{PATIENCE, Person, World, line};

/// Ids with their keys; `old` responds with MD5.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<BTreeMap<&'static str, &'static str>>>);

impl Judge for Keys {
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        let keys = self.0.lock().unwrap();
        let Some(key) = keys.get(app_id).map(Key::new) else { return Ok(Verdict::Wrong(Why::UnknownId)) };
        let right = if app_id == "old" { key.respond_md5(challenge) } else { key.respond(challenge) };
        Ok(if right == response { Verdict::Right { apps: None } } else { Verdict::Wrong(Why::WrongResponse) })
    }
}

async fn locked(change: impl FnOnce(&mut ServiceConfig)) -> (World, Keys) {
    let keys = Keys(Arc::new(Mutex::new([("chess", "secret"), ("old", "oldkey")].into())));
    let world = World::judged(Box::new(keys.clone()), |config| {
        config.machine.failure_ms = 5;
        config.lock = Some(LockConfig::default());
        change(config);
    });
    (world.await, keys)
}

/// Events up to one about the lock with these words.
async fn until(person: &mut Person, words: &str) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let event = timeout(PATIENCE, person.events.next()).await.expect("an event in time").expect("an event");
        if matches!(event, Event::ContactStatusChange { .. }) {
            continue;
        }
        lines.push(short(&event));
        if lines.last().unwrap() == words {
            return lines;
        }
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::LockEnable { enabled } => format!("enable {enabled}"),
        Event::LockChallenge { cookie, .. } => format!("challenge {}", if *cookie == 0 { "unasked" } else { "asked" }),
        Event::LockResult { unlocked, .. } => format!("result {unlocked}"),
        Event::LockStatusChanged { status, error: None, .. } => status.to_string(),
        Event::LockStatusChanged { status, error: Some(error), .. } => format!("{status} {error}"),
        other => line(other),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code()
}

#[tokio::test]
async fn unlocking_is_one_call_and_every_event_is_told() {
    let (world, _) = locked(|_| {}).await;
    let mut alice = world.person("alice").await;
    let _bob = world.person("bob").await;
    assert_eq!(until(&mut alice, "INITIALIZED").await, ["enable true", "INITIALIZED"]);
    assert_eq!(alice.client.lock_status(), LockStatus::Initialized);
    let game = alice.game();
    let refused = game.invite("bob@example.org", "").await.unwrap_err();
    assert_eq!((refused.code(), refused.next_step()), (Code::MSGR_E_API_LOCKED, NextStep::ChangeRequest));
    assert!(refused.to_string().contains("unlock it with the application's ID and key"), "{refused}");
    assert_eq!(code(game.invite("nonsense", "").await), Code::E_INVALIDARG, "malformed comes first (R26)");
    assert_eq!(code(alice.client.try_create_session()), Code::MSGR_E_API_LOCKED);
    assert_eq!(code(alice.client.send_response("chess", "00", 1).await), Code::MSGR_E_API_LOCKED);

    let key = Key::new("secret");
    alice.client.unlock("chess", &key).await.unwrap();
    assert_eq!(alice.client.lock_status(), LockStatus::Unlocked);
    let told = until(&mut alice, "UNLOCKED").await;
    assert_eq!(told, ["PENDINGRESULT", "challenge asked", "result true", "UNLOCKED"]);
    game.invite("bob@example.org", "").await.unwrap();
    alice.client.try_create_session().unwrap();
    assert_eq!(code(alice.client.request_challenge(1).await), Code::MSGR_E_API_ALREADY_UNLOCKED);
    alice.client.unlock("chess", &key).await.unwrap();
    alice.client.sign_out().await.unwrap();
    assert_eq!(alice.client.lock_status(), LockStatus::NotInitialized);
    assert_eq!(code(alice.client.unlock("chess", &key).await), Code::MSGR_E_NOT_LOGGED_ON);
    world.stop().await;
}

#[tokio::test]
async fn step_by_step_as_the_reference_has_it() {
    let (world, _) = locked(|_| {}).await;
    let mut alice = world.person("alice").await;
    until(&mut alice, "INITIALIZED").await;
    alice.client.request_challenge(77).await.unwrap();
    assert_eq!(code(alice.client.request_challenge(78).await), Code::MSGR_E_API_PENDING_UNLOCK);
    let challenge = loop {
        if let Event::LockChallenge { cookie: 77, challenge } = alice.events.next().await.unwrap() {
            break challenge;
        }
    };
    let response = Key::new("oldkey").respond_md5(&challenge);
    assert_eq!(code(alice.client.send_response("old", &response, 78).await), Code::E_INVALIDARG);
    assert_eq!(code(alice.client.send_response("", &response, 77).await), Code::E_INVALIDARG);
    alice.client.send_response("old", &response, 77).await.unwrap();
    assert_eq!(until(&mut alice, "UNLOCKED").await, ["result true", "UNLOCKED"]);
    world.stop().await;
}

#[tokio::test]
async fn a_wrong_key_and_then_nothing_until_the_next_sign_in() {
    let (world, _) = locked(|_| {}).await;
    let mut alice = world.person("alice").await;
    let wrong = Key::new("wrong");
    assert_eq!(code(alice.client.unlock("chess", &wrong).await), Code::MSGR_E_API_UNLOCK_FAILED);
    let told = until(&mut alice, "UNLOCKFAILED MSGR_E_API_UNLOCK_FAILED").await;
    assert_eq!(
        told[2..],
        ["PENDINGRESULT", "challenge asked", "result false", "UNLOCKFAILED MSGR_E_API_UNLOCK_FAILED"]
    );
    let key = Key::new("secret");
    assert_eq!(code(alice.client.unlock("chess", &key).await), Code::MSGR_E_API_UNLOCK_FAILED);
    assert_eq!(code(alice.client.request_challenge(1).await), Code::MSGR_E_API_UNLOCK_FAILED);
    assert_eq!(code(alice.game().invite("bob@example.org", "").await), Code::MSGR_E_API_LOCKED);
    let again = world.person("alice").await;
    again.client.unlock_md5("old", &Key::new("oldkey")).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn when_the_door_is_shut_the_call_says_when_to_come_back() {
    let (world, _) = locked(|config| {
        let once = Allowance { burst: 1, each_ms: 60_000 };
        config.lock = Some(LockConfig { failures_per_person: once, ..LockConfig::default() });
    })
    .await;
    let mallory = world.person("carol").await;
    assert_eq!(code(mallory.client.unlock("chess", &Key::new("guess")).await), Code::MSGR_E_API_UNLOCK_FAILED);
    let again = world.person("carol").await;
    let busy = again.client.unlock("chess", &Key::new("secret")).await.unwrap_err();
    assert_eq!(busy.code(), Code::MSGR_E_SERVER_TOO_BUSY);
    assert!(matches!(busy.next_step(), NextStep::RetryAfter(after) if after.as_secs() > 50), "{busy:?}");
    assert_eq!(again.client.lock_status(), LockStatus::Initialized, "as before");
    let alice = world.person("alice").await;
    alice.client.unlock("chess", &Key::new("secret")).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_resumed_connection_stays_unlocked() {
    let (world, _) = locked(|_| {}).await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    alice.client.unlock("chess", &Key::new("secret")).await.unwrap();
    until(&mut alice, "UNLOCKED").await;
    proxy.cut();
    assert_eq!(until(&mut alice, "Signin resumed").await, ["ConnectionLost MSGR_E_DISCONNECTED", "Signin resumed"]);
    assert_eq!(alice.client.lock_status(), LockStatus::Unlocked);
    assert_eq!(code(alice.game().invite("bob@example.org", "").await), Code::MSGR_E_NOT_LOGGED_ON, "let through");
    world.stop().await;
}

#[tokio::test]
async fn beyond_the_grace_it_is_locked_again() {
    let (world, _) = locked(|config| config.machine.grace_ms = 50).await;
    let proxy = Proxy::new(&world.url).await;
    let mut alice = Person::at(&proxy.url, "alice").await;
    let key = Key::new("secret");
    alice.client.unlock("chess", &key).await.unwrap();
    until(&mut alice, "UNLOCKED").await;
    // A client comes back after up to 200 ms, which can be within the grace: it is kept out until that is over.
    proxy.refuse(true);
    proxy.cut();
    assert_eq!(until(&mut alice, "NOTINITIALIZED").await, ["ConnectionLost MSGR_E_DISCONNECTED", "NOTINITIALIZED"]);
    proxy.refuse(false);
    assert_eq!(until(&mut alice, "INITIALIZED").await, ["Signin", "enable true", "INITIALIZED"]);
    assert_eq!(code(alice.game().invite("bob@example.org", "").await), Code::MSGR_E_API_LOCKED);
    alice.client.unlock("chess", &key).await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_challenge_that_nobody_asked_for() {
    let (world, keys) = locked(|_| {}).await;
    let mut alice = world.person("alice").await;
    alice.client.unlock("chess", &Key::new("secret")).await.unwrap();
    until(&mut alice, "UNLOCKED").await;
    keys.0.lock().unwrap().insert("chess", "new");
    world.lock.key_gone("chess").await;
    assert_eq!(until(&mut alice, "challenge unasked").await, ["PENDINGRESULT", "challenge unasked"]);
    assert_eq!(code(alice.game().invite("bob@example.org", "").await), Code::MSGR_E_API_LOCKED);
    alice.client.unlock("chess", &Key::new("new")).await.unwrap();
    assert_eq!(until(&mut alice, "UNLOCKED").await, ["result true", "UNLOCKED"]);
    world.stop().await;
}

#[tokio::test]
async fn without_the_lock_there_is_nothing_to_unlock() {
    let world = World::new().await;
    let mut alice = world.person("alice").await;
    assert_eq!(until(&mut alice, "DISABLED").await, ["enable false", "DISABLED"]);
    alice.client.unlock("chess", &Key::new("secret")).await.unwrap();
    assert_eq!(code(alice.client.request_challenge(1).await), Code::MSGR_E_API_DISABLED);
    world.stop().await;
}
