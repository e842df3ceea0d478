//! The baseline: a bare WebSocket relay. The first frame of a connection names its pair; every
//! later frame goes to the other end of the pair as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

type Senders = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Message>>>>;

pub async fn run() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}/v1", listener.local_addr()?);
    let senders = Senders::default();
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(serve(socket, Arc::clone(&senders)));
    }
}

async fn serve(socket: TcpStream, senders: Senders) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(2048).write_buffer_size(0);
    let socket = tokio_tungstenite::accept_async_with_config(socket, Some(config)).await?;
    let (mut sink, mut stream) = socket.split();
    let Some(Ok(Message::Text(hello))) = stream.next().await else { return Ok(()) };
    let (pair, end) = hello.as_str().split_once(' ').unwrap_or_default();
    let other = format!("{pair} {}", if end == "a" { "b" } else { "a" });
    let (sender, mut receiver) = mpsc::unbounded_channel();
    senders.lock().unwrap().insert(hello.as_str().to_owned(), sender);
    sink.send(Message::text("ready")).await?;
    let mut peer = None;
    loop {
        tokio::select! {
            frame = stream.next() => {
                let Some(Ok(frame @ Message::Text(_))) = frame else { return Ok(()) };
                if peer.is_none() {
                    peer = senders.lock().unwrap().get(&other).cloned();
                }
                if let Some(peer) = &peer {
                    let _ = peer.send(frame);
                }
            }
            Some(frame) = receiver.recv() => sink.send(frame).await?,
        }
    }
}
