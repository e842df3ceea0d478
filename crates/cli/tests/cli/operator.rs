//! The operator's API as an operator meets it: a process with a configuration file and a token.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::operating::Operated;
use crate::world::{hither, run, text};

const TOKEN: &str = "5d41402abc4b2a76b9719d911017c592aaf0c1e4";

fn ask(address: &str, token: &str, method: &str, path: &str, body: &Value) -> (String, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    write!(
        stream,
        "{method} /v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// With a key file, so that pairs can be issued.
fn operated(more: &str) -> Operated {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let data = folder.path().join("data");
    assert!(run(&["key", "issue", "--name", "First", "--data", data.to_str().unwrap()], "").status.success());
    let config = format!("{more}\n[lock]\nenabled = true\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"token\"\n");
    Operated::with_admin(folder, &config)
}

#[test]
fn nothing_secret_is_logged_at_the_most_talkative() {
    let mut service = operated("log = \"trace,hyper=trace,rustls=trace,axum=trace,tower=trace\"");
    let api = service.admin().to_owned();
    let person = json!({"name": "alice@example.org", "password": "password-of-hers"});
    assert!(ask(&api, TOKEN, "POST", "/people", &person).0.contains("201"));
    let patch = json!({"password": "other-password-of-hers"});
    assert!(ask(&api, TOKEN, "PATCH", "/people/alice@example.org", &patch).0.contains("200"));
    let weak = json!({"name": "bob@example.org", "password": "bob"});
    assert!(ask(&api, TOKEN, "POST", "/people", &weak).0.contains("422"));
    assert!(ask(&api, "a-guess-at-the-token-that-is-wrong", "GET", "/people", &Value::Null).0.contains("401"));
    let (status, issued) = ask(&api, TOKEN, "POST", "/keys", &json!({"name": "Second"}));
    assert!(status.contains("201"), "{status}");
    let key = issued["key"].as_str().unwrap().to_owned();
    let log = service.stopped();
    let audit = fs::read_to_string(service.path("data/audit.jsonl")).unwrap();
    assert!(log.contains("stopped"), "{log}");
    for action in ["account-added", "password-changed", "operator-refused", "key-issued"] {
        assert!(audit.contains(action), "{action} is not in\n{audit}");
    }
    for written in [&log, &audit] {
        for secret in [TOKEN, "of-hers", "a-guess", &key, "argon2"] {
            assert!(!written.contains(secret), "{secret} is in\n{written}");
        }
    }
}

#[test]
fn disabled_by_command_and_over_the_api() {
    let service = operated("");
    let data = service.path("data");
    service.add_account("alice@example.org");
    let account = |verb: &str| {
        let output = run(&["account", verb, "alice@example.org", "--data", data.to_str().unwrap()], "");
        assert!(output.status.success(), "{}", text(&output.stderr));
    };
    let disabled =
        || ask(service.admin(), TOKEN, "GET", "/people/alice@example.org", &Value::Null).1["disabled"].clone();
    account("disable");
    assert_eq!(disabled(), true);
    let list = run(&["account", "list", "--data", data.to_str().unwrap()], "");
    assert!(text(&list.stdout).contains("(disabled)"), "{}", text(&list.stdout));
    account("enable");
    assert_eq!(disabled(), false);
    let unknown = run(&["account", "disable", "nobody@example.org", "--data", data.to_str().unwrap()], "");
    assert!(!unknown.status.success() && text(&unknown.stderr).contains("no account"), "{}", text(&unknown.stderr));
}

#[test]
fn the_description_is_printed() {
    let output = hither().arg("openapi").output().unwrap();
    let description: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
}

#[test]
fn an_open_door_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let data = folder.path().join("data");
    let mut serve = hither();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0", "--data"]).arg(data);
    let output = serve.arg("--admin-token-file").arg(token).output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("admin.certificate"), "{}", text(&output.stderr));
}
