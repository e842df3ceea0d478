//! The demo.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;

use tempfile::TempDir;

use crate::world::{DEADLINE, hither, lines, signal, text, wait};

const NONE: [u32; 0] = [];

#[test]
fn shows_a_whole_session_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = hither().arg("demo").env("TMPDIR", folder.path()).output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}\n{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "files were left");
    assert_eq!(processes(folder.path()), NONE, "processes were left");

    let typed = [
        "$        hither sign-in",
        "$        hither agent",
        "$        hither app register",
        "$        hither contact add",
    ];
    let alice = ["$        hither invite", "SS_READY -> SS_INVITATION", "OnAccepted: \"gladly\"", "OnReadyToLaunch"];
    let bob = [
        "OnInvitation from alice@example.org",
        "$        hither accept",
        "SS_INVITATION -> SS_ACCEPTED",
        "OnReadyToLaunch",
    ];
    let game = ["started by the agent", "finds its session", "SS_ACCEPTED -> SS_CONNECTED", " plays "];
    let ends = ["SS_CONNECTED -> SS_CANCELLED", "SS_CANCELLED -> SS_TERMINATED"];
    for (who, own) in [("alice", alice), ("bob", bob)] {
        let mut theirs = shown.lines().filter(|line| line.contains(&format!(" ms  {who} ")));
        for step in typed.into_iter().chain(own).chain(game).chain(ends) {
            assert!(theirs.any(|line| line.contains(step)), "{who}: no {step} in its place in\n{shown}");
        }
    }
    for part in ["alice won", "Through the service ", "bytes of context data", "Directly ", "the folder is removed"] {
        assert!(shown.contains(part), "no {part:?} in\n{shown}");
    }
}

#[test]
fn everything_ends_when_it_is_interrupted() {
    for name in ["INT", "TERM", "HUP"] {
        let mut demo = Playing::begin();
        let running = processes(demo.folder.path());
        for process in [demo.service, demo.agent, demo.game] {
            assert!(running.contains(&process), "{process} is not among {running:?}");
        }
        signal(name, demo.child.id());
        let said = demo.ends();
        assert_eq!(said, "hither: interrupted");
        assert_eq!(fs::read_dir(demo.folder.path()).unwrap().count(), 0, "files were left");
    }
}

#[test]
fn says_what_has_failed_and_where_the_logs_are() {
    type Which = fn(&Playing) -> u32;
    let failures: [(Which, &str); 3] = [
        (|demo| demo.game, "bob's game (process {}) has ended before it was over"),
        (|demo| demo.agent, "bob's agent has gone"),
        (|demo| demo.service, "agent has lost the service"),
    ];
    for (which, expected) in failures {
        let mut demo = Playing::begin();
        let process = which(&demo);
        signal("KILL", process);
        let said = demo.ends();
        assert!(said.contains(&expected.replace("{}", &process.to_string())), "{said}");
        let (_, logs) = said.rsplit_once("; the logs are in ").expect(&said);
        for log in ["service.log", "alice-agent.log", "bob-agent.log"] {
            assert!(Path::new(logs).join(log).is_file(), "no {log} in {logs}");
        }
        let agents = ["alice", "bob"].map(|who| fs::read_to_string(format!("{logs}/{who}-agent.log")).unwrap());
        assert!(agents.iter().all(|log| log.contains(" signed in service=")), "{agents:?}");
        if expected.contains("lost the service") {
            assert!(agents.iter().any(|log| log.contains(" not signed in why=")), "{agents:?}");
        }
    }
}

#[test]
fn a_folder_too_deep_for_sockets_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let deep: PathBuf = folder.path().join("d".repeat(80));
    fs::create_dir(&deep).unwrap();
    let output = hither().arg("demo").env("TMPDIR", &deep).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("set TMPDIR to a shorter folder"), "{}", text(&output.stderr));
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 0, "files were left");
}

/// A demo in the middle of its game.
struct Playing {
    folder: TempDir,
    child: Child,
    shown: Receiver<String>,
    errors: Receiver<String>,
    service: u32,
    agent: u32,
    game: u32,
}

impl Playing {
    fn begin() -> Playing {
        let folder = tempfile::tempdir().unwrap();
        let mut command = hither();
        command.args(["demo", "--pace", "1000"]).env("TMPDIR", folder.path());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let shown = lines(child.stdout.take().unwrap());
        let errors = lines(child.stderr.take().unwrap());
        let [mut service, mut agent, mut game] = [0; 3];
        loop {
            let line =
                shown.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{:?}", errors.try_iter().collect::<Vec<_>>()));
            let process = || {
                let (_, rest) = line.split_once("is process ").expect(&line);
                rest.split(',').next().unwrap().parse().unwrap()
            };
            match line.split_whitespace().skip(2).take(3).collect::<Vec<_>>()[..] {
                ["host", "service", "is"] => service = process(),
                ["bob", "agent", "is"] => agent = process(),
                ["bob", "game", "is"] => game = process(),
                ["bob", "direct", "is"] => break,
                _ => {}
            }
        }
        Playing { folder, child, shown, errors, service, agent, game }
    }

    /// Waits for the end, a failure; gives the one line that it says about it. Nothing is left.
    fn ends(&mut self) -> String {
        assert_eq!(wait(&mut self.child).code(), Some(1));
        assert_eq!(processes(self.folder.path()), NONE, "processes were left");
        while self.shown.recv_timeout(DEADLINE).is_ok() {}
        let said: Vec<String> = self.errors.iter().collect();
        assert_eq!(said.len(), 1, "{said:?}");
        said.into_iter().next().unwrap()
    }
}

/// The processes of a demo, whoever has started them: those that have its folder in their environment.
fn processes(folder: &Path) -> Vec<u32> {
    let mark = format!("TMPDIR={}\0", folder.display());
    let ids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        // One that has just ended, or is another user's, has none that can be read.
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&mark)
    })
    .collect()
}
