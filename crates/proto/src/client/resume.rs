//! What another machine needs to go on where this one was, after its process was killed.

use std::fmt;

use hither_wire::message::Ask;
use hither_wire::{ClientFrame, DeviceId, PersonName, Role, State, Status, decode_client, limits};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::port::Event;
use super::record::Record;
use super::requests::Pending;

/// A point at which another machine of the same device can go on: to be kept as it is, and out of
/// sight, since the token in it lets its reader sign in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// Who was signed in.
    pub user: PersonName,
    /// This installation.
    pub device: DeviceId,
    /// The session token, if the service gave one.
    pub token: Option<Box<str>>,
    /// The chosen status.
    pub(super) status: Option<Status>,
    /// The device's stay at the service, if it may still be there.
    pub(super) epoch: Option<u64>,
    /// The last event that had arrived.
    pub(super) arrived: u64,
    /// The last event that the application had taken.
    pub(super) taken: u64,
    /// What the application had not been told, or not taken, yet.
    pub(super) events: Vec<Event>,
    pub(super) sessions: Vec<Record>,
    pub(super) requests: Vec<Unanswered>,
}

impl fmt::Debug for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumePoint")
            .field("user", &self.user)
            .field("device", &self.device)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

/// A request without an answer, kept in the words of the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unanswered(pub Ask);

impl Unanswered {
    pub fn of(pending: &Pending) -> Unanswered {
        let Pending { key, object, request, .. } = pending.clone();
        Unanswered(Ask { id: 0, key, object, request })
    }
}

impl Serialize for Unanswered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = ClientFrame { ack: None, ask: Some(self.0.clone()) };
        serializer.serialize_str(&frame.encode())
    }
}

impl<'de> Deserialize<'de> for Unanswered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() > limits::CLIENT_FRAME_BYTES {
            return Err(D::Error::custom("a request is too long"));
        }
        let frame = decode_client(&text).map_err(D::Error::custom)?;
        frame.ask.map(Unanswered).ok_or_else(|| D::Error::custom("a frame asks nothing"))
    }
}

/// How a state is kept.
#[derive(Serialize, Deserialize)]
#[serde(remote = "State", rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum StateName {
    Unknown,
    Ready,
    Invitation,
    Accepted,
    Connected,
    Cancelled,
    Declined,
    Terminated,
}

/// How a role is kept.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Role", rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum RoleName {
    Inviter,
    Invitee,
}
