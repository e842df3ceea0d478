//! How often something may happen: the generic cell rate algorithm, one number for each key.

use std::collections::HashMap;
use std::hash::Hash;

use crate::Millis;

/// So many at once, and one more each time this many milliseconds have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many at once; at least 1.
    pub burst: u64,
    /// After how many milliseconds one more is allowed; at least 1.
    pub each_ms: u64,
}

/// What has happened how often. Holds nothing for longer than an allowance takes to be whole again
/// and a sweep to come round.
#[derive(Debug)]
pub struct Rate<K> {
    /// When a key's allowance will be whole again.
    whole_at: HashMap<K, Millis>,
    sweep_at: Millis,
}

/// How often what is over is thrown away.
const SWEEP_MS: Millis = 60_000;

impl<K> Default for Rate<K> {
    fn default() -> Self {
        Rate { whole_at: HashMap::new(), sweep_at: 0 }
    }
}

impl<K: Eq + Hash> Rate<K> {
    /// How many milliseconds to wait before one more is allowed; 0 if it is allowed now.
    pub fn wait(&self, now: Millis, key: &K, allowance: Allowance) -> Millis {
        let each = allowance.each_ms.max(1);
        let whole_at = self.whole_at.get(key).copied().unwrap_or(now).max(now).saturating_add(each);
        (whole_at - now).saturating_sub(each.saturating_mul(allowance.burst.max(1)))
    }

    /// Whether anything is counted that has not been made up for.
    pub fn is_used(&self, now: Millis, key: &K) -> bool {
        self.whole_at.get(key).is_some_and(|at| *at > now)
    }

    /// Counts one more, allowed or not. Whoever goes on at what is not allowed does not wait for longer than
    /// whoever has just used up the allowance.
    pub fn take(&mut self, now: Millis, key: K, allowance: Allowance) {
        if now >= self.sweep_at {
            self.whole_at.retain(|_, at| *at > now);
            self.whole_at.shrink_to_fit();
            self.sweep_at = now.saturating_add(SWEEP_MS);
        }
        let each = allowance.each_ms.max(1);
        let most = now.saturating_add(each.saturating_mul(allowance.burst.max(1)));
        let whole_at = self.whole_at.entry(key).or_insert(now);
        *whole_at = (*whole_at).max(now).saturating_add(each).min(most);
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.whole_at.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.whole_at.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_then_one_each_time() {
        let mut rate = Rate::default();
        let allowance = Allowance { burst: 3, each_ms: 100 };
        for _ in 0..3 {
            assert_eq!(rate.wait(5, &'a', allowance), 0);
            rate.take(5, 'a', allowance);
        }
        assert_eq!((rate.wait(5, &'a', allowance), rate.wait(5, &'b', allowance)), (100, 0));
        assert_eq!((rate.wait(104, &'a', allowance), rate.wait(105, &'a', allowance)), (1, 0));
        for _ in 0..1_000_000 {
            rate.take(105, 'a', allowance);
        }
        assert_eq!(rate.wait(105, &'a', allowance), 100, "nobody is shut out for longer by going on");
        rate.take(200_000, 'b', allowance);
        assert_eq!(rate.len(), 1, "what is whole again is forgotten");
    }
}
