//! The sessions of a console: their handles, and the short numbers by which people name them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hither::{Session, SessionId};

/// Handles are kept until the session has ended, since dropping one cancels its session, and for a
/// while after, so that requests meet the session's last state (R27).
#[derive(Debug, Default)]
pub struct Sessions(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    by_number: BTreeMap<usize, Arc<Session>>,
    numbers: HashMap<SessionId, usize>,
    ended: VecDeque<SessionId>,
    last_number: usize,
}

/// As many ended sessions as the sdk remembers (R27).
const ENDED_MAX: usize = 1_000;
/// Far more than a service lets one person have; bounds sessions that never leave READY.
const HELD_MAX: usize = 4_096 + ENDED_MAX;

impl Sessions {
    /// Takes a session; `None` if there are too many. The number is the next free one.
    pub fn keep(&self, session: Session) -> Option<SessionId> {
        let mut held = self.held();
        if held.by_number.len() >= HELD_MAX {
            return None;
        }
        let id = session.id();
        held.last_number += 1;
        let number = held.last_number;
        held.numbers.insert(id, number);
        held.by_number.insert(number, Arc::new(session));
        Some(id)
    }

    /// Notes that a session is over; the one that ended longest ago may be forgotten.
    pub fn ended(&self, id: SessionId) {
        let mut held = self.held();
        held.ended.push_back(id);
        if held.ended.len() > ENDED_MAX
            && let Some(oldest) = held.ended.pop_front()
            && let Some(number) = held.numbers.remove(&oldest)
        {
            held.by_number.remove(&number);
        }
    }

    /// The handle of a session.
    pub fn get(&self, id: &SessionId) -> Option<Arc<Session>> {
        let held = self.held();
        held.by_number.get(held.numbers.get(id)?).cloned()
    }

    /// The short number of a session.
    pub fn number(&self, id: &SessionId) -> Option<usize> {
        self.held().numbers.get(id).copied()
    }

    /// The session of a short number.
    pub fn by_number(&self, number: usize) -> Option<SessionId> {
        self.held().by_number.get(&number).map(|session| session.id())
    }

    /// The numbers of the sessions that are not over.
    pub fn live_numbers(&self) -> Vec<usize> {
        let held = self.held();
        held.by_number.iter().filter(|(_, session)| !session.state().is_over()).map(|(number, _)| *number).collect()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change leaves the maps usable, so a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
