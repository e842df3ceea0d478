//! Lines that are not requests, and the end of input.

use serde_json::{Value, json};

use crate::world::{Console, GUID, Service, signal, wait};

#[test]
fn every_line_gets_one_answer_in_order() {
    let service = Service::start();
    let mut alice = service.person("alice@example.org");
    let unknown = format!(r#"{{"id":20,"do":"get","session":"{GUID}"}}"#);
    let lines: &[(&str, Value, &str)] = &[
        (r#"{"id":1,"do":"create"}"#, json!(1), "S_OK"),
        ("", json!(null), "E_INVALIDARG"),
        ("   ", json!(null), "E_INVALIDARG"),
        ("hello", json!(null), "E_INVALIDARG"),
        ("null", json!(null), "E_INVALIDARG"),
        ("[]", json!(null), "E_INVALIDARG"),
        ("{}", json!(null), "E_INVALIDARG"),
        (r#"{"do":"create"}"#, json!(null), "E_INVALIDARG"),
        (r#"{"id":2}"#, json!(2), "E_INVALIDARG"),
        (r#"{"id":3,"do":"dance"}"#, json!(3), "E_INVALIDARG"),
        (r#"{"id":4,"do":["create"]}"#, json!(4), "E_INVALIDARG"),
        (r#"{"id":5,"do":"create"#, json!(5), "E_INVALIDARG"),
        (r#"{"id":5"#, json!(null), "E_INVALIDARG"),
        (r#"{"id":6,"do":"create""#, json!(6), "E_INVALIDARG"),
        (r#"{"id":"seven","do":"create"}"#, json!("seven"), "S_OK"),
        (r#"{"id":8.5,"do":"create"}"#, json!(null), "E_INVALIDARG"),
        (r#"{"id":9,"do":"get"}"#, json!(9), "E_INVALIDARG"),
        (r#"{"id":10,"do":"get","session":"one"}"#, json!(10), "E_INVALIDARG"),
        (r#"{"id":11,"do":"get","session":1}"#, json!(11), "E_INVALIDARG"),
        (r#"{"id":12,"do":"status","status":"OFFLINE"}"#, json!(12), "E_INVALIDARG"),
        (r#"{"id":13,"do":"contact"}"#, json!(13), "E_INVALIDARG"),
        (r#"{"id":14,"do":"contact","add":"no name"}"#, json!(14), "E_INVALIDARG"),
        (r#"{"id":15,"do":"settings","invitations":"nobody"}"#, json!(15), "E_INVALIDARG"),
        (&unknown, json!(20), "E_INVALIDARG"),
        ("{\"id\":-1,\"do\":\"create\",\"unknown\":true}\r", json!(-1), "S_OK"),
    ];
    // All at once: the answers come in the order of the lines.
    let input: Vec<&str> = lines.iter().flat_map(|(line, ..)| [*line, "\n"]).collect();
    alice.write(input.concat().as_bytes());
    for (line, id, result) in lines {
        let answer = alice.answer();
        assert_eq!((&answer["re"], &answer["result"]), (id, &json!(result)), "{line}: {answer}");
        assert_eq!(answer["message"].is_string(), *result != "S_OK", "{answer}");
    }
}

#[test]
fn fields_of_a_session_that_are_malformed() {
    let service = Service::start();
    let mut alice = service.person("alice@example.org");
    let s = alice.new_session();
    for (request, result) in [
        (json!({"do": "application", "session": s}), "E_INVALIDARG"),
        (json!({"do": "application", "session": s, "guid": "chess"}), "E_INVALIDARG"),
        (json!({"do": "application", "session": s, "guid": &GUID[1..37]}), "E_INVALIDARG"),
        (json!({"do": "application", "session": s, "guid": format!("{GUID}xx")}), "E_OUTOFMEMORY"),
        (json!({"do": "application", "session": s, "guid": GUID, "name": "n".repeat(257)}), "E_INVALIDARG"),
        (json!({"do": "address", "session": s}), "E_INVALIDARG"),
        (json!({"do": "address", "session": s, "address": ""}), "E_INVALIDARG"),
        (json!({"do": "address", "session": s, "address": "example.org"}), "E_INVALIDARG"),
        (json!({"do": "address", "session": s, "address": "a.long.name.of.a.host.example.org"}), "E_OUTOFMEMORY"),
        (json!({"do": "address", "session": s, "address": 5}), "E_INVALIDARG"),
        (json!({"do": "invite", "session": s}), "E_INVALIDARG"),
        (json!({"do": "invite", "session": s, "to": "bob@example.org", "data": {}}), "E_INVALIDARG"),
        (json!({"do": "cancel", "session": s, "hr": "E_FAIL"}), "E_INVALIDARG"),
        (json!({"do": "cancel", "session": s, "hr": 4_294_967_296_u64}), "E_INVALIDARG"),
        (json!({"do": "cancel", "session": s, "hr": 0.5}), "E_INVALIDARG"),
        (json!({"do": "cancel", "session": s}), "SR_SESSION_STATE_INVALID"),
    ] {
        let shown = request.to_string();
        assert_eq!(alice.ask(request)["result"], result, "{shown}");
    }
    let address = "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535";
    alice.ok(json!({"do": "address", "session": s, "address": address}));
    assert_eq!(alice.ok(json!({"do": "get", "session": s}))["local"], address);
}

#[test]
fn lines_that_are_too_long_or_too_strange() {
    let service = Service::start();
    let mut alice = service.person("alice@example.org");
    // Far more than is kept of a line.
    alice.write(br#"{"id":41,"do":"context","data":""#);
    for _ in 0..256 {
        alice.write("x".repeat(64 * 1024).as_bytes());
    }
    alice.write(b"\"}\n");
    let answer = alice.answer();
    assert_eq!((&answer["re"], &answer["result"]), (&json!(41), &json!("E_INVALIDARG")));

    alice.write(b"{\"id\":42,\"do\":\"context\",\"data\":\"\xff\xfe\"}\n");
    assert_eq!(alice.answer()["re"], 42);
    alice.write(format!("{{\"id\":43,\"x\":{}\n", "[".repeat(60_000)).as_bytes());
    assert_eq!(alice.answer()["result"], "E_INVALIDARG");
    alice.write(b"\0\0\n");
    assert_eq!(alice.answer()["re"], json!(null));
    alice.ok(json!({"do": "create"}));
}

fn is_about_the_lock(line: &Value) -> bool {
    line["event"].as_str().is_some_and(|name| name.starts_with("OnLock"))
}

#[test]
fn requests_wait_for_the_sign_in_and_are_answered_before_the_end() {
    let service = Service::start();
    service.add_account("alice@example.org");
    let file = service.password_file("alice@example.org");
    let mut alice = Console::start(&service.url, "alice@example.org", &file, &[]);
    alice.write(b"{\"id\":1,\"do\":\"create\"}\n{\"id\":2,\"do\":\"contacts\"}\nrubbish\n{\"id\":3,\"do\":\"create\"}");
    let (lines, errors, status) = alice.finish();
    // The lock is told of when the service has, which may be before an answer or after it.
    let said = lines.iter().filter(|line| !is_about_the_lock(line));
    let said: Vec<_> = said.map(|line| line.get("re").unwrap_or(&line["event"])).collect();
    assert_eq!(
        said,
        [&json!("OnSignin"), &json!(1), &json!(2), &json!(null), &json!(3), &json!("OnSignout")],
        "{lines:?}"
    );
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn quit_is_answered_and_ends_the_console() {
    let service = Service::start();
    let mut alice = service.person("alice@example.org");
    alice.write(b"{\"id\":\"bye\",\"do\":\"quit\"}\n{\"id\":1,\"do\":\"create\"}\n");
    // The input stays open.
    let mut lines = Vec::new();
    while let Some(line) = alice.line() {
        lines.push(line);
    }
    lines.retain(|line| !is_about_the_lock(line));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], json!({"event": "OnSignout", "hresult": "0x00000000", "result": "S_OK"}));
    assert_eq!(lines[1], json!({"re": "bye", "hresult": "0x00000000", "result": "S_OK"}));
    let (_, _, status) = alice.finish();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_signal_is_quit() {
    let service = Service::start();
    for name in ["TERM", "INT"] {
        let mut alice =
            if name == "TERM" { service.person("alice@example.org") } else { service.console("alice@example.org") };
        alice.ok(json!({"do": "create"}));
        signal(name, alice.child.id());
        // The input stays open.
        assert_eq!(alice.event("OnSignout")["result"], "S_OK");
        assert_eq!(wait(&mut alice.child).code(), Some(0));
    }
}
