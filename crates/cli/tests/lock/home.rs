//! A service with the lock on, in this process; and people with agents, each a process of its own.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hither::{Agent, Events, Key};
use hither_service::keys::{Judge, Verdict, Why};
use hither_service::{LockConfig, LockControl, PasswordCost, Server, ServiceConfig, Store, StoreError, hash_password};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Far longer than anything here takes: only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const BOB: &str = "bob@example.org";
const PASSWORD: &str = "correct horse";

/// The pairs of the service.
struct Keys;

impl Judge for Keys {
    fn judge(&self, app_id: &str, challenge: &str, response: &str) -> Result<Verdict, StoreError> {
        let key = match app_id {
            "chess" => Key::new("secret"),
            "agents" => Key::new("agentkey"),
            _ => return Ok(Verdict::Wrong(Why::UnknownId)),
        };
        let right = key.respond(challenge) == response;
        Ok(if right { Verdict::Right { apps: None } } else { Verdict::Wrong(Why::WrongResponse) })
    }
}

pub struct World {
    url: String,
    pub lock: LockControl,
    stop: oneshot::Sender<()>,
    running: tokio::task::JoinHandle<()>,
    _data: TempDir,
}

impl World {
    pub async fn start() -> World {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path()).unwrap();
        for who in ["alice@example.org", BOB] {
            let hash = hash_password(PASSWORD, PasswordCost::FOR_TESTS).unwrap();
            store.add_account(&hither::PersonName::parse(who).unwrap(), who, &hash).unwrap();
        }
        let mut config = ServiceConfig::new("127.0.0.1:0".parse().unwrap(), data.path().to_owned());
        config.password_cost = PasswordCost::FOR_TESTS;
        config.machine.invitations = hither::InvitationsFrom::Anyone;
        config.machine.failure_ms = 5;
        config.lock = Some(LockConfig::default());
        let server = Server::bind_with(config, Box::new(Keys)).await.unwrap();
        let (url, lock) = (server.url(), server.lock_control());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
        World { url, lock, stop, running, _data: data }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }
}

/// A console that runs.
pub struct Console {
    child: Child,
    lines: Receiver<String>,
}

impl Console {
    /// Waits for a line with this in it, and gives all lines up to it.
    pub fn until(&self, part: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {part:?} in {lines:#?}"));
            lines.push(line);
            if lines.last().unwrap().contains(part) {
                return lines;
            }
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody's machine.
pub struct Home {
    folder: TempDir,
    pair: Option<&'static str>,
    agent: Option<Child>,
    log: Arc<Mutex<String>>,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Home {
    /// Somebody who is signed in, with a running agent that perhaps has a pair of its own.
    pub fn with_agent(world: &World, who: &str, pair: Option<(&'static str, &str)>) -> Home {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("password");
        secret(&password, PASSWORD);
        if let Some((_, key)) = pair {
            secret(&folder.path().join("key"), key);
        }
        let pair = pair.map(|(id, _)| id);
        let mut home = Home { folder, pair, agent: None, log: Arc::default() };
        home.ok(&["sign-in", who, "--service", &world.url, "--password-file", password.to_str().unwrap()]);
        home.start();
        home
    }

    pub fn restart(&mut self) {
        self.kill();
        self.start();
    }

    /// A program that is connected to the agent.
    pub async fn application(&self) -> (Agent, Events) {
        let connecting = Agent::builder().socket(self.socket()).connect();
        tokio::time::timeout(PATIENCE, connecting).await.unwrap().unwrap()
    }

    /// What a console that is given these lines says to them.
    pub fn console(&self, world: &World, arguments: &[&str], input: &str) -> String {
        use std::io::Write as _;
        let mut command = self.hither();
        command.args(["console", "--json", "--service", &world.url, "--user", BOB, "--password-file"]);
        command.arg(self.folder.path().join("password")).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        both(&child.wait_with_output().unwrap())
    }

    /// A console that is left running, and its lines of output.
    pub fn running_console(&self, world: &World, arguments: &[&str]) -> Console {
        let mut command = self.hither();
        command.args(["console", "--service", &world.url, "--user", BOB, "--password-file"]);
        command.arg(self.folder.path().join("password")).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Console { child, lines }
    }

    pub fn key_file(&self) -> String {
        self.folder.path().join("key").to_str().unwrap().to_owned()
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.does(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", both(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command until it no longer fails with these words.
    pub fn ok_soon(&self, arguments: &[&str], not_yet: &str) -> String {
        let end = std::time::Instant::now() + PATIENCE;
        loop {
            let output = self.does(arguments);
            if output.status.success() {
                return String::from_utf8(output.stdout).unwrap();
            }
            let said = both(&output);
            assert!(said.contains(not_yet) && std::time::Instant::now() < end, "{arguments:?}: {said}");
        }
    }

    pub fn fails(&self, arguments: &[&str]) -> String {
        let output = self.does(arguments);
        assert!(!output.status.success(), "{arguments:?}: {}", both(&output));
        both(&output)
    }

    /// What the agents have logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("run/agent.sock")
    }

    fn does(&self, arguments: &[&str]) -> Output {
        self.hither().args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn hither(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hither"));
        for name in ["HITHER_SOCKET", "HITHER_LAUNCH", "HITHER_SESSION", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]
        {
            command.env_remove(name);
        }
        command.env("HITHER_HOME", self.folder.path()).env("HITHER_KEYRING", "off");
        command.env("XDG_DATA_DIRS", self.folder.path().join("system"));
        command
    }

    fn start(&mut self) {
        let mut command = self.hither();
        command.args(["agent", "--no-notifications", "--log", "trace"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(id) = self.pair {
            command.args(["--app-id", id]).arg("--key-file").arg(self.folder.path().join("key"));
        }
        let mut child = command.spawn().unwrap();
        let (errors, log) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&self.log));
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                log.lock().unwrap().extend([&line, "\n"]);
            }
        });
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        self.agent = Some(child);
        assert!(ready.starts_with("the agent is ready at "), "{ready}{}", self.log());
    }

    fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// A GUID that nobody has used.
pub fn guid() -> String {
    hither::transport::random_guid().unwrap().to_string()
}

fn secret(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    writeln!(file, "{text}").unwrap();
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
