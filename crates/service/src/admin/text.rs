//! How things are written in answers.

use hither_wire::{Guid, PersonName, limits, text};
use jiff::Timestamp;

use super::problem::Problem;

/// A time in RFC 3339, of seconds since 1970.
pub fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// A person in a path.
pub fn person(text: &str) -> Result<PersonName, Problem> {
    person_in("name", text)
}

/// A person in a parameter of this name.
pub fn person_in(parameter: &str, text: &str) -> Result<PersonName, Problem> {
    PersonName::parse(text).map_err(|error| Problem::bad_parameter(parameter, error))
}

/// A GUID in a path or a query, with its braces or without.
pub fn guid(parameter: &str, text: &str) -> Result<Guid, Problem> {
    parse_guid(text).map_err(|error| Problem::bad_parameter(parameter, error))
}

/// A GUID, with its braces or without.
pub fn parse_guid(text: &str) -> Result<Guid, String> {
    let guid = if text.starts_with('{') { Guid::parse(text) } else { Guid::parse(&format!("{{{text}}}")) };
    guid.map_err(|error| error.to_string())
}

/// Whether this can be a friendly name: it fits the wire, and shows nothing but itself.
pub fn friendly_name(name: &str) -> Result<(), Problem> {
    if !text::fits(name, limits::FRIENDLY_NAME_UNITS) {
        let most = limits::FRIENDLY_NAME_UNITS;
        return Err(Problem::invalid("/friendly_name", format!("A friendly name has at most {most} UTF-16 units.")));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::invalid("/friendly_name", "A friendly name has no control characters."));
    }
    Ok(())
}
