//! One agent for each person on a machine: whoever has the lock is it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::document::{make_folder, shown_path};
use crate::paths::Paths;

const FILE: &str = "agent.lock";
/// As much of the file is read: more than any process id.
const PID_BYTES: u64 = 20;

/// This process is the person's agent, until this is dropped or the process ends, however it ends.
///
/// The file stays, without the process id: a lock on a file that is removed would keep nobody out.
#[derive(Debug)]
pub struct Instance {
    file: File,
}

/// Why this process is not the agent: a sentence without control characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// Another process is, perhaps with this id.
    #[error("an agent runs already{}", .0.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Running(Option<u32>),
    /// The folder is somebody else's, or open to others.
    #[error("{} {what}: the agent's lock and socket must be where nobody else can be", shown_path(folder))]
    Folder {
        /// Which.
        folder: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system does not let the lock be made.
    #[error("{} cannot be locked: {source}", shown_path(path))]
    Io {
        /// The lock, or its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Instance {
    /// Becomes the agent of these folders, without waiting. A missing folder is made.
    pub fn take(paths: &Paths) -> Result<Instance, InstanceError> {
        let folder = &paths.runtime;
        let path = folder.join(FILE);
        let cannot = |source| InstanceError::Io { path: path.clone(), source };
        own_folder(folder)?;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mut open = OpenOptions::new();
        open.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
        let mut file = open.open(&path).map_err(cannot)?;
        if !file.metadata().map_err(cannot)?.is_file() {
            return Err(cannot(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file")));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(InstanceError::Running(holder(file))),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        // A killed agent has left its id there.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(cannot)?;
        Ok(Instance { file })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Nobody is asked for any more; if it stays, it is of a process that does not run.
        drop(self.file.set_len(0).and_then(|()| self.file.rewind()));
    }
}

/// Who has the lock, as the file says: nobody's word is needed for more than a message.
fn holder(file: File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim_end().parse().ok()
}

/// Makes the folder if it is missing, and sees that it is nobody else's: where everybody may make
/// folders, somebody may have been quicker.
fn own_folder(folder: &Path) -> Result<(), InstanceError> {
    let cannot = |source| InstanceError::Io { path: folder.to_owned(), source };
    make_folder(folder).map_err(cannot)?;
    let link = fs::symlink_metadata(folder).map_err(cannot)?;
    let meta = fs::metadata(folder).map_err(cannot)?;
    let wrong = |what| Err(InstanceError::Folder { folder: folder.to_owned(), what });
    let own = rustix::process::geteuid().as_raw();
    if link.uid() != own || meta.uid() != own {
        return wrong("belongs to another user");
    }
    if meta.mode() & 0o077 != 0 {
        return wrong("can be entered by others (`chmod 700` mends that)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use std::fs::Permissions;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    use std::process::{Child, Command, Stdio};
    use tempfile::TempDir;

    fn home() -> (TempDir, Paths) {
        let home = TempDir::new().unwrap();
        let paths = Paths::below(home.path());
        (home, paths)
    }

    /// What a child process of these tests is to hold.
    const HOLD: &str = "HITHER_TEST_HOLD";

    /// Not a test: an agent that is killed.
    #[test]
    fn the_holder() {
        let Ok(home) = std::env::var(HOLD) else { return };
        let _instance = Instance::take(&Paths::below(Path::new(&home))).unwrap();
        println!("holder: ready");
        drop(io::stdin().read(&mut [0]));
    }

    fn holder(home: &Path) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "instance::tests::the_holder", "--nocapture"]).env(HOLD, home);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("holder: ready")));
        child
    }

    #[test]
    fn one_at_a_time() {
        let (_home, paths) = home();
        let first = Instance::take(&paths).unwrap();
        let second = Instance::take(&paths).unwrap_err();
        assert!(matches!(second, InstanceError::Running(Some(pid)) if pid == std::process::id()), "{second:?}");
        assert_eq!(second.to_string(), format!("an agent runs already (process {})", std::process::id()));
        drop(first);
        assert_eq!(fs::read(paths.runtime.join(FILE)).unwrap(), b"");
        drop(Instance::take(&paths).unwrap());
        assert_eq!(fs::metadata(&paths.runtime).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(paths.runtime.join(FILE)).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_killed_agent_is_not_in_the_way() {
        let (home, paths) = home();
        let mut child = holder(home.path());
        let refused = Instance::take(&paths).unwrap_err();
        assert!(matches!(refused, InstanceError::Running(Some(pid)) if pid == child.id()), "{refused:?}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read_to_string(paths.runtime.join(FILE)).unwrap(), format!("{}\n", child.id()));
        fs::write(paths.runtime.join(FILE), "1234567890 is longer\n").unwrap();
        let instance = Instance::take(&paths).unwrap();
        assert_eq!(fs::read_to_string(paths.runtime.join(FILE)).unwrap(), format!("{}\n", std::process::id()));
        drop(instance);
    }

    #[test]
    fn whatever_stands_in_a_held_lock_is_only_read_if_it_is_an_id() {
        let (_home, paths) = home();
        let _instance = Instance::take(&paths).unwrap();
        for text in ["", "\u{1b}[2J", "-1", "99999999999999999999", "1234567890123456789012345"] {
            fs::write(paths.runtime.join(FILE), text).unwrap();
            assert!(matches!(Instance::take(&paths), Err(InstanceError::Running(None))), "{text}");
        }
    }

    #[test]
    fn a_folder_of_others_is_not_used() {
        let (_home, paths) = home();
        fs::create_dir_all(&paths.runtime).unwrap();
        for mode in [0o755, 0o770, 0o701] {
            fs::set_permissions(&paths.runtime, Permissions::from_mode(mode)).unwrap();
            let refused = Instance::take(&paths).unwrap_err();
            assert!(matches!(refused, InstanceError::Folder { .. }), "{refused:?}");
        }
        fs::set_permissions(&paths.runtime, Permissions::from_mode(0o700)).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&paths.runtime, Some(65_534), None).unwrap();
            let refused = Instance::take(&paths).unwrap_err();
            assert!(refused.to_string().contains("belongs to another user"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_a_lock() {
        let (home, paths) = home();
        fs::create_dir_all(paths.runtime.join(FILE)).unwrap();
        fs::set_permissions(&paths.runtime, Permissions::from_mode(0o700)).unwrap();
        assert!(matches!(Instance::take(&paths), Err(InstanceError::Io { .. })));
        fs::remove_dir(paths.runtime.join(FILE)).unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::write(&elsewhere, "mine").unwrap();
        symlink(&elsewhere, paths.runtime.join(FILE)).unwrap();
        assert!(matches!(Instance::take(&paths), Err(InstanceError::Io { .. })));
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "mine");
    }
}
