//! A client whose process may be killed: what is saved when, and what another one makes of it.

use hither_wire::{Code, State};

use super::bench::{ACCEPTED, Bench, INVITED, accept, context, invite, s, setup};
use crate::client::{Call, Client, Input, ResumePoint};

/// The process is killed; another one begins with what was saved.
fn killed(bench: &Bench) -> Bench {
    let text = serde_json::to_string(bench.point.as_ref().unwrap()).unwrap();
    let point: ResumePoint = serde_json::from_str(&text).unwrap();
    assert_eq!(Some(&point), bench.point.as_ref(), "as it was written");
    Bench::of(Client::restore(setup(true, "j"), point))
}

#[test]
fn a_request_is_saved_before_it_is_sent() {
    let mut bench = Bench::durable();
    bench.ready(1);
    assert_eq!(bench.input(Input::Changed), ["save"]);
    assert_eq!(bench.call(invite(1)), ["save", "invite#3 s1 key=k-1"]);

    let mut other = killed(&bench);
    assert_eq!(other.input(Input::Start), ["connect"]);
    assert_eq!(other.state(1), State::Ready);
    let lines: Vec<_> = other.sign_in(true).into_iter().filter(|line| line != "save").collect();
    assert_eq!(lines, ["SignedIn resumed", "invite#3 s1 key=k-1"], "under its old key");
    assert_eq!(other.event(INVITED)[..2], ["save", "StateChanged s1 READY>INVITATION"]);
    other.code(3, Code::S_OK);
    assert_eq!(other.point.as_ref().unwrap().requests, []);
    other.event(ACCEPTED);
    other.ready(2);
    assert_eq!(other.call(invite(2))[1], "invite#4 s2 key=j-1 ack=2", "new keys are new");
}

#[test]
fn an_acknowledgement_waits_until_it_is_saved_that_the_event_was_taken() {
    let mut bench = Bench::durable();
    bench.takes = false;
    bench.ringing();
    bench.take_all();
    assert_eq!(bench.pass(1_000), ["ack 1"]);

    let mut bench = Bench::durable();
    bench.takes = false;
    bench.saves = false;
    bench.ringing();
    assert_eq!(bench.take_all(), ["save"]);
    assert!(bench.pass(60_000).iter().all(|line| !line.starts_with("ack")), "the disk is full");
    bench.saves = true;
    bench.call(accept(1));
    assert_eq!(bench.pass(1_000), ["ack 1"], "the next change saves it too");
}

