//! A copy of the whole store while it is in use.

use std::fs::OpenOptions;
use std::path::Path;

use super::{Store, StoreError};

impl Store {
    /// Writes everything as it is at one moment into a new file, which only its owner can read. The
    /// service may go on meanwhile. A file that is there already is not written over.
    pub fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let failed = |source| StoreError::Backup { path: file.to_owned(), source };
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(file).map_err(failed)?);
        // SQLite takes an empty file as a new one, and keeps its rights.
        let copied = self.db.execute("VACUUM INTO ?", [file.to_string_lossy()]);
        if copied.is_err() {
            drop(std::fs::remove_file(file));
        }
        copied?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hither_wire::PersonName;

    use super::*;

    #[test]
    fn a_copy_is_a_store_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data")).unwrap();
        let name = PersonName::parse("alice@example.org").unwrap();
        store.add_account(&name, "Alice", "hash").unwrap();
        let copy = folder.path().join("copy");
        std::fs::create_dir(&copy).unwrap();
        let file = copy.join("hither.sqlite");
        store.backup(&file).unwrap();
        assert!(matches!(store.backup(&file), Err(StoreError::Backup { .. })));
        store.remove_account(&name).unwrap();
        let copied = Store::open(&copy).unwrap();
        assert_eq!(copied.password_hash(&name).unwrap().as_deref(), Some("hash"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(store.backup(Path::new("/nowhere/copy")).is_err());
    }
}
