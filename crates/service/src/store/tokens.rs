//! Session tokens: only their hashes are here.

use std::time::Duration;

use hither_wire::account::Device;
use hither_wire::{DeviceId, Guid, PersonName, limits};
use rusqlite::{OptionalExtension as _, params};

use super::{Store, StoreError, now};

/// The use of a token is noted this exactly: many who come back at once cost no writes.
const USE_NOTED: Duration = Duration::from_hours(1);

impl Store {
    /// Keeps a token's hash for a device, in place of the device's older ones. Of more than `most`
    /// tokens of an account, those unused for longest go.
    ///
    /// `proved` is the hash of the password that was given: if that is not the account's any more,
    /// nothing is kept, and the answer is no.
    pub(crate) fn add_token(
        &self,
        hash: &[u8],
        (account, proved): (&PersonName, &str),
        device: DeviceId,
        client: &str,
        most: u32,
    ) -> Result<bool, StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let device = device.to_string();
        // To write comes first: from here on nobody else does.
        self.db.execute("DELETE FROM tokens WHERE account = ? AND device = ?", params![account.as_str(), device])?;
        if self.password_hash(account)?.as_deref() != Some(proved) {
            return Ok(false);
        }
        // Room is made first: whatever the clock says, the new one stays.
        self.db.execute(
            "DELETE FROM tokens WHERE account = ?1 AND hash NOT IN
             (SELECT hash FROM tokens WHERE account = ?1 ORDER BY last_used DESC, hash LIMIT ?2)",
            params![account.as_str(), most.saturating_sub(1)],
        )?;
        self.db.execute(
            "INSERT INTO tokens (hash, account, device, client, created, last_used) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            params![hash, account.as_str(), device, client, now()],
        )?;
        transaction.commit()?;
        Ok(true)
    }

    /// Whose token this is, and of which device, if it was used within `life`; it counts as used.
    pub(crate) fn use_token(&self, hash: &[u8], life: Duration) -> Result<Option<(PersonName, String)>, StoreError> {
        let now = now();
        let sql = "SELECT account, device, last_used FROM tokens WHERE hash = ? AND last_used >= ?
                   AND NOT EXISTS (SELECT 1 FROM accounts WHERE name = account AND disabled IS NOT NULL)";
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

    /// Whether a device holds a token of this account.
    pub(crate) fn knows_device(&self, account: &PersonName, device: DeviceId) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM tokens WHERE account = ? AND device = ?)";
        let mut query = self.db.prepare_cached(sql)?;
        Ok(query.query_row(params![account.as_str(), device.to_string()], |row| row.get(0))?)
    }

    /// The devices that hold a token of an account, the last used first; whether they are here is not
    /// known to the store.
    pub(crate) fn devices(&self, account: &PersonName) -> Result<Vec<Device>, StoreError> {
        let sql = "SELECT device, client, created, last_used FROM tokens WHERE account = ?
                   ORDER BY last_used DESC, device LIMIT ?";
        let most = i64::try_from(limits::DEVICES).unwrap_or(i64::MAX);
        let mut query = self.db.prepare_cached(sql)?;
        let rows = query.query_map(params![account.as_str(), most], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
        })?;
        let mut devices = Vec::new();
        for row in rows {
            let (device, client, created, last_used) = row?;
            let Ok(device) = Guid::parse(&device) else { continue };
            // A token from before this was noted has no beginning.
            let created = u64::try_from(created).ok().filter(|created| *created > 0);
            let last_used = u64::try_from(last_used).ok();
            devices.push(Device { device, client: client.into(), created, last_used, online: false, here: false });
        }
        Ok(devices)
    }

    /// Changes a password; the tokens of every device but one stop working. `proved` is as in
    /// [`Store::add_token`].
    pub(crate) fn change_password(
        &self,
        (name, proved): (&PersonName, &str),
        hash: &str,
        here: DeviceId,
    ) -> Result<bool, StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let sql = "UPDATE accounts SET password_hash = ?1
                   WHERE name = ?2 AND password_hash = ?3 AND issuer IS NULL AND disabled IS NULL";
        if self.db.execute(sql, params![hash, name.as_str(), proved])? == 0 {
            return Ok(false);
        }
        let sql = "DELETE FROM tokens WHERE account = ? AND device != ?";
        self.db.execute(sql, params![name.as_str(), here.to_string()])?;
        transaction.commit()?;
        Ok(true)
    }
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}
