//! Whole files in the place of others, in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::document::{make_folder, read};

/// The largest file of others that is changed.
pub const BYTES: u64 = 1024 * 1024;

/// Writes a file, and says whether that was needed. Its folders are made; it keeps its mode, and where it
/// is a link, what it leads to is written.
pub fn put(path: &Path, text: &str) -> io::Result<bool> {
    if matches!(read(path, BYTES), Ok(Some((there, _))) if there == text) {
        return Ok(false);
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    make_folder(folder)?;
    let fresh = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let written = write(&fresh, text, &target).and_then(|()| fs::rename(&fresh, &target));
    if written.is_err() {
        drop(fs::remove_file(&fresh));
    }
    written.map(|()| true)
}

fn write(fresh: &Path, text: &str, target: &Path) -> io::Result<()> {
    take(fresh)?;
    let there = fs::metadata(target).ok();
    let mode = there.as_ref().map_or(0o644, |meta| meta.mode() & 0o777);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(mode).open(fresh)?;
    if let Some(there) = there {
        file.set_permissions(there.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes a file, and says whether there was one.
pub fn take(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}
