//! What the reference allows in each argument of `RegisterApplication`, and what no entry of a file
//! may have either. Errors are sentences.

use hither_wire::{Guid, limits, local, text};

use crate::document::shown;

/// Program and arguments, in UTF-16 units.
pub const PATH_UNITS: usize = 260;

/// A GUID, at most 39 characters (R13).
pub fn guid(given: &str) -> Result<Guid, String> {
    let guid = Guid::parse(given).map_err(|error| format!("`{}` is no GUID: {error}", shown(given)))?;
    if guid == local::CHECK {
        return Err(format!("{guid} is what agents check each other with: draw another, with `uuidgen`"));
    }
    Ok(guid)
}

/// A name, which people must be able to read.
pub fn name(given: &str) -> Result<(), String> {
    fits("name", given, limits::APP_NAME_UNITS)?;
    if given.trim().is_empty() {
        return Err("the name is empty: people are asked by name whether they want it".to_owned());
    }
    Ok(())
}

/// A URL, which a browser may be given, or "".
pub fn url(given: &str) -> Result<(), String> {
    fits("URL", given, limits::APP_URL_UNITS)?;
    if given.is_empty() {
        return Ok(());
    }
    let parsed = url::Url::parse(given).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none() || given.contains(char::is_whitespace) {
        return Err(format!("`{}` is no URL that begins with https:// or http://: give one, or none", shown(given)));
    }
    Ok(())
}

/// A command line, or one word of it.
pub fn path(given: &str) -> Result<(), String> {
    fits("path", given, PATH_UNITS)
}

fn fits(what: &str, given: &str, most: usize) -> Result<(), String> {
    if !text::fits(given, most) {
        return Err(format!("the {what} has {} characters; at most {most} are allowed", text::units(given)));
    }
    if given.contains(char::is_control) {
        return Err(format!("the {what} `{}` has control characters: take them out", shown(given)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for good in ["", "https://example.org", "http://[::1]:8080/a?b=c#d", "HTTPS://example.org/%20"] {
            assert_eq!(url(good), Ok(()), "{good}");
        }
        for bad in [
            " ",
            "example.org",
            "/etc/passwd",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https:",
            "https://",
            " https://example.org",
            "https://example.org/a b",
            "https://example.org/\n",
            "hither:accept",
            "-https://example.org",
            "ssh://example.org",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
