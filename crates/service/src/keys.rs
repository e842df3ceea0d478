//! ID/key pairs of applications (Lock and Key, section 2.3 of the reference): what an operator issues,
//! and the judging of what an application answers to a challenge.
//!
//! Who checks a response computes it: HMAC and MD5 need the key itself, so a key cannot be kept as a
//! hash. It is sealed with a key file, together with everything that its row says; see `seal`. Pairs
//! are read anew for each judgement: what `hither key` changes counts at once.

mod error;
mod file;
mod id;
mod issue;
mod response;
mod revocations;
mod seal;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hither_proto::rate::Allowance;
use hither_wire::Guid;

pub use error::{KeyError, KeyFileError};
pub use id::AppId;
pub use issue::{Draft, NewPair, Rotate};
pub use revocations::Revocations;
pub use seal::Secret;

pub use crate::store::{Pair, PairKey};

use crate::store::{Store, StoreError, now};
use response::Given;
use seal::{Place, Seal};

/// For which of an operator's environments a pair is good, and of which a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Environment {
    /// What people use.
    #[default]
    Production,
    /// Where applications are tried out.
    Test,
}

impl Environment {
    /// `production` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Environment::Production => "production",
            Environment::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Environment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Environment, Self::Err> {
        match text {
            "production" => Ok(Environment::Production),
            "test" => Ok(Environment::Test),
            _ => Err("an environment is `production` or `test`"),
        }
    }
}

/// The lock's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockConfig {
    /// Pairs of the other environment do not unlock this service.
    pub environment: Environment,
    /// The file that the keys are sealed with; `None` is [`KEY_FILE`] in the data directory.
    pub key_file: Option<PathBuf>,
    /// How long a challenge can be answered, in milliseconds.
    pub answer_ms: u64,
    /// Wrong responses from one address: refused without being judged beyond.
    pub failures_per_address: Allowance,
    /// Wrong responses of one person: refused without being judged beyond.
    pub failures_per_person: Allowance,
}

impl Default for LockConfig {
    fn default() -> LockConfig {
        LockConfig {
            environment: Environment::Production,
            key_file: None,
            answer_ms: 30_000,
            failures_per_address: Allowance { burst: 50, each_ms: 1_000 },
            failures_per_person: Allowance { burst: 10, each_ms: 6_000 },
        }
    }
}

impl LockConfig {
    /// Where the key file of a data directory is.
    pub fn key_file(&self, data: &Path) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| data.join(KEY_FILE))
    }
}

/// The key file's name in the data directory, unless a setting says otherwise.
pub const KEY_FILE: &str = "hither.key";

/// Finds out whether a service on a data directory could read its keys, without making or changing
/// anything: the key file has to be there, private and random, and the one that the keys are sealed with.
pub fn inspect_key_file(data: &Path, config: &LockConfig) -> Result<(), KeyFileError> {
    let path = config.key_file(data);
    let seal = Seal::new(&*file::read(&path)?);
    match Store::seal_check_in(data) {
        Some(check) if !seal.is_of(&check) => Err(KeyFileError::Another(path)),
        Some(_) | None => Ok(()),
    }
}

/// What a response is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was made with a living key of a pair of this environment.
    Right {
        /// The applications that the pair unlocks; `None` is any.
        apps: Option<BTreeSet<Guid>>,
    },
    /// It unlocks nothing.
    Wrong(Why),
}

/// Why a response unlocks nothing: for the operator's audit and counters. Whoever sent it is told no
/// more than that it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// There is no such id.
    UnknownId,
    /// The id has been revoked, whatever the response was.
    Revoked,
    /// The id is of the other environment, whatever the response was.
    OtherEnvironment,
    /// Made with a key that was replaced and whose time is over.
    Expired,
    /// No 64 (MD5: 32) lower-case hexadecimal digits.
    Malformed,
    /// Made with another key, from another challenge, or by MD5 for an id that is not marked for it.
    WrongResponse,
}

impl Why {
    /// A short name for logs and labels.
    pub fn name(self) -> &'static str {
        match self {
            Why::UnknownId => "unknown-id",
            Why::Revoked => "revoked",
            Why::OtherEnvironment => "other-environment",
            Why::Expired => "expired",
            Why::Malformed => "malformed",
            Why::WrongResponse => "wrong-response",
        }
    }
}

/// Who judges responses. A thread that does so has one of its own.
pub trait Judge: Send {
    /// Judges a response to a challenge, in a time that does not depend on where it is wrong.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError>;
}

impl Judge for Keychain {
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        Keychain::judge(self, app_id, challenge, response)
    }
}

/// No keys at all: every response is wrong. For a service whose lock is off.
#[derive(Debug)]
pub struct NoKeys;

impl Judge for NoKeys {
    fn judge(&self, _app_id: &str, _challenge: &str, _response: &str) -> Result<Verdict, StoreError> {
        Ok(Verdict::Wrong(Why::UnknownId))
    }
}

/// The pairs of a store, and what their keys are sealed with. Each thread opens its own.
#[derive(Debug)]
pub struct Keychain {
    store: Store,
    seal: Seal,
    environment: Environment,
    /// A sealed key of nobody, which is opened in place of one that there is not.
    nobody: Vec<u8>,
    /// Which file it was.
    key_file: PathBuf,
}

/// A key that a response is compared with.
struct Candidate {
    key: Secret,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Living,
    Expired,
    /// There is one, but it does not open.
    Unreadable,
    Nobody,
}

