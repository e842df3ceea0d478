//! Processes as Linux shows them: `/proc/PID/stat` says when one was started and who its parent is, a
//! pidfd when it ends, whoever has started it.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Process;

/// How far up a process is traced.
const GENERATIONS: usize = 64;
/// More than `/proc/PID/stat` ever has.
const STAT_BYTES: u64 = 4096;

/// What is needed of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// It waits to be asked for its status, or is being cleared away.
    ended: bool,
    parent: u32,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Stat> {
        let mut stat = Vec::new();
        File::open(format!("/proc/{pid}/stat")).ok()?.take(STAT_BYTES).read_to_end(&mut stat).ok()?;
        Stat::parse(&stat)
    }

    /// The second field is the program's name in parentheses, in which anything may stand, parentheses
    /// too; none come after it.
    fn parse(stat: &[u8]) -> Option<Stat> {
        let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
        let rest = str::from_utf8(stat.get(name_ends + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let ended = matches!(fields.next()?, "Z" | "X" | "x");
        let parent = fields.next()?.parse().ok()?;
        // The 22nd; the fourth has just been taken.
        let started = fields.nth(17)?.parse().ok()?;
        Some(Stat { ended, parent, started })
    }
}

pub fn started(pid: u32) -> Option<u64> {
    Stat::of(pid).map(|stat| stat.started)
}

pub fn is_alive(process: Process) -> bool {
    Stat::of(process.pid).is_some_and(|stat| stat.started == process.started && !stat.ended)
}

pub fn belongs(pid: u32, to: Process) -> bool {
    let mut pid = pid;
    for _ in 0..=GENERATIONS {
        let Some(stat) = Stat::of(pid) else { return false };
        if pid == to.pid {
            return stat.started == to.started;
        }
        // Nobody is older than whom they descend from.
        if stat.started < to.started {
            return false;
        }
        pid = stat.parent;
    }
    false
}

/// Waits for the end of a process that may be anybody's child.
pub async fn ended(process: Process) {
    if let Err(error) = hear_end(process).await {
        tracing::warn!(%error, pid = process.pid, "the end of this process will not be noticed");
        std::future::pending::<()>().await;
    }
}

async fn hear_end(process: Process) -> io::Result<()> {
    let Some(pidfd) = watch(process)? else { return Ok(()) };
    #[expect(deprecated, reason = "what takes its place is unsafe, for descriptors that are not owned; this one is")]
    let pidfd = AsyncFd::with_interest(pidfd, Interest::READABLE)?;
    pidfd.readable().await.map(drop)
}

/// `None` if it has ended.
fn watch(process: Process) -> io::Result<Option<OwnedFd>> {
    let pid = i32::try_from(process.pid).ok().and_then(Pid::from_raw);
    let Some(pid) = pid.filter(|_| is_alive(process)) else { return Ok(None) };
    match pidfd_open(pid, PidfdFlags::empty()) {
        // Between the two looks the id may have become another's; then this one is no more.
        Ok(pidfd) => Ok(Some(pidfd).filter(|_| is_alive(process))),
        Err(Errno::SRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;

    fn stat(name: &str, state: &str) -> Option<Stat> {
        let fields = "4 4 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8765 2 3 18446744073709551615 1 1";
        Stat::parse(format!("12 ({name}) {state} 1 {fields}\n").as_bytes())
    }

    #[test]
    fn a_name_with_anything_in_it() {
        let expected = Some(Stat { ended: false, parent: 1, started: 8765 });
        for name in ["cat", "a b c", "a) R 7 (b", ")))", "((", "", "\n) Z 9", "é"] {
            assert_eq!(stat(name, "S"), expected, "{name}");
        }
        let mut raw = b"12 (\xff\xfe) S 1 ".to_vec();
        raw.extend("0 ".repeat(17).bytes().chain(*b"77 0\n"));
        assert_eq!(Stat::parse(&raw), Some(Stat { ended: false, parent: 1, started: 77 }));
    }

    #[test]
    fn ended_and_senseless() {
        for (state, ended) in [("Z", true), ("X", true), ("R", false), ("D", false), ("t", false)] {
            assert_eq!(stat("cat", state).unwrap().ended, ended, "{state}");
        }
        for bad in ["", "12", "12 (cat", "12 (cat)", "12 (cat) S", "12 (cat) S 1 2 3", "12 (cat) S x 1"] {
            assert_eq!(Stat::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn this_process() {
        let own = Process::of(std::process::id()).unwrap();
        assert!(is_alive(own) && belongs(own.pid, own));
        let reused = Process { started: own.started + 1, ..own };
        assert!(!is_alive(reused) && !belongs(own.pid, reused));
        let parent = Process::of(std::os::unix::process::parent_id());
        assert!(parent.is_some_and(|parent| belongs(own.pid, parent) && !belongs(parent.pid, own)));
        assert_eq!(Process::of(u32::MAX), None);
        assert!(!is_alive(Process { pid: 0, started: 0 }) && !belongs(0, own) && !belongs(u32::MAX, own));
    }
}
