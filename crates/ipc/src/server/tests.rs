#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use hither_wire::local;
use hither_wire::message::{Answer, Ask, Request};
use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};

use super::*;

fn pair() -> (ServerReader<DuplexStream>, ServerWriter<DuplexStream>, DuplexStream) {
    let (here, there) = duplex(64);
    let (reader, writer) = ServerEnd::new(here).split();
    (reader, writer, there)
}

async fn received(line: &[u8]) -> Received {
    let (mut reader, _writer, mut there) = pair();
    let line = line.to_vec();
    let writing = async move { drop(there.write_all(&line).await) };
    let (received, ()) = tokio::join!(reader.recv(), writing);
    received
}

#[tokio::test]
async fn a_request_of_an_agent() {
    let ask = Ask { id: 3, key: None, object: None, request: Request::Local(Box::new(local::Request::Sessions)) };
    let frame = ClientFrame { ack: Some(2), ask: Some(ask) };
    let line = format!("{}\n", frame.encode());
    assert_eq!(received(line.as_bytes()).await, Received::Frame(Ok(frame)));
}

#[tokio::test]
async fn what_cannot_be_read_is_told_apart() {
    let Received::Frame(Err(malformed)) = received(b"{\"id\":5,\"do\":\"\xff\"}\n").await else { panic!() };
    assert_eq!(malformed.id, None);
    assert!(malformed.message.contains("UTF-8"), "{malformed}");
    let Received::Frame(Err(malformed)) = received(b"{\"id\":5,\"do\":\"dance\"}\n").await else { panic!() };
    assert_eq!(malformed.id, Some(5));
    assert_eq!(received(b"{\"id\":5,\"do\":\"ping\"}").await, Received::Closed, "half a line");
    let padding = " ".repeat(limits::CLIENT_FRAME_BYTES - r#"{"id":5,"do":"ping"}"#.len());
    let Received::Frame(Ok(_)) = received(format!("{{\"id\":5,\"do\":\"ping\"{padding}}}\n").as_bytes()).await else {
        panic!()
    };
    assert_eq!(received(format!("{{\"id\":5,\"do\":\"ping\"{padding} }}\n").as_bytes()).await, Received::TooLong);
}

#[tokio::test]
async fn what_is_said() {
    let (_reader, mut writer, mut there) = pair();
    let hearing = tokio::spawn(async move {
        let mut heard = String::new();
        there.read_to_string(&mut heard).await.unwrap();
        heard
    });
    let frame = ServerFrame::Answer(Box::new(Answer::refusal(1, Code::E_FAIL, "two\nlines")));
    writer.send(&frame).await.unwrap();
    writer.close(4003).await.unwrap();
    let heard = hearing.await.unwrap();
    let lines: Vec<&str> = heard.lines().collect();
    assert_eq!(lines, [frame.encode().as_str(), r#"{"close":4003}"#]);
}
