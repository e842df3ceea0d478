//! Lost connections: within the grace nobody notices, beyond it everything fails in good order.

use hither_wire::{Code, State};

use super::bench::{ACCEPTED, Bench, CONNECTED, INVITED, accept, cancel, context, invite, s, signed_in};
use crate::client::{Call, Input};

#[test]
fn what_had_no_answer_is_said_again_with_its_key() {
    let mut bench = Bench::up();
    bench.connected();
    assert_eq!(bench.call(context(1, "one")), ["context#4 s1 key=k-2 ack=3"]);
    assert_eq!(bench.call(context(1, "two")), ["context#5 s1 key=k-3"]);
    assert_eq!(bench.closed(None), ["ConnectionLost MSGR_E_DISCONNECTED"]);
    assert!(bench.call(context(1, "three")).is_empty(), "it waits");
    assert_eq!(
        bench.reconnect(true),
        [
            "sign-in#7 password ack=3",
            "SignedIn resumed",
            "context#8 s1 key=k-2",
            "context#9 s1 key=k-3",
            "context#10 s1 key=k-4"
        ]
    );
    assert!(bench.code(4, Code::S_OK).is_empty(), "ids are those of the connection");
    assert_eq!(bench.code(8, Code::S_OK), ["return 2 Done"]);
}

#[test]
fn events_come_once_and_none_is_missing() {
    let mut bench = Bench::up();
    bench.takes = false;
    bench.inviting();
    bench.event(ACCEPTED);
    bench.closed(None);
    assert_eq!(bench.reconnect(true)[0], "sign-in#5 password ack=0", "nothing was taken yet");
    assert!(bench.event_again(1, INVITED).is_empty());
    assert!(bench.event_again(2, ACCEPTED).is_empty());
    assert_eq!(bench.event_again(3, CONNECTED), ["StateChanged s1 ACCEPTED>CONNECTED"]);
    let lines = bench.event_again(5, ACCEPTED);
    assert_eq!(lines, ["close", "ConnectionLost MSGR_E_DISCONNECTED"], "number 4 is missing");
    assert_eq!(bench.state(1), State::Connected);
}

#[test]
fn acknowledgements_ride_and_go_alone_when_they_must() {
    let mut bench = Bench::up();
    bench.takes = false;
    bench.ringing();
    assert!(bench.pass(5_000).is_empty(), "the application has not taken it");
    bench.take_all();
    assert!(bench.pass(999).is_empty());
    assert_eq!(bench.pass(1), ["ack 1"]);
    assert!(bench.pass(30_000).is_empty(), "once");

    let mut bench = Bench::up();
    let mut alone = Vec::new();
    for n in 1..=33_u128 {
        let invitation = super::bench::invitation(&s(n).to_string());
        alone.extend(bench.event(&invitation).into_iter().filter(|line| line.starts_with("ack")));
    }
    assert_eq!(alone, ["ack 16", "ack 32"]);
    assert_eq!(bench.call(accept(1)), ["accept#3 s1 key=k-1 ack=33"]);
    assert!(bench.pass(5_000).is_empty());
}

#[test]
fn a_service_that_does_not_resume() {
    let mut bench = Bench::up();
    bench.connected();
    bench.ready(2);
    bench.closed(None);
    bench.call(context(1, "lost"));
    bench.call(invite(2));
    bench.call(Call::Contacts);
    assert_eq!(
        bench.reconnect(false),
        [
            "sign-in#5 password ack=3",
            "SignedIn",
            "SendError s1 SR_CONTEXT_DATA_SEND_FAILURE",
            "StateChanged s1 CONNECTED>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE",
            "return 2 SR_CONTEXT_DATA_SEND_FAILURE",
            "invite#6 s2 key=k-3",
            "contacts#7"
        ]
    );
    assert_eq!(bench.event(&INVITED.replace("S1", "S2")), ["StateChanged s2 READY>INVITATION"], "counted from 1 again");
}

#[test]
fn an_invitation_that_may_have_rung_is_not_made_again() {
    let mut bench = Bench::up();
    bench.ready(1);
    bench.call(invite(1));
    bench.call(cancel(1));
    bench.closed(None);
    assert_eq!(
        bench.reconnect(false)[1..],
        [
            "SignedIn",
            "SendError s1 SR_INVITATION_SEND_FAILURE",
            "StateChanged s1 READY>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE",
            "SendError s1 SR_CANCEL_SEND_FAILURE",
            "return 1 SR_INVITATION_SEND_FAILURE",
            "return 2 SR_CANCEL_SEND_FAILURE"
        ]
    );
}

