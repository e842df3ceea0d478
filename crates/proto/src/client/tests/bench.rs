//! One client, its time, and everything it does put into short lines:
//!
//! - `connect`, `connect URL`, `close`, `save`, `stopped SignedOut`
//! - `invite#3 s1 key=k-1 ack=2` for a request with its id, `ack 5` for an acknowledgement alone
//! - `SignedIn resumed`, `StateChanged s1 READY>INVITATION`, `Termination s1 SR_…` for events
//! - `return 1 Done` for a call, or `return 1 SR_…`

use hither_wire::message::{Answer, Ask, Credential, Data, EventFrame, Request, SessionLimits, SignedIn, Welcome};
use hither_wire::{ClientFrame, Code, Guid, PersonName, ServerFrame, SessionId, State, decode_server};

use crate::Millis;
use crate::client::requests::session_of;
use crate::client::{Call, CallId, Client, Event, Input, Output, ResumePoint, Setup};

pub struct Bench {
    pub client: Client,
    pub now: Millis,
    calls: u64,
    /// Events told so far; taken at once if `takes`.
    pub told: u64,
    pub takes: bool,
    pub saves: bool,
    /// The last resume point that was saved.
    pub point: Option<ResumePoint>,
    /// The last id on the wire.
    pub id: u64,
    seq: u64,
}

pub const DEVICE: Guid = Guid(0xd);
pub const APP: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

pub fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

pub fn s(n: u128) -> SessionId {
    Guid(n)
}

pub fn setup(durable: bool, prefix: &str) -> Setup {
    Setup {
        user: Some(name("alice@x")),
        credential: Credential::Password("pw".into()),
        device: DEVICE,
        status: None,
        client: "bench/1".into(),
        seed: 7,
        key_prefix: prefix.into(),
        durable,
        relay: false,
    }
}

pub fn signed_in(resumed: bool, online: u64) -> SignedIn {
    SignedIn {
        user: name("alice@x"),
        friendly_name: "Alice".into(),
        device: DEVICE,
        token: None,
        epoch: 1,
        resumed,
        grace_ms: 30_000,
        online,
        applications: None,
        address: None,
    }
}

impl Bench {
    pub fn of(client: Client) -> Bench {
        Bench { client, now: 0, calls: 0, told: 0, takes: true, saves: true, point: None, id: 0, seq: 0 }
    }

    pub fn new() -> Bench {
        Bench::of(Client::new(setup(false, "k")))
    }

    /// Signed in for the first time, with everything that was said about it forgotten.
    pub fn up() -> Bench {
        let mut bench = Bench::new();
        bench.input(Input::Start);
        bench.sign_in(false);
        bench
    }

    pub fn durable() -> Bench {
        let mut bench = Bench::of(Client::new(setup(true, "k")));
        bench.input(Input::Start);
        bench.sign_in(false);
        bench
    }

    /// From `connect` to the answer to the sign-in.
    pub fn sign_in(&mut self, resumed: bool) -> Vec<String> {
        self.greet();
        self.sign_in_answer(signed_in(resumed, 0))
    }

    /// From `connect` to the sign-in on the wire.
    pub fn greet(&mut self) -> Vec<String> {
        self.input(Input::Opened { local: Some([192, 0, 2, 1].into()) });
        let hello = Welcome {
            version: 1,
            service: "bench".into(),
            capabilities: Vec::new(),
            frame_bytes: 16_384,
            requests_in_flight: 32,
            keepalive_ms: 30_000,
        };
        self.answer(Answer { hello: Some(hello), ..Answer::new(self.id, Code::S_OK) })
    }

    pub fn sign_in_answer(&mut self, signed_in: SignedIn) -> Vec<String> {
        if !signed_in.resumed {
            self.seq = 0;
        }
        self.answer(Answer { signed_in: Some(Box::new(signed_in)), ..Answer::new(self.id, Code::S_OK) })
    }

    pub fn answer(&mut self, answer: Answer) -> Vec<String> {
        self.input(Input::Frame(ServerFrame::Answer(Box::new(answer))))
    }

    /// Answers the request with this id.
    pub fn code(&mut self, re: u64, code: Code) -> Vec<String> {
        self.answer(Answer::new(re, code))
    }

    /// The next event of the service, in the words of the wire; `S1` stands for the first session.
    pub fn event(&mut self, text: &str) -> Vec<String> {
        self.seq += 1;
        self.event_again(self.seq, text)
    }

    pub fn event_again(&mut self, seq: u64, text: &str) -> Vec<String> {
        let text = text.replace("S1", &s(1).to_string()).replace("S2", &s(2).to_string());
        let frame = decode_server(&format!("{{{text}}}")).unwrap();
        let ServerFrame::Event(EventFrame { event, .. }) = frame else { panic!("{text}") };
        self.input(Input::Frame(ServerFrame::Event(EventFrame { seq: Some(seq), event })))
    }

