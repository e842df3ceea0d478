//! The public half of a pair.

use std::fmt;
use std::str::FromStr;

use super::seal::random_text;
use super::{Environment, KeyError};

/// The id of an ID/key pair: 1 to 64 of `A` to `Z`, `0` to `9` and `-`. No secret: applications send it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(Box<str>);

/// The most bytes of an id.
const BYTES_MAX: usize = 64;
/// Random characters of an id: 80 bits.
const RANDOM: usize = 16;

impl AppId {
    /// Reads an id as an application sends it.
    pub fn parse(text: &str) -> Option<AppId> {
        let fits = (1..=BYTES_MAX).contains(&text.len());
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        (fits && text.bytes().all(plain)).then(|| AppId(text.into()))
    }

    /// A fresh one. A person sees by it what it is good for.
    pub(super) fn random(environment: Environment) -> Result<AppId, KeyError> {
        let prefix = match environment {
            Environment::Production => "APP-",
            Environment::Test => "APP-TEST-",
        };
        let text = random_text::<RANDOM>()?;
        Ok(AppId(format!("{prefix}{}", text.to_ascii_uppercase()).into()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AppId {
    type Err = &'static str;

    /// For people, who may type it in lower case.
    fn from_str(text: &str) -> Result<AppId, Self::Err> {
        let wrong = "an app id looks like APP-ABCDEFGHIJKLMNOP: `hither key list` shows those there are";
        AppId::parse(&text.to_ascii_uppercase()).ok_or(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_id() {
        let longest = "A".repeat(64);
        for text in ["A", "APP-ABCDEFGHIJKLMNOP", "0-9", &longest] {
            assert_eq!(AppId::parse(text).unwrap().as_str(), text);
        }
        let long = "A".repeat(65);
        for text in ["", "app-a", "APP A", "APP\n", "APP_A", "ÄPP", "A\0", "'; --", &long] {
            assert!(AppId::parse(text).is_none(), "{text:?}");
        }
        assert_eq!("app-a".parse::<AppId>().unwrap().as_str(), "APP-A");
        assert!("\u{1b}[2J".parse::<AppId>().is_err());
    }

    #[test]
    fn fresh_ones_differ_and_say_what_they_are_for() {
        let one = AppId::random(Environment::Production).unwrap();
        assert!(AppId::parse(one.as_str()).is_some() && one.as_str().len() == 20, "{one}");
        assert_ne!(one, AppId::random(Environment::Production).unwrap());
        assert!(AppId::random(Environment::Test).unwrap().as_str().starts_with("APP-TEST-"));
    }
}
