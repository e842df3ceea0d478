//! `spec/wire.md` says the same as the code: its examples are read, and nothing is left out of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use hither_wire::message::EventFrame;
use hither_wire::{Event, ServerFrame, decode_client, decode_server};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../spec/wire.md");

/// The frames in the fenced blocks that are marked so, as they stand there.
fn examples(mark: &str) -> Vec<&'static str> {
    let begin = format!("\n```{mark}\n");
    let blocks = DOCUMENT.split(begin.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.flat_map(str::lines).collect()
}

fn quoted(source: &'static str) -> impl Iterator<Item = &'static str> {
    source.split('"').skip(1).step_by(2)
}

#[test]
fn every_example_can_be_read_and_is_written_the_same() {
    let (client, service) = (examples("json client"), examples("json service"));
    for frame in &client {
        let read = decode_client(frame).unwrap_or_else(|error| panic!("{frame}: {error}"));
        assert_same(frame, &read.encode());
    }
    for frame in &service {
        let read = decode_server(frame).unwrap_or_else(|error| panic!("{frame}: {error}"));
        assert!(!matches!(read, ServerFrame::Event(EventFrame { event: Event::Unknown, .. })), "{frame}");
        assert_same(frame, &read.encode());
    }
    assert!(client.len() > 30 && service.len() > 30, "the marks are found");
}

/// The same but for `capabilities`, which may be left out.
fn assert_same(frame: &str, again: &str) {
    let (mut frame, mut again): (Value, Value) =
        (serde_json::from_str(frame).unwrap(), serde_json::from_str(again).unwrap());
    for value in [&mut frame, &mut again] {
        value.as_object_mut().unwrap().remove("capabilities");
    }
    assert_eq!(again, frame);
}

#[test]
fn every_request_and_event_has_a_heading_and_an_example() {
    let message = include_str!("../src/message.rs");
    let requests = message.split("The name of the request on the wire.").nth(1).unwrap();
    let account = include_str!("../src/account.rs");
    let account = account.split("The name of the request on the wire.").nth(1).unwrap();
    let both = [requests, account].map(|source| quoted(source.split("\n}\n").next().unwrap()));
    let requests: BTreeSet<&str> = both.into_iter().flatten().collect();
    assert_eq!(requests.len(), 23, "{requests:?}");
    let asked: BTreeSet<&str> = examples("json client").into_iter().filter_map(|frame| value_of(frame, "do")).collect();
    assert_eq!(asked, requests);

    let told: BTreeSet<&str> =
        examples("json service").into_iter().filter_map(|frame| value_of(frame, "event")).collect();
    let vectors = include_str!("../../../spec/vectors/events.json").replace("\\\"", "\"");
    let known: BTreeSet<String> = vectors
        .lines()
        .filter(|line| !line.contains("\"expect\""))
        .filter_map(|line| value_of(line, "event"))
        .map(str::to_owned)
        .collect();
    assert_eq!(told, known.iter().map(String::as_str).collect());

    for name in requests.into_iter().chain(told) {
        let headed = DOCUMENT.lines().any(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            line.starts_with("##") && (heading == name || heading == format!("{name} (event)"))
        });
        assert!(headed, "{name} has no heading of its own");
    }
}

/// The text that stands in a frame as `"field":"…"`.
fn value_of<'a>(frame: &'a str, field: &str) -> Option<&'a str> {
    frame.split(&format!("\"{field}\":\"")).nth(1)?.split('"').next()
}

#[test]
fn every_limit_and_code_is_named() {
    let limits = include_str!("../src/limits.rs");
    let names = limits.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    for name in names {
        assert!(DOCUMENT.contains(&format!("| `{name}` |")), "{name}");
    }
    for (code, name, _) in hither_wire::code::TABLE {
        assert!(DOCUMENT.contains(&format!("| {} | 0x{:08x} | {name} |", code.0, code.0)), "{name}");
    }
}

#[test]
fn every_code_that_is_mentioned_exists() {
    let words = DOCUMENT.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| ["SR_", "MSGR_", "E_", "S_", "REGDB_"].iter().any(|start| word.starts_with(start)))
    {
        assert!(hither_wire::code::TABLE.iter().any(|(_, name, _)| *name == word), "{word}");
    }
}
