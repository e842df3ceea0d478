//! Invitations a minute (R18).

use hither_wire::PersonName;

use crate::Millis;
use crate::rate::{Allowance, Rate};

const MINUTE: Millis = 60_000;

/// A person may invite this many times as often in all as one and the same other person.
const PEOPLE_AT_ONCE: u64 = 10;

/// Invitations of each pair, and of each inviter in all.
#[derive(Debug, Default)]
pub struct Quota {
    sent: Rate<(PersonName, Option<PersonName>)>,
}

impl Quota {
    /// Counts one invitation, or says how many milliseconds to wait.
    pub fn take(&mut self, now: Millis, from: &PersonName, to: &PersonName, per_minute: u32) -> Result<(), Millis> {
        let allowance = |burst: u64| Allowance { burst, each_ms: MINUTE / burst.max(1) };
        let limits = [
            ((from.clone(), Some(to.clone())), allowance(u64::from(per_minute))),
            ((from.clone(), None), allowance(u64::from(per_minute) * PEOPLE_AT_ONCE)),
        ];
        let waits = limits.iter().map(|(key, allowance)| self.sent.wait(now, key, *allowance));
        match waits.max() {
            Some(wait_ms) if wait_ms > 0 => Err(wait_ms),
            _ => {
                for (key, allowance) in limits {
                    self.sent.take(now, key, allowance);
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_to_one_and_six_hundred_to_all() {
        let name = |n: u32| PersonName::parse(&format!("p{n}@x")).unwrap();
        let mut quota = Quota::default();
        for _ in 0..60 {
            assert_eq!(quota.take(5, &name(0), &name(1), 60), Ok(()));
        }
        assert_eq!(quota.take(5, &name(0), &name(1), 60), Err(1000));
        assert_eq!(quota.take(5, &name(1), &name(0), 60), Ok(()));
        assert_eq!(quota.take(1005, &name(0), &name(1), 60), Ok(()));
        let more = (2..1000).take_while(|n| quota.take(1005, &name(0), &name(*n), 60).is_ok()).count();
        assert_eq!(more, 549, "ten a second have come back since");
    }
}
