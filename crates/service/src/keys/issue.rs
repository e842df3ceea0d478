//! Issuing and rotating. A key is made first, handed to whoever is to have it, and kept last: nobody
//! waits for the store while it is handed over, and a key that could not be handed over is not kept.

use std::collections::BTreeSet;
use std::time::Duration;

use hither_wire::{Guid, limits, text};

use super::seal::Place;
use super::{AppId, Environment, KeyError, KeyFileError, Keychain, Pair, PairKey, Secret};
use crate::store::{Rotation, StoreError, now};

/// UTF-16 units of a name, at most.
pub const NAME_UNITS_MAX: usize = limits::FRIENDLY_NAME_UNITS;
/// Applications that a pair is bound to, at most.
pub const APPS_MAX: usize = 64;
/// Pairs that are not revoked, at most.
pub const PAIRS_MAX: u32 = 10_000;
/// Days that two keys of an id overlap, at most.
pub const OVERLAP_DAYS_MAX: u64 = 366;

/// What an operator decides about a new pair.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// What people call it: 1 to 128 UTF-16 units, no control characters.
    pub name: String,
    /// Where it is good.
    pub environment: Environment,
    /// Whether MD5 counts too, for old callers (R19).
    pub md5: bool,
    /// The applications that it unlocks, 1 to 64; `None` is any.
    pub apps: Option<BTreeSet<Guid>>,
}

/// A key that counts once it is kept.
#[derive(Debug)]
pub struct Draft {
    pair: Pair,
    key: Secret,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    New,
    Rotation { id: AppId, how: Rotate },
}

/// Which key a new one takes the place of. An id has at most two that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotate {
    /// The newest, which goes on for the overlap, at most 366 days. Refused while an older one still
    /// counts, unless the overlap is zero: that ends both at once.
    Next {
        /// How long, to the second.
        overlap: Duration,
    },
    /// The newest, which was lost before anybody had it, and ends at once; the older one goes on for the
    /// overlap from now. Refused if there is no older one that counts.
    Again {
        /// How long, to the second.
        overlap: Duration,
    },
}

/// What a rotation makes of a pair.
struct Rotated<'a> {
    /// The key that goes on for a while.
    old: Option<&'a PairKey>,
    /// Until when, in seconds since 1970.
    until: i64,
    /// The number of the new key.
    number: u32,
}

fn rotated(pair: &Pair, how: Rotate, now: i64) -> Rotated<'_> {
    let old = match how {
        Rotate::Next { .. } => pair.keys.first(),
        Rotate::Again { .. } => pair.keys.get(1),
    };
    let until = now.saturating_add(i64::try_from(how.overlap().as_secs()).unwrap_or(i64::MAX));
    let number = pair.keys.first().map_or(1, |newest| newest.number.saturating_add(1));
    Rotated { old, until, number }
}

impl Rotate {
    fn overlap(self) -> Duration {
        match self {
            Rotate::Next { overlap } | Rotate::Again { overlap } => overlap,
        }
    }
}

impl Draft {
    /// Makes a pair that is not kept yet.
    pub fn new(new: &NewPair) -> Result<Draft, KeyError> {
        let NewPair { name, environment, md5, apps } = new;
        if name.trim().is_empty() || !text::fits(name, NAME_UNITS_MAX) || name.chars().any(char::is_control) {
            return Err(KeyError::Name);
        }
        if apps.as_ref().is_some_and(|apps| !(1..=APPS_MAX).contains(&apps.len())) {
            return Err(KeyError::Apps);
        }
        let id = AppId::random(*environment)?;
        let created = now();
        let key = PairKey { number: 1, created, expires: None, sealed: Vec::new() };
        let pair = Pair {
            id: id.as_str().into(),
            name: name.clone(),
            environment: *environment,
            md5: *md5,
            apps: apps.clone(),
            created,
            last_used: None,
            revoked: None,
            keys: vec![key],
        };
        Ok(Draft { pair, key: Secret::random()?, kind: Kind::New })
    }

    /// The pair that it is of.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// The key. It can be read here and never again.
    pub fn key(&self) -> &Secret {
        &self.key
    }
}

