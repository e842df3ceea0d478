//! How long to wait before the next try: little the first time, then longer and longer, never in
//! step with others.

use crate::Millis;

/// At most this long before the first try, so that a whole service's clients do not come at once.
const FIRST_MS: Millis = 200;
/// At least half of this before the second try; doubled for each further one.
const SECOND_MS: Millis = 400;
/// At most this long before any try.
const LONGEST_MS: Millis = 10_000;

#[derive(Debug)]
pub(super) struct Backoff {
    tries: u32,
    random: u64,
}

impl Backoff {
    pub fn new(seed: u64) -> Backoff {
        Backoff { tries: 0, random: seed }
    }

    /// How long to wait now, in milliseconds.
    pub fn next(&mut self) -> Millis {
        let (least, most) = match self.tries {
            0 => (0, FIRST_MS),
            tries => {
                let most = LONGEST_MS.min(SECOND_MS.saturating_mul(1 << (tries - 1).min(16)));
                (most / 2, most)
            }
        };
        self.tries = self.tries.saturating_add(1);
        least + self.draw() % (most - least + 1)
    }

    /// The connection was good for something: begin anew.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    /// `SplitMix64`: good enough to spread clients over time.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.random;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_at_first_and_never_longer_than_the_longest() {
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            let waits: Vec<_> = (0..40).map(|_| backoff.next()).collect();
            assert!(waits[0] <= FIRST_MS && (200..=400).contains(&waits[1]) && (400..=800).contains(&waits[2]));
            assert!(waits[10..].iter().all(|wait| (5_000..=LONGEST_MS).contains(wait)), "{waits:?}");
            backoff.reset();
            assert!(backoff.next() <= FIRST_MS);
        }
        assert_ne!(Backoff::new(1).next(), Backoff::new(2).next());
    }
}
