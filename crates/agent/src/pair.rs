//! The id and key with which the agent unlocks the service's lock for the person's own tools (section
//! 2.3 of the reference). Applications have pairs of their own, which the agent never sees.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use hither::Key;
use hither_wire::limits;
use hither_wire::lock::Response;

/// The longest key that is read, in bytes.
const KEY_BYTES: u64 = 1_024;

/// An id with its key.
#[derive(Clone, Debug)]
pub struct Pair {
    app_id: Box<str>,
    key: Key,
}

/// Why there is no pair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairError {
    /// The id cannot be one.
    #[error("an application's id has 1 to {} bytes", limits::APP_ID_BYTES)]
    Id,
    /// The file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others can read the file.
    #[error("others can read the key file {}: `chmod 600` it", .0.display())]
    Open(PathBuf),
    /// There is no key in the file.
    #[error("the key file {} holds no key of 1 to {KEY_BYTES} bytes", .0.display())]
    NoKey(PathBuf),
}

impl Pair {
    /// Reads the key from a file that nobody else can read; one final newline is dropped.
    ///
    /// # Errors
    /// If the id or the file will not do.
    pub fn read(app_id: &str, path: &Path) -> Result<Pair, PairError> {
        if app_id.is_empty() || app_id.len() > limits::APP_ID_BYTES {
            return Err(PairError::Id);
        }
        let unreadable = |source| PairError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.mode() & 0o077 != 0 {
            return Err(PairError::Open(path.to_owned()));
        }
        let mut key = Vec::new();
        file.take(KEY_BYTES + 2).read_to_end(&mut key).map_err(unreadable)?;
        if key.last() == Some(&b'\n') {
            key.pop();
        }
        if key.is_empty() || key.len() as u64 > KEY_BYTES {
            return Err(PairError::NoKey(path.to_owned()));
        }
        Ok(Pair { app_id: app_id.into(), key: Key::new(key) })
    }

    /// Unlocks the service's lock for a client; at once if there is nothing to unlock.
    ///
    /// # Errors
    /// Those of [`hither::Client::unlock`].
    pub async fn unlock(&self, client: &hither::Client) -> Result<(), hither::Error> {
        client.unlock(&self.app_id, &self.key).await
    }

    /// The response to a challenge.
    pub fn respond(&self, cookie: u32, challenge: &str) -> Response {
        Response { app_id: self.app_id.clone(), response: self.key.respond(challenge).into(), cookie }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_file_is_the_persons_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let write = |key: &[u8], mode| {
            std::fs::write(&path, key).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        assert!(matches!(Pair::read("agent", &path), Err(PairError::Unreadable { .. })));
        write(b"a key\n", 0o640);
        let refused = Pair::read("agent", &path).unwrap_err();
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
        write(b"a key\n", 0o600);
        let pair = Pair::read("agent", &path).unwrap();
        let response = pair.respond(7, "a challenge");
        assert_eq!((&*response.app_id, response.cookie), ("agent", 7));
        assert_eq!(*response.response, *Key::new("a key").respond("a challenge"));
        assert!(!format!("{pair:?}").contains("a key"));
        for key in [&b"\n"[..], b"", &[b'k'; 1_025]] {
            write(key, 0o600);
            assert!(matches!(Pair::read("agent", &path), Err(PairError::NoKey(_))));
        }
        assert!(matches!(Pair::read("", &path), Err(PairError::Id)));
    }
}
