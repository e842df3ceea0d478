//! Links for invitations.
//!
//! ```text
//! hither:accept/{6F1D0C52-9E0B-4C5C-8B0A-5B8E2C1F7A34}
//! hither:invite/bob@example.org/{305D86C6-6896-4099-91F5-CB7BA7733563}?data=a%20game%3F
//! ```
//!
//! Braces may be left out or percent-encoded. Everything else is refused: a link comes from a web page
//! or a message, so from anybody. Nothing in it is done before the person has said yes.

use std::borrow::Cow;
use std::fmt;

use hither_wire::{Guid, PersonName, SessionId, limits, text};
use url::form_urlencoded;

/// The longest link that is read, in bytes.
pub const LINK_BYTES: usize = 2_048;

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// To accept an invitation that rings.
    Accept {
        /// Of which session.
        session: SessionId,
    },
    /// To invite a person.
    Invite {
        /// Whom.
        to: PersonName,
        /// Into which application.
        app: Guid,
        /// App data, "" if there are none.
        data: String,
    },
}

/// Why a link is refused. The messages quote nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It is too long.
    #[error("the link is longer than {LINK_BYTES} bytes")]
    TooLong,
    /// It is another kind of link.
    #[error("this is no link of hither: one begins with hither:accept/ or hither:invite/")]
    NotOurs,
    /// A character is in it that has no place there.
    #[error("the link has characters in it that have no place in a link")]
    Characters,
    /// A part is missing, or there is one too many.
    #[error("the link has the wrong parts: hither:accept/SESSION or hither:invite/NAME@DOMAIN/GUID?data=TEXT")]
    Parts,
    /// A GUID is none.
    #[error("a GUID in the link is malformed")]
    Guid,
    /// A sign-in name is none.
    #[error("the sign-in name in the link is malformed")]
    Name,
    /// App data are too long.
    #[error("the link's app data are longer than 256 UTF-16 units")]
    Data,
}

impl Link {
    /// Reads a link.
    pub fn parse(uri: &str) -> Result<Link, UriError> {
        if uri.len() > LINK_BYTES {
            return Err(UriError::TooLong);
        }
        if !uri.is_ascii() || uri.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(UriError::Characters);
        }
        let (scheme, rest) = uri.split_once(':').ok_or(UriError::NotOurs)?;
        if !scheme.eq_ignore_ascii_case("hither") {
            return Err(UriError::NotOurs);
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let parts = path.split('/').map(decoded).collect::<Result<Vec<_>, _>>()?;
        match (parts.iter().map(AsRef::as_ref).collect::<Vec<&str>>().as_slice(), query) {
            (["accept", session], None) => Ok(Link::Accept { session: guid(session)? }),
            (["invite", to, app], query) => {
                let to = PersonName::parse(to).map_err(|_| UriError::Name)?;
                Ok(Link::Invite { to, app: guid(app)?, data: query.map_or_else(|| Ok(String::new()), app_data)? })
            }
            (["accept" | "invite", ..], _) => Err(UriError::Parts),
            _ => Err(UriError::NotOurs),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::Accept { session } => write!(f, "hither:accept/{}", bare(*session)),
            Link::Invite { to, app, data } => {
                let to: String = form_urlencoded::byte_serialize(to.as_str().as_bytes()).collect();
                write!(f, "hither:invite/{}/{}", to.replace("%40", "@"), bare(*app))?;
                if data.is_empty() {
                    return Ok(());
                }
                let data: String = form_urlencoded::byte_serialize(data.as_bytes()).collect();
                write!(f, "?data={}", data.replace('+', "%20"))
            }
        }
    }
}

/// A part of the path. `%2F` is a part of a name like any other, and `+` stands for itself.
fn decoded(part: &str) -> Result<Cow<'_, str>, UriError> {
    let kept = part.replace('+', "%2B");
    let text = percent(&kept)?;
    if text.chars().any(char::is_control) { Err(UriError::Characters) } else { Ok(Cow::Owned(text)) }
}

/// App data may hold what a person types, line breaks included; cards and terminals escape them.
fn app_data(query: &str) -> Result<String, UriError> {
    let data = query.strip_prefix("data=").ok_or(UriError::Parts)?;
    if data.contains(['&', ';', '#', '?']) {
        return Err(UriError::Parts);
    }
    let data = percent(data)?;
    if data.chars().any(|c| c.is_control() && c != '\n') {
        return Err(UriError::Characters);
    }
    if text::fits(&data, limits::APP_DATA_UNITS) { Ok(data) } else { Err(UriError::Data) }
}

