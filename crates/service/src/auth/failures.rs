//! How often somebody was wrong, and of how much of that the audit is told.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hither_proto::Millis;
use hither_proto::rate::{Allowance, Rate};
use hither_wire::{DeviceId, PersonName};

use crate::config::Live;
use crate::driver::Clock;

/// Lines of the audit about refusals, from all addresses together: what it keeps lasts for a day at least,
/// whoever would like it to forget.
const LINES: Allowance = Allowance { burst: 1_000, each_ms: 100 };

/// Whose password somebody tries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    pub person: PersonName,
    /// The device that says so, if it has signed in as this person before. It is counted by itself, so
    /// that strangers who guess shut out nobody who is at home.
    pub known: Option<DeviceId>,
}

/// What all who judge have in common.
#[derive(Debug)]
pub struct Failures {
    counts: Mutex<Counts>,
    config: Live,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Counts {
    by_address: Rate<IpAddr>,
    by_target: Rate<Target>,
    lines: Rate<()>,
    lines_by_address: Rate<IpAddr>,
}

impl Failures {
    /// None so far.
    pub fn new(config: Live, clock: Clock) -> Failures {
        Failures { counts: Mutex::default(), config, clock }
    }

    /// How long somebody at this address has to wait; 0 if not at all.
    pub fn wait(&self, address: IpAddr) -> Millis {
        self.counts().by_address.wait(self.clock.now(), &address, self.config.get().failures_per_address)
    }

    /// The same, of somebody who tries this password.
    pub fn wait_for(&self, address: IpAddr, target: &Target) -> Millis {
        let (now, allowance) = (self.clock.now(), self.config.get().failures_per_name);
        self.wait(address).max(self.counts().by_target.wait(now, target, allowance))
    }

    /// Whether somebody at this address was wrong lately.
    pub fn has_failed(&self, address: IpAddr) -> bool {
        self.counts().by_address.is_used(self.clock.now(), &address)
    }

    /// Counts somebody at this address who was wrong.
    pub fn count(&self, address: IpAddr) {
        let (now, allowance) = (self.clock.now(), self.config.get().failures_per_address);
        self.counts().by_address.take(now, address, allowance);
    }

    /// The same, of somebody who tried this password.
    pub fn count_for(&self, address: IpAddr, target: Target) {
        self.count(address);
        let (now, allowance) = (self.clock.now(), self.config.get().failures_per_name);
        self.counts().by_target.take(now, target, allowance);
    }

    /// Whether there is room in the audit for one more line about somebody at this address; it is used.
    pub fn may_tell(&self, address: IpAddr) -> bool {
        let (now, per_address) = (self.clock.now(), self.config.get().failures_per_address);
        let mut counts = self.counts();
        let fits =
            counts.lines_by_address.wait(now, &address, per_address) == 0 && counts.lines.wait(now, &(), LINES) == 0;
        if fits {
            counts.lines_by_address.take(now, address, per_address);
            counts.lines.take(now, (), LINES);
        }
        fits
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
