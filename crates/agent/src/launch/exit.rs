//! How a process ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::Signal;

/// How a process ended; neither is known of a process that an earlier agent has started. Shown so that
/// it goes on from "it": "exited with status 3".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// What it returned, if it ended by itself.
    pub status: Option<i32>,
    /// What ended it, if something else did.
    pub signal: Option<i32>,
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Exit {
        Exit { status: status.code(), signal: status.signal() }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.signal) {
            (Some(status), _) => write!(f, "exited with status {status}"),
            (None, Some(signal)) => {
                write!(f, "was ended by signal {signal}")?;
                name(signal).map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            (None, None) => f.write_str("ended"),
        }
    }
}

fn name(signal: i32) -> Option<&'static str> {
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::SYS, "SIGSYS"),
    ];
    known.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_words() {
        let words = |status, signal| Exit { status, signal }.to_string();
        assert_eq!(words(Some(3), None), "exited with status 3");
        assert_eq!(words(None, Some(9)), "was ended by signal 9 (SIGKILL)");
        assert_eq!(words(None, Some(40)), "was ended by signal 40");
        assert_eq!(words(None, None), "ended");
        assert_eq!(Exit::from(ExitStatus::from_raw(0x300)), Exit { status: Some(3), signal: None });
        assert_eq!(Exit::from(ExitStatus::from_raw(11)), Exit { status: None, signal: Some(11) });
    }
}
