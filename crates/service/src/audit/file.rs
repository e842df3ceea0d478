//! The file of an audit: lines are only ever added, whole, by whoever may write to the directory.
//!
//! It is opened anew for every batch of lines, so that a tool that moves it away finds the next lines
//! in a new one, and a command beside the service writes into the same.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::AuditTo;

/// From this size on a new file is begun.
pub const BYTES: u64 = 32 * 1024 * 1024;
/// Files that are kept beside the present one.
pub const KEPT: u32 = 8;

#[derive(Debug)]
pub struct File {
    /// Standard error without one.
    path: Option<PathBuf>,
}

impl File {
    /// Finds out whether it can be written.
    pub fn open(to: &AuditTo) -> io::Result<File> {
        let path = match to {
            AuditTo::File(path) => Some(path.clone()),
            AuditTo::Stderr => None,
        };
        let mut file = File { path };
        file.append("")?;
        Ok(file)
    }

    /// Adds lines in one write: beside other processes that do the same, none is torn.
    pub fn append(&mut self, lines: &str) -> io::Result<()> {
        match &self.path {
            Some(path) => open(path)?.write_all(lines.as_bytes()),
            None => io::stderr().lock().write_all(lines.as_bytes()),
        }
    }

    /// As [`File::append`]; a file that has become too large is put aside first. For the service alone:
    /// two processes would put two aside.
    pub fn append_bounded(&mut self, lines: &str) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        if let Some(path) = &self.path
            && std::fs::metadata(path).is_ok_and(|found| found.len() >= BYTES)
        {
            put_aside(path)?;
        }
        self.append(lines)
    }
}

fn open(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// `audit.jsonl` becomes `audit.jsonl.1`, that `audit.jsonl.2`; the last one goes.
fn put_aside(path: &Path) -> io::Result<()> {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    for number in (1..KEPT).rev() {
        match std::fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    std::fs::rename(path, numbered(1))
}
