//! Applications that packages have installed: one file each, in folders of the system.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hither_wire::Guid;

use super::{App, Origin, entry};
use crate::document::{self, Complaint, Fields, Problem, Text};

/// Files that are read, of all folders together.
const FILES: usize = 1_000;
/// The largest file.
const FILE_BYTES: u64 = 64 * 1024;

/// Reads the files of all folders, sorted by name. An application of an earlier folder hides one of
/// a later folder, as it is meant; twice in one folder is a mistake.
pub fn read(folders: &[PathBuf], complaints: &mut Vec<Complaint>) -> BTreeMap<Guid, App> {
    let mut apps = BTreeMap::new();
    let mut left = FILES;
    for folder in folders {
        let names = names(folder, left, complaints);
        left = left.saturating_sub(names.len());
        let mut here: BTreeMap<Guid, App> = BTreeMap::new();
        for path in names {
            match application(&path) {
                Ok((app, remarks)) => {
                    complaints.extend(remarks.into_iter().map(|problem| problem.of(&path)));
                    if let Some(Origin::System(first)) = here.get(&app.guid).map(|app| &app.origin) {
                        let first = document::shown_path(first);
                        let what = format!("{} is registered by {first} already, which counts", app.guid);
                        complaints.push(Problem { line: None, what }.of(&path));
                    } else {
                        here.insert(app.guid, app);
                    }
                }
                Err(problem) => complaints.push(problem.of(&path)),
            }
        }
        for (guid, app) in here {
            apps.entry(guid).or_insert(app);
        }
    }
    apps
}

/// The first `most` files of a folder, by name.
fn names(folder: &Path, most: usize, complaints: &mut Vec<Complaint>) -> BTreeSet<PathBuf> {
    let mut names = BTreeSet::new();
    let problem = |error: &io::Error| Problem { line: None, what: format!("cannot be read: {error}") }.of(folder);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return names,
        Err(error) => {
            complaints.push(problem(&error));
            return names;
        }
    };
    let mut too_many = false;
    for entry in entries {
        match entry {
            Ok(entry) if is_ours(&entry.file_name()) => names.insert(entry.path()),
            Ok(_) => false,
            Err(error) => {
                complaints.push(problem(&error));
                break;
            }
        };
        if names.len() > most {
            too_many = true;
            names.pop_last();
        }
    }
    if too_many {
        let what = format!("only {FILES} files of applications are read: the last ones here do not count");
        complaints.push(Problem { line: None, what }.of(folder));
    }
    names
}

/// Whether a file of this name is read: editors and packagers leave others.
pub fn is_ours(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.ends_with(b".toml") && !name.starts_with(b".")
}

fn application(path: &Path) -> Result<(App, Vec<Problem>), Problem> {
    let gone = || Problem { line: None, what: "the file has just been removed".to_owned() };
    let (raw, _) = document::read(path, FILE_BYTES).map_err(document::Trouble::problem)?.ok_or_else(gone)?;
    let text = Text::parse(raw, None)?;
    entry::read(Fields::new(&text, text.root()), Origin::System(path.to_owned()))
}
