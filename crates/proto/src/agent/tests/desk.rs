//! Two people, each with an agent of their own, at the real service machine. What the shells would do
//! is written down in words; the tests play the person, the launcher and the applications.

use std::collections::BTreeMap;

use hither_wire::local::Mode;
use hither_wire::message::{Application, Credential, Event};
use hither_wire::{Guid, PersonName, ServerFrame, decode_local};

use crate::Millis;
use crate::agent::{Agent, Input, LinkId, Memory, Output, Process, Registered, ShellStatus};
use crate::client::{Input as ClientInput, Output as ClientOutput, Setup};
use crate::service::tests::world::World;
use crate::service::{Config, ConnId};

pub const ALICE: usize = 0;
pub const BOB: usize = 1;
pub const GAME: u128 = 77;

pub fn guid(n: u128) -> String {
    Guid(n).to_string()
}

pub fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

pub struct Desk {
    pub agent: Agent,
    /// What an agent started anew would read.
    kept: String,
    conn: Option<ConnId>,
    /// What the shell was to do since the last look.
    pub did: Vec<String>,
    /// What each local connection was sent since the last look.
    sent: BTreeMap<LinkId, Vec<ServerFrame>>,
    pub open: Vec<Output>,
    online: bool,
}

pub struct Bench {
    pub world: World,
    pub desks: Vec<Desk>,
    now: Millis,
    links: u64,
    agents: u64,
}

fn setup(person: usize, agents: u64) -> Setup {
    Setup {
        user: Some(name(["alice@x", "bob@x"][person])),
        credential: Credential::Password("pw".into()),
        device: Guid(person as u128 + 1),
        status: None,
        client: "agent/1".into(),
        seed: 7,
        key_prefix: format!("k{agents}").into(),
        durable: true,
        relay: true,
    }
}

pub fn registered(n: u128, mode: Mode) -> Registered {
    let app = Application {
        guid: Guid(n),
        name: "Game".into(),
        url: "https://game.example/get".into(),
        launch_only: mode == Mode::LaunchOnly,
    };
    Registered { app, mode }
}

impl Bench {
    /// Both are signed in, and have the game.
    pub fn new() -> Bench {
        Bench::with(Config::default())
    }

    /// At a service with these settings.
    pub fn with(config: Config) -> Bench {
        let mut bench = Bench { world: World::new(config), desks: Vec::new(), now: 0, links: 0, agents: 0 };
        for person in [ALICE, BOB] {
            let agent = Agent::new(0, 1_000_000 * (person as u64 + 1), Memory::default());
            bench.desks.push(Desk {
                agent,
                kept: String::new(),
                conn: None,
                did: Vec::new(),
                sent: BTreeMap::new(),
                open: Vec::new(),
                online: true,
            });
            bench.start(person);
        }
        bench.settle();
        for person in [ALICE, BOB] {
            bench.did(person);
        }
        bench
    }

    fn start(&mut self, person: usize) {
        let shell = ShellStatus { process: 7, notifications: Some("bell".into()), ..ShellStatus::default() };
        self.input(person, Input::Shell(Box::new(shell)));
        self.input(person, Input::Apps(vec![registered(GAME, Mode::Session)]));
        self.input(person, Input::SignIn(Box::new(setup(person, self.agents))));
    }

