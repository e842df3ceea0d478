//! A stream of bytes, cut into lines that are not too long.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much is read at a time.
const CHUNK_BYTES: usize = 4 * 1024;
/// What an empty buffer keeps of the memory that a long line took.
const KEEP_BYTES: usize = 16 * 1024;

/// What comes from the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Whole(Vec<u8>),
    /// A line that is longer than allowed. Where the next begins is not known any more: only
    /// [`Line::End`] follows.
    TooLong,
    /// Nothing follows. Half a line at the end of a stream is nothing.
    End,
}

/// Bytes that have come and are not a line yet.
#[derive(Debug)]
pub struct Incoming {
    bytes: Vec<u8>,
    /// So many of them have been looked through for the end of the line.
    seen: usize,
    max: usize,
    over: bool,
}

impl Incoming {
    /// Lines of at most `max` bytes, their end not counted.
    pub fn new(max: usize) -> Incoming {
        Incoming { bytes: Vec::new(), seen: 0, max, over: false }
    }

    /// The next line. Nothing is lost if the caller stops polling.
    pub fn poll_line<S: AsyncRead>(&mut self, mut stream: Pin<&mut S>, cx: &mut Context<'_>) -> Poll<Line> {
        loop {
            if self.over {
                return Poll::Ready(Line::End);
            }
            if let Some(line) = self.cut() {
                return Poll::Ready(Line::Whole(line));
            }
            // With its end, the longest line has one byte more.
            let room = (self.max + 1).saturating_sub(self.bytes.len());
            if room == 0 {
                self.finish();
                return Poll::Ready(Line::TooLong);
            }
            let mut chunk = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(chunk.split_at_mut(room.min(CHUNK_BYTES)).0);
            match ready!(stream.as_mut().poll_read(cx, &mut chunk)) {
                Ok(()) if !chunk.filled().is_empty() => self.bytes.extend_from_slice(chunk.filled()),
                Ok(()) => self.finish(),
                Err(error) => {
                    tracing::debug!(%error, "the local connection broke");
                    self.finish();
                }
            }
        }
    }

    fn cut(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.iter().skip(self.seen).position(|byte| *byte == b'\n');
        let Some(end) = end.map(|end| self.seen + end) else {
            self.seen = self.bytes.len();
            return None;
        };
        let rest = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        line.truncate(end);
        self.seen = 0;
        Some(line)
    }

    fn finish(&mut self) {
        self.over = true;
        self.bytes = Vec::new();
    }
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub struct Outgoing {
    bytes: Vec<u8>,
    written: usize,
}

impl Outgoing {
    /// Puts a line behind those that wait.
    pub fn push(&mut self, line: &str) {
        self.bytes.extend_from_slice(line.as_bytes());
        self.bytes.push(b'\n');
    }

    /// Writes what waits. Nothing is lost or written twice if the caller stops polling.
    pub fn poll_write<S: AsyncWrite>(
        &mut self,
        mut stream: Pin<&mut S>,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(stream.as_mut().poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                written => self.written += written,
            }
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BYTES);
        self.written = 0;
        stream.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests;
