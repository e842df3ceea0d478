//! Lock and Key at the service: every row of section 2.3 and R31, as frames.

use hither_wire::message::Event;
use hither_wire::{Code, Guid, LockStatus, ServerFrame};

use super::world::{World, guid, invite_frame};
use crate::lock::Judgement;
use crate::service::{Config, ConnId, Whom};

const RIGHT: Judgement = Judgement::Right { apps: None };

fn on() -> World {
    World::new(Config { lock: true, ..Config::default() })
}

/// In short: `seq` of numbered events, then what they say.
fn words(world: &mut World, conn: ConnId) -> Vec<String> {
    let word = |frame: ServerFrame| match frame {
        ServerFrame::Answer(answer) => answer.code.to_string(),
        ServerFrame::Local(_) => panic!("a service is no agent"),
        ServerFrame::Event(frame) => {
            let of = |object: Option<Box<str>>| object.map(|object| format!(" of {object}")).unwrap_or_default();
            match frame.event {
                Event::Lock { object, enabled, status } => format!("lock {enabled} {status}{}", of(object)),
                Event::LockChallenge { object, cookie, challenge } => format!("{challenge} {cookie}{}", of(object)),
                Event::LockResult { object, cookie, ok } => format!("{ok} {cookie}{}", of(object)),
                Event::LockStatus { object, status, error: None, .. } => format!("{status}{}", of(object)),
                Event::LockStatus { object, status, error: Some(error), retry_after_ms } => {
                    let after = retry_after_ms.map(|ms| format!(" {ms}")).unwrap_or_default();
                    format!("{status} {error}{after}{}", of(object))
                }
                event => serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned(),
            }
        }
    };
    world.take(conn).into_iter().map(word).collect()
}

