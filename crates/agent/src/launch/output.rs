//! What applications say on standard error: a file for each session, which only the person can read.
//!
//! It is a file and no pipe because an application goes on when its agent is killed, and would be
//! killed by a pipe that nobody reads.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::PathBuf;

use hither_wire::{Guid, SessionId};
use rustix::fs::OFlags;

use crate::document::{make_folder, shown};

const SUFFIX: &str = ".stderr";
/// Lines of a tail.
const LINES: usize = 20;
/// Characters of a line of a tail.
const CHARS: usize = 400;
/// As much of a file is read for its tail.
const TAIL_BYTES: u64 = 64 * 1024;
/// A file that is larger is cut,
const LARGE_BYTES: u64 = 64 * 1024;
/// to this.
const CUT_BYTES: u64 = 8 * 1024;

/// The folder with the files.
#[derive(Clone, Debug)]
pub struct Output {
    folder: PathBuf,
}

impl Output {
    pub fn new(folder: PathBuf) -> Output {
        Output { folder }
    }

    fn file(&self, session: SessionId) -> PathBuf {
        self.folder.join(format!("{}{SUFFIX}", session.to_string().trim_matches(['{', '}'])))
    }

    /// An empty file, in which everything is put at its end. If something still writes into an earlier
    /// one, it is not heard any more.
    pub fn begin(&self, session: SessionId) -> io::Result<File> {
        make_folder(&self.folder)?;
        fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        let path = self.file(session);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
    }

    /// The last lines.
    pub fn tail(&self, session: SessionId) -> Vec<String> {
        let Ok((from, bytes)) = self.end(session, TAIL_BYTES) else { return Vec::new() };
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        // The first of several was cut where reading began.
        if from > 0 && lines.len() > 1 {
            lines.remove(0);
        }
        let first = lines.len().saturating_sub(LINES);
        lines.into_iter().skip(first).map(visible).collect()
    }

    /// At most so many bytes from the end, and where they begin.
    fn end(&self, session: SessionId, most: u64) -> io::Result<(u64, Vec<u8>)> {
        let mut file = open(OpenOptions::new().read(true), self.file(session))?;
        let from = file.metadata()?.len().saturating_sub(most);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok((from, bytes))
    }

    /// Removes the files of all sessions but these.
    pub fn tidy(&self, keep: &[SessionId]) {
        for session in self.sessions().into_iter().filter(|session| !keep.contains(session)) {
            if let Err(error) = fs::remove_file(self.file(session)) {
                tracing::warn!(%error, %session, "what an application has said cannot be removed");
            }
        }
    }

    /// Cuts what is too large.
    pub fn trim(&self) {
        for session in self.sessions() {
            if let Err(error) = self.cut(session) {
                tracing::warn!(%error, %session, "what an application has said cannot be cut");
            }
        }
    }

    fn cut(&self, session: SessionId) -> io::Result<()> {
        if fs::symlink_metadata(self.file(session))?.len() <= LARGE_BYTES {
            return Ok(());
        }
        let (_, bytes) = self.end(session, CUT_BYTES)?;
        let whole = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut file = open(OpenOptions::new().append(true), self.file(session))?;
        // Whoever writes does so at the end, wherever that is now.
        file.set_len(0)?;
        file.write_all(bytes.get(whole..).filter(|rest| !rest.is_empty()).unwrap_or(&bytes))
    }

    /// Of which there are files.
    fn sessions(&self) -> Vec<SessionId> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
        names.filter_map(|name| Guid::parse(&format!("{{{}}}", name.to_str()?.strip_suffix(SUFFIX)?)).ok()).collect()
    }
}

