//! Signing in that does not work.

use std::net::TcpListener;

use serde_json::json;

use crate::world::{Console, Service, hither, run, text};

#[test]
fn a_wrong_password() {
    let service = Service::start();
    service.add_account("alice@example.org");
    let wrong = service.password_file("wrong");
    let mut alice = Console::start(&service.url, "alice@example.org", &wrong, &[]);
    alice.write(b"{\"id\":1,\"do\":\"create\"}\nrubbish\n{\"id\":2,\"do\":\"quit\"}\n");
    let (lines, errors, status) = alice.finish();
    assert_eq!(status.code(), Some(1));
    let said: Vec<_> = lines.iter().map(|line| (&line["re"], &line["result"])).collect();
    let refused = json!("MSGR_E_INVALID_PASSWORD");
    assert_eq!(said, [(&json!(1), &refused), (&json!(null), &json!("E_INVALIDARG")), (&json!(2), &refused)]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("hither: cannot sign in as alice@example.org at ws://127.0.0.1:"), "{errors:?}");
    assert!(!errors[0].contains("wrong\n"));
}

#[test]
fn an_account_that_is_not_there() {
    let service = Service::start();
    let file = service.password_file("nobody@example.org");
    let (lines, errors, status) = Console::start(&service.url, "nobody@example.org", &file, &[]).finish();
    assert_eq!((lines.len(), errors.len(), status.code()), (0, 1, Some(1)));
}

#[test]
fn a_service_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "secret").unwrap();
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut alice = Console::start(&format!("ws://{address}/v1"), "alice@example.org", &file, &[]);
    alice.write(b"{\"id\":1,\"do\":\"create\"}\n");
    let (lines, errors, status) = alice.finish();
    assert_eq!(status.code(), Some(1));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["re"], 1);
    assert!(lines[0]["hresult"].as_str().unwrap().starts_with("0x81000"), "{lines:?}");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains(&address.to_string()), "{errors:?}");
}

#[test]
fn wrong_use_is_explained() {
    for (arguments, said) in [
        (&["console"][..], "--service"),
        (&["console", "--service", "ws://127.0.0.1:1/v1", "--user", "alice"], "name@domain"),
        (
            &["console", "--service", "ws://127.0.0.1:1/v1", "--user", "alice@example.org", "--password-file", "-"],
            "standard input",
        ),
        (&["console", "--service", "ws://127.0.0.1:1/v1", "--user", "alice@example.org"], "--password-file"),
        (&["serve", "--listen", "here", "--data", "x"], "--listen"),
        (&["serve", "--listen", "127.0.0.1:0", "--data", "x", "--ring", "0"], "--ring"),
        (&["dance"], "dance"),
    ] {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn help_teaches_and_versions_are_told() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["account", "--help"],
        &["account", "add", "--help"],
        &["console", "--help"],
        &["demo", "--help"],
    ] {
        let output = hither().args(arguments).output().unwrap();
        assert!(output.status.success());
        assert!(!text(&output.stdout).contains("demo-player"));
        assert!(text(&output.stdout).contains("hither"), "{arguments:?}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(text(&run(&["version"], "").stdout), format!("hither {version}\n"));
    let json: serde_json::Value = serde_json::from_slice(&run(&["version", "--json"], "").stdout).unwrap();
    assert_eq!(json, json!({"name": "hither", "version": version}));
}
