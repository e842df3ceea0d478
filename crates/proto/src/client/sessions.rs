//! Every session of this client: those that go on, and the last ones that ended (R27).

use std::collections::{BTreeMap, VecDeque};

use hither_wire::local::Launching;
use hither_wire::message::{Application, Data, Event as Told, Invitation};
use hither_wire::{Code, PersonName, SessionId, limits, text};

use super::port::Event;
use super::record::{Phase, Record, on_invitation};
use crate::Millis;

/// Invitations that a service may let ring here at a time, far more than a decent one does.
const INVITATIONS: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct Sessions {
    records: BTreeMap<SessionId, Record>,
    /// Those that are over, oldest first.
    ended: VecDeque<SessionId>,
    /// Whose application is gone; looked at when an input has been handled.
    pub let_go: Vec<SessionId>,
}

impl Sessions {
    /// The sessions of a resume point.
    pub fn restored(records: Vec<Record>) -> Sessions {
        let records = records.into_iter().filter(|record| record.phase != Phase::Over);
        Sessions { records: records.map(|record| (record.id, record)).collect(), ..Sessions::default() }
    }

    /// A new session, unless there is one with this id.
    pub fn create(&mut self, id: SessionId) {
        self.records.entry(id).or_insert_with(|| Record::new(id));
    }

    /// A session that begins elsewhere.
    pub fn insert(&mut self, record: Record) {
        self.records.insert(record.id, record);
    }

    /// The session that has started this process, unless it is known already.
    pub fn adopt(&mut self, launching: &Launching) {
        self.records.entry(launching.session).or_insert_with(|| Record::of_launch(launching));
    }

    /// Forgets a session that the service never knew.
    pub fn remove(&mut self, id: SessionId) {
        self.records.remove(&id);
    }

    /// Takes an event of a session and says what to tell the application.
    pub fn fold(&mut self, now: Millis, told: Told) -> Vec<Event> {
        let id = match &told {
            Told::Invitation(_) => None,
            Told::Invited { session, .. }
            | Told::Accepted { session, .. }
            | Told::Connected { session }
            | Told::Context { session, .. }
            | Told::Progress { session, .. } => Some(*session),
            Told::Ended(ended) => Some(ended.session),
            Told::Presence { .. }
            | Told::SignedOut { .. }
            | Told::Expiring { .. }
            | Told::Lock { .. }
            | Told::LockChallenge { .. }
            | Told::LockResult { .. }
            | Told::LockStatus { .. }
            | Told::Unknown => return Vec::new(),
        };
        if let Told::Invitation(invitation) = told {
            return self.invitation(now, *invitation);
        }
        let Some(record) = id.and_then(|id| self.records.get_mut(&id)) else {
            tracing::debug!(?told, "an event of a session that is not known is ignored");
            return Vec::new();
        };
        let before = record.phase == Phase::Over;
        let events = record.fold(told);
        let id = record.id;
        if !before && record.phase == Phase::Over {
            self.retire(id);
        }
        events
    }

    /// One session is lost.
    pub fn lose(&mut self, id: SessionId, code: Code) -> Vec<Event> {
        let Some(record) = self.records.get_mut(&id).filter(|record| record.phase != Phase::Over) else {
            return Vec::new();
        };
        let events = record.terminate(code);
        self.retire(id);
        events
    }

    /// An invitation is on its way.
    pub fn inviting(&mut self, id: SessionId, to: &PersonName) {
        if let Some(record) = self.records.get_mut(&id)
            && record.phase == Phase::Ready
        {
            record.phase = Phase::Inviting;
            record.user = Some(to.clone());
        }
    }

    /// An invitation did not come about: the session is as it was.
    pub fn not_invited(&mut self, id: SessionId) {
        if let Some(record) = self.records.get_mut(&id)
            && record.phase == Phase::Inviting
        {
            record.phase = Phase::Ready;
            record.user = None;
        }
    }

    pub fn get(&self, id: SessionId) -> Option<&Record> {
        self.records.get(&id)
    }

    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    /// The sessions that the service knows of and that are not over.
    pub fn live(&self) -> impl Iterator<Item = &Record> {
        self.records.values().filter(|record| record.is_live())
    }

    /// The sessions that are not over.
    pub fn going_on(&self) -> impl Iterator<Item = SessionId> {
        self.records.values().filter(|record| record.phase != Phase::Over).map(|record| record.id)
    }

    /// What another machine has to know: everything that is not over.
    pub fn to_keep(&self) -> Vec<Record> {
        self.records.values().filter(|record| record.phase != Phase::Over).cloned().collect()
    }

    fn invitation(&mut self, now: Millis, invitation: Invitation) -> Vec<Event> {
        let known = self.records.get(&invitation.session);
        let used = known.is_some_and(|record| record.phase != Phase::Over);
        if used || self.live().count() >= INVITATIONS {
            tracing::debug!(session = %invitation.session, "an invitation that does not fit is ignored");
            return Vec::new();
        }
        self.ended.retain(|id| *id != invitation.session);
        self.records.insert(invitation.session, Record::of_invitation(&invitation));
        vec![on_invitation(now, invitation)]
    }

    fn retire(&mut self, id: SessionId) {
        self.ended.push_back(id);
        if self.ended.len() > limits::ENDED_SESSIONS_READABLE
            && let Some(oldest) = self.ended.pop_front()
        {
            self.records.remove(&oldest);
        }
    }
}

/// Whether the texts of an event are as short as those that a client may send: what comes from the
/// service is kept, and must be bounded too.
pub(super) fn is_bounded(told: &Told) -> bool {
    match told {
        Told::Invitation(invitation) => {
            is_name(&invitation.friendly_name) && is_app(&invitation.app) && is_data(invitation.data.as_ref())
        }
        Told::Accepted { data, .. } => is_data(data.as_ref()),
        Told::Context { data, .. } => is_data(Some(data)),
        Told::Ended(ended) => is_data(ended.data.as_ref()),
        Told::Presence { friendly_name, .. } => is_name(friendly_name),
        Told::Invited { .. }
        | Told::Connected { .. }
        | Told::Progress { .. }
        | Told::SignedOut { .. }
        | Told::Expiring { .. }
        | Told::Unknown => true,
        Told::Lock { object, .. } | Told::LockResult { object, .. } | Told::LockStatus { object, .. } => {
            is_object(object.as_deref())
        }
        Told::LockChallenge { object, challenge, .. } => {
            is_object(object.as_deref()) && challenge.len() <= limits::CHALLENGE_BYTES
        }
    }
}

fn is_object(object: Option<&str>) -> bool {
    object.is_none_or(|object| object.len() <= limits::OBJECT_BYTES)
}

fn is_name(name: &str) -> bool {
    text::fits(name, limits::FRIENDLY_NAME_UNITS)
}

fn is_app(app: &Application) -> bool {
    text::fits(&app.name, limits::APP_NAME_UNITS) && text::fits(&app.url, limits::APP_URL_UNITS)
}

fn is_data(data: Option<&Data>) -> bool {
    match data {
        Some(Data::Text(text) | Data::Sealed(text)) => text.len() <= limits::SEALED_BYTES,
        None => true,
    }
}
