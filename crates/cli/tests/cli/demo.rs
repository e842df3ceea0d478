//! The demo.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::world::{hither, signal, text, wait};

#[test]
fn shows_a_whole_session_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = hither().arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files were left");

    for (who, steps) in [
        ("alice", ["SS_READY -> SS_INVITATION", "SS_INVITATION -> SS_ACCEPTED", "SS_ACCEPTED -> SS_CONNECTED"]),
        ("bob", ["OnInvitation from alice@example.org", "SS_INVITATION -> SS_ACCEPTED", "SS_ACCEPTED -> SS_CONNECTED"]),
    ] {
        let theirs: Vec<&str> = shown.lines().filter(|line| line.contains(&format!(" ms  {who} "))).collect();
        let mut rest = theirs.iter();
        let ends = ["SS_CONNECTED -> SS_CANCELLED", "SS_CANCELLED -> SS_TERMINATED"];
        for step in steps.into_iter().chain(ends) {
            assert!(rest.any(|line| line.contains(step)), "{who}: no {step} in its place in\n{shown}");
        }
    }
    for part in ["alice won", "Through the service ", "bytes of context data", "Directly ", "the folder is removed"] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
}

#[test]
fn cleans_up_when_interrupted() {
    for name in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = hither();
        command.arg("demo").env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut demo = command.spawn().unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok);
        let players: Vec<u32> = lines
            .by_ref()
            .filter_map(|line| line.rsplit_once(" is process ").map(|(_, id)| id.parse().unwrap()))
            .take(2)
            .collect();
        assert_eq!(players.len(), 2);
        signal(name, demo.id());
        for _ in lines {}
        assert_eq!(wait(&mut demo).code(), Some(1));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files were left");
    }
}
