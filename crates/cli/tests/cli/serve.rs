//! The service as an operator meets it.

use serde_json::json;

use crate::world::{Service, connected, run, text};

#[test]
fn a_signal_stops_it_and_clients_come_back_when_it_does() {
    let mut service = Service::start();
    let (mut alice, mut bob) = service.friends();
    for name in ["TERM", "INT"] {
        let s = connected(&mut alice, &mut bob);
        service = service.restart(name);
        for party in [&mut alice, &mut bob] {
            assert_eq!(party.event("OnSignin")["resumed"], false);
            party.state(&s, "SS_CONNECTED", "SS_TERMINATED");
            party.termination(&s, "0x81000603", "");
        }
    }
    for party in [alice, bob] {
        let (_, errors, status) = party.finish();
        assert!(errors.iter().all(|line| line.starts_with("hither: the connection is down")), "{errors:?}");
        assert_eq!((errors.len(), status.code()), (2, Some(0)));
    }
}

#[test]
fn what_it_cannot_do_is_said_in_one_line() {
    let service = Service::start();
    let address = service.url.strip_prefix("ws://").and_then(|rest| rest.strip_suffix("/v1")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    for (listen, data) in [(address, folder.path()), ("127.0.0.1:0", &file)] {
        let output = run(&["serve", "--log", "off", "--listen", listen, "--data", data.to_str().unwrap()], "");
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 1), "{errors}");
        assert!(errors.starts_with("hither: cannot ") && output.stdout.is_empty(), "{errors}");
    }
}

#[test]
fn a_store_has_one_service_at_a_time() {
    let mut service = Service::start();
    let data = service.data();
    let second = run(&["serve", "--log", "off", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()], "");
    let errors = text(&second.stderr);
    assert!(second.status.code() == Some(1) && errors.contains("another service runs on"), "{errors}");
    // However it has ended, the next one can begin.
    service = service.killed().started();
    service.add_account("alice@example.org");
    service.console("alice@example.org");
}

#[test]
fn the_policy_is_a_setting() {
    let service = Service::start_with(&["--invitations", "anyone"]);
    let (mut alice, mut bob) = (service.person("alice@example.org"), service.person("bob@example.org"));
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    assert_eq!(bob.event("OnInvitation")["from"], "alice@example.org");
}
