//! `hither demo`: a whole session, from nothing to nothing.
//!
//! The service runs here, on a free port, with its store in a temporary folder. The two people are
//! processes of their own, of this executable ([`player`]); they tell what they see as lines of
//! JSON, and this process puts them into one timeline. Both end with it, however it ends.

pub mod player;
mod service;
mod timeline;

use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::stop::Stop;
use player::Told;
use service::DemoService;
use tictactoe::app::Played;
use timeline::{Timeline, Who};

/// A step that takes longer has failed.
const STEP: Duration = Duration::from_mins(1);

/// What two processes tell within this time is put into order before it is shown.
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the demo. Whatever happens, the processes end, the service stops and the folder goes.
pub async fn run() -> Result<ExitCode> {
    let mut stop = Stop::new();
    let mut timeline = Timeline::start();
    let folder = tempfile::Builder::new().prefix("hither-demo-").tempdir().context("cannot make a temporary folder")?;
    let service = DemoService::start(folder.path()).await?;
    let played = tokio::select! {
        played = play(&mut timeline, &service, folder.path()) => played,
        () = stop.wait() => Err(anyhow!("interrupted")),
    };
    let stopped = service.stop().await;
    let removed = folder.close().context("cannot remove the temporary folder");
    let (alice, bob) = played?;
    stopped?;
    removed?;
    timeline.note("the service has stopped, the folder is removed")?;
    timeline::sum_up(&alice, &bob)?;
    Ok(ExitCode::SUCCESS)
}

async fn play(timeline: &mut Timeline, service: &DemoService, folder: &Path) -> Result<(Played, Played)> {
    timeline.note(&format!("the service listens on {}, its store is in {}", service.url(), folder.display()))?;
    let (tell, mut told) = mpsc::channel(64);
    let mut alice = Person::start(Who::Alice, Who::Bob, service, folder, tell.clone())?;
    let mut bob = Person::start(Who::Bob, Who::Alice, service, folder, tell)?;
    for person in [&alice, &bob] {
        timeline.note(&format!("{} is process {}", person.who.name(), person.process.id().unwrap_or_default()))?;
    }
    while let Some((who, told)) = hear(&mut told, timeline).await? {
        match told {
            Told::Moment(at_us, moment) => timeline.moment(at_us, who, moment),
            Told::Played(played) if who == Who::Alice => alice.played = Some(played),
            Told::Played(played) => bob.played = Some(played),
            Told::Failed(reason) => {
                timeline.flush()?;
                bail!("{}: {reason}", who.name())
            }
        }
    }
    let (alice, bob) = (alice.finish().await?, bob.finish().await?);
    check(&alice, &bob)?;
    timeline.check()?;
    Ok((alice, bob))
}

/// The next thing that is told; what was told before is shown as soon as there is a pause.
async fn hear(told: &mut mpsc::Receiver<(Who, Told)>, timeline: &mut Timeline) -> Result<Option<(Who, Told)>> {
    if let Ok(next) = timeout(PAUSE, told.recv()).await {
        if next.is_none() {
            timeline.flush()?;
        }
        return Ok(next);
    }
    timeline.flush()?;
    timeout(STEP, told.recv()).await.context("nothing happened for a minute")
}

/// What one side sent directly, the other must have received, and both must have seen one game.
fn check(alice: &Played, bob: &Played) -> Result<()> {
    ensure!(
        alice.finished.sent == bob.finished.received && alice.finished.received == bob.finished.sent,
        "bytes were lost on the direct connection"
    );
    ensure!(
        alice.finished.outcome == bob.finished.outcome && alice.finished.rows == bob.finished.rows,
        "the two sides saw different games"
    );
    Ok(())
}

/// One person: a process that tells what it sees.
struct Person {
    who: Who,
    process: Child,
    played: Option<Played>,
}

impl Person {
    fn start(
        who: Who,
        with: Who,
        service: &DemoService,
        folder: &Path,
        tell: mpsc::Sender<(Who, Told)>,
    ) -> Result<Person> {
        let executable = std::env::current_exe().context("cannot find this executable")?;
        let mut command = Command::new(executable);
        command.arg("demo-player").args(["--service", service.url(), "--user", who.user(), "--with", with.user()]);
        command.arg("--password-file").arg(service::password_file(folder, who));
        if who == Who::Alice {
            command.arg("--invites");
        }
        // The player watches its standard input: it ends when this process does.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().context("cannot start a second process")?;
        let output = process.stdout.take().context("the process has no output")?;
        tokio::spawn(listen(who, output, tell));
        Ok(Person { who, process, played: None })
    }

    async fn finish(mut self) -> Result<Played> {
        let waiting = timeout(STEP, self.process.wait());
        let status = waiting.await.context("a process does not end")?.context("cannot wait for a process")?;
        ensure!(status.success(), "{}: the process failed ({status})", self.who.name());
        self.played.with_context(|| format!("{} left without having played", self.who.name()))
    }
}

async fn listen(who: Who, output: ChildStdout, tell: mpsc::Sender<(Who, Told)>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let told = serde_json::from_str(&line).unwrap_or_else(|error| Told::Failed(error.to_string()));
        if tell.send((who, told)).await.is_err() {
            return;
        }
    }
}
