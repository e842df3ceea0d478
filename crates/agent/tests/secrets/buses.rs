//! Session buses that are not there, or do not answer.

use std::env;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::actor::actor;
use super::{act, text};

/// Much longer than is waited, much shorter than for ever.
const LONG: Duration = Duration::from_secs(30);

fn process(home: &Path, task: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    actor(&mut command, home, task);
    command
}

fn is_in_the_file(home: &Path, said: &[String]) {
    let kept = format!("kept in {}", home.join("config/hither/account.toml").display());
    let (first, rest) = said.split_first().unwrap();
    assert!(first.starts_with(&kept), "{said:?}");
    assert_eq!(rest, ["the-token", "removed", "nothing"]);
}

#[test]
fn without_a_bus_the_file_is_used() {
    for address in [None, Some(""), Some("unix:path=/nowhere/at/all"), Some("rubbish")] {
        let home = TempDir::new().unwrap();
        let mut command = process(home.path(), "save load remove load must-save");
        address.map(|address| command.env("DBUS_SESSION_BUS_ADDRESS", address));
        let mut said = act(&mut command);
        let must = said.pop().unwrap();
        assert!(must.starts_with("error: the system's keyring is of no help: "), "{must}");
        is_in_the_file(home.path(), &said);
    }
}

/// Takes about three seconds: that long a bus may take.
#[test]
fn a_bus_that_says_nothing_is_not_waited_for() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("bus");
    let bus = UnixListener::bind(&socket).unwrap();
    let mut command = process(home.path(), "save load remove load");
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
    let begun = Instant::now();
    is_in_the_file(home.path(), &act(&mut command));
    assert!(begun.elapsed() < LONG);
    bus.set_nonblocking(true).unwrap();
    assert!(bus.accept().is_ok(), "it was tried");
}

#[test]
fn a_keyring_that_is_switched_off_is_not_asked() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("bus");
    let bus = UnixListener::bind(&socket).unwrap();
    let mut command = process(home.path(), "save load must-save load");
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display())).env("HITHER_KEYRING", "off");
    let said = act(&mut command);
    assert!(said[0].ends_with("which only you can read") && said[2] == said[0], "{said:?}");
    assert_eq!((said[1].as_str(), said[3].as_str()), ("the-token", "the-token"));
    assert!(text(home.path()).contains("token-in = \"file\""));
    bus.set_nonblocking(true).unwrap();
    assert!(bus.accept().is_err(), "nobody has connected");
}
