//! Lists that people and the agent write into the same file: TOML, one `[[table]]` for each entry.
//!
//! A change is a change of the text. An entry is put at its end or cut out of it, and everything
//! else, comments above all, stays as somebody wrote it. What is written is always a whole file: it
//! takes the place of the old one in one step, and only whoever holds the lock may do so.

mod fields;
mod files;
mod lock;
mod text;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hither_wire::Code;
use hither_wire::text::is_unseen;

pub use fields::Fields;
pub use files::{Trouble, make_folder, read};
pub use text::Text;

/// The largest file that is read, and written.
const FILE_BYTES: u64 = 1024 * 1024;
/// Entries of a file; more are not read.
pub const ENTRIES: usize = 1_000;
/// Complaints about the files of one kind: whoever mends those is told of the others.
pub const COMPLAINTS: usize = 100;
/// How long a process waits for another that is writing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a change is begun again because somebody without the lock changed the file meanwhile.
const TRIES: usize = 5;
/// How much of somebody's text stands in a message, in characters.
const SHOWN: usize = 300;

/// What is wrong with a file, and what to do about it; shown as `FILE:LINE: …`, without control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file, or the folder.
    pub file: PathBuf,
    /// The line, from 1, where there is one to point at.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_path(&self.file))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Why a registry or a list of rules was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// The code of the reference.
    pub code: Code,
    /// A sentence that a person can act on, without control characters.
    pub message: String,
}

impl Refused {
    /// A refusal.
    pub fn new(code: Code, message: impl Into<String>) -> Refused {
        Refused { code, message: message.into() }
    }

    /// An argument is malformed.
    pub fn malformed(message: impl Into<String>) -> Refused {
        Refused::new(Code::E_INVALIDARG, message)
    }

    /// A file cannot be written.
    pub fn unwritable(message: impl Into<String>) -> Refused {
        Refused::new(Code::REGDB_E_WRITEREGDB, message)
    }
}

/// What is wrong somewhere in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Problem {
    /// The same as a complaint about `file`.
    pub fn of(self, file: &Path) -> Complaint {
        Complaint { file: file.to_owned(), line: self.line, what: self.what }
    }
}

