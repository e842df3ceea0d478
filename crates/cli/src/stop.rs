//! Being asked to stop: `SIGINT` and `SIGTERM`, or Ctrl-C where there are no signals.

use std::future::pending;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Comes true when the process is asked to stop.
#[cfg(unix)]
pub struct Stop {
    /// `None` where signals cannot be had; then their default ends the process.
    signals: Option<(Signal, Signal)>,
}

#[cfg(unix)]
impl Stop {
    /// Listens from now on. Needs a runtime.
    pub fn new() -> Stop {
        let signals = signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
        Stop { signals: signals.ok() }
    }

    /// Waits. Cancel-safe.
    pub async fn wait(&mut self) {
        match &mut self.signals {
            Some((interrupt, terminate)) => {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            }
            None => pending().await,
        }
    }
}

/// Comes true when the process is asked to stop.
#[cfg(not(unix))]
pub struct Stop;

#[cfg(not(unix))]
impl Stop {
    /// Listens as long as it is waited for.
    pub fn new() -> Stop {
        Stop
    }

    /// Waits. Cancel-safe.
    pub async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending().await
        }
    }
}
