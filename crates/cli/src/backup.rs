//! `hither backup`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use hither_service::Store;

use crate::args::BackupArgs;
use crate::terminal::{escape, show};

/// Copies the store, also while the service runs.
pub fn run(args: &BackupArgs) -> Result<ExitCode> {
    let BackupArgs { file, store } = args;
    ensure!(store.data.is_dir(), "there is no store in {}: check --data", store.data.display());
    let opened =
        Store::open(&store.data).with_context(|| format!("cannot open the store in {}", store.data.display()))?;
    opened.backup(file).with_context(|| format!("cannot back up to {}", file.display()))?;
    show(&format!("backed up to {}", escape(&file.display().to_string())))?;
    Ok(ExitCode::SUCCESS)
}
