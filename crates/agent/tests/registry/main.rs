//! The application registry and the rules, on real files and with real processes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arguments;
mod drop_ins;
mod files;
mod processes;
mod random;
mod rules;
mod watching;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hither_agent::apps::{App, Listing, Registry};
use hither_agent::paths::Paths;
use hither_wire::local::Registration;
use hither_wire::{Code, Guid};
use tempfile::TempDir;

/// A home with one program.
struct Home {
    folder: TempDir,
    paths: Paths,
    registry: Registry,
}

impl Home {
    fn new() -> Home {
        let folder = TempDir::new().unwrap();
        let paths = Paths::below(folder.path());
        let registry = Registry::new(&paths);
        let home = Home { folder, paths, registry };
        executable(&home.program());
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn program(&self) -> PathBuf {
        self.path().join("chess")
    }

    /// `applications.toml`.
    fn file(&self) -> PathBuf {
        self.paths.config.join("applications.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Writes `applications.toml` as a person would.
    fn write(&self, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(&self.paths.config).unwrap();
        fs::write(self.file(), bytes).unwrap();
    }

    fn registration(&self, guid: Guid) -> Registration {
        Registration {
            guid: guid.to_string().into(),
            name: "Chess".into(),
            path: self.program().to_str().unwrap().into(),
            ..Registration::default()
        }
    }

    fn register(&self, registration: &Registration) -> Result<Guid, Code> {
        self.registry.register(registration).map_err(|refused| {
            assert!(refused.message.len() > 10 && !refused.message.contains(char::is_control), "{refused}");
            refused.code
        })
    }

    fn unregister(&self, guid: &str) -> Result<Guid, Code> {
        self.registry.unregister(guid).map_err(|refused| refused.code)
    }

    /// What is registered, when nothing may be wrong with the files.
    fn fine(&self) -> Vec<App> {
        let Listing { apps, complaints } = self.registry.read();
        assert_eq!(complaints, []);
        apps.into_values().collect()
    }

    /// What is said about the files, without the folder of the home.
    fn complaints(&self) -> Vec<String> {
        let home = format!("{}/", self.path().display());
        self.registry.read().complaints.iter().map(|complaint| complaint.to_string().replace(&home, "")).collect()
    }

    /// Begins an entry that is fine.
    fn entry(&self, guid: Guid, name: &str) -> String {
        format!("[[application]]\nguid = \"{guid}\"\nname = \"{name}\"\nprogram = \"{}\"\n", self.program().display())
    }
}

fn executable(path: &Path) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn guid(n: u128) -> Guid {
    Guid(0x305d_86c6_6896_4099_91f5_0000_0000_0000 + n)
}
