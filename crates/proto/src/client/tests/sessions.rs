//! Whole sessions, from either side: the order of R8, and that only events change a state.

use hither_wire::{Code, State};

use super::bench::{ACCEPTED, Bench, CONNECTED, INVITED, TIMED_OUT, accept, cancel, context, invitation, invite, s};
use crate::client::{Call, Input};

#[test]
fn an_inviters_session() {
    let mut bench = Bench::up();
    bench.ready(1);
    assert_eq!(bench.state(1), State::Ready);
    assert_eq!(bench.call(invite(1)), ["invite#3 s1 key=k-1"]);
    assert_eq!(bench.state(1), State::Ready, "an answer will not do");
    assert_eq!(bench.event(INVITED), ["StateChanged s1 READY>INVITATION"]);
    assert_eq!(bench.code(3, Code::S_OK), ["return 1 Done"]);
    let progress = r#""event":"progress","session":"S1","stage":"ringing""#;
    assert_eq!(bench.event(progress), ["Progress s1 ringing"]);
    assert_eq!(
        bench.event(ACCEPTED),
        ["StateChanged s1 INVITATION>ACCEPTED", "Accepted s1 \"yes\""],
        "first the state, then the data"
    );
    let told = |bench: &Bench| bench.client.session(s(1)).unwrap().remote.map(|address| address.to_string());
    assert_eq!(told(&bench), None, "not before CONNECTED");
    assert_eq!(bench.event(CONNECTED), ["StateChanged s1 ACCEPTED>CONNECTED"]);
    assert_eq!(told(&bench).as_deref(), Some("198.51.100.7"));
    assert_eq!(bench.call(context(1, "here")), ["context#4 s1 key=k-2 ack=4"]);
    assert_eq!(bench.code(4, Code::S_OK), ["return 2 Done"]);
    let data = r#""event":"context","session":"S1","data":{"text":"there"}"#;
    assert_eq!(bench.event(data), ["ContextData s1 \"there\""]);
    assert_eq!(bench.call(cancel(1)), ["cancel#5 s1 key=k-3 ack=5"]);
    let mine =
        r#""event":"ended","session":"S1","how":"cancelled","by":"local","code":2164262406,"data":{"text":"bye"}"#;
    assert_eq!(
        bench.event(mine),
        [
            "StateChanged s1 CONNECTED>CANCELLED",
            "StateChanged s1 CANCELLED>TERMINATED",
            "Termination s1 SR_SESSION_CANCELLED_LOCAL \"bye\""
        ]
    );
    assert_eq!(bench.code(5, Code::S_OK), ["return 3 Done"]);
    let session = bench.client.session(s(1)).unwrap();
    assert_eq!((session.state, session.context.as_deref(), session.flags), (State::Terminated, Some("there"), 1));
    assert_eq!(session.user.unwrap().as_str(), "bob@x");
}

#[test]
fn an_invitees_session() {
    let mut bench = Bench::up();
    assert_eq!(bench.event(&invitation("S1")), ["Invitation s1 bob@x \"come\" 60000"]);
    assert_eq!(bench.state(1), State::Invitation);
    assert_eq!(bench.call(accept(1)), ["accept#3 s1 key=k-1 ack=1"]);
    let accepted = r#""event":"accepted","session":"S1","address":"192.0.2.9""#;
    assert_eq!(bench.event(accepted), ["StateChanged s1 INVITATION>ACCEPTED"], "the data are for the other party");
    assert_eq!(bench.event(CONNECTED), ["StateChanged s1 ACCEPTED>CONNECTED"]);
    assert_eq!(bench.code(3, Code::S_OK), ["return 1 Done"]);
    let theirs = r#""event":"ended","session":"S1","how":"cancelled","by":"remote","code":2164262407"#;
    assert_eq!(
        bench.event(theirs),
        [
            "StateChanged s1 CONNECTED>CANCELLED",
            "Cancelled s1",
            "StateChanged s1 CANCELLED>TERMINATED",
            "Termination s1 SR_SESSION_CANCELLED_REMOTE"
        ]
    );
    let session = bench.client.session(s(1)).unwrap();
    assert_eq!((session.flags, session.attached), (2, true));
    assert_eq!(session.local.unwrap().as_str(), "192.0.2.1", "its own, by default");
}

#[test]
fn every_way_to_end() {
    let declined = |by: &str| {
        format!(
            r#""event":"ended","session":"S1","how":"declined","by":"{by}","code":2164262402,"data":{{"text":"no"}}"#
        )
    };
    let passed = ["StateChanged s1 INVITATION>DECLINED", "StateChanged s1 DECLINED>TERMINATED"];
    let end = "Termination s1 SR_INVITATION_DECLINED \"no\"";
    let mut bench = Bench::up();
    bench.inviting();
    assert_eq!(bench.event(&declined("remote")), [passed[0], "Declined s1 \"no\"", passed[1], end]);
    let mut bench = Bench::up();
    bench.ringing();
    assert_eq!(bench.event(&declined("local")), [passed[0], passed[1], end]);

    for connected in [false, true] {
        let mut bench = Bench::up();
        if connected {
            bench.connected();
        } else {
            bench.inviting();
        }
        let from = if connected { "CONNECTED" } else { "INVITATION" };
        let lines = [format!("StateChanged s1 {from}>TERMINATED"), "Termination s1 SR_SESSION_TIMEOUT".into()];
        assert_eq!(bench.event(TIMED_OUT), lines);
        assert!(bench.event(TIMED_OUT).is_empty(), "an end comes once");
    }

    let mut bench = Bench::up();
    bench.ringing();
    let elsewhere = r#""event":"ended","session":"S1","how":"cancelled","by":"remote","code":2164262407,"reason":"accepted_elsewhere""#;
    assert_eq!(bench.event(elsewhere)[1], "Cancelled s1 AcceptedElsewhere");
}

