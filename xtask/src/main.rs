//! `cargo xtask`: what CI runs is what a person runs.
//!
//! One file for each task. A new task is a variant of [`Task`] with its own help, and an arm in
//! [`Task::run`].

#![expect(clippy::print_stdout, reason = "a task reports to the person who started it")]

mod ci;
mod generate;
mod packages;
mod setup;
mod shell;
mod sim;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

/// The project's tasks. Start with `cargo xtask ci`: it does everything that must pass before a
/// change lands, says how long each step took, and stops at the first that fails with what to do.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
enum Task {
    /// Everything that must pass: setup, format, tidy, generated files, clippy, docs, deny, tests.
    Ci(ci::Args),
    /// Install what the tests need and what is missing here: rustfmt, clippy, Python with its packages.
    Setup,
    /// The project's own rules: dependencies, sizes, links, words, and documents that match the code.
    Tidy,
    /// Write the generated parts of spec/, or with --check say whether they are up to date.
    Generate(generate::Args),
    /// Hold sessions in a simulated world, one for each seed; `--mutants` shows that bugs are found.
    Sim(sim::Args),
}

impl Task {
    fn run(self, root: &Path) -> anyhow::Result<ExitCode> {
        match self {
            Task::Ci(args) => return Ok(ci::run(root, &args)),
            Task::Setup => setup::run(root)?,
            Task::Tidy => tidy::run(root)?,
            Task::Generate(args) => generate::run(root, args)?,
            Task::Sim(args) => sim::run(root, &args)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn main() -> ExitCode {
    let task = Task::parse();
    root().and_then(|root| task.run(&root)).unwrap_or_else(|error| {
        println!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The folder of the workspace: the parent of this crate's.
fn root() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("xtask lies in a folder of the workspace")
}
