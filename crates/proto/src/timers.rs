//! Deadlines with their reasons: a table of what is due when.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::Millis;

/// A set of deadlines, at most one for each reason.
#[derive(Debug)]
pub struct Timers<K> {
    due: BTreeSet<(Millis, K)>,
    at: HashMap<K, Millis>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Timers { due: BTreeSet::new(), at: HashMap::new() }
    }
}

impl<K: Clone + Ord + Hash> Timers<K> {
    /// Sets the deadline of `reason`, or clears it with `None`.
    pub fn set(&mut self, reason: K, at: Option<Millis>) {
        if self.at.get(&reason).copied() == at {
            return;
        }
        if let Some(old) = self.at.remove(&reason) {
            self.due.remove(&(old, reason.clone()));
        }
        if let Some(at) = at {
            self.at.insert(reason.clone(), at);
            self.due.insert((at, reason));
        }
    }

    /// When something is due, if it is.
    pub fn at(&self, reason: &K) -> Option<Millis> {
        self.at.get(reason).copied()
    }

    /// The next deadline and its reason.
    pub fn next(&self) -> Option<(Millis, &K)> {
        self.due.first().map(|(at, reason)| (*at, reason))
    }

    /// Takes the next reason that is due at `now`.
    pub fn pop(&mut self, now: Millis) -> Option<K> {
        if self.due.first()?.0 > now {
            return None;
        }
        let (_, reason) = self.due.pop_first()?;
        self.at.remove(&reason);
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_deadline_for_each_reason() {
        let mut timers = Timers::default();
        timers.set('a', Some(5));
        timers.set('b', Some(3));
        timers.set('a', Some(2));
        assert_eq!(timers.next(), Some((2, &'a')));
        timers.set('a', None);
        assert_eq!((timers.pop(2), timers.pop(3), timers.pop(9)), (None, Some('b'), None));
    }
}
