//! A console that is killed and does not come back: what the other side learns, and when (R17).

use serde_json::json;

use crate::world::Service;

const LOST: &str = "0x81000603";
const TIMED_OUT: &str = "0x81000609";

#[test]
fn the_inviter_in_the_invitation() {
    let service = Service::start_with(&["--grace", "1"]);
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    bob.event("OnInvitation");
    alice.child.kill().unwrap();
    bob.state(&s, "SS_INVITATION", "SS_TERMINATED");
    bob.termination(&s, LOST, "");
    bob.refused(json!({"do": "accept", "session": s}), "0x81000614", "SR_SESSION_STATE_INVALID");
}

#[test]
fn the_invitee_in_the_invitation() {
    let service = Service::start_with(&["--grace", "1", "--ring", "8"]);
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    alice.state(&s, "SS_READY", "SS_INVITATION");
    bob.event("OnInvitation");
    bob.child.kill().unwrap();
    alice.until_status("bob@example.org", "OFFLINE");
    // It rings on: Bob has another try, on another device.
    let mut again = service.console("bob@example.org");
    let invitation = again.event("OnInvitation");
    assert_eq!(invitation["session"], *s);
    assert!(invitation["ring_ms"].as_u64().unwrap() < 8_000, "what is left of it: {invitation}");
    alice.state(&s, "SS_INVITATION", "SS_TERMINATED");
    alice.termination(&s, TIMED_OUT, "");
    again.state(&s, "SS_INVITATION", "SS_TERMINATED");
    again.termination(&s, TIMED_OUT, "");
}

#[test]
fn either_party_when_it_is_accepted() {
    for inviter_is_lost in [true, false] {
        let service = Service::start_with(&["--grace", "1"]);
        let (mut alice, mut bob) = service.friends();
        let s = alice.new_session();
        alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
        bob.event("OnInvitation");
        bob.ok(json!({"do": "accept", "session": s}));
        bob.state(&s, "SS_INVITATION", "SS_ACCEPTED");
        alice.state(&s, "SS_READY", "SS_INVITATION");
        alice.state(&s, "SS_INVITATION", "SS_ACCEPTED");
        assert_eq!(alice.session_event()["event"], "OnAccepted");
        let (lost, left) = if inviter_is_lost { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        lost.child.kill().unwrap();
        left.state(&s, "SS_ACCEPTED", "SS_TERMINATED");
        left.termination(&s, LOST, "");
    }
}
