//! Whatever the service, the network and the application do: no panic, each call returns once, and
//! what the application is told of a session makes sense.

use std::collections::{HashMap, HashSet};

use hither_wire::message::{Answer, By, Data, Elsewhere, Ended, Event as Told, EventFrame, How, Invitation, Stage};
use hither_wire::{Code, ServerFrame, SessionId, State, Status};
use proptest::prelude::*;

use super::bench::{APP, LIMITS, accept, cancel, context, invite, name, s, setup, signed_in, text};
use crate::client::{Call, CallId, Client, Event, Input, Output};

#[derive(Clone, Debug)]
enum Step {
    Call(Call),
    Create(u128),
    LetGo(u128),
    Opened,
    Failed,
    Closed(Option<u16>),
    Unreadable,
    /// An answer to the last request but so many.
    Answer(u64, Code, bool),
    /// The next number but so many, if it has one.
    Event(Option<u64>, Told),
    Take,
    Pass(u64),
    Kill,
}

fn call() -> impl Strategy<Value = Call> {
    (0..10, 1..4_u128).prop_map(|(kind, n)| match kind {
        0 | 1 => invite(n),
        2 | 3 => accept(n),
        4 => cancel(n),
        5 => context(n, "x"),
        6 => Call::Decline { session: s(n), data: "".into() },
        7 => Call::Attach { session: s(n) },
        8 => Call::Contacts,
        _ => Call::SetStatus(Status::Away),
    })
}

