//! Links that ask for something: `hither:` URIs, which anybody can put before a person.
//!
//! Two forms, in the grammar of RFC 3986 without an authority:
//!
//! ```text
//! hither:accept/%7BXXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX%7D
//! hither:invite/NAME@DOMAIN/%7BXXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX%7D?data=TEXT
//! ```
//!
//! The first asks to accept the session with this id, the second to invite this person to the
//! application with this GUID, with this app data, or none if the query is left out. It is cut at `:`,
//! `/`, `?` and the first `=`; then each part is percent-decoded, once, and must be UTF-8 without control
//! characters. `+` is a plus. Braces may stand as they are, since people write GUIDs so; no other
//! character may that a URI cannot have. The scheme is read in either case, what follows is not.
//! Whatever else there is, another part, key or fragment, is refused: who reads a link must not see less
//! than it does. A link only asks; what follows is the person's answer.

use std::fmt;

use hither_wire::{Guid, PersonName, SessionId, limits, text};

const SCHEME: &str = "hither";
/// The longest link.
const BYTES: usize = 2_048;

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// To accept an invitation.
    Accept {
        /// Its session.
        session: SessionId,
    },
    /// To invite somebody.
    Invite {
        /// Whom.
        to: PersonName,
        /// To which application.
        app: Guid,
        /// With what app data: at most 256 UTF-16 units, no control characters.
        data: String,
    },
}

/// Why a text is no link that is followed. Says nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It is too long.
    #[error("this link is too long: at most 2,048 characters are read")]
    TooLong,
    /// It is for something else.
    #[error("this is no hither: link")]
    Scheme,
    /// It names a host.
    #[error("a hither: link names no host: leave the // out")]
    Authority,
    /// A character that no URI has, or a percent sign with something else than two digits after it.
    #[error("this link has a character in it that must be written as % and two hexadecimal digits")]
    Character,
    /// What it encodes is no text, or has control characters.
    #[error("this link hides control characters, or what is no text at all")]
    Hidden,
    /// It asks for neither of the two things.
    #[error(
        "this link asks for something that hither does not do: it must be hither:accept/SESSION or hither:invite/NAME@DOMAIN/APPLICATION"
    )]
    Form,
    /// The session, or the application, is no GUID.
    #[error("this link names a session or an application that is no GUID in braces")]
    Guid,
    /// Who is to be invited has no sign-in name.
    #[error("this link names nobody: a sign-in name has the form name@domain")]
    Person,
    /// The query is another one than `data`, once.
    #[error("this link asks for more than there is: only data= may stand after the ?, once")]
    Query,
    /// The app data is too long.
    #[error("this link carries too much: app data has at most 256 characters")]
    Data,
}

impl Link {
    /// Reads a link of at most 2,048 bytes.
    pub fn parse(link: &str) -> Result<Link, UriError> {
        if link.len() > BYTES {
            return Err(UriError::TooLong);
        }
        let (scheme, rest) = link.split_once(':').ok_or(UriError::Scheme)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(UriError::Scheme);
        }
        if !rest.chars().all(may_stand) {
            return Err(UriError::Character);
        }
        if rest.starts_with("//") {
            return Err(UriError::Authority);
        }
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let mut segments = path.split('/');
        let (what, first, second) = (segments.next(), segments.next(), segments.next());
        if segments.next().is_some() {
            return Err(UriError::Form);
        }
        match (what, first, second) {
            (Some("accept"), Some(session), None) if query.is_none() => Ok(Link::Accept { session: guid(session)? }),
            (Some("accept"), Some(_), None) => Err(UriError::Query),
            (Some("invite"), Some(to), Some(app)) => {
                let to = PersonName::parse(&decode(to)?).map_err(|_| UriError::Person)?;
                Ok(Link::Invite { to, app: guid(app)?, data: query.map_or(Ok(String::new()), data)? })
            }
            _ => Err(UriError::Form),
        }
    }
}

fn guid(part: &str) -> Result<Guid, UriError> {
    Guid::parse(&decode(part)?).map_err(|_| UriError::Guid)
}

fn data(query: &str) -> Result<String, UriError> {
    let data = query.strip_prefix("data=").filter(|data| !data.contains('&')).ok_or(UriError::Query)?;
    let data = decode(data)?;
    if text::fits(&data, limits::APP_DATA_UNITS) { Ok(data) } else { Err(UriError::Data) }
}

/// What may stand in a path or a query without being encoded, and what encodes; and braces.
fn may_stand(c: char) -> bool {
    is_plain(c)
        || matches!(
            c,
            '%' | '/' | '?' | ':' | '@' | '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=' | '{' | '}'
        )
}

/// What is never encoded.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~')
}

