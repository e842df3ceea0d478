//! The application's end of a connection.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hither_wire::message::{ClientFrame, ServerFrame};
use hither_wire::{decode_server, limits};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::lines::{Incoming, Line, Outgoing};

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The application's end of a connection, over a [`crate::Stream`] or, in tests, over anything.
///
/// Reading and writing are one poll, so that neither can hold up the other, and dropping the future
/// in between loses nothing.
#[derive(Debug)]
pub struct ClientEnd<S> {
    stream: S,
    incoming: Incoming,
    outgoing: Outgoing,
    over: bool,
}

/// What comes from an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A frame.
    Frame(ServerFrame),
    /// A line that is no frame, or longer than [`limits::SERVICE_FRAME_BYTES`].
    Unreadable,
    /// It is gone, with this close code if it said one.
    Closed(Option<u16>),
}

/// The last line of an agent that says why it closes.
#[derive(Deserialize)]
struct Close {
    close: u16,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientEnd<S> {
    /// An end on a stream.
    pub fn new(stream: S) -> ClientEnd<S> {
        let incoming = Incoming::new(limits::SERVICE_FRAME_BYTES);
        ClientEnd { stream, incoming, outgoing: Outgoing::default(), over: false }
    }

    /// Puts a frame behind those that wait to be sent; [`ClientEnd::next`] sends it.
    pub fn send(&mut self, frame: &ClientFrame) {
        self.outgoing.push(&frame.encode());
    }

    /// Sends what waits, and gives what comes; with `reading` false, sends only. Cancel-safe.
    pub async fn next(&mut self, reading: bool) -> Heard {
        poll_fn(|cx| {
            // An agent that has closed may have said why, so what can still be heard is heard.
            let broken = matches!(self.poll_send(cx), Poll::Ready(Err(_)));
            if reading || broken { self.poll_hear(cx) } else { Poll::Pending }
        })
        .await
    }

    /// Sends what waits, and closes; gives up after two seconds.
    pub async fn close(mut self) {
        let goodbye = async {
            poll_fn(|cx| self.poll_send(cx)).await?;
            self.stream.shutdown().await?;
            while !matches!(self.next(true).await, Heard::Closed(_)) {}
            std::io::Result::Ok(())
        };
        // Nobody is left to be told.
        drop(timeout(GOODBYE, goodbye).await);
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.outgoing.poll_write(Pin::new(&mut self.stream), cx)
    }

    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        if self.over {
            return Poll::Ready(Heard::Closed(None));
        }
        self.incoming.poll_line(Pin::new(&mut self.stream), cx).map(|line| match line {
            Line::Whole(line) => self.decode(&line),
            Line::TooLong => Heard::Unreadable,
            Line::End => Heard::Closed(None),
        })
    }

    fn decode(&mut self, line: &[u8]) -> Heard {
        let Ok(text) = str::from_utf8(line) else { return Heard::Unreadable };
        if let Ok(frame) = decode_server(text) {
            return Heard::Frame(frame);
        }
        match serde_json::from_str(text) {
            Ok(Close { close }) => {
                self.over = true;
                Heard::Closed(Some(close))
            }
            Err(_) => Heard::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests;
