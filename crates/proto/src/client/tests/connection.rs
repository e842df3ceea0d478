//! Connecting, signing in, being refused, watching the connection.

use hither_wire::message::{Answer, SignedIn, Welcome};
use hither_wire::{Code, Guid};

use super::bench::{Bench, cancel, invite, name, signed_in};
use crate::client::{Call, Input};

fn presence(who: &str, status: &str) -> String {
    format!(r#"{{"event":"presence","who":"{who}","status":"{status}"}}"#)
}

#[test]
fn from_start_to_signed_in() {
    let mut bench = Bench::new();
    assert_eq!(bench.input(Input::Start), ["connect"]);
    assert_eq!(bench.input(Input::Opened { local: None }), ["hello#1"]);
    let hello = Welcome {
        version: 1,
        service: "".into(),
        capabilities: Vec::new(),
        frame_bytes: 16_384,
        requests_in_flight: 32,
        keepalive_ms: 30_000,
    };
    let lines = bench.answer(Answer { hello: Some(hello), ..Answer::new(1, Code::S_OK) });
    assert_eq!(lines, ["sign-in#2 password"], "a first sign-in does not ask to resume");
    let token = Some("t".into());
    assert_eq!(bench.sign_in_answer(SignedIn { token, ..signed_in(false, 1) }), ["SignedIn"]);
    assert_eq!(bench.unnumbered(&presence("bob@x", "AWAY")), ["ContactStatus bob@x AWAY"]);
    assert_eq!((bench.client.friendly_name(), bench.client.token()), ("Alice", Some("t")));

    bench.closed(None);
    bench.now = bench.client.poll_timeout().unwrap();
    assert_eq!(bench.input(Input::Timeout), ["connect"]);
    assert_eq!(bench.greet(), ["sign-in#4 token ack=0"]);
    // Bob went while nobody listened; Carol came.
    assert_eq!(bench.sign_in_answer(signed_in(true, 1)), ["SignedIn resumed"]);
    assert_eq!(
        bench.unnumbered(&presence("carol@x", "ONLINE")),
        ["ContactStatus carol@x ONLINE", "ContactStatus bob@x OFFLINE"]
    );
}

#[test]
fn a_first_failure_is_final() {
    let starting = || {
        let mut bench = Bench::new();
        bench.input(Input::Start);
        bench
    };
    assert_eq!(starting().input(Input::ConnectFailed), ["stopped Unreachable"]);
    assert_eq!(starting().pass(20_000), ["close", "stopped TimedOut"]);
    let mut bench = starting();
    bench.input(Input::Opened { local: None });
    assert_eq!(bench.closed(Some(4002)), ["stopped Closed"]);
    let mut bench = starting();
    bench.input(Input::Opened { local: None });
    assert_eq!(bench.code(1, Code::MSGR_E_SERVER_VERSION), ["close", "stopped Version"]);
    let mut bench = starting();
    bench.input(Input::Opened { local: None });
    assert_eq!(bench.input(Input::Unreadable), ["close", "stopped Nonsense"]);
    for code in [Code::MSGR_E_INVALID_PASSWORD, Code::MSGR_E_SERVER_TOO_BUSY, Code::E_FAIL] {
        let mut bench = starting();
        bench.greet();
        let lines = bench.code(2, code);
        assert_eq!(lines, ["close", "stopped Refused"], "{code}");
        assert_eq!(bench.client.poll_timeout(), None);
    }
}

#[test]
fn a_sign_in_that_was_not_asked_for_is_nonsense() {
    for wrong in [
        SignedIn { user: name("eve@x"), ..signed_in(false, 0) },
        SignedIn { device: Guid(0xe), ..signed_in(false, 0) },
        signed_in(true, 0),
        SignedIn { token: Some("t".repeat(4_097).into()), ..signed_in(false, 0) },
        SignedIn { friendly_name: "x".repeat(129).into(), ..signed_in(false, 0) },
    ] {
        let mut bench = Bench::new();
        bench.input(Input::Start);
        bench.greet();
        assert_eq!(bench.sign_in_answer(wrong), ["close", "stopped Nonsense"]);
    }
    // Nor is going on in another stay than the one that was asked for.
    let mut bench = Bench::up();
    bench.closed(None);
    bench.pass(200);
    bench.greet();
    assert_eq!(bench.sign_in_answer(SignedIn { epoch: 2, ..signed_in(true, 0) }), ["close"]);
}

#[test]
fn a_later_refusal_is_final_or_a_wait() {
    for code in [Code::MSGR_E_INVALID_PASSWORD, Code::MSGR_E_SERVER_VERSION, Code::MSGR_E_POLICY_RESTRICTED] {
        let mut bench = Bench::up();
        bench.inviting();
        bench.closed(None);
        bench.call(cancel(1));
        bench.now = bench.client.poll_timeout().unwrap();
        bench.input(Input::Timeout);
        bench.greet();
        let id = bench.id;
        let lines = bench.code(id, code);
        let expected = [
            "close",
            "SendError s1 SR_CANCEL_SEND_FAILURE",
            "StateChanged s1 INVITATION>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE",
            "return 2 SR_CANCEL_SEND_FAILURE",
            &format!("SignedOut {code}"),
            "stopped Refused",
        ];
        assert_eq!(lines, expected);
    }
    let mut bench = Bench::up();
    bench.closed(None);
    bench.now = bench.client.poll_timeout().unwrap();
    bench.input(Input::Timeout);
    bench.greet();
    let busy = Answer { retry_after_ms: Some(5_000), ..Answer::new(bench.id, Code::MSGR_E_SERVER_TOO_BUSY) };
    assert_eq!(bench.answer(busy), ["close"]);
    assert!(bench.pass(4_999).is_empty(), "not before the service said");
    assert_eq!(bench.pass(1), ["connect"]);
}

#[test]
fn close_codes() {
    for code in [None, Some(1000), Some(1001), Some(4002), Some(4004), Some(4005), Some(4006), Some(1006)] {
        let mut bench = Bench::up();
        let reason = if code == Some(1001) { "MSGR_E_SERVER_SHUTDOWN" } else { "MSGR_E_DISCONNECTED" };
        assert_eq!(bench.closed(code), [format!("ConnectionLost {reason}")], "{code:?}");
        assert_eq!(bench.pass(200), ["connect"], "the first try is quick");
    }
    let mut bench = Bench::up();
    assert_eq!(bench.closed(Some(4003)), ["SignedOut MSGR_E_ALREADY_LOGGED_ON", "stopped Replaced"]);
    assert_eq!(bench.client.poll_timeout(), None);
    assert_eq!(bench.call(Call::Contacts), ["return 1 MSGR_E_NOT_LOGGED_ON"]);
    // What the service could not read is not said again.
    for code in [1003, 1009, 4000] {
        let mut bench = Bench::up();
        bench.ready(1);
        bench.call(invite(1));
        assert_eq!(
            bench.closed(Some(code)),
            [
                "SendError s1 SR_INVITATION_SEND_FAILURE",
                "StateChanged s1 READY>TERMINATED",
                "Termination s1 SR_CONNECTION_FAILURE",
                "return 1 SR_INVITATION_SEND_FAILURE",
                "ConnectionLost MSGR_E_DISCONNECTED"
            ]
        );
        assert_eq!(bench.reconnect(true).last().unwrap(), "SignedIn resumed");
    }
}

#[test]
fn the_service_signs_out() {
    let mut bench = Bench::up();
    let signed_out = |code: Code| format!(r#"{{"event":"signed-out","code":{}}}"#, code.0);
    assert!(bench.unnumbered(&signed_out(Code::MSGR_E_SERVER_SHUTDOWN)).is_empty(), "the close follows");
    assert_eq!(
        bench.unnumbered(&signed_out(Code::MSGR_E_POLICY_RESTRICTED)),
        ["close", "SignedOut MSGR_E_POLICY_RESTRICTED", "stopped SignedOutByService"]
    );
}

#[test]
fn signing_out() {
    let mut bench = Bench::up();
    bench.inviting();
    assert_eq!(bench.call(Call::Contacts), ["contacts#4 ack=1"]);
    assert_eq!(bench.call(Call::SignOut { revoke: false }), ["sign-out#5"]);
    assert_eq!(bench.call(Call::Contacts), ["return 4 MSGR_E_NOT_LOGGED_ON"], "nothing goes behind it");
    assert_eq!(bench.code(4, Code::S_OK), ["return 2 Contacts([])"]);
    let ended = [
        "close",
        "StateChanged s1 INVITATION>TERMINATED",
        "Termination s1 SR_CONNECTION_FAILURE",
        "SignedOut S_OK",
        "return 3 Done",
        "stopped SignedOut",
    ];
    assert_eq!(bench.code(5, Code::S_OK), ended);

    // Without a connection it is done at once, and so when the connection goes meanwhile.
    let mut bench = Bench::up();
    bench.closed(None);
    assert_eq!(bench.call(Call::SignOut { revoke: false }), ["SignedOut S_OK", "return 1 Done", "stopped SignedOut"]);
    let mut bench = Bench::up();
    bench.call(Call::SignOut { revoke: false });
    let lost = ["ConnectionLost MSGR_E_DISCONNECTED", "SignedOut S_OK", "return 1 Done", "stopped SignedOut"];
    assert_eq!(bench.closed(None), lost);
}

#[test]
fn three_redirects_in_a_row() {
    let mut bench = Bench::new();
    bench.input(Input::Start);
    for n in 1..=4 {
        bench.input(Input::Opened { local: None });
        let lines = bench.answer(Answer { redirect: Some("ws://b/v1".into()), ..Answer::new(n, Code::E_FAIL) });
        if n < 4 {
            assert_eq!(lines, ["close", "connect ws://b/v1"]);
        } else {
            assert_eq!(lines, ["close", "stopped Redirects"]);
        }
    }
    // At the sign-in too; and a lost connection begins at home again.
    let mut bench = Bench::new();
    bench.input(Input::Start);
    bench.greet();
    let to = Answer { redirect: Some("ws://b/v1".into()), ..Answer::new(2, Code::S_OK) };
    assert_eq!(bench.answer(to), ["close", "connect ws://b/v1"]);
    bench.sign_in(false);
    bench.closed(None);
    assert_eq!(bench.pass(200), ["connect"]);
}

#[test]
fn tries_get_rarer_until_a_connection_was_good() {
    let mut bench = Bench::up();
    bench.closed(None);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let before = bench.now;
        let at = bench.client.poll_timeout().unwrap();
        bench.now = at;
        waits.push(at - before);
        if bench.input(Input::Timeout).contains(&"connect".to_owned()) {
            bench.input(Input::ConnectFailed);
        }
    }
    assert!(waits[0] <= 200 && waits.iter().all(|wait| *wait <= 10_000), "{waits:?}");
    assert!(waits[5] > 2_000, "{waits:?}");
    // Signing in alone is not being good: a service that closes at once is not hammered.
    bench.reconnect(false);
    bench.closed(None);
    assert!(bench.client.poll_timeout().unwrap() - bench.now > 2_000);
    bench.reconnect(false);
    bench.pass(10_000);
    bench.closed(None);
    assert!(bench.client.poll_timeout().unwrap() - bench.now <= 200);
}

#[test]
fn a_silent_service_is_asked_and_then_left() {
    let mut bench = Bench::up();
    bench.now += 50_000;
    bench.input(Input::Heard);
    assert!(bench.pass(59_999).is_empty(), "pings of the service count");
    assert_eq!(bench.pass(1), ["ping#3"]);
    bench.now += 9_000;
    bench.code(3, Code::S_OK);
    assert!(bench.pass(59_999).is_empty());
    assert_eq!(bench.pass(1), ["ping#4"]);
    let lines = bench.pass(10_000);
    assert_eq!(lines[..2], ["close", "ConnectionLost MSGR_E_DISCONNECTED"]);
    assert_eq!(bench.client.poll_timeout().map(|_| bench.reconnect(true)).unwrap().last().unwrap(), "SignedIn resumed");
}

#[test]
fn a_request_that_nobody_answers_shows_a_dead_connection() {
    let mut bench = Bench::up();
    assert_eq!(bench.call(Call::Contacts), ["contacts#3"]);
    bench.now += 6_000;
    bench.input(Input::Heard);
    assert!(bench.pass(9_999).is_empty(), "something was heard since");
    assert_eq!(bench.pass(1)[..2], ["close", "ConnectionLost MSGR_E_DISCONNECTED"]);
    assert_eq!(bench.reconnect(true).last().unwrap(), "contacts#6");
}