impl Keychain {
    /// Opens the store of a data directory and the key file. Fails closed: without the key file, or
    /// with another than the keys are sealed with, there is no keychain.
    pub fn open(data: &Path, config: &LockConfig) -> Result<Keychain, KeyError> {
        let path = config.key_file(data);
        let seal = Seal::new(&*file::read(&path)?);
        Keychain::with(Store::open_beside(data)?, seal, config, &path)
    }

    /// The same for whoever issues pairs: makes the store if there is none, and the key file if nothing
    /// has been sealed yet.
    pub fn open_or_make(data: &Path, config: &LockConfig) -> Result<Keychain, KeyError> {
        let path = config.key_file(data);
        let store = Store::open(data)?;
        let key = match file::read(&path) {
            Err(KeyFileError::Missing(_)) if store.seal_check()?.is_none() => file::make(&path)?,
            read => read?,
        };
        Keychain::with(store, Seal::new(&key), config, &path)
    }

    /// The same once the key file is lost: from now on another counts, which is made if there is none.
    /// Refused as long as a pair is not revoked.
    pub fn open_anew(data: &Path, config: &LockConfig) -> Result<Keychain, KeyError> {
        let path = config.key_file(data);
        let store = Store::open(data)?;
        if store.has_keys()? {
            return Err(KeyError::StillSealed);
        }
        let key = match file::read(&path) {
            Err(KeyFileError::Missing(_)) => file::make(&path)?,
            read => read?,
        };
        let seal = Seal::new(&key);
        if !store.replace_seal(&seal.check()?)? {
            return Err(KeyError::StillSealed);
        }
        Keychain::with(store, seal, config, &path)
    }

    fn with(store: Store, seal: Seal, config: &LockConfig, path: &Path) -> Result<Keychain, KeyError> {
        // Claimed by the first: from then on another key file is refused.
        let check = match store.seal_check()? {
            Some(check) => check,
            None => store.claim_seal(&seal.check()?)?,
        };
        if !seal.is_of(&check) {
            return Err(KeyFileError::Another(path.to_owned()).into());
        }
        let nobody = seal.seal(&Secret::random()?, &Place::Nobody)?;
        Ok(Keychain { store, seal, environment: config.environment, nobody, key_file: path.to_owned() })
    }

    /// Judges the response to a challenge. Reads the pair at this moment. The same work is done
    /// whether the id is unknown, revoked, of the other environment or known with a wrong key: two
    /// keys opened, two HMACs, two MD5s, four comparisons in constant time.
    ///
    /// Fails if the store does, or a key that would be needed does not open with the key file.
    pub fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        self.judge_at(now(), app_id, challenge, response)
    }

    /// Whether a pair unlocks this service now. Whoever was unlocked by one that no longer does can be
    /// locked again; see [`Revocations`] for what is worth asking about.
    pub fn living(&self, app_id: &str) -> Result<bool, StoreError> {
        let now = now();
        let pair = self.store.pair(app_id)?;
        Ok(pair.is_some_and(|pair| {
            let key = pair.keys.iter().any(|key| key.is_living(now));
            pair.revoked.is_none() && pair.environment == self.environment && key
        }))
    }

    fn judge_at(&self, now: i64, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        // What cannot be an id is looked for too: nobody has the id "".
        let pair = self.store.pair(AppId::parse(app_id).as_ref().map_or("", AppId::as_str))?;
        let given = Given::read(response);
        let md5 = pair.as_ref().is_some_and(|pair| pair.md5);
        let candidates = [0, 1].map(|nth| self.candidate(pair.as_ref(), nth, now));
        let matching = candidates.map(|Candidate { key, standing }| (given.fits(challenge, &key, md5), standing));
        let fits = |wanted| matching.iter().any(|(fits, standing)| *fits && *standing == wanted);
        let unreadable = matching.iter().any(|(_, standing)| *standing == Standing::Unreadable);

        let Some(pair) = pair else { return Ok(Verdict::Wrong(Why::UnknownId)) };
        let why = if pair.revoked.is_some() {
            Why::Revoked
        } else if pair.environment != self.environment {
            Why::OtherEnvironment
        } else if fits(Standing::Living) {
            self.used(&pair, now);
            return Ok(Verdict::Right { apps: pair.apps });
        } else if fits(Standing::Expired) {
            Why::Expired
        } else if unreadable {
            return Err(StoreError::Sealed(pair.id));
        } else if given.is_malformed() {
            Why::Malformed
        } else {
            Why::WrongResponse
        };
        Ok(Verdict::Wrong(why))
    }

    /// The nth key of a pair, or nobody's: either way something is opened.
    fn candidate(&self, pair: Option<&Pair>, nth: usize, now: i64) -> Candidate {
        let stored = pair.and_then(|pair| pair.keys.get(nth).map(|key| (pair, key)));
        let (sealed, place) = match stored {
            Some((pair, key)) => (key.sealed.as_slice(), Place::Row { pair, key }),
            None => (self.nobody.as_slice(), Place::Nobody),
        };
        let opened = self.seal.open(sealed, &place);
        let standing = match (&opened, stored) {
            (_, None) => Standing::Nobody,
            (None, Some(_)) => Standing::Unreadable,
            (Some(_), Some((_, key))) if key.is_living(now) => Standing::Living,
            (Some(_), Some(_)) => Standing::Expired,
        };
        Candidate { key: opened.unwrap_or_else(Secret::none), standing }
    }

    /// Notes the use, now and then. It is for the operator's eyes: what fails here unlocks all the same.
    fn used(&self, pair: &Pair, now: i64) {
        if let Err(error) = self.store.note_use(pair, now) {
            tracing::debug!(error = &error as &dyn std::error::Error, "the use of an app id was not noted");
        }
    }
}

#[cfg(test)]
mod tests;
