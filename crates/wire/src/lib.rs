//! What is said: every message between a client and the service, as plain values.
//!
//! Messages are JSON text frames, specified for strangers in `spec/wire.md`; this crate is the same
//! promise in Rust. It decodes, encodes and checks the *form* of what was said. Whether it may be
//! said is decided in `hither-proto`; how it travels is the business of the shells. It knows no
//! socket, no clock and no runtime.

pub mod account;
pub mod address;
pub mod code;
mod decode;
pub mod ids;
pub mod limits;
pub mod local;
pub mod lock;
pub mod message;
pub mod presence;
pub mod state;
pub mod text;
pub mod version;

pub use address::Address;
pub use code::Code;
pub use decode::{Malformed, decode_client, decode_local, decode_server};
pub use ids::{DeviceId, Guid, PersonName, SessionId};
pub use lock::LockStatus;
pub use message::{Answer, ClientFrame, Event, Request, ServerFrame};
pub use presence::Status;
pub use state::{Role, State};