fn challenge(world: &mut World, conn: ConnId, cookie: u32) -> Vec<String> {
    world.ask(conn, &format!(r#"{{"id":50,"do":"challenge","cookie":{cookie}}}"#));
    words(world, conn)
}

fn respond(world: &mut World, conn: ConnId, cookie: u32) -> Vec<String> {
    world.ask(conn, &format!(r#"{{"id":51,"do":"response","app_id":"chess","response":"ff","cookie":{cookie}}}"#));
    words(world, conn)
}

fn invite(world: &mut World, conn: ConnId, session: u128) -> Code {
    world.ask(conn, &invite_frame(60, session, "bob@x", ""));
    world.code(conn)
}

fn signed_in(world: &mut World) -> ConnId {
    let conn = world.signed_in("alice@x", 1);
    assert_eq!(words(world, conn), ["lock true INITIALIZED"]);
    conn
}

fn unlocked(world: &mut World) -> ConnId {
    let conn = signed_in(world);
    challenge(world, conn, 7);
    respond(world, conn, 7);
    world.judge(RIGHT);
    assert_eq!(words(world, conn), ["true 7", "UNLOCKED"]);
    conn
}

#[test]
fn before_the_sign_in_there_is_no_lock() {
    let mut world = on();
    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
    world.take(conn);
    assert_eq!(challenge(&mut world, conn, 1), ["MSGR_E_API_NOTINITIALIZED"]);
    assert_eq!(respond(&mut world, conn, 1), ["MSGR_E_API_NOTINITIALIZED"]);
}

#[test]
fn without_the_lock_everything_is_as_ever() {
    let mut world = World::new(Config::default());
    let conn = world.signed_in("alice@x", 1);
    assert_eq!(words(&mut world, conn), ["lock false DISABLED"]);
    assert_eq!(challenge(&mut world, conn, 1), ["MSGR_E_API_DISABLED"]);
    assert_eq!(respond(&mut world, conn, 1), ["MSGR_E_API_DISABLED"]);
    world.challenge(Whom::Everybody);
    assert_eq!(words(&mut world, conn), [""; 0]);
    world.ask(conn, &invite_frame(60, 1, "nobody@x", ""));
    assert_eq!(world.code(conn), Code::MSGR_E_USER_NOT_FOUND);
}

#[test]
fn locked_then_unlocked_once() {
    let mut world = on();
    let bob = world.signed_in("bob@x", 2);
    let alice = world.signed_in("alice@x", 1);
    world.take(alice);
    world.take(bob);
    assert_eq!(invite(&mut world, alice, 1), Code::MSGR_E_API_LOCKED);
    assert_eq!(respond(&mut world, alice, 7), ["MSGR_E_API_LOCKED"], "no challenge yet");
    assert_eq!(challenge(&mut world, alice, 7), ["PENDINGRESULT", "c1 7", "S_OK"], "events before the answer");
    assert_eq!(challenge(&mut world, alice, 8), ["MSGR_E_API_PENDING_UNLOCK"]);
    assert_eq!(invite(&mut world, alice, 1), Code::MSGR_E_API_LOCKED);
    assert_eq!(respond(&mut world, alice, 8), ["E_INVALIDARG"], "another cookie");
    assert_eq!(respond(&mut world, alice, 7), ["S_OK"]);
    assert_eq!(respond(&mut world, alice, 7), ["MSGR_E_API_PENDING_UNLOCK"], "a challenge is answered once");
    assert_eq!(world.judging.len(), 1);
    assert_eq!((&*world.judging[0].1, &*world.judging[0].2.response), ("c1", "ff"));
    world.judge(RIGHT);
    assert_eq!(words(&mut world, alice), ["true 7", "UNLOCKED"]);
    assert_eq!(challenge(&mut world, alice, 9), ["MSGR_E_API_ALREADY_UNLOCKED"]);
    assert_eq!(respond(&mut world, alice, 7), ["MSGR_E_API_ALREADY_UNLOCKED"], "a replay");
    world.ask(alice, &invite_frame(60, 1, "bob@x", ""));
    assert_eq!(world.names(alice), ["invited", "S_OK"]);
    // Nobody has to unlock to be invited.
    world.ask(bob, &format!(r#"{{"id":70,"do":"accept","session":"{}"}}"#, guid(1)));
    world.frames(bob);
}

#[test]
fn a_wrong_response_is_told_after_a_while_and_is_the_last() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    world.judge(Judgement::Wrong);
    world.pass(999);
    assert_eq!(words(&mut world, conn), [""; 0]);
    assert_eq!(challenge(&mut world, conn, 7), ["MSGR_E_API_PENDING_UNLOCK"]);
    world.pass(1);
    assert_eq!(words(&mut world, conn), ["false 7", "UNLOCKFAILED MSGR_E_API_UNLOCK_FAILED"]);
    assert_eq!(challenge(&mut world, conn, 8), ["MSGR_E_API_UNLOCK_FAILED"]);
    assert_eq!(respond(&mut world, conn, 7), ["MSGR_E_API_UNLOCK_FAILED"]);
    assert_eq!(invite(&mut world, conn, 1), Code::MSGR_E_API_LOCKED);
    world.ask(conn, r#"{"id":99,"do":"sign-out"}"#);
    let again = signed_in(&mut world);
    assert_eq!(challenge(&mut world, again, 8), ["PENDINGRESULT", "c2 8", "S_OK"], "until the next sign-in");
}

#[test]
fn a_challenge_waits_thirty_seconds() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    world.pass(29_999);
    assert_eq!(words(&mut world, conn), [""; 0]);
    world.pass(1);
    assert_eq!(words(&mut world, conn), ["false 7", "UNLOCKFAILED MSGR_E_API_UNLOCK_FAILED"]);
    assert_eq!(respond(&mut world, conn, 7), ["MSGR_E_API_UNLOCK_FAILED"]);
    assert!(world.judging.is_empty(), "nobody judges what is late");
}

#[test]
fn when_nobody_can_judge_the_lock_is_as_before() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    world.judge(Judgement::Not { code: Code::MSGR_E_SERVER_TOO_BUSY, retry_after_ms: Some(6_000) });
    assert_eq!(words(&mut world, conn), ["false 7", "INITIALIZED MSGR_E_SERVER_TOO_BUSY 6000"]);
    assert_eq!(challenge(&mut world, conn, 8), ["PENDINGRESULT", "c2 8", "S_OK"], "the old challenge is used up");
}

#[test]
fn a_resumed_connection_stays_unlocked_and_misses_nothing() {
    let mut world = on();
    let conn = unlocked(&mut world);
    world.drop_conn(conn);
    let conn = world.resumed("alice@x", 1, 2);
    // What was not acknowledged comes again, and the present status after it.
    assert_eq!(words(&mut world, conn), ["true 7", "UNLOCKED", "lock true UNLOCKED"]);
    assert_eq!(challenge(&mut world, conn, 9), ["MSGR_E_API_ALREADY_UNLOCKED"]);

    // In the middle of a try.
    let mut world = on();
    let conn = signed_in(&mut world);
    world.ask(conn, r#"{"id":50,"key":"k1","do":"challenge","cookie":7}"#);
    world.ask(conn, r#"{"id":51,"key":"k2","do":"response","app_id":"chess","response":"ff","cookie":7}"#);
    world.drop_conn(conn);
    world.judge(RIGHT);
    let conn = world.resumed("alice@x", 1, 0);
    assert_eq!(words(&mut world, conn), ["PENDINGRESULT", "c1 7", "true 7", "UNLOCKED", "lock true UNLOCKED"]);
    world.ask(conn, r#"{"id":1,"key":"k1","do":"challenge","cookie":7}"#);
    world.ask(conn, r#"{"id":2,"key":"k2","do":"response","app_id":"chess","response":"ff","cookie":7}"#);
    assert_eq!(words(&mut world, conn), ["S_OK", "S_OK"], "asked again under their keys, applied once");
}

#[test]
fn beyond_the_grace_and_in_another_stay_it_is_locked_again() {
    let mut world = on();
    let conn = unlocked(&mut world);
    world.drop_conn(conn);
    world.pass(30_000);
    let conn = signed_in(&mut world);
    assert_eq!(invite(&mut world, conn, 1), Code::MSGR_E_API_LOCKED);
    // A second connection of the device that does not resume is another stay.
    let mut world = on();
    unlocked(&mut world);
    signed_in(&mut world);
}

#[test]
fn nothing_is_waited_for_once_the_stay_is_over() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    world.ask(conn, r#"{"id":50,"object":"p1","do":"challenge","cookie":1}"#);
    assert_eq!(world.next_timeout(), Some(30_000));
    world.ask(conn, r#"{"id":99,"do":"sign-out"}"#);
    assert_eq!(world.next_timeout(), None);
}

#[test]
fn a_judgement_of_another_stay_opens_nothing() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    let (old, ..) = world.judging.remove(0);
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    world.judge_again(old, RIGHT);
    assert_eq!(words(&mut world, conn), [""; 0]);
    world.judge(Judgement::Wrong);
    world.pass(1_000);
    assert_eq!(words(&mut world, conn)[0], "false 7");
}

#[test]
fn the_service_may_challenge_at_any_time() {
    let mut world = on();
    let conn = unlocked(&mut world);
    world.challenge(Whom::Everybody);
    assert_eq!(words(&mut world, conn), ["PENDINGRESULT", "c2 0"]);
    assert_eq!(invite(&mut world, conn, 1), Code::MSGR_E_API_LOCKED, "until it is proved");
    world.challenge(Whom::Everybody);
    assert_eq!(words(&mut world, conn), [""; 0], "one at a time");
    respond(&mut world, conn, 0);
    world.judge(RIGHT);
    assert_eq!(words(&mut world, conn), ["true 0", "UNLOCKED"]);
    // A failed one gets another try by it.
    world.challenge(Whom::Person("alice@x".parse().unwrap()));
    world.pass(30_000);
    assert_eq!(words(&mut world, conn)[2..], ["false 0", "UNLOCKFAILED MSGR_E_API_UNLOCK_FAILED"]);
    world.challenge(Whom::Person("bob@x".parse().unwrap()));
    assert_eq!(words(&mut world, conn), [""; 0]);
    world.challenge(Whom::Person("alice@x".parse().unwrap()));
    assert_eq!(words(&mut world, conn), ["PENDINGRESULT", "c4 0"]);
}

#[test]
fn whoever_is_unlocked_by_a_key_that_is_gone_is_challenged_anew() {
    let mut world = on();
    let conn = unlocked(&mut world);
    world.challenge(Whom::UnlockedBy("go".into()));
    assert_eq!(words(&mut world, conn), [""; 0]);
    world.challenge(Whom::UnlockedBy("chess".into()));
    assert_eq!(words(&mut world, conn), ["PENDINGRESULT", "c2 0"]);
    // Gone while it is being judged: the judgement of the old key counts no more.
    respond(&mut world, conn, 0);
    world.challenge(Whom::UnlockedBy("chess".into()));
    assert_eq!(words(&mut world, conn), ["c3 0"]);
    world.judge(RIGHT);
    assert_eq!(words(&mut world, conn), [""; 0]);
    respond(&mut world, conn, 0);
    world.judge(RIGHT);
    assert_eq!(words(&mut world, conn), ["true 0", "UNLOCKED"]);
}

#[test]
fn a_pair_for_some_applications_unlocks_those_only() {
    let mut world = on();
    let conn = signed_in(&mut world);
    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    world.judge(Judgement::Right { apps: Some([Guid(78)].into()) });
    world.take(conn);
    world.ask(conn, &invite_frame(60, 1, "nobody@x", ""));
    let answer = world.answers(conn).remove(0);
    assert_eq!(answer.code, Code::MSGR_E_API_LOCKED);
    assert!(answer.message.unwrap().contains("unlock an `object`"));
    world.ask(conn, &invite_frame(61, 1, "nobody@x", "").replace(&guid(77), &guid(78)));
    assert_eq!(world.code(conn), Code::MSGR_E_USER_NOT_FOUND);

    // What the refusals say leads out of it.
    let unlock = |world: &mut World, app: u128| {
        for rest in [r#""do":"challenge""#, r#""do":"response","app_id":"a","response":"ff""#] {
            world.ask(conn, &format!(r#"{{"id":50,"object":"p1","cookie":7,{rest}}}"#));
            assert_eq!(words(world, conn).pop().unwrap(), "S_OK");
        }
        world.judge(Judgement::Right { apps: Some([Guid(app)].into()) });
        world.take(conn);
        world.ask(conn, &invite_frame(62, 1, "nobody@x", r#""object":"p1""#));
        world.answers(conn).remove(0)
    };
    let answer = unlock(&mut world, 78);
    assert_eq!(answer.code, Code::MSGR_E_API_LOCKED);
    assert!(answer.message.unwrap().contains("`release`"));
    world.ask(conn, r#"{"id":63,"object":"p1","do":"release"}"#);
    assert_eq!(world.code(conn), Code::S_OK);
    assert_eq!(unlock(&mut world, 77).code, Code::MSGR_E_USER_NOT_FOUND);
}

#[test]
fn each_object_has_a_lock_of_its_own() {
    let mut world = on();
    let conn = signed_in(&mut world);
    let ask = |world: &mut World, object: &str, rest: &str| {
        world.ask(conn, &format!(r#"{{"id":50,"object":"{object}",{rest}}}"#));
        words(world, conn)
    };
    assert_eq!(ask(&mut world, "p1", r#""do":"challenge","cookie":7"#), ["PENDINGRESULT of p1", "c1 7 of p1", "S_OK"]);
    assert_eq!(ask(&mut world, "p2", r#""do":"challenge","cookie":7"#), ["PENDINGRESULT of p2", "c2 7 of p2", "S_OK"]);
    let response = r#""do":"response","app_id":"chess","response":"ff","cookie":7"#;
    assert_eq!(ask(&mut world, "p3", response), ["MSGR_E_API_LOCKED"]);
    assert_eq!(ask(&mut world, "p1", response), ["S_OK"]);
    world.judge(RIGHT);
    assert_eq!(words(&mut world, conn), ["true 7 of p1", "UNLOCKED of p1"]);
    let invite = |object: &str| invite_frame(60, 1, "nobody@x", &format!(r#""object":"{object}""#));
    for (object, code) in
        [("p1", Code::MSGR_E_USER_NOT_FOUND), ("p2", Code::MSGR_E_API_LOCKED), ("p3", Code::MSGR_E_API_LOCKED)]
    {
        world.ask(conn, &invite(object));
        assert_eq!(world.code(conn), code, "{object}");
    }
    world.ask(conn, &invite_frame(60, 1, "nobody@x", ""));
    assert_eq!(world.code(conn), Code::MSGR_E_API_LOCKED, "the device itself has not proved anything");

    world.drop_conn(conn);
    let back = world.resumed("alice@x", 1, 6);
    let expected = ["lock true INITIALIZED", "lock true UNLOCKED of p1", "lock true PENDINGRESULT of p2"];
    assert_eq!(words(&mut world, back), expected);
    for (object, code) in [("p1", "S_OK"), ("p1", "S_FALSE"), ("p2", "S_OK")] {
        world.ask(back, &format!(r#"{{"id":50,"object":"{object}","do":"release"}}"#));
        assert_eq!(words(&mut world, back), [code]);
    }
    world.ask(back, r#"{"id":50,"do":"release"}"#);
    assert_eq!(words(&mut world, back), ["E_INVALIDARG"]);
    world.pass(30_000);
    assert_eq!(words(&mut world, back), [""; 0], "nothing of what was given up");
    world.ask(back, &invite("p1"));
    assert_eq!(world.code(back), Code::MSGR_E_API_LOCKED);
}

#[test]
fn objects_and_their_events_are_bounded() {
    let mut world = World::new(Config { lock: true, objects_per_device: 3, ..Config::default() });
    let conn = signed_in(&mut world);
    let ask = |world: &mut World, n: usize| {
        world.ask(conn, &format!(r#"{{"id":50,"object":"p{n}","do":"challenge","cookie":1}}"#));
        words(world, conn).pop().unwrap()
    };
    for n in 0..3 {
        assert_eq!(ask(&mut world, n), "S_OK");
    }
    assert_eq!(ask(&mut world, 3), "E_OUTOFMEMORY");
    world.ask(conn, r#"{"id":50,"object":"p1","do":"release"}"#);
    world.take(conn);
    assert_eq!(ask(&mut world, 3), "S_OK");

    // Whoever does not acknowledge its events gets no more challenges.
    let mut world = World::new(Config { lock: true, events_pending: 8, ..Config::default() });
    let conn = signed_in(&mut world);
    assert_eq!(challenge(&mut world, conn, 1).pop().unwrap(), "S_OK");
    world.ask(conn, r#"{"id":50,"object":"p1","do":"challenge","cookie":1}"#);
    assert_eq!(words(&mut world, conn).pop().unwrap(), "S_OK");
    world.ask(conn, r#"{"id":50,"object":"p2","do":"challenge","cookie":1}"#);
    assert_eq!(words(&mut world, conn), ["E_OUTOFMEMORY"]);
    world.challenge(Whom::Everybody);
    assert!(world.closed(conn).is_some(), "and is not kept for one that it cannot be told");
}

#[test]
fn the_lock_is_turned_on_and_off_under_a_running_service() {
    let mut world = World::new(Config::default());
    let conn = world.signed_in("alice@x", 1);
    world.take(conn);
    world.switch(true);
    assert_eq!(words(&mut world, conn), ["INITIALIZED"]);
    assert_eq!(invite(&mut world, conn, 1), Code::MSGR_E_API_LOCKED);
    world.ask(conn, &invite_frame(60, 1, "bob@x", r#""object":"p1""#));
    assert_eq!(world.code(conn), Code::MSGR_E_API_LOCKED, "nor is an object that has not asked yet");
    world.switch(true);
    assert_eq!(words(&mut world, conn), [""; 0]);
    let bob = world.signed_in("bob@x", 2);
    assert_eq!(words(&mut world, bob), ["presence", "lock true INITIALIZED"]);
    world.take(conn);

    challenge(&mut world, conn, 7);
    respond(&mut world, conn, 7);
    world.switch(false);
    assert_eq!(words(&mut world, conn), ["false 7", "DISABLED"]);
    world.judge(RIGHT);
    assert_eq!(words(&mut world, conn), [""; 0]);
    assert_eq!(challenge(&mut world, conn, 8), ["MSGR_E_API_DISABLED"]);
    world.ask(conn, &invite_frame(60, 1, "bob@x", ""));
    assert_eq!(words(&mut world, conn), ["invited", "S_OK"]);
}

#[test]
fn a_status_is_what_the_reference_counts() {
    assert_eq!(LockStatus::Unlocked.number(), 4);
}
