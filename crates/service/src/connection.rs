//! One connection: frames in, frames out, signs of life. Decides nothing about sessions.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hither_proto::service::{Close, ConnId, Input};
use hither_wire::decode_client;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
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
    /// Where it comes from.
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

/// Runs a connection to its end, and tells the driver of it.
pub async fn run(
    conn: ConnId,
    mut socket: WebSocketStream<TcpStream>,
    link: Arc<Link>,
    inbox: mpsc::Sender<Note>,
    pace: Pace,
) {
    let opened = Note::Opened(conn, Arc::clone(&link));
    if inbox.send(opened).await.is_err() {
        return;
    }
    let why = tokio::select! {
        why = talk(conn, &mut socket, &link.outbox, &inbox, pace) => why,
        () = link.outbox.overflowed() => Some(Close::TooSlow),
    };
    // The driver goes on without this connection at once, if it has not stopped already; the
    // goodbye is only politeness.
    drop(inbox.send(Note::Input(Input::Closed { conn })).await);
    if let Some(why) = why {
        drop(timeout(GOODBYE, say_goodbye(&mut socket, why)).await);
    }
}

/// Until somebody ends it: `Some` if it is this side, with the reason.
async fn talk(
    conn: ConnId,
    socket: &mut WebSocketStream<TcpStream>,
    outbox: &Outbox,
    inbox: &mpsc::Sender<Note>,
    pace: Pace,
) -> Option<Close> {
    let mut heard = Instant::now();
    let mut pinged = false;
    loop {
        let silence = if pinged { pace.keepalive * 2 } else { pace.keepalive };
        tokio::select! {
            biased;
            () = outbox.filled() => {
                let Batch { frames, close } = outbox.take();
                match timeout(pace.unread, send(socket, frames)).await {
                    Ok(sent) => sent.ok()?,
                    Err(_) => return Some(Close::TooSlow),
                }
                if close.is_some() {
                    return close;
                }
            }
            frame = socket.next() => {
                heard = Instant::now();
                pinged = false;
                match frame? {
                    Ok(Message::Text(text)) => {
                        let frame = decode_client(text.as_str());
                        inbox.send(Note::Input(Input::Received { conn, frame })).await.ok()?;
                    }
                    Ok(Message::Binary(_)) => return Some(Close::Binary),
                    // The library answers pings and closes by itself.
                    Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => {}
                    Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => return Some(Close::TooLong),
                    Err(_) => return None,
                }
            }
            () = sleep_until(heard + silence) => {
                if pinged {
                    return Some(Close::Silent);
                }
                pinged = true;
                socket.send(Message::Ping(Bytes::new())).await.ok()?;
            }
        }
    }
}

/// Everything in one write, if it fits one.
async fn send(socket: &mut WebSocketStream<TcpStream>, frames: VecDeque<String>) -> Result<(), Error> {
    for frame in frames {
        socket.feed(Message::text(frame)).await?;
    }
    socket.flush().await
}

/// Closes, and waits until the client has seen it.
async fn say_goodbye(socket: &mut WebSocketStream<TcpStream>, why: Close) {
    let frame = CloseFrame { code: why.number().into(), reason: why.reason().into() };
    if socket.close(Some(frame)).await.is_err() {
        return;
    }
    loop {
        match socket.next().await {
            Some(Ok(_)) => {}
            // What could not be read is still under way: to drop it unread would reset the
            // connection before the client has seen why.
            Some(Err(Error::Capacity(_) | Error::Protocol(_))) => return drain(socket.get_mut()).await,
            Some(Err(_)) | None => return,
        }
    }
}

async fn drain(stream: &mut TcpStream) {
    let mut rest = [0; 1024];
    while let Ok(1..) = stream.read(&mut rest).await {}
}
