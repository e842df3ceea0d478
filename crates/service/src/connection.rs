//! One connection: frames in, frames out, signs of life. Decides nothing about sessions.

use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hither_proto::service::{Close, ConnId, Input};
use hither_wire::decode_client;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::driver::Note;
use crate::outbox::{Batch, Outbox};

/// How long a client may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(2);

/// The driver's end of a connection.
#[derive(Debug)]
pub struct Link {
    /// Where it comes from: a [`source`](crate::gate::source).
    pub address: IpAddr,
    /// What is sent to it.
    pub outbox: Outbox,
}

/// How long a connection is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A ping after this much silence, and the end after twice as much.
    pub keepalive: Duration,
    /// How long the client may leave unread what it is sent.
    pub unread: Duration,
}

/// Runs a connection to its end, and tells the driver of it. The socket is boxed: a future has room
/// for every place that a value passes through, and this one is held ten thousand times.
pub async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    conn: ConnId,
    mut socket: Box<WebSocketStream<S>>,
    link: Arc<Link>,
    inbox: mpsc::Sender<Note>,
    pace: Pace,
) {
    let opened = Note::Opened(conn, Arc::clone(&link));
    let why = if inbox.send(opened).await.is_err() {
        Some(Close::GoingAway)
    } else {
        tokio::select! {
            why = talk(conn, &mut socket, &link.outbox, &inbox, pace) => why,
            () = link.outbox.overflowed() => Some(Close::TooSlow),
        }
    };
    // The driver goes on without this connection at once, if it has not stopped already; the
    // goodbye is only politeness.
    drop(inbox.send(Note::Input(Input::Closed { conn })).await);
    if let Some(why) = why {
        drop(timeout(GOODBYE, say_goodbye(&mut socket, why)).await);
    }
}

/// Until somebody ends it: `Some` if it is this side, with the reason.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    conn: ConnId,
    socket: &mut WebSocketStream<S>,
    outbox: &Outbox,
    inbox: &mpsc::Sender<Note>,
    pace: Pace,
) -> Option<Close> {
    let mut heard = Instant::now();
    let mut pinged = false;
    // Looked at when it is over, and not set anew with every frame.
    let mut silence = pin!(sleep_until(heard + pace.keepalive));
    loop {
        tokio::select! {
            biased;
            () = outbox.filled() => {
                if let Err(why) = send_waiting(socket, outbox, pace).await {
                    return why;
                }
            }
            frame = socket.next() => {
                heard = Instant::now();
                pinged = false;
                match frame? {
                    Ok(Message::Text(text)) => {
                        let frame = decode_client(text.as_str());
                        if inbox.send(Note::Input(Input::Received { conn, frame })).await.is_err() {
                            return hear_out(socket, outbox, pace).await;
                        }
                    }
                    Ok(Message::Binary(_)) => return Some(Close::Binary),
                    // The library answers pings and closes by itself.
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {}
                    Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => return Some(Close::TooLong),
                    Err(_) => return None,
                }
            }
            () = &mut silence => {
                let until = heard + if pinged { pace.keepalive * 2 } else { pace.keepalive };
                if Instant::now() < until {
                    silence.as_mut().reset(until);
                    continue;
                }
                if pinged {
                    return Some(Close::Silent);
                }
                pinged = true;
                silence.as_mut().reset(heard + pace.keepalive * 2);
                if let Err(why) = in_time(pace, socket.send(Message::Ping(Bytes::new()))).await {
                    return why;
                }
            }
        }
    }
}

/// The driver has stopped and takes no more; what it says last is still to be sent.
async fn hear_out<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    outbox: &Outbox,
    pace: Pace,
) -> Option<Close> {
    let last_words = async {
        loop {
            outbox.filled().await;
            if let Err(why) = send_waiting(socket, outbox, pace).await {
                return why;
            }
        }
    };
    timeout(GOODBYE, last_words).await.unwrap_or(Some(Close::GoingAway))
}

/// Sends all that waits, in one write if it fits one. `Err` as the end of [`talk`].
async fn send_waiting<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    outbox: &Outbox,
    pace: Pace,
) -> Result<(), Option<Close>> {
    let Batch { frames, close } = outbox.take();
    let send = async {
        for frame in frames {
            socket.feed(Message::text(frame)).await?;
        }
        socket.flush().await
    };
    in_time(pace, send).await?;
    if close.is_some() { Err(close) } else { Ok(()) }
}

/// A client that does not read is not waited for without end. `Err` as the end of [`talk`].
async fn in_time(pace: Pace, send: impl Future<Output = Result<(), Error>>) -> Result<(), Option<Close>> {
    match timeout(pace.unread, send).await {
        Ok(sent) => sent.map_err(|_| None),
        Err(_) => Err(Some(Close::TooSlow)),
    }
}

/// Closes, and waits until the client has seen it.
async fn say_goodbye<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, why: Close) {
    let frame = CloseFrame { code: why.number().into(), reason: why.reason().into() };
    if socket.close(Some(frame)).await.is_err() {
        return;
    }
    while let Some(Ok(_)) = socket.next().await {}
    linger(socket.get_mut()).await;
}

/// Ends a stream so that what was written last arrives: to drop it while something unread is under
/// way would reset the connection before the client has seen why.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    if stream.shutdown().await.is_ok() {
        let mut rest = [0; 256];
        while let Ok(1..) = stream.read(&mut rest).await {}
    }
}

#[cfg(test)]
mod tests;
