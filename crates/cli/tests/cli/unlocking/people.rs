//! A service with the lock on and keys that `hither key` has issued, and people whose programs answer
//! its challenges with Python's own hmac and hashlib.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::operating::Operated;
use crate::python::root;
use crate::world::{DEADLINE, GUID, lines, run, signal, text, wait};

/// A pair that an operator has issued.
#[derive(Clone)]
pub struct Pair {
    pub id: String,
    pub key: String,
}

/// A store with pairs, and the service that stands on it.
pub struct Locked {
    pub service: Operated,
}

/// `hither key` on the store of a folder; what it says, as JSON.
pub fn key(folder: &Path, arguments: &[&str]) -> Value {
    let data = folder.join("data");
    let output = run(&[&["key"], arguments, &["--data", data.to_str().unwrap()]].concat(), "");
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    serde_json::from_str(text(&output.stdout)).unwrap_or_default()
}

/// A new pair.
pub fn issue(folder: &Path, arguments: &[&str]) -> Pair {
    let pair = key(folder, &[&["issue", "--name", "Chess", "--json"], arguments].concat());
    let part = |name: &str| pair[name].as_str().unwrap().to_owned();
    Pair { id: part("id"), key: part("key") }
}

impl Locked {
    /// With the lock on.
    pub fn start(folder: TempDir) -> Locked {
        Locked::with(folder, "log = \"trace\"\ninvitations = \"anyone\"\n[lock]\nenabled = true\n")
    }

    pub fn with(folder: TempDir, config: &str) -> Locked {
        Locked { service: Operated::prepared(folder, config, |_| {}) }
    }

    pub fn folder(&self) -> PathBuf {
        self.service.path("")
    }

    pub fn rotate(&self, pair: &Pair, arguments: &[&str]) -> Pair {
        let rotated = key(&self.folder(), &[&["rotate", &pair.id, "--json"], arguments].concat());
        Pair { key: rotated["key"].as_str().unwrap().to_owned(), ..pair.clone() }
    }

    pub fn revoke(&self, pair: &Pair) {
        key(&self.folder(), &["revoke", &pair.id]);
    }

    /// Stops it in good order, and gives the lines of the audit about the lock, and all that was written.
    pub fn audited(mut self) -> (Vec<Value>, String) {
        signal("TERM", self.service.child.id());
        assert!(wait(&mut self.service.child).success());
        let audit = fs::read_to_string(self.service.path("data/audit.jsonl")).unwrap();
        let events = audit.lines().map(|line| serde_json::from_str(line).unwrap());
        let about = |event: &Value| event["event"].as_str().is_some_and(|name| name.starts_with("unlock"));
        (events.filter(about).collect(), format!("{audit}{}", self.service.rest_of_log()))
    }
}

/// Somebody's program.
pub struct Person {
    child: Child,
    stdin: ChildStdin,
    stdout: Receiver<String>,
    /// Challenges, responses and keys that went through it, which nobody may write down.
    pub secrets: Vec<String>,
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Person {
    /// Not signed in yet.
    pub fn new(python: &Path, service: &Operated, user: &str) -> Person {
        let mut command = Command::new(python);
        command.arg(root().join("crates/cli/tests/cli/unlocking.py")).args([&service.url, user]);
        command.arg(service.add_account(user)).env("PYTHONPATH", root().join("examples/python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), lines(child.stdout.take().unwrap()));
        Person { child, stdin, stdout, secrets: Vec::new() }
    }

    pub fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.stdin, "{request}").unwrap();
        let line = self.stdout.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no answer to {request}"));
        serde_json::from_str(&line).unwrap()
    }

    /// Signs in, after signing out if need be; how the lock stands.
    pub fn sign_in(&mut self) -> Value {
        self.ask(&json!({"do": "sign-in"}))
    }

    /// The next event with these fields.
    pub fn event(&mut self, fields: Value) -> Value {
        let mut request = fields;
        request["do"] = "event".into();
        self.ask(&request)
    }

    pub fn challenge(&mut self, cookie: u32) -> String {
        let event = self.ask(&json!({"do": "challenge", "cookie": cookie}));
        assert_eq!(event["cookie"], cookie, "{event}");
        self.noted(&event["challenge"])
    }

    pub fn compute(&mut self, key: &str, challenge: &str, md5: bool) -> String {
        self.secrets.push(key.to_owned());
        let computed = self.ask(&json!({"do": "compute", "key": key, "challenge": challenge, "md5": md5}));
        self.noted(&computed["response"])
    }

    /// Sends a response; whether it was right.
    pub fn respond(&mut self, id: &str, response: &str, cookie: u32) -> bool {
        let request = json!({"do": "response", "app_id": id, "response": response, "cookie": cookie});
        let result = self.ask(&request);
        result["ok"].as_bool().unwrap_or_else(|| panic!("{request}: {result}"))
    }

    /// All of it, signed in as it is.
    pub fn unlock(&mut self, pair: &Pair, md5: bool) -> bool {
        let challenge = self.challenge(5);
        let response = self.compute(&pair.key, &challenge, md5);
        self.respond(&pair.id, &response, 5)
    }

    /// What an invitation of nobody comes to.
    pub fn invites(&mut self, app: &str) -> String {
        let session = "{0B5C1E0A-6F0F-4E0C-9A51-77F1D2A8C001}";
        let to = "nobody@example.org";
        let answer = self.ask(&json!({"do": "invite", "session": session, "to": to, "app": {"guid": app}}));
        answer["refused"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The lock lets it through, and then nobody is called so.
    pub fn is_unlocked(&mut self) -> bool {
        match self.invites(GUID).as_str() {
            "MSGR_E_USER_NOT_FOUND" => true,
            "MSGR_E_API_LOCKED" => false,
            other => panic!("{other}"),
        }
    }

    /// What it has been told and nobody has looked at.
    pub fn told(&mut self) -> Vec<Value> {
        self.ask(&json!({"do": "told"}))["told"].as_array().unwrap().clone()
    }

    fn noted(&mut self, secret: &Value) -> String {
        let secret = secret.as_str().unwrap().to_owned();
        self.secrets.push(secret.clone());
        secret
    }
}
