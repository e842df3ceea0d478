//! What is logged: to standard error, in colour on a terminal, filtered as it is asked for.

use std::io::stderr;

use anyhow::Result;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt, reload};

use crate::{failure, terminal};

/// Changes what is logged.
pub struct Log {
    filter: reload::Handle<EnvFilter, Registry>,
}

/// Begins to log.
pub fn start(filter: &str) -> Result<Log> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| failure::usage(format!("--log {filter}: {error}; try `info` or `hither_service=debug`")))?;
    let lines = fmt::layer().with_writer(stderr).with_ansi(terminal::Paint::of(&stderr()).is_on());
    let (filter, handle) = reload::Layer::new(filter);
    tracing_subscriber::registry().with(lines.with_filter(filter.and(filter_fn(is_harmless)))).init();
    Ok(Log { filter: handle })
}

impl Log {
    /// Logs something else from now on; whether that worked.
    pub fn change(&self, filter: &str) -> bool {
        EnvFilter::try_new(filter).is_ok_and(|filter| self.filter.reload(filter).is_ok())
    }
}

/// Libraries tell below `info` what went over a connection: passwords, tokens, what people say. Only
/// our own crates are known not to, so only they are heard there, whatever the filter says.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("hither")
}
