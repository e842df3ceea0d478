//! The log of a command: to standard error, in colour on a terminal.

use std::io::stderr;

use anyhow::Result;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

use crate::{failure, terminal};

/// Begins to log what the filter lets through.
pub fn start(filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| failure::usage(format!("--log {filter}: {error}; try `info` or `hither_service=debug`")))?;
    let lines = fmt::layer().with_writer(stderr).with_ansi(terminal::Paint::of(&stderr()).is_on());
    tracing_subscriber::registry().with(lines.with_filter(filter.and(filter_fn(is_harmless)))).init();
    Ok(())
}

/// Libraries tell below `info` what went over a connection: passwords, tokens, what people say. Only
/// our own crates are known not to, so only they are heard there, whatever the filter says.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= Level::INFO || metadata.target().starts_with("hither")
}
