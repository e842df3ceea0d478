//! Whose process is whose, and when each ends: children, grandchildren, and those of an earlier agent.

use hither_agent::launch::{Exit, Launcher, Process, belongs, is_alive};

use super::{LONG, Place, exit, order, small};

const UNKNOWN: Exit = Exit { status: None, signal: None };

#[tokio::test]
async fn how_a_child_ended_is_known() {
    let place = Place::new();
    for (what, expected) in
        [("exit 3", Exit { status: Some(3), signal: None }), ("kill", Exit { status: None, signal: Some(9) })]
    {
        let process = place.launcher.start(&place.order(&[])).unwrap();
        let mut program = place.program().await;
        assert!(is_alive(process));
        let (first, second) = (place.launcher.exited(process), place.launcher.clone().exited(process));
        program.tell(what).await;
        assert_eq!((first.await, second.await), (expected, expected));
        assert!(!is_alive(process) && Process::of(process.pid) != Some(process), "nothing is left of it");
        assert_eq!(exit(&place.launcher, process).await, expected, "also when it is asked for afterwards");
    }
}

#[tokio::test]
async fn a_child_that_nobody_asks_for_leaves_nothing() {
    let place = Place::new();
    let process = place.launcher.start(&place.order(&[])).unwrap();
    let mut program = place.program().await;
    // Another launcher hears of its end without taking its status.
    let gone = Launcher::new(place.path().join("other")).exited(process);
    program.tell("exit 0").await;
    assert_eq!(tokio::time::timeout(LONG, gone).await.unwrap(), UNKNOWN);
    exit(&place.launcher, process).await;
    assert_eq!(Process::of(process.pid).filter(|now| *now == process), None);
}

#[tokio::test]
async fn more_than_are_remembered() {
    let place = Place::new();
    let lasting = place.launcher.start(&place.order(&[])).unwrap();
    let mut program = place.program().await;
    for _ in 0..300 {
        let process = place.launcher.start(&order(&small("true"), &[])).unwrap();
        assert_eq!(exit(&place.launcher, process).await.status, Some(0));
    }
    program.tell("exit 5").await;
    assert_eq!(exit(&place.launcher, lasting).await.status, Some(5));
}

#[tokio::test]
async fn descendants_belong() {
    let place = Place::new();
    let process = place.launcher.start(&place.order(&[])).unwrap();
    let mut parent = place.program().await;
    parent.tell("fork").await;
    let mut child = place.program().await;
    child.tell("fork").await;
    let grandchild = place.program().await;
    let other = place.launcher.start(&place.order(&[])).unwrap();
    let stranger = place.program().await;

    for (pid, expected) in [(parent.pid, true), (child.pid, true), (grandchild.pid, true), (stranger.pid, false)] {
        assert_eq!(belongs(pid, process), expected);
    }
    assert!(belongs(grandchild.pid, child.process()) && !belongs(child.pid, grandchild.process()));
    assert!(!belongs(parent.pid, other) && !belongs(std::process::id(), process) && !belongs(1, process));
    assert!(belongs(parent.pid, Process::of(std::process::id()).unwrap()));

    let reused = Process { started: process.started - 1, ..process };
    assert!(!belongs(parent.pid, reused) && !belongs(child.pid, reused), "another had this id before");
    let newer = Process { started: process.started + 1_000_000, ..process };
    assert!(!belongs(parent.pid, newer) && !belongs(child.pid, newer));
}

#[tokio::test]
async fn a_process_of_an_earlier_agent() {
    let place = Place::new();
    let agent = place.launcher.start(&place.order(&[])).unwrap();
    let mut earlier = place.program().await;
    earlier.tell("fork").await;
    let mut program = place.program().await;
    let process = program.process();
    earlier.tell("kill").await;
    exit(&place.launcher, agent).await;
    assert!(is_alive(process) && belongs(program.pid, process));
    assert!(!belongs(program.pid, agent), "it cannot be traced any more");
    let (later, dropped) = (place.launcher.exited(process), place.launcher.exited(process));
    drop(dropped);
    program.tell("exit 4").await;
    assert_eq!(tokio::time::timeout(LONG, later).await.unwrap(), UNKNOWN, "it is nobody's of ours");
    assert!(!is_alive(process));
    assert_eq!(exit(&place.launcher, process).await, UNKNOWN, "at once");
}

#[tokio::test]
async fn another_process_with_the_same_id_is_not_waited_for() {
    let place = Place::new();
    let own = Process::of(std::process::id()).unwrap();
    assert_eq!(exit(&place.launcher, Process { started: own.started - 1, ..own }).await, UNKNOWN);
    assert_eq!(exit(&place.launcher, Process { pid: u32::MAX, started: 0 }).await, UNKNOWN);
    assert_eq!(exit(&place.launcher, Process { pid: 0, started: 0 }).await, UNKNOWN);
}
