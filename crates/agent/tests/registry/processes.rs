//! Several processes at once, and processes that are killed. The others are this program again, with
//! one test that does what the environment says.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use super::*;

const HOME: &str = "HITHER_TEST_HOME";
const FIRST: &str = "HITHER_TEST_FIRST";
const COUNT: &str = "HITHER_TEST_COUNT";

/// How many of its applications a child leaves registered: there is room for a thousand.
const KEPT: u128 = 8;

/// Registers as many as it is told, or until it is killed; of those it takes the older ones out again. What has
/// been answered stands in a file, each line in it by one write, which a kill does not part.
#[test]
fn child() {
    let Some(folder) = env::var_os(HOME) else { return };
    let number = |name: &str| env::var(name).unwrap().parse::<u128>().unwrap();
    let (first, count) = (number(FIRST), number(COUNT));
    let registry = Registry::new(&Paths::below(Path::new(&folder)));
    let program = Path::new(&folder).join("chess");
    let mut report = OpenOptions::new().append(true).create(true).open(Path::new(&folder).join("report")).unwrap();
    println!("\nready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    for n in first..first.saturating_add(count) {
        let registration = Registration {
            guid: guid(n).to_string().into(),
            name: format!("Chess {n}").into(),
            path: program.to_str().unwrap().into(),
            ..Registration::default()
        };
        registry.register(&registration).unwrap();
        report.write_all(format!("+{n}\n").as_bytes()).unwrap();
        println!("done");
        if n >= first + KEPT {
            registry.unregister(&guid(n - KEPT).to_string()).unwrap();
            report.write_all(format!("-{}\n", n - KEPT).as_bytes()).unwrap();
        }
    }
}

/// A child, and what it writes.
struct Running(Child, BufReader<ChildStdout>);

fn start(home: &Home, first: u128, count: u128) -> Running {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(HOME, home.path())
        .env(FIRST, first.to_string())
        .env(COUNT, count.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut running = Running(child, output);
    running.until("ready");
    running
}

impl Running {
    fn go(&mut self) {
        self.0.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    /// Waits until it has written this line.
    fn until(&mut self, wanted: &str) {
        let lines = self.1.by_ref().lines().map_while(Result::ok);
        assert!(lines.into_iter().any(|line| line == wanted), "the child ended before `{wanted}`");
    }
}

#[test]
fn twenty_processes_register_at_once() {
    let home = Home::new();
    let mut children: Vec<Running> = (0..20).map(|n| start(&home, n * 3, 2)).collect();
    children.iter_mut().for_each(Running::go);
    for Running(child, _) in &mut children {
        assert!(child.wait().unwrap().success());
    }
    let there: Vec<Guid> = home.fine().into_iter().map(|app| app.guid).collect();
    let all: Vec<Guid> = (0..20).flat_map(|n| [guid(n * 3), guid(n * 3 + 1)]).collect();
    assert_eq!(there, all);
    assert_eq!(home.text().matches("# The applications that you can be invited into").count(), 1);
}

#[test]
fn of_several_that_register_the_same_one_does() {
    let home = Home::new();
    for round in 0..5 {
        let registration = home.registration(guid(round));
        let ready = Barrier::new(8);
        let outcomes: Vec<Result<Guid, Code>> = thread::scope(|scope| {
            let register = || {
                ready.wait();
                home.register(&registration)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(register)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(guid(round))).count(), 1, "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(Code::SR_APP_ALREADY_REGISTERED)).count(), 7);
        assert_eq!(home.fine().len(), usize::try_from(round).unwrap() + 1);
    }
}

/// What must be there by the report, and the last that was reported.
fn reported(home: &Home) -> (BTreeSet<Guid>, u128) {
    let report = fs::read_to_string(home.path().join("report")).unwrap_or_default();
    let mut there = BTreeSet::new();
    let mut last = 0;
    for line in report.lines() {
        let (sign, n) = line.split_at(1);
        let n = n.parse().unwrap();
        last = u128::max(last, n);
        if sign == "+" {
            there.insert(guid(n))
        } else {
            there.remove(&guid(n))
        };
    }
    (there, last)
}

#[test]
fn a_process_killed_while_it_writes_leaves_the_old_or_the_new() {
    let home = Home::new();
    home.write("# Mine.\n");
    // A fixed sequence of moments, from a linear congruential generator.
    let mut random: u64 = 0x5eed;
    let mut first = 0;
    for _ in 0..100 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut running = start(&home, first, 1_000_000);
        running.go();
        for _ in 0..(random >> 60) % 4 {
            running.until("done");
        }
        // sleep: the moment of the kill is what is tested
        thread::sleep(Duration::from_micros((random >> 33) % 6_000));
        running.0.kill().unwrap();
        running.0.wait().unwrap();
        let (reported, last) = reported(&home);
        let there: BTreeSet<Guid> = home.registry.read().apps.into_keys().collect();
        assert_eq!(home.complaints(), [] as [String; 0]);
        // What was done may not have been reported any more, but not the other way round.
        let differ: Vec<&Guid> = there.symmetric_difference(&reported).collect();
        assert!(differ.len() <= 1, "{differ:?} after {last}");
        for guid in differ {
            // From here on the report is as the file.
            let sign = if there.contains(guid) { '+' } else { '-' };
            let mut report = OpenOptions::new().append(true).create(true).open(home.path().join("report")).unwrap();
            writeln!(report, "{sign}{}", guid.0 - super::guid(0).0).unwrap();
        }
        assert!(home.text().starts_with("# Mine.\n"));
        first = there.last().map_or(0, |guid| guid.0 - super::guid(0).0 + 1).max(last + 1);
    }
    assert!(first > 100, "hardly anything was written: {first}");
    home.register(&home.registration(guid(first))).unwrap();
    let left: Vec<String> = fs::read_dir(&home.paths.config)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "applications.toml" && name != "applications.lock")
        .collect();
    assert_eq!(left, [] as [String; 0], "nothing is left behind");
}
