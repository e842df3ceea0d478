//! One WebSocket, from a URL to frames.
//!
//! Buffers are small, as a client that mostly waits should be. Reading and writing are one poll, so
//! that neither can hold up the other, and dropping the future in between loses nothing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hither_wire::{ClientFrame, decode_server, limits};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::http::{StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::tls::{self, Trust};
use super::{Failure, Heard};

/// Where a service is, unless it was said.
const PATH: &str = "/v1";
/// The ports of `ws` and `wss`.
const PORT: u16 = 80;
const TLS_PORT: u16 = 443;
/// Small: most of what an idle connection costs is its buffers.
const BUFFER_BYTES: usize = 4 * 1024;
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);
/// Where a service with too many connections does not say when to come again.
const BUSY: Duration = Duration::from_secs(5);

/// The address of a service, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// With everything that may be left out.
    pub url: String,
    /// Whether TLS is spoken.
    pub tls: bool,
    host: String,
    port: u16,
}

/// What a WebSocket goes over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// An open WebSocket.
pub struct Web {
    socket: WebSocketStream<Box<dyn Stream>>,
    unsent: VecDeque<Message>,
    /// This side's address.
    pub local: Option<IpAddr>,
}

impl Address {
    /// Reads a URL; the error says what is wrong with it.
    pub fn parse(url: &str) -> Result<Address, String> {
        let given = url.trim();
        let (scheme, rest) = given.split_once("://").ok_or("it does not begin with wss:// or ws://")?;
        let (scheme, tls) = match scheme.to_ascii_lowercase().as_str() {
            "ws" => ("ws", false),
            "wss" => ("wss", true),
            "https" => return Err("https:// is not how a service is reached; use wss://".into()),
            _ => return Err(format!("{scheme}:// is not how a service is reached; use wss:// or ws://")),
        };
        if rest.is_empty() || rest.starts_with(['/', ':']) {
            return Err("the host is missing".into());
        }
        let uri: Uri = given.parse().map_err(|error| format!("it cannot be read ({error})"))?;
        let authority = uri.authority().ok_or("the host is missing")?;
        if authority.as_str().contains('@') {
            return Err("a name or password does not belong into it".into());
        }
        // Without a port there is nothing behind the host.
        let host = authority.host();
        let port = match (authority.port_u16(), authority.as_str().len() == host.len()) {
            (Some(port), _) if port != 0 => port,
            (None, true) if tls => TLS_PORT,
            (None, true) => PORT,
            _ => return Err("the port is not a number from 1 to 65535".into()),
        };
        let path = match uri.path() {
            "" | "/" => PATH,
            path => path,
        };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        Ok(Address { url: format!("{scheme}://{host}:{port}{path}"), tls, host: bare.to_owned(), port })
    }

    /// Opens a connection.
    pub async fn connect(self, trust: &Trust) -> Result<Web, Failure> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(Failure::Io)?;
        // Frames are small and somebody waits for each.
        stream.set_nodelay(true).map_err(Failure::Io)?;
        let local = stream.local_addr().ok().map(|address| address.ip());
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_write_buffer_size(limits::SERVICE_FRAME_BYTES)
            .max_message_size(Some(limits::SERVICE_FRAME_BYTES))
            .max_frame_size(Some(limits::SERVICE_FRAME_BYTES));
        let stream: Box<dyn Stream> =
            if self.tls { Box::new(tls::connect(stream, &self.host, trust).await?) } else { Box::new(stream) };
        let opening = client_async_with_config(self.url, stream, Some(config));
        let (socket, _) = opening.await.map_err(|error| no_service(&error, self.tls))?;
        Ok(Web { socket, unsent: VecDeque::new(), local })
    }
}

impl Web {
    /// Puts a frame behind those that wait to be sent; [`Web::next`] sends it.
    pub fn send(&mut self, frame: &ClientFrame) {
        self.unsent.push_back(Message::text(frame.encode()));
    }

