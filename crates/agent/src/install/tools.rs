//! The system's own programs, which are told of what was installed. None of them is needed.

use std::io::{self, Read as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::document::shown;

/// No program takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read of a program's complaints.
const COMPLAINT_BYTES: u64 = 4 * 1024;

/// How a program ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// To its end.
    Well,
    /// It is not installed.
    Absent,
    /// It failed, and this is what it said last.
    Badly(String),
}

/// What runs programs.
pub trait Tools {
    /// Runs a program of the system by its name, with these arguments, and waits for it.
    fn run(&self, program: &str, args: &[&str]) -> Ran;
}

/// Those of this system.
#[derive(Debug)]
pub struct System;

impl Tools for System {
    fn run(&self, program: &str, args: &[&str]) -> Ran {
        run(program, args, PATIENCE)
    }
}

fn run(program: &str, args: &[&str], patience: Duration) -> Ran {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ran::Absent,
        Err(error) => return Ran::Badly(error.to_string()),
    };
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (tell, told) = sync_channel(1);
    let waiting = thread::spawn(move || drop(tell.send(wait(child))));
    let ran = told.recv_timeout(patience);
    if ran.is_err()
        && let Some(pid) = pid
    {
        // It has not been waited for, so the id is still its own.
        let _ = kill_process(pid, Signal::KILL);
    }
    match ran {
        Ok(Ok(ran)) => {
            drop(waiting.join());
            ran
        }
        Ok(Err(error)) => Ran::Badly(error.to_string()),
        Err(_) => Ran::Badly("it does not come to an end".to_owned()),
    }
}

fn wait(mut child: Child) -> io::Result<Ran> {
    let mut said = Vec::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.take(COMPLAINT_BYTES).read_to_end(&mut said)?;
    }
    // Whatever else it says goes nowhere.
    drop(child.stderr.take());
    let status = child.wait()?;
    if status.success() {
        return Ok(Ran::Well);
    }
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    Ok(Ran::Badly(last.map_or_else(|| status.to_string(), shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_programs_run() {
        let system = System;
        assert_eq!(system.run("true", &[]), Ran::Well);
        assert_eq!(system.run("hither-no-such-program", &[]), Ran::Absent);
        assert_eq!(system.run("false", &[]), Ran::Badly("exit status: 1".to_owned()));
        let Ran::Badly(said) = system.run("cat", &["/nowhere/\u{1b}[2J"]) else { panic!("it is there") };
        assert!(said.contains("/nowhere/") && !said.contains('\u{1b}'), "{said}");
        assert_eq!(
            run("sleep", &["1000"], Duration::from_millis(50)),
            Ran::Badly("it does not come to an end".to_owned())
        );
    }
}