#[test]
fn what_was_not_taken_is_told_again() {
    let mut bench = Bench::durable();
    bench.ringing();
    bench.takes = false;
    assert_eq!(bench.call(accept(1)), ["save", "accept#3 s1 key=k-1 ack=1"]);
    bench.event(r#""event":"accepted","session":"S1""#);
    bench.code(3, Code::S_OK);
    bench.event(r#""event":"connected","session":"S1""#);
    assert_eq!(bench.state(1), State::Connected);

    let mut other = killed(&bench);
    other.takes = false;
    assert_eq!(
        other.input(Input::Start),
        ["save", "StateChanged s1 INVITATION>ACCEPTED", "StateChanged s1 ACCEPTED>CONNECTED", "connect"]
    );
    assert_eq!((other.state(1), other.told), (State::Connected, 2));
    assert_eq!(other.greet(), ["sign-in#2 password ack=1"]);
    other.sign_in_answer(super::bench::signed_in(true, 0));
    for seq in 2..=3 {
        assert!(other.event_again(seq, r#""event":"connected","session":"S1""#).is_empty(), "once is enough");
    }
    other.input(Input::Taken { events: 1 });
    assert!(other.pass(1_000).is_empty());
    other.input(Input::Taken { events: 2 });
    assert_eq!(other.pass(1_000), ["ack 3"]);
    assert_eq!(other.call(context(1, "x")), ["save", "context#3 s1 key=j-1"]);
}

#[test]
fn a_point_that_the_service_does_not_know_any_more() {
    let mut bench = Bench::durable();
    bench.connected();
    bench.call(context(1, "x"));
    let mut other = killed(&bench);
    other.input(Input::Start);
    let lines: Vec<_> = other.sign_in(false).into_iter().filter(|line| line != "save").collect();
    assert_eq!(
        lines,
        [
            "SignedIn",
            "SendError s1 SR_CONTEXT_DATA_SEND_FAILURE",
            "StateChanged s1 CONNECTED>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE"
        ]
    );
    let mut third = killed(&other);
    third.input(Input::Start);
    assert_eq!(third.state(1), State::Unknown);
    assert_eq!(third.greet(), ["sign-in#2 password ack=0"]);
}

#[test]
fn a_point_that_cannot_be_signed_in_with_stays_as_it_is() {
    let mut bench = Bench::durable();
    bench.connected();
    let mut other = killed(&bench);
    other.input(Input::Start);
    assert_eq!(other.input(Input::ConnectFailed), ["stopped Unreachable"]);
    assert!(other.point.is_none_or(|point| Some(point) == bench.point));
}

#[test]
fn beyond_the_grace_the_point_does_not_resume() {
    let mut bench = Bench::durable();
    bench.connected();
    bench.closed(None);
    bench.pass(30_000);
    let mut other = killed(&bench);
    other.input(Input::Start);
    assert_eq!(other.greet(), ["sign-in#2 password"]);
}

#[test]
fn only_what_happened_in_sessions_is_told_again() {
    let mut bench = Bench::durable();
    bench.ringing();
    bench.takes = false;
    bench.unnumbered(r#"{"event":"presence","who":"bob@x","status":"AWAY"}"#);
    bench.event(r#""event":"fireworks""#);
    bench.closed(None);
    let mut other = killed(&bench);
    assert_eq!(other.input(Input::Start), ["connect"]);
    other.greet();
    assert_eq!(other.id, 2);
    assert!(other.sign_in_answer(super::bench::signed_in(true, 0)).contains(&"SignedIn resumed".to_owned()));
}

#[test]
fn who_has_signed_out_leaves_nothing_to_go_on_with() {
    let mut bench = Bench::durable();
    bench.takes = false;
    bench.connected();
    bench.call(Call::SignOut { revoke: false });
    let lines = bench.code(bench.id, Code::S_OK);
    assert_eq!((lines[0].as_str(), lines.last().unwrap().as_str()), ("save", "stopped SignedOut"));
    let mut other = killed(&bench);
    assert_eq!(other.input(Input::Start), ["connect"]);
    assert_eq!((other.greet(), other.state(1)), (vec!["sign-in#2 password".to_owned()], State::Unknown));
}

#[test]
fn who_was_replaced_leaves_the_point_to_the_newer_one() {
    let mut bench = Bench::durable();
    bench.connected();
    let lines = bench.closed(Some(4003));
    assert_eq!(lines.last().unwrap(), "stopped Replaced");
    assert!(!lines.contains(&"save".to_owned()), "{lines:?}");
}

#[test]
fn a_damaged_point_is_an_error() {
    let mut bench = Bench::durable();
    bench.ready(1);
    bench.call(invite(1));
    let text = serde_json::to_string(bench.point.as_ref().unwrap()).unwrap();
    for (from, to) in [(r#"\"do\":\"invite\""#, r#"\"do\":\"dance\""#), ("alice@x", "alice"), ("INVITER", "NOBODY")] {
        assert!(text.contains(from), "{text}");
        assert!(serde_json::from_str::<ResumePoint>(&text.replace(from, to)).is_err(), "{from}");
    }
    assert!(!format!("{:?}", bench.point).contains("token"));
    assert_eq!(bench.client.session(s(1)).unwrap().state, State::Ready);
}
