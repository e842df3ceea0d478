//! How many connections there are, altogether and from each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts connections in and out.
#[derive(Debug)]
pub struct Gate {
    counts: Mutex<Counts>,
    emptied: Notify,
    altogether: AtomicUsize,
    per_address: AtomicUsize,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// What counts as one address, whichever way it is written: an IPv4 address, or the network of 2⁶⁴
/// IPv6 addresses that one subscriber has to choose from.
pub fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A place for one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    address: IpAddr,
}

impl Gate {
    /// A gate for at most so many.
    pub fn new(altogether: usize, per_address: usize) -> Arc<Gate> {
        let (altogether, per_address) = (altogether.into(), per_address.into());
        Arc::new(Gate { counts: Mutex::default(), emptied: Notify::new(), altogether, per_address })
    }

    /// Other limits from now on. Whoever is in stays in.
    pub fn set(&self, altogether: usize, per_address: usize) {
        self.altogether.store(altogether, Ordering::Relaxed);
        self.per_address.store(per_address, Ordering::Relaxed);
    }

    /// A place, if there is one left; `address` is a [`source`].
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        let limits = (self.altogether.load(Ordering::Relaxed), self.per_address.load(Ordering::Relaxed));
        if counts.all >= limits.0 || here >= limits.1 {
            return None;
        }
        counts.all += 1;
        counts.by_address.insert(address, here + 1);
        Some(Place { gate: Arc::clone(self), address })
    }

    /// Waits until everybody has left.
    pub async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.counts.lock().unwrap_or_else(PoisonError::into_inner).all == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(here) = counts.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&self.address);
            }
        }
        if counts.all == 0 {
            self.gate.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let gate = Gate::new(3, 2);
        let [one, two, three] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(at);
        let first = gate.enter(one).unwrap();
        let _second = gate.enter(one).unwrap();
        assert!(gate.enter(one).is_none(), "two from one address");
        let _third = gate.enter(two).unwrap();
        assert!(gate.enter(three).is_none(), "three altogether");
        drop(first);
        assert!(gate.enter(one).is_some());
    }

    #[test]
    fn a_lower_limit_turns_nobody_out() {
        let gate = Gate::new(3, 3);
        let address = at("192.0.2.1");
        let inside = [gate.enter(address).unwrap(), gate.enter(address).unwrap()];
        gate.set(1, 1);
        assert!(gate.enter(address).is_none());
        drop(inside);
        let _one = gate.enter(address).unwrap();
        assert!(gate.enter(address).is_none());
        gate.set(2, 2);
        assert!(gate.enter(address).is_some());
    }

    #[test]
    fn one_subscriber_is_one_source() {
        assert_eq!(source(at("::ffff:192.0.2.1")), at("192.0.2.1"));
        assert_eq!(source(at("2001:db8:1:2:3:4:5:6")), source(at("2001:db8:1:2:ffff::")));
        assert_ne!(source(at("2001:db8:1:2::1")), source(at("2001:db8:1:3::1")));
    }

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }
}
