//! One session as this side knows it: a fold of the service's events.
//!
//! ```text
//! READY ─ invited ─► INVITATION ─ accepted ─► ACCEPTED ─ connected ─► CONNECTED
//!                        │                        │                       │
//!                        └──────────── ended ─────┴───────────────────────┴──► over
//! ```
//!
//! [`Record::fold`] is the diagram and puts each event into the reference's words (R8). An event
//! that has no arrow here is ignored: it can only come from a service that breaks the rules.

use hither_wire::local::Launching;
use hither_wire::message::{Application, By, Data, Elsewhere, Ended, Event as Told, How, Invitation, Invite, Stage};
use hither_wire::{Address, Code, PersonName, Role, SessionId, State, limits};
use serde::{Deserialize, Serialize};

use super::port::{Event, SessionSnapshot};
use super::resume::RoleName;
use crate::Millis;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub id: SessionId,
    #[serde(with = "RoleName")]
    pub role: Role,
    pub phase: Phase,
    pub application: Option<Application>,
    /// Chosen, perhaps before the application is set.
    pub launch_only: bool,
    /// The other party.
    pub user: Option<PersonName>,
    pub local: Local,
    pub remote: Option<Address>,
    pub context: Option<Box<str>>,
    pub attachment: Attachment,
    /// How long it is to ring at most (R16).
    pub ring_ms: Option<u64>,
    /// UTF-16 units of context data that this session takes.
    pub units: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Phase {
    /// READY.
    Ready,
    /// READY, and an invitation is on its way to the service.
    Inviting,
    /// INVITATION.
    Invitation,
    /// ACCEPTED; the other party's address is not to be read yet.
    Accepted(Option<Address>),
    /// CONNECTED.
    Connected,
    /// TERMINATED.
    Over,
}

/// The address that this side discloses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Local {
    /// This side's own of the connection.
    Own,
    /// None (R21).
    Hidden,
    /// This one.
    Given(Address),
}

/// When this side's application is attached (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Attachment {
    /// With the invitation or the acceptance.
    WithAnswer,
    /// By a call of its own.
    Separate,
    /// It is.
    Done,
}

impl Record {
    pub fn new(id: SessionId) -> Record {
        Record {
            id,
            role: Role::Inviter,
            phase: Phase::Ready,
            application: None,
            launch_only: false,
            user: None,
            local: Local::Own,
            remote: None,
            context: None,
            attachment: Attachment::WithAnswer,
            ring_ms: None,
            units: limits::CONTEXT_UNITS as u64,
        }
    }

    /// A session that somebody else has created, who invites through this client.
    pub fn of_invite(invite: &Invite) -> Record {
        Record {
            application: Some(invite.app.clone()),
            launch_only: invite.app.launch_only,
            local: invite.address.clone().map_or(Local::Hidden, Local::Given),
            attachment: if invite.attach { Attachment::WithAnswer } else { Attachment::Separate },
            ring_ms: invite.ring_ms,
            ..Record::new(invite.session)
        }
    }

    /// A session that has started this process: it is accepted, and the agent attaches it.
    pub fn of_launch(launching: &Launching) -> Record {
        Record {
            role: if launching.inviter { Role::Inviter } else { Role::Invitee },
            phase: Phase::Accepted(launching.remote.clone()),
            application: Some(launching.app.clone()),
            launch_only: launching.app.launch_only,
            user: Some(launching.user.clone()),
            local: launching.local.clone().map_or(Local::Hidden, Local::Given),
            attachment: Attachment::Done,
            ..Record::new(launching.session)
        }
    }

    pub fn of_invitation(invitation: &Invitation) -> Record {
        Record {
            role: Role::Invitee,
            phase: Phase::Invitation,
            launch_only: invitation.app.launch_only,
            application: Some(invitation.app.clone()),
            user: Some(invitation.from.clone()),
            units: invitation.limits.units,
            ..Record::new(invitation.session)
        }
    }

    /// Takes an event that names this session and says what to tell the application.
    pub fn fold(&mut self, told: Told) -> Vec<Event> {
        let session = self.id;
        match (told, &self.phase, self.role) {
            (Told::Invited { limits, .. }, Phase::Ready | Phase::Inviting, Role::Inviter) => {
                self.units = limits.units;
                if self.attachment == Attachment::WithAnswer {
                    self.attachment = Attachment::Done;
                }
                vec![self.pass_to(Phase::Invitation)]
            }
            (Told::Accepted { data, address, .. }, Phase::Invitation, role) => {
                let mut events = vec![self.pass_to(Phase::Accepted(address))];
                if role == Role::Inviter {
                    events.push(Event::Accepted { session, data: plain(data) });
                }
                events
            }
            (Told::Connected { .. }, Phase::Accepted(address), _) => {
                self.remote.clone_from(address);
                self.attachment = Attachment::Done;
                vec![self.pass_to(Phase::Connected)]
            }
            (Told::Context { data, .. }, Phase::Connected, _) => {
                let data = plain(Some(data));
                self.context = Some(data.clone());
                vec![Event::ContextData { session, data }]
            }
            (Told::Ended(ended), _, _) if self.is_live() => self.ended(*ended),
            (Told::Progress { stage: Stage::Unknown, .. }, _, _) => Vec::new(),
            (Told::Progress { stage, code, .. }, _, Role::Inviter) if self.is_live() => {
                let mut events = vec![Event::Progress { session, stage, code }];
                if let (Stage::Installing, Some(Application { name, url, .. })) = (stage, self.application.clone()) {
                    events.push(Event::AppNotPresent { session, name, url });
                }
                events
            }
            (told, phase, _) => {
                tracing::debug!(%session, ?phase, ?told, "an event that does not fit is ignored");
                Vec::new()
            }
        }
    }

