//! Names of things: GUIDs, sessions, devices and people.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::limits;
use crate::text;

/// A GUID, written `{XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}` in upper case (R13).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub u128);

/// Why a text is no GUID (R13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuidError {
    /// Longer than 39 characters.
    TooLong,
    /// Any other deviation.
    Malformed,
}

impl Guid {
    /// Reads a GUID in braces; lower case is accepted.
    pub fn parse(text: &str) -> Result<Guid, GuidError> {
        if !text::fits(text, limits::GUID_CHARS) {
            return Err(GuidError::TooLong);
        }
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .filter(|inner| inner.len() == 36)
            .ok_or(GuidError::Malformed)?;
        let mut value: u128 = 0;
        for (at, byte) in inner.bytes().enumerate() {
            if matches!(at, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(GuidError::Malformed);
                }
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(GuidError::Malformed)?;
            value = (value << 4) | u128::from(digit);
        }
        Ok(Guid(value))
    }
}

impl fmt::Display for GuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GuidError::TooLong => "a GUID has 38 characters; this text has more than 39",
            GuidError::Malformed => "not of the form {XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX}",
        })
    }
}

impl std::error::Error for GuidError {}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(
            f,
            "{{{:08X}-{:04X}-{:04X}-{:04X}-{:012X}}}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Guid::parse(&text).map_err(D::Error::custom)
    }
}

/// A session, the same on both sides; drawn by the inviter's client (R27).
pub type SessionId = Guid;

/// One installation of a client; drawn by the client and kept with its token.
pub type DeviceId = Guid;

/// A sign-in name, `name@domain` (reference, section 2.4): at most 129 UTF-16 units, no white space,
/// no control characters. Compared without regard to case: kept in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonName(Arc<str>);

/// Why a text is no sign-in name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonNameError;

impl PersonName {
    /// Reads a sign-in name.
    pub fn parse(text: &str) -> Result<PersonName, PersonNameError> {
        let name = text.to_lowercase();
        let (local, domain) = name.split_once('@').ok_or(PersonNameError)?;
        // Names that differ only in what is not seen would be taken for one another.
        let odd = |c: char| c.is_whitespace() || text::is_unseen(c) || matches!(c, '\u{200c}' | '\u{200d}');
        if local.is_empty()
            || domain.is_empty()
            || domain.contains('@')
            || name.contains(odd)
            || !text::fits(&name, limits::SIGNIN_NAME_UNITS)
        {
            return Err(PersonNameError);
        }
        Ok(PersonName(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a sign-in name has the form name@domain, no spaces or unseen characters, and at most {} characters",
            limits::SIGNIN_NAME_UNITS
        )
    }
}

impl std::error::Error for PersonNameError {}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for PersonName {
    type Err = PersonNameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PersonName::parse(text)
    }
}

impl Serialize for PersonName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PersonName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        PersonName::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

    #[test]
    fn guids_of_every_length() {
        assert_eq!(Guid::parse(GOOD).unwrap().to_string(), GOOD);
        assert_eq!(Guid::parse(&GOOD.to_lowercase()).unwrap().to_string(), GOOD);
        for (text, why) in [
            ("", GuidError::Malformed),
            (&GOOD[1..37], GuidError::Malformed),
            (&GOOD[..37], GuidError::Malformed),
            (&format!("{GOOD} "), GuidError::Malformed),
            (&format!("{GOOD}  "), GuidError::TooLong),
            ("{305D86C6-6896-4099-91F5-CB7BA773356G}", GuidError::Malformed),
            ("{305D86C606896-4099-91F5-CB7BA7733563}", GuidError::Malformed),
            ("(305D86C6-6896-4099-91F5-CB7BA7733563)", GuidError::Malformed),
            ("{305D86C6-6896-4099-91F5-CB7BA77335\u{e9}}", GuidError::Malformed),
            (&"\u{1F600}".repeat(20), GuidError::TooLong),
        ] {
            assert_eq!(Guid::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn names() {
        assert_eq!(PersonName::parse("Bob@Example.ORG").unwrap().as_str(), "bob@example.org");
        let longest = format!("{}@x", "a".repeat(127));
        assert!(PersonName::parse(&longest).is_ok());
        for bad in [
            "",
            "bob",
            "@x",
            "bob@",
            "a@b@c",
            "a b@c",
            "a@b\n",
            "a\r@b",
            "a\0@b",
            "a\u{200b}@b",
            "a\u{200d}@b",
            "a@b\u{202e}c",
            "a\u{ad}b@c",
            &format!("a{longest}"),
        ] {
            assert!(PersonName::parse(bad).is_err(), "{bad}");
        }
    }
}
