//! The stored sign-in: with a real keyring, with buses that do not answer, and with another user of the
//! machine. Each is tried with a process of its own, since a process has one environment and one user.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "how the processes talk, and say what is passed over")]

mod actor;
mod buses;
mod keyring;
mod strangers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hither_agent::credentials::{Account, Credentials, Keeping};
use hither_agent::paths::Paths;
use hither_wire::{Guid, PersonName};

fn account() -> Account {
    let user = PersonName::parse("ann@example.org").unwrap();
    Account { user, service: "wss://hither.example".into(), device: Guid(9), token: "the-token".into() }
}

fn credentials(home: &Path, keeping: Keeping) -> Credentials {
    Credentials::new(&Paths::below(home), keeping)
}

fn text(home: &Path) -> String {
    fs::read_to_string(credentials(home, Keeping::File).file()).unwrap()
}

/// This test again, as a process that does something with the sign-in in this home, and what it says.
fn act(program: &mut Command) -> Vec<String> {
    let output = program.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let said: Vec<String> = said.lines().filter_map(|line| Some(line.split_once("actor: ")?.1.to_owned())).collect();
    assert!(output.status.success() && !said.is_empty(), "{output:?}");
    said
}

/// Where a program is, if it is installed.
fn installed(name: &str) -> Option<PathBuf> {
    let found =
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed");
    }
    found
}