    pub fn input(&mut self, person: usize, input: Input) {
        let desk = &mut self.desks[person];
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            desk.agent.handle(self.now, input);
            while let Some(output) = desk.agent.poll_output() {
                match output {
                    Output::Save => {
                        desk.kept = serde_json::to_string(&desk.agent.memory()).unwrap();
                        inputs.insert(0, Input::Saved);
                    }
                    Output::Service(ClientOutput::Connect { .. }) if desk.online => {
                        desk.conn = Some(self.world.open());
                        inputs.push(Input::Service(ClientInput::Opened { local: Some([192, 0, 2, 1].into()) }));
                    }
                    Output::Service(ClientOutput::Connect { .. }) => {
                        inputs.push(Input::Service(ClientInput::ConnectFailed));
                    }
                    Output::Service(ClientOutput::Send(frame)) => {
                        if let Some(conn) = desk.conn {
                            self.world.ask(conn, &frame.encode());
                        }
                    }
                    Output::Service(_) => {
                        if let Some(conn) = desk.conn.take() {
                            self.world.drop_conn(conn);
                        }
                    }
                    Output::Send { link, frame } => desk.sent.entry(link).or_default().push(frame),
                    other => {
                        desk.did.push(word(&other));
                        desk.open.push(other);
                    }
                }
            }
        }
    }

    /// Carries frames until nothing moves.
    pub fn settle(&mut self) {
        loop {
            let mut moved = false;
            for person in [ALICE, BOB] {
                let Some(conn) = self.desks[person].conn else { continue };
                for frame in self.world.take(conn) {
                    moved = true;
                    self.input(person, Input::Service(ClientInput::Frame(frame)));
                }
            }
            if !moved {
                return;
            }
        }
    }

    pub fn pass(&mut self, ms: Millis) {
        self.now += ms;
        self.world.pass(ms);
        for person in [ALICE, BOB] {
            if self.desks[person].agent.poll_timeout().is_some_and(|at| at <= self.now) {
                self.input(person, Input::Timeout);
            }
        }
        self.settle();
    }

    /// The agent is killed; another one is started with what was kept.
    pub fn kill(&mut self, person: usize) {
        self.agents += 1;
        let desk = &mut self.desks[person];
        let memory: Memory = serde_json::from_str(&desk.kept).unwrap();
        desk.agent = Agent::new(self.now, 1_000_000_000 * self.agents, memory);
        desk.sent.clear();
        desk.open.clear();
        if let Some(conn) = desk.conn.take() {
            self.world.drop_conn(conn);
        }
        self.start(person);
        self.settle();
    }

    /// The connection to the service breaks, and cannot be made until [`Bench::plug`].
    pub fn unplug(&mut self, person: usize) {
        self.desks[person].online = false;
        if let Some(conn) = self.desks[person].conn.take() {
            self.world.drop_conn(conn);
        }
        self.input(person, Input::Service(ClientInput::ConnectionClosed { code: None }));
    }

    pub fn plug(&mut self, person: usize) {
        self.desks[person].online = true;
    }

    /// What the shell was to do since the last look.
    pub fn did(&mut self, person: usize) -> Vec<String> {
        std::mem::take(&mut self.desks[person].did)
    }

    pub fn link(&mut self, person: usize, process: u32) -> LinkId {
        self.links += 1;
        let link = LinkId(self.links);
        self.input(person, Input::Linked { link, process: Some(process) });
        self.ask(person, link, r#"{"id":1,"do":"hello","versions":[1]}"#);
        self.took(person, link);
        link
    }

    /// An application that has signed in.
    pub fn program(&mut self, person: usize, process: u32, device: u128) -> LinkId {
        let link = self.link(person, process);
        self.ask(person, link, &format!(r#"{{"id":2,"do":"sign-in","device":"{}"}}"#, guid(device)));
        let answer = &self.desks[person].sent[&link][0];
        assert!(matches!(answer, ServerFrame::Answer(a) if a.signed_in.is_some()), "{answer:?}");
        self.took(person, link);
        link
    }

    /// An application that comes back.
    pub fn resumed(&mut self, person: usize, process: u32, device: u128, epoch: u64, ack: u64) -> LinkId {
        let link = self.link(person, process);
        let device = guid(device);
        self.ask(
            person,
            link,
            &format!(r#"{{"id":2,"do":"sign-in","device":"{device}","epoch":{epoch},"ack":{ack}}}"#),
        );
        link
    }

    /// A tool of the person that watches.
    pub fn tool(&mut self, person: usize) -> LinkId {
        let link = self.link(person, 1);
        self.ask(person, link, r#"{"id":2,"do":"person","watch":true}"#);
        self.took(person, link);
        link
    }

    pub fn ask(&mut self, person: usize, link: LinkId, frame: &str) {
        self.input(person, Input::Received { link, frame: decode_local(frame) });
        self.settle();
    }

    pub fn frames(&mut self, person: usize, link: LinkId) -> Vec<ServerFrame> {
        self.desks[person].sent.remove(&link).unwrap_or_default()
    }

    /// What a connection was sent, a word for each frame.
    pub fn took(&mut self, person: usize, link: LinkId) -> Vec<String> {
        self.frames(person, link).iter().map(told).collect()
    }

    /// The service judges the oldest response.
    pub fn judge(&mut self, judgement: crate::lock::Judgement) {
        self.world.judge(judgement);
        self.settle();
    }

    /// The cookie of the last challenge that the agent is to answer for itself.
    pub fn proving(&self, person: usize) -> u32 {
        let cookie = self.desks[person].open.iter().rev().find_map(|output| match output {
            Output::Prove { cookie, .. } => Some(*cookie),
            _ => None,
        });
        cookie.unwrap()
    }

    pub fn launched(&mut self, person: usize, session: u128, process: u32) {
        let result = Ok((Process { id: process, started: 1 }, format!("secret{process}").into()));
        self.input(person, Input::Launched { session: Guid(session), result });
        self.settle();
    }

    /// Answers the last question of whose process it is.
    pub fn traced(&mut self, person: usize, session: Option<u128>) {
        let ticket = self.desks[person].open.iter().rev().find_map(|output| match output {
            Output::Trace { ticket, .. } => Some(*ticket),
            _ => None,
        });
        self.input(person, Input::Traced { ticket: ticket.unwrap(), session: session.map(Guid) });
        self.settle();
    }
}

fn word(output: &Output) -> String {
    match output {
        Output::Ring(ring) => format!("ring {} {} {}", ring.session.0, ring.from, ring.installed),
        Output::Quiet { session } => format!("quiet {}", session.0),
        Output::Missing { session, .. } => format!("missing {}", session.0),
        Output::Open { url } => format!("open {url}"),
        Output::Launch(launch) => {
            let remote = launch.remote.as_ref().map_or_else(|| "-".into(), ToString::to_string);
            format!("launch {} {remote}", launch.session.0)
        }
        Output::Watch { session, process } => format!("watch {} {}", session.0, process.id),
        Output::Trace { process, among, .. } => format!("trace {process} among {}", among.len()),
        Output::Register { registration, .. } => format!("register {}", registration.guid),
        Output::Unregister { guid, .. } => format!("unregister {guid}"),
        Output::Link { uri, .. } => format!("link {uri}"),
        Output::Close { code, .. } => format!("close {code}"),
        Output::Reload => "reload".into(),
        Output::SignedOut => "signed out".into(),
        Output::Stop => "stop".into(),
        Output::Prove { challenge, .. } => format!("prove {challenge}"),
        Output::Save | Output::Service(_) | Output::Send { .. } => unreachable!(),
    }
}

fn told(frame: &ServerFrame) -> String {
    match frame {
        ServerFrame::Answer(answer) => format!("{} {}", answer.re, answer.code),
        ServerFrame::Event(frame) => match &frame.event {
            Event::Progress { stage, .. } => stage.name().to_owned(),
            Event::Presence { who, status, .. } => format!("{who} {}", status.name()),
            Event::Ended(ended) => match ended.reason {
                Some(_) => "elsewhere".into(),
                None => format!("ended {}", ended.code),
            },
            Event::Context { data, .. } => format!("context {}", data.as_text().unwrap()),
            event => serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned(),
        },
        ServerFrame::Local(event) => match &**event {
            hither_wire::local::Event::Launch { stage, .. } => format!("launch {}", stage.name()),
            event => serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned(),
        },
    }
}
