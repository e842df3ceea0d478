//! Lock and Key through an agent: each application by itself, the agent by its own pair.

use hither_wire::lock::Response;
use hither_wire::{Event, LockStatus, ServerFrame};

use super::desk::{ALICE, BOB, Bench, GAME, guid};
use crate::agent::{Input, LinkId, ShellStatus};
use crate::lock::Judgement;
use crate::service::{Config, Whom};

const RIGHT: Judgement = Judgement::Right { apps: None };

fn on() -> Bench {
    Bench::with(Config { lock: true, ..Config::default() })
}

/// What a connection was told about its lock, and answered.
fn words(bench: &mut Bench, person: usize, link: LinkId) -> Vec<String> {
    let word = |frame: ServerFrame| match frame {
        ServerFrame::Answer(answer) => Some(answer.code.to_string()),
        ServerFrame::Local(_) => None,
        ServerFrame::Event(frame) => Some(match frame.event {
            Event::Lock { object: None, status, .. } => format!("lock {status}"),
            Event::LockChallenge { object: None, cookie, .. } => format!("challenge {cookie}"),
            Event::LockResult { object: None, cookie, ok } => format!("{ok} {cookie}"),
            Event::LockStatus { object: None, status, .. } => status.to_string(),
            Event::Invited { .. } => "invited".into(),
            _ => return None,
        }),
    };
    bench.frames(person, link).into_iter().filter_map(word).collect()
}

fn invite(bench: &mut Bench, link: LinkId, session: u128) -> Vec<String> {
    bench.ask(
        ALICE,
        link,
        &format!(
            r#"{{"id":9,"do":"invite","session":"{}","to":"bob@x","app":{{"guid":"{}"}}}}"#,
            guid(session),
            guid(GAME)
        ),
    );
    words(bench, ALICE, link)
}

