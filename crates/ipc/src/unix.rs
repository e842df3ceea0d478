//! Unix domain sockets: who may reach them, and who is at the other end.
//!
//! Three things keep others out, each enough by itself: the folder is the person's alone, the socket
//! has the mode 0600, and each end asks the system for the other's user.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::net::{UnixListener, UnixStream};

use crate::client::ClientEnd;
use crate::error::{BindError, ConnectError};

/// What fits a socket's address, with its terminator.
const PATH_BYTES: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

/// A connection of this system.
pub type Stream = UnixStream;

/// An agent's socket, as long as this lives. Of several agents that begin at once one gets it.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    file: SocketFile,
}

/// A connection from an application of the same user.
#[derive(Debug)]
pub struct Accepted {
    /// The connection.
    pub stream: Stream,
    /// Who is at the other end.
    pub peer: Peer,
}

/// The process at the other end of a connection, as the system knows it from when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its id, if the system says it.
    pub pid: Option<u32>,
    /// Its user.
    pub uid: u32,
}

/// The socket's file, which goes when this goes, and the lock beside it, which stays as a file: who
/// removes a lock takes it from somebody who has just opened it.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: Option<(u64, u64)>,
    _lock: File,
}

impl Listener {
    /// Listens at this path. Must be called in a tokio runtime.
    ///
    /// A missing folder is made, for the person alone; a socket that nobody answers is replaced.
    pub fn bind(path: &Path) -> Result<Listener, BindError> {
        if !fits(path) {
            return Err(BindError::PathTooLong { path: path.to_owned(), max: PATH_BYTES });
        }
        let refused = |source| BindError::Io { path: path.to_owned(), source };
        let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
            return Err(refused(io::Error::new(io::ErrorKind::InvalidInput, "it has no folder")));
        };
        own_folder(folder).map_err(refused)??;
        let lock = lock(path).map_err(refused)?.ok_or_else(|| BindError::InUse(path.to_owned()))?;
        let mut file = SocketFile { path: path.to_owned(), identity: None, _lock: lock };
        clear_stale(path)?;
        let socket = UnixListener::bind(path).map_err(refused)?;
        file.identity = Some(identity(path).map_err(refused)?);
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(refused)?;
        Ok(Listener { socket, file })
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The next connection of this user; others are closed. Cancel-safe. An error is about one
    /// connection, or about the process having too many files open: it passes.
    pub async fn accept(&self) -> io::Result<Accepted> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            let credentials = stream.peer_cred()?;
            if credentials.uid() == own_user() {
                let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
                return Ok(Accepted { stream, peer: Peer { pid, uid: credentials.uid() } });
            }
            tracing::warn!("another user of this machine tried to connect, and was turned away");
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever put another one there keeps it.
        if self.identity.is_some() && identity(&self.path).ok() == self.identity {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Connects to the agent of this user.
pub async fn connect(path: &Path) -> Result<ClientEnd<Stream>, ConnectError> {
    if !fits(path) {
        return Err(ConnectError::PathTooLong { path: path.to_owned(), max: PATH_BYTES });
    }
    let refused = |source: io::Error| because(path, source);
    // Before anything is sent, and before somebody else's socket is even touched.
    if fs::metadata(path).map_err(refused)?.uid() != own_user() {
        return Err(ConnectError::NotYours(path.to_owned()));
    }
    let stream = UnixStream::connect(path).await.map_err(refused)?;
    if stream.peer_cred().map_err(refused)?.uid() != own_user() {
        return Err(ConnectError::NotYours(path.to_owned()));
    }
    Ok(ClientEnd::new(stream))
}

fn because(path: &Path, source: io::Error) -> ConnectError {
    use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound, PermissionDenied};
    let kind = source.kind();
    if matches!(kind, NotFound | NotADirectory | ConnectionRefused) {
        return ConnectError::NoAgent(path.to_owned());
    }
    if kind == PermissionDenied {
        return ConnectError::NotYours(path.to_owned());
    }
    ConnectError::Io { path: path.to_owned(), source }
}

fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

fn fits(path: &Path) -> bool {
    path.as_os_str().as_bytes().len() <= PATH_BYTES
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Makes the folder if it is missing, and sees that it is nobody else's: in a folder for everybody
/// somebody may have been quicker.
fn own_folder(folder: &Path) -> io::Result<Result<(), BindError>> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let link = fs::symlink_metadata(folder)?;
    let metadata = fs::metadata(folder)?;
    let wrong = |what| Ok(Err(BindError::Folder { folder: folder.to_owned(), what }));
    if link.uid() != own_user() || metadata.uid() != own_user() {
        return wrong("belongs to somebody else");
    }
    if metadata.mode() & 0o077 != 0 {
        return wrong("can be entered by others");
    }
    Ok(Ok(()))
}

/// The lock beside a socket; `None` if another process has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes a socket that nobody answers: what an agent leaves that was killed.
fn clear_stale(path: &Path) -> Result<(), BindError> {
    let refused = |source| BindError::Io { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(BindError::NoSocket(path.to_owned())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(refused),
        Err(Errno::NOENT) => Ok(()),
        // Somebody is there, even if too busy to answer.
        Ok(()) | Err(Errno::AGAIN) => Err(BindError::InUse(path.to_owned())),
        Err(error) => Err(refused(error.into())),
    }
}

/// Connects and goes, without waiting.
fn knock(path: &Path) -> rustix::io::Result<()> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)
}
