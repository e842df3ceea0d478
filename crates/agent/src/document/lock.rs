//! One writer at a time, over all processes of the person.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::{Refused, files, shown_path};

/// Between two looks at a lock that somebody holds: from the first to the longest.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LATER_LOOKS: Duration = Duration::from_millis(50);

/// Takes the lock, which lasts until the result is dropped or the process ends, however it ends. The
/// file stays: a lock on a file that is removed would keep nobody out.
pub fn take(path: &Path, patience: Duration) -> Result<File, Refused> {
    let cannot = |what: &str| Refused::unwritable(format!("{} cannot be locked: {what}", shown_path(path)));
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = open.open(path).map_err(|error| cannot(&files::reason(&error)))?;
    let until = Instant::now() + patience;
    let mut pause = FIRST_LOOK;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(cannot(&files::reason(&error))),
            Err(TryLockError::WouldBlock) => {}
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let waited = patience.as_secs_f32();
            return Err(cannot(&format!(
                "another process has held it for {waited} s; see which with `fuser`, and stop it"
            )));
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LATER_LOOKS);
    }
}
