//! Lock and Key (reference, section 2.3): an application proves itself to the service with an id and a
//! key from its operator, before it may invite.

use std::fmt;
use std::pin::pin;

use hither_proto::client::{Call, LockSnapshot};
use hither_wire::lock::Response;
use hither_wire::{Code, LockStatus};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Session;
use crate::client::Client;
use crate::error::{Error, Refusal};

/// The key of an application. It is never shown, and wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// A key as the operator gave it: its text, or its bytes.
    pub fn new(key: impl AsRef<[u8]>) -> Key {
        Key(Zeroizing::new(key.as_ref().to_vec()))
    }

    /// The response to a challenge: lower-case hexadecimal HMAC-SHA-256(key, challenge).
    pub fn respond(&self, challenge: &str) -> String {
        // A key of any length will do for an HMAC.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        hexadecimal(&mac.chain_update(challenge).finalize().into_bytes())
    }

    /// The response of pairs that are marked for it (R19): lower-case hexadecimal MD5(challenge
    /// followed by key).
    pub fn respond_md5(&self, challenge: &str) -> String {
        hexadecimal(&Md5::new().chain_update(challenge).chain_update(&*self.0).finalize())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// How a response is made.
#[derive(Clone, Copy, Debug)]
enum Scheme {
    Hmac,
    Md5,
}

impl Client {
    /// `IMsgrLock::Status`, as the service has told it last.
    pub fn lock_status(&self) -> LockStatus {
        self.lock().status
    }

    /// `RequestChallenge`: the challenge comes as [`Event::LockChallenge`](crate::Event::LockChallenge)
    /// with this cookie, a random number. [`Client::unlock`] does all of it.
    ///
    /// `MSGR_E_API_NOTINITIALIZED` before [`Event::LockEnable`](crate::Event::LockEnable);
    /// `MSGR_E_API_DISABLED` while the lock is off; `MSGR_E_API_PENDING_UNLOCK`;
    /// `MSGR_E_API_ALREADY_UNLOCKED`; `MSGR_E_API_UNLOCK_FAILED` until the next sign-in (R31).
    pub async fn request_challenge(&self, cookie: u32) -> Result<(), Error> {
        self.handle().perform(Call::RequestChallenge { cookie }).await
    }

    /// `SendResponse`: what comes of it is told by [`Event::LockResult`](crate::Event::LockResult) and
    /// [`Event::LockStatusChanged`](crate::Event::LockStatusChanged). [`Key::respond`] makes responses.
    ///
    /// `E_INVALIDARG` for what is empty, too long, or has not the challenge's cookie;
    /// `MSGR_E_API_LOCKED` if there is no challenge; otherwise as [`Client::request_challenge`].
    pub async fn send_response(&self, app_id: &str, response: &str, cookie: u32) -> Result<(), Error> {
        let (app_id, response) = (app_id.into(), response.into());
        self.handle().perform(Call::SendResponse(Box::new(Response { app_id, response, cookie }))).await
    }

    /// Unlocks with an application's id and key, and waits until that is done; at once if it is unlocked
    /// already, or the lock is off. Call it again when the service has challenged anew
    /// ([`Event::LockChallenge`](crate::Event::LockChallenge) with cookie 0) and after each sign-in that
    /// has not resumed.
    ///
    /// `MSGR_E_API_UNLOCK_FAILED` if the pair is wrong: then nothing helps until the next sign-in.
    /// `MSGR_E_SERVER_TOO_BUSY` after too many failures: try again later.
    pub async fn unlock(&self, app_id: &str, key: &Key) -> Result<(), Error> {
        self.unlock_by(Scheme::Hmac, app_id, key).await
    }

    /// [`Client::unlock`] for old pairs, which the operator has marked for MD5 (R19).
    pub async fn unlock_md5(&self, app_id: &str, key: &Key) -> Result<(), Error> {
        self.unlock_by(Scheme::Md5, app_id, key).await
    }

    /// [`Client::create_session`] as the reference has it: `MSGR_E_API_LOCKED` while locked.
    pub fn try_create_session(&self) -> Result<Session, Error> {
        if self.lock_status().is_locked() {
            return Err(refused(Code::MSGR_E_API_LOCKED));
        }
        Ok(self.create_session())
    }

    fn lock(&self) -> LockSnapshot {
        self.handle().shared.lock().machine.lock().clone()
    }

    async fn unlock_by(&self, scheme: Scheme, app_id: &str, key: &Key) -> Result<(), Error> {
        let mut asked = false;
        let mut answered = None;
        loop {
            // Before the look, so that no change is missed.
            let mut changed = pin!(self.handle().shared.lock_changed.notified());
            changed.as_mut().enable();
            let LockSnapshot { status, challenge, error, retry_after_ms } = self.lock();
            match (status, challenge) {
                (LockStatus::Disabled | LockStatus::Unlocked, _) => return Ok(()),
                (LockStatus::UnlockFailed, _) => return Err(refused(Code::MSGR_E_API_UNLOCK_FAILED)),
                (LockStatus::Initialized, _) if asked && let Some(code) = error => {
                    let retry_after = retry_after_ms.map(std::time::Duration::from_millis);
                    return Err(Error::Refused(Refusal { retry_after, ..Refusal::because(code, code.advice()) }));
                }
                (LockStatus::Initialized, _) => {
                    asked = true;
                    passed_by(self.request_challenge(random_cookie()).await)?;
                    continue;
                }
                (LockStatus::PendingResult, Some(challenge)) if answered.as_ref() != Some(&challenge) => {
                    let (cookie, text) = &challenge;
                    let response = match scheme {
                        Scheme::Hmac => key.respond(text),
                        Scheme::Md5 => key.respond_md5(text),
                    };
                    asked = true;
                    passed_by(self.send_response(app_id, &response, *cookie).await)?;
                    answered = Some(challenge);
                    continue;
                }
                (LockStatus::PendingResult | LockStatus::NotInitialized, _) => {}
            }
            if self.handle().shared.lock().is_over() {
                return Err(Error::SignedOut);
            }
            changed.await;
        }
    }
}

/// Somebody else may have been quicker; then the lock says what comes of it.
fn passed_by(result: Result<(), Error>) -> Result<(), Error> {
    let overtaken = [
        Code::MSGR_E_API_PENDING_UNLOCK,
        Code::MSGR_E_API_ALREADY_UNLOCKED,
        Code::MSGR_E_API_UNLOCK_FAILED,
        Code::MSGR_E_API_NOTINITIALIZED,
        Code::MSGR_E_API_DISABLED,
        Code::MSGR_E_API_LOCKED,
    ];
    match result {
        Err(Error::Refused(refusal)) if overtaken.contains(&refusal.code) => Ok(()),
        other => other,
    }
}

fn refused(code: Code) -> Error {
    Error::Refused(Refusal::because(code, code.advice()))
}

/// Not 0, which is the service's own. It only tells one try from another.
fn random_cookie() -> u32 {
    getrandom::u32().unwrap_or(1).max(1)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac and hashlib.
    #[test]
    fn responses_are_those_of_other_implementations() {
        let key = Key::new("a key");
        assert_eq!(key.respond("a challenge"), HMAC);
        assert_eq!(key.respond_md5("a challenge"), MD5);
        assert_eq!(format!("{key:?}"), "Key");
    }

    const HMAC: &str = "d3c78cb97090c89c75263f005c7ddc994281361c58e0e5d1af6f888080faaff4";
    const MD5: &str = "9d5b75289b0a8230fa1a63e6fdb01e9c";
}
