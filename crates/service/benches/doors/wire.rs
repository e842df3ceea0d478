//! As much of the wire as signing in takes.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

pub struct Connection {
    socket: WebSocketStream<TcpStream>,
    ids: u64,
}

impl Connection {
    /// Connects from an address of this machine, and greets.
    pub async fn open(url: &str, from: Ipv4Addr) -> anyhow::Result<Connection> {
        let to: SocketAddr = url.trim_start_matches("ws://").trim_end_matches("/v1").parse()?;
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await?;
        let mut connection = Connection { socket: client_async(url, stream).await?.0, ids: 0 };
        connection.ask(json!({"do": "hello", "versions": [1]})).await?;
        Ok(connection)
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&mut self, mut request: Value) -> anyhow::Result<Value> {
        self.ids += 1;
        request["id"] = self.ids.into();
        self.socket.send(Message::text(request.to_string())).await?;
        loop {
            let message = self.socket.next().await.context("closed")??;
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            if frame["re"] == self.ids {
                return Ok(frame);
            }
        }
    }
}
