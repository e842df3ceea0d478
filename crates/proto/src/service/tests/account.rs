//! One's own account at the service: passwords, devices, and what becomes of those that are signed out.

use hither_wire::account::Device;
use hither_wire::message::Event;
use hither_wire::{Code, Guid, ServerFrame};

use super::world::{World, guid};
use crate::service::{Close, Config, ConnId};

const CHANGE: &str = r#"{"id":40,"key":"p","do":"password","password":"pw","new_password":"battery staple"}"#;

fn remove(world: &mut World, conn: ConnId, device: u128) {
    world.ask(conn, &format!(r#"{{"id":41,"key":"r{device}","do":"remove-device","device":"{}"}}"#, guid(device)));
}

/// Whether a connection was told that its device is signed out, and closed for it.
fn is_signed_out(world: &mut World, conn: ConnId) -> bool {
    let told = world.events(conn);
    let code = Code::MSGR_E_NOT_LOGGED_ON;
    told.last() == Some(&Event::SignedOut { code }) && world.closed(conn) == Some(Close::SignedOut)
}

/// The code with which a session has ended for somebody.
fn ended(world: &mut World, conn: ConnId) -> Option<Code> {
    world.events(conn).iter().find_map(|event| match event {
        Event::Ended(ended) => Some(ended.code),
        _ => None,
    })
}

#[test]
fn a_new_password_signs_the_others_out_and_not_this_one() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let desk = world.signed_in("alice@x", 2);
    let away = world.signed_in("alice@x", 3);
    let bob = world.signed_in("bob@x", 9);
    world.connect_session(desk, bob, 7);
    world.drop_conn(away);
    world.take(here);

    world.ask(here, CHANGE);
    assert_eq!(world.names(here), ["S_OK"]);
    assert_eq!(world.closed(here), None);
    assert!(is_signed_out(&mut world, desk));
    assert_eq!(ended(&mut world, bob), Some(Code::SR_CONNECTION_FAILURE));
    // Nobody waits for them, and none of them goes on where it was.
    for device in [2, 3] {
        let conn = world.open();
        let answer = world.sign_in(conn, "alice@x", device, Some(0));
        assert!(!answer.signed_in.unwrap().resumed, "{device}");
    }
    world.ask(here, r#"{"id":42,"do":"contacts"}"#);
    assert_eq!(world.answers(here)[0].code, Code::S_OK, "this one goes on");
}

#[test]
fn a_wrong_password_changes_nothing() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let desk = world.signed_in("alice@x", 2);
    world.take(here);
    world.take(desk);
    world.ask(here, &CHANGE.replace("pw", "guess"));
    assert_eq!(world.code(here), Code::MSGR_E_INVALID_PASSWORD);
    world.ask(here, &CHANGE.replace("battery staple", "short"));
    assert_eq!(world.code(here), Code::E_INVALIDARG);
    assert_eq!((world.closed(desk), world.take(desk)), (None, Vec::new()));
}

#[test]
fn the_answer_to_a_new_password_that_was_lost_is_told_again() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let desk = world.signed_in("alice@x", 2);
    world.ask(here, CHANGE);
    world.drop_conn(here);
    assert!(is_signed_out(&mut world, desk));
    let desk = world.signed_in("alice@x", 2);

    // The old password is wrong by now: nothing is done twice, nobody signed out twice.
    let here = world.resumed("alice@x", 1, 0);
    world.take(here);
    world.ask(here, CHANGE);
    assert_eq!(world.code(here), Code::S_OK);
    assert_eq!(world.closed(desk), None);
    assert_eq!(world.closed(here), None);
}

