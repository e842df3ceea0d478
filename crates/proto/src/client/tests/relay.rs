//! The client of an agent, which passes on what others ask and what they are to be told, and does not
//! give up before it has been connected.

use hither_wire::message::{Application, Data, Invite, Request};
use hither_wire::{Address, Code, Guid, State};

use super::bench::{ACCEPTED, Bench, CONNECTED, INVITED, TIMED_OUT, invitation, name, s, setup};
use crate::client::{Call, Client, Input, ResumePoint, Setup};

/// What a client does that looks for the other end.
const TRYING: [&str; 2] = ["connect", "close"];

fn relaying(durable: bool) -> Setup {
    Setup { relay: true, ..setup(durable, "k") }
}

fn up(setup: Setup) -> Bench {
    let mut bench = Bench::of(Client::new(setup));
    bench.input(Input::Start);
    bench.sign_in(false);
    bench
}

fn invite(n: u128) -> Request {
    let app = Application { guid: Guid(0x60), name: "Go".into(), url: "".into(), launch_only: true };
    let address = Some(Address::parse("198.51.100.1").unwrap());
    let (session, to, data) = (s(n), name("bob@x"), Data::text("come"));
    Request::Invite(Box::new(Invite { session, to, app, data, address, material: None, ring_ms: None, attach: false }))
}

fn relay(request: Request, key: Option<&str>) -> Call {
    Call::Relay { request, key: key.map(Into::into), object: None }
}

