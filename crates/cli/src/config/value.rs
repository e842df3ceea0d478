//! What a setting can be: read from TOML or from words, judged, and written again.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use hither::PersonName;
use hither_service::Network;
use toml_edit::Item;
use tracing_subscriber::EnvFilter;

use crate::terminal::escape;

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A count, or so many of a unit.
    Number(u64),
    /// Words, an address, a path.
    Text(String),
    /// Several words.
    List(Vec<String>),
}

/// What is asked of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// From, to, and of what.
    Number(u64, u64, &'static str),
    /// An IP address with a port.
    Address,
    /// A file; relative to the file that names it.
    File,
    /// A folder; the same.
    Folder,
    /// What is logged.
    Filter,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Some of these words, at least one.
    SomeOf(&'static [&'static str]),
    /// Origins of web pages.
    Origins,
    /// IP addresses and networks of them.
    Networks,
    /// Where keys are fetched.
    Url,
    /// What stands behind the @ of a sign-in name.
    Domain,
    /// Any words.
    Text,
}

/// The longest text: more than any path.
const TEXT_BYTES: usize = 4_096;
/// The longest list.
const LIST: usize = 256;

/// How a kind is written.
enum Form {
    Bool,
    Number,
    Text,
    List,
}

impl Kind {
    fn form(self) -> Form {
        match self {
            Kind::Bool => Form::Bool,
            Kind::Number(..) => Form::Number,
            Kind::SomeOf(_) | Kind::Origins | Kind::Networks => Form::List,
            Kind::Address
            | Kind::File
            | Kind::Folder
            | Kind::Filter
            | Kind::OneOf(_)
            | Kind::Url
            | Kind::Domain
            | Kind::Text => Form::Text,
        }
    }

    /// Reads words: of a flag, or of a variable. Lists have commas.
    pub fn read_words(self, words: &str) -> Result<Value, String> {
        let words = words.trim();
        let value = match self.form() {
            Form::Bool => match &*words.to_lowercase() {
                "true" | "yes" | "on" | "1" => Value::Bool(true),
                "false" | "no" | "off" | "0" => Value::Bool(false),
                _ => return Err(self.wanted(&shown(words))),
            },
            Form::Number => Value::Number(words.parse().map_err(|_| self.wanted(&shown(words)))?),
            Form::List => {
                let parts = words.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::List(parts.map(str::to_owned).collect())
            }
            Form::Text => Value::Text(words.to_owned()),
        };
        self.judge(value)
    }

    /// Reads what stands in a TOML file.
    pub fn read_item(self, item: &Item) -> Result<Value, String> {
        let text = |value: &toml_edit::Value| value.as_str().map(str::to_owned);
        let value = match self.form() {
            Form::Bool => item.as_bool().map(Value::Bool),
            Form::Number => item.as_integer().and_then(|number| u64::try_from(number).ok()).map(Value::Number),
            Form::List => item.as_array().and_then(|array| array.iter().map(text).collect()).map(Value::List),
            Form::Text => item.as_str().map(|text| Value::Text(text.to_owned())),
        };
        self.judge(value.ok_or_else(|| self.wanted(&found(item)))?)
    }

    /// Whether the value is one that can be meant.
    fn judge(self, value: Value) -> Result<Value, String> {
        let harmless = |text: &str| text.len() <= TEXT_BYTES && escape(text) == text;
        let fine = match (self, &value) {
            (Kind::Number(least, most, _), Value::Number(number)) => (least..=most).contains(number),
            (Kind::SomeOf(words), Value::List(list)) => {
                !list.is_empty() && list.iter().all(|text| words.contains(&text.as_str()))
            }
            (Kind::Origins, Value::List(list)) => {
                list.len() <= LIST && list.iter().all(|text| harmless(text) && is_origin(text))
            }
            (Kind::Networks, Value::List(list)) => {
                list.len() <= LIST && list.iter().all(|text| text.parse::<Network>().is_ok())
            }
            (_, Value::Text(text)) if text.is_empty() || !harmless(text) => false,
            (Kind::Address, Value::Text(text)) => text.parse::<SocketAddr>().is_ok(),
            (Kind::Filter, Value::Text(text)) => is_filter(text),
            (Kind::OneOf(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Kind::Url, Value::Text(text)) => is_safe_url(text),
            (Kind::Domain, Value::Text(text)) => is_domain(text),
            (Kind::Bool, Value::Bool(_)) | (Kind::File | Kind::Folder | Kind::Text, Value::Text(_)) => true,
            (_, Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_)) => false,
        };
        if fine { Ok(value) } else { Err(self.wanted(&value.to_string())) }
    }

