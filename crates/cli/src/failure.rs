//! How the command says that it failed: one line on standard error and an exit code.

use std::fmt;
use std::process::ExitCode;

/// The command was called in a way that cannot work, found out after the arguments were parsed.
#[derive(Debug)]
pub struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// A usage error: exit code 2, like those of the argument parser.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

/// Prints the failure with its causes on one line, and says with which code to exit.
pub fn report(error: &anyhow::Error) -> ExitCode {
    say(format_args!("{error:#}"));
    if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// Prints one line on standard error.
#[expect(clippy::print_stderr, reason = "standard error is where a command reports")]
pub fn say(message: impl fmt::Display) {
    let line = message.to_string().replace('\n', " ");
    eprintln!("hither: {}", crate::terminal::escape(&line));
}