fn told() -> impl Strategy<Value = Told> {
    (0..11, 1..4_u128, 0..3_usize).prop_map(|(kind, n, how)| {
        let session = s(n);
        match kind {
            0 => Told::Invited { session, ring_ms: u64::MAX, limits: LIMITS },
            1 | 2 => Told::Invitation(Box::new(Invitation {
                session,
                from: name("bob@x"),
                friendly_name: "".into(),
                app: hither_wire::message::Application {
                    guid: hither_wire::Guid::parse(APP).unwrap(),
                    name: "".into(),
                    url: "".into(),
                    launch_only: how == 2,
                },
                data: None,
                material: None,
                ring_ms: u64::MAX,
                question: None,
                limits: LIMITS,
            })),
            3 | 4 => Told::Accepted { session, data: text("d"), address: None, material: None },
            5 | 6 => Told::Connected { session },
            7 => Told::Context { session, data: Data::Text("x".repeat(how * 1_500).into()) },
            8 => Told::Progress { session, stage: Stage::Unknown, code: None },
            9 => Told::Presence { who: name("bob@x"), friendly_name: "".into(), status: Status::Away },
            _ => Told::Ended(Box::new(Ended {
                session,
                how: [How::Declined, How::Cancelled, How::Terminated][how],
                by: Some(By::Remote),
                code: Code(7),
                data: None,
                reason: (how == 1).then_some(Elsewhere::Unknown),
            })),
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let codes =
        prop::sample::select(vec![Code::S_OK, Code::S_OK, Code::S_FALSE, Code::E_FAIL, Code::MSGR_E_INVALID_PASSWORD]);
    let closes = prop::sample::select(vec![None, None, Some(1001), Some(4000), Some(4003)]);
    prop_oneof![
        4 => call().prop_map(Step::Call),
        2 => (1..4_u128).prop_map(Step::Create),
        1 => (1..4_u128).prop_map(Step::LetGo),
        4 => Just(Step::Opened),
        1 => Just(Step::Failed),
        1 => closes.prop_map(Step::Closed),
        1 => Just(Step::Unreadable),
        9 => (0..2_u64, codes, any::<bool>()).prop_map(|(back, code, resumed)| Step::Answer(back, code, resumed)),
        9 => (prop::sample::select(vec![Some(1), Some(1), Some(1), Some(1), Some(0), Some(2), None]), told())
            .prop_map(|(seq, told)| Step::Event(seq, told)),
        2 => Just(Step::Take),
        3 => (1..12_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Kill),
    ]
}

/// The client with everything that must hold of what it says.
struct Watch {
    client: Client,
    now: u64,
    last_id: u64,
    seq: u64,
    calls: u64,
    open: HashSet<u64>,
    told: u64,
    states: HashMap<SessionId, State>,
    stopped: bool,
    /// The states after the last event that was taken.
    taken: HashMap<SessionId, State>,
    /// The last save, with what the application knew of what it had taken.
    kept: Option<(crate::client::ResumePoint, HashMap<SessionId, State>)>,
    starts: u32,
}

impl Watch {
    fn new() -> Watch {
        Watch {
            client: Client::new(setup(true, "k0")),
            now: 0,
            last_id: 0,
            seq: 0,
            calls: 0,
            open: HashSet::new(),
            told: 0,
            states: HashMap::new(),
            stopped: false,
            taken: HashMap::new(),
            kept: None,
            starts: 0,
        }
    }

    fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
        let mut save = false;
        while let Some(output) = self.client.poll_output() {
            assert!(!self.stopped || output == Output::Save || matches!(output, Output::Return { .. }), "{output:?}");
            match output {
                Output::Save => {
                    save = true;
                    self.kept = self.client.resume_point().map(|point| (point, self.taken.clone()));
                }
                Output::Send(frame) => self.last_id = frame.ask.map_or(self.last_id, |ask| ask.id),
                Output::Event(event) => self.event(&event),
                Output::Return { id, .. } => assert!(self.open.remove(&id.0), "{id:?} returns twice"),
                Output::Stopped(_) => self.stopped = true,
                Output::Connect { .. } | Output::Close => {}
            }
        }
        if save {
            self.client.handle(self.now, Input::Saved);
            while let Some(output) = self.client.poll_output() {
                assert!(matches!(output, Output::Send(_)), "{output:?}");
            }
        }
        assert!(!self.stopped || self.open.is_empty(), "whoever called is told");
    }

    fn event(&mut self, event: &Event) {
        self.told += 1;
        match event {
            Event::Invitation { session, .. } => {
                let old = self.states.insert(*session, State::Invitation);
                assert!(old.is_none_or(|state| state == State::Terminated), "{session} rings in {old:?}");
            }
            Event::StateChanged { session, previous, state } => {
                let old = self.states.insert(*session, *state).unwrap_or(State::Ready);
                assert_eq!(old, *previous, "{session}");
                assert!(!matches!(previous, State::Terminated) && state > previous, "{previous} {state}");
            }
            Event::Termination { session, .. } => assert_eq!(self.states[session], State::Terminated),
            Event::Accepted { session, .. } => assert_eq!(self.states[session], State::Accepted),
            Event::ContextData { session, .. } => assert_eq!(self.states[session], State::Connected),
            Event::Declined { session, .. } => assert_eq!(self.states[session], State::Declined),
            Event::Cancelled { session, .. } => assert_eq!(self.states[session], State::Cancelled),
            Event::SignedIn { .. }
            | Event::SignedOut { .. }
            | Event::ConnectionLost { .. }
            | Event::TokenExpiring { .. }
            | Event::SendError { .. }
            | Event::Progress { .. }
            | Event::ContactStatus { .. }
            | Event::LockEnable { .. }
            | Event::LockChallenge { .. }
            | Event::LockResult { .. }
            | Event::LockStatusChanged { .. }
            | Event::AppNotPresent { .. } => {}
            Event::ReadyToLaunch { .. }
            | Event::BeforeAppLaunch { .. }
            | Event::AppRegistered { .. }
            | Event::AppUnregistered { .. }
            | Event::AppShutdown
            | Event::Relayed(_) => panic!("no agent, no relay"),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Call(call) => {
                self.calls += 1;
                self.open.insert(self.calls);
                self.input(Input::Call { id: CallId(self.calls), call });
            }
            Step::Create(n) => {
                self.client.create(s(n));
                drop(self.client.set_application(s(n), APP, "", ""));
                self.input(Input::Changed);
            }
            Step::LetGo(n) => {
                self.client.let_go(s(n));
                self.input(Input::Changed);
            }
            Step::Opened => self.input(Input::Opened { local: None }),
            Step::Failed => self.input(Input::ConnectFailed),
            Step::Closed(code) => self.input(Input::ConnectionClosed { code }),
            Step::Unreadable => self.input(Input::Unreadable),
            Step::Answer(back, code, resumed) => self.answer(back, code, resumed),
            Step::Event(ahead, event) => {
                let seq = ahead.map(|ahead| self.seq + ahead);
                self.seq = seq.unwrap_or(self.seq).max(self.seq);
                self.input(Input::Frame(ServerFrame::Event(EventFrame { seq, event })));
            }
            Step::Take => {
                self.taken = self.states.clone();
                self.input(Input::Taken { events: self.told });
            }
            Step::Pass(ms) => {
                self.now += ms;
                if self.client.poll_timeout().is_some_and(|at| at <= self.now) {
                    self.input(Input::Timeout);
                }
            }
            Step::Kill => self.kill(),
        }
    }

    fn answer(&mut self, back: u64, code: Code, resumed: bool) {
        let re = self.last_id.saturating_sub(back);
        let hello = Some(hither_wire::message::Welcome {
            version: 1,
            service: "".into(),
            capabilities: Vec::new(),
            frame_bytes: 0,
            requests_in_flight: 3,
            keepalive_ms: 0,
        });
        if !resumed {
            self.seq = 0;
        }
        let signed_in = Some(Box::new(signed_in(resumed, 2)));
        self.input(Input::Frame(ServerFrame::Answer(Box::new(Answer { hello, signed_in, ..Answer::new(re, code) }))));
    }

    fn kill(&mut self) {
        let Some((point, states)) = self.kept.clone() else { return };
        self.starts += 1;
        self.client = Client::restore(setup(true, &format!("k{}", self.starts)), point);
        (self.states, self.taken) = (states.clone(), states);
        self.open.clear();
        (self.told, self.stopped) = (0, false);
        self.input(Input::Start);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn whatever_comes(steps in prop::collection::vec(step(), 0..120)) {
        let mut watch = Watch::new();
        watch.input(Input::Start);
        watch.step(Step::Opened);
        watch.answer(0, Code::S_OK, false);
        watch.answer(0, Code::S_OK, false);
        for step in steps {
            watch.step(step);
        }
        watch.now += 1_000_000;
        watch.input(Input::Timeout);
        watch.step(Step::Call(Call::SignOut { revoke: false }));
        watch.input(Input::ConnectionClosed { code: None });
        prop_assert!(watch.stopped && watch.open.is_empty());
    }
}
