//! The file of an audit: lines are only ever added, whole, by whoever may write to the directory.
//!
//! It is opened anew for every batch of lines, so that a tool that moves it away finds the next lines
//! in a new one, and a command beside the service writes into the same.

use std::fs::{OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::AuditTo;

/// From this size on a new file is begun.
pub const BYTES: u64 = 32 * 1024 * 1024;
/// Files that are kept beside the present one.
pub const KEPT: u32 = 8;

/// How often, and how far apart, it is looked whether another process has let go of the file.
const LOOKS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(5);

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

    /// Adds lines in one write: beside other processes that do the same, none is torn. All of them or none:
    /// where the disk is full, what was written of them is taken back.
    pub fn append(&mut self, lines: &str) -> io::Result<()> {
        let Some(path) = &self.path else { return io::stderr().lock().write_all(lines.as_bytes()) };
        let mut file = open(path)?;
        if lines.is_empty() || !file.metadata()?.is_file() {
            return file.write_all(lines.as_bytes());
        }
        let is_alone = is_alone(&file);
        let before = file.metadata()?;
        let mend = if is_whole(path, before.len())? { "" } else { "\n" };
        file.write_all(format!("{mend}{lines}").as_bytes()).inspect_err(|_| {
            if is_alone {
                drop(file.set_len(before.len()));
            }
        })
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

/// Whether nobody else adds lines until the file is closed. Others take a moment; whoever takes longer is no
/// writer, and then nothing can be taken back.
fn is_alone(file: &std::fs::File) -> bool {
    for _ in 0..LOOKS {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
            Err(TryLockError::Error(_)) => return false,
        }
    }
    false
}

/// Whether the last line has its end; it has not if the power failed.
fn is_whole(path: &Path, len: u64) -> io::Result<bool> {
    let Some(last) = len.checked_sub(1) else { return Ok(true) };
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(last))?;
    let mut end = [0];
    file.read_exact(&mut end)?;
    Ok(end == *b"\n")
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
