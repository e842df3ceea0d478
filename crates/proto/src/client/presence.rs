//! The contacts' presence. The service says who is there after each sign-in, and then what changes;
//! the application is told of real changes only.

use std::collections::{BTreeMap, BTreeSet};

use hither_wire::{PersonName, Status, limits};

use super::port::Event;

#[derive(Debug, Default)]
pub(super) struct Presence {
    /// Who is not offline, with their friendly names.
    there: BTreeMap<PersonName, (Box<str>, Status)>,
    count: Count,
}

/// Where in the count of who is there.
#[derive(Debug, Default)]
enum Count {
    #[default]
    Done,
    /// So many are still to come; these have come.
    Counting(u64, BTreeSet<PersonName>),
}

impl Presence {
    /// After a sign-in: `online` contacts will be named, everybody else is offline.
    pub fn begin(&mut self, online: u64) -> Vec<Event> {
        self.count = Count::Counting(online.min(limits::CONTACTS as u64), BTreeSet::new());
        self.settle()
    }

    /// The connection is gone in the middle of a count: the next sign-in counts anew.
    pub fn interrupt(&mut self) {
        self.count = Count::Done;
    }

    /// A contact's presence, perhaps as it was already.
    pub fn heard(&mut self, who: PersonName, friendly_name: Box<str>, status: Status) -> Vec<Event> {
        if let Count::Counting(left, seen) = &mut self.count {
            *left = left.saturating_sub(1);
            seen.insert(who.clone());
        }
        let mut events = self.set(who, friendly_name, status);
        events.extend(self.settle());
        events
    }

    fn set(&mut self, who: PersonName, friendly_name: Box<str>, status: Status) -> Vec<Event> {
        let before = self.there.get(&who).map_or(Status::Offline, |(_, status)| *status);
        if status == Status::Offline {
            self.there.remove(&who);
        } else if self.there.contains_key(&who) || self.there.len() < limits::CONTACTS {
            self.there.insert(who.clone(), (friendly_name.clone(), status));
        }
        if status == before { Vec::new() } else { vec![Event::ContactStatus { who, friendly_name, status }] }
    }

    /// When everybody has been named, whoever was not is offline.
    fn settle(&mut self) -> Vec<Event> {
        let Count::Counting(0, seen) = &self.count else { return Vec::new() };
        let gone: Vec<_> = self.there.iter().filter(|(who, _)| !seen.contains(*who)).collect();
        let gone: Vec<_> = gone.into_iter().map(|(who, (name, _))| (who.clone(), name.clone())).collect();
        self.count = Count::Done;
        gone.into_iter().flat_map(|(who, name)| self.set(who, name, Status::Offline)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(presence: &mut Presence, who: &str, status: Status) -> Vec<(String, Status)> {
        told(presence.heard(PersonName::parse(who).unwrap(), "".into(), status))
    }

    fn told(events: Vec<Event>) -> Vec<(String, Status)> {
        let pair = |event| match event {
            Event::ContactStatus { who, status, .. } => (who.to_string(), status),
            other => panic!("{other:?}"),
        };
        events.into_iter().map(pair).collect()
    }

    #[test]
    fn only_real_changes_are_told() {
        let mut presence = Presence::default();
        assert!(presence.begin(2).is_empty());
        assert_eq!(heard(&mut presence, "a@x", Status::Online), [("a@x".into(), Status::Online)]);
        assert_eq!(heard(&mut presence, "b@x", Status::Away), [("b@x".into(), Status::Away)]);
        assert_eq!(heard(&mut presence, "b@x", Status::Away), []);
        assert_eq!(heard(&mut presence, "c@x", Status::Offline), []);

        presence.begin(2);
        presence.interrupt();
        assert!(presence.begin(1).is_empty(), "who is still to be named is not yet gone");
        assert_eq!(heard(&mut presence, "b@x", Status::Away), [("a@x".into(), Status::Offline)]);
        assert_eq!(told(presence.begin(0)), [("b@x".into(), Status::Offline)]);
        assert_eq!(heard(&mut presence, "b@x", Status::Online), [("b@x".into(), Status::Online)]);
    }

    #[test]
    fn a_service_that_names_everybody_fills_no_memory() {
        let mut presence = Presence::default();
        presence.begin(u64::MAX);
        for n in 0..2 * limits::CONTACTS {
            heard(&mut presence, &format!("p{n}@x"), Status::Online);
        }
        assert_eq!(presence.there.len(), limits::CONTACTS);
    }
}
