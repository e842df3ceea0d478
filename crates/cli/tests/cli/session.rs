//! Whole sessions between two consoles.

use serde_json::json;

use crate::world::{GUID, Service, connected};

#[test]
fn from_the_invitation_to_the_end() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();

    let s = alice.ok(json!({"do": "create"}))["session"].as_str().unwrap().to_owned();
    assert!(s.len() == 38 && s == s.to_uppercase(), "{s}");
    let ready = alice.ok(json!({"do": "get", "session": s}));
    assert_eq!((&ready["state"], &ready["user"], &ready["guid"]), (&json!("SS_READY"), &json!(null), &json!(null)));
    alice.ok(json!({"do": "application", "session": s.to_lowercase(), "guid": GUID.to_lowercase(),
        "name": "Chess", "url": "https://chess.example.org"}));
    alice.ok(json!({"do": "address", "session": s, "address": "192.0.2.1:5000"}));
    alice.ok(json!({"do": "invite", "session": s, "to": "Bob@Example.org", "data": "a game?"}));
    alice.state(&s, "SS_READY", "SS_INVITATION");
    let invitation = bob.event("OnInvitation");
    assert_eq!(
        [&invitation["session"], &invitation["from"], &invitation["guid"], &invitation["name"], &invitation["data"]],
        [&json!(s), &json!("alice@example.org"), &json!(GUID), &json!("Chess"), &json!("a game?")]
    );
    assert_eq!(invitation["url"], "https://chess.example.org");
    assert!((1..=60_000).contains(&invitation["ring_ms"].as_u64().unwrap()), "{invitation}");
    assert_eq!(bob.ok(json!({"do": "get", "session": s}))["remote"], json!(null));

    bob.ok(json!({"do": "address", "session": s, "address": "[2001:db8::1]:80"}));
    bob.ok(json!({"do": "accept", "session": s, "data": "gladly"}));
    bob.state(&s, "SS_INVITATION", "SS_ACCEPTED");
    alice.state(&s, "SS_INVITATION", "SS_ACCEPTED");
    let accepted = json!({"event": "OnAccepted", "session": s, "data": "gladly"});
    assert_eq!(alice.session_event(), accepted);
    let waiting = alice.ok(json!({"do": "get", "session": s}));
    assert_eq!((&waiting["state"], &waiting["remote"]), (&json!("SS_ACCEPTED"), &json!(null)));

    bob.ok(json!({"do": "attach", "session": s}));
    for party in [&mut alice, &mut bob] {
        party.state(&s, "SS_ACCEPTED", "SS_CONNECTED");
        let again = party.ask(json!({"do": "attach", "session": s}));
        assert_eq!((&again["hresult"], &again["result"]), (&json!("0x00000001"), &json!("S_FALSE")));
    }

    for data in ["first", "second \u{1F600}\u{0}\n"] {
        bob.ok(json!({"do": "context", "session": s, "data": data}));
        assert_eq!(alice.session_event(), json!({"event": "OnContextData", "session": s, "data": data}));
    }
    let expected = json!({"re": 0, "hresult": "0x00000000", "result": "S_OK", "session": s, "state": "SS_CONNECTED",
        "flags": 1, "guid": GUID, "name": "Chess", "url": "https://chess.example.org", "user": "bob@example.org",
        "local": "192.0.2.1:5000", "remote": "[2001:db8::1]:80", "context": "second \u{1F600}\u{0}\n"});
    let mut known = alice.ok(json!({"do": "get", "session": s}));
    known["re"] = json!(0);
    assert_eq!(known, expected);
    let known = bob.ok(json!({"do": "get", "session": s}));
    assert_eq!(
        [&known["flags"], &known["user"], &known["local"], &known["remote"], &known["context"]],
        [&json!(2), &json!("alice@example.org"), &json!("[2001:db8::1]:80"), &json!("192.0.2.1:5000"), &json!(null)]
    );

    bob.ok(json!({"do": "cancel", "session": s, "hr": "0x80004005", "data": "bye"}));
    bob.state(&s, "SS_CONNECTED", "SS_CANCELLED");
    bob.state(&s, "SS_CANCELLED", "SS_TERMINATED");
    bob.termination(&s, "0x80004005", "bye");
    alice.state(&s, "SS_CONNECTED", "SS_CANCELLED");
    assert_eq!(alice.session_event(), json!({"event": "OnCancelled", "session": s, "data": "bye"}));
    alice.state(&s, "SS_CANCELLED", "SS_TERMINATED");
    alice.termination(&s, "0x80004005", "bye");

    for party in [&mut alice, &mut bob] {
        assert_eq!(party.ok(json!({"do": "get", "session": s}))["state"], "SS_TERMINATED");
        for request in ["context", "cancel", "attach"] {
            party.refused(json!({"do": request, "session": s, "data": "x"}), "0x81000614", "SR_SESSION_STATE_INVALID");
        }
    }
    for party in [alice, bob] {
        let (rest, errors, status) = party.finish();
        assert_eq!(rest.iter().filter(|line| line.get("session").is_some()).count(), 0, "{rest:?}");
        assert_eq!(rest.last().unwrap()["event"], "OnSignout");
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn a_decline() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    alice.state(&s, "SS_READY", "SS_INVITATION");
    assert_eq!(bob.event("OnInvitation")["data"], "");
    bob.ok(json!({"do": "decline", "session": s, "data": "not now"}));
    bob.state(&s, "SS_INVITATION", "SS_DECLINED");
    bob.state(&s, "SS_DECLINED", "SS_TERMINATED");
    bob.termination(&s, "0x81000602", "not now");
    alice.state(&s, "SS_INVITATION", "SS_DECLINED");
    assert_eq!(alice.session_event(), json!({"event": "OnDeclined", "session": s, "data": "not now"}));
    alice.state(&s, "SS_DECLINED", "SS_TERMINATED");
    alice.termination(&s, "0x81000602", "not now");
}

