//! Context data at their limits.

use serde_json::{Value, json};

use crate::world::{Console, Service, connected};

const OVER: (&str, &str) = ("0x81000611", "SR_CONTEXT_DATA_OVER_LIMIT");
const INVALID: (&str, &str) = ("0x80070057", "E_INVALIDARG");

fn refused(console: &mut Console, session: &str, data: &Value, (hresult, result): (&str, &str)) {
    console.refused(json!({"do": "context", "session": session, "data": data}), hresult, result);
}

#[test]
fn three_hundred_units_five_times() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = connected(&mut alice, &mut bob);
    let astral = "\u{1F600}".repeat(150);
    let units_301 = format!("{astral}a");
    let sent = ["a".repeat(300), astral, "\u{20AC}".repeat(300), "\u{0}\u{1}".repeat(150), "last".to_owned()];
    for (n, data) in sent.iter().enumerate() {
        // What is refused does not count and is not sent.
        refused(&mut alice, &s, &json!("a".repeat(301)), OVER);
        refused(&mut alice, &s, &json!(units_301), OVER);
        refused(&mut alice, &s, &json!("a".repeat(10_000)), OVER);
        refused(&mut alice, &s, &json!(""), INVALID);
        refused(&mut alice, &s, &json!(null), INVALID);
        alice.ok(json!({"do": "context", "session": s, "data": data}));
        assert_eq!(bob.session_event(), json!({"event": "OnContextData", "session": s, "data": data}), "{n}");
    }
    refused(&mut alice, &s, &json!("sixth"), OVER);
    // The other party has five of its own.
    for n in 1..=5 {
        bob.ok(json!({"do": "context", "session": s, "data": n.to_string()}));
        assert_eq!(alice.session_event()["data"], n.to_string());
    }
    refused(&mut bob, &s, &json!("sixth"), OVER);
    // Nothing of what was refused arrived: the next event is the end.
    alice.ok(json!({"do": "cancel", "session": s, "hr": 0}));
    bob.state(&s, "SS_CONNECTED", "SS_CANCELLED");
    alice.state(&s, "SS_CONNECTED", "SS_CANCELLED");
    alice.state(&s, "SS_CANCELLED", "SS_TERMINATED");
    alice.termination(&s, "0x81000606", "");
    assert_eq!(bob.session_event()["event"], "OnCancelled");
    bob.state(&s, "SS_CANCELLED", "SS_TERMINATED");
    bob.termination(&s, "0x81000607", "");
}

#[test]
fn only_while_connected() {
    const NOT_VALID: (&str, &str) = ("0x8100060f", "SR_NOT_VALID_FOR_APP_INVITE");
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = alice.new_session();
    refused(&mut alice, &s, &json!("early"), NOT_VALID);
    alice.ok(json!({"do": "invite", "session": s, "to": "bob@example.org"}));
    refused(&mut alice, &s, &json!("early"), NOT_VALID);
    bob.event("OnInvitation");
    refused(&mut bob, &s, &json!("early"), NOT_VALID);
    bob.ok(json!({"do": "accept", "session": s}));
    bob.state(&s, "SS_INVITATION", "SS_ACCEPTED");
    refused(&mut bob, &s, &json!("early"), NOT_VALID);
    // Malformed comes before the state.
    refused(&mut bob, &s, &json!(""), INVALID);
    alice.ok(json!({"do": "cancel", "session": s}));
    bob.state(&s, "SS_ACCEPTED", "SS_CANCELLED");
    bob.event("OnTermination");
    refused(&mut bob, &s, &json!("late"), ("0x81000614", "SR_SESSION_STATE_INVALID"));
}

#[test]
fn an_unpaired_surrogate_is_refused_with_its_id() {
    let service = Service::start();
    let (mut alice, mut bob) = service.friends();
    let s = connected(&mut alice, &mut bob);
    for (id, data) in [(901, r"\ud800"), (902, r"\udc00"), (903, r"a\ud83dz"), (904, r"\ude00\ud83d")] {
        alice.write(format!(r#"{{"id":{id},"do":"context","session":"{s}","data":"{data}"}}"#).as_bytes());
        alice.write(b"\n");
        let answer = alice.answer();
        assert_eq!((&answer["re"], &answer["hresult"]), (&json!(id), &json!("0x80070057")), "{answer}");
    }
    alice.write(format!(r#"{{"id":905,"do":"context","session":"{s}","data":"\ud83d\ude00"}}"#).as_bytes());
    alice.write(b"\n");
    assert_eq!(alice.answer()["result"], "S_OK");
    assert_eq!(bob.session_event()["data"], "\u{1F600}");
}
