//! Corners of `spec/wire.md` that a client meets seldom.

use hither_wire::message::Event;
use hither_wire::{Code, LockStatus};

use super::world::{World, guid, invite_frame};
use super::{Close, Config};

#[test]
fn a_malformed_request_does_not_count_as_the_first() {
    let mut world = World::new(Config::default());
    let conn = world.open();
    for frame in [r#"{"id":1,"do":"hello"}"#, r#"{"id":2,"do":"invite"}"#] {
        world.ask(conn, frame);
        assert_eq!((world.code(conn), world.closed(conn)), (Code::E_INVALIDARG, None), "{frame}");
    }
    world.ask(conn, r#"{"id":3,"do":"hello","versions":[1]}"#);
    assert_eq!(world.code(conn), Code::S_OK);
    world.ask(conn, r#"{"id":4,"do":"invite"}"#);
    assert_eq!(world.code(conn), Code::E_INVALIDARG, "form comes before the sign-in");
    world.ask(conn, r#"{"id":5,"id":5,"do":"ping"}"#);
    assert_eq!(world.closed(conn), Some(Close::Malformed));
}

#[test]
fn an_acknowledgement_counts_with_a_refused_request_and_not_with_a_malformed_one() {
    let mut world = World::new(Config::default());
    let (alice, _bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.ask(alice, &invite_frame(3, 1, "bob@x", ""));
    let missed = |world: &mut World, conn, frame: &str| {
        world.ask(conn, frame);
        world.drop_conn(conn);
        let back = world.resumed("alice@x", 1, 0);
        let missed = world.frames(back).iter().filter(|event| event.seq == Some(1)).count();
        (back, missed)
    };
    let (back, count) = missed(&mut world, alice, r#"{"id":4,"ack":1,"do":"dance"}"#);
    assert_eq!(count, 1);
    let refused = format!(r#"{{"id":5,"ack":1,"do":"accept","session":"{}"}}"#, guid(9));
    assert_eq!(missed(&mut world, back, &refused).1, 0);
}

#[test]
fn it_rings_for_a_millisecond_at_least() {
    let mut world = World::new(Config::default());
    let (alice, _bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.ask(alice, &invite_frame(3, 1, "bob@x", r#""ring_ms":0"#));
    let events = world.events(alice);
    assert!(events.iter().any(|event| matches!(event, Event::Invited { ring_ms: 1, .. })), "{events:?}");
}

#[test]
fn an_empty_key_and_an_empty_object_are_like_any_other() {
    let mut world = World::new(Config { lock: true, ..Config::default() });
    let conn = world.signed_in("alice@x", 1);
    world.take(conn);
    world.ask(conn, r#"{"id":3,"object":"","do":"challenge","cookie":0}"#);
    let events = world.events(conn);
    let of_it = |event: &Event| {
        matches!(event, Event::LockStatus { object: Some(object), status: LockStatus::PendingResult, .. }
            if object.is_empty())
    };
    assert!(events.iter().any(of_it), "{events:?}");
    world.ask(conn, r#"{"id":4,"do":"challenge","cookie":0}"#);
    assert_eq!(world.code(conn), Code::S_OK, "the device has a lock of its own");
    for request in [r#""do":"status","status":"AWAY""#, r#""do":"contact","add":"nobody@x""#] {
        world.ask(conn, &format!(r#"{{"id":5,"key":"",{request}}}"#));
        assert_eq!(world.code(conn), Code::S_OK, "the second is a repetition of the first: {request}");
    }
}
