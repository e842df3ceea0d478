//! What only an agent understands: the golden messages of `spec/vectors/local-*.json`, and what is
//! wrong with others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;

use hither_wire::{Code, Request, ServerFrame, decode_client, decode_local, decode_server, local};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    frame: String,
    canonical: Option<String>,
}

fn vectors(file: &str) -> Vec<Vector> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn requests() {
    let mut asked = BTreeSet::new();
    for Vector { name, frame, canonical } in vectors("local-requests.json") {
        let decoded = decode_local(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = decoded.encode();
        assert_eq!(json(&again), json(canonical.as_deref().unwrap_or(&frame)), "{name}");
        assert_eq!(decode_local(&again).unwrap(), decoded, "{name}");
        if let Some(Request::Local(request)) = decoded.ask.map(|ask| ask.request) {
            assert_eq!(decode_client(&frame).unwrap_err().code, Code::E_INVALIDARG, "{name}: a service refuses it");
            asked.insert(request.name());
        }
    }
    assert_eq!(asked, local::Request::NAMES.into_iter().collect(), "every request has a vector");
}

#[test]
fn messages() {
    for Vector { name, frame, .. } in vectors("local-messages.json") {
        let decoded = decode_server(&frame).unwrap();
        assert!(!matches!(decoded, ServerFrame::Event(_)), "{name} is not understood");
        assert_eq!(json(&decoded.encode()), json(&frame), "{name}");
    }
}

#[test]
fn what_is_wrong_is_answered() {
    for (frame, id) in [
        (r#"{"id":1,"do":"register","path":"/x"}"#, Some(1)),
        (r#"{"id":1,"do":"register","guid":"{}","path":"/x","flags":-1}"#, Some(1)),
        (r#"{"id":1,"do":"register","guid":"{}","path":"/x","mode":"sideways"}"#, Some(1)),
        (r#"{"id":1,"do":"serve","application":"x"}"#, Some(1)),
        (r#"{"id":1,"do":"start","session":"x","to":"bob@x","application":"x"}"#, Some(1)),
        (r#"{"id":1,"do":"reply","question":1}"#, Some(1)),
        (r#"{"id":1,"do":"stop","ack":9007199254740992}"#, Some(1)),
        (r#"{"id":9007199254740992,"do":"stop"}"#, None),
        (r#"{"do":"stop"}"#, None),
        (r#"{"id":1,"do":"sign-in","user":"alice@x"}"#, Some(1)),
        (r#"{"id":1,"do":"sign-in","password":"pw"}"#, Some(1)),
        ("stop", None),
    ] {
        let malformed = decode_local(frame).unwrap_err();
        assert_eq!((malformed.id, malformed.code), (id, Code::E_INVALIDARG), "{frame}");
    }
    let foreign = r#"{"id":1,"do":"stop","user":5,"token":[],"password":{},"data":"x"}"#;
    assert!(decode_local(foreign).is_ok(), "fields of another request are passed over");
    let key = "k".repeat(65);
    assert!(decode_local(&format!(r#"{{"id":1,"key":"{key}","do":"stop"}}"#)).is_err());
    assert!(decode_client(r#"{"id":1,"do":"sign-in"}"#).is_err(), "over a network nobody is believed");
}

proptest! {
    #[test]
    fn rubbish_is_refused(text in "\\PC{0,80}", name in prop::sample::select(local::Request::NAMES.to_vec())) {
        let quoted = serde_json::to_string(&text).unwrap();
        drop(decode_local(&text));
        drop(decode_local(&format!(r#"{{"id":1,"do":"{name}","session":{quoted},"guid":{quoted},"uri":{quoted}}}"#)));
        drop(decode_server(&format!(r#"{{"event":"launch","session":{quoted}}}"#)));
    }
}
