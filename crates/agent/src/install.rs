//! The agent as a part of the desktop: a systemd user unit that starts it with the desktop, and a
//! desktop entry with which `hither:` links lead to it.
//!
//! | file | what is there |
//! | --- | --- |
//! | `unit` | the systemd user unit, and how systemd wants a path quoted |
//! | `entry` | the desktop entry, and how desktops want a path quoted |
//! | `associations` | which application opens which links: a line in a file with others' lines |
//! | `files` | whole files in the place of others |
//! | `tools` | the system's own programs, which hear of it |

mod associations;
mod entry;
mod files;
mod tools;
mod unit;

use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::shown_path;
use crate::paths::Paths;

use tools::{Ran, Tools};

const UNIT: &str = "hither-agent.service";
const ENTRY: &str = "hither.desktop";

/// One thing that was done or is left to do; shown as a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is about, without control characters.
    pub what: String,
    /// What became of it.
    pub done: Done,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is written now.
    Written,
    /// It is gone now.
    Removed,
    /// It was so already.
    Already,
    /// The program ran.
    Ran,
    /// The person has to do something, for this reason.
    ByHand(String),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match &self.done {
            Done::Written => write!(f, "wrote {what}"),
            Done::Removed => write!(f, "removed {what}"),
            Done::Already => write!(f, "nothing to do about {what}"),
            Done::Ran => write!(f, "ran `{what}`"),
            Done::ByHand(why) => write!(f, "left to you: {what} ({why})"),
        }
    }
}

/// Why nothing more was installed or removed; what was done before stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// The program cannot stand in a unit or an entry.
    #[error("{} cannot be installed: {what}", shown_path(program))]
    Program {
        /// Which.
        program: PathBuf,
        /// What is wrong with its path.
        what: &'static str,
    },
    /// The system does not let a file be written or removed.
    #[error("{} cannot be written: {source}", shown_path(path))]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Installs `exe`, the `hither` program, for this person. May be done again, after it has moved too.
///
/// What cannot be done here, since there is no systemd, say, is a step left to the person. Nothing is
/// run unless the folders are those in which the system looks.
pub fn install(paths: &Paths, exe: &Path) -> Result<Vec<Step>, InstallError> {
    Desktop::new(paths, &tools::System).install(exe)
}

/// Removes what [`install`] has put there, and nothing else; fine if nothing is there.
pub fn uninstall(paths: &Paths) -> Result<Vec<Step>, InstallError> {
    Desktop::new(paths, &tools::System).uninstall()
}

/// Where everything goes.
struct Desktop<'a> {
    tools: &'a dyn Tools,
    /// Whether the system looks there.
    usual: bool,
    unit: PathBuf,
    wanted: PathBuf,
    entry: PathBuf,
    associations: PathBuf,
}

