//! Lock and Key through real agents: a service with the lock on, an agent for each person, and
//! applications that prove themselves through it. Nothing of their keys passes by the agent.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod home;

use hither::{Code, Error, Event, Key, LockStatus};
use hither_service::Whom;

use crate::home::{BOB, Home, PATIENCE, World};

const CHESS: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> Code {
    result.unwrap_err().code()
}

/// An application's invitation of Bob.
async fn invite(agent: &hither::Agent) -> Result<(), Error> {
    let game = agent.create_session();
    game.set_application(CHESS, "", "")?;
    game.invite(BOB, "").await
}

/// The next event of this kind.
async fn wait_for(events: &mut hither::Events, wanted: impl Fn(&Event) -> bool) -> Event {
    loop {
        let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("in time").expect("an event");
        if wanted(&event) {
            return event;
        }
    }
}

async fn locked_again(events: &mut hither::Events) {
    let initialized = |event: &Event| matches!(event, Event::LockStatusChanged { status: LockStatus::Initialized, .. });
    wait_for(events, initialized).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_application_unlocks_for_itself() {
    let world = World::start().await;
    let alice = Home::with_agent(&world, "alice@example.org", None);
    let _bob = Home::with_agent(&world, BOB, None);
    alice.ok(&["app", "register", CHESS, "Chess", "--", "/bin/true"]);

    let (chess, mut chess_told) = alice.application().await;
    let (other, mut other_told) = alice.application().await;
    locked_again(&mut chess_told).await;
    locked_again(&mut other_told).await;
    assert_eq!(code(invite(&chess).await), Code::MSGR_E_API_LOCKED);
    let path = "/bin/true";
    assert_eq!(code(chess.register_application(&home::guid(), "Go", "", path, 0).await), Code::MSGR_E_API_LOCKED);
    assert_eq!(code(chess.unregister_application(CHESS).await), Code::MSGR_E_API_LOCKED);

    chess.unlock("chess", &Key::new("secret")).await.unwrap();
    invite(&chess).await.unwrap();
    let go = home::guid();
    chess.register_application(&go, "Go", "", path, 0).await.unwrap();
    chess.unregister_application(&go).await.unwrap();

    // Another application of the same person, with a wrong key.
    assert_eq!(code(invite(&other).await), Code::MSGR_E_API_LOCKED);
    assert_eq!(code(other.unlock("chess", &Key::new("guess")).await), Code::MSGR_E_API_UNLOCK_FAILED);
    assert_eq!((other.lock_status(), chess.lock_status()), (LockStatus::UnlockFailed, LockStatus::Unlocked));

    // The agent has passed on challenges and responses, and has seen no key.
    assert!(!alice.log().contains("secret") && !alice.log().contains("guess"), "{}", alice.log());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_comes_back_and_its_applications_stay_unlocked() {
    let world = World::start().await;
    let mut alice = Home::with_agent(&world, "alice@example.org", None);
    let _bob = Home::with_agent(&world, BOB, None);
    alice.ok(&["app", "register", CHESS, "Chess", "--", "/bin/true"]);
    let (chess, mut told) = alice.application().await;
    chess.unlock("chess", &Key::new("secret")).await.unwrap();
    alice.restart();
    wait_for(&mut told, |event| matches!(event, Event::Signin { resumed: true, .. })).await;
    assert_eq!(chess.lock_status(), LockStatus::Unlocked);
    invite(&chess).await.unwrap();

    // The key is gone: the agent passes the challenge on.
    world.lock.key_gone("chess").await;
    wait_for(&mut told, |event| matches!(event, Event::LockChallenge { cookie: 0, .. })).await;
    assert_eq!(code(invite(&chess).await), Code::MSGR_E_API_LOCKED);
    chess.unlock("chess", &Key::new("secret")).await.unwrap();
    world.lock.challenge(Whom::Everybody).await;
    wait_for(&mut told, |event| matches!(event, Event::LockChallenge { cookie: 0, .. })).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_persons_own_tools_invite_with_the_agents_pair() {
    let world = World::start().await;
    let alice = Home::with_agent(&world, "alice@example.org", None);
    let bob = Home::with_agent(&world, BOB, Some(("agents", "agentkey")));
    for home in [&alice, &bob] {
        // Registering by oneself is not behind the lock, nor are drop-in files.
        home.ok(&["app", "register", CHESS, "Chess", "--", "/bin/true"]);
    }
    let refused = alice.fails(&["invite", BOB, "Chess"]);
    assert!(refused.contains("MSGR_E_API_LOCKED") && refused.contains("--app-id"), "{refused}");
    let shown = bob.ok_soon(&["invite", "alice@example.org", "Chess"], "MSGR_E_API_LOCKED");
    assert!(shown.contains("session {"), "{shown}");
    for (home, says, name) in
        [(&alice, "locked: `hither invite` needs", "INITIALIZED"), (&bob, "unlocked with", "UNLOCKED")]
    {
        let status = home.ok(&["status"]);
        assert!(status.lines().any(|line| line.starts_with(&format!("lock           {says}"))), "{status}");
        let status: serde_json::Value = serde_json::from_str(&home.ok(&["status", "--json"])).unwrap();
        assert_eq!(status["lock"], name);
    }
    // That opens nothing for applications.
    let (chess, mut told) = bob.application().await;
    locked_again(&mut told).await;
    assert_eq!(code(invite(&chess).await), Code::MSGR_E_API_LOCKED);
    assert!(!bob.log().contains("agentkey"), "{}", bob.log());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_unlocks_with_a_pair() {
    let world = World::start().await;
    let bob = Home::with_agent(&world, BOB, Some(("agents", "agentkey")));
    let create = r#"{"id":1,"do":"create"}"#;
    let said = bob.console(&world, &["--app-id", "agents", "--key-file", &bob.key_file()], create);
    assert!(said.contains(r#""result":"S_OK""#), "{said}");
    let refused = bob.console(&world, &["--app-id", "chess", "--key-file", &bob.key_file()], create);
    assert!(refused.contains("cannot unlock the service") && refused.contains("Unlocking has failed"), "{refused}");
    let refused = bob.console(&world, &["--app-id", "chess"], create);
    assert!(refused.contains("--key-file"), "{refused}");
    world.stop().await;
}

/// The name of a line's event, with what it says of the lock.
fn lock_lines(lines: &[String]) -> Vec<String> {
    let read = |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let about = |event: &serde_json::Value| event["event"].as_str().is_some_and(|name| name.starts_with("OnLock"));
    let short = |event: serde_json::Value| {
        let says = ["enabled", "status", "unlocked"].map(|field| event[field].clone());
        let says = says.into_iter().find(|value| !value.is_null()).unwrap_or_default();
        format!("{} {says}", event["event"].as_str().unwrap()).replace('"', "")
    };
    lines.iter().map(read).filter(about).map(short).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_tells_of_the_lock_and_answers_a_challenge_that_nobody_asked_for() {
    let world = World::start().await;
    let bob = Home::with_agent(&world, BOB, Some(("agents", "agentkey")));
    let pair = ["--app-id", "agents", "--key-file", &bob.key_file()];
    let console = bob.running_console(&world, &[&pair[..], &["--json"]].concat());
    let told = lock_lines(&console.until(r#""UNLOCKED""#));
    assert_eq!(
        told,
        [
            "OnLockEnable true",
            "OnLockStatusChanged INITIALIZED",
            "OnLockStatusChanged PENDINGRESULT",
            "OnLockChallenge null",
            "OnLockResult true",
            "OnLockStatusChanged UNLOCKED"
        ]
    );
    // For people, and without a pair: nobody answers.
    let person = bob.running_console(&world, &[]);
    person.until("* the service's lock is on");
    person.until("* locked: nobody can be invited without a key");
    world.lock.challenge(Whom::Everybody).await;
    let told = console.until(r#""UNLOCKED""#);
    assert!(told.iter().any(|line| line.starts_with(r#"{"event":"OnLockChallenge","cookie":0,"challenge":""#)));
    let told = lock_lines(&told);
    assert_eq!(
        told,
        [
            "OnLockStatusChanged PENDINGRESULT",
            "OnLockChallenge null",
            "OnLockResult true",
            "OnLockStatusChanged UNLOCKED"
        ]
    );
    world.lock.switch(false).await;
    assert_eq!(lock_lines(&console.until(r#""DISABLED""#)), ["OnLockStatusChanged DISABLED"]);
    person.until("* the service's lock is off");
    world.lock.switch(true).await;
    console.until(r#""UNLOCKED""#);
    world.stop().await;
}
