//! What is known of a session: each phase holds only what is known in it.

use hither_wire::message::{Application, By, Data, Ended, Event, How, Invitation, SessionLimits};
use hither_wire::{Address, Code, DeviceId, PersonName, Role, SessionId};

use crate::Millis;

/// What does not change in a session's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub id: SessionId,
    /// Who invited.
    pub inviter: PersonName,
    /// The inviter's friendly name.
    pub inviter_name: Box<str>,
    /// The device that invited.
    pub device: DeviceId,
    /// Who was invited.
    pub invitee: PersonName,
    /// Into what.
    pub app: Application,
    /// Whether the invitee has the inviter as a contact: only then the inviter sees progress (R24).
    pub known: bool,
    /// Whether a decline is hidden from the inviter (R23).
    pub masked: bool,
}

impl Card {
    /// What somebody is in the session, if anything: the one device that invited, or any device of
    /// the invitee.
    pub fn role_of(&self, device: DeviceId, person: &PersonName) -> Option<Role> {
        if *person == self.inviter && device == self.device {
            Some(Role::Inviter)
        } else {
            (*person == self.invitee).then_some(Role::Invitee)
        }
    }

    /// Who has a role.
    pub fn person(&self, role: Role) -> &PersonName {
        match role {
            Role::Inviter => &self.inviter,
            Role::Invitee => &self.invitee,
        }
    }
}

/// How long the parts of a session may take, in milliseconds (R15, R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Ringing.
    pub ring_ms: u64,
    /// From accepted to connected.
    pub connect_ms: u64,
    /// Connected.
    pub longest_ms: u64,
    /// Installing the application.
    pub install_ms: u64,
}

/// What one party says about itself with its invitation or acceptance.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub data: Option<Data>,
    pub address: Option<Address>,
    pub material: Option<Box<str>>,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// INVITATION.
    Ringing(Ringing),
    /// Declined, but the inviter is not to know (R23): INVITATION for one, over for the other.
    Masked { until: Millis, inviter_attached: bool },
    /// ACCEPTED.
    Accepted { answerer: DeviceId, attached: Vec<Role>, until: Millis, times: Times },
    /// CONNECTED.
    Connected(Connected),
    /// TERMINATED.
    Ended,
}

#[derive(Clone, Debug)]
pub(super) struct Ringing {
    /// When it stops by itself: the ring's deadline, or the installation's.
    pub until: Millis,
    pub installing: bool,
    pub inviter_attached: bool,
    pub offer: Talk,
    /// The devices that ring, and whether each has attached ahead of its answer (R7).
    pub devices: Vec<(DeviceId, bool)>,
    pub times: Times,
}

#[derive(Clone, Debug)]
pub(super) struct Connected {
    pub answerer: DeviceId,
    pub until: Millis,
    sent_by_inviter: u8,
    sent_by_invitee: u8,
}

impl Connected {
    pub fn new(answerer: DeviceId, until: Millis) -> Connected {
        Connected { answerer, until, sent_by_inviter: 0, sent_by_invitee: 0 }
    }

    pub fn sent(&self, role: Role) -> u8 {
        match role {
            Role::Inviter => self.sent_by_inviter,
            Role::Invitee => self.sent_by_invitee,
        }
    }

    pub fn count(&mut self, role: Role) {
        match role {
            Role::Inviter => self.sent_by_inviter += 1,
            Role::Invitee => self.sent_by_invitee += 1,
        }
    }
}

impl Phase {
    pub fn name(&self) -> &'static str {
        match self {
            Phase::Ringing(_) => "INVITATION",
            Phase::Masked { .. } => "INVITATION (declined, masked)",
            Phase::Accepted { .. } => "ACCEPTED",
            Phase::Connected(_) => "CONNECTED",
            Phase::Ended => "TERMINATED",
        }
    }

    /// The arrows of the diagram.
    pub fn may_become(&self, next: &Phase) -> bool {
        match self {
            Phase::Ringing(_) => matches!(next, Phase::Masked { .. } | Phase::Accepted { .. } | Phase::Ended),
            Phase::Accepted { .. } => matches!(next, Phase::Connected(_) | Phase::Ended),
            Phase::Masked { .. } | Phase::Connected(_) => matches!(next, Phase::Ended),
            Phase::Ended => false,
        }
    }
}

pub(super) fn invitation(card: &Card, offer: &Talk, ring_ms: u64) -> Event {
    Event::Invitation(Box::new(Invitation {
        session: card.id,
        from: card.inviter.clone(),
        friendly_name: card.inviter_name.clone(),
        app: card.app.clone(),
        data: offer.data.clone(),
        material: offer.material.clone(),
        ring_ms,
        limits: SessionLimits::REFERENCE,
        question: None,
    }))
}

pub(super) fn ended(session: SessionId, how: How, by: Option<By>, code: Code, data: Option<&Data>) -> Event {
    Event::Ended(Box::new(Ended { session, how, by, code, data: data.cloned(), reason: None }))
}
