//! `cargo xtask ci`: everything that must pass before a change lands, cheapest first.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::{generate, setup, shell, tidy};

/// The variable that tells tests which Python has the packages of the examples.
const PYTHON: &str = "HITHER_TEST_PYTHON";
/// The variable that tells tests where nginx is.
const NGINX: &str = "HITHER_TEST_NGINX";
/// The variable that makes tests on a desktop fail where it is missing.
const DESKTOP: &str = "HITHER_REQUIRE_DESKTOP";

/// What can be asked of `cargo xtask ci`.
#[derive(clap::Args)]
pub struct Args {
    /// Run this step only; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = clap::builder::PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    only: Vec<String>,
}

struct Step {
    name: &'static str,
    run: fn(&mut Run<'_>) -> anyhow::Result<Outcome>,
    /// What to do when it fails.
    remedy: &'static str,
}

enum Outcome {
    Passed,
    Skipped(&'static str),
}

const STEPS: &[Step] = &[
    Step { name: "setup", run: setup_step, remedy: "install what is named above, then run this again" },
    Step { name: "format", run: format, remedy: "cargo fmt --all" },
    Step {
        name: "tidy",
        run: tidy_step,
        remedy: "each finding says what to change; `cargo xtask tidy` shows them again",
    },
    Step { name: "generated", run: generated, remedy: "cargo xtask generate" },
    Step {
        name: "clippy",
        run: clippy,
        remedy: "cargo clippy --workspace --all-targets --fix, or change what it names",
    },
    Step { name: "docs", run: docs, remedy: "correct the documentation that rustdoc names" },
    Step {
        name: "deny",
        run: deny,
        remedy: "see deny.toml: take another dependency, or add the exception with its reason",
    },
    Step { name: "tests", run: tests, remedy: "run the failing test alone: cargo test --workspace NAME" },
    Step { name: "doctests", run: doctests, remedy: "correct the example: cargo test --workspace --doc" },
];

/// One run of the steps.
struct Run<'a> {
    root: &'a Path,
    tests: Tests,
}

/// How many tests there were, read from what the test runner prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tests {
    passed: u64,
    failed: u64,
}

/// Runs the steps and stops at the first that fails. The last line says how many tests passed.
pub fn run(root: &Path, args: &Args) -> ExitCode {
    let mut run = Run { root, tests: Tests::default() };
    let started = Instant::now();
    for step in STEPS.iter().filter(|step| args.only.is_empty() || args.only.iter().any(|name| name == step.name)) {
        if let Err(error) = run.step(step) {
            println!("    {error:#}\n    what to do: {}", step.remedy);
            println!("==> stopped at {} after {}", step.name, seconds(started.elapsed()));
            println!("{} passed, {} failed", run.tests.passed, run.tests.failed.max(1));
            return ExitCode::FAILURE;
        }
    }
    println!("==> all steps passed in {}", seconds(started.elapsed()));
    println!("{} passed, {} failed", run.tests.passed, run.tests.failed);
    ExitCode::SUCCESS
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> anyhow::Result<()> {
        println!("==> {}", step.name);
        let started = Instant::now();
        let outcome = (step.run)(self);
        let time = seconds(started.elapsed());
        match &outcome {
            Ok(Outcome::Passed) => println!("    {} passed in {time}", step.name),
            Ok(Outcome::Skipped(why)) => println!("    {} skipped: {why}", step.name),
            Err(_) => println!("    {} failed after {time}", step.name),
        }
        outcome.map(drop)
    }

    fn cargo(&self, args: &[&str]) -> Command {
        shell::command(self.root, "cargo", args)
    }

    fn pass(&self, args: &[&str]) -> anyhow::Result<Outcome> {
        shell::run(self.cargo(args)).map(|()| Outcome::Passed)
    }

    /// Runs tests, passes on what the runner prints, and counts.
    fn test(&mut self, args: &[&str]) -> anyhow::Result<Outcome> {
        let mut command = self.cargo(args);
        command.env("CARGO_TERM_COLOR", "never").env(PYTHON, setup::interpreter(self.root)?);
        if setup::has_desktop() {
            command.env(DESKTOP, "1");
        }
        if let Some(nginx) = setup::nginx(self.root)? {
            command.env(NGINX, nginx);
        }
        let mut tests = self.tests;
        let passed = shell::watch(command, |line| tests.count(line))?;
        self.tests = tests;
        if !passed || tests.failed > 0 {
            bail!("`cargo {}` failed", args.join(" "));
        }
        Ok(Outcome::Passed)
    }
}

fn setup_step(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    setup::run(run.root).map(|()| Outcome::Passed)
}

fn format(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    run.pass(&["fmt", "--all", "--check"])
}

fn tidy_step(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    tidy::run(run.root).map(|()| Outcome::Passed)
}

fn generated(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    generate::run(run.root, generate::Args { check: true }).map(|()| Outcome::Passed)
}

fn clippy(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    run.pass(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn docs(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    let mut command = run.cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    shell::run(command).map(|()| Outcome::Passed)
}

fn deny(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    if !shell::works("cargo", &["deny", "--version"]) {
        return Ok(Outcome::Skipped("cargo-deny is not installed (cargo install cargo-deny)"));
    }
    // Advisories come from a repository on the network; the rest needs nothing but the lock file.
    run.pass(&["deny", "--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
}

fn has_nextest() -> bool {
    shell::works("cargo", &["nextest", "--version"])
}

fn tests(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    let outcome = if has_nextest() {
        run.test(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        run.test(&["test", "--workspace", "--all-targets", "--no-fail-fast"])
    }
    .context("some tests did not pass")?;
    if run.tests == Tests::default() {
        bail!("no test was run");
    }
    Ok(outcome)
}

fn doctests(run: &mut Run<'_>) -> anyhow::Result<Outcome> {
    run.test(&["test", "--workspace", "--doc", "--no-fail-fast"])
}

impl Tests {
    /// Reads the closing lines of nextest (`Summary [..] 9 tests run: 8 passed, 1 failed`) and of
    /// cargo test (`test result: ok. 8 passed; 1 failed; ..`).
    fn count(&mut self, line: &str) {
        let line = line.trim_start();
        if !line.starts_with("Summary [") && !line.starts_with("test result: ") {
            return;
        }
        let words: Vec<&str> = line.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match *what {
                "passed" => self.passed += number,
                "failed" | "timed" | "exec" => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_lines_of_both_runners() {
        let mut tests = Tests::default();
        for line in [
            "     Summary [   1.202s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.03s",
            "this line says 7 passed, 7 failed in the middle of a test",
        ] {
            tests.count(line);
        }
        assert_eq!(tests, Tests { passed: 14, failed: 4 });
    }

    #[test]
    fn every_step_has_a_name_of_its_own() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(!step.remedy.is_empty() && STEPS[at + 1..].iter().all(|other| other.name != step.name));
        }
    }
}
