//! The two ways in, and what can go wrong on them (section 1, R7, R15).

use hither_wire::local::Mode;
use hither_wire::{Guid, SessionId};

use super::desk::{ALICE, BOB, Bench, GAME, guid, registered};
use crate::agent::rules::{Answer, Rule};
use crate::agent::{Input, Press};

const S: u128 = 5;
const SESSION: SessionId = Guid(S);

/// Alice invites from the client.
fn start(bench: &mut Bench) {
    let tool = bench.tool(ALICE);
    let frame = format!(
        r#"{{"id":3,"do":"start","session":"{}","to":"bob@x","application":"{}","data":{{"text":"hi"}}}}"#,
        guid(S),
        guid(GAME)
    );
    bench.ask(ALICE, tool, &frame);
    let took = bench.took(ALICE, tool);
    assert!(took.contains(&"3 S_OK".to_owned()), "{took:?}");
}

/// A started application asks for its session, and is traced to it.
fn takes_over(bench: &mut Bench, person: usize, process: u32) -> crate::agent::LinkId {
    bench.launched(person, S, process);
    let program = bench.program(person, process, u128::from(process));
    bench.ask(person, program, r#"{"id":3,"do":"launching"}"#);
    bench.traced(person, Some(S));
    program
}

#[test]
fn from_the_client_both_sides_are_launched() {
    let mut bench = Bench::new();
    start(&mut bench);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true"]);
    let watcher = bench.tool(ALICE);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    assert_eq!(bench.did(BOB), ["quiet 5", "launch 5 192.0.2.1"]);
    assert_eq!(bench.did(ALICE), ["quiet 5", "launch 5 192.0.2.1"]);
    let bob = takes_over(&mut bench, BOB, 20);
    assert_eq!(bench.took(BOB, bob), ["3 S_OK"]);
    let alice = takes_over(&mut bench, ALICE, 10);
    assert_eq!(bench.took(ALICE, alice), ["3 S_OK", "connected"]);
    assert_eq!(bench.took(BOB, bob), ["connected"]);
    assert_eq!(
        bench.took(ALICE, watcher),
        [
            "accepted",
            "ready-to-launch",
            "launch launching",
            "launching",
            "launched",
            "attached",
            "launch launched",
            "connected"
        ]
    );
    let context = format!(r#"{{"id":4,"key":"c","do":"context","session":"{}","data":{{"text":"here"}}}}"#, guid(S));
    bench.ask(ALICE, alice, &context);
    assert_eq!((bench.took(ALICE, alice), bench.took(BOB, bob)), (vec!["4 S_OK".into()], vec!["context here".into()]));
    bench.ask(BOB, bob, &format!(r#"{{"id":5,"key":"e","do":"cancel","session":"{}"}}"#, guid(S)));
    assert_eq!(bench.took(BOB, bob), ["ended SR_SESSION_CANCELLED_LOCAL", "5 S_OK"]);
    assert_eq!(bench.took(ALICE, alice), ["ended SR_SESSION_CANCELLED_REMOTE"]);
}

#[test]
fn from_an_application_only_the_invitee_is_launched() {
    let mut bench = Bench::new();
    let alice = bench.program(ALICE, 10, 10);
    let invite = format!(
        r#"{{"id":3,"key":"i","do":"invite","session":"{}","to":"bob@x","app":{{"guid":"{}","name":"forged"}},"attach":true}}"#,
        guid(S),
        guid(GAME)
    );
    bench.ask(ALICE, alice, &invite);
    assert_eq!(bench.took(ALICE, alice), ["invited", "3 S_OK", "delivered", "ringing"]);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    assert_eq!(bench.did(ALICE), ["quiet 5"]);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true", "quiet 5", "launch 5 -"]);
    takes_over(&mut bench, BOB, 20);
    assert_eq!(bench.took(ALICE, alice), ["accepted", "launching", "launched", "attached", "connected"]);
    // Said again after a lost connection: not applied again.
    bench.ask(ALICE, alice, &invite.replace("\"id\":3", "\"id\":9"));
    assert_eq!(bench.took(ALICE, alice), ["9 S_OK"]);
}

#[test]
fn every_failed_launch_ends_both_sides() {
    for how in 0..3 {
        let mut bench = Bench::new();
        start(&mut bench);
        let watchers = [bench.tool(ALICE), bench.tool(BOB)];
        bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
        bench.settle();
        if how == 0 {
            bench.input(BOB, Input::Launched { session: SESSION, result: Err("no such program".into()) });
        } else {
            bench.launched(BOB, S, 20);
            if how == 1 {
                bench.input(BOB, Input::Exited { session: SESSION, why: "it ended with 1".into() });
            } else {
                bench.pass(50_000);
            }
        }
        bench.settle();
        for (person, watcher) in [ALICE, BOB].into_iter().zip(watchers) {
            let took = bench.took(person, watcher);
            assert!(took.contains(&"ended SR_APPLICATION_LAUNCH_FAILED".into()), "{how} {took:?}");
            assert!(person == ALICE || took.contains(&"launch launch-failed".into()), "{how} {took:?}");
        }
    }
}

#[test]
fn what_is_missing_is_installed_and_the_same_invitation_goes_on() {
    let mut bench = Bench::new();
    bench.input(BOB, Input::Apps(Vec::new()));
    start(&mut bench);
    let watcher = bench.tool(ALICE);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x false"]);
    let tool = bench.tool(BOB);
    bench.ask(BOB, tool, &format!(r#"{{"id":3,"do":"accept","session":"{}","data":{{"text":"yes"}}}}"#, guid(S)));
    assert_eq!(bench.took(BOB, tool), ["app-not-present", "3 S_FALSE"]);
    assert_eq!(bench.did(BOB), ["quiet 5", "missing 5"]);
    assert_eq!(bench.took(ALICE, watcher), ["installing"]);
    bench.ask(BOB, tool, &format!(r#"{{"id":4,"do":"get","session":"{}"}}"#, guid(S)));
    assert_eq!(bench.did(BOB), ["open https://game.example/get"]);
    // Longer than it would ring.
    bench.pass(100_000);
    assert_eq!(bench.did(BOB), [""; 0]);
    bench.input(BOB, Input::Apps(vec![registered(GAME, Mode::Session)]));
    bench.settle();
    assert_eq!(bench.did(BOB), ["quiet 5", "quiet 5", "launch 5 192.0.2.1"]);
    assert!(bench.took(ALICE, watcher).contains(&"accepted".into()));

    let mut bench = Bench::new();
    bench.input(BOB, Input::Apps(Vec::new()));
    start(&mut bench);
    let tool = bench.tool(BOB);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.pass(600_000);
    assert!(bench.took(BOB, tool).contains(&"ended SR_APP_NOT_REGISTERED".into()));
}

#[test]
fn launch_only_applications_are_attached_by_the_agent() {
    let mut bench = Bench::new();
    for person in [ALICE, BOB] {
        bench.input(person, Input::Apps(vec![registered(GAME, Mode::LaunchOnly)]));
    }
    start(&mut bench);
    let watcher = bench.tool(BOB);
    bench.input(BOB, Input::Pressed(Press::Accept(SESSION)));
    bench.settle();
    bench.launched(BOB, S, 20);
    bench.launched(ALICE, S, 10);
    assert!(bench.took(BOB, watcher).contains(&"connected".into()));
    bench.input(BOB, Input::Exited { session: SESSION, why: "it ended with 0".into() });
    bench.settle();
    assert_eq!(bench.took(BOB, watcher), ["ended SR_SESSION_CANCELLED_LOCAL"]);
}

#[test]
fn rules_and_do_not_disturb() {
    let mut bench = Bench::new();
    let rule = |answer| Input::Rules(vec![Rule { who: None, app: Some(Guid(GAME)), answer }]);
    bench.input(BOB, rule(Answer::Accept));
    start(&mut bench);
    assert_eq!(bench.did(BOB), ["quiet 5", "launch 5 192.0.2.1"]);

    let mut bench = Bench::new();
    bench.input(BOB, rule(Answer::Refuse));
    let watcher = bench.tool(ALICE);
    start(&mut bench);
    assert!(bench.took(ALICE, watcher).contains(&"ended SR_INVITATION_DECLINED".into()));
    assert_eq!(bench.did(BOB), ["quiet 5"]);

    let mut bench = Bench::new();
    let tool = bench.tool(BOB);
    bench.ask(BOB, tool, r#"{"id":3,"do":"status","status":"BUSY"}"#);
    start(&mut bench);
    assert_eq!(bench.did(BOB), [""; 0], "it does not ring");
    bench.ask(BOB, tool, r#"{"id":4,"do":"status","status":"ONLINE"}"#);
    assert_eq!(bench.did(BOB), ["ring 5 alice@x true"], "it still rings");
    bench.pass(60_000);
    assert!(bench.did(BOB).contains(&"quiet 5".into()));
}

#[test]
fn a_rehearsal_needs_no_service() {
    let mut bench = Bench::new();
    let tool = bench.tool(BOB);
    let rehearse = format!(r#"{{"id":3,"do":"rehearse","session":"{}","application":"{}"}}"#, guid(S), guid(GAME));
    bench.ask(BOB, tool, &rehearse);
    assert_eq!(bench.did(BOB), ["launch 5 -"]);
    let program = takes_over(&mut bench, BOB, 20);
    assert_eq!(bench.took(BOB, program), ["3 S_OK", "connected"]);
    let context = |id| format!(r#"{{"id":{id},"do":"context","session":"{}","data":{{"text":"x"}}}}"#, guid(S));
    for id in 10..16 {
        bench.ask(BOB, program, &context(id));
    }
    let took = bench.took(BOB, program);
    assert_eq!((took[4].as_str(), took[5].as_str()), ("14 S_OK", "15 SR_CONTEXT_DATA_OVER_LIMIT"));
    assert!(bench.took(BOB, tool).contains(&"context x".into()));
    bench.ask(BOB, tool, &format!(r#"{{"id":9,"do":"cancel","session":"{}"}}"#, guid(S)));
    assert_eq!(bench.took(BOB, program), ["ended SR_SESSION_CANCELLED_REMOTE"]);
    let watcher = bench.tool(ALICE);
    assert_eq!(bench.took(ALICE, watcher), [""; 0]);
}

#[test]
fn a_check_reaches_the_other_agent_and_nobody_is_asked() {
    let mut bench = Bench::new();
    let tool = bench.tool(ALICE);
    bench.ask(ALICE, tool, &format!(r#"{{"id":3,"do":"check","session":"{}","to":"bob@x"}}"#, guid(S)));
    assert_eq!(bench.took(ALICE, tool), ["invited", "3 S_OK", "accepted", "attached", "connected"]);
    assert_eq!(bench.did(BOB), ["quiet 5"]);
    let ping = format!(r#"{{"id":4,"do":"context","session":"{}","data":{{"text":"ping"}}}}"#, guid(S));
    bench.ask(ALICE, tool, &ping);
    assert_eq!(bench.took(ALICE, tool), ["4 S_OK", "context ping"]);
}
