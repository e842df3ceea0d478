//! What the operator asks of what is live: who is there, which sessions go on, and what is to change
//! at once.
//!
//! What is durable has been written already when a command comes: a command makes what is in memory
//! follow. A record is read anew by [`Output::Load`], so that it keeps its place in the order of the
//! store's changes. A sign-in that was being checked meanwhile may have been judged by what no longer
//! holds: it is refused with a request to try again, or its record read once more.

use std::collections::BTreeSet;

use hither_wire::message::Application;
use hither_wire::{Code, DeviceId, Guid, PersonName, Role, SessionId, State, Status};

use super::connection::Doubt;
use super::port::{Admitted, ConnId, Denied, Output, Record, Ticket};
use super::{Person, Service, Who};
use crate::Millis;
use crate::session::Session;

/// How long somebody waits who was signing in while the operator put them out.
const AGAIN_MS: u64 = 1_000;

/// Why the operator's end of a session or of a stay is no more than that: [`Code::SR_SESSION_TIMEOUT`]
/// and the cancels would each say something that is not so.
const ENDED: Code = Code::MSGR_E_POLICY_RESTRICTED;

/// What the operator asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// How much there is.
    Load,
    /// Some of the sessions, by their ids.
    Sessions {
        /// Only those whose ids are greater.
        after: Option<SessionId>,
        /// At most so many.
        limit: usize,
        /// Only those that fit.
        filter: Filter,
    },
    /// One session.
    Session(SessionId),
    /// End a session, for everybody who is in it.
    End(SessionId),
    /// Some of the people who are signed in, by their names.
    Present {
        /// Only those whose names are greater.
        after: Option<PersonName>,
        /// At most so many.
        limit: usize,
    },
    /// One person.
    Person(PersonName),
    /// A person's tokens were revoked: sign out every device.
    SignOut(PersonName),
    /// A person was disabled: end the sessions, and sign out every device.
    Expel(PersonName),
    /// A person was removed: as [`Command::Expel`], and out of everybody's lists.
    Remove(PersonName),
    /// A person's record was changed: read it anew.
    Refresh {
        /// Whose.
        name: PersonName,
        /// Whether the friendly name is another one, which stands in others' lists too.
        renamed: bool,
    },
}

/// Which sessions are meant; what is `None` fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Inviter or invitee.
    pub person: Option<PersonName>,
    /// The state, as the inviter sees it.
    pub state: Option<State>,
    /// The application.
    pub app: Option<Guid>,
}

/// What the operator is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How much there is.
    Load {
        /// People who are signed in, waited for, or in a session.
        people: usize,
        /// Sessions that are not over.
        sessions: usize,
        /// Connections.
        connections: usize,
    },
    /// A page of sessions.
    Sessions(Page<Line>),
    /// One session; as it was, if it was ended. `None` if there is no such session.
    Session(Option<Box<Line>>),
    /// A page of people.
    Present(Page<Presence>),
    /// One person; `None` if no device is signed in.
    Person(Option<Box<Presence>>),
    /// It is done.
    Done {
        /// Devices that were signed out.
        devices: usize,
        /// Sessions that were ended.
        sessions: usize,
    },
    /// The store cannot be read.
    Failed(Code),
}

/// Some of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// A session as the operator sees it: never what is said in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: SessionId,
    /// The state as the inviter sees it: a decline that is hidden from the inviter (R23) is not seen
    /// here either.
    pub state: State,
    /// Who invited.
    pub inviter: PersonName,
    /// Who was invited.
    pub invitee: PersonName,
    /// Into what.
    pub app: Application,
    /// When it began to ring, on the service's clock.
    pub began: Millis,
}

/// A person who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub name: PersonName,
    /// Friendly name.
    pub friendly_name: Box<str>,
    /// As the person has chosen it: `Invisible` is not hidden from the operator.
    pub status: Status,
    /// Where.
    pub devices: Vec<PresentDevice>,
    /// How many sessions the person is in.
    pub sessions: usize,
}

/// A device that is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentDevice {
    /// Its id.
    pub id: DeviceId,
    /// As it was chosen there.
    pub status: Status,
    /// Whether it has a connection; else it is waited for (R17).
    pub connected: bool,
}

/// A record that is being read anew.
#[derive(Debug)]
pub struct Refreshing {
    name: PersonName,
    renamed: bool,
    /// Whom to tell that it is done, if anybody has asked.
    told: Option<Ticket>,
}

impl Filter {
    fn fits(&self, session: &Session) -> bool {
        let card = session.card();
        self.person.as_ref().is_none_or(|name| *name == card.inviter || *name == card.invitee)
            && self.state.is_none_or(|state| state == state_of(session))
            && self.app.is_none_or(|app| app == card.app.guid)
    }
}

