//! Who may do what when: a pure table, printed into `spec/session.md` and tested cell by cell.
//!
//! Rulings R3 to R11 and R28 in one place. The order of R26 shows in each arm: the role is looked at
//! before the state. What depends on more than role and state (sizes, counts, room) is judged by
//! [`super::Session`] after this.

use hither_wire::{Code, Role, State};

/// What a party can ask of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Put the `Application` property.
    SetApplication,
    /// Put the `LocalAddress` property.
    SetLocalAddress,
    /// `Invite`.
    Invite,
    /// `Accept`.
    Accept,
    /// `Decline`.
    Decline,
    /// Let it ring out (R23).
    Ignore,
    /// `Cancel`.
    Cancel,
    /// The application is there (R7).
    Attach {
        /// Whether it has attached before.
        again: bool,
    },
    /// Report how far the invitee's side is (R24).
    Progress,
    /// `SendContextData`.
    Context {
        /// Whether the session's application is only launched (`SF_APP_INVITE_COMPATIBLE`).
        launch_only: bool,
    },
}

impl Call {
    /// Every call, in the order of the printed table.
    pub const ALL: [Call; 12] = [
        Call::SetApplication,
        Call::SetLocalAddress,
        Call::Invite,
        Call::Accept,
        Call::Decline,
        Call::Ignore,
        Call::Cancel,
        Call::Attach { again: false },
        Call::Attach { again: true },
        Call::Progress,
        Call::Context { launch_only: false },
        Call::Context { launch_only: true },
    ];
}

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Do it.
    Apply,
    /// Do it as a decline: the invitee's cancel of an invitation (R10).
    AsDecline,
    /// Nothing to do: `S_FALSE`.
    AlreadySo,
    /// Refused with this code.
    Refuse(Code),
}

