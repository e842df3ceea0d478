//! Agents that are killed, services that are away: what goes on.

use hither_wire::message::Event;
use hither_wire::{Guid, ServerFrame, SessionId};

use super::desk::{ALICE, BOB, Bench, GAME, guid};
use crate::agent::{Input, LinkId, Press};

const S: u128 = 5;
const SESSION: SessionId = Guid(S);

fn invite(bench: &mut Bench) -> (LinkId, u64) {
    let link = bench.link(ALICE, 10);
    bench.ask(ALICE, link, &format!(r#"{{"id":2,"do":"sign-in","device":"{}"}}"#, guid(10)));
    let epoch = epoch(&bench.frames(ALICE, link));
    bench.ask(ALICE, link, &invite_frame(3));
    bench.took(ALICE, link);
    (link, epoch)
}

fn invite_frame(id: u64) -> String {
    format!(
        r#"{{"id":{id},"key":"i","do":"invite","session":"{}","to":"bob@x","app":{{"guid":"{}"}},"attach":true}}"#,
        guid(S),
        guid(GAME)
    )
}

fn epoch(frames: &[ServerFrame]) -> u64 {
    frames
        .iter()
        .find_map(|frame| match frame {
            ServerFrame::Answer(answer) => answer.signed_in.as_ref().map(|signed_in| signed_in.epoch),
            _ => None,
        })
        .unwrap()
}

fn is_resumed(frames: &[ServerFrame]) -> bool {
    frames
        .iter()
        .any(|frame| matches!(frame, ServerFrame::Answer(a) if a.signed_in.as_ref().is_some_and(|s| s.resumed)))
}

#[test]
fn killed_while_it_rings_it_rings_again() {
    let mut bench = Bench::new();
    let (alice, _) = invite(&mut bench);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true"]);
    bench.kill(BOB);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true"]);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    assert_eq!(bench.did(BOB), ["quiet 5", "launch 5 -"]);
    assert!(bench.took(ALICE, alice).contains(&"accepted".into()));
}

#[test]
fn killed_while_the_application_starts_it_is_watched_and_takes_over() {
    let mut bench = Bench::new();
    let (alice, _) = invite(&mut bench);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.launched(BOB, S, 20);
    bench.did(BOB);
    bench.kill(BOB);
    assert_eq!(bench.did(BOB), ["watch 5 20"], "it is not started twice");
    let bob = bench.program(BOB, 20, 20);
    bench.ask(BOB, bob, r#"{"id":3,"do":"launching"}"#);
    bench.traced(BOB, Some(S));
    assert_eq!(bench.took(BOB, bob), ["3 S_OK", "connected"]);
    assert!(bench.took(ALICE, alice).contains(&"connected".into()));
}

#[test]
fn killed_while_connected_the_application_resumes_and_gets_everything_once() {
    let mut bench = Bench::new();
    let (alice, epoch) = invite(&mut bench);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.launched(BOB, S, 20);
    let bob = bench.program(BOB, 20, 20);
    bench.ask(BOB, bob, r#"{"id":3,"do":"launching"}"#);
    bench.traced(BOB, Some(S));
    bench.took(ALICE, alice);
    let context = |id: u64, key: &str, text: &str| {
        format!(r#"{{"id":{id},"key":"{key}","do":"context","session":"{}","data":{{"text":"{text}"}}}}"#, guid(S))
    };
    bench.ask(BOB, bob, &context(4, "c1", "one"));
    let last = bench.frames(ALICE, alice).iter().rev().find_map(|frame| match frame {
        ServerFrame::Event(frame) if matches!(frame.event, Event::Context { .. }) => frame.seq,
        _ => None,
    });
    let last = last.unwrap();
    bench.kill(ALICE);
    bench.ask(BOB, bob, &context(5, "c2", "two"));
    // The first was taken, but not acknowledged to the old agent; the second came in between.
    let again = bench.resumed(ALICE, 10, 10, epoch, last);
    let frames = bench.frames(ALICE, again);
    assert!(is_resumed(&frames));
    bench.desks[ALICE].did.clear();
    let seqs: Vec<u64> = frames
        .iter()
        .filter_map(|frame| if let ServerFrame::Event(frame) = frame { frame.seq } else { None })
        .collect();
    assert_eq!(seqs, [last + 1]);
    bench.ask(ALICE, again, &invite_frame(8));
    bench.ask(ALICE, again, &context(9, "d1", "three"));
    assert_eq!(bench.took(ALICE, again), ["8 S_OK", "9 S_OK"], "an old key is answered as it was");
    assert_eq!(bench.took(BOB, bob).last().unwrap(), "context three");
}

#[test]
fn what_was_asked_while_the_service_was_away_is_asked_once_by_the_next_agent() {
    let mut bench = Bench::new();
    let link = bench.link(ALICE, 10);
    bench.ask(ALICE, link, &format!(r#"{{"id":2,"do":"sign-in","device":"{}"}}"#, guid(10)));
    let epoch = epoch(&bench.frames(ALICE, link));
    bench.unplug(ALICE);
    bench.ask(ALICE, link, &invite_frame(3));
    assert_eq!(bench.took(ALICE, link), [""; 0], "it waits");
    bench.plug(ALICE);
    bench.kill(ALICE);
    let again = bench.resumed(ALICE, 10, 10, epoch, 0);
    bench.ask(ALICE, again, &invite_frame(4));
    let took = bench.took(ALICE, again);
    assert_eq!(took.iter().filter(|word| *word == "invited").count(), 1, "{took:?}");
    assert!(took.contains(&"4 S_OK".into()), "{took:?}");
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true"], "it rings once");
}

#[test]
fn a_service_that_is_away_beyond_the_grace_ends_the_session_on_both_sides() {
    let mut bench = Bench::new();
    let (alice, _) = invite(&mut bench);
    bench.unplug(ALICE);
    bench.pass(30_000);
    assert_eq!(bench.took(ALICE, alice), ["ended SR_CONNECTION_FAILURE"]);
    bench.plug(ALICE);
    let watcher = bench.tool(ALICE);
    bench.pass(60_000);
    assert!(bench.took(ALICE, watcher).contains(&"service".into()), "it is back");
}

#[test]
fn stopping_tells_the_applications_and_what_goes_on_can_be_resumed() {
    let mut bench = Bench::new();
    let (alice, epoch) = invite(&mut bench);
    bench.input(ALICE, Input::Shutdown);
    assert_eq!(bench.took(ALICE, alice), ["shutdown"]);
    assert_eq!(bench.did(ALICE), ["close 1001", "stop"]);
    bench.kill(ALICE);
    let again = bench.resumed(ALICE, 10, 10, epoch, 0);
    assert!(is_resumed(&bench.frames(ALICE, again)));
}

#[test]
fn an_application_without_an_agent_that_knows_the_person_is_refused() {
    let mut bench = Bench::new();
    let (alice, _) = invite(&mut bench);
    bench.input(ALICE, Input::Forget);
    assert_eq!(bench.took(ALICE, alice), ["signed-out"]);
    let link = bench.link(ALICE, 10);
    bench.ask(ALICE, link, r#"{"id":2,"do":"sign-in"}"#);
    assert_eq!(bench.took(ALICE, link), ["2 MSGR_E_NOT_LOGGED_ON"]);
}
