//! `hither version`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::terminal::print_line;

/// Prints the version.
pub fn print(json: bool) -> Result<ExitCode> {
    #[derive(Serialize)]
    struct Version {
        name: &'static str,
        version: &'static str,
    }
    let Version { name, version } = Version { name: "hither", version: env!("CARGO_PKG_VERSION") };
    let line = if json { serde_json::to_string(&Version { name, version })? } else { format!("{name} {version}") };
    print_line(&line).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