/// Undoes percent-encoding; what is no UTF-8, or half an escape, is refused.
fn percent(text: &str) -> Result<String, UriError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit().ok_or(UriError::Characters)?, digit().ok_or(UriError::Characters)?);
                u8::try_from(high * 16 + low).map_err(|_| UriError::Characters)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| UriError::Characters)
}

fn guid(text: &str) -> Result<Guid, UriError> {
    let braced = if text.starts_with('{') { text.to_owned() } else { format!("{{{text}}}") };
    Guid::parse(&braced).map_err(|_| UriError::Guid)
}

fn bare(guid: Guid) -> String {
    guid.to_string().trim_matches(['{', '}']).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use proptest::prelude::*;

    use super::*;

    const GUID: &str = "6F1D0C52-9E0B-4C5C-8B0A-5B8E2C1F7A34";

    #[test]
    fn links() {
        let session = Guid::parse(&format!("{{{GUID}}}")).unwrap();
        for uri in [
            format!("hither:accept/{{{GUID}}}"),
            format!("HITHER:accept/{}", GUID.to_lowercase()),
            format!("hither:accept/%7B{GUID}%7d"),
        ] {
            assert_eq!(Link::parse(&uri).unwrap(), Link::Accept { session }, "{uri}");
        }
        let link = Link::parse(&format!("hither:invite/bob@example.org/{GUID}?data=a%20game%3F%0Anow")).unwrap();
        let to = PersonName::parse("bob@example.org").unwrap();
        assert_eq!(link, Link::Invite { to, app: session, data: "a game?\nnow".into() });
    }

    #[test]
    fn hostile_links() {
        let invite = |rest: &str| format!("hither:invite/bob@example.org/{rest}");
        for (uri, error) in [
            ("".into(), UriError::NotOurs),
            ("javascript:alert(1)".into(), UriError::NotOurs),
            ("hither:".into(), UriError::NotOurs),
            (format!("hither://accept/{GUID}"), UriError::NotOurs),
            ("hither:delete/everything".into(), UriError::NotOurs),
            ("hither:accept".into(), UriError::Parts),
            (format!("hither:accept/{GUID}/more"), UriError::Parts),
            (format!("hither:accept/{GUID}?data=x"), UriError::Parts),
            (format!("hither:accept/{GUID}\n"), UriError::Characters),
            (format!("hither:accept/{GUID}%0A"), UriError::Characters),
            (format!("hither:accept/{GUID}%"), UriError::Characters),
            (format!("hither:accept/{GUID}%ff"), UriError::Characters),
            ("hither:accept/../../etc/passwd".into(), UriError::Parts),
            ("hither:accept/$(id)".into(), UriError::Guid),
            (invite(".."), UriError::Guid),
            (invite(&format!("{GUID}?cmd=x")), UriError::Parts),
            (invite(&format!("{GUID}?data=x&data=y")), UriError::Parts),
            (invite(&format!("{GUID}?data=%1b[2J")), UriError::Characters),
            (invite(&format!("{GUID}?data={}", "x".repeat(257))), UriError::Data),
            (invite(&format!("{GUID}?data={}", "x".repeat(3_000))), UriError::TooLong),
            (format!("hither:invite/bob/{GUID}"), UriError::Name),
            (format!("hither:invite/bob%00@x/{GUID}"), UriError::Characters),
        ] {
            assert_eq!(Link::parse(&uri), Err(error), "{uri:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(name in "[a-zé+%&?/._-]{1,20}", data in "[ -~é😀\n]{0,60}", guid in any::<u128>()) {
            let to = PersonName::parse(&format!("{name}@example.org")).unwrap();
            let link = Link::Invite { to, app: Guid(guid), data };
            prop_assert_eq!(Link::parse(&link.to_string()).unwrap(), link);
        }

        #[test]
        fn rubbish_does_not_panic(text in "\\PC{0,80}", tail in prop::collection::vec(any::<u8>(), 0..40)) {
            drop(Link::parse(&text));
            let tail: String = form_urlencoded::byte_serialize(&tail).collect();
            drop(Link::parse(&format!("hither:invite/{tail}")));
        }
    }
}
