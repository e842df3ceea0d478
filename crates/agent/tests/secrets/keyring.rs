//! A real keyring: that of GNOME, on a bus of its own, where both are installed (Debian: `gnome-keyring`,
//! `dbus-daemon`).

use std::path::Path;
use std::process::{Command, Stdio};

use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use zbus::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::{ObjectPath, OwnedObjectPath};

use super::actor::actor;
use super::{act, installed, text};

const NAME: &str = "org.freedesktop.secrets";

/// A bus of its own with a process on it that does these things.
fn on_a_bus(home: &Path, task: &str) -> Option<Command> {
    let bus = installed("dbus-run-session")?;
    installed("gnome-keyring-daemon")?;
    let mut command = Command::new(bus);
    command.arg("--").arg(std::env::current_exe().unwrap());
    actor(&mut command, home, task);
    std::fs::create_dir_all(home.join("run")).unwrap();
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home.join("run")).env("XDG_DATA_HOME", home.join("share"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    Some(command)
}

/// Starts the keyring, for the process that is on the bus; it ends with the bus.
pub async fn start(home: &Path, password: Option<&str>) {
    let bus = zbus::Connection::session().await.unwrap();
    let names = DBusProxy::new(&bus).await.unwrap();
    let mut owners = names.receive_name_owner_changed_with_args(&[(0, NAME)]).await.unwrap();
    let mut daemon = tokio::process::Command::new("gnome-keyring-daemon");
    daemon.args(["--foreground", "--components=secrets"]).args(password.map(|_| "--unlock"));
    daemon.arg("--control-directory").arg(home.join("run")).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut daemon = daemon.spawn().unwrap();
    let mut stdin = daemon.stdin.take().unwrap();
    stdin.write_all(password.unwrap_or_default().as_bytes()).await.unwrap();
    drop(stdin);
    if !names.name_has_owner(BusName::try_from(NAME).unwrap()).await.unwrap() {
        owners.next().await.unwrap();
    }
}

/// Locks everything in the keyring.
pub async fn lock() {
    let bus = zbus::Connection::session().await.unwrap();
    let interface = Some("org.freedesktop.Secret.Service");
    let path = "/org/freedesktop/secrets";
    let login = ObjectPath::try_from("/org/freedesktop/secrets/collection/login").unwrap();
    let reply = bus.call_method(Some(NAME), path, interface, "Lock", &(vec![login],)).await.unwrap();
    let (locked, _): (Vec<OwnedObjectPath>, OwnedObjectPath) = reply.body().deserialize().unwrap();
    assert_eq!(locked.len(), 1);
}

#[test]
fn the_token_is_in_the_keyring() {
    let home = TempDir::new().unwrap();
    let Some(mut command) = on_a_bus(home.path(), "unlocked save load") else { return };
    assert_eq!(act(&mut command), ["kept in your system's keyring", "the-token"]);
    assert!(!text(home.path()).contains("the-token"));
    // The next agent, after the keyring was stopped and started, finds it there and takes it away.
    let mut command = on_a_bus(home.path(), "unlocked load save remove load").unwrap();
    assert_eq!(act(&mut command), ["the-token", "kept in your system's keyring", "removed", "nothing"]);
    let mut command = on_a_bus(home.path(), "unlocked save").unwrap();
    act(&mut command);
    let file = home.path().join("share/keyrings/login.keyring");
    std::fs::remove_file(file).unwrap();
    let mut command = on_a_bus(home.path(), "unlocked load").unwrap();
    assert_eq!(act(&mut command), ["error: the system's keyring does not have the token any more: sign in again"]);
}

#[test]
fn a_locked_keyring_gives_nothing_and_holds_nobody_up() {
    let home = TempDir::new().unwrap();
    let Some(mut command) = on_a_bus(home.path(), "unlocked save lock load") else { return };
    let said = act(&mut command);
    assert_eq!(said[0], "kept in your system's keyring");
    assert!(said[1].starts_with("error: the system's keyring is of no help: "), "{said:?}");
}

#[test]
fn a_keyring_without_a_place_for_it_leaves_the_file() {
    let home = TempDir::new().unwrap();
    let Some(mut command) = on_a_bus(home.path(), "locked save load") else { return };
    let said = act(&mut command);
    assert!(said[0].ends_with("account.toml, which only you can read"), "{said:?}");
    assert_eq!(said[1], "the-token");
}
