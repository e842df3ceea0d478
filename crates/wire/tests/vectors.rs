//! The golden messages of `spec/vectors/`: what stands there is read, written and refused exactly so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hither_wire::code::Code;
use hither_wire::message::{ContactAction, EventFrame};
use hither_wire::{Event, ServerFrame, decode_client, decode_server};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector<E> {
    name: String,
    frame: String,
    /// How the frame is written again, where that differs: defaults spelled out, unknown fields gone.
    canonical: Option<String>,
    expect: Option<E>,
}

#[derive(Deserialize)]
struct Refusal {
    id: Option<u64>,
    code: Code,
    close: Option<u16>,
}

fn vectors<E: for<'de> Deserialize<'de>>(file: &str) -> Vec<Vector<E>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let vectors: Vec<Vector<E>> = serde_json::from_str(&text).unwrap();
    let names: BTreeSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), vectors.len(), "{file}: two vectors have the same name");
    vectors
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn requests() {
    let mut asked = BTreeSet::new();
    for vector in vectors::<()>("requests.json") {
        let frame = decode_client(&vector.frame).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let again = frame.encode();
        let canonical = vector.canonical.as_deref().unwrap_or(&vector.frame);
        assert_eq!(json(&again), json(canonical), "{}", vector.name);
        assert_eq!(decode_client(&again).unwrap(), frame, "{}", vector.name);
        asked.extend(frame.ask.map(|ask| ask.request.name()));
    }
    assert_eq!(asked, request_names(), "every request has a vector");
}

/// The names in `Request::name`, read from its source: a request that is added there is missed here.
fn request_names() -> BTreeSet<&'static str> {
    let names = |source: &'static str| {
        let after = source.split("The name of the request on the wire.").nth(1).unwrap();
        let body = after.split("\n}\n").next().unwrap();
        body.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next())
    };
    names(include_str!("../src/message.rs")).chain(names(include_str!("../src/account.rs"))).collect()
}

#[test]
fn answers() {
    let mut parts = BTreeSet::new();
    for vector in vectors::<()>("answers.json") {
        let frame = decode_server(&vector.frame).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let ServerFrame::Answer(answer) = &frame else { panic!("{}: not an answer", vector.name) };
        parts.extend(answer.hello.as_ref().map(|_| "hello"));
        parts.extend(answer.signed_in.as_ref().map(|_| "signed_in"));
        parts.extend(answer.contacts.as_ref().map(|_| "contacts"));
        parts.extend(answer.settings.as_ref().map(|_| "settings"));
        parts.extend(answer.devices.as_ref().map(|_| "devices"));
        parts.extend(answer.redirect.as_ref().map(|_| "redirect"));
        parts.extend(answer.retry_after_ms.map(|_| "retry_after_ms"));
        written_again(&vector, &frame);
    }
    let all = ["contacts", "devices", "hello", "redirect", "retry_after_ms", "settings", "signed_in"];
    assert_eq!(parts, BTreeSet::from(all));
}

#[test]
fn events() {
    let mut told = BTreeSet::new();
    for vector in vectors::<String>("events.json") {
        let frame = decode_server(&vector.frame).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let ServerFrame::Event(EventFrame { seq, event }) = &frame else { panic!("{}: not an event", vector.name) };
        assert_eq!(*seq, json(&vector.frame)["seq"].as_u64(), "{}", vector.name);
        told.insert(name_of_event(event));
        if *event == Event::Unknown {
            assert_eq!(vector.expect.as_deref(), Some("unknown"), "{}", vector.name);
        } else {
            written_again(&vector, &frame);
        }
    }
    assert_eq!(told.len(), 15, "every event has a vector, one that is not known too: {told:?}");
}

/// Exhaustive, so that an event that is added does not compile until somebody has looked here.
fn name_of_event(event: &Event) -> &'static str {
    match event {
        Event::Invited { .. } => "invited",
        Event::Invitation(_) => "invitation",
        Event::Accepted { .. } => "accepted",
        Event::Connected { .. } => "connected",
        Event::Context { .. } => "context",
        Event::Ended(_) => "ended",
        Event::Progress { .. } => "progress",
        Event::Presence { .. } => "presence",
        Event::SignedOut { .. } => "signed-out",
        Event::Expiring { .. } => "expiring",
        Event::Lock { .. } => "lock",
        Event::LockChallenge { .. } => "lock-challenge",
        Event::LockResult { .. } => "lock-result",
        Event::LockStatus { .. } => "lock-status",
        Event::Unknown => "",
    }
}

