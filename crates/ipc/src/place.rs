//! Where the socket is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of the socket: `HITHER_HOME/run`, or `hither` in `XDG_RUNTIME_DIR`, or, where the
/// system has none, a folder of the person's own in `/tmp`.
pub fn runtime_folder() -> PathBuf {
    runtime_folder_from(|name| env::var_os(name))
}

/// The same, from an environment that is given.
pub fn runtime_folder_from(var: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(home) = absolute("HITHER_HOME") {
        return home.join("run");
    }
    if let Some(runtime) = absolute("XDG_RUNTIME_DIR") {
        return runtime.join("hither");
    }
    let user = rustix::process::getuid().as_raw();
    PathBuf::from(format!("/tmp/hither-{user}"))
}

/// The socket in a runtime folder.
pub fn socket_in(folder: &Path) -> PathBuf {
    folder.join("agent.sock")
}

/// The socket of this person's agent: `HITHER_SOCKET`, which a started application inherits, or the
/// one in [`runtime_folder`].
pub fn socket_path() -> PathBuf {
    let given = env::var_os("HITHER_SOCKET").map(PathBuf::from).filter(|path| path.is_absolute());
    given.unwrap_or_else(|| socket_in(&runtime_folder()))
}
