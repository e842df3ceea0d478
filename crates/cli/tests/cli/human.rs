//! The console for people, through a pipe.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::mpsc::Receiver;

use serde_json::json;

use crate::world::{DEADLINE, GUID, Service, hither, lines, wait};

/// Waits for a line that contains this, and gives it.
fn until(output: &Receiver<String>, part: &str) -> String {
    let mut seen = Vec::new();
    loop {
        let line = output.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no {part:?} in {seen:#?}"));
        if line.contains(part) {
            return line;
        }
        seen.push(line);
    }
}

#[test]
fn a_session_line_by_line() {
    let service = Service::start();
    let mut alice = service.person("alice@example.org");
    service.add_account("bob@example.org");
    alice.ok(json!({"do": "contact", "add": "bob@example.org"}));

    let mut command = hither();
    command.args(["console", "--service", &service.url, "--user", "bob@example.org", "--password-file"]);
    command.arg(service.password_file("bob@example.org")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut bob = command.spawn().unwrap();
    let (mut stdin, output) = (bob.stdin.take().unwrap(), lines(bob.stdout.take().unwrap()));
    let mut say = |line: &str| stdin.write_all(format!("{line}\n").as_bytes()).unwrap();

    until(&output, "signed in as bob@example.org");
    say("help");
    until(&output, "invite SESSION NAME@DOMAIN [DATA]");
    say("dance");
    until(&output, "E_INVALIDARG (0x80070057): there is no such command");
    say("accept 1");
    until(&output, "there is no session 1");
    say("add alice@example.org");
    until(&output, "alice@example.org");
    alice.until_status("bob@example.org", "ONLINE");

    let s = alice.ok(json!({"do": "create"}))["session"].as_str().unwrap().to_owned();
    alice.ok(json!({"do": "application", "session": s, "guid": GUID, "name": "Ch\u{1b}[31mess\u{202e}"}));
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org", "data": "a\u{7} game?\nhither> "}));
    let line = until(&output, "invites you");
    assert!(
        line.contains(
            r#"session 1: alice@example.org invites you to Ch\u{1b}[31mess\u{202e}: "a\u{7} game?\u{a}hither> ""#
        ),
        "{line}"
    );
    say("accept 1 gladly,  really");
    until(&output, "session 1: SS_INVITATION -> SS_ACCEPTED");
    assert_eq!(alice.event("OnAccepted")["data"], "gladly,  really");
    say("attach 1");
    until(&output, "session 1: SS_ACCEPTED -> SS_CONNECTED");
    say("attach 1");
    until(&output, "S_FALSE");
    say(&format!("context {s} 192.0.2.1:5000"));
    assert_eq!(alice.event("OnContextData")["data"], "192.0.2.1:5000");
    alice.ok(json!({"do": "context", "session": s, "data": "\u{9b}2J"}));
    until(&output, r#"context data: "\u{9b}2J""#);
    say("get 1");
    until(&output, "state    SS_CONNECTED");
    say("cancel 1 0x80004005 bye");
    until(&output, "session 1: over, E_FAIL (0x80004005): \"bye\"");
    assert_eq!(alice.event("OnTermination")["hresult"], "0x80004005");
    say("contacts");
    until(&output, "alice@example.org        ONLINE");
    drop(stdin);
    until(&output, "signed out");
    assert_eq!(wait(&mut bob).code(), Some(0));
}
