//! As much HTTP as a service needs that speaks something else: one bounded request, one answer.

use std::borrow::Cow;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::connection::linger;

/// The request's head: a browser's with its cookies fits.
const HEAD_BYTES: usize = 8 * 1024;
/// The first byte of whoever speaks TLS; no method begins with it.
pub const TLS_HANDSHAKE: u8 = 0x16;
/// Headers of a request.
pub const HEADERS: usize = 64;
/// How long the request may take to arrive, and a WebSocket's answer to leave.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer may take to be read: it is only politeness.
pub const FAREWELL: Duration = Duration::from_secs(2);

/// An answer in plain text, after which the connection is closed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// As in `404 Not Found`.
    pub status: &'static str,
    /// Further headers, each with its line end.
    pub header: &'static str,
    /// What it says.
    pub text: Cow<'static, str>,
}

/// Answers, and closes.
pub async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answer: &Answer) {
    let Answer { status, header, text } = answer;
    let plain = if header.contains("Content-Type") { "" } else { "Content-Type: text/plain; charset=utf-8\r\n" };
    let answer = format!(
        "HTTP/1.1 {status}\r\n{plain}Content-Length: {}\r\n{header}Connection: close\r\n\r\n{text}",
        text.len()
    );
    let write = async {
        if stream.write_all(answer.as_bytes()).await.is_ok() {
            linger(&mut stream).await;
        }
    };
    // Whoever does not take the answer goes without it.
    drop(timeout(FAREWELL, write).await);
}

/// The head up to its empty line, and what was read beyond.
pub async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut head = Vec::with_capacity(512);
    loop {
        // Only what is new is looked through: a head may come byte by byte.
        let seen = head.len().saturating_sub(END.len() - 1);
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
        let end = head.get(seen..).and_then(|new| new.windows(END.len()).position(|window| window == END));
        if let Some(at) = end {
            let rest = head.split_off(seen + at + END.len());
            return Some((head, rest));
        }
        if head.len() >= HEAD_BYTES || head.first() == Some(&TLS_HANDSHAKE) {
            // Too long to be one of ours, or TLS where none is spoken: judged, and refused, as it is.
            return Some((head, Vec::new()));
        }
    }
}
