//! What the service keeps: accounts, contacts, blocks, settings and session tokens, in one SQLite
//! file. Read anew each time, never cached: another process (`hither account`) may write as well.

mod schema;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hither_proto::service::{Change, Record};
use hither_wire::message::{ContactAction, InvitationsFrom, Settings, SettingsChange};
use hither_wire::{Code, DeviceId, PersonName};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The file's name in the data directory.
const FILE: &str = "hither.sqlite";
/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
/// A token that has not been used for this long stops working.
const TOKEN_LIFE: Duration = Duration::from_hours(90 * 24);
/// Tokens of one account; beyond, the one unused for longest goes.
const TOKENS_PER_ACCOUNT: u32 = 32;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory or the file cannot be used.
    #[error("cannot open the store {path}: it must be a directory that this user can write to")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no store.
    #[error("{path} is not a hither store, or is damaged: move it away, or put back a backup of it")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a newer hither.
    #[error("the store has version {found}, this hither knows versions up to {known}: update hither")]
    Newer {
        /// The file's version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// An account of this name is there already.
    #[error("there is an account {0} already; to change its password use `hither account password`")]
    Exists(PersonName),
    /// No account of this name.
    #[error("there is no account {0}; `hither account list` shows those there are")]
    NotFound(PersonName),
    /// Anything else that SQLite says.
    #[error("the store failed")]
    Sqlite(#[from] rusqlite::Error),
}

/// An open store.
#[derive(Debug)]
pub struct Store {
    db: Connection,
}

/// An account, for lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Sign-in name.
    pub name: String,
    /// Friendly name.
    pub friendly_name: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

impl Store {
    /// Opens the store in a directory; makes both if they are not there.
    pub fn open(directory: &Path) -> Result<Store, StoreError> {
        make_private(directory).map_err(|source| StoreError::Open { path: directory.to_owned(), source })?;
        let path = directory.join(FILE);
        let damaged = |source| StoreError::Damaged { path: path.clone(), source };
        let mut db = Connection::open(&path).map_err(damaged)?;
        db.busy_timeout(BUSY)?;
        db.pragma_update(None, "journal_mode", "WAL").map_err(damaged)?;
        db.pragma_update(None, "synchronous", "NORMAL").map_err(damaged)?;
        db.pragma_update(None, "foreign_keys", true)?;
        schema::migrate(&mut db).map_err(|error| match error {
            StoreError::Sqlite(source) => damaged(source),
            other @ (StoreError::Newer { .. }
            | StoreError::Open { .. }
            | StoreError::Damaged { .. }
            | StoreError::Exists(_)
            | StoreError::NotFound(_)) => other,
        })?;
        Ok(Store { db })
    }

    /// Makes an account.
    pub fn add_account(&self, name: &PersonName, friendly_name: &str, hash: &str) -> Result<(), StoreError> {
        let added = self.db.execute(
            "INSERT INTO accounts (name, friendly_name, password_hash, created) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            params![name.as_str(), friendly_name, hash, now()],
        )?;
        if added == 0 { Err(StoreError::Exists(name.clone())) } else { Ok(()) }
    }

    /// Every account, by name.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut query = self.db.prepare("SELECT name, friendly_name, created FROM accounts ORDER BY name")?;
        let rows = query
            .query_map([], |row| Ok(Account { name: row.get(0)?, friendly_name: row.get(1)?, created: row.get(2)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes an account with everything that hangs on it.
    pub fn remove_account(&self, name: &PersonName) -> Result<(), StoreError> {
        self.one_row(name, self.db.execute("DELETE FROM accounts WHERE name = ?", [name.as_str()])?)
    }

    /// Changes a password; every token of the account stops working.
    pub fn set_password(&self, name: &PersonName, hash: &str) -> Result<(), StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let changed =
            self.db.execute("UPDATE accounts SET password_hash = ? WHERE name = ?", params![hash, name.as_str()])?;
        self.one_row(name, changed)?;
        self.db.execute("DELETE FROM tokens WHERE account = ?", [name.as_str()])?;
        Ok(transaction.commit()?)
    }

    /// Changes a friendly name.
    pub fn set_friendly_name(&self, name: &PersonName, friendly_name: &str) -> Result<(), StoreError> {
        let sql = "UPDATE accounts SET friendly_name = ? WHERE name = ?";
        self.one_row(name, self.db.execute(sql, params![friendly_name, name.as_str()])?)
    }

    #[expect(clippy::unused_self, reason = "kept beside the calls that use it")]
    fn one_row(&self, name: &PersonName, rows: usize) -> Result<(), StoreError> {
        if rows == 0 { Err(StoreError::NotFound(name.clone())) } else { Ok(()) }
    }

    /// The hash of a person's password, if there is such a person.
    pub fn password_hash(&self, name: &PersonName) -> Result<Option<String>, StoreError> {
        let mut query = self.db.prepare_cached("SELECT password_hash FROM accounts WHERE name = ?")?;
        Ok(query.query_row([name.as_str()], |row| row.get(0)).optional()?)
    }

    /// All that the service needs to know of a person.
    pub fn record(&self, name: &PersonName) -> Result<Option<Record>, StoreError> {
        let sql = "SELECT friendly_name, invitations, show_declines FROM accounts WHERE name = ?";
        let found = self.db.prepare_cached(sql)?.query_row([name.as_str()], |row| {
            let invitations: Option<String> = row.get(1)?;
            let invitations = invitations.and_then(|text| match text.as_str() {
                "anyone" => Some(InvitationsFrom::Anyone),
                "contacts" => Some(InvitationsFrom::Contacts),
                _ => None,
            });
            Ok((row.get::<_, String>(0)?, Settings { invitations, show_declines: row.get(2)? }))
        });
        let Some((friendly_name, settings)) = found.optional()? else { return Ok(None) };
        Ok(Some(Record {
            name: name.clone(),
            friendly_name: friendly_name.into(),
            contacts: self.people("contacts", name)?,
            blocked: self.people("blocks", name)?,
            settings,
        }))
    }

    fn people(
        &self,
        table: &'static str,
        owner: &PersonName,
    ) -> Result<std::collections::BTreeMap<PersonName, Box<str>>, StoreError> {
        let sql = format!("SELECT who, friendly_name FROM {table} JOIN accounts ON name = who WHERE owner = ?");
        let mut query = self.db.prepare_cached(&sql)?;
        let rows = query.query_map([owner.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut people = std::collections::BTreeMap::new();
        for row in rows {
            let (who, friendly_name) = row?;
            if let Ok(who) = PersonName::parse(&who) {
                people.insert(who, friendly_name.into());
            }
        }
        Ok(people)
    }

    /// Writes a change; the friendly name of the contact it concerns, or "".
    pub fn change(&self, owner: &PersonName, change: &Change) -> Result<Result<Box<str>, Code>, StoreError> {
        match change {
            Change::Contact { action, who } => self.change_contact(owner, *action, who),
            Change::Settings(change) => self.change_settings(owner, *change).map(|()| Ok("".into())),
            Change::RevokeTokens { device } => {
                let sql = "DELETE FROM tokens WHERE account = ? AND device = ?";
                self.db.execute(sql, params![owner.as_str(), device.to_string()])?;
                Ok(Ok("".into()))
            }
        }
    }

    fn change_contact(
        &self,
        owner: &PersonName,
        action: ContactAction,
        who: &PersonName,
    ) -> Result<Result<Box<str>, Code>, StoreError> {
        let sql = "SELECT friendly_name FROM accounts WHERE name = ?";
        let found: Option<String> = self.db.query_row(sql, [who.as_str()], |row| row.get(0)).optional()?;
        let Some(friendly_name) = found else { return Ok(Err(Code::MSGR_E_USER_NOT_FOUND)) };
        let sql = match action {
            ContactAction::Add => "INSERT INTO contacts (owner, who) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ContactAction::Remove => "DELETE FROM contacts WHERE owner = ? AND who = ?",
            ContactAction::Block => "INSERT INTO blocks (owner, who) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ContactAction::Unblock => "DELETE FROM blocks WHERE owner = ? AND who = ?",
        };
        self.db.execute(sql, params![owner.as_str(), who.as_str()])?;
        Ok(Ok(friendly_name.into()))
    }

    fn change_settings(&self, owner: &PersonName, change: SettingsChange) -> Result<(), StoreError> {
        let invitations = change.invitations.map(|from| match from {
            InvitationsFrom::Contacts => "contacts",
            InvitationsFrom::Anyone => "anyone",
        });
        self.db.execute(
            "UPDATE accounts SET invitations = coalesce(?, invitations), show_declines = coalesce(?, show_declines)
             WHERE name = ?",
            params![invitations, change.show_declines, owner.as_str()],
        )?;
        Ok(())
    }

    /// Keeps a token's hash for a device, in place of the device's older ones.
    pub fn add_token(&self, hash: &[u8], account: &PersonName, device: DeviceId) -> Result<(), StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let device = device.to_string();
        self.db.execute("DELETE FROM tokens WHERE account = ? AND device = ?", params![account.as_str(), device])?;
        self.db.execute(
            "INSERT INTO tokens (hash, account, device, last_used) VALUES (?, ?, ?, ?)",
            params![hash, account.as_str(), device, now()],
        )?;
        self.db.execute(
            "DELETE FROM tokens WHERE account = ?1 AND hash NOT IN
             (SELECT hash FROM tokens WHERE account = ?1 ORDER BY last_used DESC, hash LIMIT ?2)",
            params![account.as_str(), TOKENS_PER_ACCOUNT],
        )?;
        Ok(transaction.commit()?)
    }

    /// Whose token this is, and of which device, if it still works; it counts as used.
    pub fn use_token(&self, hash: &[u8]) -> Result<Option<(PersonName, String)>, StoreError> {
        let oldest = now() - i64::try_from(TOKEN_LIFE.as_secs()).unwrap_or(i64::MAX);
        let sql = "SELECT account, device FROM tokens WHERE hash = ? AND last_used >= ?";
        let found = self
            .db
            .prepare_cached(sql)?
            .query_row(params![hash, oldest], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let Some((account, device)) = found else { return Ok(None) };
        self.db.execute("UPDATE tokens SET last_used = ? WHERE hash = ?", params![now(), hash])?;
        Ok(PersonName::parse(&account).ok().map(|account| (account, device)))
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A directory that only its owner can look into, if it has to be made.
fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests;