/// An ordinary file of ours, and nothing that somebody has put into its place.
fn open(options: &mut OpenOptions, path: PathBuf) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// A line as it may stand in a log or on a terminal.
fn visible(line: &str) -> String {
    let (mut visible, mut chars) = (String::new(), 0);
    for c in line.chars() {
        let piece = if c == '\t' { " ".to_owned() } else { shown(c.encode_utf8(&mut [0; 4])) };
        chars += piece.chars().count();
        if chars >= CHARS {
            visible.push('…');
            break;
        }
        visible.push_str(&piece);
    }
    visible
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use tempfile::TempDir;

    const SESSION: SessionId = Guid(7);

    fn with(said: &[u8]) -> (TempDir, Output) {
        let home = TempDir::new().unwrap();
        let output = Output::new(home.path().join("state/launched"));
        output.begin(SESSION).unwrap().write_all(said).unwrap();
        (home, output)
    }

    #[test]
    fn only_the_person_can_read_it() {
        let (_home, output) = with(b"secret\n");
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(output.folder.clone()), 0o700);
        assert_eq!(mode(output.file(SESSION)), 0o600);
        assert_eq!(output.file(SESSION).file_name().unwrap(), "00000000-0000-0000-0000-000000000007.stderr");
    }

    #[test]
    fn a_new_start_begins_a_new_file_and_follows_no_link() {
        let (home, output) = with(b"old\n");
        drop(output.begin(SESSION).unwrap());
        assert!(output.tail(SESSION).is_empty());
        let elsewhere = home.path().join("elsewhere");
        fs::write(&elsewhere, "mine\n").unwrap();
        fs::remove_file(output.file(SESSION)).unwrap();
        std::os::unix::fs::symlink(&elsewhere, output.file(SESSION)).unwrap();
        assert!(output.tail(SESSION).is_empty(), "a link is not read");
        output.begin(SESSION).unwrap().write_all(b"new\n").unwrap();
        assert_eq!(fs::read(&elsewhere).unwrap(), b"mine\n");
        assert_eq!(output.tail(SESSION), ["new"]);
    }

    #[test]
    fn a_tail_is_short_and_harmless() {
        let (_home, output) = with(b"one\n\n \x1b[2Jtwo\x07\r\nta\tb\xff\nunfinished");
        assert_eq!(output.tail(SESSION), ["one", " \\u{1b}[2Jtwo\\u{7}", "ta b\u{fffd}", "unfinished"]);
        assert!(output.tail(Guid(8)).is_empty());

        let many = (0..10_000).fold(String::new(), |said, n| said + &format!("line {n}\n"));
        let (_home, output) = with(many.as_bytes());
        let tail = output.tail(SESSION);
        assert_eq!((tail.len(), tail[0].as_str(), tail[19].as_str()), (20, "line 9980", "line 9999"));

        let (_home, output) = with(&vec![0x1b; 1_000_000]);
        let tail = output.tail(SESSION);
        assert_eq!(tail.len(), 1);
        assert!(tail[0].chars().count() <= CHARS && tail[0].ends_with('…') && !tail[0].contains('\x1b'));

        let exact = "é".repeat(CHARS - 1);
        let (_home, output) = with(format!("{exact}\n{exact}é\n").as_bytes());
        assert_eq!(output.tail(SESSION), [exact.clone(), format!("{exact}…")]);
    }

    #[test]
    fn what_is_not_kept_is_removed_and_nothing_else() {
        let (_home, output) = with(b"");
        drop(output.begin(Guid(8)).unwrap());
        let others = ["notes.stderr", "00000000-0000-0000-0000-000000000008.txt"].map(|name| output.folder.join(name));
        for other in &others {
            fs::write(other, "").unwrap();
        }
        output.tidy(&[SESSION]);
        assert_eq!((output.file(SESSION).exists(), output.file(Guid(8)).exists()), (true, false));
        assert!(others.iter().all(|other| other.exists()));
        output.tidy(&[]);
        assert!(!output.file(SESSION).exists());
        Output::new(output.folder.join("nowhere")).tidy(&[]);
    }

    #[test]
    fn what_is_large_is_cut_while_it_is_written() {
        let (_home, output) = with(b"");
        let mut file = output.begin(SESSION).unwrap();
        let line = format!("{}\n", "x".repeat(99));
        file.write_all(line.repeat(656).as_bytes()).unwrap();
        output.trim();
        assert_eq!(file.metadata().unwrap().len(), 8_100, "81 whole lines");
        file.write_all(b"more\n").unwrap();
        assert_eq!(output.tail(SESSION).last().unwrap(), "more");
        output.trim();
        assert_eq!(file.metadata().unwrap().len(), 8_105, "that is not large");

        let mut file = output.begin(SESSION).unwrap();
        file.write_all(&vec![b'x'; 70_000]).unwrap();
        output.trim();
        assert_eq!(file.metadata().unwrap().len(), CUT_BYTES, "a line without an end");
    }
}
