//! The attacks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Connections that attack at a time, where each works hard.
const WORKERS: usize = 32;
/// Connections that only sit there.
const IDLE: usize = 10_000;

#[derive(Clone, Copy)]
pub enum Attack {
    NeverSignIn,
    SignInFlood,
    NeverRead,
    Rubbish,
}

/// An attack that goes on until it is ended.
pub struct UnderWay {
    tasks: JoinSet<()>,
    count: Arc<AtomicU64>,
}

impl UnderWay {
    /// Ends it; how often it struck.
    pub async fn end(mut self) -> u64 {
        self.tasks.shutdown().await;
        self.count.load(Ordering::Relaxed)
    }
}

impl Attack {
    pub const ALL: [Attack; 4] = [Attack::NeverSignIn, Attack::SignInFlood, Attack::NeverRead, Attack::Rubbish];

    pub fn name(self) -> &'static str {
        match self {
            Attack::NeverSignIn => "10,000 connections never sign in",
            Attack::SignInFlood => "wrong passwords come as fast as they can",
            Attack::NeverRead => "32 people ask and never read",
            Attack::Rubbish => "10 MB frames, binary frames, rubbish",
        }
    }

    /// Begins, and waits until it is in full swing.
    pub async fn begin(self, url: &str) -> anyhow::Result<UnderWay> {
        let count = Arc::new(AtomicU64::new(0));
        let (started, mut starts) = mpsc::channel(1);
        let mut tasks = JoinSet::new();
        let workers = if matches!(self, Attack::NeverSignIn) { IDLE } else { WORKERS };
        for number in 0..workers {
            let (url, count, started) = (url.to_owned(), Arc::clone(&count), started.clone());
            tasks.spawn(async move {
                let mut started = Some(started);
                loop {
                    // Whoever is thrown out comes back at once.
                    drop(self.strike(&url, number, &count, &mut started).await);
                    drop(started.take());
                }
            });
            if number % WORKERS == WORKERS - 1 {
                tokio::task::yield_now().await;
            }
        }
        drop(started);
        // Closed when every one of them has struck once.
        let _ = starts.recv().await;
        Ok(UnderWay { tasks, count })
    }

    async fn strike(
        self,
        url: &str,
        number: usize,
        count: &AtomicU64,
        started: &mut Option<mpsc::Sender<()>>,
    ) -> anyhow::Result<()> {
        let mut socket = connect(url).await?;
        let mut struck = || {
            count.fetch_add(1, Ordering::Relaxed);
            drop(started.take());
        };
        match self {
            Attack::NeverSignIn => {
                struck();
                while socket.next().await.is_some() {}
            }
            Attack::SignInFlood => {
                socket.send(Message::text(r#"{"id":1,"do":"hello","versions":[1]}"#)).await?;
                socket.next().await;
                loop {
                    let sign_in =
                        format!(r#"{{"id":2,"do":"sign-in","user":"a{}@bench","password":"guess"}}"#, 4_000 + number);
                    socket.send(Message::text(sign_in)).await?;
                    socket.next().await.ok_or_else(|| anyhow::anyhow!("closed"))??;
                    struck();
                }
            }
            Attack::NeverRead => {
                let sign_in =
                    format!(r#"{{"id":2,"do":"sign-in","user":"b{}@bench","password":"bench"}}"#, 4_000 + number);
                socket.send(Message::text(r#"{"id":1,"do":"hello","versions":[1]}"#)).await?;
                socket.send(Message::text(sign_in)).await?;
                loop {
                    socket.send(Message::text(r#"{"id":3,"do":"contacts"}"#)).await?;
                    struck();
                }
            }
            Attack::Rubbish => {
                let frame = match number % 3 {
                    0 => Message::text("x".repeat(10 * 1024 * 1024)),
                    1 => Message::Binary(Bytes::from_static(b"rubbish")),
                    _ => Message::text("{".repeat(16_000)),
                };
                drop(socket.send(frame).await);
                struck();
                while let Some(Ok(_)) = socket.next().await {}
            }
        }
        Ok(())
    }
}

async fn connect(url: &str) -> anyhow::Result<WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches("/v1")).await?;
    Ok(client_async(url, stream).await?.0)
}
