//! As much of the wire as signing in and unlocking take.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

pub struct Connection {
    socket: WebSocketStream<TcpStream>,
    ids: u64,
    /// Events about the lock that nobody has looked at.
    events: VecDeque<Value>,
    /// The last event that has a number.
    seq: u64,
}

impl Connection {
    /// Connects from an address of this machine, and greets.
    pub async fn open(url: &str, from: Ipv4Addr) -> anyhow::Result<Connection> {
        let to: SocketAddr = url.trim_start_matches("ws://").trim_end_matches("/v1").parse()?;
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let stream = socket.connect(to).await?;
        let socket = client_async(url, stream).await?.0;
        let mut connection = Connection { socket, ids: 0, events: VecDeque::new(), seq: 0 };
        connection.ask(json!({"do": "hello", "versions": [1]})).await?;
        Ok(connection)
    }

    /// Asks, and waits for the answer.
    pub async fn ask(&mut self, mut request: Value) -> anyhow::Result<Value> {
        self.ids += 1;
        request["id"] = self.ids.into();
        if self.seq > 0 {
            request["ack"] = self.seq.into();
        }
        self.socket.send(Message::text(request.to_string())).await?;
        loop {
            let frame = self.frame().await?;
            if frame["re"] == self.ids {
                return Ok(frame);
            }
        }
    }

    /// Asks for a challenge and answers it; the status that the lock has then.
    pub async fn respond(&mut self, id: &str, response: impl FnOnce(&str) -> String) -> anyhow::Result<Value> {
        let answer = self.ask(json!({"do": "challenge", "cookie": 1})).await?;
        ensure!(answer["code"] == 0, "{answer}");
        let challenge = self.event(|event| event["event"] == "lock-challenge").await?;
        let response = response(challenge["challenge"].as_str().context("a challenge")?);
        let answer = self.ask(json!({"do": "response", "app_id": id, "response": response, "cookie": 1})).await?;
        ensure!(answer["code"] == 0, "{answer}");
        self.event(|event| event["event"] == "lock-status" && event["status"] != "PENDINGRESULT").await
    }

    async fn event(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        loop {
            while let Some(event) = self.events.pop_front() {
                if wanted(&event) {
                    return Ok(event);
                }
            }
            self.frame().await?;
        }
    }

    async fn frame(&mut self) -> anyhow::Result<Value> {
        loop {
            let message = self.socket.next().await.context("closed")??;
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            self.seq = frame["seq"].as_u64().unwrap_or(self.seq);
            if frame["event"].as_str().is_some_and(|name| name.starts_with("lock")) {
                self.events.push_back(frame.clone());
            }
            return Ok(frame);
        }
    }
}
