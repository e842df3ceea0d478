//! Editing lines on the terminal: history in memory, completion, and messages above the prompt.

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use hither::Status;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Context, Editor, ExternalPrinter, Helper, Highlighter, Hinter, Validator};
use tokio::sync::mpsc;

use super::Names;
use super::commands::{COMMANDS, Command};
use crate::console::Console;
use crate::console::input::{Content, Line, Lines};

/// Prints above the prompt.
pub struct Printer(Box<dyn ExternalPrinter + Send>);

impl Printer {
    /// Prints a text that may have several lines.
    pub fn print(&mut self, text: &str) -> io::Result<()> {
        self.0.print(format!("{text}\n")).map_err(io::Error::other)
    }
}

/// Starts to edit lines. The next prompt comes when the last line has been dealt with.
pub fn start(console: Arc<Console>, names: Names) -> Result<(Printer, Lines)> {
    let config = Config::builder().auto_add_history(true).build();
    let mut editor: Editor<Completion, MemHistory> =
        Editor::with_history(config, MemHistory::new()).context("cannot edit lines on this terminal")?;
    editor.set_helper(Some(Completion { console, names }));
    let printer = editor.create_external_printer().context("cannot print on this terminal")?;
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || {
        while let Some(text) = edit_line(&mut editor) {
            let last = text.trim() == "quit";
            let (done, is_done) = sync_channel(0);
            let line = Line { content: Content::Whole(text.into_bytes()), done: Some(done) };
            // After the last line there must be no further prompt: the terminal is left as it was found.
            if sender.blocking_send(line).is_err() || last {
                break;
            }
            // Nothing is ever sent: the line's end is told by dropping it.
            let _ = is_done.recv();
        }
    });
    Ok((Printer(Box::new(printer)), lines))
}

/// One line; `None` at the end. Ctrl-C only drops what was typed.
fn edit_line(editor: &mut Editor<Completion, MemHistory>) -> Option<String> {
    loop {
        match editor.readline("hither> ") {
            Ok(line) => return Some(line),
            Err(ReadlineError::Interrupted) => {}
            Err(_) => return None,
        }
    }
}

#[derive(Helper, Highlighter, Hinter, Validator)]
struct Completion {
    console: Arc<Console>,
    names: Names,
}

impl Completer for Completion {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..pos).unwrap_or(line);
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = before.get(start..).unwrap_or_default();
        let words: Vec<&str> = before.get(..start).unwrap_or_default().split_whitespace().collect();
        let mut candidates = self.candidates(&words);
        candidates.retain(|candidate| candidate.to_lowercase().starts_with(&word.to_lowercase()));
        Ok((start, candidates.into_iter().map(|candidate| candidate + " ").collect()))
    }
}

impl Completion {
    /// What may come after `words`.
    fn candidates(&self, words: &[&str]) -> Vec<String> {
        let Some(name) = words.first() else {
            return COMMANDS.iter().map(|command| command.name.to_owned()).collect();
        };
        let Some(Command { arguments, .. }) = COMMANDS.iter().find(|command| command.name == *name) else {
            return Vec::new();
        };
        match arguments.split(' ').nth(words.len() - 1) {
            Some("SESSION") => self.console.sessions.live_numbers().iter().map(usize::to_string).collect(),
            Some("NAME@DOMAIN") => self.names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect(),
            Some("STATUS") => Status::CHOICES.iter().map(|status| status.name().to_owned()).collect(),
            Some("[COMMAND]") => COMMANDS.iter().map(|command| command.name.to_owned()).collect(),
            Some(choices) if choices.contains('|') => {
                choices.trim_matches(['[', ']']).split('|').map(str::to_owned).filter(|c| c != "ADDRESS").collect()
            }
            _ => Vec::new(),
        }
    }
}
