//! Signing in and out, coming back (R17), losing a device.

use hither_wire::message::{Answer, EventFrame, Invitation, SignedIn};
use hither_wire::{Code, DeviceId, Event, PersonName, Role, ServerFrame};

use super::connection::{Doubt, SigningIn};
use super::device::{Device, SEAT_EVENTS};
use super::locks::Locks;
use super::port::{Admitted, Close, ConnId, Denied, Output};
use super::{Deadline, Job, Person, Service, Waiting, Who};

impl Service {
    pub(super) fn authenticated(&mut self, conn: ConnId, result: Result<Box<Admitted>, Denied>) {
        let Some(asked) = self.conns.get_mut(&conn).and_then(super::Conn::take_signing_in) else { return };
        let (result, stale) = self.reconsider(conn, result);
        match result {
            Ok(admitted) => {
                let Admitted { record, device, token, expires_ms } = *admitted;
                let who = Who { person: record.name.clone(), device };
                let friendly_name = record.friendly_name.clone();
                let before = self.seen_status(&who.person);
                self.remember(record);
                match self.take_seat(conn, &who, asked) {
                    Err(code) => self.answer(conn, Answer::new(asked.id, code)),
                    Ok((epoch, resumed)) => {
                        self.expires(&who, expires_ms);
                        let presence = self.presence_of_contacts(&who.person);
                        let signed_in = SignedIn {
                            user: who.person.clone(),
                            friendly_name,
                            device,
                            token,
                            epoch,
                            resumed,
                            grace_ms: self.config.grace_ms,
                            online: presence.len() as u64,
                            applications: None,
                            address: None,
                        };
                        let answer =
                            Answer { signed_in: Some(Box::new(signed_in)), ..Answer::new(asked.id, Code::S_OK) };
                        self.answer(conn, answer);
                        for event in presence {
                            self.send(conn, ServerFrame::Event(EventFrame { seq: None, event }));
                        }
                        // How a lock stands is told after its events that were missed, and before any
                        // that are new.
                        if !resumed {
                            self.tell_locks(conn, &who);
                        }
                        self.catch_up(conn, &who, resumed);
                        if resumed {
                            self.tell_locks(conn, &who);
                        }
                    }
                }
                self.presence_changed(&who.person, before);
                self.maybe_idle.push(who.person);
            }
            Err(denied) => self.answer(conn, denied.answer(asked.id)),
        }
        if let Some(name) = stale {
            self.refresh_again(name);
        }
        self.work(conn);
    }

    /// Keeps the newest record of a person.
    fn remember(&mut self, record: super::Record) {
        if let Some(person) = self.people.get_mut(&record.name) {
            person.record = record;
        } else {
            let name = record.name.clone();
            self.people.insert(name, Person { record, devices: Vec::new(), sessions: Vec::new() });
        }
    }

    /// Ties the connection to its device; says which stay this is, and whether it resumes one.
    fn take_seat(&mut self, conn: ConnId, who: &Who, asked: SigningIn) -> Result<(u64, bool), Code> {
        let old = self.device_mut(who).map(|device| (device.epoch, device.conn.take()));
        if let Some((_, Some(replaced))) = old {
            self.close(replaced, Close::Replaced);
        }
        // Another stay of the same device, however it came about, knows nothing of this one's events.
        let resumed = asked.resume.filter(|(epoch, _)| old.is_some_and(|(old, _)| old == *epoch));
        if resumed.is_none() {
            self.drop_device_of(who);
            self.make_room_for_device(&who.person)?;
        }
        self.timers.set(Deadline::SignIn(conn), None);
        self.timers.set(Deadline::Grace(who.person.clone(), who.device), None);
        if let Some(state) = self.conns.get_mut(&conn) {
            state.signed_in(who.clone());
        }
        if let Some((epoch, ack)) = resumed {
            if let Some(device) = self.device_mut(who) {
                device.conn = Some(conn);
                device.status = asked.status.unwrap_or(device.status);
            }
            self.acknowledged(who, ack);
            return Ok((epoch, true));
        }
        let epoch = self.next_epoch;
        self.next_epoch += 1;
        let locks = Locks::new(self.config.lock);
        if let Some(person) = self.people.get_mut(&who.person) {
            person.devices.push(Device::new(who.device, epoch, conn, asked.status.unwrap_or_default(), locks));
        }
        Ok((epoch, false))
    }

    /// A device that is away makes room for one that is there; it is the one away the longest.
    fn make_room_for_device(&mut self, name: &PersonName) -> Result<(), Code> {
        let Some(person) = self.people.get(name) else { return Ok(()) };
        if person.devices.len() < self.config.devices_per_person {
            return Ok(());
        }
        let away = person.devices.iter().find(|device| device.conn.is_none()).map(|device| device.id);
        let device = away.ok_or(Code::MSGR_E_TOO_MANY_SESSIONS)?;
        self.drop_device_of(&Who { person: name.clone(), device });
        Ok(())
    }

