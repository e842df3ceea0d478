//! What the service keeps: accounts, contacts, blocks, settings and session tokens, in one SQLite
//! file. Read anew each time, never cached: another process (`hither account`) may write as well.

mod backup;
mod changes;
mod codes;
mod error;
mod keys;
mod notices;
mod people;
mod roster;
mod schema;
mod tokens;

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use hither_proto::service::{Change, Record};
use hither_wire::message::{ContactAction, InvitationsFrom, Settings, SettingsChange};
use hither_wire::{Code, PersonName, limits, text};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, ffi, params};

pub(crate) use changes::Changes;
pub(crate) use codes::Registered;
pub use codes::{NewCode, RegistrationCode};
pub use error::StoreError;
use error::cannot_open;
pub use keys::{Pair, PairKey, Revoked};
pub(crate) use keys::{Rotation, apps_text};
pub use notices::Notice;
pub use roster::{Changed, ContactOutcome, Person, PersonChange};

/// The file's name in the data directory.
const FILE: &str = "hither.sqlite";
/// What SQLite writes first.
const WAL: &str = "hither.sqlite-wal";
/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(10);
const BUSY_RETRY: Duration = Duration::from_millis(5);

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
    /// Whether it cannot sign in.
    pub disabled: bool,
}

impl Store {
    /// Opens the store in a directory; makes both if they are not there. Reads all of the file, to
    /// find damage before somebody relies on it. What is written has reached the disk on return.
    pub fn open(directory: &Path) -> Result<Store, StoreError> {
        let store = Store::connect(directory, "FULL")?;
        let path = || directory.join(FILE);
        let found: String = store
            .db
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(|source| cannot_open(path(), source))?;
        if found == "ok" {
            return Ok(store);
        }
        let source = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(found));
        Err(StoreError::Damaged { path: path(), source })
    }

    /// Whether there is a store in a directory.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(FILE).is_file()
    }

    /// Opens a store once more, as [`Store::open`] does; what is looked for there is not looked for again.
    pub(crate) fn open_again(directory: &Path) -> Result<Store, StoreError> {
        Store::connect(directory, "FULL")
    }

    /// Opens a store once more, for tokens: what is written through this is lost if the power fails
    /// in the next moment, and the person signs in with the password again. Not to wait for the
    /// disk lets many sign in at a time.
    pub(crate) fn open_for_tokens(directory: &Path) -> Result<Store, StoreError> {
        Store::connect(directory, "NORMAL")
    }

    fn connect(directory: &Path, synchronous: &str) -> Result<Store, StoreError> {
        let path = directory.join(FILE);
        // A new file beside the log of another would spoil both.
        if !path.exists() && directory.join(WAL).exists() {
            return Err(StoreError::Gone { path });
        }
        make_private(directory, &path).map_err(|source| StoreError::Open { path: directory.to_owned(), source })?;
        let mut db = connect(&path, synchronous).map_err(|source| cannot_open(path.clone(), source))?;
        match schema::migrate(&mut db) {
            Ok(()) => Ok(Store { db }),
            Err(schema::Failure::Newer { found, known }) => Err(StoreError::Newer { path, found, known }),
            Err(schema::Failure::Sqlite(source)) => Err(cannot_open(path, source)),
        }
    }

    /// Makes an account.
    pub fn add_account(&self, name: &PersonName, friendly_name: &str, hash: &str) -> Result<(), StoreError> {
        check_friendly_name(friendly_name)?;
        let added = self.db.execute(
            "INSERT INTO accounts (name, friendly_name, password_hash, created) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
            params![name.as_str(), friendly_name, hash, now()],
        )?;
        if added == 0 { Err(StoreError::Exists(name.clone())) } else { Ok(()) }
    }

    /// Every account, by name.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut query =
            self.db.prepare("SELECT name, friendly_name, created, disabled IS NOT NULL FROM accounts ORDER BY name")?;
        let rows = query.query_map([], |row| {
            Ok(Account { name: row.get(0)?, friendly_name: row.get(1)?, created: row.get(2)?, disabled: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Removes an account with everything that hangs on it.
    pub fn remove_account(&self, name: &PersonName) -> Result<(), StoreError> {
        one_row(name, self.db.execute("DELETE FROM accounts WHERE name = ?", [name.as_str()])?)
    }

    /// Changes a password; every token of the account stops working.
    pub fn set_password(&self, name: &PersonName, hash: &str) -> Result<(), StoreError> {
        let transaction = self.db.unchecked_transaction()?;
        let sql = "SELECT issuer FROM accounts WHERE name = ?";
        let issuer: Option<String> = self.db.query_row(sql, [name.as_str()], |row| row.get(0)).optional()?.flatten();
        if let Some(issuer) = issuer {
            return Err(StoreError::OfIssuer(name.clone(), issuer));
        }
        let changed =
            self.db.execute("UPDATE accounts SET password_hash = ? WHERE name = ?", params![hash, name.as_str()])?;
        one_row(name, changed)?;
        self.db.execute("DELETE FROM tokens WHERE account = ?", [name.as_str()])?;
        Ok(transaction.commit()?)
    }

    /// Changes a friendly name.
    pub fn set_friendly_name(&self, name: &PersonName, friendly_name: &str) -> Result<(), StoreError> {
        check_friendly_name(friendly_name)?;
        let sql = "UPDATE accounts SET friendly_name = ? WHERE name = ?";
        one_row(name, self.db.execute(sql, params![friendly_name, name.as_str()])?)
    }

    /// The hash of a person's password, if there is such a person, who has one and is not disabled.
    pub(crate) fn password_hash(&self, name: &PersonName) -> Result<Option<String>, StoreError> {
        let sql = "SELECT password_hash FROM accounts
                   WHERE name = ? AND password_hash != '' AND issuer IS NULL AND disabled IS NULL";
        let mut query = self.db.prepare_cached(sql)?;
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
            Change::Settings(change) => self.change_settings(owner, *change),
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
        let sql = match action {
            ContactAction::Add => "INSERT INTO contacts (owner, who) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ContactAction::Remove => "DELETE FROM contacts WHERE owner = ? AND who = ?",
            ContactAction::Block => "INSERT INTO blocks (owner, who) VALUES (?, ?) ON CONFLICT DO NOTHING",
            ContactAction::Unblock => "DELETE FROM blocks WHERE owner = ? AND who = ?",
        };
        match self.db.execute(sql, params![owner.as_str(), who.as_str()]) {
            // Whoever has gone can still be taken from a list that was read before.
            Ok(_) => Ok(Ok(found.unwrap_or_default().into())),
            // One of the two has no account (any more).
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(Err(Code::MSGR_E_USER_NOT_FOUND))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn change_settings(
        &self,
        owner: &PersonName,
        change: SettingsChange,
    ) -> Result<Result<Box<str>, Code>, StoreError> {
        let invitations = change.invitations.map(|from| match from {
            InvitationsFrom::Contacts => "contacts",
            InvitationsFrom::Anyone => "anyone",
        });
        let changed = self.db.execute(
            "UPDATE accounts SET invitations = coalesce(?, invitations), show_declines = coalesce(?, show_declines)
             WHERE name = ?",
            params![invitations, change.show_declines, owner.as_str()],
        )?;
        Ok(if changed == 0 { Err(Code::MSGR_E_USER_NOT_FOUND) } else { Ok("".into()) })
    }
}

fn connect(path: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    use_wal(&db)?;
    db.pragma_update(None, "synchronous", synchronous)?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(db)
}

/// SQLite itself does not wait here: of two processes that make the file at once, one would be told
/// that it is busy.
fn use_wal(db: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + BUSY;
    loop {
        match db.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && Instant::now() < until => {
                std::thread::sleep(BUSY_RETRY);
            }
            done => return done,
        }
    }
}

fn one_row(name: &PersonName, rows: usize) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound(name.clone())) } else { Ok(()) }
}

fn check_friendly_name(name: &str) -> Result<(), StoreError> {
    if text::fits(name, limits::FRIENDLY_NAME_UNITS) { Ok(()) } else { Err(StoreError::FriendlyName) }
}

pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A directory and a file that only their owner can look into, if they have to be made. SQLite
/// gives the files beside it the same rights.
fn make_private(directory: &Path, file: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    let mut options = std::fs::OpenOptions::new();
    // Only ever made, never opened: closing it would let go of SQLite's own locks on it.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    builder.create(directory)?;
    match options.open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