/// The event as it stood on the wire.
fn relayed(text: &str) -> String {
    let text = text.replace("S1", &s(1).to_string());
    let frame = hither_wire::decode_server(&format!(r#"{{"seq":1,{text}}}"#)).unwrap();
    let hither_wire::ServerFrame::Event(frame) = frame else { panic!("{text}") };
    format!("Relayed {}", serde_json::to_string(&frame.event).unwrap())
}

#[test]
fn an_invitation_of_somebody_else() {
    let mut bench = up(relaying(false));
    assert_eq!(bench.call(relay(invite(1), Some("7.a"))), ["invite#3 s1 key=7.a"], "under his key");
    let session = bench.client.session(s(1)).unwrap();
    assert_eq!((session.state, session.user, session.flags), (State::Ready, Some(name("bob@x")), 5));
    assert_eq!(session.local, Some(Address::parse("198.51.100.1").unwrap()));
    assert_eq!(bench.event(INVITED), [relayed(INVITED)]);
    assert_eq!(bench.code(3, Code::S_OK), ["return 1 Done"]);
    assert_eq!(bench.event(ACCEPTED), [relayed(ACCEPTED)]);
    assert_eq!(bench.event(CONNECTED), [relayed(CONNECTED)]);
    assert_eq!(bench.state(1), State::Connected, "it knows what it passes on");
    assert_eq!(bench.call(relay(invite(1), None)), ["return 2 SR_SESSION_NOT_READY"]);

    assert_eq!(bench.call(relay(invite(2), None)), ["invite#4 s2 key=k-1 ack=3"], "or under one of its own");
    assert_eq!(bench.code(4, Code::SR_INVITED_SELF), ["return 3 SR_INVITED_SELF"]);
    assert_eq!(bench.state(2), State::Ready);
}

#[test]
fn everything_else_is_the_services_to_judge() {
    let mut bench = up(relaying(false));
    assert_eq!(bench.call(relay(Request::Attach { session: s(9) }, Some("7.b"))), ["attach#3 s9 key=7.b"]);
    assert_eq!(bench.code(3, Code::E_INVALIDARG), ["return 1 E_INVALIDARG"]);
    assert_eq!(bench.call(relay(Request::Contacts, None)), ["contacts#4"]);
}

#[test]
fn only_what_means_something_is_told() {
    let mut bench = up(relaying(false));
    assert!(bench.event(TIMED_OUT).is_empty(), "of a session that nobody has");
    assert_eq!(bench.event(&invitation("S1")), [relayed(&invitation("S1"))]);
    assert!(bench.event(&invitation("S1")).is_empty(), "it rings already");
    assert!(bench.event(CONNECTED).is_empty(), "not in INVITATION");
    assert!(bench.event(r#""event":"fireworks""#).is_empty());
    assert_eq!(bench.event(TIMED_OUT), [relayed(TIMED_OUT)]);
    assert_eq!(bench.state(1), State::Terminated);
    assert_eq!(
        bench.unnumbered(r#"{"event":"presence","who":"bob@x","status":"AWAY"}"#),
        ["ContactStatus bob@x AWAY"],
        "presence is the client's own"
    );
}

#[test]
fn a_session_that_is_lost_ends_in_the_words_of_the_service() {
    let mut bench = up(relaying(false));
    bench.event(&invitation("S1"));
    bench.closed(None);
    let ended = relayed(r#""event":"ended","session":"S1","how":"terminated","code":2164262403"#);
    let told: Vec<String> = bench.pass(30_000).into_iter().filter(|line| !TRYING.contains(&&**line)).collect();
    assert_eq!(told, [ended]);
}

#[test]
fn what_was_not_taken_is_relayed_again_by_the_next_process() {
    let mut bench = up(relaying(true));
    bench.takes = false;
    bench.event(&invitation("S1"));
    bench.call(relay(Request::Ignore { session: s(1) }, Some("7.a")));

    let text = serde_json::to_string(bench.point.as_ref().unwrap()).unwrap();
    let point: ResumePoint = serde_json::from_str(&text).unwrap();
    let mut other = Bench::of(Client::restore(Setup { key_prefix: "j".into(), ..relaying(true) }, point));
    other.takes = false;
    assert!(other.input(Input::Start).contains(&relayed(&invitation("S1"))));
    let told = other.sign_in(true);
    assert!(told.contains(&"ignore#3 s1 key=7.a".to_owned()), "{told:?}");
    // Whoever asked says it again, and gets the answer.
    let again = other.call(relay(Request::Ignore { session: s(1) }, Some("7.a")));
    assert!(again.iter().all(|line| line == "save"), "it is on its way: {again:?}");
    assert!(other.code(3, Code::S_OK).contains(&"return 1 Done".to_owned()));
}

#[test]
fn a_patient_client_waits_for_its_first_connection() {
    let mut bench = Bench::of(Client::new(relaying(false)));
    assert_eq!(bench.input(Input::Start), ["connect"]);
    assert!(bench.call(Call::Contacts).is_empty());
    for _ in 0..3 {
        assert!(bench.input(Input::ConnectFailed).is_empty());
        let at = bench.client.poll_timeout().unwrap() - bench.now;
        assert_eq!(bench.pass(at), ["connect"]);
    }
    bench.sign_in(false);
    assert_eq!(bench.id, 3, "what was called goes out");
    assert_eq!(bench.code(3, Code::S_OK), ["return 1 Contacts([])"]);
}

#[test]
fn patience_with_calls_has_an_end_but_none_with_connecting() {
    let mut bench = Bench::of(Client::new(relaying(false)));
    bench.input(Input::Start);
    bench.call(Call::Contacts);
    bench.input(Input::ConnectFailed);
    let mut told = Vec::new();
    while !told.contains(&"return 1 MSGR_E_DISCONNECTED".to_owned()) {
        assert!(bench.now <= 30_000);
        told.extend(bench.pass(100));
        if told.last().is_some_and(|line| line == "connect") {
            told.extend(bench.input(Input::ConnectFailed));
        }
    }
    assert_eq!(bench.call(Call::Contacts), ["return 2 MSGR_E_DISCONNECTED"], "at once");
    while told.last().is_none_or(|line| line != "connect") {
        told.extend(bench.pass(100));
    }
    assert!(bench.sign_in(false).contains(&"SignedIn".to_owned()));
}

#[test]
fn a_refusal_is_final_even_for_whoever_is_patient() {
    let mut bench = Bench::of(Client::new(relaying(false)));
    bench.input(Input::Start);
    bench.greet();
    let lines = bench.code(bench.id, Code::MSGR_E_INVALID_PASSWORD);
    assert_eq!(lines.last().unwrap(), "stopped Refused");
}
