//! Real processes: a service, its accounts, and consoles. Every wait has a deadline, and every
//! process ends with its test.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A well-formed GUID.
pub const GUID: &str = "{2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11}";
/// Nothing here takes this long.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The command under test, away from the settings of whoever runs the tests.
pub fn hither() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hither"));
    command.env_remove("HITHER_LOG").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

/// Runs the command with some input to its end.
pub fn run(arguments: &[&str], input: &str) -> Output {
    let mut command = hither();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let _watch = Watch::over(child.id());
    child.wait_with_output().unwrap()
}

/// Kills a process that does not end in time.
struct Watch(#[expect(dead_code, reason = "its drop is what counts")] Sender<()>);

impl Watch {
    fn over(process: u32) -> Watch {
        let (sender, done) = channel();
        thread::spawn(move || {
            if done.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                signal("KILL", process);
            }
        });
        Watch(sender)
    }
}

pub fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// Sends a signal to a process that the test has started.
pub fn signal(name: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status().unwrap().success());
}

/// Waits for a process to end.
pub fn wait(child: &mut Child) -> ExitStatus {
    let _watch = Watch::over(child.id());
    child.wait().unwrap()
}

/// Lines of a process's output as they come; the channel closes at the end of the output.
pub fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A service with a store of its own.
pub struct Service {
    pub url: String,
    pub child: Child,
    pub stdout: Receiver<String>,
    folder: Option<TempDir>,
}

impl Service {
    pub fn start() -> Service {
        Service::start_with(&[])
    }

    pub fn start_with(settings: &[&str]) -> Service {
        Service::start_in(tempfile::tempdir().unwrap(), "127.0.0.1:0", settings)
    }

    /// In a folder that may hold a store already.
    pub fn start_in(folder: TempDir, listen: &str, settings: &[&str]) -> Service {
        let mut command = hither();
        command.args(["serve", "--listen", listen, "--data"]).arg(folder.path().join("data"));
        command.args(["--log", "warn"]).args(settings);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let first = stdout.recv_timeout(DEADLINE).expect("the service did not start");
        let url = first.strip_prefix("listening on ").expect(&first).to_owned();
        assert!(url.starts_with("ws://127.0.0.1:") && url.ends_with("/v1"), "{url}");
        Service { url, child, stdout, folder: Some(folder) }
    }

    /// Stops with a signal, and starts again at the same address with the same store.
    pub fn restart(self, name: &str) -> Service {
        self.stop(name).started()
    }

    /// Stops with a signal.
    pub fn stop(mut self, name: &str) -> Stopped {
        signal(name, self.child.id());
        assert_eq!(wait(&mut self.child).code(), Some(0));
        // Nothing but the first line was on standard output.
        assert_eq!(self.stdout.recv_timeout(DEADLINE), Err(RecvTimeoutError::Disconnected));
        Stopped { url: self.url.clone(), folder: self.folder.take().unwrap() }
    }

