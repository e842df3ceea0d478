//! Session tokens: only their hashes are here.

use std::time::Duration;

use hither_wire::{DeviceId, PersonName};
use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError, now};

/// The use of a token is noted this exactly: many who come back at once cost no writes.
const USE_NOTED: Duration = Duration::from_hours(1);

impl Store {
    /// Keeps a token's hash for a device, in place of the device's older ones. Of more than `most`
    /// tokens of an account, those unused for longest go.
    pub(crate) fn add_token(
        &self,
        hash: &[u8],
        account: &PersonName,
        device: DeviceId,
        most: u32,
    ) -> Result<(), StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let device = device.to_string();
        self.db.execute("DELETE FROM tokens WHERE account = ? AND device = ?", params![account.as_str(), device])?;
        // Room is made first: whatever the clock says, the new one stays.
        self.db.execute(
            "DELETE FROM tokens WHERE account = ?1 AND hash NOT IN
             (SELECT hash FROM tokens WHERE account = ?1 ORDER BY last_used DESC, hash LIMIT ?2)",
            params![account.as_str(), most.saturating_sub(1)],
        )?;
        self.db.execute(
            "INSERT INTO tokens (hash, account, device, last_used) VALUES (?, ?, ?, ?)",
            params![hash, account.as_str(), device, now()],
        )?;
        Ok(transaction.commit()?)
    }

    /// Whose token this is, and of which device, if it was used within `life`; it counts as used.
    pub(crate) fn use_token(&self, hash: &[u8], life: Duration) -> Result<Option<(PersonName, String)>, StoreError> {
        let now = now();
        let sql = "SELECT account, device, last_used FROM tokens WHERE hash = ? AND last_used >= ?";
        let found = self
            .db
            .prepare_cached(sql)?
            .query_row(params![hash, now.saturating_sub(seconds(life))], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((account, device, last_used)) = found else { return Ok(None) };
        if last_used < now.saturating_sub(seconds(USE_NOTED.min(life / 2))) {
            self.db.execute("UPDATE tokens SET last_used = ? WHERE hash = ?", params![now, hash])?;
        }
        Ok(PersonName::parse(&account).ok().map(|account| (account, device)))
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
