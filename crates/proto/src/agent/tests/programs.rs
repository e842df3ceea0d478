//! Running applications: what they are shown and asked, and what is none of their business.

use hither_wire::message::Event;
use hither_wire::{Guid, ServerFrame, SessionId};

use super::desk::{ALICE, BOB, Bench, GAME, guid};
use crate::agent::{Input, LinkId, Press};

const S: u128 = 5;
const SESSION: SessionId = Guid(S);

/// Bob's application runs and says so; Alice's invites.
fn invited(bench: &mut Bench) -> (LinkId, LinkId, u64) {
    let bob = bench.program(BOB, 20, 20);
    bench.ask(BOB, bob, &format!(r#"{{"id":3,"do":"serve","application":"{}"}}"#, guid(GAME)));
    assert_eq!(bench.took(BOB, bob), ["3 S_OK"]);
    let alice = bench.program(ALICE, 10, 10);
    let invite = format!(
        r#"{{"id":3,"key":"i","do":"invite","session":"{}","to":"bob@x","app":{{"guid":"{}"}},"attach":true}}"#,
        guid(S),
        guid(GAME)
    );
    bench.ask(ALICE, alice, &invite);
    bench.took(ALICE, alice);
    let question = bench.frames(BOB, bob).into_iter().find_map(|frame| match frame {
        ServerFrame::Event(event) => match event.event {
            Event::Invitation(invitation) => invitation.question,
            _ => None,
        },
        _ => None,
    });
    (alice, bob, question.unwrap())
}

fn reply(question: u64, yes: bool) -> String {
    format!(r#"{{"id":4,"do":"reply","question":{question},"yes":{yes}}}"#)
}

#[test]
fn a_running_application_may_handle_its_invitation() {
    let mut bench = Bench::new();
    let (alice, bob, question) = invited(&mut bench);
    assert_eq!(bench.did(BOB), [""; 0], "it does not ring before the answer");
    bench.ask(BOB, bob, &reply(question, true));
    bench.pass(10_000);
    assert_eq!(bench.did(BOB), [""; 0], "it does not ring at all");
    let accept = format!(r#"{{"id":5,"key":"a","do":"accept","session":"{}","attach":true}}"#, guid(S));
    bench.ask(BOB, bob, &accept);
    assert_eq!(bench.took(BOB, bob), ["4 S_OK", "accepted", "connected", "5 S_OK"]);
    assert!(bench.took(ALICE, alice).contains(&"connected".into()));
    assert_eq!(bench.did(BOB), ["quiet 5"], "nothing is started");
}

#[test]
fn no_answer_is_the_default() {
    for how in 0..3 {
        let mut bench = Bench::new();
        let (_, bob, question) = invited(&mut bench);
        match how {
            0 => bench.ask(BOB, bob, &reply(question, false)),
            1 => bench.pass(2_000),
            _ => bench.input(BOB, Input::Unlinked { link: bob }),
        }
        bench.settle();
        assert_eq!(bench.did(BOB), ["ring 5 alice@x true"], "{how}");
        if how == 1 {
            bench.ask(BOB, bob, &reply(question, true));
            assert_eq!(bench.took(BOB, bob), ["4 S_FALSE"], "too late");
        }
    }
}

#[test]
fn a_running_application_may_stop_the_start_and_take_the_session() {
    let mut bench = Bench::new();
    let (alice, bob, question) = invited(&mut bench);
    bench.ask(BOB, bob, &reply(question, false));
    bench.took(BOB, bob);
    bench.did(BOB);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    let frames = bench.frames(BOB, bob);
    let question = frames.iter().find_map(|frame| match frame {
        ServerFrame::Local(event) => match **event {
            hither_wire::local::Event::BeforeLaunch { question, .. } => Some(question),
            _ => None,
        },
        _ => None,
    });
    bench.ask(BOB, bob, &reply(question.unwrap(), false));
    bench.pass(5_000);
    assert_eq!(bench.did(BOB), ["quiet 5"], "nothing is started");
    bench.ask(BOB, bob, &format!(r#"{{"id":7,"key":"t","do":"attach","session":"{}"}}"#, guid(S)));
    assert_eq!(bench.took(BOB, bob), ["4 S_OK", "connected", "7 S_OK"]);
    assert!(bench.took(ALICE, alice).contains(&"connected".into()));
}

#[test]
fn the_started_one_gets_it_and_the_running_one_is_told() {
    let mut bench = Bench::new();
    let (_, bob, _) = invited(&mut bench);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.pass(2_000);
    assert_eq!(bench.did(BOB), ["quiet 5", "launch 5 192.0.2.1"].map(|s| s.replace("192.0.2.1", "-")));
    bench.launched(BOB, S, 30);
    let started = bench.program(BOB, 31, 31);
    bench.ask(BOB, started, r#"{"id":3,"do":"launching"}"#);
    bench.traced(BOB, Some(S));
    assert_eq!(bench.took(BOB, started), ["3 S_OK", "connected"]);
    assert_eq!(bench.took(BOB, bob).last().unwrap(), "elsewhere");
}

#[test]
fn the_launching_session_is_for_its_process_alone() {
    let mut bench = Bench::new();
    invited(&mut bench);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.pass(2_000);
    bench.launched(BOB, S, 30);
    let stranger = bench.program(BOB, 40, 40);
    for (frame, traced) in [
        (r#"{"id":3,"do":"launching"}"#, true),
        (r#"{"id":3,"do":"launching","process":30}"#, true),
        (r#"{"id":3,"do":"launching","secret":"guessed"}"#, true),
        (r#"{"id":3,"do":"launching","process":30,"secret":"secret30"}"#, true),
    ] {
        bench.ask(BOB, stranger, frame);
        if traced {
            bench.traced(BOB, None);
        }
        assert_eq!(bench.took(BOB, stranger), ["3 E_FAIL"], "{frame}");
    }
    // One that cannot be traced, but has the environment.
    bench.ask(BOB, stranger, r#"{"id":4,"do":"launching","secret":"secret30"}"#);
    assert_eq!(bench.took(BOB, stranger), ["4 S_OK", "connected"]);
    let second = bench.program(BOB, 41, 41);
    bench.ask(BOB, second, r#"{"id":5,"do":"launching","secret":"secret30"}"#);
    assert_eq!(bench.took(BOB, second), ["5 E_FAIL"]);
}

#[test]
fn an_application_sees_its_own_sessions_only() {
    let mut bench = Bench::new();
    let (alice, _, _) = invited(&mut bench);
    let other = bench.program(ALICE, 11, 11);
    for what in ["attach", "decline", "cancel", "accept"] {
        bench.ask(ALICE, other, &format!(r#"{{"id":7,"do":"{what}","session":"{}"}}"#, guid(S)));
    }
    bench.ask(ALICE, other, r#"{"id":7,"do":"sessions"}"#);
    assert_eq!(bench.took(ALICE, other), ["7 E_INVALIDARG"; 5]);
    assert_eq!(bench.took(ALICE, alice), [""; 0]);
    bench.ask(
        ALICE,
        other,
        &format!(r#"{{"id":8,"do":"invite","session":"{}","to":"bob@x","app":{{"guid":"{}"}}}}"#, guid(9), guid(1)),
    );
    assert_eq!(bench.took(ALICE, other), ["8 SR_APP_NOT_REGISTERED"]);
}

#[test]
fn an_application_that_is_gone_is_lost_after_the_grace() {
    let mut bench = Bench::new();
    let (alice, bob, question) = invited(&mut bench);
    bench.ask(BOB, bob, &reply(question, true));
    bench.ask(BOB, bob, &format!(r#"{{"id":5,"key":"a","do":"accept","session":"{}","attach":true}}"#, guid(S)));
    bench.took(ALICE, alice);
    bench.input(BOB, Input::Unlinked { link: bob });
    bench.pass(29_999);
    assert_eq!(bench.took(ALICE, alice), [""; 0]);
    bench.pass(1);
    assert_eq!(bench.took(ALICE, alice), ["ended SR_CONNECTION_FAILURE"]);

    let mut bench = Bench::new();
    let (alice, _, _) = invited(&mut bench);
    bench.ask(ALICE, alice, r#"{"id":9,"do":"sign-out"}"#);
    let watcher = bench.tool(BOB);
    bench.ask(BOB, watcher, r#"{"id":9,"do":"sessions"}"#);
    let frames = bench.frames(BOB, watcher);
    assert!(format!("{frames:?}").contains("Sessions([])"), "{frames:?}");
}

#[test]
fn what_is_over_is_told_from_what_never_was() {
    let mut bench = Bench::new();
    let (alice, _, _) = invited(&mut bench);
    bench.ask(ALICE, alice, &format!(r#"{{"id":7,"do":"cancel","session":"{}"}}"#, guid(S)));
    bench.took(ALICE, alice);
    for (session, answer) in [(S, "8 SR_SESSION_STATE_INVALID"), (9, "8 E_INVALIDARG")] {
        bench.ask(ALICE, alice, &format!(r#"{{"id":8,"do":"attach","session":"{}"}}"#, guid(session)));
        assert_eq!(bench.took(ALICE, alice), [answer]);
    }
}

#[test]
fn a_session_is_handed_over_when_the_answer_is_out() {
    let mut bench = Bench::new();
    invited(&mut bench);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.pass(2_000);
    bench.launched(BOB, S, 30);
    let started = bench.program(BOB, 30, 30);
    bench.ask(BOB, started, r#"{"id":3,"do":"register","guid":"x","path":"/x"}"#);
    bench.ask(BOB, started, r#"{"id":4,"do":"launching","secret":"secret30"}"#);
    assert_eq!(bench.took(BOB, started), [""; 0], "the first answer is not there yet");
    let ticket = bench.desks[BOB].open.iter().rev().find_map(|output| match output {
        crate::agent::Output::Register { ticket, .. } => Some(*ticket),
        _ => None,
    });
    bench.input(BOB, Input::Written { ticket: ticket.unwrap(), result: Ok(()) });
    bench.settle();
    assert_eq!(bench.took(BOB, started), ["3 S_OK", "4 S_OK", "connected"]);
}

#[test]
fn an_application_that_answers_the_invitation_needs_no_question() {
    let mut bench = Bench::new();
    let (_, bob, _) = invited(&mut bench);
    bench.ask(BOB, bob, &format!(r#"{{"id":5,"key":"a","do":"accept","session":"{}","attach":true}}"#, guid(S)));
    bench.did(BOB);
    bench.pass(10_000);
    assert_eq!(bench.did(BOB), [""; 0], "it does not ring for what is answered");
}
