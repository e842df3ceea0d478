//! The baseline: a bare WebSocket relay. The first frame of a connection names its pair; every
//! later frame goes to the other end of the pair as it is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

type Senders = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Message>>>>;

pub async fn run(folder: Option<&Path>) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let tls = folder.map(crate::encryption::acceptor).transpose()?;
    println!("ws://{}/v1", listener.local_addr()?);
    let senders = Senders::default();
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let senders = Arc::clone(&senders);
        match tls.clone() {
            None => drop(tokio::spawn(serve(socket, senders))),
            Some(tls) => {
                tokio::spawn(async move { serve(Box::pin(tls.accept(socket)).await?, senders).await });
            }
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(socket: S, senders: Senders) -> anyhow::Result<()> {
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
