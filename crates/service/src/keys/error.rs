//! What can go wrong with pairs and the key file, and what to do about it.

use std::path::PathBuf;

use super::AppId;
use super::issue::{APPS_MAX, NAME_UNITS_MAX, OVERLAP_DAYS_MAX, PAIRS_MAX};
use crate::store::StoreError;

/// Why pairs cannot be used, issued or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// There is no such id.
    #[error("there is no app id {0}; `hither key list` shows those there are")]
    NotFound(AppId),
    /// The id is revoked, and stays so.
    #[error("{0} is revoked, and stays so: `hither key issue` makes another pair")]
    Revoked(AppId),
    /// The id has two living keys.
    #[error(
        "{0} is being rotated already, and its old key still counts: `hither key show {0}` says until when. Rotate then; \
         or with --again, if nobody has the new key; or with --overlap 0, which ends both keys at once"
    )]
    Rotating(AppId),
    /// The id has one living key only.
    #[error("{0} is not being rotated: it has one key, and none to make again")]
    NotRotating(AppId),
    /// An overlap that is none any more.
    #[error("two keys of an id overlap by at most {OVERLAP_DAYS_MAX} days")]
    Overlap,
    /// A name that says nothing, or too much.
    #[error("the name of a pair has 1 to {NAME_UNITS_MAX} UTF-16 units and no control characters")]
    Name,
    /// Bound to nothing, or to too much.
    #[error("a pair is bound to 1 to {APPS_MAX} applications, or to none in particular")]
    Apps,
    /// More than anybody issues.
    #[error(
        "there are {PAIRS_MAX} pairs that are not revoked, which is the most: revoke some with `hither key revoke`"
    )]
    TooMany,
    /// Something is sealed with the key file that is to be replaced.
    #[error(
        "there are pairs that are not revoked: the key file can be replaced when each is, with `hither key revoke`"
    )]
    StillSealed,
    /// Nothing secret can be made.
    #[error("the system has no randomness: no key can be made")]
    NoRandomness,
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is none, and there should be.
    #[error(
        "there is no key file {0}: put back the one that the keys are sealed with, or name it with --key-file (lock.key_file of a service). \
         `hither key issue` makes one with the first pair; where one is lost for good, with --new-key-file once every \
         pair is revoked"
    )]
    Missing(PathBuf),
    /// It cannot be read or made.
    #[error(
        "cannot use the key file {path}: this user must be able to read it, and to write to its folder if it is to be made"
    )]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others can read it.
    #[error("the key file {0} can be read by others than its owner: chmod 600 it, or issue new pairs if somebody has")]
    NotPrivate(PathBuf),
    /// It holds something else.
    #[error("{0} is no key file: that is one line with 32 random bytes in base64, as `openssl rand -base64 32` makes")]
    NotAKey(PathBuf),
    /// It holds what others can guess.
    #[error("the key file {0} is not random: make one with `openssl rand -base64 32`")]
    Weak(PathBuf),
    /// The keys are sealed with another.
    #[error(
        "the key file {0} is not the one that the keys are sealed with: put that back, or name it with --key-file (lock.key_file of a service)"
    )]
    Another(PathBuf),
}