impl<'a> Desktop<'a> {
    fn new(paths: &Paths, tools: &'a dyn Tools) -> Desktop<'a> {
        let units = paths.config_home.join("systemd/user");
        Desktop {
            tools,
            usual: env::var_os("HITHER_HOME").is_none() && Paths::from_env().is_ok_and(|usual| usual == *paths),
            unit: units.join(UNIT),
            wanted: units.join(format!("{}.wants", unit::TARGET)).join(UNIT),
            entry: paths.data_home.join("applications").join(ENTRY),
            associations: paths.config_home.join("mimeapps.list"),
        }
    }

    fn install(&self, exe: &Path) -> Result<Vec<Step>, InstallError> {
        let refused = |what| InstallError::Program { program: exe.to_owned(), what };
        let program = exe.to_str().ok_or_else(|| refused("its path is no UTF-8"))?;
        if !program.starts_with('/') {
            return Err(refused("its path is not given from / on"));
        }
        if program.contains(char::is_control) {
            return Err(refused("its path has control characters in it"));
        }
        if !unit::can_name(program) {
            return Err(refused("systemd runs nothing with both quotes, or \\, and = in its path"));
        }
        let unit = put(&self.unit, "the systemd user unit", &unit::text(program))?;
        let replaced = unit.done == Done::Written;
        let mut steps = vec![unit, put(&self.entry, "the desktop entry", &entry::text(program))?];
        steps.push(self.associate(associations::with)?);
        if let Some(step) = self.elsewhere() {
            steps.push(step);
            return Ok(steps);
        }
        steps.push(self.update_entries());
        let enable: &[&[&str]] = &[&["daemon-reload"], &["enable", "--now", UNIT]];
        // A running agent goes on as it is; `try-restart` gives its sessions to the new one.
        let restart: &[&[&str]] = if replaced { &[&["try-restart", UNIT]] } else { &[] };
        steps.extend(self.manager(&[enable, restart].concat(), "the agent then starts with your desktop"));
        Ok(steps)
    }

    fn uninstall(&self) -> Result<Vec<Step>, InstallError> {
        let mut steps = Vec::new();
        let there = fs::symlink_metadata(&self.unit).is_ok();
        if there && self.usual {
            steps.extend(self.manager(&[&["stop", UNIT]], "an agent that runs goes on until then"));
        }
        steps.push(take(&self.unit, "the systemd user unit")?);
        // What `enable` has made, which works without a systemd that answers.
        if self.wanted.is_symlink() {
            steps.push(take(&self.wanted, "the link that starts it")?);
        }
        steps.push(take(&self.entry, "the desktop entry")?);
        steps.push(self.associate(associations::without)?);
        if self.usual && there {
            steps.extend(self.manager(&[&["daemon-reload"]], "systemd forgets the unit then, or when you log out"));
        }
        if self.usual && steps.iter().any(|step| step.done == Done::Removed) {
            steps.push(self.update_entries());
        }
        Ok(steps)
    }

    /// Changes our line in the file with everybody's.
    fn associate(&self, change: fn(&str) -> String) -> Result<Step, InstallError> {
        let path = &self.associations;
        let what = format!("the line for hither: links in {}", shown_path(path));
        let before = match crate::document::read(path, files::BYTES) {
            Ok(before) => before.map(|(text, _)| text).unwrap_or_default(),
            Err(trouble) => {
                let line = format!("{what}, {}", associations::LINE);
                return Ok(step(line, Done::ByHand(trouble.problem().what)));
            }
        };
        let after = change(&before);
        let done = if after == before {
            Done::Already
        } else if after.is_empty() {
            files::take(path)
                .map(|_| Done::Removed)
                .map_err(|source| InstallError::Io { path: path.clone(), source })?
        } else {
            files::put(path, &after).map_err(|source| InstallError::Io { path: path.clone(), source })?;
            if after.len() < before.len() { Done::Removed } else { Done::Written }
        };
        Ok(step(what, done))
    }

    /// The system does not look there.
    fn elsewhere(&self) -> Option<Step> {
        let folder = self.unit.parent().map(shown_path).unwrap_or_default();
        let why = "the system looks elsewhere as long as HITHER_HOME moves your files";
        (!self.usual)
            .then(|| step(format!("systemd and the desktop know nothing of {folder}"), Done::ByHand(why.into())))
    }

    fn update_entries(&self) -> Step {
        let folder = self.entry.parent().unwrap_or(&self.entry).to_string_lossy().into_owned();
        let what = format!("update-desktop-database {}", shown_path(Path::new(&folder)));
        match self.tools.run("update-desktop-database", &["-q", &folder]) {
            Ran::Well => step(what, Done::Ran),
            // Without it desktops look through the entries themselves.
            Ran::Absent => step(what, Done::Already),
            Ran::Badly(why) => step(what, Done::ByHand(why)),
        }
    }

    /// Has the person's systemd do these things, or leaves them to the person.
    fn manager(&self, commands: &[&[&str]], otherwise: &str) -> Vec<Step> {
        let line = |command: &[&str]| format!("systemctl --user {}", command.join(" "));
        let absent = match self.tools.run("systemctl", &["--user", "show", "--property=Version"]) {
            Ran::Well => None,
            Ran::Absent => Some("there is no systemd here; have your desktop start `hither agent`".to_owned()),
            Ran::Badly(_) => Some(format!("your systemd does not answer; {otherwise}")),
        };
        let mut steps = Vec::new();
        for command in commands {
            let done = match &absent {
                Some(why) => Done::ByHand(why.clone()),
                None => match self.tools.run("systemctl", &[&["--user"], *command].concat()) {
                    Ran::Well => Done::Ran,
                    Ran::Absent => Done::ByHand("there is no systemd here".to_owned()),
                    Ran::Badly(why) => Done::ByHand(why),
                },
            };
            steps.push(step(line(command), done));
        }
        steps
    }
}

fn put(path: &Path, what: &str, text: &str) -> Result<Step, InstallError> {
    let changed = files::put(path, text).map_err(|source| InstallError::Io { path: path.to_owned(), source })?;
    Ok(step(format!("{what} {}", shown_path(path)), if changed { Done::Written } else { Done::Already }))
}

fn take(path: &Path, what: &str) -> Result<Step, InstallError> {
    let removed = files::take(path).map_err(|source| InstallError::Io { path: path.to_owned(), source })?;
    Ok(step(format!("{what} {}", shown_path(path)), if removed { Done::Removed } else { Done::Already }))
}

fn step(what: impl Into<String>, done: Done) -> Step {
    Step { what: what.into(), done }
}

#[cfg(test)]
mod tests;
