//! Issuing and rotating. A key is made first, handed to whoever is to have it, and kept last: nobody
//! waits for the store while it is handed over, and a key that could not be handed over is not kept.

use std::collections::BTreeSet;
use std::time::Duration;

use hither_wire::{Guid, limits, text};

use super::seal::Place;
use super::{AppId, Environment, KeyError, Keychain, Pair, PairKey, Secret};
use crate::store::{Rotation, now};

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
    Rotation { overlap: Duration },
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
    /// Makes a new key for an id; the old one goes on for `overlap`, at most 366 days. Refused for a
    /// revoked id, and while it has two living keys, unless `overlap` is zero: that ends both.
    pub fn draft_rotation(&self, id: &AppId, overlap: Duration) -> Result<Draft, KeyError> {
        if overlap > Duration::from_hours(OVERLAP_DAYS_MAX * 24) {
            return Err(KeyError::Overlap);
        }
        let pair = self.rotatable(id, overlap, now())?;
        Ok(Draft { pair, key: Secret::random()?, kind: Kind::Rotation { overlap } })
    }

    /// Keeps what was made: from now on it counts. If this fails nothing has changed.
    pub fn keep(&self, draft: &Draft) -> Result<(), KeyError> {
        match draft.kind {
            Kind::New => self.keep_new(draft),
            Kind::Rotation { overlap } => self.keep_rotation(draft, overlap),
        }
    }

    fn keep_new(&self, draft: &Draft) -> Result<(), KeyError> {
        let mut pair = draft.pair.clone();
        for key in &mut pair.keys {
            key.sealed = self.seal.seal(&draft.key, &Place::Row { pair: &draft.pair, key })?;
        }
        if self.store.add_pair(&pair, PAIRS_MAX)? { Ok(()) } else { Err(KeyError::TooMany) }
    }

    fn keep_rotation(&self, draft: &Draft, overlap: Duration) -> Result<(), KeyError> {
        let id = AppId::parse(&draft.pair.id).ok_or(KeyError::Name)?;
        self.store.rotate(|| {
            let now = now();
            // As it is at this moment: another process may have been faster.
            let pair = self.rotatable(&id, overlap, now)?;
            let newest = pair.keys.first();
            let until = now.saturating_add(i64::try_from(overlap.as_secs()).unwrap_or(i64::MAX));
            let old = newest.map(|key| self.expiring(&pair, key, until)).transpose()?;
            let number = newest.map_or(1, |key| key.number.saturating_add(1));
            let mut new = PairKey { number, created: now, expires: None, sealed: Vec::new() };
            new.sealed = self.seal.seal(&draft.key, &Place::Row { pair: &pair, key: &new })?;
            Ok::<_, KeyError>(Rotation { id: pair.id, old, new })
        })
    }

    /// A key that counts until then, sealed anew: the time is part of the seal.
    fn expiring(&self, pair: &Pair, key: &PairKey, until: i64) -> Result<PairKey, KeyError> {
        let opened = self.seal.open(&key.sealed, &Place::Row { pair, key });
        let opened = opened.ok_or_else(|| crate::store::StoreError::Sealed(pair.id.clone()))?;
        let expires = Some(key.expires.map_or(until, |expires| expires.min(until)));
        let mut key = PairKey { expires, ..key.clone() };
        key.sealed = self.seal.seal(&opened, &Place::Row { pair, key: &key })?;
        Ok(key)
    }

    fn rotatable(&self, id: &AppId, overlap: Duration, now: i64) -> Result<Pair, KeyError> {
        let pair = self.store.pair(id.as_str())?.ok_or_else(|| KeyError::NotFound(id.clone()))?;
        if pair.revoked.is_some() {
            return Err(KeyError::Revoked(id.clone()));
        }
        let still = pair.keys.iter().filter_map(|key| key.expires).map(|expires| expires.saturating_sub(now)).max();
        match still {
            Some(seconds) if seconds > 0 && !overlap.is_zero() => Err(KeyError::Rotating(id.clone(), seconds)),
            Some(_) | None => Ok(pair),
        }
    }
}
