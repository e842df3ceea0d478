//! The socket between an application and the agent on its machine: where it is, both of its ends,
//! how a frame is framed, and who is at the other end.
//!
//! A Unix domain socket in the person's runtime folder, readable by its owner only. A frame is one
//! line of JSON. What the frames say is in `hither-wire`, and what is decided about it elsewhere.
//!
//! | file | what is there |
//! | --- | --- |
//! | `place` | where the socket is |
//! | `unix` | what only this system knows: sockets, owners, modes |
//! | `lines` | a stream cut into lines, with a limit |
//! | `server` | the agent's end |
//! | `client` | the application's end |

mod client;
mod error;
mod lines;
mod place;
mod server;

// A named pipe would stand beside it.
#[cfg(unix)]
mod unix;
#[cfg(unix)]
use unix as platform;

#[cfg(not(unix))]
compile_error!("hither's agent talks to applications over a Unix domain socket, which this system has not");

pub use client::{ClientEnd, Heard};
pub use error::{BindError, ConnectError};
pub use place::{runtime_folder, runtime_folder_from, socket_in, socket_path};
pub use platform::{Accepted, Listener, Peer, Stream, connect};
pub use server::{Received, ServerEnd, ServerReader, ServerWriter};
