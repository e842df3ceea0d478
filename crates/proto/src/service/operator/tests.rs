use hither_wire::message::{By, How};
use hither_wire::{Code, DeviceId, Event, Guid, PersonName, State, Status};

use super::*;
use crate::service::tests::world::{World, guid, id, invite_frame};
use crate::service::{Close, Config, ConnId};

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

fn world() -> World {
    World::new(Config::default())
}

/// A session of Alice and Bob that both hold.
fn in_session() -> (World, ConnId, ConnId) {
    let mut world = world();
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.connect_session(alice, bob, 7);
    world.take(alice);
    world.take(bob);
    (world, alice, bob)
}

fn ended(events: &[Event]) -> Vec<(How, Option<By>, Code)> {
    let ended = events.iter().filter_map(|event| if let Event::Ended(ended) = event { Some(ended) } else { None });
    ended.map(|ended| (ended.how, ended.by, ended.code)).collect()
}

#[test]
fn a_session_is_listed_without_what_is_said_in_it_and_ended_for_both() {
    let (mut world, alice, bob) = in_session();
    let Some(Told::Session(Some(line))) = world.operate(Command::Session(id(7))) else { panic!("there is one") };
    assert_eq!((line.state, line.inviter.as_str(), line.invitee.as_str()), (State::Connected, "alice@x", "bob@x"));
    let all = Command::Sessions { after: None, limit: 10, filter: Filter::default() };
    assert_eq!(world.operate(all), Some(Told::Sessions(Page { items: vec![(*line).clone()], more: false })));
    assert_eq!(world.operate(Command::End(id(7))), Some(Told::Session(Some(line))));
    for conn in [alice, bob] {
        assert_eq!(ended(&world.events(conn)), [(How::Terminated, None, Code::MSGR_E_POLICY_RESTRICTED)]);
        assert_eq!(world.closed(conn), None);
    }
    assert_eq!(world.operate(Command::End(id(7))), Some(Told::Session(None)));
    assert_eq!(world.operate(Command::Session(id(7))), Some(Told::Session(None)));
}

#[test]
fn pages_and_filters() {
    let mut world = world();
    let alice = world.signed_in("alice@x", 1);
    let _bob = world.signed_in("bob@x", 2);
    for session in [5, 3, 9, 1] {
        world.ask(alice, &invite_frame(3, session, "bob@x", ""));
    }
    let mut page = |after: Option<u128>, limit, filter: Filter| {
        let after = after.map(Guid);
        let Some(Told::Sessions(page)) = world.operate(Command::Sessions { after, limit, filter }) else {
            panic!("sessions")
        };
        (page.items.iter().map(|line| line.id.0).collect::<Vec<_>>(), page.more)
    };
    let all = Filter::default();
    assert_eq!(page(None, 2, all.clone()), (vec![1, 3], true));
    assert_eq!(page(Some(3), 2, all.clone()), (vec![5, 9], false));
    assert_eq!(page(Some(9), 2, all.clone()), (vec![], false));
    assert_eq!(page(None, 4, all.clone()), (vec![1, 3, 5, 9], false));
    let person = |who| Filter { person: Some(name(who)), ..Filter::default() };
    assert_eq!(page(None, 4, person("bob@x")).0.len(), 4);
    assert_eq!(page(None, 4, person("carol@x")), (vec![], false));
    assert_eq!(page(None, 4, Filter { state: Some(State::Connected), ..all.clone() }), (vec![], false));
    assert_eq!(page(None, 3, Filter { state: Some(State::Invitation), ..all.clone() }), (vec![1, 3, 5], true));
    assert_eq!(page(None, 4, Filter { app: Some(Guid(1)), ..all }), (vec![], false));
}