fn unlock(bench: &mut Bench, link: LinkId) {
    bench.ask(ALICE, link, r#"{"id":5,"do":"challenge","cookie":7}"#);
    assert_eq!(words(bench, ALICE, link), ["PENDINGRESULT", "challenge 7", "S_OK"]);
    bench.ask(ALICE, link, r#"{"id":6,"do":"response","app_id":"chess","response":"ff","cookie":7}"#);
    assert_eq!(words(bench, ALICE, link), ["S_OK"]);
    bench.judge(RIGHT);
    assert_eq!(words(bench, ALICE, link), ["true 7", "UNLOCKED"]);
}

#[test]
fn each_application_has_a_lock_of_its_own() {
    let mut bench = on();
    let (one, other) = (bench.program(ALICE, 10, 10), bench.program(ALICE, 11, 11));
    assert_eq!(invite(&mut bench, one, 1), ["MSGR_E_API_LOCKED"]);
    let register = r#"{"id":8,"do":"register","guid":"x","path":"/x"}"#;
    bench.ask(ALICE, one, register);
    assert_eq!(words(&mut bench, ALICE, one), ["MSGR_E_API_LOCKED"]);
    unlock(&mut bench, one);
    assert_eq!(invite(&mut bench, one, 1), ["invited", "S_OK"]);
    assert_eq!(invite(&mut bench, other, 2), ["MSGR_E_API_LOCKED"]);
    bench.did(ALICE);
    bench.ask(ALICE, one, register);
    assert_eq!(bench.did(ALICE), ["register x"]);
    // The person's tools register without it.
    let tool = bench.tool(ALICE);
    bench.ask(ALICE, tool, register);
    assert_eq!(bench.did(ALICE), ["register x"]);
    bench.ask(ALICE, other, r#"{"id":12,"do":"release"}"#);
    assert_eq!(words(&mut bench, ALICE, other), ["E_INVALIDARG"]);
}

#[test]
fn an_application_is_told_after_its_sign_in_how_its_lock_stands() {
    let mut bench = on();
    let link = bench.link(ALICE, 10);
    bench.ask(ALICE, link, r#"{"id":2,"do":"sign-in"}"#);
    assert_eq!(words(&mut bench, ALICE, link), ["S_OK", "lock INITIALIZED"]);
    let mut off = Bench::new();
    let link = off.link(ALICE, 10);
    off.ask(ALICE, link, r#"{"id":2,"do":"sign-in"}"#);
    assert_eq!(words(&mut off, ALICE, link), ["S_OK", "lock DISABLED"]);
}

#[test]
fn an_object_is_given_up_with_its_application() {
    let mut bench = Bench::with(Config { lock: true, objects_per_device: 1, ..Config::default() });
    let one = bench.program(ALICE, 10, 10);
    unlock(&mut bench, one);
    let other = bench.program(ALICE, 11, 11);
    let challenge = r#"{"id":5,"do":"challenge","cookie":7}"#;
    bench.ask(ALICE, other, challenge);
    assert_eq!(words(&mut bench, ALICE, other), ["E_OUTOFMEMORY"], "there is no place");
    // It is waited for, though it is owed nothing, and then its place is free.
    bench.ask(ALICE, one, r#"{"ack":1000}"#);
    bench.input(ALICE, Input::Unlinked { link: one });
    bench.settle();
    bench.ask(ALICE, other, challenge);
    assert_eq!(words(&mut bench, ALICE, other), ["E_OUTOFMEMORY"]);
    bench.pass(30_000);
    bench.ask(ALICE, other, challenge);
    assert_eq!(words(&mut bench, ALICE, other), ["PENDINGRESULT", "challenge 7", "S_OK"]);
}

#[test]
fn a_killed_agent_comes_back_and_nothing_is_lost_or_doubled() {
    let mut bench = on();
    let link = bench.link(ALICE, 10);
    bench.ask(ALICE, link, &format!(r#"{{"id":2,"do":"sign-in","device":"{}"}}"#, guid(10)));
    let epoch = bench.frames(ALICE, link).iter().find_map(|frame| match frame {
        ServerFrame::Answer(answer) => answer.signed_in.as_ref().map(|signed_in| signed_in.epoch),
        _ => None,
    });
    bench.ask(ALICE, link, r#"{"id":5,"key":"c","do":"challenge","cookie":7}"#);
    words(&mut bench, ALICE, link);
    bench.ask(ALICE, link, r#"{"id":6,"key":"r","ack":2,"do":"response","app_id":"a","response":"ff","cookie":7}"#);
    assert_eq!(words(&mut bench, ALICE, link), ["S_OK"]);
    bench.unplug(ALICE);
    bench.judge(RIGHT);
    bench.plug(ALICE);
    bench.kill(ALICE);
    let link = bench.resumed(ALICE, 10, 10, epoch.unwrap(), 2);
    assert_eq!(words(&mut bench, ALICE, link), ["S_OK", "true 7", "UNLOCKED", "lock UNLOCKED"]);
    bench.ask(ALICE, link, r#"{"id":7,"key":"r","do":"response","app_id":"a","response":"ff","cookie":7}"#);
    assert_eq!(words(&mut bench, ALICE, link), ["S_OK"], "asked again, applied once");
    assert_eq!(invite(&mut bench, link, 1), ["invited", "S_OK"]);
}

#[test]
fn another_stay_of_the_agent_locks_its_applications() {
    let mut bench = on();
    let link = bench.program(ALICE, 10, 10);
    unlock(&mut bench, link);
    bench.unplug(ALICE);
    bench.pass(31_000);
    assert_eq!(words(&mut bench, ALICE, link), ["NOTINITIALIZED"]);
    bench.plug(ALICE);
    bench.pass(60_000);
    assert_eq!(words(&mut bench, ALICE, link), ["lock INITIALIZED"]);
    assert_eq!(invite(&mut bench, link, 1), ["MSGR_E_API_LOCKED"]);
}

#[test]
fn an_unasked_challenge_reaches_the_application() {
    let mut bench = on();
    let link = bench.program(ALICE, 10, 10);
    unlock(&mut bench, link);
    bench.world.challenge(Whom::UnlockedBy("chess".into()));
    bench.settle();
    assert_eq!(words(&mut bench, ALICE, link), ["PENDINGRESULT", "challenge 0"]);
}

#[test]
fn turned_on_and_off_it_is_told_to_every_application() {
    let mut bench = Bench::new();
    let link = bench.program(ALICE, 10, 10);
    bench.world.switch(true);
    bench.settle();
    assert_eq!(words(&mut bench, ALICE, link), ["INITIALIZED"]);
    unlock(&mut bench, link);
    bench.world.switch(false);
    bench.settle();
    assert_eq!(words(&mut bench, ALICE, link)[0], "DISABLED");
    assert_eq!(invite(&mut bench, link, 1), ["invited", "S_OK"]);
}

#[test]
fn the_agents_own_pair_is_for_the_persons_tools() {
    let mut bench = on();
    let start = |session: u128, to: &str| {
        format!(r#"{{"id":9,"do":"start","session":"{}","to":"{to}","application":"{}"}}"#, guid(session), guid(GAME))
    };
    let tool = bench.tool(BOB);
    bench.ask(BOB, tool, &start(1, "alice@x"));
    assert_eq!(words(&mut bench, BOB, tool), ["MSGR_E_API_LOCKED"]);

    let shell = ShellStatus { notifications: Some("bell".into()), has_key: true, ..ShellStatus::default() };
    bench.input(BOB, Input::Shell(Box::new(shell)));
    bench.settle();
    let did = bench.did(BOB);
    assert!(did[0].starts_with("prove c"), "{did:?}");
    let cookie = bench.proving(BOB);
    let response = Response { app_id: "agents".into(), response: "ff".into(), cookie };
    bench.input(BOB, Input::Proved(Box::new(response)));
    bench.settle();
    // Too many have failed elsewhere: it tries again by itself.
    let busy = hither_wire::Code::MSGR_E_SERVER_TOO_BUSY;
    bench.judge(Judgement::Not { code: busy, retry_after_ms: Some(5_000) });
    bench.pass(4_999);
    assert_eq!(bench.did(BOB), [""; 0]);
    bench.pass(1);
    let cookie = bench.proving(BOB);
    let response = Response { app_id: "agents".into(), response: "ff".into(), cookie };
    bench.input(BOB, Input::Proved(Box::new(response)));
    bench.settle();
    bench.judge(RIGHT);
    bench.ask(BOB, tool, &start(2, "alice@x"));
    assert_eq!(words(&mut bench, BOB, tool).last().unwrap(), "S_OK");
    // It opens nothing for applications.
    let link = bench.link(BOB, 10);
    bench.ask(BOB, link, r#"{"id":2,"do":"sign-in"}"#);
    assert_eq!(words(&mut bench, BOB, link), ["S_OK", format!("lock {}", LockStatus::Initialized).as_str()]);
}
