//! The service as an operator meets it.

use serde_json::json;

use crate::world::{DEADLINE, Service, connected, signal, wait};

#[test]
fn a_signal_stops_it_and_clients_are_told() {
    for name in ["TERM", "INT"] {
        let mut service = Service::start();
        let (mut alice, mut bob) = service.friends();
        let s = connected(&mut alice, &mut bob);
        signal(name, service.child.id());
        assert_eq!(wait(&mut service.child).code(), Some(0));
        // Nothing but the first line was on standard output.
        assert!(service.stdout.recv_timeout(DEADLINE).is_err());
        for mut party in [alice, bob] {
            assert_eq!(party.event("OnSignout")["result"], "MSGR_E_SERVER_SHUTDOWN");
            party.state(&s, "SS_CONNECTED", "SS_TERMINATED");
            party.refused(json!({"do": "contacts"}), "0x8100031e", "MSGR_E_NOT_LOGGED_ON");
            let (_, _, status) = party.finish();
            assert_eq!(status.code(), Some(1));
        }
    }
}

#[test]
fn the_policy_is_a_setting() {
    let service = Service::start_with(&["--invitations", "anyone"]);
    let (mut alice, mut bob) = (service.person("alice@example.org"), service.person("bob@example.org"));
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    assert_eq!(bob.event("OnInvitation")["from"], "alice@example.org");
}
