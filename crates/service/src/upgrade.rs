//! From TCP to WebSocket: one HTTP request, answered in words that help whoever came by mistake.

use std::borrow::Cow;
use std::net::IpAddr;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use hither_wire::limits;

use crate::http::{self, Answer, HEADERS, PATIENCE};
use crate::proxy::{self, Network};

/// The path of the protocol's first version.
pub const PATH: &str = "/v1";
/// Small: most of what a connection costs is its buffers.
const BUFFER_BYTES: usize = 1024;

const NOT_HTTP: Answer = Answer {
    status: "400 Bad Request",
    header: "",
    text: Cow::Borrowed("This is not an HTTP request that can be understood.\n"),
};
const NOT_HERE: Answer = Answer {
    status: "404 Not Found",
    header: "",
    text: Cow::Borrowed("There is nothing here. hither speaks WebSocket at /v1.\n"),
};
const NOT_GET: Answer = Answer {
    status: "405 Method Not Allowed",
    header: "Allow: GET\r\n",
    text: Cow::Borrowed("Open a WebSocket with GET /v1.\n"),
};
const NO_UPGRADE: Answer = Answer {
    status: "426 Upgrade Required",
    header: "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    text: Cow::Borrowed("hither speaks WebSocket (RFC 6455, version 13) at /v1; this was a plain request.\n"),
};
const ORIGIN: Answer = Answer {
    status: "403 Forbidden",
    header: "",
    text: Cow::Borrowed(
        "Web pages of this origin may not connect. The operator of the service can allow it: --origin.\n",
    ),
};
/// For connections beyond the limit.
const TOO_MANY: Answer = Answer {
    status: "503 Service Unavailable",
    header: "Retry-After: 5\r\n",
    text: Cow::Borrowed("Too many connections. Try again later.\n"),
};

/// What is asked of those who come in.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Web pages that may connect.
    pub origins: &'a [String],
    /// The longest frame.
    pub frame_bytes: u64,
    /// Whose word counts for the address of the client; empty if it is not such a proxy that connects.
    pub proxies: &'a [Network],
}

/// A request that may be upgraded.
struct Asked {
    key: String,
    client: Option<IpAddr>,
}

/// Reads the request and answers it; the WebSocket, or `None` if it was refused or did not come.
/// `admit` is told for whom a proxy connects, and whether there is room for them.
pub async fn upgrade<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    rules: Rules<'_>,
    admit: impl FnOnce(Option<IpAddr>) -> bool,
) -> Option<Box<WebSocketStream<S>>> {
    let frame_bytes = usize::try_from(rules.frame_bytes).ok();
    let (head, rest) = timeout(PATIENCE, http::read_head(&mut stream)).await.ok()??;
    let asked = judge(&head, rules).and_then(|asked| if admit(asked.client) { Ok(asked) } else { Err(TOO_MANY) });
    match asked {
        Ok(Asked { key, client: _ }) => {
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
            Some(Box::new(WebSocketStream::from_partially_read(stream, rest, Role::Server, Some(config)).await))
        }
        Err(refusal) => {
            http::answer(stream, &refusal).await;
            None
        }
    }
}

/// Turns away a connection that is one too many.
pub async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(stream: S) {
    http::answer(stream, &TOO_MANY).await;
}

fn judge(head: &[u8], rules: Rules<'_>) -> Result<Asked, Answer> {
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
        && !rules.origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    {
        return Err(ORIGIN);
    }
    let key = header("Sec-WebSocket-Key").map(ToOwned::to_owned).ok_or(NO_UPGRADE)?;
    let forwarded = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(proxy::HEADER));
    // What is no text is no address either, and ends the search for one.
    let forwarded = forwarded.map(|header| std::str::from_utf8(header.value).unwrap_or_default());
    let client = if rules.proxies.is_empty() { None } else { proxy::client(rules.proxies, forwarded) };
    Ok(Asked { key, client })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::FAREWELL;
    use tokio::io::AsyncReadExt as _;
    use tokio::time::Instant;

    const REQUEST: &str = "GET /v1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    const RULES: Rules<'_> = Rules { origins: &[], frame_bytes: 16_384, proxies: &[] };

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for_without_end() {
        let (here, mut there) = tokio::io::duplex(4096);
        let start = Instant::now();
        there.write_all(&REQUEST.as_bytes()[..100]).await.unwrap();
        assert!(upgrade(here, RULES, |_| true).await.is_none());
        assert_eq!(start.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn byte_by_byte_and_with_a_frame_behind_it() {
        let (here, mut there) = tokio::io::duplex(4096);
        let client = tokio::spawn(async move {
            for byte in REQUEST.as_bytes() {
                there.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            // A masked `hi`.
            there.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
            there
        });
        let mut socket = upgrade(here, RULES, |_| true).await.unwrap();
        let frame = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
        assert_eq!(frame.into_text().unwrap().as_str(), "hi");
        let mut answer = [0; 200];
        let count = client.await.unwrap().read(&mut answer).await.unwrap();
        let answer = std::str::from_utf8(&answer[..count]).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{answer}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_read_the_refusal_goes_without_it() {
        let (here, _there) = tokio::io::duplex(16);
        let start = Instant::now();
        turn_away(here).await;
        assert_eq!(start.elapsed(), FAREWELL);
    }
}
