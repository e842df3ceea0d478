//! A connection, from where it leads to frames: to a service over WebSocket, or to the agent on this
//! machine over its socket.
//!
//! Public, but no part of what an application uses: the agent drives `hither_proto::client` itself,
//! over the same connection. It may change with any version.

mod tls;
mod web;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hither_ipc::{ClientEnd, ConnectError as NoConnection, Stream};
use hither_wire::{ClientFrame, ServerFrame};

pub use crate::machine::{Clock, random_guid, setup};
pub use tls::CA_FILE;
use tls::Trust;
use web::{Address, Web};

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    name: String,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Service(Address, Trust),
    Agent(PathBuf),
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Failure {
    /// What is wrong with the URL.
    Url(String),
    /// Nobody answers, or the system refuses.
    Io(io::Error),
    /// What was answered instead.
    NoService(String),
    /// Why the service's certificate is not trusted.
    Untrusted(String),
    /// Too many connections.
    Busy(Duration),
    /// No agent listens on the socket.
    NoAgent(PathBuf),
    /// The socket, or who listens on it, is another user's.
    NotYours(PathBuf),
}

/// An open connection.
pub struct Connection {
    wire: Wire,
    /// This side's address, if it has one.
    pub local: Option<IpAddr>,
}

enum Wire {
    Service(Box<Web>),
    Agent(ClientEnd<Stream>),
}

/// What comes from a connection.
#[derive(Debug)]
pub enum Heard {
    /// A frame.
    Frame(ServerFrame),
    /// A message that is no frame.
    Unreadable,
    /// A ping or a pong.
    Life,
    /// It is gone, with this close code.
    Closed(Option<u16>),
}

impl Target {
    /// A service, by its URL; the error says what is wrong with it. Over TLS the system's authorities
    /// are trusted, and those in the file that [`CA_FILE`] names.
    pub fn parse(url: &str) -> Result<Target, String> {
        let address = Address::parse(url)?;
        Ok(Target { name: address.url.clone(), place: Place::Service(address, Trust::from_env()) })
    }

    /// The same, where the authorities in this file are trusted besides the system's.
    #[must_use]
    pub fn trusting(self, file: &Path) -> Target {
        match self.place {
            Place::Service(address, _) => Target { place: Place::Service(address, Trust::in_file(file)), ..self },
            Place::Agent(_) => self,
        }
    }

    /// An agent, by its socket.
    pub fn agent(socket: &Path) -> Target {
        Target { name: socket.display().to_string(), place: Place::Agent(socket.to_owned()) }
    }

    /// Where the service that was asked says to go instead; an agent has nowhere to send anybody.
    pub fn redirected(&self, url: &str) -> Result<Target, String> {
        match &self.place {
            Place::Service(from, trust) => {
                let target = Target::parse(url)?;
                match target.place {
                    Place::Service(to, _) if from.tls && !to.tls => Err("it leads away from TLS".into()),
                    Place::Service(to, _) => Ok(Target { place: Place::Service(to, trust.clone()), ..target }),
                    Place::Agent(_) => Ok(target),
                }
            }
            Place::Agent(_) => Err("an agent must not name one".into()),
        }
    }

    /// The URL with everything that may be left out; of an agent, its socket.
    pub fn url(&self) -> &str {
        &self.name
    }

    /// The socket, if it leads to an agent.
    pub fn socket(&self) -> Option<&Path> {
        match &self.place {
            Place::Service(..) => None,
            Place::Agent(socket) => Some(socket),
        }
    }

    /// Opens a connection.
    pub async fn connect(self) -> Result<Connection, Failure> {
        match self.place {
            Place::Service(address, trust) => {
                let web = address.connect(&trust).await?;
                Ok(Connection { local: web.local, wire: Wire::Service(Box::new(web)) })
            }
            Place::Agent(socket) => {
                let end = hither_ipc::connect(&socket).await.map_err(Failure::from)?;
                Ok(Connection { local: None, wire: Wire::Agent(end) })
            }
        }
    }
}

impl Connection {
    /// Puts a frame behind those that wait to be sent; [`Connection::next`] sends it.
    pub fn send(&mut self, frame: &ClientFrame) {
        match &mut self.wire {
            Wire::Service(web) => web.send(frame),
            Wire::Agent(end) => end.send(frame),
        }
    }

    /// Sends what waits, and gives what comes; with `reading` false, sends only. Cancel-safe.
    pub async fn next(&mut self, reading: bool) -> Heard {
        match &mut self.wire {
            Wire::Service(web) => web.next(reading).await,
            Wire::Agent(end) => match end.next(reading).await {
                hither_ipc::Heard::Frame(frame) => Heard::Frame(frame),
                hither_ipc::Heard::Unreadable => Heard::Unreadable,
                hither_ipc::Heard::Closed(code) => Heard::Closed(code),
            },
        }
    }

    /// Sends what waits, and closes.
    pub async fn close(self) {
        match self.wire {
            Wire::Service(web) => web.close().await,
            Wire::Agent(end) => end.close().await,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("local", &self.local).finish_non_exhaustive()
    }
}

impl From<NoConnection> for Failure {
    fn from(error: NoConnection) -> Failure {
        match error {
            NoConnection::NoAgent(socket) => Failure::NoAgent(socket),
            NoConnection::NotYours(socket) => Failure::NotYours(socket),
            NoConnection::Io { source, .. } => Failure::Io(source),
            NoConnection::PathTooLong { .. } => Failure::Io(io::Error::new(io::ErrorKind::InvalidInput, error)),
        }
    }
}