    /// Straight to TERMINATED, without the service (R17).
    pub fn terminate(&mut self, code: Code) -> Vec<Event> {
        let session = self.id;
        vec![self.pass_to(Phase::Over), Event::Termination { session, code, data: "".into() }]
    }

    pub fn state(&self) -> State {
        match self.phase {
            Phase::Ready | Phase::Inviting => State::Ready,
            Phase::Invitation => State::Invitation,
            Phase::Accepted(_) => State::Accepted,
            Phase::Connected => State::Connected,
            Phase::Over => State::Terminated,
        }
    }

    /// The state in which a call is judged: an invitation on its way counts as one that rings, and
    /// the service, which orders the requests, has the last word.
    pub fn judged_state(&self) -> State {
        if self.phase == Phase::Inviting { State::Invitation } else { self.state() }
    }

    /// Whether the service knows of it and it is not over.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Invitation | Phase::Accepted(_) | Phase::Connected)
    }

    /// Whether this side's application is attached, or is so by having created the session.
    pub fn is_attached(&self) -> bool {
        match self.attachment {
            Attachment::Done => true,
            Attachment::WithAnswer => self.role == Role::Inviter,
            Attachment::Separate => false,
        }
    }

    /// The address that this side discloses; `own` is its own of the connection.
    pub fn address(&self, own: Option<&Address>) -> Option<Address> {
        match &self.local {
            Local::Own => own.cloned(),
            Local::Hidden => None,
            Local::Given(address) => Some(address.clone()),
        }
    }

    pub fn snapshot(&self, own: Option<&Address>) -> SessionSnapshot {
        SessionSnapshot {
            id: self.id,
            state: self.state(),
            role: self.role,
            flags: self.role.flags(self.launch_only),
            application: self.application.clone(),
            user: self.user.clone(),
            local: self.address(own),
            remote: self.remote.clone(),
            context: self.context.as_deref().map(str::to_owned),
            attached: self.is_attached(),
        }
    }

    fn ended(&mut self, ended: Ended) -> Vec<Event> {
        let Ended { session, how, by, code, data, reason } = ended;
        let data = plain(data);
        let previous = self.state();
        let tells_other = by == Some(By::Remote);
        let (passed, told) = match how {
            How::Terminated => return self.over(previous, code, data),
            How::Declined => (State::Declined, Event::Declined { session, data: data.clone() }),
            How::Cancelled => (State::Cancelled, cancelled(session, data.clone(), reason)),
        };
        let mut events = vec![Event::StateChanged { session, previous, state: passed }];
        events.extend(tells_other.then_some(told));
        events.extend(self.over(passed, code, data));
        events
    }

    fn over(&mut self, previous: State, code: Code, data: Box<str>) -> Vec<Event> {
        let session = self.id;
        self.phase = Phase::Over;
        vec![
            Event::StateChanged { session, previous, state: State::Terminated },
            Event::Termination { session, code, data },
        ]
    }

    fn pass_to(&mut self, next: Phase) -> Event {
        let previous = self.state();
        self.phase = next;
        Event::StateChanged { session: self.id, previous, state: self.state() }
    }
}

/// What the application is told of an invitation.
pub(super) fn on_invitation(now: Millis, invitation: Invitation) -> Event {
    Event::Invitation {
        session: invitation.session,
        from: invitation.from,
        friendly_name: invitation.friendly_name,
        application: invitation.app,
        data: plain(invitation.data),
        ring_ms: invitation.ring_ms,
        until: now.saturating_add(invitation.ring_ms),
        question: invitation.question,
    }
}

fn cancelled(session: SessionId, data: Box<str>, reason: Option<Elsewhere>) -> Event {
    Event::Cancelled { session, data, reason: reason.filter(|reason| *reason != Elsewhere::Unknown) }
}

/// Sealed data need a capability that this client does not offer.
fn plain(data: Option<Data>) -> Box<str> {
    match data {
        Some(Data::Text(text)) => text,
        Some(Data::Sealed(_)) | None => "".into(),
    }
}
