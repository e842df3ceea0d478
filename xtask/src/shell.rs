//! Starting other programs.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, bail};

/// A command that runs in `folder`, with its arguments.
pub fn command(folder: &Path, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// Whether a program is there and says so with exit code 0.
pub fn works(program: &str, args: &[&str]) -> bool {
    let quiet = || Stdio::null();
    let status = Command::new(program).args(args).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a command to its end; an error if it fails.
pub fn run(mut command: Command) -> anyhow::Result<()> {
    let name = describe(&command);
    let status = command.status().with_context(|| format!("`{name}` cannot be started"))?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed on standard output.
pub fn output(mut command: Command) -> anyhow::Result<String> {
    let name = describe(&command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("`{name}` cannot be started"))?;
    if !output.status.success() {
        bail!("`{name}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{name}` printed something that is not UTF-8"))
}

/// Runs a command, passes on each line that it prints as it comes, and shows it to `look` too.
/// Returns whether it succeeded.
pub fn watch(mut command: Command, mut look: impl FnMut(&str)) -> anyhow::Result<bool> {
    let name = describe(&command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{name}` cannot be started"))?;
    let (lines, printed) = mpsc::channel();
    let readers = [
        child.stdout.take().map(|pipe| pass_on(pipe, lines.clone())),
        child.stderr.take().map(|pipe| pass_on(pipe, lines.clone())),
    ];
    drop(lines);
    for line in printed {
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).context("standard output is closed")?;
        look(line.trim_end());
    }
    for reader in readers.into_iter().flatten() {
        drop(reader.join());
    }
    Ok(child.wait().with_context(|| format!("`{name}` was lost"))?.success())
}

fn pass_on(pipe: impl Read + Send + 'static, lines: mpsc::Sender<String>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    })
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(command(Path::new("."), "cargo", &["--no-such-option"])).unwrap_err();
        assert!(error.to_string().contains("cargo --no-such-option"), "{error}");
    }

    #[test]
    fn lines_are_seen_as_they_are_printed() {
        let mut seen = Vec::new();
        let ok = watch(command(Path::new("."), "cargo", &["--version"]), |line| seen.push(line.to_owned())).unwrap();
        assert!(ok && seen.iter().any(|line| line.starts_with("cargo ")), "{seen:?}");
    }
}
