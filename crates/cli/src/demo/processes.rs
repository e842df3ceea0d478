//! The demo's processes, and their end: whatever was started here, or by what was started here, ends
//! with the demo.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use hither_agent::launch::{Launcher, Process, belongs, is_alive};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long a process that was asked to end may take, before it is made to.
const GOODBYE: Duration = Duration::from_secs(10);

/// How often it is looked for processes that are left: each time those that were there have ended.
const ROUNDS: usize = 4;

/// What a process says on standard output, line by line.
pub type Said = Lines<BufReader<ChildStdout>>;

/// Those that run for as long as the demo does, the first first.
pub struct Processes {
    logs: PathBuf,
    running: Vec<Running>,
}

struct Running {
    name: String,
    child: Child,
    /// Whether it matters how it ends.
    matters: bool,
}

/// What becomes of a process in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It must end well.
    EndsWell,
    /// It is only listened to, and nobody may listen any more when it is asked to end.
    Whatever,
}

impl Processes {
    /// None yet. What they say on standard error goes into files in this folder.
    pub fn new(logs: &Path) -> Processes {
        // What an agent has started would otherwise be nobody's once the agent has gone.
        if let Err(error) = set_child_subreaper(Some(rustix::process::getpid())) {
            tracing::debug!(%error, "applications that outlive their agent will not be waited for");
        }
        Processes { logs: logs.to_owned(), running: Vec::new() }
    }

    /// Starts one. Ctrl-C in the terminal does not reach it: the demo ends it when its turn comes.
    pub fn start(&mut self, name: &str, fate: Fate, mut command: Command) -> Result<(u32, Said)> {
        let log = self.log(name);
        let log = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let said = child.stdout.take().context("the process has no output")?;
        let id = child.id().unwrap_or_default();
        self.running.push(Running { name: name.to_owned(), child, matters: fate == Fate::EndsWell });
        Ok((id, BufReader::new(said).lines()))
    }

    /// The last thing that a process has said on standard error.
    pub fn last_words(&self, name: &str) -> String {
        let log = fs::read_to_string(self.log(name)).unwrap_or_default();
        log.lines().next_back().unwrap_or("it has said nothing").to_owned()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{}.log", name.replace(' ', "-")))
    }

    /// Ends them all, the last first, and waits until nothing is left of them.
    pub async fn end(mut self) -> Result<()> {
        let mut trouble = Vec::new();
        while let Some(mut running) = self.running.pop() {
            if let Err(error) = running.end().await {
                trouble.push(format!("{}: {error:#}", running.name));
            }
        }
        sweep().await;
        if trouble.is_empty() { Ok(()) } else { Err(anyhow!(trouble.join("; "))) }
    }
}

impl Running {
    async fn end(&mut self) -> Result<()> {
        let Some(pid) = self.child.id() else { return Ok(()) };
        tell(pid, Signal::TERM);
        if let Ok(ended) = timeout(GOODBYE, self.child.wait()).await {
            let status = ended?;
            return if status.success() || !self.matters { Ok(()) } else { Err(anyhow!("it failed ({status})")) };
        }
        self.child.kill().await?;
        bail!("it did not end within {} s and was killed", GOODBYE.as_secs())
    }
}

/// Waits for whoever is left: an application that is about to notice that the demo has gone, a command
/// that was interrupted, and what these have started in turn.
async fn sweep() {
    let Some(own) = Process::of(std::process::id()) else { return };
    for _ in 0..ROUNDS {
        let left = descendants(own);
        if left.is_empty() {
            return;
        }
        for process in left {
            see_off(process).await;
        }
    }
}

/// Waits for the end of a process that is nobody's, or was somebody else's.
async fn see_off(process: Process) {
    let launcher = Launcher::new(PathBuf::new());
    if timeout(GOODBYE, launcher.exited(process)).await.is_err() && is_alive(process) {
        tell(process.pid, Signal::KILL);
        // The system may take its time.
        drop(timeout(GOODBYE, launcher.exited(process)).await);
    }
    // One that somebody else has waited for already is no more.
    let _ = pid(process.pid).map(|pid| waitpid(Some(pid), WaitOptions::NOHANG));
}

fn descendants(own: Process) -> Vec<Process> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| *id != own.pid && belongs(*id, own)).filter_map(Process::of).collect()
}

fn tell(process: u32, signal: Signal) {
    // One that has just ended need not be told.
    let _ = pid(process).map(|pid| kill_process(pid, signal));
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}
