//! The agent's end of a connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;

use hither_wire::message::{ClientFrame, ServerFrame};
use hither_wire::{Code, Malformed, decode_local, limits};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};

use crate::lines::{Incoming, Line};

/// The agent's end of a connection, over a [`crate::Stream`] or, in tests, over anything.
#[derive(Debug)]
pub struct ServerEnd<S> {
    stream: S,
}

/// What comes from an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A frame, or what is wrong with it: answered if it has an id, else a reason to close.
    Frame(Result<ClientFrame, Malformed>),
    /// A line longer than [`limits::CLIENT_FRAME_BYTES`]. Nothing but [`Received::Closed`] follows.
    TooLong,
    /// The application is gone.
    Closed,
}

/// The half that hears.
#[derive(Debug)]
pub struct ServerReader<S> {
    stream: ReadHalf<S>,
    incoming: Incoming,
}

/// The half that speaks.
#[derive(Debug)]
pub struct ServerWriter<S> {
    stream: WriteHalf<S>,
}

impl<S: AsyncRead + AsyncWrite> ServerEnd<S> {
    /// An end on a stream.
    pub fn new(stream: S) -> ServerEnd<S> {
        ServerEnd { stream }
    }

    /// Both halves, for two tasks. The stream is closed when both are gone.
    pub fn split(self) -> (ServerReader<S>, ServerWriter<S>) {
        let (reading, writing) = tokio::io::split(self.stream);
        let incoming = Incoming::new(limits::CLIENT_FRAME_BYTES);
        (ServerReader { stream: reading, incoming }, ServerWriter { stream: writing })
    }
}

impl<S: AsyncRead + AsyncWrite> ServerReader<S> {
    /// The next frame. Cancel-safe: dropping the future loses nothing.
    pub async fn recv(&mut self) -> Received {
        match poll_fn(|cx| self.incoming.poll_line(Pin::new(&mut self.stream), cx)).await {
            Line::Whole(line) => Received::Frame(decode(&line)),
            Line::TooLong => Received::TooLong,
            Line::End => Received::Closed,
        }
    }
}

impl<S: AsyncRead + AsyncWrite> ServerWriter<S> {
    /// Sends a frame. Not cancel-safe: a future that is dropped may have written half a line.
    pub async fn send(&mut self, frame: &ServerFrame) -> io::Result<()> {
        self.line(frame.encode()).await
    }

    /// Says why, as a WebSocket's close code would, and closes this half. Not cancel-safe.
    pub async fn close(&mut self, code: u16) -> io::Result<()> {
        self.line(format!(r#"{{"close":{code}}}"#)).await?;
        self.shutdown().await
    }

    /// Closes this half, without a reason.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    async fn line(&mut self, mut line: String) -> io::Result<()> {
        line.push('\n');
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }
}

fn decode(line: &[u8]) -> Result<ClientFrame, Malformed> {
    let Ok(text) = str::from_utf8(line) else {
        let message = "the frame is not UTF-8".to_owned();
        return Err(Malformed { id: None, code: Code::E_INVALIDARG, message });
    };
    decode_local(text)
}

#[cfg(test)]
mod tests;
