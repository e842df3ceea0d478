//! Which pairs have been revoked while the service runs.

use std::path::Path;

use crate::store::{Changes, StoreError};

/// Watches for revocations, by whichever process.
#[derive(Debug)]
pub struct Revocations {
    changes: Changes,
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
        let changes = Changes::open(data)?;
        let told = changes.store().last_revocation()?;
        Ok(Revocations { changes, told, again: Vec::new() })
    }

    /// The ids that were revoked since the last asking, and once more those of the asking before: a
    /// judgement that was made just before a revocation may arrive just after it was told. Ask again
    /// after a second, say; so much time has a judgement to arrive.
    pub fn poll(&mut self) -> Result<Vec<Box<str>>, StoreError> {
        let after = self.told;
        let found = self.changes.read(|store| {
            let found = store.revoked_after(after, AT_ONCE)?;
            let is_all = found.len() < AT_ONCE;
            Ok((found, is_all))
        })?;
        let found = found.unwrap_or_default();
        self.told = found.last().map_or(self.told, |(number, _)| *number);
        let fresh: Vec<Box<str>> = found.into_iter().map(|(_, id)| id).collect();
        let mut told = std::mem::replace(&mut self.again, fresh.clone());
        told.extend(fresh);
        Ok(told)
    }
}
