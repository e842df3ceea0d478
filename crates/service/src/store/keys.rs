//! ID/key pairs: what they are good for, and their keys, sealed.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use hither_wire::Guid;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::{BUSY, FILE, Store, StoreError, now};
use crate::keys::Environment;

/// The use of a pair is noted this exactly.
const USE_NOTED: Duration = Duration::from_hours(1);

/// Revoked pairs that are kept, so that it can be said of one that it was revoked.
const REVOKED_MAX: u32 = 1_000;
/// So long after it was revoked a pair is kept in any case, in seconds: whoever watches for revocations
/// has heard of it by then.
const REVOKED_KEPT: i64 = 60;

/// An ID/key pair, without its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The id.
    pub id: Box<str>,
    /// What people call it.
    pub name: String,
    /// Where it is good.
    pub environment: Environment,
    /// Whether MD5 counts too (R19).
    pub md5: bool,
    /// The applications that it unlocks; `None` is any.
    pub apps: Option<BTreeSet<Guid>>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it last unlocked something, give or take an hour.
    pub last_used: Option<i64>,
    /// When it was revoked.
    pub revoked: Option<i64>,
    /// Its keys, at most two, the newest first; none once it is revoked.
    pub keys: Vec<PairKey>,
}

/// One key of a pair, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct PairKey {
    /// Counts up with each rotation.
    pub number: u32,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// From when on it does not count; `None` is never.
    pub expires: Option<i64>,
    pub(crate) sealed: Vec<u8>,
}

impl PairKey {
    /// Whether it counts at a time, in seconds since 1970.
    pub fn is_living(&self, now: i64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl fmt::Debug for PairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PairKey { number, created, expires, sealed: _ } = self;
        write!(f, "PairKey {{ number: {number}, created: {created}, expires: {expires:?}, .. }}")
    }
}

/// What a rotation writes.
#[derive(Debug)]
pub(crate) struct Rotation {
    pub id: Box<str>,
    /// The key that was the newest, with its end.
    pub old: Option<PairKey>,
    pub new: PairKey,
}

/// What became of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It was done.
    Now,
    /// It had been done at this time, in seconds since 1970.
    Before(i64),
}

/// The pairs with their keys, a row for each key.
const PAIRS: &str = "SELECT a.id, name, environment, md5, apps, a.created, last_used, revoked,
                            number, k.created, expires, sealed
                     FROM app_ids a LEFT JOIN app_keys k ON k.id = a.id";

impl Store {
    /// Opens a store once more that was opened before, without reading all of it.
    pub(crate) fn open_beside(directory: &Path) -> Result<Store, StoreError> {
        Store::connect(directory, "FULL")
    }

    /// The pair of this id, at this moment.
    pub fn pair(&self, id: &str) -> Result<Option<Pair>, StoreError> {
        let sql = format!("{PAIRS} WHERE a.id = ? ORDER BY number DESC LIMIT 2");
        let mut query = self.db.prepare_cached(&sql)?;
        let mut pairs = gather(query.query([id])?)?;
        Ok(pairs.pop())
    }

    /// Every pair, the oldest first.
    pub fn pairs(&self) -> Result<Vec<Pair>, StoreError> {
        let mut query = self.db.prepare(&format!("{PAIRS} ORDER BY a.created, a.id, number DESC"))?;
        gather(query.query([])?)
    }

    /// At most so many pairs by id, behind one, and whether there are more.
    pub fn pair_page(&self, after: &str, most: usize) -> Result<(Vec<Pair>, bool), StoreError> {
        let some = "SELECT id FROM app_ids WHERE id > ? ORDER BY id LIMIT ?";
        let mut query =
            self.db.prepare_cached(&format!("{PAIRS} WHERE a.id IN ({some}) ORDER BY a.id, number DESC"))?;
        let one_more = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
        let mut pairs = gather(query.query(params![after, one_more])?)?;
        let more = pairs.len() > most;
        pairs.truncate(most);
        Ok((pairs, more))
    }

    /// Adds a pair with its keys, if `look` lets it, which gets the number of those that are not revoked
    /// and looks while nobody else can write.
    pub(crate) fn add_pair<E: From<StoreError>>(
        &self,
        pair: &Pair,
        look: impl FnOnce(u32) -> Result<(), E>,
    ) -> Result<(), E> {
        let transaction = self.writing()?;
        let sql = "SELECT count(*) FROM app_ids WHERE revoked IS NULL";
        look(self.db.query_row(sql, [], |row| row.get(0)).map_err(StoreError::from)?)?;
        self.put_pair(pair)?;
        pair.keys.iter().try_for_each(|key| self.put_key(&pair.id, key))?;
        self.forget_revoked()?;
        Ok(transaction.commit().map_err(StoreError::from)?)
    }

