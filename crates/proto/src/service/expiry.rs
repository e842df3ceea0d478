//! Tokens that end while somebody is signed in: the client is told in time, and gives another one.

use hither_wire::message::{Answer, EventFrame};
use hither_wire::{Code, Event, ServerFrame};

use super::port::{Close, Denied, Ticket};
use super::{Deadline, Service, Who};
use crate::Millis;

/// How long before the end a client is told, at most; of a token that lives shorter than five times
/// this, a fifth of its life.
const NOTICE_MS: Millis = 60_000;

impl Service {
    /// What a device has signed in with counts for so long from now on; for good if nothing is said.
    pub(super) fn expires(&mut self, who: &Who, in_ms: Option<u64>) {
        let end = in_ms.map(|in_ms| self.now.saturating_add(in_ms));
        let notice = in_ms.map_or(0, |in_ms| (in_ms / 5).min(NOTICE_MS));
        let tell = end.map(|end| end.saturating_sub(notice));
        self.timers.set(Deadline::Expiring(who.person.clone(), who.device), tell);
        self.timers.set(Deadline::Expired(who.person.clone(), who.device), end);
    }

    pub(super) fn expiring(&mut self, who: &Who) {
        let end = self.timers.at(&Deadline::Expired(who.person.clone(), who.device));
        let conn = self.person(&who.person).and_then(|person| person.device(who.device)).and_then(|device| device.conn);
        if let (Some(conn), Some(end)) = (conn, end) {
            let event = Event::Expiring { in_ms: end.saturating_sub(self.now) };
            self.send(conn, ServerFrame::Event(EventFrame { seq: None, event }));
        }
    }

    /// The device is waited for as after any loss of its connection: it comes back with a new token.
    pub(super) fn expired(&mut self, who: &Who) {
        let conn = self.person(&who.person).and_then(|person| person.device(who.device)).and_then(|device| device.conn);
        if let Some(conn) = conn {
            self.close(conn, Close::Expired);
        }
    }

    pub(super) fn renewed(&mut self, ticket: Ticket, result: Result<u64, Denied>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        let answer = match result {
            Ok(in_ms) => {
                let who = waiting.who.clone();
                if self.knows(&who.person, who.device) {
                    self.expires(&who, Some(in_ms));
                    // The token may have brought other contacts, or another friendly name.
                    self.refresh_again(who.person);
                }
                Answer::new(0, Code::S_OK)
            }
            Err(denied) => denied.answer(0),
        };
        self.reply_waiting(waiting, answer);
    }
}
