//! What is refused here, before anything is sent, in the order of R26.

use hither_wire::message::{ContactAction, SettingsChange, Stage};
use hither_wire::{Code, Status};

use super::bench::{APP, Bench, TIMED_OUT, accept, cancel, context, invite, s};
use crate::client::{Call, Input};

fn refusal(bench: &mut Bench, call: Call) -> String {
    let lines = bench.call(call);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines[0].split(' ').next_back().unwrap().to_owned()
}

#[test]
fn invitations() {
    let mut bench = Bench::up();
    let to = |who: &str, data: &str| Call::Invite { session: s(1), to: who.into(), data: data.into() };
    assert_eq!(refusal(&mut bench, to("bob@x", "")), "E_INVALIDARG", "no such session");
    bench.client.create(s(1));
    assert_eq!(refusal(&mut bench, to("bob", "")), "E_INVALIDARG");
    assert_eq!(refusal(&mut bench, to("bob@x", &"x".repeat(257))), "E_INVALIDARG");
    assert_eq!(refusal(&mut bench, to("alice@x", "")), "SR_APP_NOT_SPECIFIED");
    bench.client.set_application(s(1), APP, "", "").unwrap();
    assert_eq!(refusal(&mut bench, to("ALICE@X", "")), "SR_INVITED_SELF");
    assert_eq!(bench.call(to("bob@x", &"x".repeat(256))), ["invite#3 s1 key=k-1"]);

    let mut bench = Bench::up();
    bench.ringing();
    assert_eq!(refusal(&mut bench, invite(1)), "SR_NOT_INVITER");
}

#[test]
fn properties() {
    let mut bench = Bench::up();
    let client = &mut bench.client;
    client.create(s(1));
    let code = |result: Result<(), crate::client::Refusal>| result.map_or_else(|refusal| refusal.code, |()| Code::S_OK);
    for (guid, expected) in [
        (APP.to_lowercase(), Code::S_OK),
        (APP[1..].to_owned(), Code::E_INVALIDARG),
        (format!("{APP} "), Code::E_INVALIDARG),
        (format!("{APP}  "), Code::E_OUTOFMEMORY),
    ] {
        assert_eq!(code(client.set_application(s(1), &guid, "", "")), expected, "{guid}");
    }
    assert_eq!(code(client.set_application(s(1), APP, &"x".repeat(257), "")), Code::E_INVALIDARG);
    assert_eq!(code(client.set_application(s(2), APP, "", "")), Code::E_INVALIDARG);
    for (address, expected) in [
        (Some("192.0.2.7:80"), Code::S_OK),
        (Some("here"), Code::E_INVALIDARG),
        (Some("nowhere-at-all.example.org:50000"), Code::E_OUTOFMEMORY),
        (None, Code::S_OK),
    ] {
        assert_eq!(code(client.set_local_address(s(1), address)), expected, "{address:?}");
    }
    assert_eq!(client.session(s(1)).unwrap().local, None);

    bench.event(TIMED_OUT);
    bench.inviting();
    let client = &mut bench.client;
    for result in [
        client.set_application(s(1), APP, "", ""),
        client.set_application(s(1), &format!("{APP}  "), "", ""),
        client.set_launch_only(s(1), true),
        client.set_local_address(s(1), None),
        client.set_ring_ms(s(1), 5),
    ] {
        assert_eq!(code(result), Code::SR_SESSION_NOT_READY, "the state comes before the size");
    }
    assert_eq!(code(client.set_local_address(s(1), Some("x"))), Code::E_INVALIDARG, "the form before the state");
}

#[test]
fn context_data() {
    let mut bench = Bench::up();
    bench.inviting();
    assert_eq!(refusal(&mut bench, context(1, "")), "E_INVALIDARG");
    assert_eq!(refusal(&mut bench, context(1, &"x".repeat(301))), "SR_NOT_VALID_FOR_APP_INVITE");
    let mut bench = Bench::up();
    bench.connected();
    assert_eq!(refusal(&mut bench, context(1, &"x".repeat(301))), "SR_CONTEXT_DATA_OVER_LIMIT");
    assert_eq!(refusal(&mut bench, context(1, &"\u{1F600}".repeat(151))), "SR_CONTEXT_DATA_OVER_LIMIT");
    assert_eq!(bench.call(context(1, &"\u{1F600}".repeat(150))), ["context#4 s1 key=k-2 ack=3"]);
    bench.event(TIMED_OUT);
    assert_eq!(refusal(&mut bench, context(1, "x")), "SR_SESSION_STATE_INVALID");
}

#[test]
fn role_before_state_before_size() {
    let long = || Box::from("x".repeat(257));
    let mut bench = Bench::up();
    bench.inviting();
    assert_eq!(refusal(&mut bench, Call::Accept { session: s(1), data: long() }), "SR_NOT_INVITEE");
    assert_eq!(refusal(&mut bench, Call::Decline { session: s(1), data: long() }), "SR_NOT_INVITEE");
    assert_eq!(refusal(&mut bench, Call::Ignore { session: s(1) }), "SR_NOT_INVITEE");
    let long_cancel = || Call::Cancel { session: s(1), hr: Code::S_OK, data: long() };
    assert_eq!(refusal(&mut bench, long_cancel()), "E_INVALIDARG");
    let launched = Call::Progress { session: s(1), stage: Stage::Launched, code: None };
    assert_eq!(refusal(&mut bench, launched), "SR_NOT_INVITEE");
    bench.event(TIMED_OUT);
    assert_eq!(refusal(&mut bench, long_cancel()), "SR_SESSION_STATE_INVALID");
    for call in [accept(9), cancel(9), context(9, "x"), Call::Attach { session: s(9) }] {
        assert_eq!(refusal(&mut bench, call), "E_INVALIDARG", "no such session");
    }
}

#[test]
fn people() {
    let mut bench = Bench::up();
    assert_eq!(refusal(&mut bench, Call::SetStatus(Status::Offline)), "E_INVALIDARG");
    let add = |who: &str| Call::Contact { action: ContactAction::Add, who: who.into() };
    assert_eq!(refusal(&mut bench, add("bob")), "E_INVALIDARG");
    assert_eq!(bench.call(Call::SetStatus(Status::Away)), ["status#3"]);
    assert_eq!(bench.call(add("bob@x")), ["contact#4 key=k-1"]);
    assert_eq!(bench.code(3, Code::S_OK), ["return 3 Done"]);
    assert_eq!(bench.code(4, Code::S_FALSE), ["return 4 Already"]);
    assert_eq!(bench.call(Call::Settings(SettingsChange::default())), ["settings#5"]);
    assert_eq!(bench.code(5, Code::S_OK), ["return 5 E_FAIL"], "a service that does not say what they are");
}

#[test]
fn only_so_many_are_on_the_wire_and_only_so_many_wait() {
    let mut bench = Bench::up();
    let mut sent = 0;
    for n in 1..=256 {
        let lines = bench.call(Call::Contacts);
        sent += lines.len();
        assert_eq!(lines.is_empty(), n > 32, "{n}");
    }
    assert_eq!(sent, 32);
    assert_eq!(bench.call(Call::Contacts), ["return 257 E_OUTOFMEMORY"]);
    assert_eq!(bench.code(3, Code::S_OK), ["return 1 Contacts([])", "contacts#35"]);
    assert!(bench.call(Call::Contacts).is_empty(), "there is room again");
    bench.closed(None);
    assert_eq!(bench.reconnect(true).len(), 2 + 32);
    assert!(bench.input(Input::Heard).is_empty());
}
