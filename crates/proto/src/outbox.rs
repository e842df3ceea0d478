//! What one end keeps for the other: numbered events until they are acknowledged, and the last
//! answers, so that a repeated request is not applied twice.

use std::collections::VecDeque;

use hither_wire::message::{Event, EventFrame};
use hither_wire::{Code, limits};
use serde::{Deserialize, Serialize};

/// Events towards one device, and the answers it was given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outbox {
    /// Sequence number of the last event that was made.
    seq: u64,
    pending: VecDeque<EventFrame>,
    answered: VecDeque<(Box<str>, Code)>,
}

impl Outbox {
    /// Numbers an event and keeps it.
    pub fn push(&mut self, event: Event) -> EventFrame {
        self.seq += 1;
        let frame = EventFrame { seq: Some(self.seq), event };
        self.pending.push_back(frame.clone());
        frame
    }

    /// Forgets the events up to `ack` and gives them.
    pub fn acknowledge(&mut self, ack: u64) -> Vec<Event> {
        let mut taken = Vec::new();
        while self.pending.front().and_then(|frame| frame.seq).is_some_and(|seq| seq <= ack) {
            taken.extend(self.pending.pop_front().map(|frame| frame.event));
        }
        if self.pending.is_empty() {
            // An idle device is to be small.
            self.pending.shrink_to_fit();
        }
        taken
    }

    /// What has not been acknowledged.
    pub fn pending(&self) -> impl ExactSizeIterator<Item = &EventFrame> {
        self.pending.iter()
    }

    /// The answer that a request with this key got.
    pub fn answered(&self, key: &str) -> Option<Code> {
        self.answered.iter().find(|(answered, _)| &**answered == key).map(|(_, code)| *code)
    }

    pub fn keep_answer(&mut self, key: Box<str>, code: Code) {
        if self.answered.len() == limits::ANSWERS_KEPT {
            self.answered.pop_front();
        }
        self.answered.push_back((key, code));
    }
}
