//! The keyring of Linux desktops: whatever provides `org.freedesktop.secrets` on the session bus.

use std::collections::HashMap;
use std::env;
use std::sync::Arc;

use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zbus_secret_service_keyring_store::Store;

use super::keyring::{Keyring, Up};
use crate::document::shown;

/// Of all our entries.
const SERVICE: &str = "hither";

/// Connects anew for each question: a bus or a keyring may have come, gone or been restarted since.
#[derive(Debug)]
pub struct SecretService;

impl SecretService {
    fn entry(name: &str, label: &str, up: Up<'_>) -> Result<(Arc<Store>, Entry), String> {
        if env::var_os("DBUS_SESSION_BUS_ADDRESS").is_none_or(|address| address.is_empty()) {
            return Err("there is no session bus, DBUS_SESSION_BUS_ADDRESS is not set".to_owned());
        }
        let store = Store::new().map_err(|error| reason(&error))?;
        up();
        let label = HashMap::from([("label", label)]);
        let entry = store.build(SERVICE, name, Some(&label)).map_err(|error| reason(&error))?;
        Ok((store, entry))
    }
}

impl Keyring for SecretService {
    fn get(&self, name: &str, up: Up<'_>) -> Result<Option<String>, String> {
        let (_store, entry) = SecretService::entry(name, name, up)?;
        match entry.get_password() {
            Ok(secret) => Ok(Some(secret)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(reason(&error)),
        }
    }

    fn set(&self, name: &str, label: &str, secret: &str, up: Up<'_>) -> Result<(), String> {
        let (_store, entry) = SecretService::entry(name, label, up)?;
        entry.set_password(secret).map_err(|error| reason(&error))
    }

    fn delete(&self, name: &str, up: Up<'_>) -> Result<(), String> {
        let (_store, entry) = SecretService::entry(name, name, up)?;
        match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(reason(&error)),
        }
    }
}

/// In words of ours where there are such: an error may hold the secret, or a list of others' entries.
fn reason(error: &Error) -> String {
    match error {
        Error::NoStorageAccess(_) => "it is locked".to_owned(),
        Error::Ambiguous(_) => {
            "it has several entries of this sign-in: delete them with the keyring's own tool".to_owned()
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what it has is no token".to_owned(),
        Error::PlatformFailure(error) => shown(&error.to_string()),
        Error::NoEntry
        | Error::BadStoreFormat(_)
        | Error::TooLong(..)
        | Error::Invalid(..)
        | Error::NoDefaultStore
        | Error::NotSupportedByStore(_)
        | _ => "it cannot do what it is asked".to_owned(),
    }
}
