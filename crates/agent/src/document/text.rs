//! A list as text: where each entry stands, and the text with an entry more or less.

use std::ops::Range;
use std::sync::Arc;

use toml_edit::{Document, Item, Table};

use super::{COMPLAINTS, Problem, shown};

/// A text that is TOML, with its list.
#[derive(Debug)]
pub struct Text {
    document: Document<Arc<str>>,
    list: Option<&'static str>,
    /// Where each line but the first begins.
    lines: Vec<usize>,
}

impl Text {
    /// Reads `raw`; with `list`, what has this name must be a list of tables.
    pub fn parse(raw: String, list: Option<&'static str>) -> Result<Text, Problem> {
        let raw: Arc<str> = raw.into();
        let document = Document::parse(Arc::clone(&raw)).map_err(|error| {
            let line = error.span().map(|span| 1 + raw.bytes().take(span.start).filter(|byte| *byte == b'\n').count());
            Problem { line, what: format!("this is no TOML ({}): mend it", shown(error.message())) }
        })?;
        let lines = raw.match_indices('\n').map(|(at, _)| at + 1).collect();
        let text = Text { document, list, lines };
        let Some((name, item)) = list.and_then(|list| text.document.get_key_value(list)) else { return Ok(text) };
        if item.is_array_of_tables() {
            return Ok(text);
        }
        let line = name.span().map(|span| text.line(&span));
        let name = name.get();
        Err(Problem { line, what: format!("every entry must begin with [[{name}]], in two brackets") })
    }

    /// The text itself.
    pub fn raw(&self) -> &str {
        self.document.raw()
    }

