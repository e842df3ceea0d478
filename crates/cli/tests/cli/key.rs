//! ID/key pairs: real processes on a real store, judged as the service judges.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hither_service::keys::{Environment, Keychain, LockConfig, Verdict, Why};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::python::python;
use crate::world::{DEADLINE, GUID, hither, lines, run, signal, text, wait};

const CHALLENGE: &str = "Zm9yIHlvdSBhbG9uZQ \u{20ac}";

struct Keys {
    folder: TempDir,
}

impl Keys {
    fn new() -> Keys {
        Keys { folder: tempfile::tempdir().unwrap() }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs `hither key`, and gives its exit code, output and errors.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let data = self.data();
        let output = run(&[&["key"], arguments, &["--data", data.to_str().unwrap()]].concat(), "");
        (output.status.code().unwrap(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
    }

    /// What a command that works says, as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let (code, out, errors) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((code, out.lines().count()), (0, 1), "{errors}");
        serde_json::from_str(&out).unwrap()
    }

    /// What a command that does not work says: one line.
    fn fails(&self, arguments: &[&str]) -> String {
        let (code, out, errors) = self.run(arguments);
        assert_eq!((code, errors.lines().count(), &*out), (1, 1, ""), "{errors}");
        assert!(errors.starts_with("hither: "), "{errors}");
        errors
    }

    /// A new pair: its id and its key.
    fn issue(&self, arguments: &[&str]) -> (String, String) {
        let pair = self.json(&[&["issue", "--name", "Chess"], arguments].concat());
        let part = |name: &str| pair[name].as_str().unwrap().to_owned();
        (part("id"), part("key"))
    }

    fn keychain(&self, environment: Environment) -> Keychain {
        Keychain::open(&self.data(), &LockConfig { environment, ..LockConfig::default() }).unwrap()
    }

    fn judge(&self, id: &str, response: &str) -> Verdict {
        self.keychain(Environment::Production).judge(id, CHALLENGE, response).unwrap()
    }
}

/// HMAC and MD5 by Python's own library.
fn responses(python: &Path, key: &str) -> [String; 2] {
    let program = "import sys, hmac, hashlib
challenge, key = (part.encode() for part in sys.argv[1:])
print(hmac.new(key, challenge, hashlib.sha256).hexdigest())
print(hashlib.md5(challenge + key).hexdigest())";
    let output = Command::new(python).args(["-c", program, CHALLENGE, key]).output().unwrap();
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    [lines[0].to_owned(), lines[1].to_owned()]
}

#[test]
fn what_python_computes_unlocks() {
    let Some(python) = python() else { return };
    let keys = Keys::new();
    let right = Verdict::Right { apps: None };
    let wrong = Verdict::Wrong;
    let (plain, plain_key) = keys.issue(&[]);
    let (old, old_key) = keys.issue(&["--md5"]);
    let (test, test_key) = keys.issue(&["--environment", "test", "--md5"]);
    let (bound, bound_key) = keys.issue(&["--app", GUID, "--app", &GUID.to_lowercase()]);
    let [plain_hmac, plain_md5] = responses(&python, &plain_key);
    let [old_hmac, old_md5] = responses(&python, &old_key);
    let [test_hmac, test_md5] = responses(&python, &test_key);
    assert_eq!(keys.judge(&plain, &plain_hmac), right);
    assert_eq!(keys.judge(&plain, &plain_md5), wrong(Why::WrongResponse), "MD5 only where it was asked for");
    assert_eq!([keys.judge(&old, &old_hmac), keys.judge(&old, &old_md5)], [right.clone(), right.clone()]);
    assert_eq!(keys.judge(&old, &plain_hmac), wrong(Why::WrongResponse));
    for response in [&test_hmac, &test_md5] {
        assert_eq!(keys.judge(&test, response), wrong(Why::OtherEnvironment));
        let there = keys.keychain(Environment::Test).judge(&test, CHALLENGE, response).unwrap();
        assert_eq!(there, right);
    }
    let apps = [hither_wire::Guid::parse(GUID).unwrap()].into();
    assert_eq!(keys.judge(&bound, &responses(&python, &bound_key)[0]), Verdict::Right { apps: Some(apps) });

    // After a rotation both, after a revocation neither.
    let second = keys.json(&["rotate", &plain])["key"].as_str().unwrap().to_owned();
    let second_hmac = responses(&python, &second)[0].clone();
    assert_eq!([keys.judge(&plain, &plain_hmac), keys.judge(&plain, &second_hmac)], [right.clone(), right.clone()]);
    assert_eq!(keys.run(&["rotate", &plain, "--overlap", "0"]).0, 0);
    assert_eq!(keys.judge(&plain, &second_hmac), wrong(Why::Expired));
    // A keychain that was opened before sees it, too.
    let before = keys.keychain(Environment::Production);
    assert_eq!(keys.run(&["revoke", &old]).0, 0);
    assert_eq!(before.judge(&old, CHALLENGE, &old_hmac).unwrap(), wrong(Why::Revoked));
}

#[test]
fn a_pair_is_issued_listed_rotated_and_revoked() {
    let keys = Keys::new();
    let (code, out, errors) = keys.run(&["issue", "--name", "Chess 2"]);
    assert_eq!(code, 0, "{errors}");
    let key_file = keys.data().join("hither.key");
    assert!(errors.lines().count() == 2 && errors.contains("a new store in"), "{errors}");
    assert!(errors.contains("made the key file"), "{errors}");
    assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    let mut lines = out.lines();
    let id = lines.next().unwrap().strip_prefix("id   ").unwrap();
    let key = lines.next().unwrap().strip_prefix("key  ").unwrap();
    assert!(id.starts_with("APP-") && key.len() == 52 && out.contains("shown this once"), "{out}");

    let (test, _) = keys.issue(&["--environment", "test", "--md5", "--app", GUID]);
    assert!(test.starts_with("APP-TEST-"), "{test}");
    let (_, list, errors) = keys.run(&["list"]);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!((lines.len(), &*errors), (2, ""), "{list}");
    assert!(list.contains("production Chess 2") && list.contains("living, MD5, bound to 1"), "{list}");
    let (_, shown, _) = keys.run(&["show", &test]);
    assert!(shown.contains(&format!("unlocks      {GUID}\n")) && shown.contains("HMAC-SHA-256, MD5"), "{shown}");

    // In lower case, as somebody types it.
    let (code, out, errors) = keys.run(&["rotate", &id.to_lowercase(), "--overlap", "12h"]);
    assert_eq!((code, &*errors), (0, ""));
    assert!(out.contains(id) && !out.contains(key) && out.contains("The key before it counts until"), "{out}");
    let said = keys.fails(&["rotate", id]);
    assert!(said.contains(id) && said.contains("being rotated already") && said.contains("--again"), "{said}");
    let pair = keys.json(&["show", id]);
    assert_eq!(pair["keys"].as_array().unwrap().len(), 2);
    let created = pair["keys"][1]["expires"].as_i64().unwrap() - pair["keys"][0]["created"].as_i64().unwrap();
    assert_eq!(created, 12 * 3600);

    let again = keys.json(&["rotate", id, "--again"]);
    assert_eq!(again["keys"], keys.json(&["show", id])["keys"], "what is shown is what is kept");
    assert!(again["id"] == id && again["key"].is_string(), "{again}");
    let (code, out, _) = keys.run(&["revoke", id]);
    assert!(code == 0 && out.contains(id) && out.contains("is revoked;"), "{out}");
    let (code, out, _) = keys.run(&["revoke", id]);
    assert!(code == 0 && out.contains("is revoked already, since 20"), "{out}");
    let said = keys.fails(&["rotate", id, "--overlap", "0"]);
    assert!(said.contains(id) && said.contains("hither key issue"), "{said}");
    assert!(keys.json(&["show", id])["revoked"].is_i64());
    assert!(keys.run(&["list"]).1.contains("revoked 20"));
}

#[test]
fn a_key_goes_into_a_file_of_its_owner_or_nowhere() {
    let keys = Keys::new();
    keys.issue(&[]);
    let file = keys.folder.path().join("chess.key");
    let out = ["--out", file.to_str().unwrap()];
    let (code, said, errors) = keys.run(&[&["issue", "--name", "Chess"], &out[..]].concat());
    assert_eq!((code, &*errors), (0, ""));
    let key = std::fs::read_to_string(&file).unwrap();
    assert_eq!((key.len(), key.ends_with('\n')), (53, true));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!said.contains(key.trim()) && said.contains(out[1]), "{said}");