    pub fn unnumbered(&mut self, text: &str) -> Vec<String> {
        self.input(Input::Frame(decode_server(text).unwrap()))
    }

    pub fn call(&mut self, call: Call) -> Vec<String> {
        self.calls += 1;
        self.input(Input::Call { id: CallId(self.calls), call })
    }

    pub fn closed(&mut self, code: Option<u16>) -> Vec<String> {
        self.input(Input::ConnectionClosed { code })
    }

    pub fn take_all(&mut self) -> Vec<String> {
        self.input(Input::Taken { events: self.told })
    }

    /// Lets time pass, step by step from one deadline to the next.
    pub fn pass(&mut self, ms: Millis) -> Vec<String> {
        let end = self.now + ms;
        let mut lines = Vec::new();
        while let Some(at) = self.client.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            lines.extend(self.input(Input::Timeout));
        }
        self.now = end;
        lines
    }

    /// Lets time pass until a connection is asked for; signs in on it.
    pub fn reconnect(&mut self, resumed: bool) -> Vec<String> {
        for _ in 0..10 {
            let at = self.client.poll_timeout().expect("a reason to wait");
            self.now = self.now.max(at);
            let lines = self.input(Input::Timeout);
            if lines.contains(&"connect".to_owned()) {
                let mut asked = self.greet();
                asked.extend(self.sign_in_answer(signed_in(resumed, 0)));
                return asked;
            }
        }
        panic!("it does not connect");
    }

    pub fn input(&mut self, input: Input) -> Vec<String> {
        let mut lines = self.one_input(input);
        let saved = lines.first().is_some_and(|line| line == "save");
        if saved && self.saves {
            self.point = self.client.resume_point();
            lines.extend(self.one_input(Input::Saved));
        }
        if self.takes && self.told > 0 {
            for line in self.one_input(Input::Taken { events: self.told }) {
                if line == "save" && self.saves {
                    self.point = self.client.resume_point();
                    lines.extend(self.one_input(Input::Saved));
                } else if line != "save" {
                    lines.push(line);
                }
            }
        }
        lines
    }

    fn one_input(&mut self, input: Input) -> Vec<String> {
        self.client.handle(self.now, input);
        let mut lines = Vec::new();
        while let Some(output) = self.client.poll_output() {
            lines.push(self.line(output));
        }
        lines
    }

    fn line(&mut self, output: Output) -> String {
        match output {
            Output::Save => "save".into(),
            Output::Connect { redirect: None } => "connect".into(),
            Output::Connect { redirect: Some(to) } => format!("connect {to}"),
            Output::Send(frame) => self.frame(&frame),
            Output::Close => "close".into(),
            Output::Event(event) => {
                self.told += 1;
                event_line(&event)
            }
            Output::Return { id, result: Ok(reply) } => format!("return {} {reply:?}", id.0),
            Output::Return { id, result: Err(refusal) } => format!("return {} {}", id.0, refusal.code),
            Output::Stopped(stop) => format!("stopped {}", format!("{stop:?}").split('(').next().unwrap()),
        }
    }

    fn frame(&mut self, frame: &ClientFrame) -> String {
        let ack = frame.ack.map(|ack| format!(" ack={ack}")).unwrap_or_default();
        let Some(Ask { id, key, request, .. }) = &frame.ask else {
            return format!("ack {}", frame.ack.unwrap());
        };
        self.id = *id;
        let session = session_of(request).map(|session| format!(" s{}", session.0)).unwrap_or_default();
        let key = key.as_ref().map(|key| format!(" key={key}")).unwrap_or_default();
        let more = match request {
            Request::SignIn(sign_in) => {
                assert_eq!(sign_in.epoch.is_some(), frame.ack.is_some(), "both or neither");
                match sign_in.credential {
                    Credential::Password(_) => " password",
                    Credential::Token(_) => " token",
                    Credential::Registration(_) => " registration",
                    Credential::Local => " local",
                }
            }
            _ => "",
        };
        format!("{}#{id}{session}{more}{key}{ack}", request.name())
    }
}

