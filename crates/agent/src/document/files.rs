//! Reading what may be anything, and writing so that at any moment there is the old file or the new.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Problem;

/// Files set aside beside one file; more must be tidied up first.
const SET_ASIDE: u32 = 1_000;

/// Why a file gives no entries.
#[derive(Debug)]
pub enum Trouble {
    /// It makes no sense.
    Damaged(Problem),
    /// The system does not let it be read; what is in it may be fine.
    Unreadable(Problem),
}

impl Trouble {
    /// What is wrong.
    pub fn problem(self) -> Problem {
        match self {
            Trouble::Damaged(problem) | Trouble::Unreadable(problem) => problem,
        }
    }
}

/// By what a changed file is told from an unchanged one.
#[derive(Debug, PartialEq, Eq)]
pub struct Stamp([i64; 6], u64, u64);

impl Stamp {
    fn of(meta: &fs::Metadata) -> Stamp {
        let size = meta.size().cast_signed();
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        let [modified, modified_ns, changed, changed_ns] = times;
        Stamp([size, modified, modified_ns, changed, changed_ns, i64::from(meta.mode())], meta.dev(), meta.ino())
    }
}

fn damaged(what: impl Into<String>) -> Trouble {
    Trouble::Damaged(Problem { line: None, what: what.into() })
}

/// Reads a text of at most `most` bytes; `None` if there is no file.
pub fn read(path: &Path, most: u64) -> Result<Option<(String, Stamp)>, Trouble> {
    let unreadable = |error: &io::Error| {
        Trouble::Unreadable(Problem { line: None, what: format!("cannot be read: {}", reason(error)) })
    };
    let regular = |meta: &fs::Metadata| {
        let what = if meta.is_dir() { "this is a folder" } else { "this is no ordinary file" };
        if meta.is_file() { Ok(()) } else { Err(damaged(format!("{what}: move it away"))) }
    };
    // Looked at before it is opened: to open a pipe or a device may have consequences.
    match fs::metadata(path) {
        Ok(meta) => regular(&meta)?,
        Err(error) if is_absent(&error) => {
            let link = fs::symlink_metadata(path).is_ok();
            return if link { Err(damaged("this link leads nowhere: remove or mend it")) } else { Ok(None) };
        }
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(damaged("this link leads to itself: remove or mend it"));
        }
        Err(error) => return Err(unreadable(&error)),
    }
    let mut open = OpenOptions::new();
    let opened = open.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path);
    let file = opened.map_err(|error| unreadable(&error))?;
    let meta = file.metadata().map_err(|error| unreadable(&error))?;
    regular(&meta)?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(bytes.len()).map_or(true, |len| len > most) {
        return Err(damaged(format!("this is larger than {} KiB: take something out", most / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let fine = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = Some(fine.filter(|byte| **byte == b'\n').count() + 1);
        Trouble::Damaged(Problem { line, what: "this is no UTF-8: save the file as UTF-8 text".to_owned() })
    })?;
    Ok(Some((text, Stamp::of(&meta))))
}

/// Makes a folder that only the person can look into, with those above it. One that is there stays
/// as it is.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Puts `text` into the place of the file that `stamp` is of, or of none. `false`, and nothing is
/// written, if the file is not that one any more.
pub fn write(path: &Path, text: &str, stamp: Option<&Stamp>) -> io::Result<bool> {
    // A person may keep the file elsewhere and leave a link: then the file changes, not the link.
    let target = match stamp.map(|_| fs::canonicalize(path)) {
        None => path.to_owned(),
        Some(Ok(target)) => target,
        Some(Err(error)) => return if is_absent(&error) { Ok(false) } else { Err(error) },
    };
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut fresh = std::ffi::OsString::from(".");
    fresh.push(name);
    fresh.push(".new");
    let fresh = folder.join(fresh);
    let written = put(&fresh, &target, text, stamp);
    if !matches!(written, Ok(true)) {
        let _ = fs::remove_file(&fresh);
        return written;
    }
    // The new file is there; if the system loses it when the power fails, the old one is.
    if let Err(error) = File::open(folder).and_then(|folder| folder.sync_all()) {
        tracing::warn!(error = &error as &dyn std::error::Error, "a folder could not be written through");
    }
    Ok(true)
}

fn put(fresh: &Path, target: &Path, text: &str, stamp: Option<&Stamp>) -> io::Result<bool> {
    // One that a killed process has left.
    if let Err(error) = fs::remove_file(fresh)
        && !is_absent(&error)
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(fresh)?;
    if stamp.is_some() {
        match fs::metadata(target) {
            Ok(meta) => file.set_permissions(meta.permissions())?,
            Err(error) => return if is_absent(&error) { Ok(false) } else { Err(error) },
        }
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let now = match fs::metadata(target) {
        Ok(meta) => Some(Stamp::of(&meta)),
        Err(error) if is_absent(&error) => None,
        Err(error) => return Err(error),
    };
    if now.as_ref() != stamp {
        return Ok(false);
    }
    fs::rename(fresh, target)?;
    Ok(true)
}

/// Gives a file, or whatever is in its place, the first free name of those for damaged ones.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let free = (1..=SET_ASIDE).map(|n| beside(path, n)).find(|aside| fs::symlink_metadata(aside).is_err());
    let Some(aside) = free else {
        return Err(io::Error::other(format!("{SET_ASIDE} damaged ones are set aside already; delete some")));
    };
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// What has been set aside and is still there; the first few.
pub fn set_aside_before(path: &Path) -> Vec<PathBuf> {
    (1..=9).map(|n| beside(path, n)).filter(|aside| fs::symlink_metadata(aside).is_ok()).collect()
}

fn beside(path: &Path, n: u32) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".damaged-{n}"));
    path.with_file_name(name)
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// What the system says against it, and what to do.
pub fn reason(error: &io::Error) -> String {
    let advice = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ACCESS | Errno::PERM) => "make it yours, or give yourself the right",
        Some(Errno::NOTDIR | Errno::EXIST) => "something that is no folder stands where a folder must be: move it away",
        Some(Errno::NOSPC | Errno::DQUOT) => "make room on the disk",
        Some(Errno::ROFS) => "the disk can only be read: have it mounted for writing",
        Some(Errno::LOOP) => "a link leads to itself or stands where none may: remove it",
        Some(_) | None => return error.to_string(),
    };
    format!("{error}; {advice}")
}
