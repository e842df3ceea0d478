//! When keys are fetched, and how long they count. Without clock and socket; times in milliseconds.
//!
//! Keys are fetched when a token names one that is not known, and again once they are [`FRESH`] old: behind
//! whoever needs one, or, once they are [`OLD`], before.
//! However many unknown names come, there is one fetch at a time and one in [`BETWEEN`]. While the
//! endpoint is away, the keys that are known count on, for [`STALE`] at most.

use hither_proto::Millis;

use super::keys::Key;
use super::token::Said;

/// Keys of this age are fetched again, behind whoever needs one.
pub const FRESH: Millis = 15 * 60 * 1000;
/// Keys of this age are fetched again before anybody is let in by them, unless they cannot be.
pub const OLD: Millis = 2 * FRESH;
/// Keys of this age do not count any more.
pub const STALE: Millis = 24 * 60 * 60 * 1000;
/// The least time from one fetch to the next.
pub const BETWEEN: Millis = 10_000;

/// The keys of one issuer.
#[derive(Debug, Default)]
pub struct Source {
    keys: Vec<Key>,
    /// When the keys that are there were asked for.
    of: Option<Millis>,
    /// Since when a fetch is under way.
    fetching: Option<Millis>,
    /// Not before.
    next: Millis,
}

/// What to do with a token.
#[derive(Debug)]
pub enum Look {
    /// Try these.
    Keys {
        keys: Vec<Key>,
        /// And fetch, for whoever comes next.
        fetch: bool,
    },
    /// Wait for the fetch.
    Wait {
        /// Which has to begin now.
        fetch: bool,
    },
    /// There is no such key, and it was looked for a moment ago.
    Unknown {
        /// When it is looked for again.
        retry_ms: Millis,
    },
}

impl Source {
    /// What to do with a token that says this of itself.
    pub fn look(&mut self, said: &Said, now: Millis) -> Look {
        let age = self.of.map(|of| now.saturating_sub(of));
        if age.is_some_and(|age| age >= STALE) {
            self.keys.clear();
        }
        let keys: Vec<Key> = self.keys.iter().filter(|key| said.may_be(key)).cloned().collect();
        if !keys.is_empty() && age.is_some_and(|age| age >= OLD) {
            if self.fetching.is_some() {
                return Look::Wait { fetch: false };
            }
            if self.begin(now) {
                return Look::Wait { fetch: true };
            }
        }
        if !keys.is_empty() {
            let fetch = age.is_none_or(|age| age >= FRESH) && self.begin(now);
            return Look::Keys { keys, fetch };
        }
        if self.fetching.is_some() {
            return Look::Wait { fetch: false };
        }
        if self.begin(now) { Look::Wait { fetch: true } } else { Look::Unknown { retry_ms: self.next_ms(now) } }
    }

    /// A fetch has ended: with keys, or without.
    pub fn fetched(&mut self, keys: Option<Vec<Key>>, now: Millis) {
        let began = self.fetching.take().unwrap_or(now);
        if let Some(keys) = keys {
            self.keys = keys;
            self.of = Some(began);
        }
        self.next = now.saturating_add(BETWEEN);
    }

    /// The keys that a token may be signed with, whatever their age.
    pub fn all(&self, said: &Said) -> Vec<Key> {
        self.keys.iter().filter(|key| said.may_be(key)).cloned().collect()
    }

    /// How many keys are known.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// How long until there may be another fetch.
    pub fn next_ms(&self, now: Millis) -> Millis {
        self.next.saturating_sub(now).max(1)
    }

    /// Keys that are there without a fetch: from a file.
    pub fn set(&mut self, keys: Vec<Key>) {
        self.keys = keys;
        self.of = None;
    }

    fn begin(&mut self, now: Millis) -> bool {
        let may = self.fetching.is_none() && now >= self.next;
        if may {
            self.fetching = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests;