#[test]
fn devices_with_a_token_and_devices_that_are_here_are_one_list() {
    let mut world = World::new(Config::default());
    let token = |n, last_used| Device {
        device: Guid(n),
        client: "chess/1".into(),
        created: Some(100),
        last_used: Some(last_used),
        online: false,
        here: false,
    };
    world.devices = vec![token(5, 900), token(2, 800), token(1, 700), token(6, 600)];
    let here = world.signed_in("alice@x", 1);
    let desk = world.signed_in("alice@x", 2);
    // One whose token is gone is here all the same; one that is waited for counts as here.
    world.signed_in("alice@x", 3);
    world.drop_conn(desk);
    world.signed_in("bob@x", 9);
    world.take(here);
    world.ask(here, r#"{"id":43,"do":"devices"}"#);
    let devices = world.answers(here).remove(0).devices.unwrap();
    let short: Vec<_> = devices.iter().map(|device| (device.device.0, device.here, device.online)).collect();
    let expected = [(1, true, true), (2, false, true), (3, false, true), (5, false, false), (6, false, false)];
    assert_eq!(short, expected, "this one, those that are here, the others by their last use");
    assert_eq!((devices[1].last_used, devices[2].last_used, &*devices[2].client), (Some(800), None, ""));
}

#[test]
fn a_list_that_is_too_long_loses_those_that_are_not_here() {
    let mut world = World::new(Config::default());
    let token = |n| {
        let (created, last_used) = (None, Some(1_000));
        Device { device: Guid(n), client: "".into(), created, last_used, online: false, here: false }
    };
    world.devices = (1_000..1_256).map(token).collect();
    let here = world.signed_in("alice@x", 1);
    world.take(here);
    world.ask(here, r#"{"id":43,"do":"devices"}"#);
    let devices = world.answers(here).remove(0).devices.unwrap();
    assert_eq!((devices.len(), devices[0].device, devices[0].here), (256, Guid(1), true));
}

#[test]
fn a_device_in_a_session_is_removed() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let lost = world.signed_in("alice@x", 2);
    let bob = world.signed_in("bob@x", 9);
    world.connect_session(lost, bob, 7);
    world.take(here);
    world.hold_store(true);
    remove(&mut world, here, 2);
    assert!(world.take(here).is_empty() && world.closed(lost).is_none(), "not before its token is gone for good");
    world.hold_store(false);
    assert_eq!(world.code(here), Code::S_OK);
    assert!(is_signed_out(&mut world, lost));
    assert_eq!(ended(&mut world, bob), Some(Code::SR_CONNECTION_FAILURE));
    assert!(world.take(lost).is_empty(), "nothing is said to it any more");

    // One that is waited for is not waited for any more; one that nobody knows is no error.
    let away = world.signed_in("alice@x", 3);
    world.drop_conn(away);
    remove(&mut world, here, 3);
    let conn = world.open();
    assert!(!world.sign_in(conn, "alice@x", 3, Some(0)).signed_in.unwrap().resumed);
    world.ask(here, &format!(r#"{{"id":44,"do":"remove-device","device":"{}"}}"#, guid(77)));
    assert_eq!(world.answers(here).pop().unwrap().code, Code::S_OK);
    // Nor is it anybody else's.
    world.ask(here, &format!(r#"{{"id":45,"do":"remove-device","device":"{}"}}"#, guid(9)));
    assert_eq!((world.code(here), world.closed(bob)), (Code::S_OK, None));
}

#[test]
fn to_remove_ones_own_device_is_to_sign_out() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let bob = world.signed_in("bob@x", 9);
    world.connect_session(here, bob, 7);
    world.take(here);
    remove(&mut world, here, 1);
    let last = world.take(here).pop();
    assert!(matches!(last, Some(ServerFrame::Answer(answer)) if answer.code == Code::S_OK), "the answer is the last");
    assert_eq!(world.closed(here), Some(Close::Normal));
    assert_eq!(ended(&mut world, bob), Some(Code::SR_CONNECTION_FAILURE));
}

#[test]
fn without_a_sign_in_there_is_no_account() {
    let mut world = World::new(Config::default());
    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
    world.take(conn);
    for frame in [CHANGE, r#"{"id":43,"do":"devices"}"#] {
        world.ask(conn, frame);
        assert_eq!(world.code(conn), Code::MSGR_E_NOT_LOGGED_ON);
    }
    remove(&mut world, conn, 1);
    assert_eq!(world.code(conn), Code::MSGR_E_NOT_LOGGED_ON);
}

/// A connection whose sign-in on this device is being checked.
fn under_way(world: &mut World, device: u128) -> ConnId {
    let conn = world.open();
    world.hold_sign_ins(true);
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
    let (user, device) = ("alice@x", guid(device));
    world.ask(conn, &format!(r#"{{"id":2,"do":"sign-in","user":"{user}","password":"pw","device":"{device}"}}"#));
    world.take(conn);
    conn
}

#[test]
fn a_sign_in_under_way_does_not_outrun_what_puts_it_out() {
    let removal = format!(r#"{{"id":41,"key":"r","do":"remove-device","device":"{}"}}"#, guid(2));
    for request in [CHANGE, &removal, r#"{"id":41,"key":"s","do":"sign-out","revoke":true}"#] {
        let mut world = World::new(Config::default());
        let here = world.signed_in("alice@x", 1);
        world.take(here);
        let thief = under_way(&mut world, 2);
        world.ask(here, request);
        assert_eq!(world.code(here), Code::S_OK, "{request}");
        world.hold_sign_ins(false);
        let answer = world.answers(thief).remove(0);
        assert_eq!(answer.code, Code::MSGR_E_SERVER_TOO_BUSY, "{request}");
        assert!(answer.retry_after_ms.is_some());
    }
}

#[test]
fn a_block_stays_when_a_sign_in_crosses_it() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    let bob = world.signed_in("bob@x", 9);
    let desk = under_way(&mut world, 2);
    world.take(here);
    world.ask(here, r#"{"id":41,"key":"b","do":"contact","block":"bob@x"}"#);
    assert_eq!(world.code(here), Code::S_OK);
    world.hold_sign_ins(false);
    assert!(world.names(desk).contains(&"S_OK".to_owned()));
    world.take(bob);
    let app = r#"{"guid":"{305D86C6-6896-4099-91F5-CB7BA7733563}"}"#;
    let invite = format!(r#"{{"id":42,"do":"invite","session":"{}","to":"alice@x","app":{app}}}"#, guid(77));
    world.take(desk);
    world.ask(bob, &invite);
    assert!(world.take(desk).is_empty() && world.take(here).is_empty(), "she hears nothing of him");
}

#[test]
fn a_new_token_brings_what_it_says_of_the_person() {
    let mut world = World::new(Config::default());
    let here = world.signed_in("alice@x", 1);
    world.record("alice@x").contacts.insert(hither_wire::PersonName::parse("carol@x").unwrap(), "Carol".into());
    world.take(here);
    world.ask(here, r#"{"id":42,"do":"renew","token":"a.b.c"}"#);
    let names = world.names(here);
    assert!(names.contains(&"S_OK".to_owned()), "{names:?}");
    world.ask(here, r#"{"id":43,"do":"contacts"}"#);
    let contacts = world.answers(here).remove(0).contacts.unwrap();
    assert!(contacts.iter().any(|contact| contact.who.as_str() == "carol@x"), "{contacts:?}");
}
