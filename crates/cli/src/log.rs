//! What is logged: to standard error, in colour on a terminal, filtered as it is asked for.

use std::io::stderr;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::{failure, terminal};

/// Changes what is logged.
pub struct Log {
    change: Box<dyn Fn(EnvFilter) -> bool + Send>,
}

/// Begins to log.
pub fn start(filter: &str) -> Result<Log> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| failure::usage(format!("--log {filter}: {error}; try `info` or `hither_service=debug`")))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(terminal::Paint::of(&stderr()).is_on())
        .with_filter_reloading();
    let handle = builder.reload_handle();
    builder.init();
    Ok(Log { change: Box::new(move |filter| handle.reload(filter).is_ok()) })
}

impl Log {
    /// Logs something else from now on; whether that worked.
    pub fn change(&self, filter: &str) -> bool {
        EnvFilter::try_new(filter).is_ok_and(|filter| (self.change)(filter))
    }
}
