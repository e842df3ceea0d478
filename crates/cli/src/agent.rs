//! `hither agent`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use hither_agent::credentials::{Credentials, Keeping};
use hither_agent::install::{self, Step};
use hither_agent::launch::{Launcher, Process};
use hither_agent::pair::Pair;
use hither_agent::remote::RemoteError;
use hither_agent::run::{self, Options, RunError};
use hither_wire::local::Request;
use tokio::time::timeout;

use crate::args::{AgentAction, KeyringArgs, RunArgs};
use crate::failure::say;
use crate::remote;
use crate::status;
use crate::terminal::{escape, print_line, show};

/// Longer than an agent takes to say goodbye to everybody.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the agent, until a signal or `hither agent stop`.
pub async fn run(args: &RunArgs) -> Result<ExitCode> {
    let options = Options {
        paths: remote::paths()?,
        notifications: !args.no_notifications,
        keeping: keeping(&args.keyring),
        pair: pair(args.app_id.as_deref(), args.key_file.as_deref())?,
    };
    let signed_in = Credentials::new(&options.paths, options.keeping).file().exists();
    let ready = move |socket: PathBuf| {
        let line = format!("the agent is ready at {}", socket.display());
        // Nobody reads it, then.
        drop(print_line(&escape(&line)));
        if !signed_in {
            say("nobody is signed in yet: `hither sign-in NAME@DOMAIN --service URL`");
        }
    };
    match run::run(options, Box::new(ready)).await {
        Ok(()) => {}
        // Whoever wanted an agent has one.
        Err(running @ RunError::Running(_)) => show(&running.to_string())?,
        Err(error) => return Err(error.into()),
    }
    Ok(ExitCode::SUCCESS)
}

/// What is done with the agent, rather than by it.
pub async fn act(action: &AgentAction) -> Result<ExitCode> {
    match action {
        AgentAction::Install => install()?,
        AgentAction::Uninstall => uninstall()?,
        AgentAction::Stop => stop().await?,
        AgentAction::Status { json } => return status::show_own(*json).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// What unlocks the service's lock, if it was given.
pub fn pair(app_id: Option<&str>, key_file: Option<&Path>) -> Result<Option<Pair>> {
    let (Some(app_id), Some(path)) = (app_id, key_file) else { return Ok(None) };
    Ok(Some(Pair::read(app_id, path)?))
}

/// Where the sign-in is kept.
pub fn keeping(keyring: &KeyringArgs) -> Keeping {
    if keyring.is_off() { Keeping::File } else { Keeping::Automatic }
}

async fn stop() -> Result<()> {
    let Some(mut agent) = remote::attempt(false).await? else {
        return show("no agent runs: nothing to stop");
    };
    let process = agent.status().await.context("cannot ask the agent")?.process;
    let process = Process::of(process);
    match agent.ask_agent(Request::Stop).await {
        // It may be quicker gone than heard.
        Ok(_) | Err(RemoteError::Gone) => {}
        Err(error) => return Err(anyhow::Error::from(error).context("cannot stop the agent")),
    }
    if let Some(process) = process {
        // It says goodbye first. Once it has gone, another can be started.
        let gone = Launcher::new(remote::paths()?.state).exited(process);
        timeout(PATIENCE, gone).await.map_err(|_| anyhow!("the agent (process {}) does not end", process.pid))?;
    }
    show("the agent has stopped")
}

fn install() -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program")?;
    tell(&install::install(&remote::paths()?, &program)?)?;
    show("`hither agent uninstall` undoes it")
}

fn uninstall() -> Result<()> {
    tell(&install::uninstall(&remote::paths()?)?)
}

fn tell(steps: &[Step]) -> Result<()> {
    steps.iter().try_for_each(|step| show(&escape(&step.to_string())))
}
