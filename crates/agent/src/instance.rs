//! One agent for each person on a machine: whoever holds the lock is it. The system lets the lock go
//! with its process, however that ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::paths::Paths;

/// The lock, held.
#[derive(Debug)]
pub struct Instance {
    _lock: File,
}

/// Why this is not the person's agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// Another process is, with this id if it has said so.
    #[error("an agent runs already")]
    Running(Option<u32>),
    /// The folder of the lock is somebody else's, or open to others.
    #[error("{folder} is not yours alone: remove it, or set XDG_RUNTIME_DIR to a folder of your own", folder = .0.display())]
    Folder(PathBuf),
    /// The lock cannot be made.
    #[error("the lock {file} cannot be taken", file = .0.display())]
    Lock(PathBuf, #[source] io::Error),
}

impl Instance {
    /// Takes the lock in the runtime folder, which is made for its owner alone if it is not there.
    pub fn take(paths: &Paths) -> Result<Instance, InstanceError> {
        let folder = &paths.runtime;
        let path = folder.join("agent.lock");
        let failed = |error| InstanceError::Lock(path.clone(), error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        if !is_own(folder).map_err(failed)? {
            return Err(InstanceError::Folder(folder.clone()));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut lock = options.open(&path).map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(InstanceError::Running(holder(&mut lock))),
            Err(error) => return Err(failed(error.into())),
        }
        lock.set_len(0).map_err(failed)?;
        lock.rewind().map_err(failed)?;
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        Ok(Instance { _lock: lock })
    }
}

/// Whether a folder is this user's, and closed to others.
fn is_own(folder: &Path) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(folder)?;
    let user = rustix::process::getuid().as_raw();
    Ok(metadata.is_dir() && metadata.uid() == user && metadata.mode() & 0o077 == 0)
}

/// The process that the lock names.
fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::below(home.path());
        let first = Instance::take(&paths).unwrap();
        let second = Instance::take(&paths).unwrap_err();
        assert!(matches!(second, InstanceError::Running(Some(pid)) if pid == std::process::id()), "{second:?}");
        drop(first);
        Instance::take(&paths).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let paths = Paths::below(home.path());
        std::fs::create_dir(&paths.runtime).unwrap();
        std::fs::set_permissions(&paths.runtime, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(Instance::take(&paths), Err(InstanceError::Folder(_))));
    }
}