#[test]
fn beyond_the_grace_every_call_fails_with_its_own_code() {
    let own = [(cancel(1), "SR_CANCEL_SEND_FAILURE"), (context(1, "x"), "SR_CONTEXT_DATA_SEND_FAILURE")];
    for (call, code) in own {
        let mut bench = Bench::up();
        bench.connected();
        bench.closed(None);
        bench.call(call);
        let at = bench.now + 29_999;
        assert!(only_told(bench.pass(29_999)).is_empty());
        assert_eq!(bench.now, at);
        let expected = [
            format!("SendError s1 {code}"),
            "StateChanged s1 CONNECTED>TERMINATED".into(),
            "Termination s1 SR_CONNECTION_FAILURE".into(),
            format!("return 2 {code}"),
        ];
        assert_eq!(only_told(bench.pass(1)), expected);
    }
    let mut bench = Bench::up();
    bench.ringing();
    bench.ready(2);
    bench.closed(None);
    for call in [accept(1), Call::Decline { session: s(1), data: "".into() }, invite(2), Call::Contacts] {
        bench.call(call);
    }
    assert_eq!(
        only_told(bench.pass(30_000)),
        [
            "SendError s1 SR_ACCEPT_SEND_FAILURE",
            "SendError s1 SR_DECLINE_SEND_FAILURE",
            "SendError s2 SR_INVITATION_SEND_FAILURE",
            "StateChanged s1 INVITATION>TERMINATED",
            "Termination s1 SR_CONNECTION_FAILURE",
            "return 1 SR_ACCEPT_SEND_FAILURE",
            "return 2 SR_DECLINE_SEND_FAILURE",
            "return 3 SR_INVITATION_SEND_FAILURE",
            "return 4 MSGR_E_DISCONNECTED",
        ]
    );
    assert_eq!(bench.state(2), State::Ready, "it can invite again");
    // Nothing waits any more, and nothing is resumed.
    assert_eq!(
        only_told(bench.call(invite(2))),
        ["SendError s2 SR_INVITATION_SEND_FAILURE", "return 5 SR_INVITATION_SEND_FAILURE"]
    );
    let asked = bench.reconnect(false);
    assert!(asked[0].ends_with("password"), "{asked:?}: without ack");
    assert_eq!(asked[1..], ["SignedIn"]);
    assert!(bench.call(invite(2))[0].starts_with("invite#"));
}

#[test]
fn a_sign_in_that_could_resume_what_is_over_is_left() {
    let mut bench = Bench::up();
    bench.connected();
    bench.closed(None);
    bench.pass(200);
    bench.greet();
    // The service accepts, but its answer does not come in time.
    bench.now = 40_000;
    let lines = bench.input(Input::Timeout);
    assert_eq!(lines[0], "close");
    assert!(lines.contains(&"Termination s1 SR_CONNECTION_FAILURE".to_owned()), "{lines:?}");
    assert!(bench.sign_in_answer(signed_in(true, 0)).is_empty(), "nobody listens to it");
    assert!(bench.reconnect(false)[0].ends_with("password"), "without ack");
}

#[test]
fn the_connection_may_break_in_every_phase() {
    for phase in 0..4 {
        let mut bench = Bench::up();
        bench.inviting();
        bench.closed(None);
        bench.call(cancel(1));
        assert_eq!(bench.pass(200), ["connect"]);
        match phase {
            0 => bench.input(Input::ConnectFailed),
            1 => {
                bench.input(Input::Opened { local: None });
                bench.closed(None)
            }
            2 => {
                bench.greet();
                bench.closed(None)
            }
            _ => bench.pass(20_000),
        };
        let lines = bench.reconnect(true);
        assert_eq!(lines[1..], ["SignedIn resumed".to_owned(), format!("cancel#{} s1 key=k-2", bench.id)], "{phase}");
    }
}

fn only_told(lines: Vec<String>) -> Vec<String> {
    let told = |line: &String| line.contains(' ') && !line.contains('#') && !line.starts_with("connect");
    lines.into_iter().filter(told).collect()
}