fn decode(part: &str) -> Result<String, UriError> {
    let mut bytes = part.bytes();
    let mut decoded = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        decoded.push(match byte {
            b'%' => digit()
                .zip(digit())
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                .ok_or(UriError::Character)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains(char::is_control)).ok_or(UriError::Hidden)
}

/// A part of a link with everything encoded that could be taken for something else.
struct Encoded<'a>(&'a str);

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|byte| match char::from(byte) {
            c if is_plain(c) || c == '@' => write!(f, "{c}"),
            _ => write!(f, "%{byte:02X}"),
        })
    }
}

/// As [`Link::parse`] reads it, unless data or name are too long or have control characters.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Link::Accept { session } => write!(f, "{SCHEME}:accept/{}", Encoded(&session.to_string())),
            Link::Invite { to, app, data } => {
                write!(f, "{SCHEME}:invite/{}/{}", Encoded(to.as_str()), Encoded(&app.to_string()))?;
                if data.is_empty() { Ok(()) } else { write!(f, "?data={}", Encoded(data)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";
    const ENCODED: &str = "%7B305D86C6-6896-4099-91F5-CB7BA7733563%7D";

    fn id() -> Guid {
        Guid::parse(ID).unwrap()
    }

    fn invite(to: &str, data: &str) -> Link {
        Link::Invite { to: PersonName::parse(to).unwrap(), app: id(), data: data.into() }
    }

    #[test]
    fn accept() {
        let link = Link::Accept { session: id() };
        let lower = ID.to_lowercase();
        for text in [
            ID,
            ENCODED,
            &lower,
            "%7b305D86C6-6896-4099-91F5-CB7BA7733563}",
            "{%3305D86C6-6896-4099-91F5-CB7BA7733563}",
        ] {
            assert_eq!(Link::parse(&format!("hither:accept/{text}")), Ok(link.clone()), "{text}");
        }
        assert_eq!(Link::parse(&format!("HitHer:accept/{ID}")), Ok(link.clone()));
        assert_eq!(link.to_string(), format!("hither:accept/{ENCODED}"));
    }

    #[test]
    fn invitations() {
        let bob = "hither:invite/bob@example.org";
        for (text, link) in [
            (format!("{bob}/{ID}"), invite("bob@example.org", "")),
            (format!("{bob}/{ENCODED}?data="), invite("bob@example.org", "")),
            (format!("hither:invite/Bob%40example.org/{ID}?data=a+b%20c"), invite("bob@example.org", "a+b c")),
            (format!("{bob}/{ID}?data=a=b/c?d:e@f%26g%23"), invite("bob@example.org", "a=b/c?d:e@f&g#")),
            (format!("{bob}/{ID}?data=%25250A"), invite("bob@example.org", "%250A")),
            (format!("hither:invite/%C3%A9%2F..%3F@x/{ID}"), invite("é/..?@x", "")),
        ] {
            assert_eq!(Link::parse(&text), Ok(link), "{text}");
        }
        let written = invite("bob@example.org", "a b&c=%é").to_string();
        assert_eq!(written, format!("{bob}/{ENCODED}?data=a%20b%26c%3D%25%C3%A9"));
        let most = "é".repeat(256);
        assert_eq!(Link::parse(&invite("a@b", &most).to_string()), Ok(invite("a@b", &most)));
        assert_eq!(Link::parse(&invite("a@b", &format!("{most}x")).to_string()), Err(UriError::Data));
    }

    fn invited(rest: &str) -> String {
        format!("hither:invite/bob@example.org/{ID}{rest}")
    }

    fn all_refused(links: &[(String, UriError)]) {
        for (link, why) in links {
            assert_eq!(Link::parse(link), Err(*why), "{link}");
            assert!(!why.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn hostile_links_are_refused() {
        let accept = |rest: &str| format!("hither:accept/{rest}");
        all_refused(&[
            (String::new(), UriError::Scheme),
            ("hither".into(), UriError::Scheme),
            (format!("http:accept/{ID}"), UriError::Scheme),
            (format!("hither2:accept/{ID}"), UriError::Scheme),
            (format!(" hither:accept/{ID}"), UriError::Scheme),
            (format!("javascript:hither:accept/{ID}"), UriError::Scheme),
            (format!("h\u{131}ther:accept/{ID}"), UriError::Scheme),
            (format!("hither://accept/{ID}"), UriError::Authority),
            (format!("hither://user@host:1/accept/{ID}"), UriError::Authority),
            ("hither:".into(), UriError::Form),
            ("hither:accept".into(), UriError::Form),
            (format!("hither:/accept/{ID}"), UriError::Form),
            (format!("hither:ACCEPT/{ID}"), UriError::Form),
            (format!("hither:%61ccept/{ID}"), UriError::Form),
            (format!("hither:decline/{ID}"), UriError::Form),
            (format!("hither:../accept/{ID}"), UriError::Form),
            (accept(""), UriError::Guid),
            (accept(".."), UriError::Guid),
            (accept("305D86C6-6896-4099-91F5-CB7BA7733563"), UriError::Guid),
            (accept(&format!("{ID}/")), UriError::Form),
            (accept(&format!("{ID}/..")), UriError::Form),
            (accept(&format!("../{ID}")), UriError::Form),
            (accept(&format!("{ID}%2F..")), UriError::Guid),
            (accept(&format!("{ID}?")), UriError::Query),
            (accept(&format!("{ID}?data=x")), UriError::Query),
            (accept(&format!("{ID}#x")), UriError::Character),
            (accept(&format!("{ID}\n")), UriError::Character),
            (accept(&format!("{ID}\0")), UriError::Character),
            (accept(&format!("{ID} --flag")), UriError::Character),
            (accept(&format!("{ID}%0A")), UriError::Hidden),
            (accept(&format!("{ID}%00")), UriError::Hidden),
        ]);
        assert_eq!(Link::parse(&format!("x:{}", "y".repeat(BYTES - 2))), Err(UriError::Scheme));
        assert_eq!(Link::parse(&format!("x:{}", "y".repeat(BYTES - 1))), Err(UriError::TooLong));
    }

    #[test]
    fn hostile_invitations_are_refused() {
        all_refused(&[
            (format!("hither:invite/{ID}"), UriError::Form),
            (format!("hither:invite//{ID}"), UriError::Person),
            (format!("hither:invite/../{ID}"), UriError::Person),
            (format!("hither:invite/a@b@c/{ID}"), UriError::Person),
            (format!("hither:invite/a%20b@c/{ID}"), UriError::Person),
            (format!("hither:invite/a%0A@c/{ID}"), UriError::Hidden),
            (format!("hither:invite/a%1B%5B2J@c/{ID}"), UriError::Hidden),
            (format!("hither:invite/\u{e9}@c/{ID}"), UriError::Character),
            (format!("hither:invite/{}@c/{ID}", "a".repeat(128)), UriError::Person),
            ("hither:invite/a@b/chess".into(), UriError::Guid),
            (invited("/x"), UriError::Form),
            (invited("?"), UriError::Query),
            (invited("?data"), UriError::Query),
            (invited("?Data=x"), UriError::Query),
            (invited("?accept=1"), UriError::Query),
            (invited("?data=x&data=y"), UriError::Query),
            (invited("?data=x&auto=1"), UriError::Query),
            (invited("?auto=1&data=x"), UriError::Query),
            (invited("?data=x&"), UriError::Query),
            (invited("?%64ata=x"), UriError::Query),
            (invited("?data=x#y"), UriError::Character),
            (invited("?data=<b>"), UriError::Character),
            (invited("?data=a\"b"), UriError::Character),
            (invited("?data=`x`"), UriError::Character),
            (invited("?data=%"), UriError::Character),
            (invited("?data=%4"), UriError::Character),
            (invited("?data=%4g"), UriError::Character),
            (invited("?data=%+1"), UriError::Character),
            (invited("?data=%0d%0a"), UriError::Hidden),
            (invited("?data=%1b%5D0;x%07"), UriError::Hidden),
            (invited("?data=%c2%9b"), UriError::Hidden),
            (invited("?data=%ff"), UriError::Hidden),
            (invited("?data=%c0%80"), UriError::Hidden),
            (invited(&format!("?data={}", "x".repeat(257))), UriError::Data),
            (invited(&format!("?data={}", "x".repeat(100_000))), UriError::TooLong),
        ]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(guid: u128, name in "[^\\s\\pC@]{1,20}@[^\\s\\pC@]{1,20}", data in "\\PC{0,60}") {
            let session = Link::Accept { session: Guid(guid) };
            prop_assert_eq!(Link::parse(&session.to_string()), Ok(session));
            let to = PersonName::parse(&name);
            prop_assume!(to.is_ok());
            let link = Link::Invite { to: to.unwrap(), app: Guid(guid), data };
            prop_assert_eq!(Link::parse(&link.to_string()), Ok(link));
        }

        #[test]
        fn what_is_read_is_written_so_that_it_is_read_the_same(rest in "(accept|invite/a@b)/[{]305D86C6-6896-4099-91F5-CB7BA7733563[}]([?]data=[%a-z0-9=&+]{0,12})?") {
            if let Ok(link) = Link::parse(&format!("hither:{rest}")) {
                prop_assert_eq!(Link::parse(&link.to_string()), Ok(link));
            }
        }

        #[test]
        fn nothing_panics_on_rubbish(text in "(hither:)?(?s:.{0,60})", percents in "hither:(accept|invite)/[%0-9a-f?=&/@{}]{0,60}") {
            drop(Link::parse(&text));
            drop(Link::parse(&percents));
        }
    }
}