fn event_line(event: &Event) -> String {
    let short = |state: &State| state.name().trim_start_matches("SS_").to_owned();
    let n = |session: &SessionId| session.0;
    let data = |data: &str| if data.is_empty() { String::new() } else { format!(" {data:?}") };
    match event {
        Event::SignedIn { resumed: true, .. } => "SignedIn resumed".into(),
        Event::SignedIn { resumed: false, .. } => "SignedIn".into(),
        Event::SignedOut { code } => format!("SignedOut {code}"),
        Event::TokenExpiring { in_ms } => format!("TokenExpiring {in_ms}"),
        Event::ConnectionLost { code } => format!("ConnectionLost {code}"),
        Event::Invitation { session, from, data: d, ring_ms, .. } => {
            format!("Invitation s{} {from}{} {ring_ms}", n(session), data(d))
        }
        Event::StateChanged { session, previous, state } => {
            format!("StateChanged s{} {}>{}", n(session), short(previous), short(state))
        }
        Event::Accepted { session, data: d } => format!("Accepted s{}{}", n(session), data(d)),
        Event::Declined { session, data: d } => format!("Declined s{}{}", n(session), data(d)),
        Event::Cancelled { session, data: d, reason } => {
            let reason = reason.map(|reason| format!(" {reason:?}")).unwrap_or_default();
            format!("Cancelled s{}{}{reason}", n(session), data(d))
        }
        Event::ContextData { session, data: d } => format!("ContextData s{}{}", n(session), data(d)),
        Event::Termination { session, code, data: d } => format!("Termination s{} {code}{}", n(session), data(d)),
        Event::SendError { session, code } => format!("SendError s{} {code}", n(session)),
        Event::Progress { session, stage, .. } => format!("Progress s{} {}", n(session), stage.name()),
        Event::ContactStatus { who, status, .. } => format!("ContactStatus {who} {}", status.name()),
        Event::ReadyToLaunch { session } => format!("ReadyToLaunch s{}", n(session)),
        Event::BeforeAppLaunch { session, question } => format!("BeforeAppLaunch s{} ?{question}", n(session)),
        Event::AppNotPresent { session, name, url } => format!("AppNotPresent s{} {name} {url}", n(session)),
        Event::AppRegistered { guid } => format!("AppRegistered {}", guid.0),
        Event::AppUnregistered { guid } => format!("AppUnregistered {}", guid.0),
        Event::AppShutdown => "AppShutdown".into(),
        Event::LockEnable { enabled } => format!("LockEnable {enabled}"),
        Event::LockChallenge { cookie, challenge } => format!("LockChallenge {cookie} {challenge}"),
        Event::LockResult { cookie, ok } => format!("LockResult {cookie} {ok}"),
        Event::LockStatusChanged { status, error: None, .. } => format!("Lock {status}"),
        Event::LockStatusChanged { status, error: Some(error), .. } => format!("Lock {status} {error}"),
        Event::Relayed(told) => format!("Relayed {}", serde_json::to_string(told).unwrap()),
    }
}

pub fn invite(n: u128) -> Call {
    Call::Invite { session: s(n), to: "bob@x".into(), data: "".into() }
}

pub fn accept(n: u128) -> Call {
    Call::Accept { session: s(n), data: "".into() }
}

pub fn context(n: u128, data: &str) -> Call {
    Call::SendContextData { session: s(n), data: data.into() }
}

pub fn cancel(n: u128) -> Call {
    Call::Cancel { session: s(n), hr: Code::S_OK, data: "".into() }
}

pub const INVITED: &str = r#""event":"invited","session":"S1","ring_ms":60000,"limits":{"units":300,"count":5}"#;
pub const ACCEPTED: &str = r#""event":"accepted","session":"S1","data":{"text":"yes"},"address":"198.51.100.7""#;
pub const CONNECTED: &str = r#""event":"connected","session":"S1""#;
pub const TIMED_OUT: &str = r#""event":"ended","session":"S1","how":"terminated","code":2164262409"#;

pub fn invitation(session: &str) -> String {
    format!(
        r#""event":"invitation","session":"{session}","from":"bob@x","friendly_name":"Bob","app":{{"guid":"{APP}"}},"data":{{"text":"come"}},"ring_ms":60000,"limits":{{"units":300,"count":5}}"#
    )
}

impl Bench {
    /// A session in READY that can invite.
    pub fn ready(&mut self, n: u128) {
        self.client.create(s(n));
        self.client.set_application(s(n), APP, "Chess", "").unwrap();
    }

    /// The inviter's session 1, in INVITATION.
    pub fn inviting(&mut self) {
        self.ready(1);
        self.call(invite(1));
        let id = self.id;
        self.event(INVITED);
        self.code(id, Code::S_OK);
    }

    /// The inviter's session 1, CONNECTED.
    pub fn connected(&mut self) {
        self.inviting();
        self.event(ACCEPTED);
        self.event(CONNECTED);
    }

    /// The invitee's session 1, ringing.
    pub fn ringing(&mut self) {
        self.event(&invitation("S1"));
    }

    pub fn state(&self, n: u128) -> State {
        self.client.session(s(n)).map_or(State::Unknown, |session| session.state)
    }
}

pub fn text(data: &str) -> Option<Data> {
    Data::text(data)
}

pub const LIMITS: SessionLimits = SessionLimits::REFERENCE;
