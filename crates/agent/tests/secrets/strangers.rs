//! Another user of the machine: tried with a process of one, where the tests may make such.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use hither_agent::credentials::{CredentialsError, Keeping};
use tempfile::TempDir;

use super::actor::actor;
use super::{account, act, credentials};

/// `nobody`.
const STRANGER: u32 = 65_534;

/// A home with a sign-in, and this program where the stranger can read it.
struct Place {
    home: TempDir,
    program: PathBuf,
}

impl Place {
    /// `None` where the tests may not become somebody else.
    fn new() -> Option<Place> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be a second user");
            return None;
        }
        let home = TempDir::new().unwrap();
        let program = home.path().join("stranger");
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        open(&program, 0o755);
        credentials(home.path(), Keeping::File).save(&account()).unwrap();
        let place = Place { home, program };
        open(place.home.path(), 0o711);
        Some(place)
    }

    fn file(&self) -> PathBuf {
        credentials(self.home.path(), Keeping::File).file().to_owned()
    }

    fn stranger(&self, home: &Path, task: &str) -> String {
        let mut command = Command::new(&self.program);
        actor(&mut command, home, task);
        command.uid(STRANGER).gid(STRANGER).current_dir("/");
        act(&mut command).pop().unwrap()
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_stranger_cannot_read_the_token() {
    let Some(place) = Place::new() else { return };
    let file = place.file();
    assert_eq!(place.stranger(&file, "peek"), "Err(PermissionDenied)");
    // Nor if a careless person has let everybody into the folders.
    for folder in ["config", "config/hither"] {
        open(&place.home.path().join(folder), 0o755);
    }
    assert_eq!(place.stranger(&file, "peek"), "Err(PermissionDenied)");
    let theirs = place.stranger(place.home.path(), "load");
    assert!(theirs.starts_with("error: ") && theirs.contains("belongs to another user"), "{theirs}");
    assert!(place.stranger(place.home.path(), "save").starts_with("error: "));
    assert!(place.stranger(place.home.path(), "remove").starts_with("error: "));
    // What everybody can read is not taken for private any more.
    open(&file, 0o644);
    assert!(place.stranger(&file, "peek").starts_with("Ok("));
    let refused = credentials(place.home.path(), Keeping::File).load().unwrap_err();
    assert!(matches!(refused, CredentialsError::NotPrivate(_)), "{refused:?}");
}

#[test]
fn a_sign_in_of_a_stranger_is_not_taken() {
    let Some(place) = Place::new() else { return };
    chown(place.file(), Some(STRANGER), None).unwrap();
    let refused = credentials(place.home.path(), Keeping::File).load().unwrap_err();
    assert!(matches!(refused, CredentialsError::NotYours(_)), "{refused:?}");
    // Signing in puts one of the person's own into its place.
    credentials(place.home.path(), Keeping::File).save(&account()).unwrap();
    assert_eq!(credentials(place.home.path(), Keeping::File).load().unwrap().unwrap(), account());
}
