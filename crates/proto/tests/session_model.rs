//! The session against a small model, and against the promise of the wire: a client that folds its
//! events knows the state that the service believes it to be in.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

use std::collections::HashMap;

use hither_proto::session::{Card, Move, Session, Tell, Times};
use hither_wire::message::{Application, Data, Event, How, Invite};
use hither_wire::{Code, DeviceId, Guid, PersonName, Role, State};
use proptest::prelude::*;

const TIMES: Times = Times { ring_ms: 60, connect_ms: 50, longest_ms: 400, install_ms: 100 };
const ALICE: DeviceId = Guid(1);
const BOBS: [DeviceId; 3] = [Guid(2), Guid(3), Guid(4)];

#[derive(Clone, Debug)]
enum Step {
    Accept(usize, bool),
    Decline(usize),
    Cancel(Option<usize>, bool),
    Attach(Option<usize>),
    Context(Option<usize>, usize),
    Lose(Option<usize>),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let bob = 0..BOBS.len();
    let anyone = prop::option::of(0..BOBS.len());
    prop_oneof![
        3 => (bob.clone(), any::<bool>()).prop_map(|(b, attach)| Step::Accept(b, attach)),
        1 => bob.prop_map(Step::Decline),
        1 => (anyone.clone(), any::<bool>()).prop_map(|(who, fails)| Step::Cancel(who, fails)),
        4 => anyone.clone().prop_map(Step::Attach),
        8 => (anyone.clone(), prop_oneof![Just(1_usize), Just(300), Just(301)]).prop_map(|(who, n)| Step::Context(who, n)),
        1 => anyone.prop_map(Step::Lose),
        3 => (1_u64..40).prop_map(Step::Wait),
    ]
}

/// The reference in a few lines: who is in it, how far it is, what has been counted.
#[derive(Debug)]
struct Model {
    state: State,
    answerer: Option<usize>,
    ringing: Vec<usize>,
    attached_ahead: Vec<usize>,
    inviter_attached: bool,
    answerer_attached: bool,
    sent: HashMap<Role, u32>,
    until: u64,
}

impl Model {
    fn new() -> Model {
        Model {
            state: State::Invitation,
            answerer: None,
            ringing: (0..BOBS.len()).collect(),
            attached_ahead: Vec::new(),
            inviter_attached: false,
            answerer_attached: false,
            sent: HashMap::new(),
            until: TIMES.ring_ms,
        }
    }

    /// The state as somebody sees it; `None` stands for the inviter.
    fn seen(&self, who: Option<usize>) -> State {
        match who {
            Some(bob) if self.answerer != Some(bob) && !self.ringing.contains(&bob) => State::Terminated,
            _ => self.state,
        }
    }

    fn end(&mut self) -> Code {
        self.state = State::Terminated;
        self.ringing.clear();
        Code::S_OK
    }

    fn connect_if_attached(&mut self, now: u64) {
        if self.inviter_attached && self.answerer_attached {
            self.state = State::Connected;
            self.until = now + TIMES.longest_ms;
        }
    }

    /// The outcome of a step, or `None` where there is none.
    fn apply(&mut self, now: u64, step: &Step) -> Option<Code> {
        Some(match *step {
            Step::Wait(_) => return None,
            Step::Lose(who) => {
                if let Some(bob) = who
                    && self.state == State::Invitation
                {
                    self.ringing.retain(|ringing| *ringing != bob);
                } else if self.seen(who) != State::Terminated {
                    self.end();
                }
                return None;
            }
            Step::Accept(bob, _) | Step::Decline(bob) if self.seen(Some(bob)) != State::Invitation => {
                Code::SR_SESSION_STATE_INVALID
            }
            Step::Accept(bob, attach) => {
                self.state = State::Accepted;
                self.until = now + TIMES.connect_ms;
                self.answerer = Some(bob);
                self.answerer_attached = attach || self.attached_ahead.contains(&bob);
                self.ringing.clear();
                self.connect_if_attached(now);
                Code::S_OK
            }
            Step::Decline(_) => self.end(),
            Step::Cancel(who, _) => match self.seen(who) {
                State::Terminated => Code::SR_SESSION_STATE_INVALID,
                _ => self.end(),
            },
            Step::Attach(who) => {
                let already = match who {
                    None => self.inviter_attached,
                    Some(bob) if self.state == State::Invitation => self.attached_ahead.contains(&bob),
                    Some(_) => self.answerer_attached,
                };
                match self.seen(who) {
                    State::Terminated => return Some(Code::SR_SESSION_STATE_INVALID),
                    _ if already => return Some(Code::S_FALSE),
                    State::Invitation if who.is_some() => self.attached_ahead.extend(who),
                    _ if who.is_some() => self.answerer_attached = true,
                    _ => self.inviter_attached = true,
                }
                if self.state == State::Accepted {
                    self.connect_if_attached(now);
                }
                Code::S_OK
            }
            Step::Context(who, units) => match self.seen(who) {
                State::Terminated => Code::SR_SESSION_STATE_INVALID,
                State::Connected => {
                    let sent = self.sent.entry(role(who)).or_default();
                    if units > 300 || *sent == 5 {
                        return Some(Code::SR_CONTEXT_DATA_OVER_LIMIT);
                    }
                    *sent += 1;
                    Code::S_OK
                }
                _ => Code::SR_NOT_VALID_FOR_APP_INVITE,
            },
        })
    }
}

