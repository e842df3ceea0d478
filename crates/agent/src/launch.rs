//! Starting applications, and following what was started (R7).
//!
//! A program is started directly, never through a shell: each argument of the registration becomes
//! one argument of the process, whatever a session puts into it. What an application says on standard
//! error goes into a file, so that neither its end nor the agent's disturbs the other.
//!
//! | file | what is there |
//! | --- | --- |
//! | `arguments` | what takes the place of `{session}`, `{local}` and `{remote}` |
//! | `output` | what applications say on standard error |
//! | `error` | why a program cannot be started |
//! | `exit` | how a process ended |
//! | `linux` | what only this system knows: who descends from whom, and when a process ends |

mod arguments;
mod error;
mod exit;
mod output;

// Other systems' ways of following a process would stand beside it.
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as platform;

#[cfg(not(target_os = "linux"))]
compile_error!("hither's agent follows processes with /proc and pidfds, which this system has not");

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use hither_wire::SessionId;
use rustix::fs::Access;
use serde::{Deserialize, Serialize};
use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::sync::watch;

pub use error::LaunchError;
pub use exit::Exit;

use output::Output;

/// Processes of which the end is remembered, so that it can be asked for afterwards.
const REMEMBERED: usize = 256;

/// What is to be started, for which session.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// The session.
    pub session: SessionId,
    /// The program: an absolute path.
    pub program: PathBuf,
    /// Its arguments, with `{session}`, `{local}` and `{remote}` still to be replaced.
    pub args: Vec<String>,
    /// The agent's socket, `HITHER_SOCKET` for the application.
    pub socket: PathBuf,
    /// By what the application shows that it is the one started, `HITHER_LAUNCH`: 32 hexadecimal digits.
    pub secret: String,
    /// This side's address, if it is known.
    pub local: Option<String>,
    /// The other side's address, if it is known.
    pub remote: Option<String>,
}

/// Addresses and the secret stay out of logs.
impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Order");
        shown.field("session", &self.session).field("program", &self.program).field("args", &self.args);
        shown.finish_non_exhaustive()
    }
}

/// A process, told from any other that gets the same id later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// When it was started, as the system counts: on Linux, ticks since the machine was.
    pub started: u64,
}

impl Process {
    /// The process that has this id now.
    pub fn of(pid: u32) -> Option<Process> {
        platform::started(pid).map(|started| Process { pid, started })
    }
}

/// Whether a process runs. One that has ended but was not asked for its status yet does not.
pub fn is_alive(process: Process) -> bool {
    platform::is_alive(process)
}

/// Whether `pid` is this process or descends from it, at most 64 generations down.
///
/// A descendant whose parents have ended cannot be traced: it does not belong.
pub fn belongs(pid: u32, to: Process) -> bool {
    platform::belongs(pid, to)
}

/// Starts applications and says when they end. Clones are the same launcher.
#[derive(Clone, Debug)]
pub struct Launcher {
    output: Output,
    own: Arc<Mutex<BTreeMap<Process, Ending>>>,
}

/// Nothing while the process runs.
type Ending = watch::Receiver<Option<Exit>>;

impl Launcher {
    /// Keeps what applications say on standard error in this folder, which is made when it is needed.
    pub fn new(folder: PathBuf) -> Launcher {
        Launcher { output: Output::new(folder), own: Arc::default() }
    }

    /// Starts a program. Must be called in a tokio runtime, which then waits for its end.
    ///
    /// `{session}`, `{local}` and `{remote}` are replaced wherever they stand in an argument, by "" if
    /// there is no such address; nothing else is, and not what took their place either. The process
    /// begins in the person's home, with nothing to read, in a process group of its own, so that
    /// Ctrl-C in the agent's terminal does not reach it. Its environment is the agent's with
    /// `HITHER_SOCKET`, `HITHER_SESSION` and `HITHER_LAUNCH`.
    pub fn start(&self, order: &Order) -> Result<Process, LaunchError> {
        if !order.program.is_absolute() {
            return Err(LaunchError::NotAbsolute(order.program.clone()));
        }
        let refused = |error| LaunchError::of(&order.program, error);
        let runtime = Handle::try_current().map_err(|error| refused(io::Error::other(error)))?;
        let command = self.command(order);
        let mut child = tokio::process::Command::from(command).spawn().map_err(refused)?;
        // It cannot have been mistaken for another yet: the id is its own until it is waited for.
        let Some(process) = child.id().and_then(Process::of) else {
            drop(child.start_kill());
            return Err(refused(io::Error::other("the system does not show it among its processes")));
        };
        let (ended, ending) = watch::channel(None);
        self.remember(process, ending);
        runtime.spawn(wait(child, ended));
        Ok(process)
    }

    fn command(&self, order: &Order) -> Command {
        let session = order.session.to_string();
        let local = order.local.as_deref().unwrap_or_default();
        let remote = order.remote.as_deref().unwrap_or_default();
        let mut command = Command::new(&order.program);
        command.args(order.args.iter().map(|arg| arguments::filled(arg, &session, local, remote)));
        command.env("HITHER_SOCKET", &order.socket);
        command.env("HITHER_SESSION", &session);
        command.env("HITHER_LAUNCH", &order.secret);
        command.current_dir(home()).process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        match self.output.begin(order.session) {
            Ok(file) => command.stderr(file),
            Err(error) => {
                tracing::warn!(%error, "what the application says on standard error is lost");
                command.stderr(Stdio::null())
            }
        };
        command
    }

    fn remember(&self, process: Process, ending: Ending) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if own.len() >= REMEMBERED {
            own.retain(|_, ending| ending.borrow().is_none());
        }
        own.insert(process, ending);
    }

    /// Waits for the end of a process: at once if it has ended. Status and signal are known of those
    /// that this launcher has started. Must be awaited in a tokio runtime.
    pub fn exited(&self, process: Process) -> impl Future<Output = Exit> + Send + use<> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).get(&process).cloned();
        async move {
            if let Some(mut ending) = own
                && let Ok(exit) = ending.wait_for(Option::is_some).await.map(|exit| *exit)
            {
                return exit.unwrap_or_default();
            }
            platform::ended(process).await;
            Exit::default()
        }
    }

    /// The last words on standard error of what was started for a session: at most 20 lines of at most
    /// 400 characters, without blank ones, control characters made visible.
    pub fn tail(&self, session: SessionId) -> Vec<String> {
        self.output.tail(session)
    }

    /// Forgets what was said in all sessions but these.
    pub fn tidy(&self, keep: &[SessionId]) {
        self.output.tidy(keep);
    }

    /// Cuts what was said to its last 8 KiB wherever it is more than 64 KiB. What an application says in
    /// the very moment may be lost.
    pub fn trim(&self) {
        self.output.trim();
    }
}

/// Waits for a child, so that nothing of it is left in the system.
async fn wait(mut child: Child, ended: watch::Sender<Option<Exit>>) {
    let exit = match child.wait().await {
        Ok(status) => Exit::from(status),
        Err(error) => {
            tracing::warn!(%error, "the system does not say how an application ended");
            Exit::default()
        }
    };
    ended.send_replace(Some(exit));
}

/// Where an application begins: the person's home, or where everybody can be.
fn home() -> PathBuf {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute() && home.is_dir());
    let home = home.filter(|home| rustix::fs::access(home, Access::EXEC_OK).is_ok());
    home.unwrap_or_else(|| "/".into())
}
