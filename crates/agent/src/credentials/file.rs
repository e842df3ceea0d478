//! A file that only the person can read, or it is not read; written so that at any moment there is the
//! old one or the new.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::CredentialsError;

/// The largest file that is read: more than any sign-in needs.
const FILE_BYTES: u64 = 64 * 1024;
/// How long a writer looks for a new file that nobody else has taken. Whoever comes before it is done
/// in milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// `None` if there is none.
pub fn read(path: &Path) -> Result<Option<String>, CredentialsError> {
    let unreadable = |error| CredentialsError::Unreadable { file: path.to_owned(), error };
    let damaged = |what: &str| CredentialsError::Damaged { file: path.to_owned(), what: what.to_owned() };
    let mut open = OpenOptions::new();
    // A pipe in its place would otherwise be waited for.
    let file = match open.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_anothers(path) => {
            return Err(CredentialsError::NotYours(path.to_owned()));
        }
        Err(error) => return Err(unreadable(error)),
    };
    let meta = file.metadata().map_err(unreadable)?;
    if meta.uid() != own_user() {
        return Err(CredentialsError::NotYours(path.to_owned()));
    }
    if !meta.is_file() {
        return Err(damaged("this is no ordinary file"));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(CredentialsError::NotPrivate(path.to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).map_or(true, |len| len > FILE_BYTES) {
        return Err(damaged("this is too large"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| damaged("this is no UTF-8"))
}

fn is_anothers(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.uid() != own_user())
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Puts a new file into the place of whatever is there. A link is replaced, not followed: what it leads
/// to may be open to others.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut fresh = OsString::from(".");
    fresh.push(name);
    fresh.push(".new");
    let fresh = folder.join(fresh);
    let mut file = take(&fresh)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    // The new file is there; if the system loses it when the power fails, the old one is.
    File::open(folder).and_then(|folder| folder.sync_all()).unwrap_or_else(|error| {
        tracing::warn!(%error, "a folder could not be written through");
    });
    Ok(())
}

/// The new file, for this writer alone: one that a killed process has left is taken over, one that
/// another process is writing is waited for.
fn take(fresh: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut open = OpenOptions::new();
        open.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
        let file = open.open(fresh)?;
        let ours = file.metadata()?;
        if ours.uid() != own_user() || !ours.is_file() || ours.nlink() > 1 {
            fs::remove_file(fresh)?;
            continue;
        }
        file.lock()?;
        // Whoever had the lock may have put it into its place.
        if fs::symlink_metadata(fresh).is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
    Err(io::Error::other("other processes write it all the time"))
}

/// Fine if there is none.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_is_written_is_private_and_can_be_read() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("account.toml");
        assert!(read(&path).unwrap().is_none());
        for text in ["first", "", "third"] {
            write(&path, text).unwrap();
            assert_eq!((read(&path).unwrap().unwrap().as_str(), mode(&path)), (text, 0o600));
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left behind");
        }
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(read(&path).unwrap().is_none());
    }

    #[test]
    fn what_is_not_private_is_not_read() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("account.toml");
        write(&path, "x").unwrap();
        for bits in [0o640, 0o604, 0o620, 0o602, 0o610, 0o777] {
            fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
            let refused = read(&path).unwrap_err();
            assert!(matches!(refused, CredentialsError::NotPrivate(_)), "{refused:?}");
            assert!(refused.to_string().contains(&format!("`chmod 600 {}`", path.display())), "{refused}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), "x");
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let home = TempDir::new().unwrap();
        let damaged = |path: &Path| matches!(read(path).unwrap_err(), CredentialsError::Damaged { .. });
        let pipe = home.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(damaged(&pipe));
        let large = home.path().join("large");
        write(&large, &"x".repeat(65_536)).unwrap();
        assert_eq!(read(&large).unwrap().unwrap().len(), 65_536);
        write(&large, &"x".repeat(65_537)).unwrap();
        assert!(damaged(&large));
        let folder = home.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        assert!(damaged(&folder));
        assert!(write(&folder, "x").is_err() && remove(&folder).is_err());
    }

    #[test]
    fn a_link_is_followed_by_readers_and_replaced_by_writers() {
        let home = TempDir::new().unwrap();
        let (path, elsewhere) = (home.path().join("account.toml"), home.path().join("elsewhere"));
        fs::write(&elsewhere, "open").unwrap();
        fs::set_permissions(&elsewhere, Permissions::from_mode(0o644)).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(matches!(read(&path).unwrap_err(), CredentialsError::NotPrivate(_)));
        write(&path, "secret").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "open");
        assert_eq!(read(&path).unwrap().unwrap(), "secret");
        // Nor is one followed that stands where the new file is to be.
        symlink(&elsewhere, home.path().join(".account.toml.new")).unwrap();
        assert!(write(&path, "other").is_err());
        assert_eq!(
            (fs::read_to_string(&elsewhere).unwrap().as_str(), read(&path).unwrap().unwrap().as_str()),
            ("open", "secret")
        );
    }

    #[test]
    fn what_a_killed_process_has_left_is_in_nobodys_way() {
        let home = TempDir::new().unwrap();
        let (path, fresh) = (home.path().join("account.toml"), home.path().join(".account.toml.new"));
        fs::write(&fresh, "a longer text that was not finished").unwrap();
        fs::set_permissions(&fresh, Permissions::from_mode(0o666)).unwrap();
        write(&path, "new").unwrap();
        assert_eq!((read(&path).unwrap().unwrap().as_str(), mode(&path), fresh.exists()), ("new", 0o600, false));
        // Another name for a file that others may have open.
        fs::write(home.path().join("kept"), "").unwrap();
        fs::hard_link(home.path().join("kept"), &fresh).unwrap();
        write(&path, "newer").unwrap();
        assert_eq!(fs::read_to_string(home.path().join("kept")).unwrap(), "");
    }

    #[test]
    fn many_writers_leave_one_whole_file() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("account.toml");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                scope.spawn(move || (0..20).for_each(|_| write(path, &n.to_string().repeat(1_000 + n)).unwrap()));
            }
            for _ in 0..200 {
                if let Some(text) = read(&path).unwrap() {
                    let n: usize = text[..1].parse().unwrap();
                    assert_eq!(text, n.to_string().repeat(1_000 + n));
                }
            }
        });
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
