//! One's own account: the password, the devices, and to have one at all.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::DeviceId;

/// A request about one's own account.
#[derive(Clone, PartialEq, Eq)]
pub enum Request {
    /// Changes the password. Every other device is signed out.
    Password(NewPassword),
    /// Gives a new token in place of one that is about to expire.
    Renew(Token),
    /// Lists the devices.
    Devices,
    /// Signs a device out for good: its token stops working.
    RemoveDevice {
        /// Which.
        device: DeviceId,
    },
}

impl Request {
    /// The name of the request on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Password(_) => "password",
            Request::Renew(_) => "renew",
            Request::Devices => "devices",
            Request::RemoveDevice { .. } => "remove-device",
        }
    }
}

// Passwords stay out of every log.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A token, at most 4096 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub Box<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A change of password.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// The present one.
    pub old: Box<str>,
    /// The new one, 8 to 512 bytes.
    pub new: Box<str>,
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword")
    }
}

/// An account to be made at the sign-in, if there is none of that name.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// The password to have, 8 to 512 bytes.
    pub password: Box<str>,
    /// The name that others see, at most 128 UTF-16 units.
    pub friendly_name: Box<str>,
    /// What the operator gives to those who may have an account, at most 64 bytes.
    pub code: Box<str>,
}

/// A device of the person who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Which.
    pub device: DeviceId,
    /// What the client called itself when it signed in, "" if it did not.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub client: Box<str>,
    /// When it signed in with a password, in seconds since 1970; absent if it holds no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// When its token was last used, to the hour, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<u64>,
    /// Whether it is signed in now, or waited for.
    pub online: bool,
    /// Whether it is the one that asks.
    pub here: bool,
}
