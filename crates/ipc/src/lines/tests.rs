#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::future::poll_fn;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

const MAX: usize = 20;

async fn next(incoming: &mut Incoming, stream: &mut DuplexStream) -> Line {
    poll_fn(|cx| incoming.poll_line(Pin::new(&mut *stream), cx)).await
}

/// What is read of text that comes in these pieces.
fn read(pieces: Vec<Vec<u8>>) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut here, mut there) = duplex(7);
        let writing = tokio::spawn(async move {
            for piece in pieces {
                // Whoever reads may have had enough.
                if there.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        let mut incoming = Incoming::new(MAX);
        let mut lines = vec![next(&mut incoming, &mut here).await];
        while lines.last() != Some(&Line::End) {
            lines.push(next(&mut incoming, &mut here).await);
        }
        drop(here);
        writing.await.unwrap();
        lines
    })
}

fn whole(text: &str) -> Line {
    Line::Whole(text.into())
}

#[test]
fn lines_at_the_edge() {
    let longest = "x".repeat(MAX);
    assert_eq!(read(vec![format!("{longest}\n\na\n").into()]), [whole(&longest), whole(""), whole("a"), Line::End]);
    assert_eq!(read(vec![format!("a\n{longest}y\nb\n").into()]), [whole("a"), Line::TooLong, Line::End]);
    assert_eq!(read(vec![format!("{longest}{longest}").into()]), [Line::TooLong, Line::End]);
    assert_eq!(read(vec![b"a\nhalf a line".to_vec()]), [whole("a"), Line::End]);
    assert_eq!(read(vec![]), [Line::End]);
}

proptest! {
    #[test]
    fn it_does_not_matter_how_lines_are_split(
        lines in prop::collection::vec("[a-zé]{0,9}", 0..8),
        cuts in prop::collection::vec(0usize..100, 0..12),
    ) {
        let text: Vec<u8> = lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| text[cut[0]..cut[1]].to_vec()).collect();
        let mut expected: Vec<Line> = lines.iter().map(|line| whole(line)).collect();
        expected.push(Line::End);
        prop_assert_eq!(read(pieces), expected);
    }
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let (mut here, mut there) = duplex(4 * MAX);
    there.write_all(&[b'x'; 4 * MAX]).await.unwrap();
    let mut incoming = Incoming::new(MAX);
    assert_eq!(next(&mut incoming, &mut here).await, Line::TooLong);
    let mut left = Vec::new();
    drop(there);
    here.read_to_end(&mut left).await.unwrap();
    assert_eq!(left.len(), 3 * MAX - 1, "one byte more than a line was taken");
}

#[tokio::test]
async fn a_reader_that_is_dropped_in_the_middle_of_a_line_loses_nothing() {
    let (mut here, mut there) = duplex(64);
    let mut incoming = Incoming::new(MAX);
    there.write_all(b"one li").await.unwrap();
    tokio::select! {
        biased;
        line = next(&mut incoming, &mut here) => unreachable!("{line:?}"),
        () = async {} => {}
    }
    there.write_all(b"ne\n").await.unwrap();
    assert_eq!(next(&mut incoming, &mut here).await, whole("one line"));
}

#[tokio::test]
async fn writing_goes_on_where_it_was() {
    let (mut here, mut there) = duplex(4);
    let mut outgoing = Outgoing::default();
    outgoing.push("the first");
    outgoing.push("");
    outgoing.push("the third");
    let mut heard = Vec::new();
    while heard.len() < 21 {
        tokio::select! {
            biased;
            written = poll_fn(|cx| outgoing.poll_write(Pin::new(&mut here), cx)) => written.unwrap(),
            () = async {} => {}
        }
        let mut chunk = [0; 4];
        let read = there.read(&mut chunk).await.unwrap();
        heard.extend_from_slice(&chunk[..read]);
    }
    assert_eq!(heard, b"the first\n\nthe third\n");
    drop(there);
    outgoing.push("too late");
    assert!(poll_fn(|cx| outgoing.poll_write(Pin::new(&mut here), cx)).await.is_err());
}
