//! The fields of one entry, each read as what it must be.

use std::ops::Range;

use toml_edit::{Item, Table};

use super::{COMPLAINTS, Problem, Text, shown};

/// A field's value, and where it stands.
type Found<T> = Option<(T, Option<Range<usize>>)>;

/// An entry.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    text: &'a Text,
    table: &'a Table,
}

impl<'a> Fields<'a> {
    /// Of a table in a text.
    pub fn new(text: &'a Text, table: &'a Table) -> Fields<'a> {
        Fields { text, table }
    }

    /// A problem with the whole entry.
    pub fn problem(self, what: impl Into<String>) -> Problem {
        self.problem_at(self.table.span(), what)
    }

    /// A problem at a place in it.
    pub fn problem_at(self, span: Option<Range<usize>>, what: impl Into<String>) -> Problem {
        let span = span.or_else(|| self.table.span());
        Problem { line: span.map(|span| self.text.line(&span)), what: what.into() }
    }

    /// A text.
    pub fn text(self, key: &str) -> Result<Found<&'a str>, Problem> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let text = item.as_str().ok_or_else(|| self.must_be(item, key, "a text in quotes"))?;
        Ok(Some((text, item.span())))
    }

    /// A text that must be there and that `read` makes something of, or says what is wrong with it.
    pub fn required<T>(self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Problem> {
        self.optional(key, read)?.ok_or_else(|| self.problem(format!("`{key}` is missing: add it")))
    }

    /// The same for a text that may be absent.
    pub fn optional<T>(self, key: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, Problem> {
        let Some((text, span)) = self.text(key)? else { return Ok(None) };
        read(text).map(Some).map_err(|what| self.problem_at(span, what))
    }

    /// A list of texts, empty if it is absent.
    pub fn texts(self, key: &str) -> Result<Vec<String>, Problem> {
        let Some(item) = self.table.get(key) else { return Ok(Vec::new()) };
        let wrong = || self.must_be(item, key, "a list of texts, such as [\"--session\", \"{session}\"]");
        let list = item.as_array().ok_or_else(wrong)?;
        list.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
    }

    /// What is there beside the known fields, and means nothing.
    pub fn strangers(self, known: &[&str]) -> Vec<Problem> {
        let others = self.table.iter().filter(|(name, _)| !known.contains(name));
        let problem = |(name, item): (&str, &Item)| {
            let span = self.table.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let known = known.join(", ");
            self.problem_at(span, format!("`{}` means nothing here and is passed over; known are {known}", shown(name)))
        };
        others.take(COMPLAINTS).map(problem).collect()
    }

    fn must_be(self, item: &Item, key: &str, what: &str) -> Problem {
        self.problem_at(item.span(), format!("`{key}` must be {what}"))
    }
}
