//! Who sees whom: presence is for mutual contacts (R30), and never for somebody who is blocked.

use hither_wire::message::EventFrame;
use hither_wire::{Event, PersonName, ServerFrame, Status};

use super::{Person, Service, Who};

impl Person {
    /// Of several devices the most available counts; without a device, offline.
    pub fn status(&self) -> Status {
        let statuses = self.devices.iter().map(|device| device.status);
        statuses.max_by_key(|status| status.availability()).unwrap_or(Status::Offline)
    }

    /// What `other` may see of this person.
    fn visible_to(&self, other: &Person) -> Status {
        let (me, them) = (&self.record, &other.record);
        let mutual = me.contacts.contains_key(&them.name) && them.contacts.contains_key(&me.name);
        if mutual && !me.blocked.contains_key(&them.name) { self.status().seen() } else { Status::Offline }
    }
}

impl Service {
    /// What a person's contacts see, blocks aside.
    pub(super) fn seen_status(&self, name: &PersonName) -> Status {
        self.person(name).map_or(Status::Offline, |person| person.status().seen())
    }

    /// What `viewer` may see of `name`.
    pub(super) fn visible(&self, name: &PersonName, viewer: &PersonName) -> Status {
        match (self.person(name), self.person(viewer)) {
            (Some(person), Some(viewer)) => person.visible_to(viewer),
            _ => Status::Offline,
        }
    }

    pub(super) fn set_status(&mut self, who: &Who, status: Status) {
        let before = self.seen_status(&who.person);
        if let Some(device) = self.device_mut(who) {
            device.status = status;
        }
        self.presence_changed(&who.person, before);
    }

    /// Tells everybody who may know, if the person is seen differently than before.
    pub(super) fn presence_changed(&mut self, name: &PersonName, before: Status) {
        if self.seen_status(name) == before {
            return;
        }
        let Some(person) = self.person(name) else { return };
        let contacts: Vec<PersonName> = person.record.contacts.keys().cloned().collect();
        for contact in contacts {
            let told = self.person(&contact).zip(self.person(name)).is_some_and(|(contact, person)| {
                contact.record.contacts.contains_key(name) && !person.record.blocked.contains_key(&contact.record.name)
            });
            if told {
                self.tell_presence(name, &contact);
            }
        }
    }

    /// Runs a change of what `one` and `other` think of each other, and tells both what they see
    /// differently after it.
    pub(super) fn with_visibility(&mut self, one: &PersonName, other: &PersonName, change: impl FnOnce(&mut Service)) {
        let before = (self.visible(one, other), self.visible(other, one));
        change(self);
        if self.visible(one, other) != before.0 {
            self.tell_presence(one, other);
        }
        if self.visible(other, one) != before.1 {
            self.tell_presence(other, one);
        }
    }

    /// One event for each contact who is not offline.
    pub(super) fn presence_of_contacts(&self, viewer: &PersonName) -> Vec<Event> {
        let Some(person) = self.person(viewer) else { return Vec::new() };
        let events = person.record.contacts.keys().map(|who| self.presence_event(who, viewer));
        events.filter(|event| !matches!(event, Event::Presence { status: Status::Offline, .. })).collect()
    }

    fn presence_event(&self, who: &PersonName, viewer: &PersonName) -> Event {
        let friendly_name = self.person(who).map(|person| person.record.friendly_name.clone()).unwrap_or_default();
        Event::Presence { who: who.clone(), friendly_name, status: self.visible(who, viewer) }
    }

    /// Presence is a snapshot: a device that is away gets it when it is back.
    pub(super) fn tell_presence(&mut self, who: &PersonName, viewer: &PersonName) {
        let event = self.presence_event(who, viewer);
        let devices = self.person(viewer).map(|person| person.devices.iter()).into_iter().flatten();
        let conns: Vec<_> = devices.filter_map(|device| device.conn).collect();
        for conn in conns {
            self.send(conn, ServerFrame::Event(EventFrame { seq: None, event: event.clone() }));
        }
    }
}
