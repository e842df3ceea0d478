//! The socket itself: whose it is, who may enter, what is left of an agent that was killed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use hither_ipc::{BindError, ConnectError, Heard, Listener, ServerEnd, connect};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("run/agent.sock");
    (home, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn enter(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn an_application_connects() {
    let (_home, path) = place();
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(listener.path(), path);
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    let mut end = connect(&path).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    assert_eq!(accepted.peer.pid, Some(std::process::id()));
    assert_eq!(accepted.peer.uid, rustix::process::geteuid().as_raw());
    let (_reader, mut writer) = ServerEnd::new(accepted.stream).split();
    writer.close(1001).await.unwrap();
    assert_eq!(end.next(true).await, Heard::Closed(Some(1001)));
}

#[tokio::test]
async fn one_agent_at_a_time() {
    let (_home, path) = place();
    let first = Listener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(BindError::InUse(at)) if at == path));
    connect(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(BindError::InUse(_))), "it has the lock");
    drop(first);
    drop(Listener::bind(&path).unwrap());
    assert!(!path.exists());
    assert!(matches!(connect(&path).await, Err(ConnectError::NoAgent(_))));
    Listener::bind(&path).unwrap();
}

#[tokio::test]
async fn a_socket_that_answers_is_left_alone_and_a_stale_one_replaced() {
    let (_home, path) = place();
    drop(Listener::bind(&path).unwrap());
    // Of something that does not know of the lock.
    let other = UnixListener::bind(&path).unwrap();
    assert!(matches!(Listener::bind(&path), Err(BindError::InUse(_))));
    drop(other);
    assert!(path.exists(), "as after a kill");
    assert!(matches!(connect(&path).await, Err(ConnectError::NoAgent(_))));
    let listener = Listener::bind(&path).unwrap();
    connect(&path).await.unwrap();
    drop(listener);
}

#[tokio::test]
async fn only_its_own_socket_is_removed() {
    let (_home, path) = place();
    let listener = Listener::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(listener);
    assert!(path.exists());
}

#[tokio::test]
async fn what_is_no_socket_is_not_removed() {
    let (_home, path) = place();
    drop(Listener::bind(&path).unwrap());
    fs::write(&path, "precious").unwrap();
    assert!(matches!(Listener::bind(&path), Err(BindError::NoSocket(_))));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert!(matches!(connect(&path).await, Err(ConnectError::NoAgent(_))));
}

#[tokio::test]
async fn a_folder_that_others_can_enter_is_refused() {
    let (_home, path) = place();
    let folder = path.parent().unwrap();
    fs::create_dir(folder).unwrap();
    for open in [0o755, 0o710, 0o701] {
        enter(folder, open);
        let refused = Listener::bind(&path).unwrap_err();
        assert!(matches!(refused, BindError::Folder { .. }), "{refused:?}");
        assert!(refused.to_string().contains("0700"), "{refused}");
        assert!(!path.exists());
    }
    enter(folder, 0o700);
    Listener::bind(&path).unwrap();
}

#[tokio::test]
async fn paths_that_do_not_fit() {
    let home = tempfile::tempdir().unwrap();
    let longest = |bytes: usize| {
        let rest = bytes - home.path().as_os_str().len() - "//s".len();
        home.path().join("x".repeat(rest)).join("s")
    };
    let path = longest(108);
    assert!(matches!(Listener::bind(&path), Err(BindError::PathTooLong { max: 107, .. })));
    assert!(matches!(connect(&path).await, Err(ConnectError::PathTooLong { max: 107, .. })));
    assert!(!path.parent().unwrap().exists());
    let path = longest(107);
    let _listener = Listener::bind(&path).unwrap();
    connect(&path).await.unwrap();
}

#[tokio::test]
async fn a_person_may_lead_the_folder_elsewhere() {
    let (home, path) = place();
    let elsewhere = home.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, path.parent().unwrap()).unwrap();
    assert!(matches!(Listener::bind(&path), Err(BindError::Folder { .. })), "it can be entered by others");
    enter(&elsewhere, 0o700);
    Listener::bind(&path).unwrap();
}
