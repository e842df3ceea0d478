//! The `hither` command: what a person tells the agent, the agent itself, the service and its
//! accounts, a console and a demo.
//!
//! It parses arguments, prints, and puts the other crates together; what a session is and how the
//! service works is decided elsewhere.

mod account;
mod agent;
mod app;
mod args;
mod audit;
mod backup;
mod config;
mod console;
mod demo;
mod doctor;
mod failure;
mod health;
mod key;
mod log;
mod open;
mod own;
mod password;
mod people;
mod policy;
mod remote;
mod serve;
mod session;
mod sign_in;
mod sign_out;
mod sign_up;
mod status;
mod steps;
mod stop;
mod store;
mod terminal;
mod version;
mod watch;
mod words;

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use args::{Action, AgentArgs};

fn main() -> ExitCode {
    match run(args::parse().action) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

fn run(action: Action) -> Result<ExitCode> {
    match action {
        Action::SignIn(args) => runtime()?.block_on(sign_in::run(&args)),
        Action::SignUp(args) => runtime()?.block_on(sign_up::run(&args)),
        Action::Devices(args) => runtime()?.block_on(own::devices(args)),
        Action::Password(args) => runtime()?.block_on(own::new_password(&args)),
        Action::SignOut(args) => runtime()?.block_on(sign_out::run(&args)),
        Action::Agent(AgentArgs { action: Some(action), .. }) => runtime()?.block_on(agent::act(&action)),
        Action::Agent(AgentArgs { action: None, run }) => {
            log::start(&run.log)?;
            runtime()?.block_on(agent::run(&run))
        }
        Action::Doctor(args) => runtime()?.block_on(doctor::run(&args)),
        Action::Invite(args) => runtime()?.block_on(session::invite(&args)),
        Action::Accept(args) => runtime()?.block_on(session::accept(&args)),
        Action::Decline(args) => runtime()?.block_on(session::decline(&args)),
        Action::Ignore(args) => runtime()?.block_on(session::ignore(&args)),
        Action::Get(args) => runtime()?.block_on(session::get(&args)),
        Action::Cancel(args) => runtime()?.block_on(session::cancel(&args)),
        Action::Sessions(args) => runtime()?.block_on(session::list(&args)),
        Action::Watch(args) => runtime()?.block_on(watch::run(&args)),
        Action::Open(args) => runtime()?.block_on(open::run(&args)),
        Action::Contacts(args) => runtime()?.block_on(people::list(&args)),
        Action::Contact(verb) => runtime()?.block_on(people::change(&verb)),
        Action::Status(args) => runtime()?.block_on(status::run(&args)),
        Action::Policy(args) => runtime()?.block_on(policy::run(&args)),
        Action::App(action) => runtime()?.block_on(app::run(&action)),
        Action::Serve(args) => runtime()?.block_on(serve::run(*args)),
        Action::Config(action) => config::run(*action),
        Action::Health(sources) => health::run(&sources),
        Action::Openapi => {
            terminal::show(hither_service::describe_admin().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Backup(args) => backup::run(&args),
        Action::Account(action) => account::run(action),
        Action::Key(action) => key::run(action),
        Action::Console(args) => {
            log::start(&args.log)?;
            runtime()?.block_on(console::run(&args))
        }
        Action::Demo(args) => runtime()?.block_on(demo::run(&args)),
        Action::DemoPlayer(args) => runtime()?.block_on(demo::player::run(&args)),
        Action::Version { json } => version::print(json),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}
