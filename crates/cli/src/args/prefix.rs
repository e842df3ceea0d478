//! How a session is named on the command line.

use std::str::FromStr;

use hither::Guid;

/// The beginning of a session's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Whether a session's id, or an application's, begins so.
    pub fn begins(&self, id: &Guid) -> bool {
        format!("{:032X}", id.0).starts_with(&self.0)
    }

    /// The whole id, if it is one.
    pub fn whole(&self) -> Option<Guid> {
        (self.0.len() == DIGITS).then(|| u128::from_str_radix(&self.0, 16).ok().map(Guid)).flatten()
    }
}

const DIGITS: usize = 32;
const DIGITS_MIN: usize = 4;

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Prefix, Self::Err> {
        let inner = text.strip_prefix('{').unwrap_or(text);
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        // Dashes stand where they stand in an id, or are left out.
        let dashes = inner.bytes().enumerate().filter(|(_, byte)| *byte == b'-');
        let placed = dashes.clone().all(|(at, _)| matches!(at, 8 | 13 | 18 | 23));
        let digits: String = inner.chars().filter(|c| *c != '-').collect();
        let fits = (DIGITS_MIN..=DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if placed && fits {
            Ok(Prefix(digits.to_ascii_uppercase()))
        } else {
            Err("a session is named by its id, or by its first digits, at least four: `hither sessions` shows them")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

    #[test]
    fn ids_and_their_beginnings() {
        let id = Guid::parse(ID).unwrap();
        let bare = ID.trim_matches(['{', '}']).to_lowercase();
        for whole in [ID.to_owned(), ID.to_lowercase(), bare.clone(), bare.replace('-', "")] {
            assert_eq!(whole.parse::<Prefix>().unwrap().whole(), Some(id), "{whole}");
        }
        for begin in ["305d", "305D86C6", "305D86C6-", "{305D86C6-68"] {
            let prefix: Prefix = begin.parse().unwrap();
            assert!(prefix.begins(&id) && prefix.whole().is_none(), "{begin}");
        }
        assert!(!"305E".parse::<Prefix>().unwrap().begins(&id));
    }

    #[test]
    fn what_is_no_id() {
        let long = "0".repeat(33);
        for text in ["", "305", "{305}", "305g", "305D86-C6", "30 5D", "\u{1b}[2J", "{{305D}}", &long, "../305D"] {
            assert!(text.parse::<Prefix>().is_err(), "{text:?}");
        }
    }
}
