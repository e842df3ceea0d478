//! From TCP to WebSocket: one HTTP request, answered in words that help whoever came by mistake.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use hither_wire::limits;

/// The path of the protocol's first version.
pub const PATH: &str = "/v1";
/// The request's head: a browser's with its cookies fits.
const HEAD_BYTES: usize = 8 * 1024;
const HEADERS: usize = 64;
/// How long the request may take to arrive, and its answer to leave.
const PATIENCE: Duration = Duration::from_secs(10);
/// Small: most of what a connection costs is its buffers.
const BUFFER_BYTES: usize = 1024;

/// An answer instead of a WebSocket.
struct Refusal {
    status: &'static str,
    header: &'static str,
    text: &'static str,
}

const NOT_HTTP: Refusal =
    Refusal { status: "400 Bad Request", header: "", text: "This is not an HTTP request that can be understood.\n" };
const NOT_HERE: Refusal =
    Refusal { status: "404 Not Found", header: "", text: "There is nothing here. hither speaks WebSocket at /v1.\n" };
const NOT_GET: Refusal =
    Refusal { status: "405 Method Not Allowed", header: "Allow: GET\r\n", text: "Open a WebSocket with GET /v1.\n" };
const NO_UPGRADE: Refusal = Refusal {
    status: "426 Upgrade Required",
    header: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    text: "hither speaks WebSocket (RFC 6455, version 13) at /v1; this was a plain request.\n",
};
const ORIGIN: Refusal = Refusal {
    status: "403 Forbidden",
    header: "",
    text: "Web pages of this origin may not connect. The operator of the service can allow it: --origin.\n",
};
/// For connections beyond the limit.
const TOO_MANY: Refusal = Refusal {
    status: "503 Service Unavailable",
    header: "Retry-After: 5\r\n",
    text: "Too many connections. Try again later.\n",
};

/// Reads the request and answers it; the WebSocket, or `None` if it was refused or did not come.
pub async fn upgrade(
    mut stream: TcpStream,
    origins: &[String],
    frame_bytes: u64,
) -> Option<WebSocketStream<TcpStream>> {
    let frame_bytes = usize::try_from(frame_bytes).ok();
    let (head, rest) = timeout(PATIENCE, read_head(&mut stream)).await.ok()??;
    match judge(&head, origins) {
        Ok(key) => {
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            timeout(PATIENCE, stream.write_all(answer.as_bytes())).await.ok()?.ok()?;
            let config = WebSocketConfig::default()
                .read_buffer_size(BUFFER_BYTES)
                .write_buffer_size(BUFFER_BYTES)
                .max_write_buffer_size(limits::SERVICE_FRAME_BYTES * 2)
                .max_message_size(frame_bytes)
                .max_frame_size(frame_bytes);
            Some(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await)
        }
        Err(refusal) => {
            refuse(stream, &refusal).await;
            None
        }
    }
}

/// Turns away a connection that is one too many.
pub async fn turn_away(stream: TcpStream) {
    refuse(stream, &TOO_MANY).await;
}

async fn refuse(mut stream: TcpStream, refusal: &Refusal) {
    let Refusal { status, header, text } = refusal;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         {header}Connection: close\r\n\r\n{text}",
        text.len()
    );
    let write = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    // Whoever does not take the answer goes without it.
    drop(timeout(PATIENCE, write).await);
}

/// The head up to its empty line, and what was read beyond.
async fn read_head(stream: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::with_capacity(512);
    loop {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        if let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = head.split_off(at + 4);
            return Some((head, rest));
        }
        if head.len() >= HEAD_BYTES {
            // Too long to be one of ours: judged, and refused, as it is.
            return Some((head, Vec::new()));
        }
    }
}

/// The WebSocket key of a request that may be upgraded.
fn judge(head: &[u8], origins: &[String]) -> Result<String, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) | Err(_) => return Err(NOT_HTTP),
    }
    let path = request.path.unwrap_or_default();
    if path.split_once('?').map_or(path, |(path, _)| path) != PATH {
        return Err(NOT_HERE);
    }
    if request.method != Some("GET") {
        return Err(NOT_GET);
    }
    let header = |name: &str| {
        let found = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let has = |name: &str, token: &str| {
        header(name).is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    if !has("Connection", "upgrade") || !has("Upgrade", "websocket") || header("Sec-WebSocket-Version") != Some("13") {
        return Err(NO_UPGRADE);
    }
    if let Some(origin) = header("Origin")
        && !origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    {
        return Err(ORIGIN);
    }
    header("Sec-WebSocket-Key").map(ToOwned::to_owned).ok_or(NO_UPGRADE)
}
