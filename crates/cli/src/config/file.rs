//! The settings that stand in a TOML file. Everything that is wrong is found at once, each with its
//! line, column and the nearest right name.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Key, TableLike};

use super::layers::{Effective, Finding, Given, Source, Values};
use super::suggest::{did_you_mean, nearest};
use super::table::{ISSUER, ISSUER_LIST, SECTIONS, SETTINGS, Setting};

/// The longest file that is read.
const FILE_BYTES: u64 = 1024 * 1024;
/// Issuers of a file: each token is looked for among them.
const ISSUERS: usize = 64;
/// Findings of a file: whoever puts those right is told of the others.
const FINDINGS: usize = 100;

/// What a file says.
#[derive(Debug, Default)]
pub struct Said {
    /// Its settings.
    pub given: Vec<Given>,
    /// Its issuers.
    pub issuers: Vec<Values>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Whether nothing of it could be read: what it says is not known then.
    pub unread: bool,
}

/// Reads a file.
pub fn read(path: &Path) -> Said {
    match content(path) {
        Ok(text) => parse(path, &text),
        Err(why) => {
            let what = format!("the configuration {} cannot be read: {why}", path.display());
            Said { findings: vec![Finding::error(&Source::Default, what)], unread: true, ..Said::default() }
        }
    }
}

fn content(path: &Path) -> Result<String, String> {
    let mut text = Vec::new();
    let reader = File::open(path).map_err(|error| error.to_string())?;
    reader.take(FILE_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > FILE_BYTES {
        return Err(format!("it is longer than {} KiB", FILE_BYTES / 1024));
    }
    String::from_utf8(text).map_err(|error| {
        let line = 1 + error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        format!("it is not UTF-8 (line {line})")
    })
}

/// Reads the text of a file.
pub fn parse(path: &Path, text: &str) -> Said {
    // Relative to the folder of the file, wherever the service is started.
    let folder = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = folder.parent().map_or_else(PathBuf::new, Path::to_owned);
    let mut reader = Reader { path, folder, text, said: Said::default() };
    match Document::parse(text) {
        Ok(document) => reader.document(&document),
        Err(error) => {
            let what = format!("this is not TOML: {}", error.message().lines().next().unwrap_or_default());
            reader.complain(error.span(), what);
            reader.said.unread = true;
        }
    }
    reader.said.findings.truncate(FINDINGS);
    reader.said
}

struct Reader<'a> {
    path: &'a Path,
    folder: PathBuf,
    text: &'a str,
    said: Said,
}

impl Reader<'_> {
    fn document(&mut self, document: &Document<&str>) {
        for (key, item) in entries(document.as_table()) {
            let name = key.get();
            if name == ISSUER_LIST {
                self.issuers(key, item);
            } else if SECTIONS.iter().any(|(section, _)| *section == name) {
                match item.as_table_like() {
                    Some(table) => self.section(name, table),
                    None => self.complain(key.span(), format!("[{name}] is a section: its settings stand below it")),
                }
            } else {
                self.unknown_section(key, item);
            }
        }
    }

    fn unknown_section(&mut self, key: &Key, item: &Item) {
        let name = key.get();
        let home = SETTINGS.iter().find(|setting| setting.key == name);
        let what = match home {
            Some(Setting { section, .. }) if !item.is_table_like() => {
                format!("{name} stands in no section: put it below [{section}]")
            }
            _ => {
                let names = SECTIONS.iter().map(|(section, _)| *section).chain([ISSUER_LIST]);
                let hint = nearest(name, names).map(|near| {
                    if near == ISSUER_LIST {
                        " (did you mean [[issuer]]?)".to_owned()
                    } else {
                        format!(" (did you mean [{near}]?)")
                    }
                });
                format!("there is no section {name}{}", hint.unwrap_or_default())
            }
        };
        self.complain(key.span(), what);
    }

    fn section(&mut self, section: &str, table: &dyn TableLike) {
        for (key, item) in entries(table) {
            let name = key.get();
            let found = SETTINGS.iter().position(|setting| setting.section == section && setting.key == name);
            match found.and_then(|at| Some((at, SETTINGS.get(at)?))) {
                Some((at, setting)) => {
                    let given = self.value(at, setting, key, item);
                    self.said.given.extend(given);
                }
                None => self.unknown_key(section, key, SETTINGS),
            }
        }
    }

    /// Right names of the same section, and the same name of another.
    fn unknown_key(&mut self, section: &str, key: &Key, table: &[Setting]) {
        let name = key.get();
        let elsewhere = SETTINGS.iter().find(|setting| setting.key == name);
        let here = table.iter().filter(|setting| setting.section == section).map(|setting| setting.key);
        let hint = match elsewhere {
            Some(setting) => format!(" (did you mean {name} below [{}]?)", setting.section),
            None => did_you_mean(name, here),
        };
        self.complain(key.span(), format!("there is no setting {section}.{name}{hint}"));
    }

    fn value(&mut self, at: usize, setting: &Setting, key: &Key, item: &Item) -> Option<Given> {
        let span = item.span().or_else(|| key.span());
        match setting.kind.read_item(item) {
            Ok(value) => {
                let value = value.beside(setting.kind, &self.folder);
                Some(Given { setting: at, value, source: self.place(span) })
            }
            Err(why) => {
                self.complain(span, format!("{}: {why}", setting.name()));
                None
            }
        }
    }

    fn issuers(&mut self, key: &Key, item: &Item) {
        let Some(list) = item.as_array_of_tables() else {
            return self.complain(key.span(), "issuers are a list: each begins with a line [[issuer]]".to_owned());
        };
        if list.len() > ISSUERS {
            return self.complain(key.span(), format!("there are more than {ISSUERS} issuers"));
        }
        for table in list {
            let mut values = Effective::issuer();
            values.source = self.place(table.span());
            for (key, item) in entries(table) {
                let found = ISSUER.iter().position(|setting| setting.key == key.get());
                match found.and_then(|at| Some((at, ISSUER.get(at)?))) {
                    Some((at, setting)) => match self.value(at, setting, key, item) {
                        Some(given) => values.put([given]),
                        None => values.spoil(at, self.place(key.span())),
                    },
                    None => self.unknown_key(ISSUER_LIST, key, ISSUER),
                }
            }
            self.said.issuers.push(values);
        }
    }

    fn complain(&mut self, span: Option<Range<usize>>, what: String) {
        let at = self.place(span);
        self.said.findings.push(Finding::error(&at, what));
    }

    fn place(&self, span: Option<Range<usize>>) -> Source {
        let before = span.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        Source::File(self.path.to_owned(), line, column)
    }
}

fn entries(table: &dyn TableLike) -> impl Iterator<Item = (&Key, &Item)> {
    table.iter().filter_map(|(name, _)| table.get_key_value(name))
}