    /// Sends what waits, and gives what comes; with `reading` false, sends only. Cancel-safe.
    pub async fn next(&mut self, reading: bool) -> Heard {
        poll_fn(|cx| {
            if self.poll_send(cx).is_err() {
                return Poll::Ready(Heard::Closed(None));
            }
            if reading { self.poll_hear(cx) } else { Poll::Pending }
        })
        .await
    }

    /// Sends what waits, and closes.
    pub async fn close(mut self) {
        let goodbye = async {
            self.unsent.push_back(Message::Close(None));
            while !matches!(self.next(true).await, Heard::Closed(_)) {}
        };
        drop(timeout(GOODBYE, goodbye).await);
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), WsError> {
        while !self.unsent.is_empty() {
            match self.socket.poll_ready_unpin(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return Ok(()),
            }
            if let Some(message) = self.unsent.pop_front() {
                self.socket.start_send_unpin(message)?;
            }
        }
        match self.socket.poll_flush_unpin(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    fn poll_hear(&mut self, cx: &mut Context<'_>) -> Poll<Heard> {
        self.socket.poll_next_unpin(cx).map(|message| match message {
            Some(Ok(Message::Text(text))) => decode_server(&text).map_or(Heard::Unreadable, Heard::Frame),
            Some(Ok(Message::Binary(_))) => Heard::Unreadable,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Heard::Life,
            Some(Ok(Message::Close(close))) => Heard::Closed(close.map(|close| close.code.into())),
            Some(Err(error)) => {
                tracing::debug!(%error, "the connection broke");
                Heard::Closed(None)
            }
            None => Heard::Closed(None),
        })
    }
}

fn no_service(error: &WsError, tls: bool) -> Failure {
    let perhaps = if tls { "" } else { "; if TLS is spoken there, use wss://" };
    let WsError::Http(response) = error else {
        return Failure::NoService(format!("no WebSocket is spoken there ({error}){perhaps}"));
    };
    let status = response.status();
    Failure::NoService(match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            let seconds = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            return Failure::Busy(seconds.map_or(BUSY, Duration::from_secs));
        }
        StatusCode::NOT_FOUND => format!(
            "there is nothing at this path, where a service would answer at {PATH}: the port may be another one's"
        ),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!("HTTP {status}; a proxy may be in the way"),
        StatusCode::BAD_REQUEST => format!("HTTP {status}{perhaps}"),
        status => format!("HTTP {status}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, full, host, port) in [
            ("ws://127.0.0.1:4000/v1", "ws://127.0.0.1:4000/v1", "127.0.0.1", 4000),
            ("WS://example.org", "ws://example.org:80/v1", "example.org", 80),
            ("wss://example.org", "wss://example.org:443/v1", "example.org", 443),
            ("WSS://[::1]", "wss://[::1]:443/v1", "::1", 443),
            (" ws://[::1]:4000/ ", "ws://[::1]:4000/v1", "::1", 4000),
            ("ws://[2001:db8::1]/play/v1", "ws://[2001:db8::1]:80/play/v1", "2001:db8::1", 80),
        ] {
            let target = Address::parse(url).unwrap();
            assert_eq!((target.url.as_str(), target.host.as_str(), target.port), (full, host, port));
        }
        for (url, says) in [
            ("", "ws://"),
            ("localhost:4000", "wss://"),
            ("wss://", "host"),
            ("http://example.org/v1", "use wss:// or ws://"),
            ("https://example.org/v1", "use wss://"),
            ("ws://", "host"),
            ("ws:///v1", "host"),
            ("ws://:4000/v1", "host"),
            ("ws://host:0/v1", "port"),
            ("ws://host:70000/v1", "port"),
            ("ws://host:/v1", "port"),
            ("ws://alice:secret@host/v1", "password"),
            ("ws://a host/v1", "cannot be read"),
        ] {
            let what = Address::parse(url).unwrap_err();
            assert!(what.contains(says), "{url}: {what}");
        }
    }
}
