//! What others write into a store.

use std::path::Path;

use super::{Store, StoreError};

/// A store that is asked again and again what is new. Cheap: as long as nobody else has written, no table
/// is read.
#[derive(Debug)]
pub(crate) struct Changes {
    store: Store,
    /// SQLite's number of the last change by somebody else, once all of it has been read.
    version: Option<i64>,
}

impl Changes {
    /// Opens a store beside those who write it.
    pub fn open(data: &Path) -> Result<Changes, StoreError> {
        Ok(Changes { store: Store::open_beside(data)?, version: None })
    }

    /// The store itself.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What `find` finds, which says as well whether that is all; `None` if there cannot be anything new.
    pub fn read<T>(
        &mut self,
        find: impl FnOnce(&Store) -> Result<(T, bool), StoreError>,
    ) -> Result<Option<T>, StoreError> {
        // Before the question: what is written in between is found the next time.
        let version = self.store.data_version()?;
        if self.version == Some(version) {
            return Ok(None);
        }
        let (found, is_all) = find(&self.store)?;
        self.version = is_all.then_some(version);
        Ok(Some(found))
    }
}

impl Store {
    /// A number that changes when another connection has written.
    fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.db.pragma_query_value(None, "data_version", |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_when_somebody_else_has_written_until_all_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let other = Store::open(directory.path()).unwrap();
        let mut changes = Changes::open(directory.path()).unwrap();
        let mut read = |is_all| changes.read(|_| Ok(((), is_all))).unwrap().is_some();
        assert!(read(true) && !read(true));
        other.db.execute("DELETE FROM accounts", []).unwrap();
        assert!(!read(true), "nothing was changed");
        other.db.execute("INSERT INTO notices (name, what) VALUES ('a@x', 'renamed')", []).unwrap();
        assert!(read(false) && read(false) && read(true) && !read(true));
        // What cannot be read is asked for again.
        other.db.execute("DELETE FROM notices", []).unwrap();
        assert!(changes.read(|_| Err::<((), bool), _>(rusqlite::Error::InvalidQuery.into())).is_err());
        assert!(changes.read(|_| Ok(((), true))).unwrap().is_some());
    }
}
