//! The load: pairs of connections that hold sessions, with either server.

use std::time::Instant;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Both ends of a pair.
pub struct Pair {
    number: usize,
    kind: Kind,
    a: End,
    b: End,
    sessions: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Relay,
    Service,
}

struct End {
    socket: WebSocketStream<Box<dyn Stream>>,
    seq: u64,
    id: u64,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens pairs of connections and signs them in.
pub async fn pairs(
    url: &str,
    role: &str,
    tls: Option<&TlsConnector>,
    count: usize,
    first: usize,
) -> anyhow::Result<Vec<Pair>> {
    let kind = if role == "relay" { Kind::Relay } else { Kind::Service };
    let mut waiting = (first..first + count).collect::<Vec<_>>();
    let mut pairs = Vec::with_capacity(count);
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < 32
            && let Some(number) = waiting.pop()
        {
            let (url, tls) = (url.to_owned(), tls.cloned());
            tasks.spawn(async move {
                let a = End::open(&url, tls.as_ref(), kind, number, "a").await?;
                let b = End::open(&url, tls.as_ref(), kind, number, "b").await?;
                anyhow::Ok(Pair { number, kind, a, b, sessions: 0 })
            });
        }
        match tasks.join_next().await {
            Some(pair) => pairs.push(pair??),
            None => return Ok(pairs),
        }
    }
}

/// Holds sessions, some at a time, each pair one after the other.
pub async fn run(pairs: &mut Vec<Pair>, in_flight: usize, sessions: usize) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    let mut left = sessions;
    let mut idle = std::mem::take(pairs);
    idle.reverse();
    loop {
        while left > 0 && tasks.len() < in_flight {
            let Some(mut pair) = idle.pop() else { break };
            left -= 1;
            tasks.spawn(async move { pair.session().await.map(|()| pair) });
        }
        match tasks.join_next().await {
            // To the back of the queue: every connection is used in turn.
            Some(pair) => idle.insert(0, pair??),
            None => break,
        }
    }
    *pairs = idle;
    Ok(())
}

/// Median and 99th percentile of one relayed message, one at a time, in microseconds.
pub async fn hops(pairs: &mut [Pair]) -> anyhow::Result<[f64; 2]> {
    let mut times = Vec::new();
    for pair in pairs.iter_mut().take(400) {
        times.extend(pair.timed_session().await?);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().context("no hops");
    Ok([at(0.5)?, at(0.99)?])
}

impl Pair {
    async fn session(&mut self) -> anyhow::Result<()> {
        self.timed_session().await.map(drop)
    }

    /// One session; the times of its four context data.
    async fn timed_session(&mut self) -> anyhow::Result<Vec<f64>> {
        self.sessions += 1;
        match self.kind {
            Kind::Relay => self.relayed().await,
            Kind::Service => self.served().await,
        }
    }

    async fn relayed(&mut self) -> anyhow::Result<Vec<f64>> {
        let text = "x".repeat(300);
        let mut times = Vec::new();
        for hop in ["ab", "ba", "ab", "ba", "ab", "ba", "ab"] {
            let (from, to) = if hop == "ab" { (&mut self.a, &mut self.b) } else { (&mut self.b, &mut self.a) };
            let start = Instant::now();
            from.socket.send(Message::text(text.clone())).await?;
            to.until("x").await?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(times.split_off(3))
    }

    async fn served(&mut self) -> anyhow::Result<Vec<f64>> {
        let session = format!("{{00000000-0000-0000-{:04X}-{:012X}}}", self.number, self.sessions);
        let text = "x".repeat(240);
        let app = r#"{"guid":"{305D86C6-6896-4099-91F5-CB7BA7733563}"}"#;
        self.a
            .ask(&format!(
                r#""do":"invite","session":"{session}","to":"b{}@bench","app":{app},"data":{{"text":"{text}"}},"attach":true"#,
                self.number
            ))
            .await?;
        self.b.until(r#""event":"invitation""#).await?;
        let accept = format!(r#""do":"accept","session":"{session}","data":{{"text":"{text}"}},"attach":true"#);
        self.b.ask(&accept).await?;
        self.a.until(r#""event":"connected""#).await?;
        let context = format!(r#""do":"context","session":"{session}","data":{{"text":"{}"}}"#, "x".repeat(300));
        let mut times = Vec::new();
        for hop in ["ab", "ba", "ab", "ba"] {
            let (from, to) = if hop == "ab" { (&mut self.a, &mut self.b) } else { (&mut self.b, &mut self.a) };
            let start = Instant::now();
            from.ask(&context).await?;
            to.until(r#""event":"context""#).await?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        self.a.ask(&format!(r#""do":"cancel","session":"{session}","data":{{"text":"{text}"}}"#)).await?;
        self.b.until(r#""event":"ended""#).await?;
        Ok(times)
    }
}

impl End {
    async fn open(url: &str, tls: Option<&TlsConnector>, kind: Kind, number: usize, end: &str) -> anyhow::Result<End> {
        let address = url.trim_start_matches("wss://").trim_start_matches("ws://").trim_end_matches("/v1");
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        let stream: Box<dyn Stream> = match tls {
            Some(tls) => Box::new(tls.connect("localhost".try_into()?, tcp).await?),
            None => Box::new(tcp),
        };
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await?;
        let mut this = End { socket, seq: 0, id: 0 };
        if kind == Kind::Relay {
            this.socket.send(Message::text(format!("{number} {end}"))).await?;
            this.until("ready").await?;
        } else {
            this.ask(r#""do":"hello","versions":[1]"#).await?;
            this.ask(&format!(r#""do":"sign-in","user":"{end}{number}@bench","password":"bench""#)).await?;
            this.until(r#""signed_in""#).await?;
        }
        Ok(this)
    }

    /// Sends a request with the acknowledgement riding on it.
    async fn ask(&mut self, request: &str) -> anyhow::Result<()> {
        self.id += 1;
        let frame = format!(r#"{{"id":{},"ack":{},{request}}}"#, self.id, self.seq);
        Ok(self.socket.send(Message::text(frame)).await?)
    }

    /// Reads until a frame has `part` in it; refusals are errors.
    async fn until(&mut self, part: &str) -> anyhow::Result<()> {
        loop {
            let frame = self.socket.next().await.context("the connection was closed")??;
            let Message::Text(text) = frame else { continue };
            let text = text.as_str();
            if let Some(seq) = text.strip_prefix(r#"{"seq":"#).and_then(|rest| rest.split(',').next()) {
                self.seq = seq.parse()?;
            }
            if text.contains(r#""message":"#) {
                bail!("refused: {text}");
            }
            if text.contains(part) {
                return Ok(());
            }
        }
    }
}
