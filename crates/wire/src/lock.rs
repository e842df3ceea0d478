//! Lock and Key (reference, sections 2.3 and 3: `LockStatus`): what an application and the service say
//! to each other about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `LockStatus`. On the wire it goes by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum LockStatus {
    /// Locked.
    Initialized = 2,
    /// A challenge is being answered.
    PendingResult = 3,
    /// Unlocked.
    Unlocked = 4,
    /// Locked, and to stay so until the next sign-in or a challenge that the service makes by itself.
    UnlockFailed = 5,
    /// The service runs without the lock.
    Disabled = 6,
    /// The service has not said yet whether the lock is on; a status that this version does not know
    /// is read as this one.
    #[default]
    #[serde(other)]
    NotInitialized = 1,
}

impl LockStatus {
    /// Every status, in the order of their numbers.
    pub const ALL: [LockStatus; 6] = [
        LockStatus::NotInitialized,
        LockStatus::Initialized,
        LockStatus::PendingResult,
        LockStatus::Unlocked,
        LockStatus::UnlockFailed,
        LockStatus::Disabled,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            LockStatus::NotInitialized => "NOTINITIALIZED",
            LockStatus::Initialized => "INITIALIZED",
            LockStatus::PendingResult => "PENDINGRESULT",
            LockStatus::Unlocked => "UNLOCKED",
            LockStatus::UnlockFailed => "UNLOCKFAILED",
            LockStatus::Disabled => "DISABLED",
        }
    }

    /// The reference's number.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether the service has said that what is locked is refused now.
    pub fn is_locked(self) -> bool {
        match self {
            LockStatus::Initialized | LockStatus::PendingResult | LockStatus::UnlockFailed => true,
            LockStatus::NotInitialized | LockStatus::Unlocked | LockStatus::Disabled => false,
        }
    }
}

impl fmt::Display for LockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `IMsgrLock::SendResponse`.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Whose key it was made with; at most `limits::APP_ID_BYTES`, not empty.
    pub app_id: Box<str>,
    /// The response, lower-case hexadecimal; at most `limits::RESPONSE_BYTES`, not empty.
    pub response: Box<str>,
    /// Of the challenge.
    pub cookie: u32,
}

// The response stays out of every log: with its challenge it lets a short key be guessed.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("app_id", &self.app_id).field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_the_number_and_name_of_the_reference() {
        for (at, status) in LockStatus::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(status.number()), at + 1);
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.name()));
        }
        assert_eq!(serde_json::from_str::<LockStatus>("\"MELTED\"").unwrap(), LockStatus::NotInitialized);
        let response = Response { app_id: "chess".into(), response: "5ec4e7".into(), cookie: 7 };
        assert!(!format!("{response:?}").contains("5ec4e7"));
    }
}
