#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use hither_wire::Code;
use hither_wire::message::{Answer, Ask, Request};
use tokio::io::{AsyncReadExt as _, duplex};

use super::*;
use crate::server::{Received, ServerEnd};

fn answer(re: u64) -> ServerFrame {
    ServerFrame::Answer(Box::new(Answer::new(re, Code::S_OK)))
}

fn ping(id: u64) -> ClientFrame {
    ClientFrame { ack: None, ask: Some(Ask { id, key: None, object: None, request: Request::Ping }) }
}

/// What is heard of text, up to the end.
async fn heard(text: Vec<u8>) -> Vec<Heard> {
    let (here, mut there) = duplex(1024);
    let mut end = ClientEnd::new(here);
    let writing = async move { drop(there.write_all(&text).await) };
    let hearing = async {
        let mut heard = vec![end.next(true).await];
        while !matches!(heard.last(), Some(Heard::Closed(_))) {
            heard.push(end.next(true).await);
        }
        drop(end);
        heard
    };
    tokio::join!(hearing, writing).0
}

#[tokio::test]
async fn both_ends_understand_each_other() {
    let (here, there) = duplex(64);
    let (mut reader, mut writer) = ServerEnd::new(there).split();
    let agent = tokio::spawn(async move {
        for id in 1..=2 {
            assert_eq!(reader.recv().await, Received::Frame(Ok(ping(id))));
            writer.send(&answer(id)).await.unwrap();
        }
        assert_eq!(reader.recv().await, Received::Closed);
    });
    let mut end = ClientEnd::new(here);
    end.send(&ping(1));
    end.send(&ping(2));
    assert_eq!(end.next(true).await, Heard::Frame(answer(1)));
    assert_eq!(end.next(true).await, Heard::Frame(answer(2)));
    end.close().await;
    agent.await.unwrap();
}

#[tokio::test]
async fn a_close_says_why() {
    let frame = answer(1).encode();
    let said = heard(format!("{frame}\n{{\"close\":4003}}\n{frame}\n").into()).await;
    assert_eq!(said, [Heard::Frame(answer(1)), Heard::Closed(Some(4003))]);
    assert_eq!(heard(frame.into_bytes()).await, [Heard::Closed(None)], "half a line");
    for rubbish in ["{\"close\":70000}\n", "{\"close\":\"\"}\n", "\n", "[]\n", "\u{fffd}\n"] {
        assert_eq!(heard(rubbish.into()).await, [Heard::Unreadable, Heard::Closed(None)], "{rubbish}");
    }
    assert_eq!(heard(vec![0xff, b'\n']).await, [Heard::Unreadable, Heard::Closed(None)]);
    let endless = vec![b' '; limits::SERVICE_FRAME_BYTES + 1];
    assert_eq!(heard(endless).await, [Heard::Unreadable, Heard::Closed(None)]);
}

#[tokio::test]
async fn why_it_closed_is_heard_though_nothing_can_be_sent_any_more() {
    let (here, there) = duplex(64);
    let (reader, mut writer) = ServerEnd::new(there).split();
    writer.close(4003).await.unwrap();
    drop((reader, writer));
    let mut end = ClientEnd::new(here);
    end.send(&ping(1));
    assert_eq!(end.next(true).await, Heard::Closed(Some(4003)));
}

#[tokio::test]
async fn what_is_not_to_be_read_stays_where_it_is() {
    let (here, there) = duplex(1024);
    let (mut reader, mut writer) = ServerEnd::new(there).split();
    let mut end = ClientEnd::new(here);
    end.send(&ping(1));
    writer.send(&answer(7)).await.unwrap();
    tokio::select! {
        heard = end.next(false) => unreachable!("{heard:?}"),
        received = reader.recv() => assert_eq!(received, Received::Frame(Ok(ping(1)))),
    }
    assert_eq!(end.next(true).await, Heard::Frame(answer(7)));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_listen_holds_nobody_up() {
    let (here, mut there) = duplex(1);
    let mut end = ClientEnd::new(here);
    end.send(&ping(1));
    end.close().await;
    let mut left = Vec::new();
    there.read_to_end(&mut left).await.unwrap();
    assert_eq!(left.len(), 1);
}
