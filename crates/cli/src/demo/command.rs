//! Commands of the demo: what a person types, and what runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::timeline::Who;

/// A command as it is typed.
pub struct Typed {
    arguments: Vec<String>,
    password: Option<String>,
}

impl Typed {
    /// `hither` with these arguments.
    pub fn new(arguments: &[&str]) -> Typed {
        Typed { arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(), password: None }
    }

    /// The password that it asks for.
    pub fn with_password(mut self, password: &str) -> Typed {
        self.password = Some(password.to_owned());
        self
    }

    /// What stands in the terminal.
    pub fn line(&self) -> String {
        format!("hither {}", shell_words::join(&self.arguments))
    }
}

/// Where commands run: the demo's folder, with a home below it for each.
pub struct Scene {
    executable: PathBuf,
    folder: PathBuf,
    passwords: [String; 2],
}

impl Scene {
    /// Runs this executable.
    pub fn new(folder: &Path) -> Result<Scene> {
        let executable = std::env::current_exe().context("cannot find this executable")?;
        let passwords = [random_password()?, random_password()?];
        Ok(Scene { executable, folder: folder.to_owned(), passwords })
    }

    /// What somebody types when asked for the password.
    pub fn password(&self, who: Who) -> &str {
        let [alice, bob] = &self.passwords;
        if who == Who::Alice { alice } else { bob }
    }

    /// This executable, as it is written in a registration.
    pub fn executable(&self) -> Result<&str> {
        self.executable.to_str().context("the path of this executable is not UTF-8")
    }

    /// Everything of one of them.
    pub fn home(&self, who: Who) -> PathBuf {
        self.folder.join(who.name())
    }

    /// A command, kept apart from whatever hither is on this machine already.
    pub fn command(&self, who: Who, typed: &Typed) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(&typed.arguments).current_dir(&self.folder);
        for name in ["HITHER_SOCKET", "HITHER_SESSION", "HITHER_LAUNCH", "DBUS_SESSION_BUS_ADDRESS"] {
            command.env_remove(name);
        }
        let home = self.home(who);
        command.env("XDG_DATA_DIRS", home.join("system")).env("HITHER_HOME", home);
        command.env("HITHER_KEYRING", "off").env("HITHER_LOG", "info").env("NO_COLOR", "1");
        command
    }

    /// Runs a command to its end. Dropped before, it is killed.
    pub fn run(&self, who: Who, typed: &Typed) -> impl Future<Output = Result<()>> + Send + use<> {
        let mut command = self.command(who, typed);
        if typed.password.is_some() {
            // A person is asked for it; there is no terminal here to be asked on.
            command.args(["--password-file", "-"]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.process_group(0);
        let (line, password) = (typed.line(), typed.password.clone());
        async move {
            let mut child = command.spawn().context("cannot start a process")?;
            if let (Some(mut input), Some(password)) = (child.stdin.take(), password) {
                // One that does not read it says why by itself.
                let _ = input.write_all(password.as_bytes()).await;
            }
            let output = child.wait_with_output().await.context("cannot wait for a process")?;
            if output.status.success() {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().trim_start_matches("hither: ");
            bail!("{}: `{line}` failed ({}): {said}", who.name(), output.status)
        }
    }
}

fn random_password() -> Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).context("the system has no randomness")?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}
