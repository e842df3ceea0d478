//! The key file: one line with 32 random bytes in base64, which nobody but its owner can read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::KeyFileError;
use super::seal::random_text;

/// What everything is sealed with.
pub type FileKey = Zeroizing<[u8; 32]>;

/// More than the one line has, with what an editor may leave at its end.
const FILE_BYTES: u64 = 64;
/// So much room from the start: a buffer that grows leaves copies behind.
const BUFFER_BYTES: usize = 128;
/// Of 32 random bytes fewer than so many different ones are never seen.
const DIFFERENT_MIN: usize = 16;

/// Reads it, and refuses what is no secret.
pub fn read(path: &Path) -> Result<FileKey, KeyFileError> {
    let unusable = |source: io::Error| {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            KeyFileError::Missing(path)
        } else {
            KeyFileError::Unusable { path, source }
        }
    };
    let not_a_key = || KeyFileError::NotAKey(path.to_owned());
    // Looked at before it is opened: a pipe would be waited for.
    if !std::fs::metadata(path).map_err(unusable)?.is_file() {
        return Err(not_a_key());
    }
    let file = File::open(path).map_err(unusable)?;
    let meta = file.metadata().map_err(unusable)?;
    if !meta.is_file() {
        return Err(not_a_key());
    }
    if !is_private(&meta) {
        return Err(KeyFileError::NotPrivate(path.to_owned()));
    }
    let mut text = Zeroizing::new(Vec::with_capacity(BUFFER_BYTES));
    file.take(FILE_BYTES + 1).read_to_end(&mut text).map_err(unusable)?;
    if text.len() as u64 > FILE_BYTES {
        return Err(not_a_key());
    }
    let mut key = FileKey::default();
    let written = STANDARD.decode_slice(text.trim_ascii_end(), key.as_mut()).map_err(|_| not_a_key())?;
    if written != key.len() {
        return Err(not_a_key());
    }
    if is_weak(&key) { Err(KeyFileError::Weak(path.to_owned())) } else { Ok(key) }
}

/// Makes one, unless somebody else is faster: then it is theirs that counts.
pub fn make(path: &Path) -> Result<FileKey, KeyFileError> {
    let unusable = |source: io::Error| KeyFileError::Unusable { path: path.to_owned(), source };
    let mut key = FileKey::default();
    getrandom::fill(key.as_mut()).map_err(|_| unusable(io::Error::other("the system has no randomness")))?;
    let mut line = Zeroizing::new(String::with_capacity(BUFFER_BYTES));
    STANDARD.encode_string(key.as_ref(), &mut line);
    line.push('\n');
    match write_whole(path, line.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unusable(error)),
        Ok(()) | Err(_) => read(path),
    }
}

/// Writes a file that is there with all of its content or not at all, and only if there is none.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = random_text::<16>().map_err(|_| io::Error::other("the system has no randomness"))?;
    let fresh = folder.join(format!(".hither-{}", name.as_str()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    // A link, because it is refused where something is already.
    let linked = written.and_then(|()| std::fs::hard_link(&fresh, path));
    std::fs::remove_file(&fresh)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    linked
}

#[cfg(unix)]
fn is_private(meta: &std::fs::Metadata) -> bool {
    let others = std::os::unix::fs::MetadataExt::mode(meta) & 0o077;
    others == 0
}

#[cfg(not(unix))]
fn is_private(_: &std::fs::Metadata) -> bool {
    true
}

/// Zeros, a pattern, a counter, or text that somebody has typed.
fn is_weak(key: &[u8; 32]) -> bool {
    let different = key.iter().collect::<std::collections::BTreeSet<_>>().len();
    let steps = key.windows(2).filter(|pair| matches!(pair, [one, two] if two.wrapping_sub(*one) <= 1)).count();
    different < DIFFERENT_MIN || steps > 24 || key.iter().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn put(folder: &tempfile::TempDir, content: &[u8]) -> std::path::PathBuf {
        let path = folder.path().join("k");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    #[test]
    fn made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hither.key");
        assert!(matches!(read(&path), Err(KeyFileError::Missing(_))));
        let keys: Vec<FileKey> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| make(&path).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "all have the one that was made");
        assert_eq!(*read(&path).unwrap(), *keys[0]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn what_openssl_makes_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for end in ["", "\n", "\r\n"] {
            let path = put(&folder, format!("X1pZ8Fq0l1eC0bB5kq0s3f2v9aJHnC7yUuTQm4gk9xE={end}").as_bytes());
            assert!(read(&path).is_ok(), "{end:?}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let line = |bytes: &[u8]| STANDARD.encode(bytes).into_bytes();
        let counter: Vec<u8> = (0..32).collect();
        let pattern: Vec<u8> = (0..32).map(|n| if n % 2 == 0 { 0xde } else { 0xad }).collect();
        let typed = b"correct-horse-battery-staple-99!";
        for weak in [&[0; 32][..], &[0xff; 32], &counter, &pattern, typed] {
            assert!(matches!(read(&put(&folder, &line(weak))), Err(KeyFileError::Weak(_))), "{weak:?}");
        }
        let (short, long) = (line(&[1; 31]), line(&[1; 33]));
        let raw: Vec<u8> = (0..32).map(|n: u8| n.wrapping_mul(37)).collect();
        for wrong in [&b""[..], b"\n", b"secret", &short, &long, &raw, &[b'A'; 70], &vec![b'A'; 100_000]] {
            assert!(matches!(read(&put(&folder, wrong)), Err(KeyFileError::NotAKey(_))), "{wrong:?}");
        }
        assert!(matches!(read(folder.path()), Err(KeyFileError::NotAKey(_))), "a folder");
        let path = put(&folder, b"X1pZ8Fq0l1eC0bB5kq0s3f2v9aJHnC7yUuTQm4gk9xE=");
        for mode in [0o604, 0o640, 0o602, 0o610, 0o666] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&path), Err(KeyFileError::NotPrivate(_))), "{mode:o}");
        }
        let nowhere = folder.path().join("no/such/folder/k");
        assert!(matches!(make(&nowhere), Err(KeyFileError::Unusable { .. })));
    }
}