    /// Of the pairs that are revoked the oldest go, if there are too many. The last stays: its number is
    /// counted on from.
    fn forget_revoked(&self) -> Result<(), StoreError> {
        let sql = "DELETE FROM app_ids WHERE revoked <= ?
                   AND revocation <= (SELECT revocation FROM app_ids WHERE revocation IS NOT NULL
                                      ORDER BY revocation DESC LIMIT 1 OFFSET ?)";
        self.db.execute(sql, params![now().saturating_sub(REVOKED_KEPT), REVOKED_MAX])?;
        Ok(())
    }

    fn put_pair(&self, pair: &Pair) -> Result<(), StoreError> {
        let Pair { id, name, environment, md5, apps, created, last_used, revoked: _, keys: _ } = pair;
        let apps = apps.as_ref().map(apps_text);
        self.db.execute(
            "INSERT INTO app_ids (id, name, environment, md5, apps, created, last_used) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![id, name, environment.name(), md5, apps, created, last_used],
        )?;
        Ok(())
    }

    /// Replaces the keys of a pair by what `rotation` says, which looks while nobody else can write.
    pub(crate) fn rotate<E: From<StoreError>>(&self, rotation: impl FnOnce() -> Result<Rotation, E>) -> Result<(), E> {
        let transaction = self.writing()?;
        let Rotation { id, old, new } = rotation()?;
        self.remove_keys(&id)?;
        old.iter().chain([&new]).try_for_each(|key| self.put_key(&id, key))?;
        Ok(transaction.commit().map_err(StoreError::from)?)
    }

    /// Revokes a pair for good: its keys are removed. `None` if there is no such id.
    pub fn revoke_pair(&self, id: &str) -> Result<Option<Revoked>, StoreError> {
        let transaction = self.writing()?;
        let sql = "SELECT revoked FROM app_ids WHERE id = ?";
        let found: Option<Option<i64>> = self.db.query_row(sql, [id], |row| row.get(0)).optional()?;
        match found {
            None => return Ok(None),
            Some(Some(at)) => return Ok(Some(Revoked::Before(at))),
            Some(None) => {}
        }
        let number = self.last_revocation()?.saturating_add(1);
        let sql = "UPDATE app_ids SET revoked = ?, revocation = ? WHERE id = ?";
        self.db.execute(sql, params![now(), number, id])?;
        self.remove_keys(id)?;
        transaction.commit()?;
        Ok(Some(Revoked::Now))
    }

    /// Notes that a pair was used, if that was not done lately. Waits for nobody.
    pub(crate) fn note_use(&self, pair: &Pair, now: i64) -> Result<(), StoreError> {
        let lately = now.saturating_sub(i64::try_from(USE_NOTED.as_secs()).unwrap_or(i64::MAX));
        if pair.last_used.is_some_and(|used| (lately..=now).contains(&used)) {
            return Ok(());
        }
        self.db.busy_timeout(Duration::ZERO)?;
        let noted = self.db.execute("UPDATE app_ids SET last_used = ? WHERE id = ?", params![now, pair.id]);
        self.db.busy_timeout(BUSY)?;
        noted?;
        Ok(())
    }

