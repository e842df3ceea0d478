//! Keys at rest: XChaCha20-Poly1305 with the key file's key and a fresh nonce, bound to all that the
//! key's row says. A row that was changed, or stands in another's place, does not open.
//!
//! What it cannot notice is a row that is put back as it once was, by somebody who can write to the
//! store. It can be shown a revoked pair from a backup.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::KeyError;
use crate::store::{Pair, PairKey, apps_text};

/// The form of what is sealed; another form gets another number.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 24;
/// Random characters of a key: 260 bits.
const KEY_CHARACTERS: usize = 52;
/// What is sealed to recognise the key file by.
const CHECK: &[u8] = b"hither";

/// The secret half of a pair: text, whose bytes go into the HMAC or the MD5 as they are. It is nowhere
/// in what is printed for debugging, and is wiped from memory when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A fresh key.
    pub(super) fn random() -> Result<Secret, KeyError> {
        Ok(Secret(random_text::<KEY_CHARACTERS>()?))
    }

    /// Nobody's.
    pub(super) fn none() -> Secret {
        Secret(Zeroizing::new(String::new()))
    }

    /// The key itself, for whoever is to have it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Where something sealed belongs.
pub enum Place<'a> {
    /// A key's row, with the pair that it is of.
    Row { pair: &'a Pair, key: &'a PairKey },
    /// Nowhere: it is opened in place of a key that there is not.
    Nobody,
    /// What the key file is recognised by.
    Check,
}

impl Place<'_> {
    /// What is bound into the seal: each part with its length before it.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut part = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        match self {
            Place::Row { pair, key } => {
                let Pair { id, name, environment, md5, apps, created, last_used: _, revoked: _, keys: _ } = pair;
                part(b"hither app key");
                part(id.as_bytes());
                part(name.as_bytes());
                part(environment.name().as_bytes());
                part(&[u8::from(*md5)]);
                match apps {
                    None => part(b"any"),
                    Some(apps) => part(apps_text(apps).as_bytes()),
                }
                part(&created.to_be_bytes());
                let PairKey { number, created, expires, sealed: _ } = key;
                part(&number.to_be_bytes());
                part(&created.to_be_bytes());
                match expires {
                    None => part(b"never"),
                    Some(at) => part(&at.to_be_bytes()),
                }
            }
            Place::Nobody => part(b"hither nobody"),
            Place::Check => part(b"hither key file"),
        }
        bytes
    }
}

/// Seals and opens with the key of the key file.
pub struct Seal(XChaCha20Poly1305);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    pub fn new(key: &[u8; 32]) -> Seal {
        Seal(XChaCha20Poly1305::new(key.into()))
    }

    /// Form, nonce, and the sealed key with its tag.
    pub fn seal(&self, key: &Secret, place: &Place<'_>) -> Result<Vec<u8>, KeyError> {
        self.seal_bytes(key.0.as_bytes(), place)
    }

    /// The key; `None` if anything is not as it was sealed.
    pub fn open(&self, sealed: &[u8], place: &Place<'_>) -> Option<Secret> {
        let bytes = Zeroizing::new(self.open_bytes(sealed, place)?);
        Some(Secret(Zeroizing::new(str::from_utf8(&bytes).ok()?.to_owned())))
    }

    /// Something that only this key file opens.
    pub fn check(&self) -> Result<Vec<u8>, KeyError> {
        self.seal_bytes(CHECK, &Place::Check)
    }

    /// Whether a check was made with this key file.
    pub fn is_of(&self, check: &[u8]) -> bool {
        self.open_bytes(check, &Place::Check).is_some_and(|bytes| bytes == CHECK)
    }

    fn seal_bytes(&self, msg: &[u8], place: &Place<'_>) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_| KeyError::NoRandomness)?;
        let payload = Payload { msg, aad: &place.bytes() };
        // It fails for texts of hundreds of gigabytes only.
        let text = self.0.encrypt(&XNonce::from(nonce), payload).map_err(|_| KeyError::NoRandomness)?;
        Ok([&[FORM][..], &nonce, &text].concat())
    }

    fn open_bytes(&self, sealed: &[u8], place: &Place<'_>) -> Option<Vec<u8>> {
        let (&form, rest) = sealed.split_first()?;
        let (&nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg, aad: &place.bytes() };
        #[cfg(test)]
        super::tests::work::opened();
        self.0.decrypt(&XNonce::from(nonce), payload).ok().filter(|_| form == FORM)
    }
}

/// Characters that survive every way of copying: 5 random bits each.
pub fn random_text<const N: usize>() -> Result<Zeroizing<String>, KeyError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = Zeroizing::new([0_u8; N]);
    getrandom::fill(bytes.as_mut()).map_err(|_| KeyError::NoRandomness)?;
    // With room from the start: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(N));
    text.extend(bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 31))).map(|byte| char::from(*byte)));
    Ok(text)
}