/// Somebody's text as it may stand in a message: not too long, and with control characters, and
/// those that turn the direction of writing, made visible.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(SHOWN) {
        if is_unseen(c) {
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A path as it may stand in a message.
pub fn shown_path(path: &Path) -> String {
    shown(&path.to_string_lossy())
}

/// A file with a list.
#[derive(Clone, Debug)]
pub struct ListFile {
    path: PathBuf,
    lock: PathBuf,
    list: &'static str,
    header: &'static str,
    patience: Duration,
}

impl ListFile {
    /// The file `NAME.toml` in `folder`, whose entries are `[[list]]`; `header` explains it to the
    /// person who opens it first.
    pub fn new(folder: &Path, name: &str, list: &'static str, header: &'static str) -> ListFile {
        let path = folder.join(format!("{name}.toml"));
        ListFile { path, lock: folder.join(format!("{name}.lock")), list, header, patience: PATIENCE }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; `None` if there is none.
    pub fn read(&self) -> Result<Option<Text>, Trouble> {
        let found = read(&self.path, FILE_BYTES)?;
        found.map(|(raw, _)| Text::parse(raw, Some(self.list)).map_err(Trouble::Damaged)).transpose()
    }

    /// What to say about files that were set aside and are still there.
    pub fn set_aside(&self) -> Vec<Complaint> {
        let what = "this is what stood in the file when it could not be read any more: put back what is needed, \
                    then delete this one";
        let files = files::set_aside_before(&self.path);
        files.into_iter().map(|file| Complaint { file, line: None, what: what.to_owned() }).collect()
    }

    /// Changes the file under its lock. `change` is given the text, or the header alone if there is
    /// no file or a damaged one, and gives the new text; it may be asked several times. A damaged
    /// file is set aside when there is something to write.
    pub fn edit(&self, change: impl Fn(&Text) -> Result<String, Refused>) -> Result<(), Refused> {
        let cannot = |path: &Path, error: &std::io::Error| {
            Refused::unwritable(format!("{} cannot be written: {}", shown_path(path), files::reason(error)))
        };
        if let Some(folder) = self.path.parent() {
            make_folder(folder).map_err(|error| cannot(folder, &error))?;
        }
        let _lock = lock::take(&self.lock, self.patience)?;
        for _ in 0..TRIES {
            let (text, found) = self.text_to_change()?;
            let new = change(&text)?;
            if new == text.raw() {
                return Ok(());
            }
            self.check(&new)?;
            if let Found::Damaged(problem) = &found {
                let aside = files::set_aside(&self.path).map_err(|error| cannot(&self.path, &error))?;
                let complaint = problem.clone().of(&self.path);
                tracing::warn!("{complaint}; it was set aside as {}, and a new one begun", shown_path(&aside));
            }
            let stamp = if let Found::Fine(stamp) = found { Some(stamp) } else { None };
            if files::write(&self.path, &new, stamp.as_ref()).map_err(|error| cannot(&self.path, &error))? {
                return Ok(());
            }
        }
        let path = shown_path(&self.path);
        Err(Refused::unwritable(format!("{path} is being changed by something else all the time: try again")))
    }

    fn text_to_change(&self) -> Result<(Text, Found), Refused> {
        let found = read(&self.path, FILE_BYTES).and_then(|found| {
            let Some((raw, stamp)) = found else { return Ok(None) };
            let text = Text::parse(raw, Some(self.list)).map_err(Trouble::Damaged)?;
            Ok(Some((text, stamp)))
        });
        let found = match found {
            Ok(Some((text, stamp))) => return Ok((text, Found::Fine(stamp))),
            Ok(None) => Found::Absent,
            Err(Trouble::Damaged(problem)) => Found::Damaged(problem),
            Err(Trouble::Unreadable(problem)) => return Err(Refused::unwritable(problem.of(&self.path).to_string())),
        };
        let header = Text::parse(self.header.to_owned(), Some(self.list));
        let text = header.map_err(|problem| Refused::new(Code::E_FAIL, problem.what))?;
        Ok((text, found))
    }

    /// What is about to be written could be read again.
    fn check(&self, new: &str) -> Result<(), Refused> {
        let path = shown_path(&self.path);
        if u64::try_from(new.len()).is_ok_and(|len| len > FILE_BYTES) {
            return Err(Refused::unwritable(format!("{path} would be larger than 1 MiB: take something out first")));
        }
        let parsed = Text::parse(new.to_owned(), Some(self.list));
        parsed.map(|_| ()).map_err(|_| {
            Refused::unwritable(format!("{path} is written in a way that cannot be changed by a program: edit it"))
        })
    }
}

/// What was found where the file should be.
enum Found {
    Absent,
    Damaged(Problem),
    Fine(files::Stamp),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use std::fs;

    fn file(folder: &Path) -> ListFile {
        ListFile { patience: Duration::from_millis(30), ..ListFile::new(folder, "things", "thing", "# Things.\n") }
    }

    #[test]
    fn whoever_waits_too_long_for_the_lock_is_told_which() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let held = lock::take(&file.lock, Duration::ZERO).unwrap();
        let refused = file.edit(|text| Ok(text.with("[[thing]]\n"))).unwrap_err();
        assert_eq!(refused.code, Code::REGDB_E_WRITEREGDB);
        assert!(refused.message.contains("things.lock"), "{refused}");
        assert!(!file.path().exists());
        drop(held);
        file.edit(|text| Ok(text.with("[[thing]]\n"))).unwrap();
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "# Things.\n\n[[thing]]\n");
    }

    #[test]
    fn an_edit_by_somebody_without_the_lock_is_not_lost() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let asked = std::cell::Cell::new(0);
        file.edit(|text| {
            if asked.replace(asked.get() + 1) == 0 {
                fs::write(file.path(), "# Mine.\n").unwrap();
            }
            Ok(text.with("[[thing]]\n"))
        })
        .unwrap();
        assert_eq!(asked.get(), 2);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "# Mine.\n\n[[thing]]\n");
        let busy = file.edit(|text| {
            fs::write(file.path(), format!("{}#\n", text.raw())).unwrap();
            Ok(text.with("[[thing]]\n"))
        });
        assert_eq!(busy.unwrap_err().code, Code::REGDB_E_WRITEREGDB);
        assert_eq!(fs::read_to_string(file.path()).unwrap(), format!("# Mine.\n\n[[thing]]\n{}", "#\n".repeat(TRIES)));
    }

    #[test]
    fn nothing_to_change_writes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        file.edit(|text| Ok(text.raw().to_owned())).unwrap();
        assert!(!file.path().exists());
        fs::write(file.path(), "damaged").unwrap();
        assert!(file.edit(|_| Err(Refused::malformed("no"))).is_err());
        assert_eq!(fs::read_to_string(file.path()).unwrap(), "damaged");
    }

    #[test]
    fn what_would_be_too_large_is_not_written() {
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let long = format!("[[thing]]\n# {}\n", "x".repeat(1024 * 1024));
        assert_eq!(file.edit(|text| Ok(text.with(&long))).unwrap_err().code, Code::REGDB_E_WRITEREGDB);
        assert_eq!(file.edit(|_| Ok("no TOML".to_owned())).unwrap_err().code, Code::REGDB_E_WRITEREGDB);
        assert!(!file.path().exists());
    }

    #[test]
    fn a_file_keeps_its_mode_and_its_link() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let home = tempfile::tempdir().unwrap();
        let file = file(home.path());
        let kept = home.path().join("kept");
        fs::create_dir(&kept).unwrap();
        let target = kept.join("mine.toml");
        fs::write(&target, "").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("kept/mine.toml", file.path()).unwrap();
        file.edit(|text| Ok(text.with("[[thing]]\n"))).unwrap();
        assert!(fs::symlink_metadata(file.path()).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "[[thing]]\n");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn what_is_shown_is_harmless() {
        assert_eq!(shown("a\u{1b}[2J\u{202e}\n"), "a\\u{1b}[2J\\u{202e}\\u{a}");
        assert_eq!(shown(&"x".repeat(SHOWN + 1)).chars().count(), SHOWN + 1);
        let complaint = Complaint { file: "/a\nb".into(), line: Some(3), what: "no".into() };
        assert_eq!(complaint.to_string(), "/a\\u{a}b:3: no");
    }
}
