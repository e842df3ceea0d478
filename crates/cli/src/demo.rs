//! `hither demo`: everything that two people do with hither, from nothing to nothing.
//!
//! The service, an agent for each of the two, and every command that they type are processes of their
//! own, of this executable, with everything below a temporary folder; the games are started by the
//! agents. This process plays the two people: it types, hears what happens, and puts it into one
//! timeline. Everything ends with it.
//!
//! | file | what is there |
//! | --- | --- |
//! | `play` | what happens, in its order |
//! | `command` | what is typed, and where it runs |
//! | `processes` | those that go on running, and their end |
//! | `news` | what is heard |
//! | `player` | the application |
//! | `timeline` | what is shown |

mod command;
mod news;
mod play;
pub mod player;
mod processes;
mod timeline;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, ensure};
use tempfile::TempDir;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::DemoArgs;
use crate::stop::Stop;
use command::Scene;
use play::Play;
use processes::Processes;
use timeline::{Timeline, Who};

/// The longest path of a socket that every system takes.
const SOCKET_BYTES: usize = 103;

/// Runs the demo. Whatever happens, the processes end. The folder goes, except after a failure.
pub async fn run(args: &DemoArgs) -> Result<ExitCode> {
    let mut stop = Stop::new();
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let mut timeline = Timeline::start();
    let (folder, path) = folder()?;
    let mut processes = Processes::new(&path);
    let scene = Scene::new(&path)?;
    timeline.note(&format!("everything is in {}", path.display()));
    let outcome = tokio::select! {
        played = async { Play::new(scene, &mut timeline, &mut processes).run(args.pace.pace).await } => Some(played),
        () = stop.wait() => None,
        _ = hangup.recv() => None,
    };
    // What has happened is shown, whatever comes of it.
    let shown = timeline.flush();
    let ended = processes.end().await;
    let Some(outcome) = outcome else {
        remove(folder)?;
        return Err(anyhow!("interrupted"));
    };
    match outcome.and_then(|played| shown.and(ended).map(|()| played)) {
        Ok((alice, bob)) => {
            remove(folder)?;
            timeline.note("the agents and the service have stopped, the folder is removed");
            timeline.flush()?;
            timeline::sum_up(&alice, &bob)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let kept = folder.keep();
            Err(anyhow!("{error:#}; the logs are in {}", kept.display()))
        }
    }
}

/// A folder that only this user can read, by its whole path.
fn folder() -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::Builder::new().prefix("hither-demo-").tempdir().context("cannot make a temporary folder")?;
    let path = folder.path().canonicalize().context("cannot find the temporary folder")?;
    let socket = path.join(Who::Alice.name()).join("run").join("agent.sock");
    ensure!(
        socket.as_os_str().len() <= SOCKET_BYTES,
        "{} is too long a path for sockets: set TMPDIR to a shorter folder, for instance /tmp",
        path.display()
    );
    for who in [Who::Alice, Who::Bob] {
        make(&path.join(who.name()))?;
    }
    Ok((folder, path))
}

fn make(home: &Path) -> Result<()> {
    std::fs::create_dir(home).with_context(|| format!("cannot make {}", home.display()))
}

fn remove(folder: TempDir) -> Result<()> {
    folder.close().context("cannot remove the temporary folder")
}
