//! Tokens of others: whose backend signs for its people, and with which keys (JWT, RFC 7519, as RFC 8725
//! advises).
//!
//! | file | what is decided there |
//! | --- | --- |
//! | `token` | whether a token is good, and for whom: a pure function |
//! | `keys` | which keys of a file or a JWKS are taken |
//! | `source` | when keys are fetched: a machine without clock and socket |
//! | `fetch` | one bounded HTTP request |
//! | `desk` | the thread at which such tokens are judged |

mod desk;
mod fetch;
mod keys;
mod source;
mod token;

use std::path::PathBuf;

pub(crate) use desk::{Desk, left_ms};
pub use fetch::check as check_url;
pub(crate) use token::{Claims, is_jwt};

/// Somebody whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What log and audit call it; each name once.
    pub name: String,
    /// The claim `iss`, to the letter.
    pub iss: String,
    /// What the claim `aud` must be, or hold.
    pub audience: String,
    /// Where its public keys are.
    pub keys: KeysFrom,
    /// How it may sign.
    pub algorithms: Vec<Signature>,
    /// The claim that names the person.
    pub person_claim: String,
    /// The claim with the friendly name.
    pub name_claim: String,
    /// The claim with the contacts, if they come in one.
    pub contacts_claim: Option<String>,
    /// The domain of its people; it is appended to a person without one, and no other is taken.
    pub domain: Option<String>,
    /// By how many seconds clocks may differ.
    pub leeway: u64,
}

/// Where public keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysFrom {
    /// In a file: a JWKS (RFC 7517), or public keys in PEM.
    File(PathBuf),
    /// At a URL, as a JWKS: `https`, or `http` on this machine.
    Url(String),
}

/// How a token may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA, PKCS#1 v1.5, with SHA-256; 2048 bits at least.
    Rs256,
}

impl Signature {
    /// Every one.
    pub const ALL: [Signature; 3] = [Signature::EdDsa, Signature::Es256, Signature::Rs256];

    /// As in the header `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Signature::EdDsa => "EdDSA",
            Signature::Es256 => "ES256",
            Signature::Rs256 => "RS256",
        }
    }

    /// Reads what [`Signature::name`] writes.
    pub fn parse(name: &str) -> Option<Signature> {
        Signature::ALL.into_iter().find(|signature| signature.name() == name)
    }
}
