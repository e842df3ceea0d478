//! `hither backup`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::args::BackupArgs;
use crate::store;
use crate::terminal::{escape, show};

/// Copies the store, also while the service runs.
pub fn run(args: &BackupArgs) -> Result<ExitCode> {
    let BackupArgs { file, store: place } = args;
    store::open(place)?.backup(file).with_context(|| format!("cannot back up to {}", file.display()))?;
    show(&format!("backed up to {}", escape(&file.display().to_string())))?;
    Ok(ExitCode::SUCCESS)
}
