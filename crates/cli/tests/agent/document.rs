//! `spec/local.md` says the same as the code: its examples are read, and nothing is left out of it.

use std::collections::BTreeSet;

use hither_wire::message::EventFrame;
use hither_wire::{Event, ServerFrame, decode_local, decode_server, local};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../../../spec/local.md");

/// The frames in the fenced blocks that are marked so.
fn examples(mark: &str) -> Vec<&'static str> {
    let begin = format!("\n```{mark}\n");
    let blocks = DOCUMENT.split(begin.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.flat_map(str::lines).collect()
}

/// The same but for `capabilities`, which may be left out.
fn same(frame: &str, again: &str) {
    let (mut frame, mut again): (Value, Value) =
        (serde_json::from_str(frame).unwrap(), serde_json::from_str(again).unwrap());
    for value in [&mut frame, &mut again] {
        value.as_object_mut().unwrap().remove("capabilities");
    }
    assert_eq!(again, frame);
}

#[test]
fn every_example_can_be_read_and_is_written_the_same() {
    let (client, agent) = (examples("json client"), examples("json service"));
    for frame in &client {
        let read = decode_local(frame).unwrap_or_else(|error| panic!("{frame}: {error}"));
        same(frame, &read.encode());
    }
    for frame in &agent {
        let read = decode_server(frame).unwrap_or_else(|error| panic!("{frame}: {error}"));
        assert!(!matches!(read, ServerFrame::Event(EventFrame { event: Event::Unknown, .. })), "{frame}");
        same(frame, &read.encode());
    }
    assert!(client.len() > 25 && agent.len() > 15, "the marks are found");
}

/// The text that stands in a frame as `"field":"…"`.
fn value_of<'a>(frame: &'a str, field: &str) -> Option<&'a str> {
    frame.split(&format!("\"{field}\":\"")).nth(1)?.split('"').next()
}

#[test]
fn every_request_and_event_has_a_heading_and_an_example() {
    let asked: BTreeSet<&str> = examples("json client").into_iter().filter_map(|frame| value_of(frame, "do")).collect();
    let told: BTreeSet<&str> =
        examples("json service").into_iter().filter_map(|frame| value_of(frame, "event")).collect();
    let golden = include_str!("../../../../spec/vectors/local-messages.json").replace("\\\"", "\"");
    let events: BTreeSet<&str> = golden.lines().filter_map(|line| value_of(line, "event")).collect();
    assert_eq!(events.len(), 8, "{events:?}");
    for name in local::Request::NAMES {
        assert!(asked.contains(name), "{name} has no example");
    }
    for name in &events {
        assert!(told.contains(name), "{name} has no example");
    }
    for name in local::Request::NAMES.into_iter().chain(events) {
        assert!(DOCUMENT.contains(&format!("\n### {name}\n")), "{name} has no heading of its own");
    }
}

#[test]
fn the_application_of_a_check_is_named() {
    assert!(DOCUMENT.contains(&local::CHECK.to_string()));
}
