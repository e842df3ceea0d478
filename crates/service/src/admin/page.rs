//! Pages: so many at a time, and a cursor for those behind them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::Problem;

/// How many a page has if nothing is said.
const USUAL: u16 = 50;
/// How many it has at most.
const MOST: u16 = 200;
/// The longest cursor, in characters: a sign-in name in base64.
const CURSOR: usize = 700;

/// Which page is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// How many, at most.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<u16>,
    /// `next` of the page before; nothing is the first page.
    #[serde(default)]
    #[param(max_length = 700)]
    pub cursor: Option<String>,
}

/// How many were asked for.
pub fn limit(asked: Option<u16>) -> Result<usize, Problem> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(limit.into()),
        _ => Err(Problem::bad_parameter("limit", format_args!("a page has 1 to {MOST}"))),
    }
}

/// Behind what, if anything.
pub fn after<T, E>(cursor: Option<&str>, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = if cursor.len() <= CURSOR { URL_SAFE_NO_PAD.decode(cursor).ok() } else { None };
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.and_then(|text| parse(&text).ok());
    let wrong = || Problem::bad_parameter("cursor", "not one of this API: take `next` of the page before as it is");
    place.map(Some).ok_or_else(wrong)
}

/// The cursor to what is behind the last of a page, if there is more.
pub fn next(last: Option<String>, more: bool) -> Option<String> {
    last.filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(last))
}

#[cfg(test)]
mod tests {
    use hither_wire::PersonName;

    use super::*;

    #[test]
    fn a_cursor_leads_back_and_others_are_refused() {
        let next = next(Some("a@x".into()), true).unwrap();
        assert_eq!(after(Some(&next), PersonName::parse).unwrap().unwrap().as_str(), "a@x");
        assert_eq!(super::next(Some("a@x".into()), false), None);
        assert!(after(None, PersonName::parse).unwrap().is_none());
        for wrong in ["", "?", "a@x", &"A".repeat(CURSOR + 1), "_w", "YQ"] {
            assert!(after(Some(wrong), PersonName::parse).is_err(), "{wrong}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!((limit(Some(1)).unwrap(), limit(Some(200)).unwrap()), (1, 200));
        assert!(limit(Some(0)).is_err() && limit(Some(201)).is_err());
    }
}
