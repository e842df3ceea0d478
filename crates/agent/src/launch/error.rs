//! Why a program cannot be started, and what to do about it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::document::shown_path;

/// Why a program cannot be started: a sentence with its path, without control characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// Its path is a relative one, so that what it means depends on where one is.
    #[error("the program {} is not given from / on: register it again", shown_path(.0))]
    NotAbsolute(PathBuf),
    /// There is no such file.
    #[error("there is no program {}: install it, or register where it is now", shown_path(.0))]
    NotFound(PathBuf),
    /// It is there, but not what it says that it is run by.
    #[error("{} cannot be started: what it is run by, in its first line or as its loader, is missing", shown_path(.0))]
    NoInterpreter(PathBuf),
    /// The file may not be run, or is none.
    #[error("{} is no program: if it should be, make it one with `chmod +x`", shown_path(.0))]
    NotExecutable(PathBuf),
    /// The system does not let this person run it.
    #[error("you may not run {}: ask for the right, or look at the folders above it", shown_path(.0))]
    NoPermission(PathBuf),
    /// The file may be run, but the system does not know how.
    #[error("{} is of a kind that this system cannot run: a script begins with a line such as #!/usr/bin/python3", shown_path(.0))]
    UnknownFormat(PathBuf),
    /// The arguments are longer than the system allows.
    #[error("the arguments of {} are longer than this system allows", shown_path(.0))]
    TooLong(PathBuf),
    /// An argument has a character that no argument can have.
    #[error("an argument of {} has a NUL character in it", shown_path(.0))]
    Nul(PathBuf),
    /// Whatever else the system says.
    #[error("{} cannot be started: {error}", shown_path(program))]
    Failed {
        /// The program.
        program: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl LaunchError {
    pub(super) fn of(program: &Path, error: io::Error) -> LaunchError {
        let meta = fs::metadata(program);
        let program = program.to_owned();
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT) if meta.is_ok() => LaunchError::NoInterpreter(program),
            Some(Errno::NOENT | Errno::NOTDIR) => LaunchError::NotFound(program),
            Some(Errno::ACCESS | Errno::PERM) => match meta {
                Ok(meta) if meta.is_dir() || meta.permissions().mode() & 0o111 == 0 => {
                    LaunchError::NotExecutable(program)
                }
                Ok(_) | Err(_) => LaunchError::NoPermission(program),
            },
            Some(Errno::NOEXEC) => LaunchError::UnknownFormat(program),
            Some(Errno::TOOBIG) => LaunchError::TooLong(program),
            None if error.kind() == io::ErrorKind::InvalidInput => LaunchError::Nul(program),
            Some(_) | None => LaunchError::Failed { program, error },
        }
    }
}
