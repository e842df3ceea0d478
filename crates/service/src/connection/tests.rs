//! A connection over a pipe, with a clock that runs only when everybody waits.

use super::*;
use hither_wire::limits;
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

const PACE: Pace = Pace { keepalive: Duration::from_secs(30), unread: Duration::from_secs(10) };

/// Both ends of a connection, and the driver's side of it.
struct World {
    client: WebSocketStream<DuplexStream>,
    link: Arc<Link>,
    notes: mpsc::Receiver<Note>,
    task: JoinHandle<()>,
    start: Instant,
}

/// A connection through a pipe that holds so many bytes.
async fn connected(pipe: usize) -> World {
    let (here, there) = tokio::io::duplex(pipe);
    let client = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
    let config = WebSocketConfig::default().max_frame_size(Some(limits::CLIENT_FRAME_BYTES));
    let server = WebSocketStream::from_raw_socket(here, Role::Server, Some(config)).await;
    let link = Arc::new(Link { address: [127, 0, 0, 1].into(), outbox: Outbox::new(10_000) });
    let (inbox, mut notes) = mpsc::channel(8);
    let task = tokio::spawn(run(ConnId(1), Box::new(server), Arc::clone(&link), inbox, PACE));
    assert!(matches!(notes.recv().await, Some(Note::Opened(ConnId(1), _))));
    World { client, link, notes, task, start: Instant::now() }
}

impl World {
    /// The driver is told of the end.
    async fn closed(&mut self) {
        while let Some(note) = self.notes.recv().await {
            if matches!(note, Note::Input(Input::Closed { conn: ConnId(1) })) {
                return;
            }
        }
        panic!("nobody said that the connection is closed");
    }

    /// The task ends within this time after the beginning.
    async fn over(self, at_most: u64) {
        let World { start, task, client, .. } = self;
        timeout(Duration::from_mins(10), task).await.expect("the task ends").unwrap();
        assert!(start.elapsed() <= Duration::from_secs(at_most), "after {:?}", start.elapsed());
        drop(client);
    }

    async fn next(&mut self) -> Option<Message> {
        self.client.next().await.and_then(Result::ok)
    }

    /// Everything that the client is sent up to the end, and the number of the close.
    async fn said(&mut self) -> (Vec<String>, Option<u16>) {
        let (mut texts, mut code) = (Vec::new(), None);
        while let Some(message) = self.next().await {
            match message {
                Message::Text(text) => texts.push(text.to_string()),
                Message::Close(close) => code = close.map(|close| close.code.into()),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
        self.client.get_mut().shutdown().await.unwrap();
        (texts, code)
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_pinged_then_closed() {
    let mut world = connected(4096).await;
    // Alive: it answers its pings.
    for ping in 1..=3 {
        assert!(matches!(world.next().await, Some(Message::Ping(_))));
        assert_eq!(world.start.elapsed().as_secs(), 30 * ping);
        world.client.flush().await.unwrap();
    }
    // Gone: it does not.
    world.closed().await;
    assert_eq!(world.start.elapsed().as_secs(), 30 * 5);
    let (texts, code) = world.said().await;
    assert_eq!((texts.len(), code), (0, Some(4006)));
    world.over(160).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_at_all_is_not_kept() {
    // Not even a ping fits.
    let mut world = connected(1).await;
    timeout(Duration::from_mins(2), world.closed()).await.expect("closed in time");
    world.over(120).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_too_slowly_is_closed() {
    let mut world = connected(64).await;
    world.link.outbox.push("x".repeat(1_000));
    world.closed().await;
    assert_eq!(world.start.elapsed().as_secs(), 10);
    world.over(13).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_overflows_closes_at_once() {
    let mut world = connected(64).await;
    for _ in 0..200 {
        world.link.outbox.push("x".repeat(100));
    }
    world.closed().await;
    assert_eq!(world.start.elapsed().as_secs(), 0);
    world.over(3).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_together_is_one_write() {
    let mut world = connected(4096).await;
    for n in 0..5 {
        world.link.outbox.push(n.to_string());
    }
    tokio::task::yield_now().await;
    let mut bytes = [0; 100];
    let count = world.client.get_mut().read(&mut bytes).await.unwrap();
    assert_eq!(&bytes[..count], b"\x81\x010\x81\x011\x81\x012\x81\x013\x81\x014");
}

#[tokio::test(start_paused = true)]
async fn a_close_comes_after_what_was_said_before_it() {
    let mut world = connected(4096).await;
    world.link.outbox.push("last".into());
    world.link.outbox.close(Close::Replaced);
    assert_eq!(world.said().await, (vec!["last".to_owned()], Some(4003)));
    world.closed().await;
    world.over(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_the_close_is_dropped() {
    let mut world = connected(4096).await;
    world.link.outbox.close(Close::GoingAway);
    world.closed().await;
    assert_eq!(world.start.elapsed().as_secs(), 0, "the driver goes on at once");
    world.over(3).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_speaks_while_the_service_stops_is_told_so() {
    let mut world = connected(4096).await;
    // The driver hears nothing more, and has not said its last words yet.
    world.notes.close();
    world.client.send(Message::text(r#"{"id":1,"do":"ping"}"#)).await.unwrap();
    // sleep: no time passes, the clock is paused; it ends when everybody else waits.
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.link.outbox.push("signed-out".into());
    world.link.outbox.close(Close::GoingAway);
    assert_eq!(world.said().await, (vec!["signed-out".to_owned()], Some(1001)));
    world.over(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_while_the_service_stops_is_told_so() {
    let (here, there) = tokio::io::duplex(4096);
    let mut client = WebSocketStream::from_raw_socket(there, Role::Client, None).await;
    let server = WebSocketStream::from_raw_socket(here, Role::Server, None).await;
    let link = Arc::new(Link { address: [127, 0, 0, 1].into(), outbox: Outbox::new(10_000) });
    let (inbox, notes) = mpsc::channel(8);
    drop(notes);
    tokio::spawn(run(ConnId(1), Box::new(server), link, inbox, PACE));
    let Some(Ok(Message::Close(Some(close)))) = client.next().await else { panic!("a close") };
    assert_eq!(u16::from(close.code), 1001);
}

#[tokio::test(start_paused = true)]
async fn what_is_still_under_way_is_taken_so_that_the_close_arrives() {
    let mut world = connected(4096).await;
    // A text of 10 MB is announced, and refused before it has come.
    let mut announced = vec![0x81, 0xff];
    announced.extend_from_slice(&10_000_000_u64.to_be_bytes());
    announced.extend_from_slice(&[0; 4]);
    let raw = world.client.get_mut();
    raw.write_all(&announced).await.unwrap();
    world.closed().await;
    let World { client, task, .. } = &mut world;
    client.get_mut().write_all(&vec![0; 100_000]).await.expect("the rest is taken");
    let Some(Ok(Message::Close(Some(close)))) = client.next().await else { panic!("a close") };
    assert_eq!(u16::from(close.code), 1009);
    client.get_mut().shutdown().await.unwrap();
    task.await.unwrap();
    assert_eq!(world.start.elapsed().as_secs(), 0, "nobody waits when both are done");
}