#[test]
fn what_does_not_fit_is_ignored_and_still_taken() {
    let mut bench = Bench::up();
    for event in [ACCEPTED, CONNECTED, TIMED_OUT, r#""event":"fireworks","colour":"red""#] {
        assert!(bench.event(event).is_empty(), "{event}");
    }
    let mut inviting = Bench::up();
    inviting.inviting();
    assert!(inviting.event(r#""event":"progress","session":"S1","stage":"levitating""#).is_empty());
    let elsewhere =
        r#""event":"ended","session":"S1","how":"cancelled","by":"phone","code":7,"reason":"bored_elsewhere""#;
    assert_eq!(inviting.event(elsewhere)[1], "Cancelled s1", "names that are not known");
    bench.ready(1);
    for event in [ACCEPTED, CONNECTED, TIMED_OUT, &invitation("S1")] {
        assert!(bench.event(event).is_empty(), "{event}");
        assert_eq!(bench.state(1), State::Ready);
    }
    assert_eq!(bench.pass(1_000), ["ack 8"]);
}

#[test]
fn an_invitation_that_does_not_come_about_leaves_the_session_ready() {
    let mut bench = Bench::up();
    bench.ready(1);
    bench.call(invite(1));
    assert_eq!(bench.call(invite(1)), ["return 2 SR_SESSION_NOT_READY"]);
    assert!(bench.client.set_application(s(1), super::bench::APP, "", "").is_err(), "one is on its way");
    assert_eq!(bench.code(3, Code::MSGR_E_NOT_LOGGED_ON), ["return 1 MSGR_E_NOT_LOGGED_ON"]);
    assert_eq!(bench.client.session(s(1)).unwrap().user, None);
    assert_eq!(bench.call(invite(1)), ["invite#4 s1 key=k-2"]);
}

#[test]
fn ended_sessions_are_readable_for_a_while() {
    let mut bench = Bench::up();
    for n in 1..=1_001 {
        let id = s(n).to_string();
        bench.event(&invitation(&id));
        bench.event(&TIMED_OUT.replace("S1", &id));
    }
    assert_eq!(
        (bench.state(1), bench.state(2), bench.state(1_001)),
        (State::Unknown, State::Terminated, State::Terminated)
    );
    // A service that has forgotten may let the same id ring again.
    assert_eq!(bench.event(&invitation(&s(2).to_string())).len(), 1);
    assert_eq!(bench.state(2), State::Invitation);
}

#[test]
fn letting_go() {
    let let_go = |bench: &mut Bench| {
        bench.client.let_go(s(1));
        bench.input(Input::Changed)
    };
    let mut bench = Bench::up();
    bench.ready(1);
    assert!(let_go(&mut bench).is_empty());
    assert_eq!(bench.state(1), State::Unknown, "the service never knew it");

    let mut bench = Bench::up();
    bench.ready(1);
    bench.call(invite(1));
    assert_eq!(let_go(&mut bench), ["cancel#4 s1 key=k-2"], "behind the invitation");

    let mut bench = Bench::up();
    bench.inviting();
    assert_eq!(let_go(&mut bench), ["cancel#4 s1 key=k-2 ack=1"]);

    let mut bench = Bench::up();
    bench.ringing();
    assert!(let_go(&mut bench).is_empty(), "it rings out");
    assert_eq!(bench.state(1), State::Invitation);

    let mut bench = Bench::up();
    bench.ringing();
    bench.call(accept(1));
    assert_eq!(let_go(&mut bench), ["cancel#4 s1 key=k-2"], "an acceptance on its way is an answer");

    let mut bench = Bench::up();
    bench.connected();
    assert_eq!(let_go(&mut bench), ["cancel#4 s1 key=k-2 ack=3"]);
    bench.event(TIMED_OUT);
    assert!(let_go(&mut bench).is_empty());
}

#[test]
fn attaching() {
    let attach = || Call::Attach { session: s(1) };
    let mut bench = Bench::up();
    bench.ready(1);
    assert_eq!(bench.call(attach()), ["return 1 Already"], "created here is attached here");

    let mut bench = Bench::up();
    bench.ready(1);
    bench.client.attach_on_answer(s(1), false);
    assert!(!bench.client.session(s(1)).unwrap().attached);
    assert_eq!(bench.call(attach()), ["return 1 Done"], "the invitation will carry it");
    assert!(bench.client.session(s(1)).unwrap().attached);

    let mut bench = Bench::up();
    bench.ringing();
    bench.client.attach_on_answer(s(1), false);
    bench.call(accept(1));
    bench.event(r#""event":"accepted","session":"S1""#);
    bench.code(3, Code::S_OK);
    assert_eq!(bench.call(attach()), ["attach#4 s1 key=k-2 ack=2"]);
    assert_eq!(bench.code(4, Code::S_OK), ["return 2 Done"]);
    assert_eq!(bench.call(attach()), ["return 3 Already"]);

    let mut bench = Bench::up();
    bench.ringing();
    bench.call(accept(1));
    bench.event(r#""event":"accepted","session":"S1""#);
    bench.code(3, Code::S_OK);
    assert_eq!(bench.call(attach()), ["return 2 Already"], "attached by the acceptance");
}
