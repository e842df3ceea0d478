//! Looking once a second at what others have done to the store while the service runs.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Interval, interval};

use crate::store::StoreError;

const EVERY: Duration = Duration::from_secs(1);

/// Reads what is new.
type Poll<S, T> = fn(&mut S) -> Result<Vec<T>, StoreError>;

/// Looks, each a second after the one before.
#[derive(Debug)]
pub struct Looks<S, T> {
    /// Away while it is read, and for good if that has panicked.
    source: Option<S>,
    poll: Poll<S, T>,
    /// What cannot be known when it cannot be read.
    what: &'static str,
    ticks: Interval,
    failing: bool,
}

impl<S: Send + 'static, T: Send + 'static> Looks<S, T> {
    /// Begins to look.
    pub fn at(source: S, poll: Poll<S, T>, what: &'static str) -> Looks<S, T> {
        Looks { source: Some(source), poll, what, ticks: interval(EVERY), failing: false }
    }

    /// What the next look finds; `Err` if it could not be read, which the log is told once. `None` at the
    /// end.
    pub async fn next(&mut self) -> Option<Result<Vec<T>, ()>> {
        self.ticks.tick().await;
        let (mut source, poll) = (self.source.take()?, self.poll);
        let looked = spawn_blocking(move || {
            let found = poll(&mut source);
            (source, found)
        });
        let (source, found) = looked.await.ok()?;
        self.source = Some(source);
        let failed_before = std::mem::replace(&mut self.failing, found.is_err());
        Some(found.map_err(|error| {
            if !failed_before {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the store cannot be read: nobody knows {}", self.what);
            }
        }))
    }
}
