//! Lines of standard input, read by a thread of their own. Bounded: at most a few lines wait, and
//! of a line that is too long only the beginning is kept.

use std::io::{self, BufRead};
use std::sync::mpsc::SyncSender;
use std::thread;

use tokio::sync::mpsc;

/// The longest line, in bytes; more than any request that the service takes.
pub const LINE_BYTES: usize = 64 * 1024;
/// Lines that are read ahead.
const LINES_AHEAD: usize = 64;

/// A line of input.
#[derive(Debug)]
pub struct Line {
    pub content: Content,
    /// Dropped with the line: whoever edits the next line can wait until this one is done.
    #[expect(dead_code, reason = "its drop is what counts")]
    pub done: Option<SyncSender<()>>,
}

/// What a line says, without its newline.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Whole(Vec<u8>),
    /// Only the beginning of it.
    TooLong(Vec<u8>),
}

/// The lines that are still to come; `None` at the end of input.
pub type Lines = mpsc::Receiver<Line>;

/// Starts to read standard input.
pub fn read_stdin() -> Lines {
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    // Not a task: a read of standard input cannot be interrupted, and the process must be able to
    // end while it waits.
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        // An input that cannot be read any more has ended.
        while let Ok(Some(content)) = next_line(&mut stdin) {
            if sender.blocking_send(Line { content, done: None }).is_err() {
                break;
            }
        }
    });
    lines
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<Content>> {
    let mut line = Vec::new();
    let (mut any, mut too_long) = (false, false);
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            break;
        }
        any = true;
        let newline = available.iter().position(|byte| *byte == b'\n');
        let content = newline.and_then(|at| available.get(..at)).unwrap_or(available);
        let room = LINE_BYTES - line.len();
        line.extend_from_slice(content.get(..room).unwrap_or(content));
        too_long |= content.len() > room;
        let taken = newline.map_or(available.len(), |at| at + 1);
        input.consume(taken);
        if newline.is_some() {
            break;
        }
    }
    Ok(any.then_some(if too_long { Content::TooLong(line) } else { Content::Whole(line) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], buffer: usize) -> Vec<Content> {
        let mut input = io::BufReader::with_capacity(buffer, input);
        std::iter::from_fn(|| next_line(&mut input).unwrap()).collect()
    }

    #[test]
    fn lines_of_every_length() {
        let whole = |text: &[u8]| Content::Whole(text.to_vec());
        for buffer in [1, 3, 8192] {
            assert_eq!(lines(b"", buffer), []);
            assert_eq!(lines(b"a\n\nbc", buffer), [whole(b"a"), whole(b""), whole(b"bc")]);
        }
        let longest = vec![b'x'; LINE_BYTES];
        let mut input = longest.clone();
        input.push(b'\n');
        input.extend_from_slice(&longest);
        input.extend_from_slice(b"yyy\nz\n");
        assert_eq!(lines(&input, 8192), [Content::Whole(longest.clone()), Content::TooLong(longest), whole(b"z")]);
    }
}