    /// What the key file is recognised by, once there is something.
    pub(crate) fn seal_check(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.db.query_row("SELECT sealed FROM app_seal", [], |row| row.get(0)).optional()?)
    }

    /// What the key file of the store in a directory is recognised by, if that can be read. Changes
    /// nothing, makes nothing, and takes a store of an older version as it is.
    pub(crate) fn seal_check_in(directory: &Path) -> Option<Vec<u8>> {
        let db = Connection::open_with_flags(directory.join(FILE), OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
        db.busy_timeout(BUSY).ok()?;
        db.query_row("SELECT sealed FROM app_seal", [], |row| row.get(0)).ok()
    }

    /// Keeps what the key file is recognised by, unless another process has been faster; what counts.
    pub(crate) fn claim_seal(&self, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.db.execute("INSERT INTO app_seal (one, sealed) VALUES (1, ?) ON CONFLICT DO NOTHING", [sealed])?;
        Ok(self.db.query_row("SELECT sealed FROM app_seal", [], |row| row.get(0))?)
    }

    /// Whether any key is kept, living or not.
    pub(crate) fn has_keys(&self) -> Result<bool, StoreError> {
        Ok(self.db.query_row("SELECT EXISTS (SELECT 1 FROM app_keys)", [], |row| row.get(0))?)
    }

    /// Keeps what another key file is recognised by, unless a key is still kept.
    pub(crate) fn replace_seal(&self, sealed: &[u8]) -> Result<bool, StoreError> {
        let transaction = self.writing()?;
        if self.has_keys()? {
            return Ok(false);
        }
        self.db.execute("INSERT OR REPLACE INTO app_seal (one, sealed) VALUES (1, ?)", [sealed])?;
        transaction.commit()?;
        Ok(true)
    }

    /// The number of the last revocation; 0 if there was none.
    pub(crate) fn last_revocation(&self) -> Result<i64, StoreError> {
        Ok(self.db.query_row("SELECT coalesce(max(revocation), 0) FROM app_ids", [], |row| row.get(0))?)
    }

    /// The ids that were revoked after a revocation, with their numbers, in order.
    pub(crate) fn revoked_after(&self, number: i64, most: usize) -> Result<Vec<(i64, Box<str>)>, StoreError> {
        let sql = "SELECT revocation, id FROM app_ids WHERE revocation > ? ORDER BY revocation LIMIT ?";
        let mut query = self.db.prepare_cached(sql)?;
        let rows = query.query_map(params![number, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Immediate: what is read in it is as it is written.
    pub(super) fn writing(&self) -> Result<Transaction<'_>, StoreError> {
        Ok(Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?)
    }

    fn put_key(&self, id: &str, key: &PairKey) -> Result<(), StoreError> {
        let PairKey { number, created, expires, sealed } = key;
        self.db.execute(
            "INSERT INTO app_keys (id, number, created, expires, sealed) VALUES (?, ?, ?, ?, ?)",
            params![id, number, created, expires, sealed],
        )?;
        Ok(())
    }

    fn remove_keys(&self, id: &str) -> Result<(), StoreError> {
        // What is removed is overwritten, too.
        self.db.pragma_update(None, "secure_delete", true)?;
        self.db.execute("DELETE FROM app_keys WHERE id = ?", [id])?;
        Ok(())
    }
}

/// Puts rows together; those of one pair follow each other.
fn gather(mut rows: rusqlite::Rows<'_>) -> Result<Vec<Pair>, StoreError> {
    let mut pairs: Vec<Pair> = Vec::new();
    while let Some(row) = rows.next()? {
        let key = key(row)?;
        let id: Box<str> = row.get(0)?;
        match pairs.last_mut() {
            Some(last) if last.id == id => last.keys.extend(key),
            Some(_) | None => pairs.push(pair(row, id, key)?),
        }
    }
    Ok(pairs)
}

fn pair(row: &Row<'_>, id: Box<str>, key: Option<PairKey>) -> rusqlite::Result<Pair> {
    let environment: String = row.get(2)?;
    let apps: Option<String> = row.get(4)?;
    let apps = apps.map(|text| apps_of(&text).ok_or_else(|| damaged(4, "applications")));
    Ok(Pair {
        id,
        name: row.get(1)?,
        environment: environment.parse().map_err(|what| damaged(2, what))?,
        md5: row.get(3)?,
        apps: apps.transpose()?,
        created: row.get(5)?,
        last_used: row.get(6)?,
        revoked: row.get(7)?,
        keys: key.into_iter().collect(),
    })
}

fn key(row: &Row<'_>) -> rusqlite::Result<Option<PairKey>> {
    let Some(number) = row.get(8)? else { return Ok(None) };
    Ok(Some(PairKey { number, created: row.get(9)?, expires: row.get(10)?, sealed: row.get(11)? }))
}

/// Applications as they are kept: in order, with a space between.
pub(crate) fn apps_text(apps: &BTreeSet<Guid>) -> String {
    let apps: Vec<String> = apps.iter().map(Guid::to_string).collect();
    apps.join(" ")
}

/// `None` if it was not written by [`apps_text`].
fn apps_of(text: &str) -> Option<BTreeSet<Guid>> {
    let apps: BTreeSet<Guid> = text.split(' ').map(Guid::parse).collect::<Result<_, _>>().ok()?;
    (apps_text(&apps) == text).then_some(apps)
}

fn damaged(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.into())
}
