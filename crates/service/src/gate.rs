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
    /// Whose it is, as soon as that is known.
    address: Option<IpAddr>,
}

impl Place {
    /// Whose place it is, which has only now become known: `address` is a [`source`]. False if there
    /// are too many from there.
    pub fn belongs_to(&mut self, address: IpAddr) -> bool {
        if self.address.is_some() {
            return true;
        }
        let mut counts = self.gate.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.gate.per_address.load(Ordering::Relaxed);
        let fits = counts.one_more(address, most);
        self.address = fits.then_some(address);
        fits
    }
}

impl Counts {
    /// Counts one at an address, if it is not beyond the most.
    fn one_more(&mut self, address: IpAddr, most: usize) -> bool {
        let here = self.by_address.get(&address).copied().unwrap_or(0);
        if here < most {
            self.by_address.insert(address, here + 1);
        }
        here < most
    }
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

    /// A place, if there is one left; `address` is a [`source`], or `None` as long as nobody knows for
    /// whom it is.
    pub fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.per_address.load(Ordering::Relaxed);
        if counts.all >= self.altogether.load(Ordering::Relaxed) {
            return None;
        }
        if address.is_some_and(|address| !counts.one_more(address, most)) {
            return None;
        }
        counts.all += 1;
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
        if let Some(address) = self.address
            && let Some(here) = counts.by_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                counts.by_address.remove(&address);
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
    fn whose_place_it_is_can_become_known_later() {
        let gate = Gate::new(4, 1);
        let (one, two) = (at("192.0.2.1").unwrap(), at("192.0.2.2").unwrap());
        let mut places: Vec<_> = (0..3).map(|_| gate.enter(None).unwrap()).collect();
        assert!(places[0].belongs_to(one) && places[1].belongs_to(two));
        assert!(!places[2].belongs_to(one), "one from each");
        assert!(gate.enter(Some(two)).is_none());
        places.remove(0);
        assert!(places[1].belongs_to(one) && places[1].belongs_to(two), "what is settled is settled");
        drop(places);
        assert!(gate.enter(Some(one)).is_some() && gate.counts.lock().unwrap().by_address.is_empty());
    }

    #[test]
    fn one_subscriber_is_one_source() {
        let source = |address| source(at(address).unwrap());
        assert_eq!(source("::ffff:192.0.2.1"), at("192.0.2.1").unwrap());
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), source("2001:db8:1:2:ffff::"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    }

    fn at(address: &str) -> Option<IpAddr> {
        address.parse().ok()
    }
}
