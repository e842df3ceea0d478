//! Which events have arrived, which of them the application has taken, which of those are safe, and
//! what the service has been told of it.
//!
//! Only what the application has taken *and* what a resume point holds is acknowledged: until then
//! the service keeps it. So an application that does not take its events fills the service's queue
//! and not this side's memory (R6).

use std::collections::VecDeque;

use hither_wire::limits;

use crate::Millis;

/// How long an acknowledgement waits for a request to ride on.
const ALONE_AFTER_MS: Millis = 1_000;

#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The last event that has arrived.
    arrived: u64,
    /// Arrived and not taken: the sequence number, and how many events of the application must have
    /// been taken for it.
    untaken: VecDeque<(u64, u64)>,
    taken: u64,
    safe: u64,
    /// What a save that is under way will make safe.
    saving: u64,
    /// What this connection has told the service.
    told: u64,
    /// When to tell it without a request.
    pub due: Option<Millis>,
}

/// What an event's sequence number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Next,
    /// It has arrived before.
    Again,
    /// Something is missing in between.
    Gap,
}

impl Acks {
    /// Goes on from a resume point whose events have to be told `events` times.
    pub fn restored(arrived: u64, taken: u64, events: u64) -> Acks {
        let taken = if events == 0 { arrived } else { taken.min(arrived) };
        let untaken = if taken < arrived { VecDeque::from([(arrived, events)]) } else { VecDeque::new() };
        Acks { arrived, untaken, taken, safe: taken, saving: taken, ..Acks::default() }
    }

    /// Judges a sequence number and remembers it if it is the next.
    pub fn arrive(&mut self, seq: u64) -> Arrival {
        if seq <= self.arrived {
            return Arrival::Again;
        }
        if self.arrived.checked_add(1) != Some(seq) {
            return Arrival::Gap;
        }
        self.arrived = seq;
        Arrival::Next
    }

    /// What arrived last is taken when the application has taken `events` events.
    pub fn wait_for(&mut self, events: u64) {
        match self.untaken.back_mut() {
            Some((seq, needs)) if *needs == events => *seq = self.arrived,
            _ => self.untaken.push_back((self.arrived, events)),
        }
    }

    /// The application has taken `events` events.
    pub fn take(&mut self, events: u64) {
        while let Some((seq, needs)) = self.untaken.front()
            && *needs <= events
        {
            self.taken = *seq;
            self.untaken.pop_front();
        }
    }

    /// A save begins: it will hold everything taken so far.
    pub fn begin_save(&mut self) {
        self.saving = self.taken;
    }

    /// The save is durable.
    pub fn saved(&mut self) {
        self.safe = self.safe.max(self.saving);
    }

    /// A sign-in that did not resume counts from the beginning.
    pub fn restart(&mut self) {
        *self = Acks::default();
    }

    /// The number to tell: with a request if it is new.
    pub fn tell(&mut self) -> Option<u64> {
        self.due = None;
        (self.safe > self.told).then(|| {
            self.told = self.safe;
            self.safe
        })
    }

    /// A sign-in tells the number whatever has been told before.
    pub fn tell_anew(&mut self) -> u64 {
        self.due = None;
        self.told = self.safe;
        self.safe
    }

    /// Whether to tell at once; if not, [`Acks::due`] says when.
    pub fn is_due(&mut self, now: Millis) -> bool {
        let untold = self.safe.saturating_sub(self.told);
        if untold > 0 && self.due.is_none() {
            self.due = Some(now.saturating_add(ALONE_AFTER_MS));
        }
        untold >= limits::ACK_AFTER_EVENTS
    }

    /// What has arrived and what has been taken, for a resume point.
    pub fn state(&self) -> (u64, u64) {
        (self.arrived, self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive(acks: &mut Acks, seq: u64, events: u64) {
        assert_eq!(acks.arrive(seq), Arrival::Next);
        acks.wait_for(events);
    }

    #[test]
    fn what_is_taken_and_safe_is_told_once() {
        let mut acks = Acks::default();
        arrive(&mut acks, 1, 2);
        arrive(&mut acks, 2, 2);
        arrive(&mut acks, 3, 5);
        assert_eq!((acks.arrive(3), acks.arrive(5)), (Arrival::Again, Arrival::Gap));
        acks.take(1);
        acks.begin_save();
        acks.saved();
        assert_eq!(acks.tell(), None);
        acks.take(2);
        assert_eq!(acks.tell(), None, "taken but not safe");
        acks.begin_save();
        acks.take(5);
        acks.saved();
        assert_eq!((acks.tell(), acks.tell()), (Some(2), None), "what was taken after the save began is not in it");
        assert_eq!((acks.state(), acks.tell_anew()), ((3, 3), 2));
    }

    #[test]
    fn alone_after_a_while_or_when_many_wait() {
        let mut acks = Acks::default();
        for seq in 1..=16 {
            arrive(&mut acks, seq, seq);
        }
        acks.take(15);
        acks.begin_save();
        acks.saved();
        assert!(!acks.is_due(5));
        assert!(!acks.is_due(900));
        assert_eq!(acks.due, Some(1_005));
        acks.take(16);
        acks.begin_save();
        acks.saved();
        assert!(acks.is_due(950));
        assert_eq!((acks.tell(), acks.due), (Some(16), None));
    }

    #[test]
    fn a_restored_one_waits_for_the_events_that_are_told_again() {
        let mut acks = Acks::restored(7, 4, 3);
        assert_eq!((acks.tell_anew(), acks.arrive(7)), (4, Arrival::Again));
        acks.take(2);
        assert_eq!(acks.state(), (7, 4));
        acks.take(3);
        assert_eq!(acks.state(), (7, 7));
    }
}
