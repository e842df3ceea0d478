//! Why there is no socket, or no connection to it.

use std::io;
use std::path::PathBuf;

/// Why an agent cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another agent of this person listens there.
    #[error("an agent runs already: {} is in use", .0.display())]
    InUse(PathBuf),
    /// The path does not fit the system's socket address.
    #[error("{} has more than {max} bytes, too long for a socket: choose a shorter HITHER_HOME", path.display())]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// How many bytes fit.
        max: usize,
    },
    /// The folder is not this person's alone: whoever else can enter it could put a socket of their own there.
    #[error("{} {what}: the socket's folder must belong to you and have the mode 0700", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// There is something else where the socket should be.
    #[error("{} is no socket: move it away", .0.display())]
    NoSocket(PathBuf),
    /// The system refuses.
    #[error("cannot listen on {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why there is no connection to an agent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no socket, or nobody listens on it.
    #[error("no agent listens on {}", .0.display())]
    NoAgent(PathBuf),
    /// The socket, or the process at its other end, belongs to another user.
    #[error("{} belongs to another user of this machine", .0.display())]
    NotYours(PathBuf),
    /// The path does not fit the system's socket address.
    #[error("{} has more than {max} bytes, too long for a socket", path.display())]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// How many bytes fit.
        max: usize,
    },
    /// The system refuses.
    #[error("cannot connect to {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
