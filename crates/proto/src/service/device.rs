//! A device: its numbered events, kept until acknowledged, and its last answers, kept so that a
//! repeated request is not applied twice.

use std::collections::VecDeque;

use hither_wire::message::{Event, EventFrame};
use hither_wire::{Code, DeviceId, Role, SessionId, Status};

use super::locks::Locks;
use super::port::ConnId;
use crate::outbox::Outbox;

/// Events that a session can still cause on a device and that must always arrive: its beginning,
/// accepted, connected, ended. Room for them is reserved when it begins to ring (R6).
pub const SEAT_EVENTS: usize = 4;

/// Ended sessions that a device may still ask about at the service; the client remembers more (R27).
const ENDED_KEPT: usize = 32;

#[derive(Debug)]
pub struct Device {
    pub id: DeviceId,
    /// Which stay of the device this is: only this one is resumed.
    pub epoch: u64,
    /// `None` while the device is away and waited for.
    pub conn: Option<ConnId>,
    pub status: Status,
    /// The sessions it is in.
    pub seats: Vec<Seat>,
    /// Its lock, and those of the applications behind it.
    pub locks: Locks,
    outbox: Outbox,
    ended: VecDeque<(SessionId, Role)>,
}

/// A device's place in a session.
#[derive(Debug)]
pub struct Seat {
    pub session: SessionId,
    pub role: Role,
    /// How many events of [`SEAT_EVENTS`] have not come yet.
    reserved: usize,
}

impl Device {
    pub fn new(id: DeviceId, epoch: u64, conn: ConnId, status: Status, locks: Locks) -> Device {
        Device {
            id,
            epoch,
            conn: Some(conn),
            status,
            seats: Vec::new(),
            locks,
            outbox: Outbox::default(),
            ended: VecDeque::new(),
        }
    }

    /// How many more events fit, beyond those that have their room reserved.
    pub fn room(&self, capacity: usize) -> usize {
        let reserved: usize = self.seats.iter().map(|seat| seat.reserved).sum();
        capacity.saturating_sub(self.outbox.pending().len() + reserved + self.locks.reserved())
    }

    pub fn sit(&mut self, session: SessionId, role: Role) {
        self.seats.push(Seat { session, role, reserved: SEAT_EVENTS });
    }

    /// Numbers an event and keeps it; `None` if it may be dropped and there is no room.
    pub fn push(&mut self, session: SessionId, event: Event, capacity: usize) -> Option<EventFrame> {
        match &event {
            Event::Progress { .. } if self.room(capacity) == 0 => return None,
            Event::Progress { .. } | Event::Context { .. } => {}
            Event::Ended(_) => self.stand_up(session),
            Event::Invited { .. }
            | Event::Invitation(_)
            | Event::Accepted { .. }
            | Event::Connected { .. }
            | Event::Presence { .. }
            | Event::SignedOut { .. }
            | Event::Expiring { .. }
            | Event::Lock { .. }
            | Event::LockChallenge { .. }
            | Event::LockResult { .. }
            | Event::LockStatus { .. }
            | Event::Unknown => self.use_reserved(session),
        }
        Some(self.outbox.push(event))
    }

    /// Numbers an event that belongs to no session, and keeps it.
    pub fn push_own(&mut self, event: Event) -> EventFrame {
        self.outbox.push(event)
    }

    /// Forgets the events up to `ack` and says which invitations were among them.
    pub fn acknowledge(&mut self, ack: u64) -> Vec<SessionId> {
        let taken = self.outbox.acknowledge(ack).into_iter();
        taken
            .filter_map(|event| if let Event::Invitation(invitation) = event { Some(invitation.session) } else { None })
            .collect()
    }

    /// What has not been acknowledged.
    pub fn pending(&self) -> impl Iterator<Item = &EventFrame> {
        self.outbox.pending()
    }

    /// The role that this device had in a session that is over for it.
    pub fn ended_role(&self, session: SessionId) -> Option<Role> {
        self.ended.iter().find(|(ended, _)| *ended == session).map(|(_, role)| *role)
    }

    /// The answer that a request with this key got.
    pub fn answered(&self, key: &str) -> Option<Code> {
        self.outbox.answered(key)
    }

    pub fn keep_answer(&mut self, key: Box<str>, code: Code) {
        self.outbox.keep_answer(key, code);
    }

    fn use_reserved(&mut self, session: SessionId) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.session == session) {
            seat.reserved = seat.reserved.saturating_sub(1);
        }
    }

    fn stand_up(&mut self, session: SessionId) {
        let Some(at) = self.seats.iter().position(|seat| seat.session == session) else { return };
        let seat = self.seats.swap_remove(at);
        if self.ended.len() == ENDED_KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back((session, seat.role));
    }
}
