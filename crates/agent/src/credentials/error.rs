//! What can be wrong with a stored sign-in, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::document::shown_path;

/// Why there is no stored sign-in: a sentence without control characters, and never a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The file is somebody else's.
    #[error("{} belongs to another user of this machine: remove it, then sign in again", shown_path(.0))]
    NotYours(PathBuf),
    /// The file can be read, or changed, by others.
    #[error(
        "others can read or change {file}: `chmod 600 {file}`; if somebody may have done so, sign out and in again",
        file = shown_path(.0)
    )]
    NotPrivate(PathBuf),
    /// The file makes no sense.
    #[error("{}: {what}; mend it, or sign in again", shown_path(file))]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system does not let it be read.
    #[error("{} cannot be read: {error}", shown_path(file))]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The system does not let it be written or removed.
    #[error("{} cannot be written: {error}", shown_path(file))]
    Unwritable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The keyring does not do what it is asked, for this reason.
    #[error(
        "the system's keyring is of no help: {0}; unlock it and try again, or sign in again with \
         HITHER_KEYRING=off, which keeps the token in a file"
    )]
    Keyring(String),
    /// The keyring is there, but has no such token any more.
    #[error("the system's keyring does not have the token any more: sign in again")]
    NoToken,
    /// The token is in the keyring, and that is not to be used.
    #[error(
        "{} says that the token is in the system's keyring, which is switched off: switch it on, or sign in again",
        shown_path(.0)
    )]
    KeyringOff(PathBuf),
    /// What was to be stored is no sign-in.
    #[error("the sign-in cannot be stored: {0}")]
    Invalid(&'static str),
}
