//! A killed console goes on where it was.

use serde_json::{Value, json};

use crate::world::{Console, Service, connected};

/// Alice, who keeps her state in a file, and Bob.
struct Friends {
    service: Service,
    alice: Console,
    bob: Console,
}

impl Friends {
    fn meet() -> Friends {
        let service = Service::start();
        let (alice, bob) = service.friends();
        let (_, _, status) = alice.finish();
        assert!(status.success());
        let mut friends = Friends { alice: Friends::alice(&service), service, bob };
        assert_eq!(friends.alice.event("OnSignin")["resumed"], false);
        friends.alice.until_status("bob@example.org", "ONLINE");
        friends
    }

    fn alice(service: &Service) -> Console {
        let (file, state) = (service.password_file("alice@example.org"), service.data().join("alice.state"));
        Console::start(&service.url, "alice@example.org", &file, &["--state", state.to_str().unwrap()])
    }

    /// At once, whatever she has just been told: it is not told again.
    fn kill_alice(&mut self) {
        self.alice.child.kill().unwrap();
        self.alice.child.wait().unwrap();
    }

    fn restart_alice(&mut self) {
        self.alice = Friends::alice(&self.service);
        assert_eq!(self.alice.event("OnSignin")["resumed"], true);
    }

    fn state(&mut self, session: &str) -> Value {
        self.alice.ok(json!({"do": "get", "session": session}))["state"].take()
    }
}

#[test]
fn killed_in_the_invitation() {
    let mut friends = Friends::meet();
    let s = friends.alice.new_session();
    friends.alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org", "data": "a game?"}));
    friends.alice.state(&s, "SS_READY", "SS_INVITATION");
    friends.kill_alice();
    friends.bob.event("OnInvitation");
    friends.bob.ok(json!({"do": "accept", "session": s, "data": "gladly"}));
    friends.restart_alice();
    friends.alice.state(&s, "SS_INVITATION", "SS_ACCEPTED");
    assert_eq!(friends.alice.session_event(), json!({"event": "OnAccepted", "session": s, "data": "gladly"}));
    friends.bob.ok(json!({"do": "attach", "session": s}));
    friends.alice.state(&s, "SS_ACCEPTED", "SS_CONNECTED");
}

#[test]
fn killed_while_connected() {
    let mut friends = Friends::meet();
    let s = connected(&mut friends.alice, &mut friends.bob);
    friends.alice.ok(json!({"do": "context", "session": s, "data": "one"}));
    friends.kill_alice();
    assert_eq!(friends.bob.session_event()["data"], "one");
    for data in ["two", "three"] {
        friends.bob.ok(json!({"do": "context", "session": s, "data": data}));
    }
    friends.restart_alice();
    for data in ["two", "three"] {
        assert_eq!(friends.alice.session_event(), json!({"event": "OnContextData", "session": s, "data": data}));
    }
    assert_eq!(friends.state(&s), "SS_CONNECTED");
    // Four are left of the five.
    for n in 2..=5 {
        friends.alice.ok(json!({"do": "context", "session": s, "data": n.to_string()}));
        assert_eq!(friends.bob.session_event()["data"], n.to_string());
    }
    friends.alice.refused(
        json!({"do": "context", "session": s, "data": "6"}),
        "0x81000611",
        "SR_CONTEXT_DATA_OVER_LIMIT",
    );
    // It ended while nobody was there to hear of it.
    friends.kill_alice();
    friends.bob.ok(json!({"do": "cancel", "session": s, "data": "bye"}));
    friends.restart_alice();
    friends.alice.state(&s, "SS_CONNECTED", "SS_CANCELLED");
    assert_eq!(friends.alice.session_event()["data"], "bye");
    friends.alice.state(&s, "SS_CANCELLED", "SS_TERMINATED");
    friends.alice.termination(&s, "0x81000607", "bye");
}

#[test]
fn killed_as_an_invitee() {
    let mut friends = Friends::meet();
    let s = friends.bob.new_session();
    friends.bob.ok(json!({"do": "invite", "session": s, "to": "alice@example.org"}));
    friends.alice.event("OnInvitation");
    friends.kill_alice();
    friends.restart_alice();
    assert_eq!(friends.state(&s), "SS_INVITATION");
    friends.alice.ok(json!({"do": "accept", "session": s}));
    friends.kill_alice();
    friends.restart_alice();
    friends.alice.ok(json!({"do": "attach", "session": s}));
    while friends.bob.event("OnStateChanged")["state"] != "SS_CONNECTED" {}
    assert_eq!(friends.state(&s), "SS_CONNECTED");
}

#[test]
fn quitting_leaves_nothing_to_go_on_with() {
    let friends = Friends::meet();
    let state = friends.service.data().join("alice.state");
    assert!(state.exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (_, errors, status) = friends.alice.finish();
    assert!(status.success(), "{errors:?}");
    assert!(!state.exists());
}

#[test]
fn a_state_file_of_somebody_else_is_refused() {
    let mut friends = Friends::meet();
    friends.kill_alice();
    let state = friends.service.data().join("alice.state");
    let (url, file) = (&friends.service.url, friends.service.password_file("bob@example.org"));
    let bob = Console::start(url, "bob@example.org", &file, &["--state", state.to_str().unwrap()]);
    let (lines, errors, status) = bob.finish();
    assert_eq!((lines.len(), status.code()), (0, Some(1)));
    assert!(errors[0].contains("alice@example.org"), "{errors:?}");
    assert!(state.exists());
}

#[test]
fn of_two_consoles_with_one_state_file_the_newer_goes_on() {
    let mut friends = Friends::meet();
    let s = connected(&mut friends.alice, &mut friends.bob);
    // The file as it is while the first console lives.
    let state = friends.service.data().join("alice.state");
    let mut old = std::mem::replace(&mut friends.alice, Friends::alice(&friends.service));
    assert_eq!(friends.alice.event("OnSignin")["resumed"], true);
    assert_eq!(old.event("OnSignout")["event"], "OnSignout");
    old.refused(json!({"do": "contacts"}), "0x8100031e", "MSGR_E_NOT_LOGGED_ON");
    let (_, _, status) = old.finish();
    assert_eq!(status.code(), Some(1));
    assert!(state.exists());
    assert_eq!(friends.state(&s), "SS_CONNECTED");
    friends.bob.ok(json!({"do": "context", "session": s, "data": "still there?"}));
    assert_eq!(friends.alice.event("OnContextData")["data"], "still there?");
}
