//! What is kept on disk, so that a killed process can be started again and go on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hither_proto::client;
use hither_wire::{DeviceId, PersonName};
use serde::{Deserialize, Serialize};

/// What another process needs to go on where this one was: the device and its token, the sessions,
/// the requests without an answer, the events that were not taken.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hither::{Client, ResumePoint};
/// use std::path::Path;
///
/// let file = Path::new("alice.state");
/// let mut builder = Client::builder("ws://127.0.0.1:4000/v1").persist(move |point| point.save(file));
/// if let Some(point) = ResumePoint::load(file)? {
///     builder = builder.resume(point);
/// }
/// let (client, events) = builder.sign_in("alice@example.org", "correct horse").await?;
/// for session in client.take_restored() {
///     println!("{} goes on in {}", session.id(), session.state());
/// }
/// # Ok(())
/// # }
/// ```
///
/// It serializes with serde; [`ResumePoint::save`] writes JSON. The token in it lets its reader sign
/// in: keep it as secret as a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResumePoint(pub(crate) client::ResumePoint);

impl ResumePoint {
    /// Reads a point from a file; `None` if there is no such file.
    pub fn load(path: &Path) -> io::Result<Option<ResumePoint>> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            let message = format!("{} is no resume point ({error}): remove it to begin anew", path.display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        })
    }

    /// Writes the point to a file, readable by its owner only. A process that is killed meanwhile
    /// leaves the old file or the new one, never a part.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let beside = beside(path);
        let mut file = create_private(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        drop(file);
        fs::rename(&beside, path)
    }

    /// Who was signed in.
    pub fn user(&self) -> &PersonName {
        &self.0.user
    }

    /// The installation that was signed in.
    pub fn device(&self) -> DeviceId {
        self.0.device
    }

    /// The session token, if the service gave one.
    pub fn token(&self) -> Option<&str> {
        self.0.token.as_deref()
    }
}

/// A name in the same folder, so that renaming is one step.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
