//! Programs that cannot be started, and what is said of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hither_agent::launch::{LaunchError, Launcher};
use tempfile::TempDir;

use super::{Place, exit, order, small};

fn refused(program: &Path) -> LaunchError {
    let home = TempDir::new().unwrap();
    Launcher::new(home.path().join("launched")).start(&order(program, &[])).unwrap_err()
}

fn file(home: &TempDir, name: &str, text: &[u8], mode: u32) -> std::path::PathBuf {
    let path = home.path().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn each_in_a_sentence() {
    let home = TempDir::new().unwrap();
    let missing = refused(&home.path().join("no\n\x1b[2Jwhere"));
    assert!(matches!(missing, LaunchError::NotFound(_)), "{missing:?}");
    assert!(missing.to_string().starts_with("there is no program /") && !missing.to_string().contains(['\n', '\x1b']));

    let below_file = refused(&file(&home, "plain", b"#!/bin/cat\n", 0o644).join("x"));
    assert!(matches!(below_file, LaunchError::NotFound(_)), "{below_file:?}");
    let plain = refused(&home.path().join("plain"));
    assert!(matches!(plain, LaunchError::NotExecutable(_)) && plain.to_string().contains("chmod +x"), "{plain:?}");
    let folder = refused(home.path());
    assert!(matches!(folder, LaunchError::NotExecutable(_)), "{folder:?}");
    let relative = refused(Path::new("cat"));
    assert!(matches!(relative, LaunchError::NotAbsolute(_)), "{relative:?}");
    let script = refused(&file(&home, "script", b"#!/nowhere/at/all\n", 0o755));
    assert!(matches!(script, LaunchError::NoInterpreter(_)), "{script:?}");
}

#[tokio::test]
async fn what_the_system_does_not_know_is_not_given_to_a_shell() {
    let home = TempDir::new().unwrap();
    let hacked = home.path().join("hacked");
    let program = file(&home, "program", format!("touch {}\n", hacked.display()).as_bytes(), 0o755);
    let unknown = refused(&program);
    assert!(matches!(unknown, LaunchError::UnknownFormat(_)), "{unknown:?}");
    assert!(!hacked.exists());
}

#[tokio::test]
async fn arguments_that_none_can_have() {
    let place = Place::new();
    let mut order = order(&small("true"), &["{local}".to_owned()]);
    order.local = Some("a\0b".into());
    assert!(matches!(place.launcher.start(&order).unwrap_err(), LaunchError::Nul(_)));
    order.local = Some("x".repeat(10_000_000));
    assert!(matches!(place.launcher.start(&order).unwrap_err(), LaunchError::TooLong(_)));
}

#[test]
fn without_a_runtime_there_is_an_error() {
    assert!(matches!(refused(&small("true")), LaunchError::Failed { .. }));
}

#[tokio::test]
async fn where_nothing_can_be_written_it_starts_all_the_same() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("launched"), "").unwrap();
    let launcher = Launcher::new(home.path().join("launched"));
    let order = order(&small("false"), &[]);
    let process = launcher.start(&order).unwrap();
    assert_eq!(exit(&launcher, process).await.status, Some(1));
    assert!(launcher.tail(order.session).is_empty());
}