    /// Ends without a chance to do anything.
    pub fn killed(mut self) -> Stopped {
        signal("KILL", self.child.id());
        wait(&mut self.child);
        Stopped { url: self.url.clone(), folder: self.folder.take().unwrap() }
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// The password file of somebody; the password is the name.
    pub fn password_file(&self, user: &str) -> PathBuf {
        let file = self.folder().join(format!("{user}.txt"));
        std::fs::write(&file, format!("{user}\n")).unwrap();
        file
    }

    /// Adds an account while the service runs.
    pub fn add_account(&self, user: &str) {
        let (data, file) = (self.data(), self.password_file(user));
        let output = run(
            &["account", "add", user, "--password-file", file.to_str().unwrap(), "--data", data.to_str().unwrap()],
            "",
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// A person with an account and a console that is signed in.
    pub fn person(&self, user: &str) -> Console {
        self.add_account(user);
        self.console(user)
    }

    /// A signed-in console.
    pub fn console(&self, user: &str) -> Console {
        let mut console = Console::start(&self.url, user, &self.password_file(user), &[]);
        assert_eq!(console.event("OnSignin")["user"], user);
        console
    }

    /// Alice and Bob, who have each other as contacts and see each other.
    pub fn friends(&self) -> (Console, Console) {
        let (mut alice, mut bob) = (self.person("alice@example.org"), self.person("bob@example.org"));
        alice.ok(json!({"do": "contact", "add": "bob@example.org"}));
        bob.ok(json!({"do": "contact", "add": "alice@example.org"}));
        alice.until_status("bob@example.org", "ONLINE");
        bob.until_status("alice@example.org", "ONLINE");
        (alice, bob)
    }
}

/// A service that can be started again.
pub struct Stopped {
    url: String,
    folder: TempDir,
}

impl Stopped {
    /// At the same address, with the same store.
    pub fn started(self) -> Service {
        let listen = self.url.strip_prefix("ws://").and_then(|rest| rest.strip_suffix("/v1")).unwrap();
        let again = Service::start_in(self.folder, listen, &[]);
        assert_eq!(again.url, self.url);
        again
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A console with `--json`.
pub struct Console {
    pub child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    events: VecDeque<Value>,
    last_id: u64,
}

impl Console {
    pub fn start(url: &str, user: &str, password_file: &Path, more: &[&str]) -> Console {
        Console::start_by(hither(), url, user, password_file, more)
    }

    /// Trusts an authority that is not the system's.
    pub fn trusting(url: &str, user: &str, password_file: &Path, authority: &Path) -> Console {
        let mut command = hither();
        command.env("HITHER_CA_FILE", authority);
        Console::start_by(command, url, user, password_file, &[])
    }

    fn start_by(mut command: Command, url: &str, user: &str, password_file: &Path, more: &[&str]) -> Console {
        command.args(["console", "--json", "--service", url, "--user", user, "--password-file"]).arg(password_file);
        let pipes = command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Console { stdin: child.stdin.take(), child, stdout, stderr, events: VecDeque::new(), last_id: 0 }
    }

    /// Writes raw bytes.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Writes a request with the next id, which is given back.
    pub fn send(&mut self, mut request: Value) -> u64 {
        self.last_id += 1;
        request["id"] = json!(self.last_id);
        self.write(format!("{request}\n").as_bytes());
        self.last_id
    }

    /// Writes a request and waits for its answer; events that come before it are kept.
    pub fn ask(&mut self, request: Value) -> Value {
        let id = self.send(request);
        let answer = self.answer();
        assert_eq!(answer["re"], id, "{answer}");
        answer
    }

    /// The same, for a request that must succeed.
    pub fn ok(&mut self, request: Value) -> Value {
        let shown = request.to_string();
        let answer = self.ask(request);
        assert_eq!(
            (&answer["hresult"], &answer["result"]),
            (&json!("0x00000000"), &json!("S_OK")),
            "{shown}: {answer}"
        );
        assert_eq!(answer.get("message"), None);
        answer
    }

    /// The same, for a request that must be refused.
    pub fn refused(&mut self, request: Value, hresult: &str, result: &str) {
        let shown = request.to_string();
        let answer = self.ask(request);
        assert_eq!((&answer["hresult"], &answer["result"]), (&json!(hresult), &json!(result)), "{shown}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| message.len() > 5), "{answer}");
    }

    /// The next answer; events that come before it are kept.
    pub fn answer(&mut self) -> Value {
        loop {
            let line = self.line().expect("the console ended without an answer");
            if line.get("re").is_some() {
                return line;
            }
            self.events.push_back(line);
        }
    }

    /// The next event of that name; others that come before it are kept.
    pub fn event(&mut self, name: &str) -> Value {
        if let Some(at) = self.events.iter().position(|event| event["event"] == name) {
            return self.events.remove(at).unwrap();
        }
        loop {
            let line = self.line().unwrap_or_else(|| panic!("the console ended without {name}"));
            assert_eq!(line.get("re"), None, "an answer to nothing: {line}");
            if line["event"] == name {
                return line;
            }
            self.events.push_back(line);
        }
    }

    /// The next event of a session, whatever its name; `OnProgress` is passed over.
    pub fn session_event(&mut self) -> Value {
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.line().expect("the console ended without an event"),
            };
            assert_eq!(event.get("re"), None, "an answer to nothing: {event}");
            if event.get("session").is_some() && event["event"] != "OnProgress" {
                return event;
            }
        }
    }

    /// Takes the next event of a session, which must be this change of state.
    pub fn state(&mut self, session: &str, previous: &str, state: &str) {
        let expected = json!({"event": "OnStateChanged", "session": session, "previous": previous, "state": state});
        assert_eq!(self.session_event(), expected);
    }

    /// Takes the next events of a session, which must be its end.
    pub fn termination(&mut self, session: &str, hresult: &str, data: &str) {
        let event = self.session_event();
        assert_eq!(event["event"], "OnTermination", "{event}");
        assert_eq!((&event["session"], &event["hresult"]), (&json!(session), &json!(hresult)), "{event}");
        assert_eq!(event["data"], data, "{event}");
    }

    /// Waits until somebody's presence is this.
    pub fn until_status(&mut self, who: &str, status: &str) {
        loop {
            let event = self.event("OnContactStatusChange");
            if event["who"] == who && event["status"] == status {
                return;
            }
        }
    }

    /// Waits until the lock stands so.
    pub fn until_lock(&mut self, status: &str) {
        while self.event("OnLockStatusChanged")["status"] != status {}
    }

    /// A session in READY with its application.
    pub fn new_session(&mut self) -> String {
        let session = self.ok(json!({"do": "create"}))["session"].as_str().unwrap().to_owned();
        self.ok(json!({"do": "application", "session": session, "guid": GUID, "name": "Chess"}));
        session
    }

    /// The next line; `None` at the end of the output.
    pub fn line(&mut self) -> Option<Value> {
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => Some(serde_json::from_str(&line).expect(&line)),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the console said nothing; kept events: {:?}", self.events),
        }
    }

    /// Ends the input; nothing more can be asked.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Ends the input and waits; gives what was still said, what was said on standard error, and
    /// how the process ended.
    pub fn finish(mut self) -> (Vec<Value>, Vec<String>, ExitStatus) {
        self.close_input();
        let mut rest: Vec<Value> = self.events.drain(..).collect();
        while let Some(line) = self.line() {
            rest.push(line);
        }
        let errors = self.stderr.iter().collect();
        (rest, errors, wait(&mut self.child))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Brings a session of Alice and Bob to CONNECTED, and gives its id.
pub fn connected(alice: &mut Console, bob: &mut Console) -> String {
    let session = alice.new_session();
    alice.ok(json!({"do": "invite", "session": session, "to": "bob@example.org"}));
    assert_eq!(bob.event("OnInvitation")["session"], *session);
    bob.ok(json!({"do": "accept", "session": session}));
    bob.ok(json!({"do": "attach", "session": session}));
    for (party, first) in [(&mut *alice, "SS_READY"), (bob, "SS_INVITATION")] {
        let mut state = first.to_owned();
        while state != "SS_CONNECTED" {
            let event = party.event("OnStateChanged");
            assert_eq!(event["previous"], *state);
            event["state"].as_str().unwrap().clone_into(&mut state);
        }
    }
    assert_eq!(alice.event("OnAccepted")["session"], *session);
    session
}
