//! `hither serve`.

pub mod settings;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither_service::{Server, ServiceConfig};

use crate::args::ServeArgs;
use crate::stop::Stop;
use crate::terminal::print_line;

/// Runs the service until a signal.
pub async fn run(args: ServeArgs) -> Result<ExitCode> {
    let mut config = ServiceConfig::new(args.listen, args.data);
    config.operations = args.operations;
    args.settings.apply(&mut config);
    raise_file_limit(config.connections);
    let mut stop = Stop::new();
    let server = Server::bind(config).await?;
    if let Some(address) = server.operations_addr() {
        tracing::info!(%address, "operators' tools are answered");
    }
    print_line(&format!("listening on {}", server.url())).context("cannot write to standard output")?;
    server.run(async move { stop.wait().await }).await;
    Ok(ExitCode::SUCCESS)
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