#[test]
fn an_ignored_invitation_rings_out() {
    let service = Service::start_with(&["--ring", "1"]);
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    alice.state(&s, "SS_READY", "SS_INVITATION");
    bob.event("OnInvitation");
    bob.ok(json!({"do": "ignore", "session": s}));
    for party in [&mut alice, &mut bob] {
        party.state(&s, "SS_INVITATION", "SS_TERMINATED");
        party.termination(&s, "0x81000609", "");
    }
}

#[test]
fn nobody_is_forced_to_tell_an_address() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    alice.ok(json!({"do": "address", "session": s, "address": null}));
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    alice.refused(json!({"do": "address", "session": s, "address": "192.0.2.1"}), "0x81000605", "SR_SESSION_NOT_READY");
    bob.event("OnInvitation");
    bob.ok(json!({"do": "accept", "session": s}));
    bob.ok(json!({"do": "attach", "session": s}));
    while bob.event("OnStateChanged")["state"] != "SS_CONNECTED" {}
    while alice.event("OnStateChanged")["state"] != "SS_CONNECTED" {}
    assert_eq!(bob.ok(json!({"do": "get", "session": s}))["remote"], json!(null));
    let alice = alice.ok(json!({"do": "get", "session": s}));
    assert_eq!((&alice["local"], &alice["remote"]), (&json!(null), &json!("127.0.0.1")));
}

