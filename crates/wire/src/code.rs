//! Numbered outcomes (reference, section 3). Append-only: a number, once given, keeps its meaning;
//! a number this version does not know stays a number.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An outcome: the 32 bits of an `HRESULT`, the top bit set on failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub u32);

macro_rules! codes {
    ($($name:ident = $value:literal, $advice:literal;)*) => {
        impl Code {
            $(#[doc = $advice] pub const $name: Code = Code($value);)*
        }
        /// Every code of the reference with its name and a sentence for a person.
        pub const TABLE: &[(Code, &str, &str)] = &[$((Code($value), stringify!($name), $advice),)*];
    };
}

codes! {
    S_OK = 0x0000_0000, "Done.";
    S_FALSE = 0x0000_0001, "Nothing to do: it is already so, or there is nothing to return.";
    E_INVALIDARG = 0x8007_0057, "An argument is missing, empty or malformed.";
    E_OUTOFMEMORY = 0x8007_000E, "There is no room: the text is too long, or the queue towards the other party is full; try again when it has caught up.";
    E_FAIL = 0x8000_4005, "It could not be done, through no fault of the request: try again later, or tell whoever runs the service.";
    E_POINTER = 0x8000_4003, "A pointer to write to is null.";
    REGDB_E_WRITEREGDB = 0x8004_0151, "The application registry cannot be written.";

    SR_APPLICATION_LAUNCH_FAILED = 0x8100_0601, "The application could not be started, or did not attach to the session in time.";
    SR_INVITATION_DECLINED = 0x8100_0602, "The invitation was declined.";
    SR_CONNECTION_FAILURE = 0x8100_0603, "The connection of one party to the service was lost.";
    SR_AUTHENTICATION_FAILED = 0x8100_0604, "The other party could not prove who it is.";
    SR_SESSION_NOT_READY = 0x8100_0605, "The session has been used already: create a new one for each invitation.";
    SR_SESSION_CANCELLED_LOCAL = 0x8100_0606, "This side cancelled the session.";
    SR_SESSION_CANCELLED_REMOTE = 0x8100_0607, "The other side cancelled the session.";
    SR_SESSION_PROTOCOL_ERROR = 0x8100_0608, "The other side broke the rules of the protocol.";
    SR_SESSION_TIMEOUT = 0x8100_0609, "Nobody answered in time, or the session reached its longest time.";
    SR_CANCEL_BEFORE_CONNECT = 0x8100_060A, "The session was cancelled before it was connected.";
    SR_NOT_INVITEE = 0x8100_060B, "Only the invitee can do this.";
    SR_NOT_INVITER = 0x8100_060C, "Only the inviter can do this.";
    SR_APP_ALREADY_REGISTERED = 0x8100_060D, "The application is registered already: unregister it first.";
    SR_APP_NOT_REGISTERED = 0x8100_060E, "The application is not registered.";
    SR_NOT_VALID_FOR_APP_INVITE = 0x8100_060F, "Context data can be sent only while the session is CONNECTED, and never in a launch-only session.";
    SR_APP_NOT_SPECIFIED = 0x8100_0610, "Set the session's application first.";
    SR_CONTEXT_DATA_OVER_LIMIT = 0x8100_0611, "Context data are at most 300 UTF-16 units, five times from each party.";
    SR_NO_USER_INVITED = 0x8100_0612, "Nobody has been invited to this session yet.";
    SR_INVITED_SELF = 0x8100_0613, "You cannot invite yourself.";
    SR_SESSION_STATE_INVALID = 0x8100_0614, "The session is in a state in which this cannot be done.";
    SR_INVITATION_SEND_FAILURE = 0x8100_0615, "The invitation could not be delivered to the service.";
    SR_CANCEL_SEND_FAILURE = 0x8100_0616, "The cancellation could not be delivered to the service.";
    SR_DECLINE_SEND_FAILURE = 0x8100_0617, "The decline could not be delivered to the service.";
    SR_ACCEPT_SEND_FAILURE = 0x8100_0618, "The acceptance could not be delivered to the service.";
    SR_CONTEXT_DATA_SEND_FAILURE = 0x8100_0619, "The context data could not be delivered to the service.";
    SR_NETWORK_CONFIG_FAILURE = 0x8100_0620, "The network is not set up for this.";
    SR_NET_NOT_SUPPORTED = 0x8100_0621, "This side's network is not supported.";
    SR_REMOTE_NET_NOT_SUPPORTED = 0x8100_0622, "The other side's network is not supported.";
    SR_FIREWALL_NOT_SUPPORTED = 0x8100_0623, "A firewall is in the way.";
    SR_OLD_SIP_STACK = 0x8100_0624, "The other side is too old.";

    MSGR_E_INVALID_PASSWORD = 0x8100_0303, "The sign-in name, password or token is wrong.";
    MSGR_E_ALREADY_LOGGED_ON = 0x8100_0304, "This connection is signed in already.";
    MSGR_E_SERVER_VERSION = 0x8100_0305, "Client and service have no version of the protocol in common: update the older one.";
    MSGR_E_LOGON_TIMEOUT = 0x8100_0306, "Signing in took too long.";
    MSGR_E_LIST_FULL = 0x8100_0307, "The contact list is full: remove a contact first.";
    MSGR_E_USER_NOT_FOUND = 0x8100_030A, "There is no such person at this service.";
    MSGR_E_ALREADY_IN_LIST = 0x8100_030B, "This person is in the list already.";
    MSGR_E_DISCONNECTED = 0x8100_030C, "There is no connection to the service.";
    MSGR_E_SERVER_TOO_BUSY = 0x8100_030E, "The service is too busy: try again in a while.";
    MSGR_E_NOT_LOGGED_ON = 0x8100_031E, "Not signed in: sign in first, or wait until the person you invite is signed in.";
    MSGR_E_TOO_MANY_SESSIONS = 0x8100_0321, "Too many sessions or invitations: wait for some to end.";
    MSGR_E_MESSAGE_TOO_LONG = 0x8100_033F, "The message is too long.";
    MSGR_E_SERVER_SHUTDOWN = 0x8100_0347, "The service is shutting down.";
    MSGR_E_POLICY_RESTRICTED = 0x8100_0356, "The service's policy does not allow this.";
    MSGR_E_RESTRICTED_USER = 0x8100_0382, "This person takes invitations from contacts only: ask them to add you.";

    MSGR_E_API_NOTINITIALIZED = 0x8100_0751, "The lock is not ready yet: wait for the event that says whether it is on.";
    MSGR_E_API_LOCKED = 0x8100_0752, "The interface is locked: unlock it with the application's ID and key.";
    MSGR_E_API_UNLOCK_FAILED = 0x8100_0753, "Unlocking has failed: sign in again before the next try.";
    MSGR_E_API_ALREADY_UNLOCKED = 0x8100_0754, "The interface is unlocked already.";
    MSGR_E_API_PENDING_UNLOCK = 0x8100_0755, "A challenge is being answered already.";
    MSGR_E_API_DISABLED = 0x8100_0756, "The service runs without the lock.";
}

impl Code {
    /// Whether this is a failure, that is, whether the top bit is set.
    pub fn is_failure(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }

    /// The reference's name, if this version knows the number.
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|(_, name, _)| *name)
    }

    /// A sentence that says what happened and what to do.
    pub fn advice(self) -> &'static str {
        self.entry().map_or("The outcome has a number that this version does not know.", |(_, _, advice)| advice)
    }

    fn entry(self) -> Option<&'static (Code, &'static str, &'static str)> {
        TABLE.iter().find(|(code, _, _)| *code == self)
    }
}

/// The name, or the number in hexadecimal where there is none.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (0x{:08x})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        for (i, (code, name, advice)) in TABLE.iter().enumerate() {
            assert!(TABLE[i + 1..].iter().all(|(c, n, _)| c != code && n != name), "{name} twice");
            assert!(!advice.is_empty());
            assert_eq!(code.is_failure(), !name.starts_with("S_"), "{name}");
        }
    }

    #[test]
    fn an_unknown_number_stays_a_number() {
        let code = Code(0x8100_0999);
        assert_eq!((code.name(), code.to_string().as_str()), (None, "0x81000999"));
        assert_eq!(serde_json::from_str::<Code>("2164263321").unwrap(), code);
    }
}
