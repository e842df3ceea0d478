//! A person with an agent, and what is done with it from a terminal.

use std::io::Write as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tempfile::TempDir;

use crate::application::{self, Application};
use crate::screen::Screen;
use crate::world::{DEADLINE, Service, hither, lines, signal, text, wait};

pub const ALICE: &str = "alice@example.org";
pub const BOB: &str = "bob@example.org";

/// A service, and two people who have each other as contacts and are signed in.
pub struct World {
    pub alice: Person,
    pub bob: Person,
    pub service: Service,
}

impl World {
    /// Both agents run; both have the application.
    pub fn new() -> World {
        let world = World::without_application();
        world.alice.register();
        world.bob.register();
        world
    }

    /// Both agents run and see each other.
    pub fn without_application() -> World {
        World::at(Service::start())
    }

    /// The same, at this service.
    pub fn at(service: Service) -> World {
        let (mut alice, mut bob) = (Person::new(&service, ALICE), Person::new(&service, BOB));
        for (person, other) in [(&mut alice, BOB), (&mut bob, ALICE)] {
            person.sign_in(&service);
            person.start();
            person.ok(&["contact", "add", other]);
        }
        alice.sees(BOB, "ONLINE");
        bob.sees(ALICE, "ONLINE");
        World { alice, bob, service }
    }

    /// Alice has invited Bob, whose agent rings; gives the session.
    pub fn invited(&mut self) -> String {
        let bob = self.bob.watch();
        let shown = self.alice.ok(&["invite", BOB, application::NAME, "--data", "white or black?"]);
        let session = session_in(&shown);
        assert_eq!(bob.event("invitation")["session"], *session);
        session
    }

    /// Bob has accepted, and both applications run and are connected.
    pub fn connected(&mut self) -> (String, Application, Application) {
        let session = self.invited();
        self.bob.ok(&["accept", "--data", "black"]);
        let (alice, bob) = (self.alice.launched(), self.bob.launched());
        alice.until("SS_CONNECTED");
        bob.until("SS_CONNECTED");
        (session, alice, bob)
    }
}

/// The session's id in what `hither invite` shows.
pub fn session_in(shown: &str) -> String {
    let (_, id) = shown.trim_end().rsplit_once("session ").expect(shown);
    assert_eq!(id.len(), 38, "{shown}");
    id.to_owned()
}

/// A person with a home of their own.
pub struct Person {
    pub name: String,
    home: TempDir,
    desk: Receiver<UnixStream>,
    agent: Option<Agent>,
}

