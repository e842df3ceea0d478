//! Reading and writing requests about one's own account.

use std::borrow::Cow;

use super::{Flat, Wrong, bounded, filled, guid, need, units, wrong};
use crate::account::{NewPassword, Registration, Request, Token};
use crate::limits;

impl<'a> Flat<'a> {
    pub(super) fn into_account(self, name: &str) -> Result<Request, Wrong> {
        Ok(match name {
            "password" => {
                let old = need(bounded(self.password, limits::PASSWORD_BYTES, "password")?, "password")?;
                Request::Password(NewPassword { old, new: new_password(self.new_password, "new_password")? })
            }
            "renew" => Request::Renew(Token(need(bounded(self.token, limits::TOKEN_BYTES, "token")?, "token")?)),
            "devices" => Request::Devices,
            _ => Request::RemoveDevice { device: guid(self.device.as_ref(), "device")? },
        })
    }

    /// The registration of a sign-in that has a code.
    pub(super) fn registration(&mut self) -> Result<Registration, Wrong> {
        Ok(Registration {
            password: new_password(self.password.take(), "password")?,
            friendly_name: units(self.friendly_name.take(), limits::FRIENDLY_NAME_UNITS, "friendly_name")?,
            code: filled(self.registration.take(), limits::CODE_BYTES, "registration")?,
        })
    }

    pub(super) fn fill_account(&mut self, request: &'a Request) {
        match request {
            Request::Password(NewPassword { old, new }) => {
                self.password = Some(Cow::Borrowed(old));
                self.new_password = Some(Cow::Borrowed(new));
            }
            Request::Renew(Token(token)) => self.token = Some(Cow::Borrowed(token)),
            Request::Devices => {}
            Request::RemoveDevice { device } => self.device = Some(Cow::Owned(device.to_string())),
        }
    }

    pub(super) fn fill_registration(&mut self, registration: &'a Registration) {
        let Registration { password, friendly_name, code } = registration;
        self.password = Some(Cow::Borrowed(password));
        self.friendly_name = (!friendly_name.is_empty()).then_some(Cow::Borrowed(&**friendly_name));
        self.registration = Some(Cow::Borrowed(code));
    }
}

fn new_password(value: Option<Cow<'_, str>>, field: &str) -> Result<Box<str>, Wrong> {
    let password = need(bounded(value, limits::PASSWORD_BYTES, field)?, field)?;
    if password.len() < limits::NEW_PASSWORD_BYTES {
        return Err(wrong(format!(
            "`{field}` is shorter than {} bytes: take a longer one",
            limits::NEW_PASSWORD_BYTES
        )));
    }
    Ok(password)
}
