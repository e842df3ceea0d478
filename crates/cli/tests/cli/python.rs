//! The client that was written from the specification alone, against the real service and a console.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use crate::operating::{Operated, over_tls};
use crate::world::{Console, DEADLINE, Service, lines, text, wait};

/// The Python with the packages of `examples/python`: `cargo xtask ci` names it, `cargo xtask setup`
/// makes it. Whoever has run neither gets these tests passed over, and is told so.
#[expect(clippy::print_stdout, reason = "who runs the tests is told what was passed over")]
pub fn python() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("HITHER_TEST_PYTHON") {
        return Some(named.into());
    }
    let made = root().join("target/python/bin/python");
    if !made.exists() {
        println!("passed over: there is no Python with the packages of the example; `cargo xtask setup` makes one");
    }
    made.exists().then_some(made)
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Talk {
    child: Child,
    stdout: Receiver<String>,
}

impl Talk {
    /// `talk.py` of somebody who has an account.
    fn start(python: &Path, service: &Service, user: &str, rest: &[&str]) -> Talk {
        let mut command = Command::new(python);
        command.arg(root().join("examples/python/talk.py")).args(["--json", "--service", &service.url, "--user", user]);
        command.arg("--password-file").arg(service.password_file(user)).args(rest);
        let mut child = command.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        Talk { child, stdout }
    }

    /// The same over TLS, with an authority that is not the system's.
    fn trusting(python: &Path, url: &str, password: &Path, authority: &Path, rest: &[&str]) -> Talk {
        let mut command = Command::new(python);
        command.arg(root().join("examples/python/talk.py")).args(["--json", "--service", url]);
        command.args(["--user", "python@example.org", "--password-file"]).arg(password).args(rest);
        command.env("SSL_CERT_FILE", authority).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        Talk { child, stdout }
    }

    /// The next event of this name.
    fn event(&self, name: &str) -> Value {
        loop {
            let line = self.stdout.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no `{name}` from talk.py"));
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn console(service: &Service) -> Console {
    service.add_account("python@example.org");
    let mut bob = service.person("bob@example.org");
    bob.ok(json!({"do": "contact", "add": "python@example.org"}));
    bob
}

#[test]
fn python_invites_a_console_and_resumes_in_the_middle() {
    let Some(python) = python() else { return };
    let service = Service::start();
    let mut bob = console(&service);
    let rest = ["--contact", "bob@example.org", "--break-once", "invite", "bob@example.org", "--say", "one \u{1F600}"];
    let mut talk =
        Talk::start(&python, &service, "python@example.org", &[&rest[..], &["--say", "two", "--expect", "2"]].concat());
    let invitation = bob.event("OnInvitation");
    let session = invitation["session"].as_str().unwrap();
    assert_eq!((&invitation["from"], &invitation["data"]), (&json!("python@example.org"), &json!("come")));
    bob.ok(json!({"do": "accept", "session": session, "data": "gladly"}));
    bob.ok(json!({"do": "attach", "session": session}));
    assert_eq!(talk.event("accepted")["data"]["text"], "gladly");
    for text in ["one \u{1F600}", "two"] {
        assert_eq!(bob.event("OnContextData")["data"], text);
        bob.ok(json!({"do": "context", "session": session, "data": format!("got {text}")}));
    }
    assert_eq!(talk.event("context")["data"]["text"], "got one \u{1F600}");
    assert_eq!(talk.event("context")["data"]["text"], "got two");
    assert_eq!(bob.event("OnTermination")["result"], "SR_SESSION_CANCELLED_REMOTE");
    assert_eq!(talk.event("ended")["code"], 0x8100_0606_u32);
    assert_eq!(talk.event("resumed")["times"], 1);
    assert!(wait(&mut talk.child).success());
}

#[test]
fn a_console_invites_python() {
    let Some(python) = python() else { return };
    let service = Service::start();
    let mut bob = console(&service);
    let rest = ["--contact", "bob@example.org", "wait", "--say", "hello", "--expect", "1"];
    let mut talk = Talk::start(&python, &service, "python@example.org", &rest);
    bob.until_status("python@example.org", "ONLINE");
    let session = bob.new_session();
    bob.ok(json!({"do": "invite", "session": session, "to": "python@example.org"}));
    assert_eq!(bob.event("OnAccepted")["data"], "gladly");
    assert_eq!(bob.event("OnContextData")["data"], "hello");
    bob.ok(json!({"do": "context", "session": session, "data": "hello yourself"}));
    assert_eq!(talk.event("context")["data"]["text"], "hello yourself");
    bob.ok(json!({"do": "cancel", "session": session, "hr": "0x81000621", "data": "enough"}));
    let end = talk.event("ended");
    assert_eq!(
        (&end["how"], &end["by"], &end["code"]),
        (&json!("cancelled"), &json!("remote"), &json!(0x8100_0621_u32))
    );
    assert!(wait(&mut talk.child).success());
}

/// What `staying.py` tries, against a service.
pub fn stays(python: &Path, what: &str, service: &Operated, user: &str, file: &Path) {
    let mut command = Command::new(python);
    command.arg(root().join("crates/cli/tests/cli/staying.py")).args([what, &service.url, user]).arg(file);
    command.env("PYTHONPATH", root().join("examples/python")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn python_does_not_come_back_when_it_is_removed() {
    let Some(python) = python() else { return };
    let service = Operated::start("");
    let password = service.add_account("python@example.org");
    stays(&python, "removed", &service, "python@example.org", &password);
}

#[test]
fn python_with_tokens_of_a_backend() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let private = folder.path().join("private.pem");
    std::fs::write(&private, key.serialize_pem()).unwrap();
    std::fs::write(folder.path().join("public.pem"), key.public_key_pem()).unwrap();
    let issuer = "[[issuer]]\nname = \"shop\"\nissuer = \"https://shop.example\"\naudience = \"hither\"\n\
                  keys_file = \"public.pem\"\nleeway = 0\n";
    let service = Operated::prepared(folder, issuer, |_| {});
    stays(&python, "tokens", &service, "dora@shop.example", &private);
}

#[test]
fn python_over_tls() {
    let Some(python) = python() else { return };
    let service = over_tls();
    let password = service.add_account("python@example.org");
    let mut bob = service.trusting_console("bob@example.org");
    bob.ok(json!({"do": "contact", "add": "python@example.org"}));
    let rest = ["--contact", "bob@example.org", "--break-once", "invite", "bob@example.org", "--say", "over TLS"];
    let mut talk = Talk::trusting(&python, &service.url, &password, &service.path("ca"), &rest);
    let session = bob.event("OnInvitation")["session"].clone();
    bob.ok(json!({"do": "accept", "session": session, "data": "gladly"}));
    bob.ok(json!({"do": "attach", "session": session}));
    assert_eq!(bob.event("OnContextData")["data"], "over TLS");
    talk.event("ended");
    assert!(wait(&mut talk.child).success());
}
