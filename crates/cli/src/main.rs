//! The `hither` command: the service, its accounts, a console and a demo.
//!
//! It parses arguments, prints, and puts the other crates together; what a session is and how the
//! service works is decided elsewhere.

mod account;
mod args;
mod console;
mod demo;
mod failure;
mod password;
mod serve;
mod stop;
mod terminal;
mod version;

use std::io::stderr;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Action, Command};

fn main() -> ExitCode {
    match run(Command::parse().action) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

fn run(action: Action) -> Result<ExitCode> {
    match action {
        Action::Serve(args) => {
            log(&args.log)?;
            runtime()?.block_on(serve::run(args))
        }
        Action::Account(action) => account::run(action),
        Action::Console(args) => {
            log(&args.log)?;
            runtime()?.block_on(console::run(&args))
        }
        Action::Demo(_) => runtime()?.block_on(demo::run()),
        Action::DemoPlayer(args) => runtime()?.block_on(demo::player::run(&args)),
        Action::Version { json } => version::print(json),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Logs go to standard error, in colour on a terminal.
fn log(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| failure::usage(format!("--log {filter}: {error}; try `info` or `hither_service=debug`")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(terminal::Paint::of(&stderr()).is_on())
        .init();
    Ok(())
}
