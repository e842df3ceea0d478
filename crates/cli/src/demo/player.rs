//! The application of the demo: a game of the examples, started by an agent. It tells the demo what it
//! sees over a socket, because an application that was started has no output.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use tictactoe::app::{self, Moment, Place, Played};
use tokio::sync::oneshot;

use crate::args::PlayerArgs;

/// What a player tells the demo, one line each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// It runs: its process.
    Started(u32),
    /// Something happened; when, in microseconds since 1970, so that two processes can be compared.
    Moment(u64, Moment),
    /// It was played to the end.
    Played(Played),
    /// It could not be played to the end.
    Failed(String),
}

/// Plays.
pub async fn run(args: &PlayerArgs) -> Result<ExitCode> {
    let demo = UnixStream::connect(&args.tell).context("the demo is gone")?;
    let hangs_up = hangs_up(demo.try_clone()?);
    let mut demo = demo;
    tell(&mut demo, &Told::Started(std::process::id()));
    let pace = Duration::from_millis(args.pace.pace);
    let mut watch = |moment: &Moment| {
        tell(&mut demo, &Told::Moment(now_us(), moment.clone()));
        if moment.place == Place::Direct {
            thread::sleep(pace);
        }
    };
    let outcome = tokio::select! {
        outcome = app::launched(&mut watch) => outcome,
        _ = hangs_up => bail!("the demo is gone"),
    };
    match outcome {
        Ok(played) => {
            tell(&mut demo, &Told::Played(played));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            tell(&mut demo, &Told::Failed(format!("{error:#}")));
            Err(error)
        }
    }
}

/// Microseconds since 1970.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Comes true when the demo closes its end, on which it never says anything.
async fn hangs_up(mut demo: UnixStream) -> Result<(), oneshot::error::RecvError> {
    let (gone, is_gone) = oneshot::channel();
    thread::spawn(move || {
        let _ = demo.read(&mut [0]);
        let _ = gone.send(());
    });
    is_gone.await
}

fn tell(demo: &mut UnixStream, told: &Told) {
    // If nobody listens any more, this process will end for it.
    let _ = serde_json::to_string(told).map(|line| demo.write_all(format!("{line}\n").as_bytes()));
}