    fn wanted(self, found: &str) -> String {
        let mut found: String = escape(found).chars().take(100).collect();
        if found.is_empty() {
            found.push_str("nothing");
        }
        format!("{} is needed, not {found}", self.describe())
    }

    /// What is asked, for messages and for documents.
    pub fn describe(self) -> String {
        match self {
            Kind::Bool => "true or false".to_owned(),
            Kind::Number(least, most, "") => format!("a number from {least} to {most}"),
            Kind::Number(least, most, unit) => format!("a number of {unit} from {least} to {most}"),
            Kind::Address => "an IP address with a port (127.0.0.1:4000 or [::]:4000)".to_owned(),
            Kind::File => "a file".to_owned(),
            Kind::Folder => "a folder".to_owned(),
            Kind::Filter => {
                "a level (error, warn, info, debug, trace) or a filter (warn,hither_service=debug)".to_owned()
            }
            Kind::OneOf(words) => quoted(words, " or "),
            Kind::SomeOf(words) => format!("a list of some of {}", quoted(words, ", ")),
            Kind::Origins => "a list of origins (https://play.example.org) or \"*\"".to_owned(),
            Kind::Networks => "a list of IP addresses (127.0.0.1) and networks (10.0.0.0/8)".to_owned(),
            Kind::Url => "an https:// URL (http:// on this machine only)".to_owned(),
            Kind::Domain => "what stands behind the @ of a sign-in name (example.org)".to_owned(),
            Kind::Text => "a text".to_owned(),
        }
    }

    /// The short name of a value in the help.
    pub fn placeholder(self) -> &'static str {
        match self {
            Kind::Bool => "BOOL",
            Kind::Number(_, _, "seconds") => "SECONDS",
            Kind::Number(_, _, "bytes") => "BYTES",
            Kind::Number(_, _, "days") => "DAYS",
            Kind::Number(..) => "N",
            Kind::Address => "ADDRESS:PORT",
            Kind::File => "FILE",
            Kind::Folder => "DIR",
            Kind::Filter => "FILTER",
            Kind::OneOf(_) | Kind::SomeOf(_) | Kind::Text => "WORD",
            Kind::Origins => "ORIGIN",
            Kind::Networks => "NETWORK",
            Kind::Url => "URL",
            Kind::Domain => "DOMAIN",
        }
    }

    /// Whether a relative value means something that lies beside the file in which it stands.
    pub fn is_path(self) -> bool {
        matches!(self, Kind::File | Kind::Folder)
    }
}

impl Value {
    /// The same, where a path begins at `folder`.
    pub fn beside(self, kind: Kind, folder: &Path) -> Value {
        match self {
            Value::Text(text) if kind.is_path() && text != "-" => {
                Value::Text(folder.join(text).to_string_lossy().into_owned())
            }
            other @ (Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_)) => other,
        }
    }

    /// As JSON.
    pub fn json(&self) -> serde_json::Value {
        match self {
            Value::Bool(bool) => (*bool).into(),
            Value::Number(number) => (*number).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(list) => list.as_slice().into(),
        }
    }

    /// As words of a flag.
    pub fn words(&self) -> String {
        match self {
            Value::Bool(bool) => bool.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::List(list) => list.join(","),
        }
    }
}

/// As TOML.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(bool) => write!(f, "{bool}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(&shown(text)),
            Value::List(list) => {
                let parts: Vec<String> = list.iter().map(|text| shown(text)).collect();
                write!(f, "[{}]", parts.join(", "))
            }
        }
    }
}

fn shown(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn found(item: &Item) -> String {
    match item {
        Item::Value(value) => value.to_string().trim().to_owned(),
        Item::None => "nothing".to_owned(),
        Item::Table(_) => "a section".to_owned(),
        Item::ArrayOfTables(_) => "a list of sections".to_owned(),
    }
}

fn quoted(words: &[&str], between: &str) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(between)
}