impl Service {
    pub(super) fn operator(&mut self, ticket: Ticket, command: Command) {
        let answer = match command {
            Command::Load => {
                let (people, sessions, connections) = self.load();
                Told::Load { people, sessions, connections }
            }
            Command::Sessions { after, limit, filter } => Told::Sessions(self.some_sessions(after, limit, &filter)),
            Command::Session(id) => Told::Session(self.sessions.get(&id).map(|session| Box::new(line(session)))),
            Command::End(id) => Told::Session(self.end_session(id)),
            Command::Present { after, limit } => Told::Present(self.some_present(after.as_ref(), limit)),
            Command::Person(name) => {
                let present = self.person(&name).filter(|person| !person.devices.is_empty());
                Told::Person(present.map(|person| Box::new(person.presence())))
            }
            Command::SignOut(name) => {
                self.doubt(&name, Doubt::PutOut);
                Told::Done { devices: self.put_all_out(&name, Code::MSGR_E_NOT_LOGGED_ON), sessions: 0 }
            }
            Command::Expel(name) => self.expel(&name),
            Command::Remove(name) => {
                let done = self.expel(&name);
                self.strike(&name);
                done
            }
            Command::Refresh { name, renamed } => {
                return self.read_anew(Refreshing { name, renamed, told: Some(ticket) });
            }
        };
        self.outputs.push_back(Output::Told { ticket, answer });
    }

    /// What came of a sign-in, in the light of what was done while it was checked; and whose
    /// record has to be read once more.
    pub(super) fn reconsider(
        &mut self,
        conn: ConnId,
        result: Result<Box<Admitted>, Denied>,
    ) -> (Result<Box<Admitted>, Denied>, Option<PersonName>) {
        let doubts = self.conns.get_mut(&conn).map(super::Conn::take_doubts).unwrap_or_default();
        let Ok(admitted) = &result else { return (result, None) };
        let name = admitted.record.name.clone();
        match doubts.of(&name) {
            None => (result, None),
            Some(Doubt::Changed) => (result, Some(name)),
            Some(Doubt::PutOut) => {
                let again = Denied::new(Code::MSGR_E_SERVER_TOO_BUSY);
                (Err(Denied { retry_after_ms: Some(AGAIN_MS), ..again }), None)
            }
        }
    }

    /// Reads a record anew that nobody has asked for.
    pub(super) fn refresh_again(&mut self, name: PersonName) {
        self.read_anew(Refreshing { name, renamed: false, told: None });
    }

    fn read_anew(&mut self, refreshing: Refreshing) {
        self.doubt(&refreshing.name, Doubt::Changed);
        if !refreshing.renamed && self.person(&refreshing.name).is_none() {
            return self.refreshed_told(refreshing.told, Told::Done { devices: 0, sessions: 0 });
        }
        let ticket = self.free_ticket();
        let who = refreshing.name.clone();
        self.refreshing.insert(ticket, refreshing);
        self.outputs.push_back(Output::Load { ticket, who });
    }

    /// The answer to a [`Output::Load`] that is this file's.
    pub(super) fn refreshed(&mut self, refreshing: Refreshing, record: Result<Option<Box<Record>>, Code>) {
        let Refreshing { name, renamed, told } = refreshing;
        let answer = match record {
            Err(code) => Told::Failed(code),
            // Whoever has gone meanwhile is taken out by another command.
            Ok(None) => Told::Done { devices: 0, sessions: 0 },
            Ok(Some(record)) => {
                let friendly_name = record.friendly_name.clone();
                let told = self.replace_record(*record);
                if renamed {
                    self.rename(&name, &friendly_name, &told);
                }
                Told::Done { devices: 0, sessions: 0 }
            }
        };
        self.refreshed_told(told, answer);
    }

    fn refreshed_told(&mut self, told: Option<Ticket>, answer: Told) {
        if let Some(ticket) = told {
            self.outputs.push_back(Output::Told { ticket, answer });
        }
    }

    /// Takes another record of a person, and tells everybody what they see differently; whom it told
    /// of that person.
    fn replace_record(&mut self, record: Record) -> BTreeSet<PersonName> {
        let name = record.name.clone();
        let Some(person) = self.person(&name) else { return BTreeSet::new() };
        let before = &person.record;
        let lists = [&before.contacts, &before.blocked, &record.contacts, &record.blocked];
        let others: BTreeSet<&PersonName> = lists.into_iter().flat_map(|list| list.keys()).collect();
        let seen =
            |service: &Service, other: &PersonName| (service.visible(&name, other), service.visible(other, &name));
        let others: Vec<_> = others.into_iter().map(|other| (other.clone(), seen(self, other))).collect();
        if let Some(person) = self.people.get_mut(&name) {
            person.record = record;
        }
        let mut told = BTreeSet::new();
        for (other, before) in others {
            let after = seen(self, &other);
            if before.1 != after.1 {
                self.tell_presence(&other, &name);
            }
            if before.0 != after.0 {
                self.tell_presence(&name, &other);
                told.insert(other);
            }
        }
        told
    }