/// A running agent.
struct Agent {
    child: Child,
    stdout: Receiver<String>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Person {
    /// With an account at the service, and nothing else yet.
    pub fn new(service: &Service, name: &str) -> Person {
        service.add_account(name);
        Person::stranger(name)
    }

    /// Without an account.
    pub fn stranger(name: &str) -> Person {
        let home = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(application::desk(home.path())).unwrap();
        let (sender, desk) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stream.is_ok_and(|stream| sender.send(stream).is_err()) {
                    return;
                }
            }
        });
        Person { name: name.to_owned(), home, desk, agent: None }
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.home().join("run/agent.sock")
    }

    /// The command in this person's home, away from those of whoever runs the tests.
    pub fn hither(&self) -> Command {
        self.at_home(hither())
    }

    /// Another program in this person's home.
    pub fn hither_like(&self, program: &str) -> Command {
        self.at_home(Command::new(program))
    }

    fn at_home(&self, mut command: Command) -> Command {
        for name in ["HITHER_SOCKET", "HITHER_LAUNCH", "HITHER_SESSION", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"]
        {
            command.env_remove(name);
        }
        command
            .env("HITHER_HOME", self.home())
            .env("HITHER_KEYRING", "off")
            .env("XDG_DATA_DIRS", self.home().join("system"));
        command
    }

    /// Runs a command to its end.
    pub fn does(&self, arguments: &[&str]) -> Output {
        self.answers(arguments, "")
    }

    /// Runs a command to its end, with some input.
    pub fn answers(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.hither();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed; gives what it shows.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.does(arguments);
        let (shown, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {shown}{errors}");
        shown.to_owned()
    }

    /// Runs a command that must fail with this exit code; gives what it says about it.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.does(arguments);
        let (shown, errors) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {shown}{errors}");
        errors.to_owned()
    }

    /// The lines of a command with `--json`, whether it succeeds or not.
    pub fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.does(arguments);
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    pub fn sign_in(&self, service: &Service) -> String {
        let file = service.password_file(&self.name);
        self.ok(&["sign-in", &self.name, "--service", &service.url, "--password-file", file.to_str().unwrap()])
    }

    /// Starts the agent, and waits until it is ready.
    pub fn start(&mut self) {
        let mut command = self.hither();
        command.args(["agent", "--no-notifications", "--log", "info"]);
        self.starts(command);
    }

    /// Starts the agent on a desktop.
    pub fn start_on(&mut self, screen: &Screen) {
        let mut command = self.hither();
        command.args(["agent", "--log", "info"]).envs(screen.environment());
        self.starts(command);
    }

    fn starts(&mut self, mut command: Command) {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (said, into) = (lines(child.stderr.take().unwrap()), Arc::clone(&log));
        thread::spawn(move || said.into_iter().for_each(|line| into.lock().unwrap().push(line)));
        let first = stdout.recv_timeout(DEADLINE);
        let expected = format!("the agent is ready at {}", self.socket().display());
        assert_eq!(first, Ok(expected), "{:?}", log.lock().unwrap());
        self.agent = Some(Agent { child, stdout, log });
    }

    /// Another agent, where the first has been stopped by somebody else.
    pub fn start_beside(&mut self) {
        let first = self.agent.take();
        self.start();
        drop(first);
    }

    pub fn agent_process(&self) -> u32 {
        self.agent.as_ref().unwrap().child.id()
    }

    /// What the agent has logged so far.
    pub fn log(&self) -> String {
        self.agent.as_ref().unwrap().log.lock().unwrap().join("\n")
    }

    /// Kills the agent, at once.
    pub fn kill(&mut self) {
        drop(self.agent.take());
    }

    /// Stops the agent with a signal; gives how it ended. Nothing more was on standard output.
    pub fn stop(&mut self, name: &str) -> ExitStatus {
        signal(name, self.agent_process());
        self.stopped()
    }

    /// Waits for the agent's end.
    pub fn stopped(&mut self) -> ExitStatus {
        let mut agent = self.agent.take().unwrap();
        let status = wait(&mut agent.child);
        assert_eq!(agent.stdout.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
        status
    }

    /// Registers the application.
    pub fn register(&self) {
        let command = application::command();
        let mut arguments = vec!["app", "register", application::GUID, application::NAME, "--"];
        arguments.extend(command.iter().map(String::as_str));
        self.ok(&arguments);
    }

    /// Watches what the agent tells, from now on.
    pub fn watch(&self) -> Watch {
        let mut command = self.hither();
        let mut child = command.args(["watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let told = lines(child.stdout.take().unwrap());
        let watch = Watch { child, told };
        watch.event("watching");
        watch
    }

    /// Waits until a contact's presence is this.
    pub fn sees(&self, who: &str, status: &str) {
        let watch = self.watch();
        let contacts = self.json(&["contacts", "--json"]);
        if contacts.iter().any(|contact| contact["who"] == who && contact["status"] == status) {
            return;
        }
        watch.until(|event| event["event"] == "presence" && event["who"] == who && event["status"] == status);
    }

    /// The next application that the agent has started; it looks for its session.
    pub fn launched(&self) -> Application {
        Application::new(self.started())
    }

    /// The next application that the agent has started; it waits.
    pub fn started(&self) -> UnixStream {
        self.desk.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nothing was started: {}", self.log()))
    }

    /// The sessions on this person's machine.
    pub fn sessions(&self) -> Vec<Value> {
        self.json(&["sessions", "--json"])
    }
}

/// `hither watch --json`.
pub struct Watch {
    child: Child,
    told: Receiver<String>,
}

impl Watch {
    /// The next event that fits; others do not matter.
    pub fn until(&self, fits: impl Fn(&Value) -> bool) -> Value {
        let mut others = Vec::new();
        loop {
            let line = self.told.recv_timeout(DEADLINE).unwrap_or_else(|error| panic!("{error} after {others:?}"));
            let event: Value = serde_json::from_str(&line).expect(&line);
            if fits(&event) {
                return event;
            }
            others.push(line);
        }
    }

    /// The next event of this name.
    pub fn event(&self, name: &str) -> Value {
        self.until(|event| event["event"] == name)
    }

    /// The next news of this kind about a start.
    pub fn stage(&self, event: &str, stage: &str) -> Value {
        self.until(|told| told["event"] == event && told["stage"] == stage)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