fn role(who: Option<usize>) -> Role {
    if who.is_some() { Role::Invitee } else { Role::Inviter }
}

fn device(who: Option<usize>) -> DeviceId {
    who.map_or(ALICE, |bob| BOBS[bob])
}

fn everybody() -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain((0..BOBS.len()).map(Some))
}

fn session() -> Session {
    let name = |text| PersonName::parse(text).unwrap();
    let app = Application { guid: Guid(7), name: "".into(), url: "".into(), launch_only: false };
    let invite = Invite {
        session: Guid(9),
        to: name("bob@x"),
        app: app.clone(),
        data: None,
        address: None,
        material: None,
        ring_ms: None,
        attach: false,
    };
    let card = Card {
        id: Guid(9),
        inviter: name("alice@x"),
        inviter_name: "".into(),
        device: ALICE,
        invitee: name("bob@x"),
        app,
        known: true,
        masked: false,
    };
    let mut session = Session::new(0, card, &invite, TIMES);
    for bob in BOBS {
        session.ring(0, bob).unwrap();
    }
    session
}

fn as_move(step: &Step) -> Option<(Option<usize>, Move)> {
    Some(match *step {
        Step::Accept(bob, attach) => (Some(bob), Move::Accept { data: None, address: None, material: None, attach }),
        Step::Decline(bob) => (Some(bob), Move::Decline(None)),
        Step::Cancel(who, fails) => (who, Move::Cancel(if fails { Code::E_FAIL } else { Code::S_OK }, None)),
        Step::Attach(who) => (who, Move::Attach),
        Step::Context(who, units) => (who, Move::Context { data: Data::Text("x".repeat(units).into()), room: true }),
        Step::Lose(_) | Step::Wait(_) => return None,
    })
}

/// What a client does with an event: spec/session.md, the expansion of events.
fn fold(states: &mut HashMap<DeviceId, State>, tells: &[Tell]) {
    for tell in tells {
        let next = match &tell.event {
            Event::Accepted { .. } => State::Accepted,
            Event::Connected { .. } => State::Connected,
            Event::Ended(ended) => {
                assert!(matches!(ended.how, How::Declined | How::Cancelled | How::Terminated));
                State::Terminated
            }
            _ => continue,
        };
        let old = states.insert(tell.device, next).unwrap();
        assert!(old < next, "{old} -> {next} on {}", tell.device);
    }
}

proptest! {
    #[test]
    fn the_session_does_as_the_model_and_tells_everybody(steps in prop::collection::vec(step(), 1..60)) {
        let (mut session, mut model, mut now) = (session(), Model::new(), 0);
        let mut folded: HashMap<DeviceId, State> = everybody().map(|who| (device(who), State::Invitation)).collect();
        let mut lost = Vec::new();
        for step in steps {
            if let Step::Wait(ms) = step {
                now += ms;
            }
            if now >= model.until && model.state != State::Terminated {
                model.end();
            }
            fold(&mut folded, &session.due(now));
            if let Some((who, what)) = as_move(&step) {
                if lost.contains(&who) {
                    continue;
                }
                let (code, tells) = session.handle(now, role(who), device(who), what);
                prop_assert_eq!(Some(code), model.apply(now, &step), "{:?}", step);
                fold(&mut folded, &tells);
            } else if let Step::Lose(who) = step {
                model.apply(now, &step);
                fold(&mut folded, &session.lost(role(who), device(who)));
                lost.push(who);
            }
            for who in everybody().filter(|who| !lost.contains(who)) {
                let state = session.state(role(who), device(who));
                prop_assert_eq!(state, model.seen(who), "{:?} after {:?}", who, step);
                prop_assert_eq!(state, folded[&device(who)], "{:?} folds its events after {:?}", who, step);
            }
        }
    }
}
