//! Places for connections. Whoever has not proved anything yet makes way for whoever comes next, the oldest
//! first: so nobody keeps the operator out by being there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

/// Connections at a time; an operator has a few programs.
const CONNECTIONS: usize = 128;
/// Connections from one address.
const PER_ADDRESS: usize = 32;

/// Who is there.
#[derive(Debug, Default)]
pub struct Places {
    held: Mutex<Held>,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct Held {
    /// How many have ever come.
    so_far: u64,
    /// In the order in which they came.
    by_number: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    address: IpAddr,
    is_proven: bool,
    /// Gone once another has the place.
    _stays: oneshot::Sender<()>,
}

/// A place for one connection, given back when dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    number: u64,
}

impl Places {
    /// A place, and what comes true when it has to be left; `None` if everybody who is there has proved who
    /// they are. `address` is a [`crate::gate::source`].
    pub fn enter(self: &Arc<Self>, address: IpAddr) -> Option<(Place, oneshot::Receiver<()>)> {
        let mut held = self.held();
        let is_crowded = held.by_number.values().filter(|holder| holder.address == address).count() >= PER_ADDRESS;
        if is_crowded || held.by_number.len() >= CONNECTIONS {
            let makes_way = |holder: &Holder| !holder.is_proven && (!is_crowded || holder.address == address);
            let number = held.by_number.iter().find(|(_, holder)| makes_way(holder)).map(|(number, _)| *number)?;
            held.by_number.remove(&number);
        }
        let (stays, leave) = oneshot::channel();
        let number = held.so_far;
        held.so_far += 1;
        held.by_number.insert(number, Holder { address, is_proven: false, _stays: stays });
        Some((Place { places: Arc::clone(self), number }, leave))
    }

    /// Waits until everybody has left.
    pub async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.held().by_number.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whoever has it has proved who they are: it is theirs for as long as they want it.
    pub fn prove(&self) {
        if let Some(holder) = self.places.held().by_number.get_mut(&self.number) {
            holder.is_proven = true;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        held.by_number.remove(&self.number);
        if held.by_number.is_empty() {
            self.places.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test]
    async fn who_has_proved_nothing_makes_way_the_oldest_first() {
        let places = Arc::new(Places::default());
        let mut there: Vec<_> = (0..PER_ADDRESS).map(|_| places.enter(at(1)).unwrap()).collect();
        there[0].0.prove();
        let (other, mut stays) = places.enter(at(2)).unwrap();
        let next = places.enter(at(1)).unwrap();
        assert!(there[0].1.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty), "has proved");
        assert!((&mut there[1].1).await.is_err(), "the oldest of that address");
        there.remove(1);
        assert!(stays.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty));
        there.push(next);
        for (place, _) in &there {
            place.prove();
        }
        assert!(places.enter(at(1)).is_none(), "everybody there has proved who they are");
        drop(there);
        assert!(places.enter(at(1)).is_some());
        drop(other);
        places.empty().await;
    }

    #[tokio::test]
    async fn some_addresses_together_keep_nobody_out() {
        let places = Arc::new(Places::default());
        let mut there: Vec<_> =
            (0..CONNECTIONS).map(|n| places.enter(at(u8::try_from(n / PER_ADDRESS).unwrap())).unwrap()).collect();
        let (operator, _stays) = places.enter(at(9)).unwrap();
        operator.prove();
        assert!((&mut there[0].1).await.is_err());
        for (place, _) in &there {
            place.prove();
        }
        assert!(places.enter(at(10)).is_none());
    }
}
