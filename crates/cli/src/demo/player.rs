//! One person of the demo, in a process of its own.

use std::io::{Read as _, stdin};
use std::process::ExitCode;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use hither::Client;
use serde::{Deserialize, Serialize};
use tictactoe::app::{Moment, Place, Played, Player};
use tokio::sync::oneshot;

use crate::args::PlayerArgs;
use crate::password;
use crate::terminal::print_line;

/// What a player tells the demo, one line each.
#[derive(Debug, Serialize, Deserialize)]
pub enum Told {
    /// Something happened; when, in microseconds since 1970, so that two processes can be compared.
    Moment(u64, Moment),
    /// It was played to the end.
    Played(Played),
    /// It could not be played to the end.
    Failed(String),
}

/// Plays.
pub async fn run(args: &PlayerArgs) -> Result<ExitCode> {
    let outcome = tokio::select! {
        outcome = play(args) => outcome,
        _ = parent_gone() => bail!("the demo is gone"),
    };
    match outcome {
        Ok(played) => {
            tell(&Told::Played(played));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            tell(&Told::Failed(format!("{error:#}")));
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn play(args: &PlayerArgs) -> Result<Played> {
    let password = password::from_file(&args.password_file)?;
    let (client, mut events) = Client::builder(&args.service)
        .sign_in(args.user.as_str(), &password)
        .await
        .with_context(|| format!("cannot sign in at {}", args.service))?;
    let mut watch = |moment: &Moment| tell(&Told::Moment(now_us(), moment.clone()));
    let mut player = Player { client: &client, events: &mut events, tell: &mut watch };
    player.befriend(args.with.as_str()).await?;
    let played = if args.invites { player.invite(args.with.as_str()).await? } else { player.wait().await? };
    client.sign_out().await?;
    watch(&Moment { place: Place::Service, text: "signs out".to_owned() });
    Ok(played)
}

/// Microseconds since 1970.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Comes true when standard input ends: the demo holds the other end and never writes.
async fn parent_gone() -> Result<(), oneshot::error::RecvError> {
    let (gone, is_gone) = oneshot::channel();
    thread::spawn(move || {
        let _ = stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    is_gone.await
}

fn tell(told: &Told) {
    // If nobody listens any more, standard input has ended too, and with it this process.
    let _ = serde_json::to_string(told).map(|line| print_line(&line));
}