#[test]
fn a_hidden_decline_is_hidden_from_the_operator_too() {
    let mut world = world();
    world.record("bob@x").contacts.clear();
    world.record("bob@x").settings.invitations = Some(hither_wire::message::InvitationsFrom::Anyone);
    let (alice, bob) = (world.signed_in("alice@x", 1), world.signed_in("bob@x", 2));
    world.ask(alice, &invite_frame(3, 7, "bob@x", ""));
    world.ask(bob, &format!(r#"{{"id":4,"do":"decline","session":"{}"}}"#, guid(7)));
    let Some(Told::Session(Some(line))) = world.operate(Command::Session(id(7))) else { panic!("it rings on") };
    assert_eq!(line.state, State::Invitation);
}

#[test]
fn who_is_there_and_how_invisible_people_too() {
    let mut world = world();
    let alice = world.signed_in("alice@x", 1);
    world.ask(alice, r#"{"id":3,"do":"status","status":"INVISIBLE"}"#);
    let away = world.signed_in("alice@x", 2);
    world.drop_conn(away);
    world.signed_in("bob@x", 3);
    let Some(Told::Present(page)) = world.operate(Command::Present { after: None, limit: 1 }) else { panic!("people") };
    assert!(page.more);
    assert_eq!((page.items.len(), page.items[0].name.as_str(), page.items[0].status), (1, "alice@x", Status::Online));
    let devices: Vec<_> = page.items[0].devices.iter().map(|d| (d.id, d.status, d.connected)).collect();
    assert_eq!(devices, [(DeviceId::from(Guid(1)), Status::Invisible, true), (Guid(2), Status::Online, false)]);
    let Some(Told::Present(page)) = world.operate(Command::Present { after: Some(name("alice@x")), limit: 9 }) else {
        panic!("people")
    };
    assert_eq!((page.items.len(), page.more), (1, false));
    assert_eq!(world.operate(Command::Person(name("carol@x"))), Some(Told::Person(None)));
}

#[test]
fn signed_out_everywhere_is_lost_to_the_others_and_may_come_back() {
    let (mut world, alice, bob) = in_session();
    let second = world.signed_in("alice@x", 3);
    assert_eq!(world.operate(Command::SignOut(name("alice@x"))), Some(Told::Done { devices: 2, sessions: 0 }));
    for conn in [alice, second] {
        assert_eq!(world.closed(conn), Some(Close::SignedOut));
        let events = world.events(conn);
        assert!(
            events.iter().any(|e| matches!(e, Event::SignedOut { code: Code::MSGR_E_NOT_LOGGED_ON })),
            "{events:?}"
        );
    }
    assert_eq!(ended(&world.events(bob)), [(How::Terminated, None, Code::SR_CONNECTION_FAILURE)]);
    world.signed_in("alice@x", 1);
}

#[test]
fn an_expelled_person_s_sessions_end_for_both() {
    let (mut world, alice, bob) = in_session();
    world.ask(alice, &invite_frame(50, 8, "bob@x", ""));
    world.take(alice);
    world.take(bob);
    assert_eq!(world.operate(Command::Expel(name("bob@x"))), Some(Told::Done { devices: 1, sessions: 2 }));
    let end = (How::Terminated, None, Code::MSGR_E_POLICY_RESTRICTED);
    assert_eq!(ended(&world.events(alice)), [end, end]);
    let events = world.events(bob);
    assert_eq!(ended(&events), [end, end]);
    assert!(matches!(events.last(), Some(Event::SignedOut { code: Code::MSGR_E_POLICY_RESTRICTED })), "{events:?}");
    assert_eq!(world.closed(bob), Some(Close::SignedOut));
    assert_eq!(world.operate(Command::Expel(name("bob@x"))), Some(Told::Done { devices: 0, sessions: 0 }));
    assert_eq!(world.load().1, 0);
}

#[test]
fn a_removed_person_is_in_nobodys_list() {
    let (mut world, alice, _bob) = in_session();
    world.operate(Command::Remove(name("bob@x")));
    world.take(alice);
    world.ask(alice, r#"{"id":70,"do":"contacts"}"#);
    assert_eq!(world.answers(alice)[0].contacts, Some(Vec::new()));
}

#[test]
fn changed_contacts_count_at_once_and_both_are_told() {
    let mut world = world();
    let (alice, carol) = (world.signed_in("alice@x", 1), world.signed_in("carol@x", 3));
    world.take(alice);
    world.take(carol);
    world.record("carol@x").contacts.insert(name("alice@x"), "alice@x".into());
    let refresh = |who| Command::Refresh { name: name(who), renamed: false };
    assert_eq!(world.operate(refresh("carol@x")), Some(Told::Done { devices: 0, sessions: 0 }));
    assert_eq!((world.names(alice).len(), world.names(carol).len()), (0, 0), "not mutual yet");
    world.record("alice@x").contacts.insert(name("carol@x"), "carol@x".into());
    world.operate(refresh("alice@x"));
    assert_eq!(world.names(alice), ["carol@x ONLINE"]);
    assert_eq!(world.names(carol), ["alice@x ONLINE"]);
    world.record("alice@x").contacts.remove(&name("carol@x"));
    world.operate(refresh("alice@x"));
    assert_eq!(world.names(alice), ["carol@x OFFLINE"]);
    assert_eq!(world.names(carol), ["alice@x OFFLINE"]);
    assert_eq!(world.loads(), 3);
    world.operate(refresh("eve@x"));
    assert_eq!(world.loads(), 0, "nobody here knows anything of her");
}

#[test]
fn another_friendly_name_is_told_to_who_sees_the_person() {
    let (mut world, alice, bob) = in_session();
    world.record("bob@x").friendly_name = "Robert".into();
    world.operate(Command::Refresh { name: name("bob@x"), renamed: true });
    let events = world.events(alice);
    assert!(
        matches!(&events[..], [Event::Presence { who, friendly_name, status: Status::Online }]
            if who.as_str() == "bob@x" && &**friendly_name == "Robert"),
        "{events:?}"
    );
    assert_eq!(world.events(bob), []);
    world.ask(alice, r#"{"id":70,"do":"contacts"}"#);
    assert_eq!(&*world.answers(alice)[0].contacts.as_ref().unwrap()[0].friendly_name, "Robert");
}

/// The store has judged a sign-in, and the operator is faster than the news of it.
#[test]
fn a_sign_in_that_crosses_with_the_operator_does_not_get_in() {
    for command in
        [Command::Expel(name("alice@x")), Command::SignOut(name("alice@x")), Command::Remove(name("alice@x"))]
    {
        let mut world = world();
        let (alice, bob) = (world.open(), world.open());
        world.hold_sign_ins(true);
        for (conn, who) in [(alice, "alice@x"), (bob, "bob@x")] {
            world.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
            world.ask(conn, &format!(r#"{{"id":2,"do":"sign-in","user":"{who}","password":"pw"}}"#));
            world.take(conn);
        }
        world.operate(command);
        world.hold_sign_ins(false);
        let answers = world.answers(alice);
        assert_eq!((answers[0].code, answers[0].retry_after_ms), (Code::MSGR_E_SERVER_TOO_BUSY, Some(AGAIN_MS)));
        assert_eq!(world.code(bob), Code::S_OK, "whom it does not concern");
        // The next try is judged anew.
        world.ask(alice, r#"{"id":3,"do":"sign-in","user":"alice@x","password":"pw"}"#);
        assert_eq!(world.code(alice), Code::S_OK);
    }
}

#[test]
fn a_sign_in_that_crosses_with_a_change_has_its_record_read_again() {
    let mut world = world();
    let carol = world.signed_in("carol@x", 3);
    world.record("carol@x").contacts.insert(name("alice@x"), "alice@x".into());
    world.operate(Command::Refresh { name: name("carol@x"), renamed: false });
    let alice = world.open();
    world.hold_sign_ins(true);
    world.ask(alice, r#"{"id":1,"do":"hello","versions":[1]}"#);
    world.ask(alice, r#"{"id":2,"do":"sign-in","user":"alice@x","password":"pw"}"#);
    world.record("alice@x").contacts.insert(name("carol@x"), "carol@x".into());
    world.operate(Command::Refresh { name: name("alice@x"), renamed: false });
    world.take(carol);
    world.hold_sign_ins(false);
    assert_eq!(world.names(carol), ["alice@x ONLINE"]);
    assert!(world.names(alice).contains(&"carol@x ONLINE".to_owned()));
    assert_eq!(world.told(), None, "nobody has asked for the second reading");
}

#[test]
fn more_changes_than_are_remembered_put_everybody_in_doubt() {
    for (expelled, code) in [(0, Code::S_OK), (1, Code::MSGR_E_SERVER_TOO_BUSY)] {
        let mut world = world();
        let alice = world.open();
        world.hold_sign_ins(true);
        world.ask(alice, r#"{"id":1,"do":"hello","versions":[1]}"#);
        world.ask(alice, r#"{"id":2,"do":"sign-in","user":"alice@x","password":"pw"}"#);
        world.take(alice);
        for n in 0..100 {
            world.operate(Command::Refresh { name: name(&format!("p{n}@x")), renamed: true });
        }
        for n in 0..expelled {
            world.operate(Command::Expel(name(&format!("q{n}@x"))));
        }
        world.hold_sign_ins(false);
        assert_eq!(world.answers(alice)[0].code, code, "a list that is worked through keeps nobody out");
    }
}

#[test]
fn it_is_done_when_the_record_is_read() {
    let mut world = world();
    world.signed_in("alice@x", 1);
    world.hold_store(true);
    assert_eq!(world.operate(Command::Refresh { name: name("alice@x"), renamed: false }), None);
    world.hold_store(false);
    assert_eq!(world.told(), Some(Told::Done { devices: 0, sessions: 0 }));
}
