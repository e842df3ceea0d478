//! Invite somebody into an application.
//!
//! One person invites another, the other is asked and accepts, and both applications know the
//! session. Through it they exchange a few short strings, the context data: enough to open their own
//! direct connection. hither is the self-hosted successor of Messenger Session Invite; names, numbers
//! and limits are the original's.
//!
//! ```no_run
//! use hither::{Client, Event, State};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let signing_in = Client::builder("ws://127.0.0.1:4000/v1");
//!     let (client, mut events) = signing_in.sign_in("alice@example.org", "correct horse").await?;
//!
//!     let game = client.create_session();
//!     game.set_application("{305D86C6-6896-4099-91F5-CB7BA7733563}", "Chess", "https://chess.example")?;
//!     game.invite("bob@example.org", "white or black?").await?;
//!
//!     while let Some(event) = events.next().await {
//!         match event {
//!             Event::StateChanged { state: State::Connected, .. } => {
//!                 game.send_context_data("192.0.2.1:5000 8f3a").await?;
//!             }
//!             Event::ContextData { data, .. } => println!("Bob says {data}"),
//!             Event::Termination { code, .. } => {
//!                 println!("over: {}", code.advice());
//!                 break;
//!             }
//!             _ => {}
//!         }
//!     }
//!     client.sign_out().await?;
//!     Ok(())
//! }
//! ```
//!
//! On the other side the event is [`Event::Invitation`], with a [`Session`] to
//! [`accept`](Session::accept) or [`decline`](Session::decline).
//!
//! # Through the agent
//!
//! Where the person has an agent running (`hither agent`), an application needs no address, no name
//! and no password, and is started when somebody invites into it. [`Agent`] is the client of a person
//! who is signed in already: same [`Session`], same events, same errors.
//!
//! ```no_run
//! use hither::{Event, Session, State};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // The agent has started this program, because somebody has accepted.
//!     let (launched, _agent, mut events) = Session::launching().await?;
//!     println!("{} plays with {}", if launched.inviter { "white" } else { "black" }, launched.user);
//!     while let Some(event) = events.next().await {
//!         match event {
//!             Event::StateChanged { state: State::Connected, .. } => {
//!                 launched.session.send_context_data("192.0.2.1:5000 8f3a").await?;
//!             }
//!             Event::Termination { .. } => break,
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What to know
//!
//! - **Events are the truth.** A session's state changes when an event says so; when a call returns,
//!   its events are in the stream already. Take events steadily.
//! - **A lost connection is nobody's business** for as long as the service waits (30 seconds, usually):
//!   calls wait, nothing is lost, nothing comes twice. After that calls fail with their own code, and
//!   the sessions end with `SR_CONNECTION_FAILURE`. See [`Event::ConnectionLost`].
//! - **A killed process can go on**, from a [`ResumePoint`].
//! - **Dropping is safe.** A future that is dropped never doubles a call; a [`Session`] that is dropped
//!   is cancelled; when everything is dropped, the client signs out.
//! - **Errors say what to do.** Each has the reference's [`Code`], a sentence for a person, and a
//!   [`NextStep`].
//!
//! One task owns the connection and drives `hither_proto::client`, which decides everything; this
//! crate adds sockets, time and a file, and needs a tokio runtime.

mod agent;
mod client;
mod driver;
mod error;
mod event;
mod lock;
mod machine;
mod renewal;
mod resume;
mod session;
mod shared;
#[doc(hidden)]
pub mod transport;

pub use agent::{Agent, AgentBuilder, Launched};
pub use client::{Client, ClientBuilder};
pub use error::{ConnectError, Error, NextStep, Refusal};
pub use event::{Event, Events, Invitation};
pub use hither_proto::client::SessionSnapshot;
pub use hither_wire::account::Device;
pub use hither_wire::local::{Mode, Registration};
pub use hither_wire::message::{
    Application, Contact, ContactAction, Elsewhere, InvitationsFrom, Settings, SettingsChange, Stage,
};
pub use hither_wire::{Address, Code, DeviceId, Guid, LockStatus, PersonName, Role, SessionId, State, Status, message};
pub use lock::Key;
pub use resume::ResumePoint;
pub use session::{Attach, Session};
