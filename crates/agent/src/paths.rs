//! Where the agent keeps what: the folders of the XDG base directory specification, or one folder
//! that `HITHER_HOME` names.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folder of the project in each of the system's.
const OURS: &str = "hither";

/// The agent's folders. They are made when something is first written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// What a person may edit: applications, rules, the account.
    pub config: PathBuf,
    /// What the agent remembers: sessions, what applications say on standard error.
    pub state: PathBuf,
    /// What lasts as long as the person is logged in: the socket, the lock.
    pub runtime: PathBuf,
    /// The person's own data, where desktop entries go.
    pub data_home: PathBuf,
    /// The base of the person's configuration, where systemd looks for units.
    pub config_home: PathBuf,
    /// Where packages install applications, the first winning.
    pub drop_ins: Vec<PathBuf>,
}

/// The environment does not say where the person's home is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither HOME nor HITHER_HOME says where your files are: set one of them to an absolute path")]
pub struct NoHome;

impl Paths {
    /// As the environment says.
    pub fn from_env() -> Result<Paths, NoHome> {
        Paths::from(|name| env::var_os(name))
    }

    fn from(var: impl Fn(&str) -> Option<OsString>) -> Result<Paths, NoHome> {
        let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let drop_ins = |base: Vec<PathBuf>| base.into_iter().map(|dir| dir.join(OURS).join("applications")).collect();
        let system = var("XDG_DATA_DIRS").filter(|dirs| !dirs.is_empty());
        let system = system.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
        let system = env::split_paths(&system).filter(|path| path.is_absolute()).collect();
        let runtime = hither_ipc::runtime_folder_from(&var);
        if let Some(home) = absolute("HITHER_HOME") {
            let (config_home, data_home) = (home.join("config"), home.join("data"));
            let (config, state) = (config_home.join(OURS), home.join("state"));
            return Ok(Paths { config, state, runtime, data_home, config_home, drop_ins: drop_ins(system) });
        }
        let home = absolute("HOME").ok_or(NoHome)?;
        let or = |name: &str, below: &str| absolute(name).unwrap_or_else(|| home.join(below));
        let config_home = or("XDG_CONFIG_HOME", ".config");
        let state = or("XDG_STATE_HOME", ".local/state").join(OURS);
        let data_home = or("XDG_DATA_HOME", ".local/share");
        let config = config_home.join(OURS);
        Ok(Paths { config, state, runtime, data_home, config_home, drop_ins: drop_ins(system) })
    }

    /// The agent's socket.
    pub fn socket(&self) -> PathBuf {
        hither_ipc::socket_in(&self.runtime)
    }

    /// Everything below one folder: for tests, and for several agents on one machine.
    pub fn below(home: &Path) -> Paths {
        Paths {
            config: home.join("config").join(OURS),
            state: home.join("state"),
            runtime: home.join("run"),
            data_home: home.join("data"),
            config_home: home.join("config"),
            drop_ins: vec![home.join("system").join(OURS).join("applications")],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Result<Paths, NoHome> {
        Paths::from(|name| vars.iter().find(|(set, _)| *set == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn folders() {
        let paths = with(&[("HOME", "/people/ann"), ("XDG_RUNTIME_DIR", "/run/user/7")]).unwrap();
        assert_eq!(paths.config, Path::new("/people/ann/.config/hither"));
        assert_eq!(paths.state, Path::new("/people/ann/.local/state/hither"));
        assert_eq!(paths.socket(), Path::new("/run/user/7/hither/agent.sock"));
        assert_eq!(paths.drop_ins[1], Path::new("/usr/share/hither/applications"));
        let moved =
            with(&[("HOME", "/people/ann"), ("XDG_CONFIG_HOME", "/c"), ("XDG_DATA_DIRS", "/d:relative:/e")]).unwrap();
        assert_eq!((moved.config.as_path(), moved.drop_ins.len()), (Path::new("/c/hither"), 2));
        let one = with(&[("HITHER_HOME", "/demo/alice"), ("HOME", "/people/ann"), ("XDG_RUNTIME_DIR", "/run/user/7")])
            .unwrap();
        assert_eq!(
            (one.config.as_path(), one.socket().as_path()),
            (Path::new("/demo/alice/config/hither"), Path::new("/demo/alice/run/agent.sock"))
        );
        assert_eq!(with(&[("HOME", "not absolute")]), Err(NoHome));
    }
}
