//! What refusals say to a person whose client is right in form: what was wrong, and what to do.

use hither_wire::Code;

use super::super::port::ConnId;
use super::world::{World, guid, invite_frame};
use super::{Close, Config};

/// The code and the sentence of the only answer to a request.
fn refusal(world: &mut World, conn: ConnId, request: &str) -> (Code, String) {
    world.take(conn);
    world.ask(conn, request);
    let mut answers = world.answers(conn);
    assert_eq!(answers.len(), 1, "{request}");
    let answer = answers.remove(0);
    (answer.code, answer.message.map(String::from).unwrap_or_default())
}

fn greeted(world: &mut World) -> ConnId {
    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
    conn
}

#[test]
fn of_a_session_that_is_not_theirs_and_of_none_in_the_same_words() {
    let mut world = World::new(Config::default());
    let (alice, bob, eve) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2), world.signed_in("eve@x", 3));
    world.ask(alice, &invite_frame(10, 1, "bob@x", ""));
    for request in ["accept", "decline", "ignore", "cancel", "attach", "context"] {
        let refusals = [1, 99].map(|session| {
            let data = r#""data":{"text":"x"}"#;
            let frame = format!(r#"{{"id":1,"do":"{request}",{data},"session":"{}"}}"#, guid(session));
            refusal(&mut world, eve, &frame)
        });
        let expected = (Code::E_INVALIDARG, "you have no part in a session with this id".to_owned());
        assert_eq!(refusals, [expected.clone(), expected], "{request}");
    }
    let (code, said) = refusal(&mut world, eve, &invite_frame(2, 1, "bob@x", ""));
    assert_eq!((code, said.contains("draw a fresh GUID")), (Code::E_INVALIDARG, true), "{said}");
    let long = "x".repeat(257);
    let accept = format!(r#"{{"id":3,"do":"accept","session":"{}","data":{{"text":"{long}"}}}}"#, guid(1));
    let (code, said) = refusal(&mut world, bob, &accept);
    assert_eq!((code, said.as_str()), (Code::E_INVALIDARG, "`data` is longer than 256 UTF-16 units"));
}

#[test]
fn of_what_is_done_twice_or_too_early() {
    let mut world = World::new(Config { lock: true, ..Config::default() });
    let conn = greeted(&mut world);
    for (request, code, expected) in [
        (r#"{"id":2,"do":"hello","versions":[1]}"#, Code::E_INVALIDARG, "`hello` has been said"),
        (r#"{"id":2,"do":"challenge","cookie":1}"#, Code::MSGR_E_API_NOTINITIALIZED, "sign in first"),
        (r#"{"id":2,"do":"contacts"}"#, Code::MSGR_E_NOT_LOGGED_ON, "sign in first"),
    ] {
        let (refused, said) = refusal(&mut world, conn, request);
        assert!(refused == code && said.contains(expected), "{request}: {said}");
        assert!(!said.contains("wait"), "{request}: {said}");
    }
    world.ask(conn, r#"{"id":1.0,"do":"ping"}"#);
    assert_eq!(world.closed(conn), Some(Close::Malformed));
    assert!(Close::Malformed.reason().contains("an integer without a fraction"));
    assert!(Close::ALL.iter().all(|close| close.reason().len() <= 123), "a close frame has no more room");
}

#[test]
fn of_people() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    for action in ["add", "block"] {
        let (code, said) = refusal(&mut world, alice, &format!(r#"{{"id":2,"do":"contact","{action}":"alice@x"}}"#));
        assert_eq!((code, said.as_str()), (Code::E_INVALIDARG, "you cannot add or block yourself"));
    }
    let (code, said) = refusal(&mut world, alice, &invite_frame(3, 1, "bob@x", ""));
    assert_eq!(code, Code::MSGR_E_NOT_LOGGED_ON);
    assert!(said.starts_with("the person is not there"), "{said}");
}

#[test]
fn of_objects() {
    let mut world = World::new(Config { lock: true, objects_per_device: 1, ..Config::default() });
    let conn = world.signed_in("alice@x", 1);
    let (code, said) = refusal(&mut world, conn, r#"{"id":2,"do":"release"}"#);
    assert_eq!((code, said.starts_with("`object` is missing")), (Code::E_INVALIDARG, true), "{said}");
    world.ask(conn, r#"{"id":3,"object":"p1","do":"challenge","cookie":1}"#);
    let (code, said) = refusal(&mut world, conn, r#"{"id":4,"object":"p2","do":"challenge","cookie":1}"#);
    assert_eq!((code, said.contains("`release`")), (Code::E_OUTOFMEMORY, true), "{said}");

    let mut world = World::new(Config { lock: true, events_pending: 4, ..Config::default() });
    let conn = world.signed_in("alice@x", 1);
    world.ask(conn, r#"{"id":3,"object":"p1","do":"challenge","cookie":1}"#);
    let (code, said) = refusal(&mut world, conn, r#"{"id":4,"object":"p2","do":"challenge","cookie":1}"#);
    assert_eq!((code, said.contains("`ack`")), (Code::E_OUTOFMEMORY, true), "{said}");
}
