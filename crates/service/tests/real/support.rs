//! A service on a free port, and a client that says exactly what it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hither_service::keys::{Judge, NoKeys};
use hither_service::{Handle, LockControl, PasswordCost, Server, ServiceConfig, Store, hash_password};
use hither_wire::PersonName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Far longer than anything here takes: only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const GUID: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

pub struct TestService {
    pub address: SocketAddr,
    pub operations: Option<SocketAddr>,
    pub admin: Option<SocketAddr>,
    pub data: tempfile::TempDir,
    pub config: ServiceConfig,
    pub handle: Handle,
    pub lock: LockControl,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

/// Alice, Bob and Carol have each other as contacts; Dave knows nobody. Everybody's password is
/// the part of their name before the @.
pub const PEOPLE: [&str; 4] = ["alice@example.org", "bob@example.org", "carol@example.org", "dave@example.org"];

pub async fn service_with(change: impl FnOnce(&mut ServiceConfig)) -> TestService {
    let data = tempfile::tempdir().unwrap();
    let mut config = ServiceConfig::new("127.0.0.1:0".parse().unwrap(), data.path().to_owned());
    config.password_cost = PasswordCost::FOR_TESTS;
    change(&mut config);
    serve(data, config, Box::new(NoKeys)).await
}

/// A service with this data, these settings and this judge.
pub async fn serve(data: tempfile::TempDir, config: ServiceConfig, judge: Box<dyn Judge>) -> TestService {
    people(&data);
    let server = Server::bind_with(config.clone(), judge).await.unwrap();
    let handle = server.handle();
    let (address, operations) = (server.local_addr(), server.operations_addr());
    let admin = server.admin_addr();
    let lock = server.lock_control();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async move { drop(stopped.await) }));
    TestService { address, operations, admin, data, config, handle, lock, stop: Some(stop), task }
}

pub async fn service() -> TestService {
    service_with(|_| {}).await
}

fn people(data: &tempfile::TempDir) {
    use hither_wire::message::ContactAction::Add;
    let store = Store::open(data.path()).unwrap();
    let name = |who: &str| PersonName::parse(who).unwrap();
    for who in PEOPLE {
        let password = hash_password(who.split('@').next().unwrap(), PasswordCost::FOR_TESTS).unwrap();
        store.add_account(&name(who), who, &password).unwrap();
    }
    for owner in &PEOPLE[..3] {
        for who in PEOPLE[..3].iter().filter(|who| *who != owner) {
            let change = hither_proto::service::Change::Contact { action: Add, who: name(who) };
            store.change(&name(owner), &change).unwrap().unwrap();
        }
    }
}

impl TestService {
    pub fn url(&self) -> String {
        format!("ws://{}/v1", self.address)
    }

    pub async fn connect(&self) -> Raw {
        Raw::connect(self.address).await
    }

    /// Signed in with a password, on a fresh device.
    pub async fn signed_in(&self, who: &str) -> Raw {
        let mut raw = self.connect().await;
        let answer = raw.sign_in(who, json!({})).await;
        assert_eq!(answer["code"], 0, "{answer}");
        raw
    }

    /// Says that the service is to stop.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
    }

    pub async fn stop(self) {
        self.stop_and(|| {}).await;
    }

    /// Stops, and looks at what was left before its folder goes.
    pub async fn stop_and(mut self, look: impl FnOnce()) {
        self.begin_stop();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
        look();
    }
}

/// A raw WebSocket.
pub struct Raw<S = TcpStream> {
    pub socket: WebSocketStream<S>,
    next_id: u64,
    /// The sequence number of the last event that was read.
    pub seq: u64,
    /// Events that were read while waiting for an answer.
    events: std::collections::VecDeque<Value>,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Raw::over(stream, &format!("ws://{address}/v1")).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub async fn over(stream: S, url: &str) -> Raw<S> {
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        Raw::of(socket)
    }

    pub fn of(socket: WebSocketStream<S>) -> Raw<S> {
        Raw { socket, next_id: 0, seq: 0, events: std::collections::VecDeque::new() }
    }

    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.socket.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a request; its id.
    pub async fn send(&mut self, name: &str, fields: Value) -> u64 {
        self.next_id += 1;
        let mut frame = json!({"id": self.next_id, "do": name});
        frame.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.send_text(frame.to_string()).await;
        self.next_id
    }

    /// The next frame, or the number of the close.
    pub async fn frame(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a frame in time") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(text.as_str()).unwrap();
                    if let Some(seq) = frame["seq"].as_u64() {
                        assert!(seq > self.seq, "event {seq} after {}", self.seq);
                        self.seq = seq;
                    }
                    return Ok(frame);
                }
                Some(Ok(Message::Close(close))) => return Err(close.map(|close| close.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Sends a request and waits for its answer; events that come first are kept.
    pub async fn ask(&mut self, name: &str, fields: Value) -> Value {
        let id = self.send(name, fields).await;
        self.answer(id).await
    }

    pub async fn answer(&mut self, id: u64) -> Value {
        loop {
            let frame = self.frame().await.expect("an answer, not a close");
            if frame["re"] == id {
                return frame;
            }
            self.events.push_back(frame);
        }
    }

    /// The outcome's name.
    pub async fn outcome(&mut self, name: &str, fields: Value) -> String {
        self.ask(name, fields).await["name"].as_str().unwrap().to_owned()
    }

    /// The next event of this name; others before it are dropped.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = match self.events.pop_front() {
                Some(frame) => frame,
                None => self.frame().await.unwrap_or_else(|code| panic!("`{name}`, not close {code:?}")),
            };
            if frame["event"] == name {
                return frame;
            }
        }
    }

    /// Everything up to the close, and its number.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Err(code) = self.frame().await {
                return code;
            }
        }
    }

    /// Nothing has come: the service has answered everything before this, and nothing was left.
    pub async fn nothing_came(&mut self) {
        let answer = self.ask("ping", json!({})).await;
        assert_eq!(answer["code"], 0);
        let news = self.events.iter().filter(|event| event["event"] != "presence" && event["event"] != "lock");
        assert_eq!(news.count(), 0, "{:?}", self.events);
    }

    pub async fn sign_in(&mut self, who: &str, more: Value) -> Value {
        assert_eq!(self.ask("hello", json!({"versions": [1]})).await["hello"]["version"], 1);
        let mut fields = json!({"user": who, "password": who.split('@').next().unwrap()});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if !more["token"].is_null() {
            fields.as_object_mut().unwrap().remove("password");
        }
        self.ask("sign-in", fields).await
    }

    pub async fn invite(&mut self, session: &str, to: &str) -> String {
        self.outcome("invite", json!({"session": session, "to": to, "app": {"guid": GUID}, "attach": true})).await
    }

    /// A session that both hold, from here to Bob.
    pub async fn connect_session(&mut self, bob: &mut Raw<S>, session: &str) {
        assert_eq!(self.invite(session, "bob@example.org").await, "S_OK");
        bob.event("invitation").await;
        assert_eq!(bob.outcome("accept", json!({"session": session, "attach": true})).await, "S_OK");
        self.event("connected").await;
        bob.event("connected").await;
    }
}

pub fn session(n: u64) -> String {
    format!("{{00000000-0000-0000-0000-{n:012X}}}")
}
