//! The states and the parties of a session (reference, section 3: `SESSION_STATE`, `SESSION_FLAGS`).

use std::fmt;

/// `SESSION_STATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum State {
    /// The session is not known here.
    Unknown = 0,
    /// Created, nobody invited yet; the client's own state, the service does not see it (R27).
    Ready = 1,
    /// The invitation rings.
    Invitation = 2,
    /// Accepted; not both parties are attached yet.
    Accepted = 3,
    /// Both parties are attached: context data may be sent.
    Connected = 4,
    /// Passed through on a cancel, always followed by `Terminated` (R8).
    Cancelled = 5,
    /// Passed through on a decline, always followed by `Terminated` (R8).
    Declined = 6,
    /// Over.
    Terminated = 7,
}

impl State {
    /// Every state in which a session can be, in the order of their numbers.
    pub const ALL: [State; 7] = [
        State::Ready,
        State::Invitation,
        State::Accepted,
        State::Connected,
        State::Cancelled,
        State::Declined,
        State::Terminated,
    ];

    /// The reference's name.
    pub fn name(self) -> &'static str {
        match self {
            State::Unknown => "SS_UNKNOWN",
            State::Ready => "SS_READY",
            State::Invitation => "SS_INVITATION",
            State::Accepted => "SS_ACCEPTED",
            State::Connected => "SS_CONNECTED",
            State::Cancelled => "SS_CANCELLED",
            State::Declined => "SS_DECLINED",
            State::Terminated => "SS_TERMINATED",
        }
    }

    /// Whether the session is over or on its way there.
    pub fn is_over(self) -> bool {
        matches!(self, State::Cancelled | State::Declined | State::Terminated)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which party of the session somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Created the session and invited.
    Inviter,
    /// Was invited.
    Invitee,
}

impl Role {
    /// Both parties.
    pub const ALL: [Role; 2] = [Role::Inviter, Role::Invitee];

    /// The other party.
    pub fn other(self) -> Role {
        match self {
            Role::Inviter => Role::Invitee,
            Role::Invitee => Role::Inviter,
        }
    }

    /// `SESSION_FLAGS`: `SF_INVITER` or `SF_INVITEE`, with `SF_APP_INVITE_COMPATIBLE` for a
    /// launch-only application.
    pub fn flags(self, launch_only: bool) -> u32 {
        let role = match self {
            Role::Inviter => 1,
            Role::Invitee => 2,
        };
        role | if launch_only { 4 } else { 0 }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Inviter => "inviter",
            Role::Invitee => "invitee",
        })
    }
}