    // What is there is left alone, and nothing is issued.
    let errors = keys.fails(&[&["issue", "--name", "Chess"], &out[..]].concat());
    assert!(errors.contains(out[1]) && errors.contains("new file"), "{errors}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);
    let link = keys.folder.path().join("link");
    std::os::unix::fs::symlink(keys.folder.path().join("elsewhere"), &link).unwrap();
    keys.fails(&["issue", "--name", "Chess", "--out", link.to_str().unwrap()]);
    assert!(!keys.folder.path().join("elsewhere").exists(), "a link is not followed");
    keys.fails(&["issue", "--name", "Chess", "--out", keys.folder.path().join("no/folder").to_str().unwrap()]);
    assert_eq!(keys.run(&["issue", "--name", "Chess", "--out", "-"]).0, 2);
    assert_eq!(keys.run(&["list"]).1.lines().count(), 2);

    // As JSON, and for a rotation.
    let (id, _) = keys.issue(&[]);
    let second = keys.folder.path().join("second.key");
    let rotated = keys.json(&["rotate", &id, "--out", second.to_str().unwrap()]);
    assert_eq!((&rotated["id"], &rotated["key_in"], &rotated["key"]), (&json!(id), &json!(second), &Value::Null));
    // A rotation that is refused leaves no file behind.
    let third = keys.folder.path().join("third.key");
    keys.fails(&["rotate", &id, "--out", third.to_str().unwrap()]);
    assert!(second.exists() && !third.exists());
}

#[test]
fn a_key_that_nobody_got_does_not_count() {
    let keys = Keys::new();
    let (id, _) = keys.issue(&[]);
    let data = keys.data();
    for arguments in [&["issue", "--name", "Chess"][..], &["rotate", &id], &["rotate", &id, "--json"]] {
        let mut command = hither();
        command.arg("key").args(arguments).arg("--data").arg(&data).stderr(Stdio::piped());
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).output().unwrap();
        let errors = text(&output.stderr);
        assert!(output.status.code() == Some(1) && errors.contains("cannot write to standard output"), "{errors}");
    }
    assert_eq!(keys.run(&["list"]).1.lines().count(), 1);
    assert_eq!(keys.json(&["show", &id])["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let keys = Keys::new();
    for arguments in [&["list"][..], &["show", "APP-A"], &["revoke", "APP-A"], &["rotate", "APP-A"]] {
        let said = keys.fails(arguments);
        assert!(said.contains("there is no store in") && said.contains("--data"), "{said}");
    }
    assert!(!keys.data().exists(), "looking makes nothing");
    for name in ["", " ", "a\nb", "a\u{1b}[2J", &"n".repeat(129)] {
        let said = keys.fails(&["issue", "--name", name]);
        assert!(said.contains("1 to 128") && said.len() < 300, "{said}");
    }
    let many: Vec<String> = (0..65).map(|n| format!("{{00000000-0000-0000-0000-0000000000{n:02}}}")).collect();
    let many: Vec<&str> = many.iter().flat_map(|guid| ["--app", guid]).collect();
    assert!(keys.fails(&[&["issue", "--name", "Chess"], &many[..]].concat()).contains("1 to 64"));
    assert!(!keys.data().exists(), "nor does what cannot be issued");

    let (id, _) = keys.issue(&[]);
    for arguments in [&["show", "APP-NOBODY"][..], &["revoke", "APP-NOBODY"], &["rotate", "APP-NOBODY"]] {
        let said = keys.fails(arguments);
        assert!(said.contains("there is no app id APP-NOBODY") && said.contains("hither key list"), "{said}");
    }
    assert!(keys.fails(&["rotate", &id, "--overlap", "53w"]).contains("366 days"));
    assert!(keys.fails(&["rotate", &id, "--again"]).contains("not being rotated"));
    let long = "A".repeat(65);
    for arguments in [
        &["issue"][..],
        &["issue", "--name", "Chess", "--app", "Chess"],
        &["issue", "--name", "Chess", "--environment", "staging"],
        &["revoke", ""],
        &["revoke", "no id"],
        &["revoke", &long],
        &["revoke", "APP-\u{1b}[2J"],
        &["rotate", &id, "--overlap", "a while"],
        &["rotate", &id, "--overlap", "-1d"],
    ] {
        let (code, out, errors) = keys.run(arguments);
        assert!(code == 2 && out.is_empty() && !errors.contains('\u{1b}'), "{arguments:?}: {errors}");
    }
    assert_eq!(keys.run(&["list", "--json"]).1.lines().count(), 1);
}

#[test]
fn a_key_file_that_is_not_the_one() {
    let keys = Keys::new();
    let (id, _) = keys.issue(&[]);
    let file = keys.data().join("hither.key");
    let line = std::fs::read(&file).unwrap();
    let put = |name: &str, content: &[u8], mode| {
        let path = keys.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    };
    let zeros = b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for (path, advice) in [
        (keys.folder.path().join("missing"), "put back the one that the keys are sealed with"),
        (put("other", b"X1pZ8Fq0l1eC0bB5kq0s3f2v9aJHnC7yUuTQm4gk9xE=\n", 0o600), "is not the one"),
        (put("open", &line, 0o644), "chmod 600"),
        (put("zeros", zeros, 0o600), "is not random"),
        (put("short", b"AAAA\n", 0o600), "openssl rand -base64 32"),
        (put("empty", b"", 0o600), "openssl rand -base64 32"),
        (keys.folder.path().to_owned(), "openssl rand -base64 32"),
    ] {
        let path = path.to_str().unwrap();
        for arguments in [&["issue", "--name", "Chess"][..], &["rotate", &id]] {
            let said = keys.fails(&[arguments, &["--key-file", path]].concat());
            assert!(said.contains(path) && said.contains(advice), "{said}");
            assert!(!said.contains(text(&line).trim()), "{said}");
        }
    }
    // Lost: the pairs can still be seen and revoked, and no new file is made in its place.
    std::fs::remove_file(&file).unwrap();
    assert!(keys.fails(&["issue", "--name", "Chess"]).contains("hither.key"));
    assert!(!file.exists());
    assert!(keys.fails(&["issue", "--name", "Chess", "--new-key-file"]).contains("not revoked"));
    assert!(!file.exists());
    assert_eq!((keys.run(&["list"]).0, keys.run(&["show", &id]).0, keys.run(&["revoke", &id]).0), (0, 0, 0));
    keys.issue(&["--new-key-file"]);
    assert_ne!(std::fs::read(&file).unwrap(), line);
}

#[test]
fn a_pipe_as_key_file_is_not_waited_for() {
    let keys = Keys::new();
    keys.issue(&[]);
    let pipe = keys.folder.path().join("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    let said = keys.fails(&["issue", "--name", "Chess", "--key-file", pipe.to_str().unwrap()]);
    assert!(said.contains("is no key file"), "{said}");
}

fn start(data: &Path, arguments: &[&str]) -> Child {
    let mut command = hither();
    command.arg("key").args(arguments).arg("--json").arg("--data").arg(data);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn many_that_issue_at_once_make_one_key_file_and_all_of_their_pairs() {
    let keys = Keys::new();
    let data = keys.data();
    let children: Vec<Child> = (0..6).map(|_| start(&data, &["issue", "--name", "Chess"])).collect();
    let mut ids = std::collections::BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let pair: Value = serde_json::from_slice(&output.stdout).unwrap();
        ids.insert(pair["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 6);
    let keychain = keys.keychain(Environment::Production);
    assert!(ids.iter().all(|id| keychain.living(id).unwrap()));
    // Of several that rotate the same id at once, one does.
    let id = ids.first().unwrap();
    let children: Vec<Child> = (0..4).map(|_| start(&data, &["rotate", id])).collect();
    let done = children.into_iter().map(|mut child| wait(&mut child)).filter(std::process::ExitStatus::success);
    assert_eq!(done.count(), 1);
    assert_eq!(keys.json(&["show", id])["keys"].as_array().unwrap().len(), 2);
}

#[test]
fn killed_while_it_rotates_there_is_the_old_key_or_both() {
    let Some(python) = python() else { return };
    let keys = Keys::new();
    let (mut id, mut key) = keys.issue(&[]);
    for nth in 0..25 {
        let mut child = start(&keys.data(), &["rotate", &id]);
        // sleep: when it dies is what is tried out; a rotation takes some ten milliseconds.
        std::thread::sleep(Duration::from_micros(500 * nth));
        signal("KILL", child.id());
        wait(&mut child);
        let pair = keys.json(&["show", &id]);
        let ends: Vec<bool> = pair["keys"].as_array().unwrap().iter().map(|key| key["expires"].is_i64()).collect();
        assert!(ends == [false] || ends == [false, true], "{pair}");
        let [response, _] = responses(&python, &key);
        assert_eq!(keys.judge(&id, &response), Verdict::Right { apps: None });
        if ends == [false, true] {
            let (another, another_key) = keys.issue(&[]);
            (id, key) = (another, another_key);
        }
    }
}

#[test]
fn killed_between_showing_a_key_and_keeping_it_nothing_has_changed() {
    let Some(python) = python() else { return };
    let keys = Keys::new();
    let (id, key) = keys.issue(&[]);
    // Somebody who writes to the store and does not let go.
    let hold = "import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('BEGIN IMMEDIATE')
print('held', flush=True)
sys.stdin.read()";
    let mut holder = Command::new(&python);
    holder.args(["-c", hold]).arg(keys.data().join("hither.sqlite")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    let held = lines(holder.stdout.take().unwrap());
    assert_eq!(held.recv_timeout(DEADLINE).unwrap(), "held");

    let mut child = start(&keys.data(), &["rotate", &id]);
    let shown = lines(child.stdout.take().unwrap()).recv_timeout(DEADLINE).unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    signal("KILL", child.id());
    wait(&mut child);
    drop(holder.stdin.take());
    wait(&mut holder);
    let [old, _] = responses(&python, &key);
    let [new, _] = responses(&python, shown["key"].as_str().unwrap());
    assert_eq!(keys.judge(&id, &old), Verdict::Right { apps: None });
    assert_eq!(keys.judge(&id, &new), Verdict::Wrong(Why::WrongResponse));
    assert_eq!(keys.json(&["show", &id])["keys"].as_array().unwrap().len(), 1);
}
