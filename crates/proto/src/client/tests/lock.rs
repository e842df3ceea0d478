//! Lock and Key as the client sees it: what is answered here, what is told, what a lost connection does.

use hither_wire::lock::Response;
use hither_wire::message::Request;
use hither_wire::{Code, LockStatus};

use super::bench::{Bench, invite, setup};
use crate::client::{Call, Client, Input, Setup};

const ON: &str = r#""event":"lock","enabled":true,"status":"INITIALIZED""#;

fn lock(status: &str) -> String {
    format!(r#"{{"event":"lock","enabled":true,"status":"{status}"}}"#)
}

fn request(cookie: u32) -> Call {
    Call::RequestChallenge { cookie }
}

fn respond(app_id: &str, cookie: u32) -> Call {
    Call::SendResponse(Box::new(Response { app_id: app_id.into(), response: "ff".into(), cookie }))
}

fn on() -> Bench {
    let mut bench = Bench::up();
    assert_eq!(bench.unnumbered(&format!("{{{ON}}}")), ["LockEnable true", "Lock INITIALIZED"]);
    bench
}

#[test]
fn until_the_service_has_spoken_nothing_is_known_and_nothing_is_refused() {
    let mut bench = Bench::up();
    assert_eq!(bench.call(request(1)), ["return 1 MSGR_E_API_NOTINITIALIZED"]);
    assert_eq!(bench.call(respond("chess", 1)), ["return 2 MSGR_E_API_NOTINITIALIZED"]);
    bench.ready(1);
    assert_eq!(bench.call(invite(1))[0].split('#').next(), Some("invite"), "the service judges");
    let mut bench = Bench::up();
    assert_eq!(
        bench.unnumbered(r#"{"event":"lock","enabled":false,"status":"DISABLED"}"#),
        ["LockEnable false", "Lock DISABLED"]
    );
    assert_eq!(bench.call(request(1)), ["return 1 MSGR_E_API_DISABLED"]);
}

#[test]
fn a_try_from_its_request_to_its_result() {
    let mut bench = on();
    bench.ready(1);
    assert_eq!(bench.call(invite(1)), ["return 1 MSGR_E_API_LOCKED"]);
    assert_eq!(bench.call(respond("chess", 7)), ["return 2 MSGR_E_API_LOCKED"], "no challenge");
    assert_eq!(bench.call(request(7)), ["challenge#3 key=k-1"]);
    assert_eq!(bench.event(r#""event":"lock-status","status":"PENDINGRESULT""#), ["Lock PENDINGRESULT"]);
    let challenge = r#""event":"lock-challenge","cookie":7,"challenge":"c""#;
    assert_eq!(bench.event(challenge), ["LockChallenge 7 c"]);
    assert_eq!(bench.event_again(2, challenge), [""; 0], "once");
    assert_eq!(bench.client.lock().challenge, Some((7, "c".into())));
    assert_eq!(bench.code(3, Code::S_OK), ["return 3 Done"]);
    assert_eq!(bench.call(request(8)), ["return 4 MSGR_E_API_PENDING_UNLOCK"]);
    assert_eq!(bench.call(respond("", 7)), ["return 5 E_INVALIDARG"]);
    assert_eq!(bench.call(respond("chess", 7)), ["response#4 key=k-2 ack=2"]);
    assert_eq!(bench.code(4, Code::S_OK), ["return 6 Done"]);
    assert_eq!(bench.event(r#""event":"lock-result","cookie":7,"ok":true"#), ["LockResult 7 true"]);
    assert_eq!(bench.event(r#""event":"lock-status","status":"UNLOCKED""#), ["Lock UNLOCKED"]);
    assert_eq!(bench.client.lock().challenge, None);
    assert_eq!(bench.call(request(8)), ["return 7 MSGR_E_API_ALREADY_UNLOCKED"]);
    assert_eq!(bench.call(invite(1)), ["invite#5 s1 key=k-3 ack=4"]);
}

#[test]
fn the_snapshot_of_a_resumed_sign_in_repeats_nothing_and_a_new_stay_begins_anew() {
    let mut bench = on();
    bench.event(r#""event":"lock-status","status":"UNLOCKED""#);
    bench.closed(None);
    bench.now = bench.client.poll_timeout().unwrap();
    bench.input(Input::Timeout);
    assert_eq!(bench.client.lock().status, LockStatus::Unlocked, "while it is away");
    bench.sign_in(true);
    assert_eq!(bench.unnumbered(&lock("UNLOCKED")), [""; 0]);

    bench.closed(None);
    bench.now = bench.client.poll_timeout().unwrap();
    bench.input(Input::Timeout);
    assert_eq!(bench.sign_in(false)[..2], ["SignedIn", "Lock NOTINITIALIZED"]);
    assert_eq!(bench.unnumbered(&lock("INITIALIZED")), ["LockEnable true", "Lock INITIALIZED"]);
}

#[test]
fn what_is_of_an_object_is_passed_on_by_who_relays_and_is_nothing_to_others() {
    let of_object = r#""event":"lock-status","object":"7","status":"UNLOCKED""#;
    let mut bench = on();
    assert_eq!(bench.event(of_object), [""; 0]);
    assert_eq!(bench.client.lock().status, LockStatus::Initialized);

    let mut bench = Bench::of(Client::new(Setup { relay: true, ..setup(false, "k") }));
    bench.input(Input::Start);
    bench.sign_in(false);
    assert_eq!(bench.event(of_object), [format!("Relayed {{{of_object}}}")]);
    let call =
        Call::Relay { request: Request::Challenge { cookie: 7 }, key: Some("7.a".into()), object: Some("7".into()) };
    assert_eq!(bench.call(call)[0].split(' ').next(), Some("challenge#3"));
    // Asked again on the next connection, it is still of the object.
    let point = bench.client.resume_point().unwrap();
    assert!(serde_json::to_string(&point).unwrap().contains(r#"\"object\":\"7\""#));
}

#[test]
fn a_challenge_that_is_too_long_breaks_the_rules() {
    let mut bench = on();
    let long = "c".repeat(129);
    let lines = bench.event(&format!(r#""event":"lock-challenge","cookie":7,"challenge":"{long}""#));
    assert_eq!(lines[0], "close");
}
