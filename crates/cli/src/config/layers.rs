//! Values with where they come from, one layer over the other: defaults, the file, the environment,
//! flags.

use std::fmt;
use std::path::PathBuf;

use super::table::{ISSUER, SETTINGS, Setting, position};
use super::value::Value;
use crate::terminal::escape;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody has set it.
    Default,
    /// A place in a file; line and column from 1.
    File(PathBuf, usize, usize),
    /// A variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(file, line, column) => {
                write!(f, "{}:{line}:{column}", escape(&file.display().to_string()))
            }
            Source::Variable(name) => f.write_str(&escape(name)),
            Source::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the service starts all the same.
    pub warning: bool,
    /// Where; `None` if it stands nowhere.
    pub at: Option<Source>,
    /// What is wrong, in a sentence for a person.
    pub what: String,
}

impl Finding {
    /// Something that has to be put right.
    pub fn error(at: &Source, what: impl Into<String>) -> Finding {
        let at = Some(at.clone()).filter(|at| *at != Source::Default);
        Finding { warning: false, at, what: what.into() }
    }

    /// Something that should be looked at.
    pub fn warning(at: &Source, what: impl Into<String>) -> Finding {
        Finding { warning: true, ..Finding::error(at, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        if self.warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&escape(&self.what))
    }
}

/// One value in a layer, by its place in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Where it stands in the table.
    pub setting: usize,
    /// What it is.
    pub value: Value,
    /// Where it comes from.
    pub source: Source,
}

/// A value, or none, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `None` if it is not set.
    pub value: Option<Value>,
    /// Where it comes from.
    pub source: Source,
}

/// The values of one table.
#[derive(Clone, Debug)]
pub struct Values {
    table: &'static [Setting],
    entries: Vec<Entry>,
    /// Where all of them stand, if that is one place.
    pub source: Source,
}

impl Values {
    /// What everything is if nobody sets anything.
    pub fn defaults(table: &'static [Setting]) -> Values {
        let entry = |setting: &Setting| Entry { value: setting.default(), source: Source::Default };
        Values { table, entries: table.iter().map(entry).collect(), source: Source::Default }
    }

    /// Puts a layer over what there is.
    pub fn put(&mut self, layer: impl IntoIterator<Item = Given>) {
        for Given { setting, value, source } in layer {
            if let Some(entry) = self.entries.get_mut(setting) {
                *entry = Entry { value: Some(value), source };
            }
        }
    }

    /// Leaves out a value that stands there, and is wrong.
    pub fn spoil(&mut self, setting: usize, source: Source) {
        if let Some(entry) = self.entries.get_mut(setting) {
            *entry = Entry { value: None, source };
        }
    }

    /// Whether somebody has set a value, right or wrong.
    pub fn mentions(&self, key: &str) -> bool {
        self.source(key) != Source::Default
    }

    /// Every setting with its value, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Entry)> {
        self.table.iter().zip(&self.entries)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.iter().find(|(setting, _)| setting.key == key).map(|(_, entry)| entry)
    }

    /// Where a value of a table with one section comes from.
    pub fn source(&self, key: &str) -> Source {
        self.entry(key).map_or(Source::Default, |entry| entry.source.clone())
    }

    /// A text of such a table.
    pub fn text(&self, key: &str) -> Option<String> {
        text(self.entry(key))
    }

    /// A number of such a table.
    pub fn number(&self, key: &str) -> u64 {
        number(self.entry(key))
    }

    /// A list of such a table.
    pub fn list(&self, key: &str) -> Vec<String> {
        list(self.entry(key))
    }
}

/// Every setting as it is, with where it comes from.
#[derive(Clone, Debug)]
pub struct Effective {
    /// All but the issuers.
    pub settings: Values,
    /// One for each `[[issuer]]`.
    pub issuers: Vec<Values>,
    /// Whether there is a file that could not be read.
    pub unread: bool,
}

impl Effective {
    /// What everything is if nobody sets anything.
    pub fn defaults() -> Effective {
        Effective { settings: Values::defaults(SETTINGS), issuers: Vec::new(), unread: false }
    }

    /// One issuer of which nothing is said.
    pub fn issuer() -> Values {
        Values::defaults(ISSUER)
    }

    fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        self.settings.entries.get(position(section, key)?)
    }

    /// Where a value comes from.
    pub fn source(&self, section: &str, key: &str) -> Source {
        self.entry(section, key).map_or(Source::Default, |entry| entry.source.clone())
    }

    /// A text, an address or a path; `None` if it is not set.
    pub fn text(&self, section: &str, key: &str) -> Option<String> {
        text(self.entry(section, key))
    }

    /// A file or a folder; `None` if it is not set.
    pub fn path(&self, section: &str, key: &str) -> Option<PathBuf> {
        self.text(section, key).map(PathBuf::from)
    }

    /// A number.
    pub fn number(&self, section: &str, key: &str) -> u64 {
        number(self.entry(section, key))
    }

    /// Yes or no.
    pub fn is(&self, section: &str, key: &str) -> bool {
        matches!(self.entry(section, key), Some(Entry { value: Some(Value::Bool(true)), .. }))
    }

    /// A list.
    pub fn list(&self, section: &str, key: &str) -> Vec<String> {
        list(self.entry(section, key))
    }

    /// The settings whose values differ.
    pub fn changed(&self, other: &Effective) -> Vec<&'static Setting> {
        let pairs = self.settings.iter().zip(other.settings.iter());
        pairs.filter(|((_, a), (_, b))| a.value != b.value).map(|((setting, _), _)| setting).collect()
    }

    /// Takes back what `running` has for a setting.
    pub fn keep(&mut self, setting: &Setting, running: &Effective) {
        let Some(at) = position(setting.section, setting.key) else { return };
        if let (Some(entry), Some(before)) = (self.settings.entries.get_mut(at), running.settings.entries.get(at)) {
            entry.clone_from(before);
        }
    }
}

fn text(entry: Option<&Entry>) -> Option<String> {
    match entry?.value.as_ref()? {
        Value::Text(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::List(_) => None,
    }
}

/// Settings that are numbers have a default, and so a value.
fn number(entry: Option<&Entry>) -> u64 {
    match entry.and_then(|entry| entry.value.as_ref()) {
        Some(Value::Number(number)) => *number,
        Some(Value::Bool(_) | Value::Text(_) | Value::List(_)) | None => 0,
    }
}

fn list(entry: Option<&Entry>) -> Vec<String> {
    match entry.and_then(|entry| entry.value.as_ref()) {
        Some(Value::List(list)) => list.clone(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Text(_)) | None => Vec::new(),
    }
}