impl Keychain {
    /// Makes a new key for an id. Refused for a revoked id, and as [`Rotate`] says.
    pub fn draft_rotation(&self, id: &AppId, how: Rotate) -> Result<Draft, KeyError> {
        if how.overlap() > Duration::from_hours(OVERLAP_DAYS_MAX * 24) {
            return Err(KeyError::Overlap);
        }
        let now = now();
        let mut pair = self.rotatable(id, how, now)?;
        let Rotated { old, until, number } = rotated(&pair, how, now);
        let old = old.map(|old| PairKey { expires: Some(until), ..old.clone() });
        let new = PairKey { number, created: now, expires: None, sealed: Vec::new() };
        pair.keys = std::iter::once(new).chain(old).collect();
        Ok(Draft { pair, key: Secret::random()?, kind: Kind::Rotation { id: id.clone(), how } })
    }

    /// Keeps what was made: from now on it counts. If this fails nothing has changed.
    pub fn keep(&self, draft: &Draft) -> Result<(), KeyError> {
        match &draft.kind {
            Kind::New => self.keep_new(draft),
            Kind::Rotation { id, how } => self.keep_rotation(id, *how, &draft.key),
        }
    }

    fn keep_new(&self, draft: &Draft) -> Result<(), KeyError> {
        let mut pair = draft.pair.clone();
        for key in &mut pair.keys {
            key.sealed = self.seal.seal(&draft.key, &Place::Row { pair: &draft.pair, key })?;
        }
        self.store.add_pair(&pair, |living| {
            self.still_sealed_with()?;
            if living < PAIRS_MAX { Ok(()) } else { Err(KeyError::TooMany) }
        })
    }

    /// Another process may have replaced the key file.
    fn still_sealed_with(&self) -> Result<(), KeyError> {
        let check = self.store.seal_check()?;
        let same = check.is_some_and(|check| self.seal.is_of(&check));
        if same { Ok(()) } else { Err(KeyFileError::Another(self.key_file.clone()).into()) }
    }

    fn keep_rotation(&self, id: &AppId, how: Rotate, key: &Secret) -> Result<(), KeyError> {
        self.store.rotate(|| {
            self.still_sealed_with()?;
            let now = now();
            // As it is at this moment: another process may have been faster.
            let pair = self.rotatable(id, how, now)?;
            let Rotated { old, until, number } = rotated(&pair, how, now);
            let old = old.map(|old| self.ending(&pair, old, until)).transpose()?;
            let mut new = PairKey { number, created: now, expires: None, sealed: Vec::new() };
            new.sealed = self.seal.seal(key, &Place::Row { pair: &pair, key: &new })?;
            Ok::<_, KeyError>(Rotation { id: pair.id, old, new })
        })
    }

    /// A key that counts until then, sealed anew: the time is part of the seal.
    fn ending(&self, pair: &Pair, key: &PairKey, until: i64) -> Result<PairKey, KeyError> {
        let opened = self.seal.open(&key.sealed, &Place::Row { pair, key });
        let opened = opened.ok_or_else(|| StoreError::Sealed(pair.id.clone()))?;
        let mut key = PairKey { expires: Some(until), ..key.clone() };
        key.sealed = self.seal.seal(&opened, &Place::Row { pair, key: &key })?;
        Ok(key)
    }

    fn rotatable(&self, id: &AppId, how: Rotate, now: i64) -> Result<Pair, KeyError> {
        let pair = self.store.pair(id.as_str())?.ok_or_else(|| KeyError::NotFound(id.clone()))?;
        if pair.revoked.is_some() {
            return Err(KeyError::Revoked(id.clone()));
        }
        let ends = pair.keys.iter().filter_map(|key| key.expires).max();
        match (how, ends.map_or(0, |ends| ends.saturating_sub(now))) {
            (Rotate::Next { overlap }, 1..) if !overlap.is_zero() => Err(KeyError::Rotating(id.clone())),
            (Rotate::Again { .. }, ..=0) => Err(KeyError::NotRotating(id.clone())),
            (Rotate::Next { .. } | Rotate::Again { .. }, _) => Ok(pair),
        }
    }
}