    /// The table of everything that stands outside other tables.
    pub fn root(&self) -> &Table {
        self.document.as_table()
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = &Table> {
        let list = self.list.and_then(|list| self.document.get(list)).and_then(Item::as_array_of_tables);
        list.into_iter().flat_map(toml_edit::ArrayOfTables::iter)
    }

    /// What stands beside the list and means nothing.
    pub fn strangers(&self) -> Vec<Problem> {
        let Some(list) = self.list else { return Vec::new() };
        let others = self.document.iter().filter(|(name, _)| *name != list);
        let problem = |(name, item): (&str, &Item)| {
            let span = self.document.key(name).and_then(toml_edit::Key::span).or_else(|| item.span());
            let line = span.map(|span| self.line(&span));
            Problem { line, what: format!("`{}` means nothing here: entries begin with [[{list}]]", shown(name)) }
        };
        others.take(COMPLAINTS).map(problem).collect()
    }

    /// The line in which something begins, from 1.
    pub fn line(&self, span: &Range<usize>) -> usize {
        self.lines.partition_point(|begin| *begin <= span.start) + 1
    }

    /// The text with one entry more, after a blank line. `entry` ends with its line.
    pub fn with(&self, entry: &str) -> String {
        let mut text = self.raw().to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.is_empty() && !ends_blank(&text) {
            text.push('\n');
        }
        text + entry
    }

    /// The text without the entries that have these numbers, and with what stands in one place
    /// replaced. Comments outside of the entries stay.
    pub fn changed(&self, cut: &[usize], put: Option<(Range<usize>, String)>) -> String {
        let mut places = Vec::new();
        for (number, table) in self.entries().enumerate() {
            if cut.contains(&number) {
                self.places(table, &mut places);
            }
        }
        let mut edits: Vec<(Range<usize>, Option<String>)> = places.into_iter().map(|place| (place, None)).collect();
        edits.extend(put.map(|(place, new)| (place, Some(new))));
        edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
        let mut text = self.raw().to_owned();
        for (place, new) in edits {
            let (Some(before), Some(after)) = (text.get(..place.start), text.get(place.end..)) else { continue };
            text = match new {
                Some(new) => format!("{before}{new}{after}"),
                None => join(before, after),
            };
        }
        text
    }

    /// The lines of a table and of the tables in it, which may stand anywhere.
    fn places(&self, table: &Table, places: &mut Vec<Range<usize>>) {
        let Some(header) = table.span() else { return };
        let mut end = header.end;
        self.grow(table, &mut end, places);
        let raw = self.raw();
        let start = raw.get(..header.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let end = raw.get(end..).and_then(|after| after.find('\n')).map_or(raw.len(), |more| end + more + 1);
        places.push(start..end);
    }

    fn grow(&self, table: &Table, end: &mut usize, places: &mut Vec<Range<usize>>) {
        for (_, item) in table {
            match item {
                Item::None => {}
                Item::Value(value) => *end = value.span().map_or(*end, |span| span.end.max(*end)),
                Item::Table(inner) if inner.is_dotted() || inner.is_implicit() => self.grow(inner, end, places),
                Item::Table(inner) => self.places(inner, places),
                Item::ArrayOfTables(inner) => inner.iter().for_each(|table| self.places(table, places)),
            }
        }
    }
}

fn ends_blank(text: &str) -> bool {
    text.is_empty() || text.ends_with("\n\n") || text.ends_with("\n\r\n")
}

/// Where something was cut out between two blank lines, one of them goes too.
fn join(before: &str, after: &str) -> String {
    if !ends_blank(before) {
        return format!("{before}{after}");
    }
    if after.is_empty() {
        let end = before.strip_suffix('\n').unwrap_or(before);
        return end.strip_suffix('\r').unwrap_or(end).to_owned();
    }
    let after = after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')).unwrap_or(after);
    format!("{before}{after}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;

    fn text(raw: &str) -> Text {
        Text::parse(raw.to_owned(), Some("thing")).unwrap()
    }

    #[test]
    fn one_more_and_one_less_is_the_same() {
        for raw in ["", "# a\n", "# a\n\n[[thing]]\nb = 1\n", "[[thing]]\n[thing.c]\nd = 1\n", "[other]\nx = 1 # y\n"] {
            let more = text(raw).with("[[thing]]\nnew = true\n");
            let more = text(&more);
            let last = more.entries().count() - 1;
            assert_eq!(more.changed(&[last], None), raw);
        }
        assert_eq!(text("a = 1").with("[[thing]]\n"), "a = 1\n\n[[thing]]\n");
    }

    #[test]
    fn only_the_entry_is_cut_out() {
        let raw = "\u{feff}# top\n\n  [[thing]] # one\na = '''\n# no comment'''\nb.c = [1, # in it\n 2] # end\n# after\n\
                   \n[thing.sub]\nd = 1\n\n[[thing]]\na = 2\n\n# between\n\n[other]\nx = 1\n[[thing]]\n# in three\n";
        let read = text(raw);
        let without_first = read.changed(&[0], None);
        let expected =
            "\u{feff}# top\n\n# after\n\n[[thing]]\na = 2\n\n# between\n\n[other]\nx = 1\n[[thing]]\n# in three\n";
        assert_eq!(without_first, expected);
        assert_eq!(text(&without_first).entries().count(), 2);
        assert_eq!(read.changed(&[1], None), raw.replace("[[thing]]\na = 2\n\n", ""));
        let none = text(&read.changed(&[0, 1, 2], None));
        assert_eq!(none.entries().count(), 0);
        assert_eq!(none.raw(), "\u{feff}# top\n\n# after\n\n# between\n\n[other]\nx = 1\n# in three\n");
    }

    #[test]
    fn one_place_is_replaced_while_others_go() {
        let read = text("[[thing]]\na = 'one' # why\n\n[[thing]]\na = 'two'\n");
        let span = read.entries().next().unwrap().get("a").unwrap().span().unwrap();
        assert_eq!(read.changed(&[1], Some((span, "'three'".to_owned()))), "[[thing]]\na = 'three' # why\n");
    }

    #[test]
    fn deep_nesting_is_refused_or_read_but_never_too_much_for_the_stack() {
        let dotted = format!("{}a = 1", "a.".repeat(500_000));
        let header = format!("[{}a]", "a.".repeat(500_000));
        let arrays = format!("a = {}", "[".repeat(500_000));
        let inline = format!("a = {}", "{a=".repeat(300_000));
        let tables: Vec<String> = (1..500).map(|depth| format!("[{}a]\n", "a.".repeat(depth))).collect();
        let work = move || {
            for raw in [dotted, header, arrays, inline, tables.concat()] {
                let _ = Text::parse(raw, Some("thing")).map(|text| text.changed(&[0], None));
            }
        };
        std::thread::Builder::new().stack_size(1024 * 1024).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn problems_have_lines() {
        for (raw, line) in [("\n\n[[thing]", 3), ("\nthing = 1", 2), ("\n\n\n[thing]\n", 4), ("thing.x = 1", 1)] {
            assert_eq!(Text::parse(raw.to_owned(), Some("thing")).unwrap_err().line, Some(line), "{raw}");
        }
        let strangers = text("a = 1\n\n[b]\nc = 1\n[[thing]]\n").strangers();
        assert_eq!(strangers.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(1), Some(3)]);
    }
}
