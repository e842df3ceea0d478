//! `hither serve`.

mod notify;
mod reload;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use hither_service::{Handle, Server};

use crate::args::ServeArgs;
use crate::config::{self, Loaded};
use crate::log;
use crate::serve::reload::{Hangup, Running};
use crate::stop::Stop;
use crate::terminal::print_line;

/// Runs the service until a signal.
pub async fn run(args: ServeArgs) -> Result<ExitCode> {
    let from = args.from;
    let Loaded { settings, configured, warnings } = match from.load() {
        Ok(loaded) => loaded,
        Err(findings) => return Ok(config::refuse(&findings)),
    };
    let log = log::start(&configured.log)?;
    for finding in warnings {
        tracing::warn!(%finding, "a setting should be looked at");
    }
    raise_file_limit(configured.service.connections);
    let (mut stop, hangup) = (Stop::new(), Hangup::new());
    let drain_ms = Arc::new(AtomicU64::new(configured.drain_ms));
    let server = Server::bind(configured.service).await?;
    if let Some(address) = server.operations_addr() {
        tracing::info!(%address, "operators' tools are answered");
    }
    if let Some(address) = server.admin_addr() {
        tracing::info!(%address, "the operator's API is served");
    }
    print_line(&format!("listening on {}", server.url())).context("cannot write to standard output")?;
    notify::ready();
    let handle = server.handle();
    let running = Running { from, settings, handle: handle.clone(), log, drain_ms: Arc::clone(&drain_ms) };
    let reloading = tokio::spawn(running.run(hangup));
    let stopped = async move {
        stop.wait().await;
        notify::stopping();
        drained(&handle, Duration::from_millis(drain_ms.load(Ordering::Relaxed)), &mut stop).await;
    };
    server.run(stopped).await;
    reloading.abort();
    Ok(ExitCode::SUCCESS)
}

/// Whoever sends clients here has time to notice; a second signal ends that.
async fn drained(handle: &Handle, drain: Duration, stop: &mut Stop) {
    handle.drain();
    if drain.is_zero() {
        return;
    }
    tracing::info!(seconds = drain.as_secs(), "draining: /readyz says 503, clients are still served");
    tokio::select! {
        () = tokio::time::sleep(drain) => {}
        () = stop.wait() => {}
    }
}

/// Each connection is an open file, and systems begin with few: takes as many as are allowed.
fn raise_file_limit(connections: usize) {
    let wanted = connections as u64;
    // A few more for the store and the rest.
    match rlimit::increase_nofile_limit(wanted + 256) {
        Ok(limit) if limit < wanted => {
            tracing::warn!(
                limit,
                wanted,
                "fewer open files are allowed than connections: raise the hard limit (ulimit -Hn)"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
}
