//! What the agent remembers on disk: one file, replaced by renaming, readable by its owner only, since
//! app data and context data may stand in it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hither_proto::agent::Memory;

/// Longer than anything that an agent has to remember.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The agent's memory on disk.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The file in a folder, which is made with the first save.
    pub fn new(folder: &Path) -> StateFile {
        StateFile { path: folder.join("agent.json") }
    }

    /// What an earlier agent has left; nothing if there is no file. One that cannot be read is set
    /// aside: its sessions are lost, and it says so.
    pub fn load(&self) -> Memory {
        match self.read() {
            Ok(Some(memory)) => memory,
            Ok(None) => Memory::default(),
            Err(error) => {
                let aside = self.path.with_extension("json.damaged");
                let moved = fs::rename(&self.path, &aside).is_ok();
                tracing::error!(%error, file = %self.path.display(), moved, "the agent's memory cannot be read: begun anew");
                Memory::default()
            }
        }
    }

    fn read(&self) -> io::Result<Option<Memory>> {
        let size = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if size > BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"));
        }
        Ok(Some(serde_json::from_slice(&fs::read(&self.path)?)?))
    }

    /// Replaces what was there. A process that is killed meanwhile leaves the old or the new.
    pub fn save(&self, memory: &Memory) -> io::Result<()> {
        let beside = self.path.with_extension("json.new");
        let text = serde_json::to_vec(memory)?;
        let mut file = match create(&beside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if let Some(folder) = self.path.parent() {
                    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                }
                create(&beside)?
            }
            opened => opened?,
        };
        file.write_all(&text)?;
        drop(file);
        fs::rename(&beside, &self.path)
    }
}

fn create(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn kept_private_and_set_aside_when_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFile::new(&folder.path().join("state"));
        assert!(state.load().client().is_none());
        state.save(&Memory::default()).unwrap();
        let mode = fs::metadata(&state.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&state.path, "{half").unwrap();
        assert!(state.load().client().is_none());
        assert!(!state.path.exists() && state.path.with_extension("json.damaged").exists());
    }
}
