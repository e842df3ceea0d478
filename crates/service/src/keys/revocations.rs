//! Which pairs have been revoked while the service runs.

use std::path::Path;

use crate::store::{Store, StoreError};

/// Watches for revocations, by whichever process. Cheap to ask each second: as long as nobody has
/// written to the store, no table is read.
#[derive(Debug)]
pub struct Revocations {
    store: Store,
    /// SQLite's number of the last change by somebody else.
    version: Option<i64>,
    /// The last revocation that was told.
    told: i64,
    /// What was told the last time, and is told once more.
    again: Vec<Box<str>>,
}

/// Revocations told at a time; the rest follow at the next asking.
const AT_ONCE: usize = 1_000;

impl Revocations {
    /// Begins to watch: what is revoked from now on is told.
    pub fn open(data: &Path) -> Result<Revocations, StoreError> {
        let store = Store::open_beside(data)?;
        let told = store.last_revocation()?;
        Ok(Revocations { store, version: None, told, again: Vec::new() })
    }

    /// The ids that were revoked since the last asking, and once more those of the asking before: a
    /// judgement that was made just before a revocation may arrive just after it was told. Ask again
    /// after a second, say; so much time has a judgement to arrive.
    pub fn poll(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        // Before the question: what is written in between is found the next time.
        let version = self.store.data_version()?;
        if self.version == Some(version) {
            return Ok(std::mem::take(&mut self.again));
        }
        let found = self.store.revoked_after(self.told, AT_ONCE)?;
        self.version = (found.len() < AT_ONCE).then_some(version);
        self.told = found.last().map_or(self.told, |(number, _)| *number);
        let fresh: Vec<Box<str>> = found.into_iter().map(|(_, id)| id).collect();
        let mut told = std::mem::replace(&mut self.again, fresh.clone());
        told.extend(fresh);
        Ok(told)
    }
}