/// The table state × role × call → outcome.
pub fn policy(state: State, role: Role, call: Call) -> Verdict {
    use Role::{Invitee, Inviter};
    use State::{Accepted, Connected, Invitation, Ready};
    use Verdict::{AlreadySo, Apply, AsDecline, Refuse};

    if state == State::Unknown {
        return Refuse(Code::E_INVALIDARG);
    }
    match call {
        Call::SetApplication => match (role, state) {
            (Inviter, Ready) => Apply,
            _ => Refuse(Code::SR_SESSION_NOT_READY),
        },
        Call::SetLocalAddress => match (role, state) {
            (Inviter, Ready) | (Invitee, Invitation) => Apply,
            _ => Refuse(Code::SR_SESSION_NOT_READY),
        },
        Call::Invite => match (role, state) {
            (Invitee, _) => Refuse(Code::SR_NOT_INVITER),
            (Inviter, Ready) => Apply,
            (Inviter, _) => Refuse(Code::SR_SESSION_NOT_READY),
        },
        Call::Accept | Call::Decline | Call::Ignore => match (role, state) {
            (Inviter, _) => Refuse(Code::SR_NOT_INVITEE),
            (Invitee, Invitation) => Apply,
            (Invitee, _) => Refuse(Code::SR_SESSION_STATE_INVALID),
        },
        Call::Cancel => match (role, state) {
            (Inviter, Invitation) | (_, Accepted | Connected) => Apply,
            (Invitee, Invitation) => AsDecline,
            _ => Refuse(Code::SR_SESSION_STATE_INVALID),
        },
        Call::Attach { again } => match (role, state) {
            (Invitee, Ready) => Refuse(Code::SR_SESSION_STATE_INVALID),
            (_, Ready | Invitation | Accepted) if !again => Apply,
            (_, Ready | Invitation | Accepted | Connected) => AlreadySo,
            _ => Refuse(Code::SR_SESSION_STATE_INVALID),
        },
        Call::Progress => match (role, state) {
            (Inviter, _) => Refuse(Code::SR_NOT_INVITEE),
            (Invitee, Invitation | Accepted | Connected) => Apply,
            (Invitee, _) => Refuse(Code::SR_SESSION_STATE_INVALID),
        },
        Call::Context { launch_only } => {
            if state.is_over() {
                Refuse(Code::SR_SESSION_STATE_INVALID)
            } else if state == Connected && !launch_only {
                Apply
            } else {
                Refuse(Code::SR_NOT_VALID_FOR_APP_INVITE)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{AlreadySo, Apply, AsDecline, Refuse};

    const NOT_READY: Verdict = Refuse(Code::SR_SESSION_NOT_READY);
    const NOT_INVITER: Verdict = Refuse(Code::SR_NOT_INVITER);
    const NOT_INVITEE: Verdict = Refuse(Code::SR_NOT_INVITEE);
    const INVALID: Verdict = Refuse(Code::SR_SESSION_STATE_INVALID);
    const NOT_VALID: Verdict = Refuse(Code::SR_NOT_VALID_FOR_APP_INVITE);

    /// The reference written out once more, by hand, one row for each role and call; the columns
    /// are `State::ALL`: READY, INVITATION, ACCEPTED, CONNECTED, CANCELLED, DECLINED, TERMINATED.
    fn expected(role: Role, call: Call) -> [Verdict; 7] {
        match (role, call) {
            (Role::Inviter, Call::SetApplication | Call::SetLocalAddress | Call::Invite) => {
                [Apply, NOT_READY, NOT_READY, NOT_READY, NOT_READY, NOT_READY, NOT_READY]
            }
            (Role::Invitee, Call::SetApplication) => [NOT_READY; 7],
            (Role::Invitee, Call::SetLocalAddress) => {
                [NOT_READY, Apply, NOT_READY, NOT_READY, NOT_READY, NOT_READY, NOT_READY]
            }
            (Role::Invitee, Call::Invite) => [NOT_INVITER; 7],
            (Role::Inviter, Call::Accept | Call::Decline | Call::Ignore | Call::Progress) => [NOT_INVITEE; 7],
            (Role::Invitee, Call::Accept | Call::Decline | Call::Ignore) => {
                [INVALID, Apply, INVALID, INVALID, INVALID, INVALID, INVALID]
            }
            (Role::Inviter, Call::Cancel) | (Role::Invitee, Call::Progress) => {
                [INVALID, Apply, Apply, Apply, INVALID, INVALID, INVALID]
            }
            (Role::Invitee, Call::Cancel) => [INVALID, AsDecline, Apply, Apply, INVALID, INVALID, INVALID],
            (Role::Inviter, Call::Attach { again: false }) => {
                [Apply, Apply, Apply, AlreadySo, INVALID, INVALID, INVALID]
            }
            (Role::Inviter, Call::Attach { again: true }) => {
                [AlreadySo, AlreadySo, AlreadySo, AlreadySo, INVALID, INVALID, INVALID]
            }
            (Role::Invitee, Call::Attach { again: false }) => {
                [INVALID, Apply, Apply, AlreadySo, INVALID, INVALID, INVALID]
            }
            (Role::Invitee, Call::Attach { again: true }) => {
                [INVALID, AlreadySo, AlreadySo, AlreadySo, INVALID, INVALID, INVALID]
            }
            (_, Call::Context { launch_only: false }) => {
                [NOT_VALID, NOT_VALID, NOT_VALID, Apply, INVALID, INVALID, INVALID]
            }
            (_, Call::Context { launch_only: true }) => {
                [NOT_VALID, NOT_VALID, NOT_VALID, NOT_VALID, INVALID, INVALID, INVALID]
            }
        }
    }

    #[test]
    fn every_cell() {
        for role in Role::ALL {
            for call in Call::ALL {
                for (state, verdict) in State::ALL.into_iter().zip(expected(role, call)) {
                    assert_eq!(policy(state, role, call), verdict, "{state} {role} {call:?}");
                }
                assert_eq!(policy(State::Unknown, role, call), Refuse(Code::E_INVALIDARG));
            }
        }
    }
}
