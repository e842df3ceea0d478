//! A small HTTP server with keys, which does what it is told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// What is answered.
#[derive(Clone, Debug)]
pub enum Say {
    /// These keys.
    Keys(Vec<Value>),
    /// These bytes, headers included.
    Raw(String),
    /// Nothing, until the connection is given up.
    Nothing,
    /// So many bytes of JSON.
    Long(usize),
}

#[derive(Clone)]
pub struct Endpoint {
    pub address: SocketAddr,
    say: Arc<Mutex<Say>>,
    asked: Arc<AtomicU64>,
    changed: Arc<Notify>,
}

impl Endpoint {
    pub async fn start(say: Say) -> Endpoint {
        Endpoint::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), say)
    }

    pub fn on(listener: TcpListener, say: Say) -> Endpoint {
        let endpoint = Endpoint {
            address: listener.local_addr().unwrap(),
            say: Arc::new(Mutex::new(say)),
            asked: Arc::default(),
            changed: Arc::default(),
        };
        let serving = endpoint.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    serving.asked.fetch_add(1, Ordering::SeqCst);
                    serving.changed.notify_waiters();
                    let say = serving.say.lock().unwrap().clone();
                    let _ = match say {
                        Say::Keys(keys) => {
                            stream.write_all(json_answer(&json!({"keys": keys}).to_string()).as_bytes()).await
                        }
                        Say::Raw(raw) => stream.write_all(raw.as_bytes()).await,
                        Say::Nothing => stream.read(&mut [0]).await.map(drop),
                        Say::Long(length) => stream.write_all(json_answer(&" ".repeat(length)).as_bytes()).await,
                    };
                });
            }
        });
        endpoint
    }

    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    pub fn say(&self, say: Say) {
        *self.say.lock().unwrap() = say;
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

fn json_answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
