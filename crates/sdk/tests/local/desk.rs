//! The agent's side: a socket in a folder of its own, and what a test says on it.

use std::path::PathBuf;
use std::time::Duration;

use hither::transport::random_guid;
use hither::{Address, Agent, Application, Code, Event, Events, Guid, PersonName, SessionId, State};
use hither_ipc::{Listener, Peer, Received, ServerEnd, ServerReader, ServerWriter, Stream};
use hither_wire::message::{Answer, Ask, Event as Told, EventFrame, Request, SignIn, SignedIn, Welcome};
use hither_wire::{ServerFrame, local};
use tempfile::TempDir;
use tokio::time::timeout;

/// Far longer than anything here takes: only a test that fails waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const CHESS: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";
pub const GO: &str = "{00000000-0000-0000-0000-000000000060}";

/// How a program's stay is numbered here.
pub const EPOCH: u64 = 7;

pub struct Desk {
    home: TempDir,
    listener: Option<Listener>,
    /// How long the agent waits for an application.
    pub grace_ms: u64,
}

/// A connection of an application.
pub struct Link {
    reader: ServerReader<Stream>,
    writer: ServerWriter<Stream>,
    pub peer: Peer,
    /// The last acknowledgement.
    pub ack: Option<u64>,
    seq: u64,
    grace_ms: u64,
}

impl Desk {
    pub fn new() -> Desk {
        let mut desk = Desk { home: tempfile::tempdir().unwrap(), listener: None, grace_ms: 30_000 };
        desk.open();
        desk
    }

    pub fn socket(&self) -> PathBuf {
        self.home.path().join("run/agent.sock")
    }

    /// The agent is there, perhaps again.
    pub fn open(&mut self) {
        self.listener = Some(Listener::bind(&self.socket()).unwrap());
    }

    /// The agent is gone.
    pub fn shut(&mut self) {
        self.listener = None;
    }

    /// The next application that connects.
    pub async fn link(&self) -> Link {
        let accepting = self.listener.as_ref().unwrap().accept();
        let accepted = timeout(PATIENCE, accepting).await.expect("a connection in time").unwrap();
        let (reader, writer) = ServerEnd::new(accepted.stream).split();
        Link { reader, writer, peer: accepted.peer, ack: None, seq: 0, grace_ms: self.grace_ms }
    }

    /// The next application that connects, signed in, and how it has done that.
    pub async fn program(&self, resumed: bool) -> (Link, SignIn) {
        let mut link = self.link().await;
        let sign_in = link.greet(resumed).await;
        (link, sign_in)
    }

    /// An application that is signed in, with its first event taken.
    pub async fn agent(&self) -> (Agent, Events, Link) {
        let connecting = async { Agent::builder().socket(self.socket()).connect().await.unwrap() };
        let ((agent, mut events), (link, _)) = tokio::join!(connecting, self.program(false));
        assert_eq!(line(&mut events).await, "Signin");
        (agent, events, link)
    }
}

impl Link {
    /// Answers `hello` and the sign-in.
    pub async fn greet(&mut self, resumed: bool) -> SignIn {
        let (id, sign_in) = self.sign_in().await;
        self.welcome(id, &sign_in, resumed).await;
        sign_in
    }

    /// Answers `hello`, and hears the sign-in.
    pub async fn sign_in(&mut self) -> (u64, SignIn) {
        let hello = self.asked().await;
        assert!(matches!(hello.request, Request::Hello(_)), "{hello:?}");
        let welcome = Welcome {
            version: 1,
            service: "desk".into(),
            capabilities: vec!["agent".into()],
            frame_bytes: 16_384,
            requests_in_flight: 32,
            keepalive_ms: 3_600_000,
        };
        self.answer(Answer { hello: Some(welcome), ..Answer::new(hello.id, Code::S_OK) }).await;
        let Ask { id, request: Request::SignIn(sign_in), .. } = self.asked().await else { panic!("no sign-in") };
        (id, *sign_in)
    }