    /// Writes another friendly name into everybody's lists, and tells who sees the person, unless told
    /// already.
    fn rename(&mut self, name: &PersonName, friendly_name: &str, told: &BTreeSet<PersonName>) {
        let mut viewers = Vec::new();
        for (viewer, person) in &mut self.people {
            let record = &mut person.record;
            for known in [record.contacts.get_mut(name), record.blocked.get_mut(name)].into_iter().flatten() {
                *known = friendly_name.into();
                viewers.push(viewer.clone());
            }
        }
        viewers.sort_unstable();
        viewers.dedup();
        for viewer in viewers {
            if !told.contains(&viewer) && self.visible(name, &viewer) != Status::Offline {
                self.tell_presence(name, &viewer);
            }
        }
    }

    /// Nobody has somebody in a list who does not exist.
    fn strike(&mut self, name: &PersonName) {
        for person in self.people.values_mut() {
            person.record.contacts.remove(name);
            person.record.blocked.remove(name);
        }
    }

    fn expel(&mut self, name: &PersonName) -> Told {
        self.doubt(name, Doubt::PutOut);
        let sessions = self.person(name).map(|person| person.sessions.clone()).unwrap_or_default();
        let ended = sessions.into_iter().filter_map(|id| self.end_session(id)).count();
        Told::Done { devices: self.put_all_out(name, ENDED), sessions: ended }
    }

    fn put_all_out(&mut self, name: &PersonName, code: Code) -> usize {
        let devices = self.person(name).map_or([].as_slice(), |person| &person.devices);
        let devices: Vec<DeviceId> = devices.iter().map(|device| device.id).collect();
        for device in &devices {
            self.sign_device_out_because(&Who { person: name.clone(), device: *device }, code);
        }
        devices.len()
    }

    /// What the sign-ins that are being checked were judged by is no longer so, if they are this
    /// person's.
    pub(super) fn doubt(&mut self, name: &PersonName, doubt: Doubt) {
        self.conns.values_mut().for_each(|conn| conn.doubt(name, doubt));
    }

    fn end_session(&mut self, id: SessionId) -> Option<Box<Line>> {
        let session = self.sessions.get_mut(&id)?;
        let line = line(session);
        let tells = session.end_because(ENDED);
        self.deliver(id, tells);
        Some(Box::new(line))
    }

    fn some_sessions(&self, after: Option<SessionId>, limit: usize, filter: &Filter) -> Page<Line> {
        let fits =
            |(id, session): &(&SessionId, &Session)| after.is_none_or(|after| **id > after) && filter.fits(session);
        let ids = self.sessions.iter().filter(fits).map(|(id, _)| *id);
        let (ids, more) = first(ids, limit);
        Page { items: ids.iter().filter_map(|id| self.sessions.get(id)).map(line).collect(), more }
    }

    fn some_present(&self, after: Option<&PersonName>, limit: usize) -> Page<Presence> {
        let present = self.people.iter().filter(|(_, person)| !person.devices.is_empty());
        let names = present.map(|(name, _)| name).filter(|name| after.is_none_or(|after| *name > after));
        let (names, more) = first(names, limit);
        Page { items: names.into_iter().filter_map(|name| self.person(name)).map(Person::presence).collect(), more }
    }
}

impl Person {
    fn presence(&self) -> Presence {
        let devices = self.devices.iter();
        let device = |device: &super::Device| PresentDevice {
            id: device.id,
            status: device.status,
            connected: device.conn.is_some(),
        };
        Presence {
            name: self.record.name.clone(),
            friendly_name: self.record.friendly_name.clone(),
            status: self.status(),
            devices: devices.map(device).collect(),
            sessions: self.sessions.len(),
        }
    }
}

fn state_of(session: &Session) -> State {
    session.state(Role::Inviter, session.card().device)
}

fn line(session: &Session) -> Line {
    let card = session.card();
    Line {
        id: card.id,
        state: state_of(session),
        inviter: card.inviter.clone(),
        invitee: card.invitee.clone(),
        app: card.app.clone(),
        began: session.began(),
    }
}

/// The least of them in order, at most so many, and whether there are more. Holds no more than these.
fn first<T: Ord>(all: impl Iterator<Item = T>, limit: usize) -> (BTreeSet<T>, bool) {
    let mut least = BTreeSet::new();
    let mut more = false;
    for item in all {
        if least.len() < limit {
            least.insert(item);
        } else {
            more = true;
            if least.last().is_some_and(|last| item < *last) {
                least.insert(item);
                least.pop_last();
            }
        }
    }
    (least, more)
}

#[cfg(test)]
mod tests;
