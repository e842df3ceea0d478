//! The service machine, driven by frames as a connection would bring them, with the store and the
//! passwords played by a small world of people.

mod account;
mod corners;
mod locks;
mod sentences;
pub(crate) mod world;

use hither_wire::message::{Answer, By, ContactAction, Ended, Event, How};
use hither_wire::{Code, Role, Status};

use super::{Close, Config, Output};
use world::{World, app_data, guid, invite_frame};

fn code(answer: &Answer) -> Code {
    answer.code
}

#[test]
fn a_whole_session_and_what_each_side_is_told() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    let bob = world.signed_in("bob@x", 2);
    world.take(alice);
    world.take(bob);

    world.ask(alice, &invite_frame(10, 1, "bob@x", r#""attach":true"#));
    assert_eq!(world.names(alice), ["invited", "S_OK"], "the event comes before the answer");
    let events = world.events(bob);
    let [Event::Invitation(invitation)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((invitation.from.as_str(), invitation.ring_ms), ("alice@x", 60_000));

    world.ask(bob, &format!(r#"{{"id":11,"do":"accept","session":"{}","data":{{"text":"yes"}}}}"#, guid(1)));
    assert_eq!(world.names(bob), ["accepted", "S_OK"]);
    assert_eq!(world.names(alice), ["accepted"]);
    world.ask(bob, &format!(r#"{{"id":12,"do":"attach","session":"{}"}}"#, guid(1)));
    assert_eq!(
        (world.names(bob), world.names(alice)),
        (vec!["connected".into(), "S_OK".into()], vec!["attached".into(), "connected".into()])
    );

    world.ask(alice, &format!(r#"{{"id":13,"do":"context","session":"{}","data":{{"text":"192.0.2.1"}}}}"#, guid(1)));
    assert_eq!(world.names(alice), ["S_OK"]);
    assert_eq!(world.events(bob), [Event::Context { session: world::id(1), data: app_data("192.0.2.1") }]);

    world.ask(bob, &format!(r#"{{"id":14,"do":"cancel","session":"{}","data":{{"text":"bye"}}}}"#, guid(1)));
    let mine = Ended {
        session: world::id(1),
        how: How::Cancelled,
        by: Some(By::Local),
        code: Code::SR_SESSION_CANCELLED_LOCAL,
        data: Some(app_data("bye")),
        reason: None,
    };
    let theirs = Ended { by: Some(By::Remote), code: Code::SR_SESSION_CANCELLED_REMOTE, ..mine.clone() };
    assert_eq!(world.events(bob), [Event::Ended(Box::new(mine))]);
    assert_eq!(world.events(alice), [Event::Ended(Box::new(theirs))]);

    // What is over is remembered as over; a used id stays used.
    for (who, role) in [(alice, Role::Inviter), (bob, Role::Invitee)] {
        world.take(who);
        world.ask(who, &format!(r#"{{"id":15,"do":"attach","session":"{}"}}"#, guid(1)));
        assert_eq!(world.code(who), Code::SR_SESSION_STATE_INVALID, "{role}");
    }
    world.ask(alice, &invite_frame(16, 1, "bob@x", ""));
    assert_eq!(world.code(alice), Code::SR_SESSION_NOT_READY);
}

#[test]
fn hello_first_then_sign_in() {
    let mut world = World::new(Config::default());
    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"ping"}"#);
    assert_eq!(world.closed(conn), Some(Close::Hello));

    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[99]}"#);
    assert_eq!((world.code(conn), world.closed(conn)), (Code::MSGR_E_SERVER_VERSION, Some(Close::Hello)));

    let conn = world.open();
    world.ask(conn, r#"{"id":1,"do":"hello","versions":[1,99]}"#);
    let hello = world.answers(conn).remove(0).hello.unwrap();
    assert_eq!((hello.version, hello.frame_bytes), (1, 16_384));
    world.ask(conn, r#"{"id":2,"do":"contacts"}"#);
    assert_eq!(world.code(conn), Code::MSGR_E_NOT_LOGGED_ON);
    world.ask(conn, r#"{"id":3,"do":"sign-in","user":"alice@x","password":"wrong"}"#);
    assert_eq!(world.code(conn), Code::MSGR_E_INVALID_PASSWORD);
    world.ask(conn, r#"{"id":4,"do":"sign-in","user":"alice@x","password":"pw"}"#);
    assert_eq!(world.code(conn), Code::S_OK);
    world.ask(conn, r#"{"id":5,"do":"sign-in","user":"alice@x","password":"pw"}"#);
    assert_eq!(world.code(conn), Code::MSGR_E_ALREADY_LOGGED_ON);
    world.ask(conn, r#"{"id":6,"do":"dance"}"#);
    assert_eq!(world.code(conn), Code::E_INVALIDARG);
    world.ask(conn, "rubbish");
    assert_eq!(world.closed(conn), Some(Close::Malformed));
}

#[test]
fn whoever_does_not_sign_in_is_closed() {
    let mut world = World::new(Config::default());
    let conn = world.open();
    assert_eq!(world.next_timeout(), Some(10_000));
    world.pass(9_999);
    assert_eq!(world.closed(conn), None);
    world.pass(1);
    assert_eq!(world.closed(conn), Some(Close::SignInTimeout));
}

#[test]
fn invite_is_judged_in_the_order_of_r26() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    let mut id = 20;
    let mut refused = |world: &mut World, session: u128, to: &str| {
        id += 1;
        world.ask(alice, &invite_frame(id, session, to, ""));
        world.code(alice)
    };
    assert_eq!(refused(&mut world, 1, "alice@x"), Code::SR_INVITED_SELF);
    assert_eq!(refused(&mut world, 1, "nobody@x"), Code::MSGR_E_USER_NOT_FOUND);
    // Carol does not have Alice as a contact: not let, whether she is there or not.
    assert_eq!(refused(&mut world, 1, "carol@x"), Code::MSGR_E_RESTRICTED_USER);
    let carol = world.signed_in("carol@x", 3);
    assert_eq!(refused(&mut world, 1, "carol@x"), Code::MSGR_E_RESTRICTED_USER);
    world.ask(carol, r#"{"id":3,"do":"settings","invitations":"anyone"}"#);
    assert_eq!(refused(&mut world, 1, "carol@x"), Code::S_OK);

    // Bob is offline, invisible, or has blocked Alice: the same answer, after the same work.
    world.loads();
    assert_eq!((refused(&mut world, 2, "bob@x"), world.loads()), (Code::MSGR_E_NOT_LOGGED_ON, 1));
    let bob = world.signed_in("bob@x", 2);
    world.ask(bob, r#"{"id":3,"do":"status","status":"INVISIBLE"}"#);
    assert_eq!((refused(&mut world, 2, "bob@x"), world.loads()), (Code::MSGR_E_NOT_LOGGED_ON, 1));
    world.ask(bob, r#"{"id":4,"do":"status","status":"BUSY"}"#);
    world.ask(bob, r#"{"id":5,"do":"contact","block":"alice@x"}"#);
    assert_eq!((refused(&mut world, 2, "bob@x"), world.loads()), (Code::MSGR_E_NOT_LOGGED_ON, 1));
    world.ask(bob, r#"{"id":6,"do":"contact","unblock":"alice@x"}"#);
    assert_eq!((refused(&mut world, 2, "bob@x"), world.loads()), (Code::S_OK, 0));
    world.take(bob);
    world.take(carol);
    world.ask(bob, &invite_frame(7, 2, "alice@x", ""));
    assert_eq!(world.code(bob), Code::SR_NOT_INVITER, "the id belongs to a session in which he is the invitee");
    world.ask(carol, &invite_frame(8, 2, "bob@x", ""));
    assert_eq!(world.code(carol), Code::E_INVALIDARG, "a stranger's id");
}

#[test]
fn a_stolen_session_id_is_as_good_as_none() {
    let mut world = World::new(Config::default());
    let (alice, _bob, eve) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2), world.signed_in("eve@x", 3));
    world.ask(alice, &invite_frame(10, 1, "bob@x", ""));
    for request in ["accept", "decline", "ignore", "cancel", "attach"] {
        for session in [1, 99] {
            world.ask(eve, &format!(r#"{{"id":1,"do":"{request}","session":"{}"}}"#, guid(session)));
            assert_eq!(world.code(eve), Code::E_INVALIDARG, "{request}");
        }
    }
}

#[test]
fn a_repeated_key_is_answered_and_not_applied() {
    let mut world = World::new(Config::default());
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 1);
    let context = format!(r#"{{"id":30,"key":"k","do":"context","session":"{}","data":{{"text":"once"}}}}"#, guid(1));
    world.ask(alice, &context);
    world.ask(alice, &context);
    assert_eq!(world.answers(alice).iter().map(code).collect::<Vec<_>>(), [Code::S_OK, Code::S_OK]);
    assert_eq!(world.events(bob).len(), 1);
}

#[test]
fn a_repeated_key_of_an_invitation_that_still_waits_joins_it() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    world.hold_store(true);
    world.ask(alice, &invite_frame(10, 1, "bob@x", r#""key":"k""#));
    assert!(world.answers(alice).is_empty());
    world.drop_conn(alice);
    let alice = world.resumed("alice@x", 1, 0);
    world.ask(alice, &invite_frame(11, 1, "bob@x", r#""key":"k""#));
    world.hold_store(false);
    let answers = world.answers(alice);
    assert_eq!((answers.len(), answers[0].re, answers[0].code), (1, 11, Code::MSGR_E_NOT_LOGGED_ON));
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    world.hold_store(true);
    world.ask(alice, &invite_frame(10, 1, "nobody@x", ""));
    world.ask(alice, r#"{"id":11,"do":"ping"}"#);
    world.ask(alice, r#"{"id":12,"do":"dance"}"#);
    assert!(world.answers(alice).is_empty());
    world.hold_store(false);
    assert_eq!(world.answers(alice).iter().map(|a| a.re).collect::<Vec<_>>(), [10, 11, 12]);

    world.hold_store(true);
    for id in 0..32 {
        world.ask(alice, &invite_frame(20 + id, 2, "nobody@x", ""));
    }
    assert_eq!(world.closed(alice), None);
    world.ask(alice, r#"{"id":99,"do":"ping"}"#);
    assert_eq!(world.closed(alice), Some(Close::TooManyRequests));
}

#[test]
fn a_device_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let mut world = World::new(Config::default());
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.ask(alice, &invite_frame(10, 1, "bob@x", r#""attach":true"#));
    let first = world.frames(bob);
    assert_eq!(first.iter().map(|frame| frame.seq).collect::<Vec<_>>(), [Some(1)]);
    world.drop_conn(bob);
    world.pass(10_000);
    let bob = world.resumed("bob@x", 2, 0);
    let again = world.frames(bob);
    let Event::Invitation(invitation) = &again[0].event else { panic!("{again:?}") };
    assert_eq!((again.len(), again[0].seq, invitation.ring_ms), (1, Some(1), 50_000), "with what is left of it");
    world.ask(bob, &format!(r#"{{"id":5,"ack":1,"do":"accept","session":"{}","attach":true}}"#, guid(1)));
    assert_eq!(world.names(bob), ["accepted", "connected", "S_OK"]);
    world.drop_conn(bob);
    world.ask(alice, &format!(r#"{{"id":6,"do":"context","session":"{}","data":{{"text":"c"}}}}"#, guid(1)));
    let bob = world.resumed("bob@x", 2, 2);
    assert_eq!(world.frames(bob).iter().map(|frame| frame.seq).collect::<Vec<_>>(), [Some(3), Some(4)]);
}

#[test]
fn a_device_beyond_the_grace_is_lost() {
    let mut world = World::new(Config::default());
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 1);
    world.drop_conn(bob);
    world.pass(29_999);
    assert!(world.events(alice).is_empty(), "nobody notices within the grace");
    world.pass(1);
    let events = world.events(alice);
    assert!(matches!(&events[0], Event::Ended(ended) if ended.code == Code::SR_CONNECTION_FAILURE), "{events:?}");
    assert!(matches!(&events[1], Event::Presence { status: Status::Offline, .. }), "{events:?}");
    let bob = world.open();
    let answer = world.sign_in(bob, "bob@x", 2, Some(3));
    assert!(!answer.signed_in.unwrap().resumed);
}

#[test]
fn a_fresh_sign_in_of_the_same_device_starts_anew() {
    let mut world = World::new(Config::default());
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 1);
    let again = world.signed_in("bob@x", 2);
    assert_eq!(world.closed(bob), Some(Close::Replaced));
    let events = world.events(alice);
    assert!(matches!(&events[..], [Event::Ended(ended)] if ended.code == Code::SR_CONNECTION_FAILURE), "{events:?}");
    world.ask(alice, &invite_frame(40, 2, "bob@x", ""));
    assert_eq!(world.frames(again)[0].seq, Some(1));
}

#[test]
fn it_rings_on_every_device_and_on_those_that_come_later() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    let (desk, phone) = (world.signed_in("bob@x", 2), world.signed_in("bob@x", 3));
    world.ask(alice, &invite_frame(10, 1, "bob@x", ""));
    world.pass(1_000);
    let late = world.signed_in("bob@x", 4);
    let events = world.events(late);
    assert!(matches!(events.last(), Some(Event::Invitation(invitation)) if invitation.ring_ms == 59_000), "{events:?}");
    world.ask(phone, &format!(r#"{{"id":5,"do":"decline","session":"{}"}}"#, guid(1)));
    for conn in [desk, late] {
        let events = world.events(conn);
        let Some(Event::Ended(ended)) = events.last() else { panic!("{events:?}") };
        assert_eq!(ended.reason, Some(hither_wire::message::Elsewhere::DeclinedElsewhere));
    }
}

#[test]
fn receipts_only_for_an_inviter_who_is_known() {
    for (invitee, seen) in [("bob@x", true), ("carol@x", false)] {
        let mut world =
            World::new(Config { invitations: hither_wire::message::InvitationsFrom::Anyone, ..Config::default() });
        let (alice, invited) = (world.signed_in("alice@x", 1), world.signed_in(invitee, 2));
        world.ask(alice, &invite_frame(10, 1, invitee, ""));
        world.take(alice);
        world.ask(invited, r#"{"ack":1}"#);
        world.ask(invited, &format!(r#"{{"id":5,"do":"progress","session":"{}","stage":"ringing"}}"#, guid(1)));
        let expected: &[&str] = if seen { &["delivered", "ringing"] } else { &[] };
        assert_eq!(world.names(alice), expected);
    }
}

#[test]
fn the_queue_towards_a_device_is_bounded_and_the_end_always_fits() {
    let mut world = World::new(Config { events_pending: 8, ..Config::default() });
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 1);
    world.connect_session(alice, bob, 2);
    world.take(bob);
    // Six events wait for Bob's acknowledgement, and two ends must still fit.
    let context = format!(r#"{{"id":30,"do":"context","session":"{}","data":{{"text":"c"}}}}"#, guid(1));
    world.ask(alice, &context);
    assert_eq!(world.code(alice), Code::E_OUTOFMEMORY);
    world.ask(alice, &invite_frame(31, 3, "bob@x", ""));
    assert_eq!(world.code(alice), Code::MSGR_E_TOO_MANY_SESSIONS);
    world.ask(bob, r#"{"ack":1}"#);
    world.ask(alice, &context);
    assert_eq!(world.code(alice), Code::S_OK);
    for session in [1, 2] {
        world.ask(alice, &format!(r#"{{"id":32,"ack":99,"do":"cancel","session":"{}"}}"#, guid(session)));
        assert_eq!(world.code(alice), Code::S_OK);
    }
    assert_eq!(world.names(bob), ["context", "ended", "ended"]);
}

#[test]
fn limits_answer_with_too_many_sessions() {
    let mut world = World::new(Config { ringing_per_pair: 2, ..Config::default() });
    let (alice, _bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    for session in 1..=2 {
        world.ask(alice, &invite_frame(10, session, "bob@x", ""));
        assert_eq!(world.code(alice), Code::S_OK);
    }
    world.ask(alice, &invite_frame(10, 3, "bob@x", ""));
    assert_eq!(world.code(alice), Code::MSGR_E_TOO_MANY_SESSIONS);

    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    for session in 1..=60 {
        world.ask(alice, &invite_frame(10, session, "nobody@x", ""));
        assert_eq!(world.code(alice), Code::MSGR_E_USER_NOT_FOUND);
    }
    world.ask(alice, &invite_frame(10, 61, "nobody@x", ""));
    let answer = world.answers(alice).remove(0);
    assert_eq!((answer.code, answer.retry_after_ms), (Code::MSGR_E_TOO_MANY_SESSIONS, Some(1_000)));
    assert_eq!(world.loads(), 60, "what is refused costs the store nothing");
}

#[test]
fn presence_is_for_mutual_contacts() {
    let mut world = World::new(Config::default());
    let bob = world.signed_in("bob@x", 2);
    let alice = world.signed_in("alice@x", 1);
    assert_eq!(world.names(alice), ["bob@x ONLINE", "lock"], "the snapshot after the sign-in");
    assert_eq!(world.names(bob), ["lock", "alice@x ONLINE"]);
    let eve = world.signed_in("eve@x", 3);
    assert_eq!(world.names(eve), ["lock"], "she has Alice, but Alice has not got her");
    world.ask(alice, r#"{"id":5,"do":"status","status":"AWAY"}"#);
    assert_eq!((world.names(bob), world.names(eve)), (vec!["alice@x AWAY".to_owned()], vec![]));

    let phone = world.signed_in("alice@x", 9);
    assert_eq!(world.names(bob), ["alice@x ONLINE"], "the most available device counts");
    world.ask(phone, r#"{"id":5,"do":"sign-out"}"#);
    assert_eq!(world.closed(phone), Some(Close::Normal));
    assert_eq!(world.names(bob), ["alice@x AWAY"]);

    world.take(alice);
    world.ask(alice, r#"{"id":6,"do":"contact","block":"bob@x"}"#);
    assert_eq!((world.names(bob), world.names(alice)), (vec!["alice@x OFFLINE".to_owned()], vec!["S_OK".to_owned()]));
    world.ask(alice, r#"{"id":7,"do":"contact","unblock":"bob@x"}"#);
    assert_eq!(world.names(bob), ["alice@x AWAY"]);
    world.ask(alice, r#"{"id":8,"do":"contact","remove":"bob@x"}"#);
    assert_eq!(world.names(bob), ["alice@x OFFLINE"]);
}

#[test]
fn the_contact_list_and_its_refusals() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    for (action, who, expected) in [
        (ContactAction::Add, "bob@x", Code::MSGR_E_ALREADY_IN_LIST),
        (ContactAction::Add, "nobody@x", Code::MSGR_E_USER_NOT_FOUND),
        (ContactAction::Add, "alice@x", Code::E_INVALIDARG),
        (ContactAction::Add, "carol@x", Code::S_OK),
        (ContactAction::Remove, "eve@x", Code::S_FALSE),
        (ContactAction::Remove, "bob@x", Code::S_OK),
        (ContactAction::Block, "bob@x", Code::S_OK),
        (ContactAction::Block, "bob@x", Code::S_FALSE),
        (ContactAction::Unblock, "carol@x", Code::S_FALSE),
    ] {
        world.ask(alice, &format!(r#"{{"id":5,"do":"contact","{}":"{who}"}}"#, action.name()));
        assert_eq!(world.code(alice), expected, "{action:?} {who}");
    }
    world.ask(alice, r#"{"id":6,"do":"contacts"}"#);
    let contacts = world.answers(alice).remove(0).contacts.unwrap();
    let lines: Vec<_> = contacts.iter().map(|c| (c.who.as_str(), c.listed, c.blocked)).collect();
    assert_eq!(lines, [("carol@x", true, false), ("bob@x", false, true)]);
}

#[test]
fn nobody_is_remembered_for_nothing() {
    let mut world = World::new(Config::default());
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 1);
    world.drop_conn(alice);
    world.drop_conn(bob);
    world.pass(30_000);
    assert_eq!(world.load(), (0, 0, 0));
    assert_eq!(world.next_timeout(), None);
}

#[test]
fn a_stop_tells_everybody() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    world.take(alice);
    let outputs = world.shutdown();
    assert!(outputs.contains(&Output::Close { conn: alice, why: Close::GoingAway }));
    assert_eq!(world.events(alice), [Event::SignedOut { code: Code::MSGR_E_SERVER_SHUTDOWN }]);
}

#[test]
fn a_device_that_is_away_makes_room_for_a_new_one() {
    let mut world = World::new(Config { devices_per_person: 2, ..Config::default() });
    let first = world.signed_in("alice@x", 1);
    world.signed_in("alice@x", 2);
    let third = world.open();
    assert_eq!(world.sign_in(third, "alice@x", 3, None).code, Code::MSGR_E_TOO_MANY_SESSIONS);
    world.drop_conn(first);
    assert_eq!(world.sign_in(third, "alice@x", 3, None).code, Code::S_OK);
}

#[test]
fn other_settings_count_for_what_begins_then() {
    let mut world = World::new(Config::default());
    let alice = world.signed_in("alice@x", 1);
    let bob = world.signed_in("bob@x", 2);
    world.ask(alice, &invite_frame(10, 1, "bob@x", ""));
    world.take(bob);
    let one = Config { ring_ms: 1_000, devices_per_person: 1, sessions_per_person: 1, ..Config::default() };
    world.configure(one);
    world.take(alice);
    world.ask(alice, &invite_frame(11, 2, "bob@x", ""));
    assert_eq!(world.code(alice), Code::MSGR_E_TOO_MANY_SESSIONS, "one rings already");
    world.configure(Config { ring_ms: 1_000, ..Config::default() });
    world.ask(alice, &invite_frame(12, 3, "bob@x", ""));
    let rings: Vec<u64> = world
        .events(bob)
        .iter()
        .filter_map(|event| if let Event::Invitation(invitation) = event { Some(invitation.ring_ms) } else { None })
        .collect();
    assert_eq!(rings, [1_000]);
    world.pass(1_000);
    let ended: Vec<_> = world.events(bob);
    assert!(matches!(&ended[..], [Event::Ended(ended)] if ended.session == world::id(3)), "{ended:?}");
}

#[test]
fn a_token_that_ends_is_told_in_time_and_renewed_or_ends_the_connection() {
    let mut world = World::new(Config::default());
    world.expires_ms = Some(600_000);
    let alice = world.signed_in("alice@x", 1);
    world.expires_ms = Some(50_000);
    let bob = world.signed_in("bob@x", 2);
    world.take(alice);
    world.take(bob);
    world.pass(39_999);
    assert_eq!(world.events(bob), []);
    world.pass(1);
    assert_eq!(world.events(bob), [Event::Expiring { in_ms: 10_000 }], "a fifth before");
    world.ask(bob, r#"{"id":7,"do":"renew","token":"a.b.c"}"#);
    assert_eq!(world.code(bob), Code::S_OK);
    world.pass(10_000);
    assert_eq!(world.closed(bob), None, "the new one counts");
    world.pass(69_999);
    assert_eq!(world.events(bob), []);
    world.pass(1);
    assert_eq!(world.events(bob), [Event::Expiring { in_ms: 20_000 }]);
    world.pass(20_000);
    assert_eq!(world.closed(bob), Some(Close::Expired));
    world.take(alice);
    world.pass(600_000 - 140_000 - 60_000);
    assert_eq!(world.events(alice).last(), Some(&Event::Expiring { in_ms: 60_000 }), "a minute before at most");
    // Who has gone before the end is not told of it.
    world.drop_conn(alice);
    world.pass(120_000);
    assert_eq!(world.next_timeout(), None);
}
