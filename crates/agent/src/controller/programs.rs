//! The seam to the system's processes.

use std::future::Future;
use std::pin::Pin;

use hither_wire::SessionId;

use crate::launch::{Launcher, Order, Process};

/// How a process ended, in words, once it has.
pub type Ending = Pin<Box<dyn Future<Output = String> + Send>>;

/// What the system does about processes.
pub trait Programs: Send {
    /// Starts a process, or says why not.
    fn start(&mut self, order: &Order) -> Result<Process, String>;
    /// Waits for the end of a process, whoever has started it.
    fn exited(&mut self, session: SessionId, process: Process) -> Ending;
    /// Whether a process is this one, or descends from it.
    fn belongs(&self, pid: u32, to: Process) -> bool;
    /// These sessions go on; what is kept of others is not needed any more.
    fn keep(&mut self, sessions: &[SessionId]);
}

impl Programs for Launcher {
    fn start(&mut self, order: &Order) -> Result<Process, String> {
        Launcher::start(self, order).map_err(|error| error.to_string())
    }

    fn exited(&mut self, session: SessionId, process: Process) -> Ending {
        let exited = Launcher::exited(self, process);
        let launcher = self.clone();
        Box::pin(async move {
            let exit = exited.await;
            let words = launcher.tail(session);
            let last =
                if words.is_empty() { String::new() } else { format!("; its last words: {}", words.join(" | ")) };
            format!("the application {exit}{last}")
        })
    }

    fn belongs(&self, pid: u32, to: Process) -> bool {
        crate::launch::belongs(pid, to)
    }

    fn keep(&mut self, sessions: &[SessionId]) {
        self.tidy(sessions);
        self.trim();
    }
}
