//! Who is signed in on this machine, and with what token.
//!
//! `account.toml` says who, at which service, as which device. The token stands in the system's
//! keyring if there is one that answers, and otherwise in the same file, which only the person can
//! read. The password is never kept.
//!
//! | file | what is there |
//! | --- | --- |
//! | `record` | what stands in `account.toml` |
//! | `file` | reading it only if it is private, writing it in one step |
//! | `keyring` | a keyring, and not waiting for one that does not answer |
//! | `secret_service` | the keyring of Linux desktops |
//! | `error` | what can be wrong, and what to do |

mod error;
mod file;
mod keyring;
mod record;
mod secret_service;

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hither_wire::{DeviceId, PersonName};

use crate::document::{make_folder, shown_path};
use crate::paths::Paths;

pub use error::CredentialsError;

use keyring::{Keyring, Patience};
use record::{Record, Token};

const FILE: &str = "account.toml";

/// A sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user: PersonName,
    /// The service's URL: at most 2,048 bytes, no control characters.
    pub service: String,
    /// What this machine is to the service.
    pub device: DeviceId,
    /// With what the service lets it in: at most 4,096 bytes, no control characters.
    pub token: String,
}

/// The token stays out of logs.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Account");
        shown.field("user", &self.user).field("service", &self.service).field("device", &self.device);
        shown.finish_non_exhaustive()
    }
}

/// Where the token is to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// In the system's keyring, or not at all.
    Keyring,
    /// In the file; the keyring is not asked.
    File,
    /// In the keyring if there is one that answers, else in the file.
    #[default]
    Automatic,
}

/// Where the token is kept now; shown so that it goes on from "kept in".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the system's keyring.
    Keyring,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Keyring => f.write_str("your system's keyring"),
            Kept::File(path) => write!(f, "{}, which only you can read", shown_path(path)),
        }
    }
}

/// The stored sign-in of a person. Cheap to clone; every call looks at the file anew.
///
/// Calls block: on the disk, and on a keyring that does not answer for 3 seconds; saving, in which the
/// person may have to unlock the keyring, for a minute more. They may be made within a runtime.
#[derive(Clone, Debug)]
pub struct Credentials {
    file: PathBuf,
    keeping: Keeping,
    keyring: Arc<dyn Keyring>,
}

impl Credentials {
    /// In these folders. `HITHER_KEYRING=off` in the environment keeps the token in the file, whatever
    /// `keeping` says. Nothing is read yet.
    pub fn new(paths: &Paths, keeping: Keeping) -> Credentials {
        let off = env::var_os("HITHER_KEYRING").is_some_and(|keyring| keyring == "off");
        let keeping = if off { Keeping::File } else { keeping };
        Credentials { file: paths.config.join(FILE), keeping, keyring: Arc::new(secret_service::SecretService) }
    }

    /// The file that says who is signed in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The stored sign-in; `None` if nobody is signed in.
    ///
    /// Refused, and left as it is: a file that is somebody else's, that others can read or change, or
    /// that makes no sense; a token in a keyring that does not give it.
    pub fn load(&self) -> Result<Option<Account>, CredentialsError> {
        let Some(text) = file::read(&self.file)? else { return Ok(None) };
        let record = self.parse(&text)?;
        let token = match record.token.clone() {
            Token::Here(token) => token,
            Token::Keyring => self.token(&record)?,
        };
        let Record { user, service, device, token: _ } = record;
        let account = Account { user, service, device, token };
        account.check().map_err(|what| self.damaged(what))?;
        Ok(Some(account))
    }

    fn token(&self, record: &Record) -> Result<String, CredentialsError> {
        if self.keeping == Keeping::File {
            return Err(CredentialsError::KeyringOff(self.file.clone()));
        }
        let name = record.name_in_keyring();
        let token = keyring::ask(&self.keyring, Patience::SHORT, move |keyring, up| keyring.get(&name, up));
        token.map_err(CredentialsError::Keyring)?.ok_or(CredentialsError::NoToken)
    }

    /// Stores a sign-in in the place of any other, in one step.
    pub fn save(&self, account: &Account) -> Result<Kept, CredentialsError> {
        account.check().map_err(CredentialsError::Invalid)?;
        let cannot = |error| CredentialsError::Unwritable { file: self.file.clone(), error };
        if let Some(folder) = self.file.parent() {
            make_folder(folder).map_err(cannot)?;
        }
        let before = self.in_keyring();
        let mut record = Record {
            user: account.user.clone(),
            service: account.service.clone(),
            device: account.device,
            token: Token::Keyring,
        };
        let kept = self.keep(&record, &account.token)?;
        if kept != Kept::Keyring {
            record.token = Token::Here(account.token.clone());
        }
        file::write(&self.file, &record.text()).map_err(cannot)?;
        // What the file said before is of no use to anybody now.
        if let Some(before) = before.filter(|before| kept != Kept::Keyring || *before != record.name_in_keyring())
            && let Err(what) = self.delete(before)
        {
            tracing::warn!(what, "the token of the sign-in before is still in the keyring");
        }
        Ok(kept)
    }

    /// Puts the token into the keyring, if it is to be there and can be.
    fn keep(&self, record: &Record, token: &str) -> Result<Kept, CredentialsError> {
        let file = Kept::File(self.file.clone());
        if self.keeping == Keeping::File {
            return Ok(file);
        }
        let (name, label, token) = (record.name_in_keyring(), record.label(), token.to_owned());
        let put =
            keyring::ask(&self.keyring, Patience::LONG, move |keyring, up| keyring.set(&name, &label, &token, up));
        match put {
            Ok(()) => Ok(Kept::Keyring),
            Err(what) if self.keeping == Keeping::Keyring => Err(CredentialsError::Keyring(what)),
            Err(what) => {
                tracing::info!(what, "the token is not kept in the keyring");
                Ok(file)
            }
        }
    }

    /// Forgets the stored sign-in; fine if there is none. The file goes whatever is in it, and also if
    /// the keyring keeps what it has.
    pub fn remove(&self) -> Result<(), CredentialsError> {
        let before = self.in_keyring();
        file::remove(&self.file).map_err(|error| CredentialsError::Unwritable { file: self.file.clone(), error })?;
        before.map_or(Ok(()), |name| self.delete(name).map_err(CredentialsError::Keyring))
    }

    /// By what the keyring knows the token, if the file says that it is there.
    fn in_keyring(&self) -> Option<String> {
        let record = self.parse(&file::read(&self.file).ok()??).ok()?;
        (record.token == Token::Keyring).then(|| record.name_in_keyring())
    }

    fn delete(&self, name: String) -> Result<(), String> {
        if self.keeping == Keeping::File {
            return Err("the keyring is switched off".to_owned());
        }
        keyring::ask(&self.keyring, Patience::SHORT, move |keyring, up| keyring.delete(&name, up))
    }

    fn parse(&self, text: &str) -> Result<Record, CredentialsError> {
        Record::parse(text).map_err(|what| self.damaged(what))
    }

    fn damaged(&self, what: impl Into<String>) -> CredentialsError {
        CredentialsError::Damaged { file: self.file.clone(), what: what.into() }
    }
}

impl Account {
    fn check(&self) -> Result<(), &'static str> {
        let plain =
            |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.contains(char::is_control);
        if !plain(&self.service, record::SERVICE_BYTES) {
            return Err("the service is no URL");
        }
        if !plain(&self.token, hither_wire::limits::TOKEN_BYTES) {
            return Err("the token is none");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
