//! Registration codes: what lets somebody make an account.

use hither_wire::{PersonName, limits, text};
use rusqlite::{OptionalExtension as _, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::{Store, StoreError, check_friendly_name, now};

/// Codes that are kept, those that do not count any more included; beyond, the oldest of these make room.
const CODES: u32 = 10_000;
/// The longest note, in UTF-16 units.
const NOTE_UNITS: usize = 128;
/// Characters of a code that are its name.
const NAME: usize = 6;

/// What a new code is to be.
#[derive(Clone, Debug)]
pub struct NewCode {
    /// The operator's own word for it, at most 128 UTF-16 units.
    pub note: String,
    /// The domain that sign-in names must have; any if "".
    pub domain: String,
    /// How many accounts can be made with it, at least 1.
    pub uses: u32,
    /// For how many seconds it counts.
    pub life: u32,
}

/// A code, for lists. Times in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationCode {
    /// How the code begins.
    pub name: String,
    /// The operator's own word for it.
    pub note: String,
    /// The domain that sign-in names must have; any if "".
    pub domain: String,
    /// How many accounts can still be made with it.
    pub uses: u32,
    /// When it was issued.
    pub issued: i64,
    /// Until when it counts.
    pub ends: i64,
}

impl RegistrationCode {
    /// Whether an account can be made with it now.
    pub fn counts(&self) -> bool {
        self.uses > 0 && self.ends > now()
    }
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// There is an account.
    Done,
    /// The code does not count, or not for this name.
    NoCode(&'static str),
    /// There was an account of this name already; the code was not used.
    Exists,
}

impl Store {
    /// Issues a code, which is told here and never again.
    pub fn issue_code(&self, new: &NewCode) -> Result<(String, RegistrationCode), StoreError> {
        if !text::fits(&new.note, NOTE_UNITS) || new.uses == 0 || new.life == 0 {
            return Err(StoreError::CodeForm);
        }
        let code = draw().ok_or(StoreError::Randomness)?;
        let transaction = rusqlite::Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        let count: u32 = transaction.query_row("SELECT count(*) FROM codes", [], |row| row.get(0))?;
        if count >= CODES {
            transaction.execute("DELETE FROM codes WHERE uses = 0 OR ends <= ?", [now()])?;
        }
        let count: u32 = transaction.query_row("SELECT count(*) FROM codes", [], |row| row.get(0))?;
        if count >= CODES {
            return Err(StoreError::TooManyCodes(CODES));
        }
        let NewCode { note, domain, uses, life } = new.clone();
        let domain = domain.to_lowercase();
        let (issued, ends) = (now(), now().saturating_add(i64::from(life)));
        let name = name_of(&code).to_owned();
        transaction.execute(
            "INSERT INTO codes (name, hash, note, domain, uses, issued, ends) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![name, hash_of(&code), note, domain, uses, issued, ends],
        )?;
        transaction.commit()?;
        Ok((code, RegistrationCode { name, note, domain, uses, issued, ends }))
    }

    /// Every code, the oldest first.
    pub fn codes(&self) -> Result<Vec<RegistrationCode>, StoreError> {
        let sql = "SELECT name, note, domain, uses, issued, ends FROM codes ORDER BY issued, name";
        let mut query = self.db.prepare(sql)?;
        let rows = query.query_map([], |row| {
            let (name, note, domain) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(RegistrationCode { name, note, domain, uses: row.get(3)?, issued: row.get(4)?, ends: row.get(5)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A code, by its beginning, counts no more; accounts that were made with it stay.
    pub fn revoke_code(&self, name: &str) -> Result<(), StoreError> {
        match self.db.execute("DELETE FROM codes WHERE name = ?", [name])? {
            0 => Err(StoreError::NoCode(name.to_owned())),
            _ => Ok(()),
        }
    }

    /// Why no account of this name can be made with a code now, in words for the audit; `None` if one can.
    pub(crate) fn code_fault(&self, code: &str, name: &PersonName) -> Result<Option<&'static str>, StoreError> {
        let sql = "SELECT domain, uses > 0, ends > ? FROM codes WHERE name = ? AND hash = ?";
        let mut query = self.db.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let found = query.query_row(params![now(), name_of(code), hash_of(code)], row).optional()?;
        let own = name.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
        Ok(match found {
            None => Some("no-such-code"),
            Some((_, _, false)) => Some("code-that-has-ended"),
            Some((_, false, _)) => Some("code-that-is-used-up"),
            Some((domain, true, true)) if !domain.is_empty() && domain != own => Some("code-for-another-domain"),
            Some((_, true, true)) => None,
        })
    }

    /// What a code is called, which is no secret: how it begins.
    pub(crate) fn code_name(code: &str) -> &str {
        name_of(code)
    }

    /// Makes an account and uses up one use of the code, both or neither.
    pub(crate) fn register(
        &self,
        name: &PersonName,
        friendly_name: &str,
        hash: &str,
        code: &str,
    ) -> Result<Registered, StoreError> {
        check_friendly_name(friendly_name)?;
        let transaction = rusqlite::Transaction::new_unchecked(&self.db, TransactionBehavior::Immediate)?;
        if let Some(why) = self.code_fault(code, name)? {
            return Ok(Registered::NoCode(why));
        }
        match self.add_account(name, friendly_name, hash) {
            Ok(()) => {}
            Err(StoreError::Exists(_)) => return Ok(Registered::Exists),
            Err(error) => return Err(error),
        }
        transaction.execute("UPDATE codes SET uses = uses - 1 WHERE name = ?", [name_of(code)])?;
        transaction.commit()?;
        Ok(Registered::Done)
    }
}

/// A fresh code: four groups of six of 32 letters and digits, of which the first is its name. `None` if
/// the system has no randomness.
fn draw() -> Option<String> {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut bytes = [0_u8; 4 * NAME];
    getrandom::fill(&mut bytes).ok()?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    let groups: Vec<String> = bytes.chunks(NAME).map(|group| group.iter().filter_map(letter).collect()).collect();
    Some(groups.join("-"))
}

fn name_of(code: &str) -> &str {
    code.get(..NAME).unwrap_or_default()
}

fn hash_of(code: &str) -> [u8; 32] {
    debug_assert!(code.len() <= limits::CODE_BYTES);
    Sha256::digest(code.as_bytes()).into()
}