#[test]
fn refusals_of_an_invitation() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    service.add_account("carol@example.org");
    let invite = |s: &str, to: &str| json!({"do": "invite", "session": s, "to": to});

    let bare = alice.ok(json!({"do": "create"}))["session"].as_str().unwrap().to_owned();
    alice.refused(invite(&bare, "bob@example.org"), "0x81000610", "SR_APP_NOT_SPECIFIED");
    let s = alice.new_session();
    alice.refused(invite(&s, "bob"), "0x80070057", "E_INVALIDARG");
    alice.refused(invite(&s, "alice@example.org"), "0x81000613", "SR_INVITED_SELF");
    alice.refused(invite(&s, "nobody@example.org"), "0x8100030a", "MSGR_E_USER_NOT_FOUND");
    alice.refused(invite(&s, "carol@example.org"), "0x81000382", "MSGR_E_RESTRICTED_USER");
    bob.ok(json!({"do": "contact", "block": "alice@example.org"}));
    alice.until_status("bob@example.org", "OFFLINE");
    alice.refused(invite(&s, "bob@example.org"), "0x8100031e", "MSGR_E_NOT_LOGGED_ON");
    bob.ok(json!({"do": "contact", "unblock": "alice@example.org"}));
    alice.until_status("bob@example.org", "ONLINE");
    let long = json!({"do": "invite", "session": s, "to": "bob@example.org", "data": "d".repeat(257)});
    alice.refused(long, "0x80070057", "E_INVALIDARG");
    let fits = json!({"do": "invite", "session": s, "to": "bob@example.org", "data": "d".repeat(256)});
    alice.ok(fits);
    alice.refused(invite(&s, "bob@example.org"), "0x81000605", "SR_SESSION_NOT_READY");
    assert_eq!(bob.event("OnInvitation")["session"], *s);
    bob.refused(invite(&s, "alice@example.org"), "0x8100060c", "SR_NOT_INVITER");
    alice.refused(json!({"do": "accept", "session": s}), "0x8100060b", "SR_NOT_INVITEE");
    alice.refused(json!({"do": "decline", "session": s}), "0x8100060b", "SR_NOT_INVITEE");
}

#[test]
fn a_stranger_may_invite_whoever_takes_invitations_from_anyone() {
    let service = Service::start();
    let (mut alice, mut carol) = (service.person("alice@example.org"), service.person("carol@example.org"));
    let settings = carol.ok(json!({"do": "settings", "invitations": "anyone"}));
    assert_eq!(settings["settings"], json!({"invitations": "anyone", "show_declines": false}));
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "carol@example.org"}));
    assert_eq!(carol.event("OnInvitation")["session"], *s);
}

#[test]
fn contacts_and_presence() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let contacts = alice.ok(json!({"do": "contacts"}));
    let bob_as_seen = json!({"who": "bob@example.org", "status": "ONLINE", "listed": true, "blocked": false});
    assert_eq!(contacts["contacts"], json!([bob_as_seen]));
    bob.ok(json!({"do": "status", "status": "AWAY"}));
    alice.until_status("bob@example.org", "AWAY");
    bob.ok(json!({"do": "status", "status": "INVISIBLE"}));
    alice.until_status("bob@example.org", "OFFLINE");
    alice.refused(json!({"do": "contact", "add": "bob@example.org"}), "0x8100030b", "MSGR_E_ALREADY_IN_LIST");
    alice.refused(json!({"do": "contact", "add": "nobody@example.org"}), "0x8100030a", "MSGR_E_USER_NOT_FOUND");
    alice.ok(json!({"do": "contact", "remove": "bob@example.org"}));
    assert_eq!(alice.ok(json!({"do": "contacts"}))["contacts"], json!([]));
}

#[test]
fn leaving_ends_ones_sessions() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = connected(&mut alice, &mut bob);
    let (rest, _, status) = bob.finish();
    assert_eq!(status.code(), Some(0));
    assert_eq!(rest.last().unwrap()["event"], "OnSignout");
    alice.state(&s, "SS_CONNECTED", "SS_TERMINATED");
    alice.termination(&s, "0x81000603", "");
}

#[test]
fn a_killed_console_is_noticed_after_the_grace() {
    let service = Service::start_with(&["--grace", "1"]);
    let (mut alice, mut bob) = service.friends();
    let s = connected(&mut alice, &mut bob);
    bob.child.kill().unwrap();
    alice.state(&s, "SS_CONNECTED", "SS_TERMINATED");
    alice.termination(&s, "0x81000603", "");
}