    /// Sends what the device has missed: its unacknowledged events again, or what rings already.
    fn catch_up(&mut self, conn: ConnId, who: &Who, resumed: bool) {
        if !resumed {
            return self.ring_late(who);
        }
        let Some(device) = self.person(&who.person).and_then(|person| person.device(who.device)) else { return };
        let missed: Vec<EventFrame> = device.pending().cloned().collect();
        for mut frame in missed {
            self.refresh(&mut frame.event);
            self.send(conn, ServerFrame::Event(frame));
        }
    }

    /// What is left of the ringing is told anew with every delivery (R22).
    fn refresh(&self, event: &mut Event) {
        let left = |session| self.sessions.get(session).and_then(|session| session.rings_for(self.now)).unwrap_or(0);
        if let Event::Invited { session, ring_ms, .. } = event {
            *ring_ms = left(session);
        } else if let Event::Invitation(invitation) = event {
            let Invitation { session, ring_ms, .. } = &mut **invitation;
            *ring_ms = left(session);
        }
    }

    /// A device that signs in while something rings for its person rings too (R20).
    fn ring_late(&mut self, who: &Who) {
        let capacity = self.config.events_pending;
        let sessions = self.person(&who.person).map(|person| person.sessions.clone()).unwrap_or_default();
        for id in sessions {
            let room = self.device_mut(who).map_or(0, |device| device.room(capacity));
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if session.card().invitee != who.person || room < SEAT_EVENTS {
                continue;
            }
            if let Some(event) = session.ring(self.now, who.device) {
                self.seat(who, id, Role::Invitee);
                self.tell(who, id, event);
            }
        }
    }

    pub(super) fn sign_out(&mut self, conn: ConnId, who: &Who, id: u64) {
        self.drop_device(who);
        self.answer(conn, Answer::new(id, Code::S_OK));
        self.close(conn, Close::Normal);
    }

    /// The connection of a device is gone: the device is waited for.
    pub(super) fn detach(&mut self, who: &Who) {
        if let Some(device) = self.device_mut(who) {
            device.conn = None;
            let reason = Deadline::Grace(who.person.clone(), who.device);
            self.timers.set(reason, Some(self.now + self.config.grace_ms));
        }
    }

    /// The device is lost: out of its sessions, out of its person's presence.
    pub(super) fn drop_device(&mut self, who: &Who) {
        let before = self.seen_status(&who.person);
        self.drop_device_of(who);
        self.presence_changed(&who.person, before);
        self.maybe_idle.push(who.person.clone());
    }

    fn drop_device_of(&mut self, who: &Who) {
        self.timers.set(Deadline::Grace(who.person.clone(), who.device), None);
        let Some(person) = self.people.get_mut(&who.person) else { return };
        let Some(at) = person.devices.iter().position(|device| device.id == who.device) else { return };
        let device = person.devices.remove(at);
        self.expires(who, None);
        self.forget_locks(who, &device.locks);
        for seat in device.seats {
            self.lost(seat.session, seat.role, who.device);
        }
    }

    /// Lets the store write a change for the one who asks.
    pub(super) fn change(&mut self, waiting: Waiting, change: super::Change) {
        let (conn, owner) = (waiting.conn, waiting.who.person.clone());
        self.wait(waiting, |ticket| Output::Store { ticket, conn, owner, change });
    }

    pub(super) fn stored(&mut self, ticket: super::Ticket, result: Result<Box<str>, Code>) {
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        match (result, waiting.job.clone()) {
            (Err(code), _) => self.reply_waiting(waiting, Answer::new(0, code)),
            (Ok(_), Job::SignOut) => {
                // The token that does not count any more may be on the way in elsewhere.
                self.doubt(&waiting.who.person, Doubt::PutOut);
                self.sign_out(waiting.conn, &waiting.who, waiting.id);
            }
            (Ok(friendly_name), Job::Change(change)) => self.changed(waiting, change, friendly_name),
            (Ok(_), Job::RemoveDevice(device)) => self.device_removed(waiting, device),
            (Ok(_), Job::Invite(_) | Job::Challenge(_) | Job::Password | Job::Renew | Job::Devices) => {
                self.reply_waiting(waiting, Answer::new(0, Code::E_FAIL));
            }
        }
    }

    /// Whether a device of this id and person is known.
    pub(super) fn knows(&self, person: &PersonName, device: DeviceId) -> bool {
        self.person(person).is_some_and(|person| person.device(device).is_some())
    }
}
