//! Public keys of an issuer. What cannot be used is left out, so that one odd key does not take the
//! others with it.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use serde::Deserialize;

use super::Signature;

/// Keys of an issuer that are taken; a rotation needs two.
const KEYS: usize = 64;
/// The longest name of a key, in bytes.
const KID_BYTES: usize = 256;
/// The bytes of an RSA public key of 2048 and of 8192 bits, in DER.
const RSA_DER: std::ops::RangeInclusive<usize> = 268..=1040;

/// A key, for one way to sign.
#[derive(Clone, Debug)]
pub struct Key {
    pub kid: Option<Box<str>>,
    pub signature: Signature,
    pub public: DecodingKey,
}

/// Reads a JWKS, or PEM. `None` if it is neither, or has no key that can be used.
pub fn read(text: &str) -> Option<Vec<Key>> {
    let keys = if text.trim_start().starts_with('{') { read_jwks(text)? } else { read_pem(text) };
    (!keys.is_empty()).then_some(keys)
}

/// Reads a JWKS; `None` if it is none. Keys that cannot be used are left out.
pub fn read_jwks(text: &str) -> Option<Vec<Key>> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).ok()?;
    let jwks = set.keys.into_iter().filter_map(|value| serde_json::from_value::<Jwk>(value).ok());
    Some(jwks.filter_map(|jwk| usable(&jwk)).take(KEYS).collect())
}

fn usable(jwk: &Jwk) -> Option<Key> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let signature = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Signature::EdDsa,
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => Signature::Es256,
        AlgorithmParameters::RSA(rsa) => {
            // Four characters of base64 hold three bytes.
            let bytes = rsa.n.trim_start_matches('A').len() * 3 / 4;
            (256..=1024).contains(&bytes).then_some(Signature::Rs256)?
        }
        // Symmetric keys among them: whoever can check with one can sign with it.
        AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::OctetKey(_)
        | AlgorithmParameters::Other(_)
        | _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|algorithm| algorithm.to_string() != signature.name()) {
        return None;
    }
    let kid = jwk.common.key_id.as_deref();
    if kid.is_some_and(|kid| kid.len() > KID_BYTES) {
        return None;
    }
    Some(Key { kid: kid.map(Into::into), signature, public: DecodingKey::from_jwk(jwk).ok()? })
}

/// Every public key of a PEM file, without names.
fn read_pem(text: &str) -> Vec<Key> {
    const END: &str = "-----END PUBLIC KEY-----";
    let blocks = text.split_inclusive(END).filter(|block| block.contains("-----BEGIN PUBLIC KEY-----"));
    let read = |block: &str| {
        let pem = block.trim_start().as_bytes();
        let (signature, public) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            (Signature::EdDsa, key)
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            (Signature::Es256, key)
        } else {
            let key = DecodingKey::from_rsa_pem(pem).ok()?;
            let long = key.try_get_as_bytes().is_ok_and(|der| RSA_DER.contains(&der.len()));
            long.then_some((Signature::Rs256, key))?
        };
        Some(Key { kid: None, signature, public })
    };
    blocks.filter_map(read).take(KEYS).collect()
}