fn written_again<E>(vector: &Vector<E>, frame: &ServerFrame) {
    let again = frame.encode();
    let canonical = vector.canonical.as_deref().unwrap_or(&vector.frame);
    assert_eq!(json(&again), json(canonical), "{}", vector.name);
    assert_eq!(&decode_server(&again).unwrap(), frame, "{}", vector.name);
}

#[test]
fn malformed() {
    for vector in vectors::<Refusal>("malformed.json") {
        let expect = vector.expect.unwrap();
        let Err(refused) = decode_client(&vector.frame) else { panic!("{}: was read", vector.name) };
        assert_eq!((refused.id, refused.code), (expect.id, expect.code), "{}", vector.name);
        assert_eq!(expect.close.is_some(), expect.id.is_none(), "{}: closed or answered", vector.name);
        assert!(!refused.message.is_empty(), "{}", vector.name);
    }
}

#[test]
fn a_refusal_says_which_field_it_is_about() {
    for action in ContactAction::ALL.map(ContactAction::name) {
        let refused = decode_client(&format!(r#"{{"id":1,"do":"contact","{action}":"nobody"}}"#)).unwrap_err();
        assert!(refused.message.contains(action), "{}", refused.message);
    }
}

/// The fields that the vectors give each request, and every field that any of them has.
fn fields_of_requests() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let mut fields: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for vector in vectors::<()>("requests.json") {
        let frame = json(vector.canonical.as_deref().unwrap_or(&vector.frame));
        if let Some(request) = frame.get("do").and_then(Value::as_str) {
            let names = frame.as_object().unwrap().keys().cloned();
            fields.entry(request.to_owned()).or_default().extend(names.chain(["key".into(), "ack".into()]));
        }
    }
    let every = fields.values().flatten().cloned().collect();
    (fields, every)
}

#[test]
fn a_field_of_the_wrong_type_is_named_and_that_of_another_request_is_passed_over() {
    let (fields, every) = fields_of_requests();
    for vector in vectors::<()>("requests.json") {
        let canonical = vector.canonical.as_deref().unwrap_or(&vector.frame);
        let (frame, asked) = (json(canonical), decode_client(canonical).unwrap());
        let Some(request) = frame["do"].as_str() else { continue };
        for field in &every {
            let mut wrong = frame.clone();
            wrong[field] = serde_json::json!([[0.5]]);
            let own = fields[request].contains(field) || field == "object";
            match decode_client(&wrong.to_string()) {
                Ok(read) => assert!(!own && read == asked, "{wrong}"),
                Err(refused) => {
                    assert!(own, "{wrong}: {refused}");
                    assert_eq!(refused.id.is_none(), field == "id", "{wrong}");
                    let said = if field == "id" { "its `id` cannot".into() } else { format!("`{field}` must be ") };
                    assert!(refused.message.contains(&said) && !refused.message.contains("line 1"), "{refused}");
                }
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_field_is_said_in_words() {
    for (rest, said) in [
        (r#""do":"challenge","cookie":-1"#, "`cookie` must be an integer from 0 to 4294967295"),
        (r#""do":"challenge","cookie":1.0"#, "without fraction and exponent"),
        (r#""do":"challenge","cookie":1e999"#, "`cookie` must be an integer"),
        (r#""do":"settings","invitations":"nobody""#, "`invitations` must be `contacts` or `anyone`"),
        (r#""do":"hello","versions":"1""#, "`versions` must be a list of integers"),
        (r#""do":"context","data":"x""#, "`data` must be an object with text as `text`"),
        (r#""do":"context","data":{"text":"\ud800"}"#, "`data` has an unpaired surrogate, which is no text"),
        (r#""do":"invite","to":"\udfff""#, "`to` has an unpaired surrogate, which is no text"),
        (r#""do":"ping","do":"ping""#, "`do` is there twice"),
        (r#""do":7"#, "`do` must be text"),
        (r#""do":"invite","to":1e999"#, "`to` must be text"),
    ] {
        let refused = decode_client(&format!(r#"{{"id":1,{rest}}}"#)).unwrap_err();
        assert_eq!(refused.id, Some(1), "{rest}");
        assert!(refused.message.contains(said), "{rest}: {refused}");
    }
}
