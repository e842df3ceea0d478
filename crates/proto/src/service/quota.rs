//! Invitations a minute (R18).

use std::collections::HashMap;

use hither_wire::PersonName;

use crate::Millis;

const MINUTE: Millis = 60_000;

/// A person may invite this many times as often in all as one and the same other person.
const PEOPLE_AT_ONCE: u64 = 10;

/// For each pair, and for each inviter in all, when the minute's allowance will be whole again: the
/// generic cell rate algorithm, one number each.
#[derive(Debug, Default)]
pub struct Quota {
    whole_at: HashMap<(PersonName, Option<PersonName>), Millis>,
    sweep_at: Millis,
}

impl Quota {
    /// Counts one invitation, or says how many milliseconds to wait.
    pub fn take(&mut self, now: Millis, from: &PersonName, to: &PersonName, per_minute: u32) -> Result<(), Millis> {
        self.sweep(now);
        let per_minute = u64::from(per_minute.max(1));
        let pair = (from.clone(), Some(to.clone()));
        let all = (from.clone(), None);
        let pair_at = self.after_one_more(now, &pair, per_minute)?;
        let all_at = self.after_one_more(now, &all, per_minute.saturating_mul(PEOPLE_AT_ONCE))?;
        self.whole_at.insert(pair, pair_at);
        self.whole_at.insert(all, all_at);
        Ok(())
    }

    fn after_one_more(
        &self,
        now: Millis,
        key: &(PersonName, Option<PersonName>),
        per_minute: u64,
    ) -> Result<Millis, Millis> {
        let cost = (MINUTE / per_minute).max(1);
        let whole_at = self.whole_at.get(key).copied().unwrap_or(now).max(now) + cost;
        let over = (whole_at - now).saturating_sub(cost.saturating_mul(per_minute));
        if over > 0 { Err(over) } else { Ok(whole_at) }
    }

    /// Nothing here is older than a minute or two.
    fn sweep(&mut self, now: Millis) {
        if now >= self.sweep_at {
            self.whole_at.retain(|_, at| *at > now);
            self.whole_at.shrink_to_fit();
            self.sweep_at = now + MINUTE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_at_once_then_one_a_second() {
        let (a, b, c) = ("a@x", "b@x", "c@x");
        let [a, b, c] = [a, b, c].map(|name| PersonName::parse(name).unwrap());
        let mut quota = Quota::default();
        for _ in 0..60 {
            assert_eq!(quota.take(5, &a, &b, 60), Ok(()));
        }
        assert_eq!(quota.take(5, &a, &b, 60), Err(1000));
        assert_eq!(quota.take(5, &a, &c, 60), Ok(()));
        assert_eq!(quota.take(5, &b, &a, 60), Ok(()));
        assert_eq!(quota.take(1005, &a, &b, 60), Ok(()));
        assert_eq!(quota.take(1005, &a, &b, 60), Err(1000));
        quota.sweep(200_000);
        assert!(quota.whole_at.is_empty());
    }
}
