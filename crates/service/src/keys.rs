//! Application keys, as Lock and Key uses them (section 2.3 of the reference): what a response is judged
//! to be, and what an operator sets.
//!
//! A response is lower-case hexadecimal HMAC-SHA-256(key, challenge), or for application ids that are
//! marked for it MD5(challenge followed by key) (R19).

use std::collections::BTreeSet;
use std::path::PathBuf;

use hither_proto::rate::Allowance;
use hither_wire::Guid;

use crate::store::StoreError;

/// Who knows the keys. Each thread that judges has one of its own.
pub trait Judge: Send {
    /// Judges a response to a challenge, in a time that does not depend on where it is wrong.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError>;
}

/// What a response is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right {
        /// The applications that the pair unlocks; `None` for any.
        apps: Option<BTreeSet<Guid>>,
    },
    /// Wrong. Why is for the operator only: whoever gave it is told the same in every case.
    Wrong(Why),
}

/// Why a response is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// There is no application with this id.
    UnknownId,
    /// It was not made with the key of this id.
    WrongResponse,
    /// The pair is for the other environment.
    OtherEnvironment,
    /// The pair has been revoked.
    Revoked,
    /// The pair is not yet, or no longer, valid.
    NotNow,
}

/// Which pairs a service takes: each is issued for one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Those for people.
    #[default]
    Production,
    /// Those for trying out.
    Test,
}

/// How the lock is set; without it there is none.
#[derive(Clone, Debug)]
pub struct LockConfig {
    /// Which pairs are taken.
    pub environment: Environment,
    /// The file with the 32 random bytes that seal the keys in the store.
    pub key_file: Option<PathBuf>,
    /// How long a challenge can be answered, in milliseconds.
    pub answer_ms: u64,
    /// Wrong responses from one address: `MSGR_E_SERVER_TOO_BUSY` beyond.
    pub failures_per_address: Allowance,
    /// Wrong responses for one application id: `MSGR_E_SERVER_TOO_BUSY` beyond.
    pub failures_per_id: Allowance,
}

impl Default for LockConfig {
    fn default() -> Self {
        LockConfig {
            environment: Environment::Production,
            key_file: None,
            answer_ms: 30_000,
            failures_per_address: Allowance { burst: 50, each_ms: 1_000 },
            failures_per_id: Allowance { burst: 50, each_ms: 1_000 },
        }
    }
}

/// No keys at all: every response is wrong. A service whose keys cannot be had stays shut.
#[derive(Debug)]
pub struct NoKeys;

impl Judge for NoKeys {
    fn judge(&self, _app_id: &str, _challenge: &str, _response: &str) -> Result<Verdict, StoreError> {
        Ok(Verdict::Wrong(Why::UnknownId))
    }
}
