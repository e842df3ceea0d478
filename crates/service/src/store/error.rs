//! What can go wrong with the store, and what to do about it.

use std::path::PathBuf;

use hither_wire::{PersonName, limits};
use rusqlite::ErrorCode;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory or the file cannot be used.
    #[error("cannot open the store {path}: it must be a directory that this user can write to")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// SQLite cannot read or write the file.
    #[error("cannot use {path}: this user must be able to read and write it, and the disk must have room")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Another process has been writing for too long.
    #[error("{path} is in use by another process that does not let go of it: try again, or end that process")]
    Busy {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is no store.
    #[error("{path} is not a hither store, or is damaged: move it away, or put back a backup of it")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// The file is gone, and what belongs to it is not.
    #[error(
        "{path} is gone, but there is {path}-wal, which belongs to it: put the file back, or move all that begins so away"
    )]
    Gone {
        /// Which.
        path: PathBuf,
    },
    /// The file was written by a newer hither.
    #[error("{path} has version {found} of the store, this hither knows versions up to {known}: update hither")]
    Newer {
        /// Which.
        path: PathBuf,
        /// The file's version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// An account of this name is there already.
    #[error("there is an account {0} already; to change its password use `hither account password`")]
    Exists(PersonName),
    /// No account of this name.
    #[error("there is no account {0}; `hither account list` shows those there are")]
    NotFound(PersonName),
    /// People of an issuer have no password.
    #[error("{0} signs in with tokens of {1} and has no password here")]
    OfIssuer(PersonName, String),
    /// A friendly name that no client would take.
    #[error("a friendly name has at most {} UTF-16 units", limits::FRIENDLY_NAME_UNITS)]
    FriendlyName,
    /// A key of this app id does not open.
    #[error("the key of {0} does not open with the key file: its row was changed; revoke it, and issue another pair")]
    Sealed(Box<str>),
    /// The system has none.
    #[error("the system has no randomness")]
    Randomness,
    /// No registration code that begins so.
    #[error("there is no registration code that begins with {0}; `hither account code list` shows those there are")]
    NoCode(String),
    /// A registration code that cannot be kept.
    #[error("a registration code has a note of at most 128 UTF-16 units, at least one use and a time to live")]
    CodeForm,
    /// There is no room for more registration codes.
    #[error("there are {0} registration codes that count, which is the limit: revoke some")]
    TooManyCodes(u32),
    /// A copy cannot be written.
    #[error("cannot write {path}: it must be a new file in a folder that this user can write to")]
    Backup {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The disk is full.
    #[error("there is no room on the disk of the store: make some, then try again")]
    NoRoom,
    /// Anything else that SQLite says.
    #[error("the store failed: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::NoRoom,
            _ => StoreError::Sqlite(error),
        }
    }
}

/// Names the file, and what can be done: only what is really broken is to be moved away.
pub fn cannot_open(path: PathBuf, source: rusqlite::Error) -> StoreError {
    let code = source.sqlite_error_code();
    if matches!(code, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) {
        return StoreError::Busy { path, source };
    }
    let unusable = [
        ErrorCode::CannotOpen,
        ErrorCode::ReadOnly,
        ErrorCode::PermissionDenied,
        ErrorCode::SystemIoFailure,
        ErrorCode::DiskFull,
    ];
    if code.is_some_and(|code| unusable.contains(&code)) {
        StoreError::Unusable { path, source }
    } else {
        StoreError::Damaged { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn only_what_is_broken_is_to_be_moved_away() {
        for (code, advice) in [
            (ffi::SQLITE_BUSY, "try again"),
            (ffi::SQLITE_CANTOPEN, "read and write"),
            (ffi::SQLITE_READONLY, "read and write"),
            (ffi::SQLITE_FULL, "room"),
            (ffi::SQLITE_NOTADB, "move it away"),
            (ffi::SQLITE_CORRUPT, "move it away"),
        ] {
            let source = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let said = cannot_open("/data/hither.sqlite".into(), source).to_string();
            assert!(said.contains("/data/hither.sqlite") && said.contains(advice), "{code}: {said}");
        }
    }
}