/// `*`, or scheme, host and perhaps port, as a browser sends it; no path.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return text == "*" };
    !scheme.is_empty() && !rest.is_empty() && !rest.contains(['/', ' ', '*', ','])
}

/// A word by itself is a level, or a part of hither: anything else would turn everything off.
fn is_filter(text: &str) -> bool {
    let means = |part: &str| {
        let level =
            ["off", "error", "warn", "info", "debug", "trace"].iter().any(|level| part.eq_ignore_ascii_case(level));
        level || part.contains(['=', '[']) || part.starts_with("hither")
    };
    EnvFilter::try_new(text).is_ok() && text.split(',').all(|part| means(part.trim()))
}

/// What can stand behind the @ of a sign-in name.
pub fn is_domain(text: &str) -> bool {
    !text.contains('@') && PersonName::parse(&format!("x@{text}")).is_ok()
}

/// Keys that decide who signs in are not fetched where somebody on the way can exchange them.
fn is_safe_url(text: &str) -> bool {
    let host = |rest: &str| !rest.is_empty() && !rest.starts_with(['/', ':']) && !rest.contains([' ', '@']);
    if let Some(rest) = text.strip_prefix("https://") {
        return host(rest);
    }
    text.strip_prefix("http://").is_some_and(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let local =
            |name: &str| authority == name || authority.strip_prefix(name).is_some_and(|end| end.starts_with(':'));
        host(rest) && ["localhost", "127.0.0.1", "[::1]"].into_iter().any(local)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_what_is_not() {
        let number = Kind::Number(1, 10, "seconds");
        for (kind, fine, wrong) in [
            (Kind::Bool, &["true", "TRUE", "off", "1"][..], &["maybe", ""][..]),
            (number, &["1", "10", " 5 "], &["0", "11", "-1", "1.5", "", "five", "99999999999999999999"]),
            (Kind::Address, &["127.0.0.1:0", "[::]:4000"], &["localhost:4000", "127.0.0.1", ":4000", "0.0.0.0:70000"]),
            (Kind::OneOf(&["a", "b"]), &["a"], &["A", "", "c"]),
            (Kind::SomeOf(&["a", "b"]), &["a", "b, a"], &["", "a,c"]),
            (
                Kind::Origins,
                &["", "*", "https://a.example,http://b:80"],
                &["a.example", "https://", "https://a/b", "https://*.a"],
            ),
            (
                Kind::Networks,
                &["", "127.0.0.1", "::1, 10.0.0.0/8"],
                &["localhost", "10.0.0.0/33", "127.0.0.1:80", "10.0.0.0/8 ::1"],
            ),
            (
                Kind::Url,
                &["https://a/keys", "http://127.0.0.1:80/k", "http://[::1]/"],
                &["http://a/keys", "http://localhost.evil/", "https://", "https:///k", "ftp://a", "https://u:p@a/"],
            ),
            (Kind::Domain, &["example.org", "Web.Example"], &["@web.example", "a b", "x@y", "", "a\u{1b}b"]),
            (Kind::File, &["/a b", "./c"], &["", "a\u{1b}[31m"]),
            (
                Kind::Filter,
                &["info", "WARN,hither_service=debug", "hither_service"],
                &["", "a=b=c", "verbose", "inof", "info,dbug"],
            ),
        ] {
            for words in fine {
                assert!(kind.read_words(words).is_ok(), "{kind:?} {words}: {:?}", kind.read_words(words));
            }
            for words in wrong {
                let complaint = kind.read_words(words).unwrap_err();
                assert!(complaint.contains("is needed, not ") && escape(&complaint) == complaint, "{complaint}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_shown_and_not_too_long() {
        let complaint = Kind::Number(1, 9, "seconds").read_words(&"x".repeat(10_000)).unwrap_err();
        assert!(complaint.len() < 200, "{complaint}");
        let text: toml_edit::Document<String> = "a = { b = 1 }\nc = -1\nd = [1]".parse().unwrap();
        for (key, says) in [("a", "{ b = 1 }"), ("c", "-1"), ("d", "[1]")] {
            let complaint = Kind::Number(1, 9, "seconds").read_item(&text[key]).unwrap_err();
            assert_eq!(complaint, format!("a number of seconds from 1 to 9 is needed, not {says}"));
        }
    }
}