    async fn welcome(&mut self, id: u64, sign_in: &SignIn, resumed: bool) {
        let signed_in = SignedIn {
            user: person("alice"),
            friendly_name: "Alice".into(),
            device: sign_in.device.unwrap(),
            token: None,
            epoch: EPOCH,
            resumed,
            grace_ms: self.grace_ms,
            online: 0,
            applications: Some(vec![chess()]),
            address: Some(address("192.0.2.1")),
        };
        self.answer(Answer { signed_in: Some(Box::new(signed_in)), ..Answer::new(id, Code::S_OK) }).await;
    }

    /// The next request.
    pub async fn asked(&mut self) -> Ask {
        loop {
            let received = timeout(PATIENCE, self.reader.recv()).await.expect("a request in time");
            let Received::Frame(Ok(frame)) = received else { panic!("{received:?}") };
            self.ack = frame.ack.or(self.ack);
            if let Some(ask) = frame.ask {
                return ask;
            }
        }
    }

    /// The next request, one that only an agent understands.
    pub async fn asked_local(&mut self) -> (u64, local::Request) {
        let ask = self.asked().await;
        let Request::Local(request) = ask.request else { panic!("{:?}", ask.request) };
        (ask.id, *request)
    }

    /// The application says nothing more.
    pub async fn left(&mut self) {
        let received = timeout(PATIENCE, self.reader.recv()).await.expect("the end in time");
        assert_eq!(received, Received::Closed);
    }

    pub async fn answer(&mut self, answer: Answer) {
        self.send(ServerFrame::Answer(Box::new(answer))).await;
    }

    pub async fn code(&mut self, re: u64, code: Code) {
        self.answer(Answer::new(re, code)).await;
    }

    /// An event of a session.
    pub async fn event(&mut self, event: Told) {
        self.seq += 1;
        self.send(ServerFrame::Event(EventFrame { seq: Some(self.seq), event })).await;
    }

    /// The events of this connection go on from there.
    pub fn after(&mut self, seq: u64) {
        self.seq = seq;
    }

    pub async fn tell(&mut self, event: local::Event) {
        self.send(ServerFrame::Local(Box::new(event))).await;
    }

    pub async fn close(mut self, code: u16) {
        self.writer.close(code).await.unwrap();
    }

    async fn send(&mut self, frame: ServerFrame) {
        self.writer.send(&frame).await.unwrap();
    }
}

pub fn chess() -> Application {
    Application {
        guid: Guid::parse(CHESS).unwrap(),
        name: "Chess".into(),
        url: "https://chess.example".into(),
        launch_only: false,
    }
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn person(who: &str) -> PersonName {
    PersonName::parse(&format!("{who}@example.org")).unwrap()
}

pub fn fresh() -> SessionId {
    random_guid().unwrap()
}

/// The next event, in short.
pub async fn line(events: &mut Events) -> String {
    let event = timeout(PATIENCE, events.next()).await.expect("an event in time");
    let Some(event) = event else { return "over".into() };
    let short = |state: &State| state.name().trim_start_matches("SS_").to_owned();
    match event {
        Event::Signin { resumed: true, .. } => "Signin resumed".into(),
        Event::Signin { .. } => "Signin".into(),
        Event::Signout { code } => format!("Signout {code}"),
        Event::ConnectionLost { code } => format!("ConnectionLost {code}"),
        Event::StateChanged { previous, state, .. } => format!("{}>{}", short(&previous), short(&state)),
        Event::ContextData { data, .. } => format!("ContextData {data}"),
        Event::Termination { code, .. } => format!("Termination {code}"),
        Event::SendError { code, .. } => format!("SendError {code}"),
        Event::BeforeAppLaunch { question, .. } => format!("BeforeAppLaunch {question}"),
        Event::ReadyToLaunch { .. } => "ReadyToLaunch".into(),
        Event::AppRegistered { application } => format!("AppRegistered {application}"),
        Event::AppUnRegistered { application } => format!("AppUnRegistered {application}"),
        Event::AppNotPresent { name, url, .. } => format!("AppNotPresent {name} {url}"),
        other => format!("{other:?}"),
    }
}
