//! What a service writes down, at its most talkative: nothing that is secret, nothing that people say.

use std::io::Read as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::world::{Console, DEADLINE, GUID, hither, lines, run, signal, wait};

#[test]
fn neither_log_nor_audit_holds_a_secret_or_what_people_say() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = hither();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "trace,tungstenite=trace,tungstenite::protocol=trace"]);
    command.arg("--data").arg(&data);
    let mut service = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = service.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).unwrap();
        log
    });
    let stdout = lines(service.stdout.take().unwrap());
    let first = stdout.recv_timeout(DEADLINE).unwrap();
    let url = first.strip_prefix("listening on ").unwrap();

    let password = |user: &str, password: &str| {
        let file = folder.path().join(format!("{user}-{password}"));
        std::fs::write(&file, password).unwrap();
        file
    };
    for user in ["alice@example.org", "bob@example.org"] {
        let file = password(user, "password-of-theirs");
        let add = ["account", "add", user, "--password-file", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
        assert!(run(&add, "").status.success());
    }
    let wrong = password("alice@example.org", "guess-of-theirs");
    let (_, _, status) = Console::start(url, "alice@example.org", &wrong, &[]).finish();
    assert_eq!(status.code(), Some(1));
    let signed_in = |user: &str| {
        let mut console = Console::start(url, user, &password(user, "password-of-theirs"), &[]);
        console.event("OnSignin");
        console
    };
    let (mut alice, mut bob) = (signed_in("alice@example.org"), signed_in("bob@example.org"));
    alice.ok(json!({"do": "contact", "add": "bob@example.org"}));
    bob.ok(json!({"do": "contact", "add": "alice@example.org"}));
    alice.until_status("bob@example.org", "ONLINE");
    bob.until_status("alice@example.org", "ONLINE");

    let id = alice.ok(json!({"do": "create"}))["session"].as_str().unwrap().to_owned();
    alice.ok(json!({"do": "application", "session": id, "guid": GUID, "name": "name-of-theirs",
        "url": "https://url-of-theirs.example"}));
    alice.ok(json!({"do": "address", "session": id, "address": "192.0.2.77:7777"}));
    alice.ok(json!({"do": "invite", "session": id, "to": "bob@example.org", "data": "invitation-of-theirs"}));
    bob.event("OnInvitation");
    bob.ok(json!({"do": "accept", "session": id, "data": "acceptance-of-theirs"}));
    bob.ok(json!({"do": "attach", "session": id}));
    alice.state(&id, "SS_READY", "SS_INVITATION");
    alice.state(&id, "SS_INVITATION", "SS_ACCEPTED");
    alice.session_event();
    alice.state(&id, "SS_ACCEPTED", "SS_CONNECTED");
    alice.ok(json!({"do": "context", "session": id, "data": "context-of-theirs"}));
    alice.ok(json!({"do": "cancel", "session": id, "data": "farewell-of-theirs"}));
    drop((alice, bob));
    signal("TERM", service.id());
    assert_eq!(wait(&mut service).code(), Some(0));

    let log = log.join().unwrap();
    assert!(log.contains("CONNECTED"), "the session is in the log:\n{log}");
    let audit = std::fs::read_to_string(data.join("audit.jsonl")).unwrap();
    let events: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let happened = |event: &str| events.iter().filter(|found| found["event"] == event).count();
    assert_eq!((happened("signed-in"), happened("sign-in-refused"), happened("administered")), (2, 1, 2), "{audit}");
    for (name, written) in [("the log", log), ("the audit", audit)] {
        for secret in ["of-theirs", "192.0.2.77", "argon2", "\"password\":\""] {
            assert!(!written.contains(secret), "{secret} is in {name}:\n{written}");
        }
    }
}
