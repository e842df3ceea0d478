//! Whether a token is good, and what it says.
//!
//! The header says nothing that counts but which key to try: what may be used is the issuer's setting,
//! and a key is for one way to sign only, so that no token chooses how it is checked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hither_wire::{PersonName, limits, text};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::Key;
use super::{Issuer, Signature};

/// What a token may call itself.
const TYPES: [&str; 4] = ["jwt", "application/jwt", "at+jwt", "application/at+jwt"];
/// The longest that a token may still count, in seconds: it cannot be taken back.
const LONGEST: u64 = 30 * 24 * 60 * 60;

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who it is.
    pub person: PersonName,
    /// The friendly name, if the token has one.
    pub friendly_name: Option<String>,
    /// The contacts, if the token has them: it is the whole list.
    pub contacts: Option<Vec<Contact>>,
    /// Until when it counts at a sign-in, in seconds since 1970, the leeway included.
    pub ends: u64,
    /// How many seconds of that are leeway.
    pub leeway: u64,
}

impl Claims {
    /// For how many seconds somebody stays who has signed in with them: until the token's own end, so that
    /// its owner is told of that in time. Leeway is for those who are late already.
    pub fn left(&self, now: u64) -> u64 {
        let left = self.ends.saturating_sub(now);
        left.saturating_sub(self.leeway).max(left.min(self.leeway))
    }
}

/// Somebody whom a token names as a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub who: PersonName,
    /// Whether it is one of the issuer's own people, who may be made for it.
    pub own: bool,
}

/// What a token says before anybody has checked it.
#[derive(Debug)]
pub struct Said {
    /// Who claims to have signed it.
    pub iss: String,
    /// How.
    signature: Signature,
    /// With which key.
    pub kid: Option<String>,
}

/// Whether a text is a token of another issuer, and not one of this service's own.
pub fn is_jwt(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
    typ: Option<String>,
}

/// Reads what a token says of itself, unchecked. `Err` says what is wrong, for the audit.
pub fn read(token: &str) -> Result<Said, &'static str> {
    let mut parts = token.split('.');
    let mut part = || parts.next().and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let header: Header =
        part().and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or("token-without-a-header")?;
    let claims: Map<String, Value> =
        part().and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or("token-without-claims")?;
    let Header { alg, kid, crit, typ } = header;
    if crit.is_some() {
        return Err("token-with-critical-extensions");
    }
    // What was signed for something else is no token to sign in with (RFC 8725, 3.11).
    if typ.is_some_and(|typ| !TYPES.contains(&&*typ.to_lowercase())) {
        return Err("token-of-another-type");
    }
    let signature = Signature::parse(&alg).ok_or("token-with-another-algorithm")?;
    let iss = claims.get("iss").and_then(Value::as_str).ok_or("token-without-issuer")?.to_owned();
    Ok(Said { iss, signature, kid })
}

impl Said {
    /// Whether a key may be the one.
    pub fn may_be(&self, key: &Key) -> bool {
        key.signature == self.signature
            && match (&self.kid, &key.kid) {
                (Some(said), Some(kid)) => **said == **kid,
                (Some(_) | None, None) | (None, Some(_)) => true,
            }
    }
}

/// Judges a token with one of its issuer's keys. `now` in seconds since 1970.
pub fn judge(issuer: &Issuer, all: &[Issuer], key: &Key, now: u64, token: &str) -> Result<Claims, &'static str> {
    if !issuer.algorithms.contains(&key.signature) {
        return Err("token-with-another-algorithm");
    }
    let mut validation = Validation::new(match key.signature {
        Signature::EdDsa => Algorithm::EdDSA,
        Signature::Es256 => Algorithm::ES256,
        Signature::Rs256 => Algorithm::RS256,
    });
    // Times and names are judged below, by a clock that is given.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Map<String, Value> =
        jsonwebtoken::decode(token, &key.public, &validation).map_err(|_| "token-with-a-wrong-signature")?.claims;
    if claims.get("iss").and_then(Value::as_str) != Some(&issuer.iss) {
        return Err("token-of-another-issuer");
    }
    if !is_for(claims.get("aud"), &issuer.audience) {
        return Err("token-for-another-audience");
    }
    let ends = time(&claims, "exp")?.ok_or("token-without-an-end")?.saturating_add(issuer.leeway);
    if ends <= now {
        return Err("token-expired");
    }
    if ends > now.saturating_add(LONGEST).saturating_add(issuer.leeway) {
        return Err("token-that-lives-too-long");
    }
    for begin in ["nbf", "iat"] {
        if time(&claims, begin)?.is_some_and(|begin| begin > now.saturating_add(issuer.leeway)) {
            return Err("token-not-yet-valid");
        }
    }
    let person = claims.get(&issuer.person_claim).and_then(Value::as_str).ok_or("token-without-a-person")?;
    let person = issuer.named(person).filter(|person| issuer.may_speak_for(person, all));
    let person = person.ok_or("token-of-no-person-of-this-issuer")?;
    let friendly_name = claims.get(&issuer.name_claim).and_then(Value::as_str).map(fitting);
    let contacts = issuer.contacts_claim.as_ref().and_then(|claim| claims.get(claim)).filter(|claim| !claim.is_null());
    let contacts = contacts.map(|names| names.as_array().ok_or("token-with-contacts-that-are-no-list")).transpose()?;
    let contacts = contacts.map(|names| {
        let names = names.iter().filter_map(Value::as_str).filter_map(|name| issuer.named(name));
        let others = names.filter(|name| *name != person).take(limits::CONTACTS);
        others.map(|who| Contact { own: issuer.may_speak_for(&who, all), who }).collect()
    });
    Ok(Claims { person, friendly_name, contacts, ends, leeway: issuer.leeway })
}

impl Issuer {
    /// Whether a name is of this issuer's domain.
    pub fn owns(&self, person: &PersonName) -> bool {
        let domain = person.as_str().rsplit_once('@').map_or("", |(_, domain)| domain);
        // Sign-in names are in lower case.
        self.domain.as_ref().is_some_and(|own| own.to_lowercase() == domain)
    }

    /// Whether people of this name are this issuer's: of its domain, or, if it has none, of nobody's.
    fn may_speak_for(&self, person: &PersonName, all: &[Issuer]) -> bool {
        if self.domain.is_some() { self.owns(person) } else { !all.iter().any(|issuer| issuer.owns(person)) }
    }

    /// A name with its domain.
    fn named(&self, name: &str) -> Option<PersonName> {
        match &self.domain {
            Some(domain) if !name.contains('@') => PersonName::parse(&format!("{name}@{domain}")).ok(),
            Some(_) | None => PersonName::parse(name).ok(),
        }
    }
}

fn is_for(aud: Option<&Value>, audience: &str) -> bool {
    match aud {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

/// A time of a token, which may have a fraction. What is no time is no token.
fn time(claims: &Map<String, Value>, claim: &str) -> Result<Option<u64>, &'static str> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let whole = value.as_u64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded above")]
        Some(seconds as u64)
    });
    whole.map(Some).ok_or("token-with-an-odd-time")
}

/// A friendly name as the wire takes it: nothing that is not seen, and not too long.
fn fitting(name: &str) -> String {
    let mut fitting: String = name.chars().filter(|c| !c.is_control()).take(limits::FRIENDLY_NAME_UNITS).collect();
    while !text::fits(&fitting, limits::FRIENDLY_NAME_UNITS) {
        fitting.pop();
    }
    fitting
}

#[cfg(test)]
mod tests;
