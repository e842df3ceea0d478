//! What may go to a terminal: colour where it is wanted, and nobody else's control characters.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use anyhow::Context as _;
use hither_wire::text::is_unseen;
use serde::Serialize;

/// Makes text from somebody else harmless: control characters and those that turn the direction of
/// writing are shown as `\u{…}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unseen(c) {
            let _ = write!(shown, "{}", c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// A value as one line of JSON, harmless too: what could do something to a terminal stands in texts
/// only, where JSON lets it be written by its number.
pub fn json(value: &impl Serialize) -> String {
    // Maps with text keys and plain values cannot fail to be written.
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Colour if `stream` is a terminal and `NO_COLOR` is not set.
    pub fn of(stream: &impl IsTerminal) -> Paint {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint { on: stream.is_terminal() && !unwanted }
    }

    /// Whether there is colour.
    pub fn is_on(self) -> bool {
        self.on
    }

    /// For headings and for what stands out.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// For what is beside the point.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// For refusals.
    pub fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// For what works.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// For the first of two people, and for events.
    pub fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }

    /// For the second of two people.
    pub fn magenta(self, text: &str) -> String {
        self.wrap("35", text)
    }

    fn wrap(self, colour: &str, text: &str) -> String {
        if self.on { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes one whole line to standard output and flushes it.
pub fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Shows one line to whoever runs the command.
pub fn show(line: &str) -> anyhow::Result<()> {
    print_line(line).context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(escape("a\x1b[31mb\u{9b}c"), "a\\u{1b}[31mb\\u{9b}c");
        assert_eq!(escape("line\r\nline\0"), "line\\u{d}\\u{a}line\\u{0}");
        assert_eq!(escape("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert!(matches!(escape("Grüße, 你好 \u{1f600}"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_is_harmless_and_says_the_same() {
        let text = "a\x1b[31m\u{9b}\u{202e}\u{e0001}\u{7f}ü\n\"";
        let line = json(&text);
        assert!(!line.contains(is_unseen), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        assert!(line.contains('ü'));
    }
}
