//! Whatever the applications, the service and the shell say, in whatever order: no panic, bounded,
//! and every request is answered once.

use std::collections::BTreeMap;

use hither_wire::{Code, Guid, ServerFrame};
use proptest::prelude::*;

use super::desk::{ALICE, BOB, Bench, GAME, guid, registered};
use crate::agent::rules::{Answer, Rule};
use crate::agent::{Input, LinkId, Press, Process};

#[derive(Clone, Debug)]
enum Step {
    Ask(usize, usize, usize, u128),
    Link(usize, bool),
    Unlink(usize, usize),
    Press(usize, u8, u128),
    Launched(usize, u128, bool),
    Exited(usize, u128),
    Traced(usize, Option<u128>),
    Apps(usize, bool),
    Rule(usize, u8),
    Pass(u64),
    Unplug(usize),
    Plug(usize),
    Kill(usize),
}

const ASKS: [&str; 22] = [
    r#""do":"invite","session":"S","to":"bob@x","app":{"guid":"G"},"attach":true"#,
    r#""do":"invite","session":"S","to":"alice@x","app":{"guid":"G"}"#,
    r#""do":"start","session":"S","to":"bob@x","application":"G""#,
    r#""do":"start","session":"S","to":"alice@x","application":"G""#,
    r#""do":"accept","session":"S","attach":true"#,
    r#""do":"accept","session":"S""#,
    r#""do":"decline","session":"S""#,
    r#""do":"ignore","session":"S""#,
    r#""do":"cancel","session":"S""#,
    r#""do":"attach","session":"S""#,
    r#""do":"context","session":"S","data":{"text":"x"}"#,
    r#""do":"progress","session":"S","stage":"launched""#,
    r#""do":"launching""#,
    r#""do":"launching","secret":"secret""#,
    r#""do":"reply","question":1000002,"yes":true"#,
    r#""do":"serve","application":"G""#,
    r#""do":"rehearse","session":"S","application":"G""#,
    r#""do":"check","session":"S","to":"alice@x""#,
    r#""do":"sessions""#,
    r#""do":"contacts""#,
    r#""do":"register","guid":"G","path":"/x""#,
    r#""do":"dance""#,
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let person = || 0..2_usize;
    let session = || 1..4_u128;
    let step = prop_oneof![
        12 => (person(), 0..4_usize, 0..ASKS.len(), session()).prop_map(|(p, l, a, s)| Step::Ask(p, l, a, s)),
        3 => (person(), any::<bool>()).prop_map(|(p, tool)| Step::Link(p, tool)),
        1 => (person(), 0..4_usize).prop_map(|(p, l)| Step::Unlink(p, l)),
        3 => (person(), 0..4_u8, session()).prop_map(|(p, what, s)| Step::Press(p, what, s)),
        3 => (person(), session(), any::<bool>()).prop_map(|(p, s, ok)| Step::Launched(p, s, ok)),
        1 => (person(), session()).prop_map(|(p, s)| Step::Exited(p, s)),
        2 => (person(), prop::option::of(session())).prop_map(|(p, s)| Step::Traced(p, s)),
        1 => (person(), any::<bool>()).prop_map(|(p, some)| Step::Apps(p, some)),
        1 => (person(), 0..3_u8).prop_map(|(p, rule)| Step::Rule(p, rule)),
        2 => prop_oneof![Just(1_000), Just(2_000), Just(30_000), Just(61_000)].prop_map(Step::Pass),
        1 => person().prop_map(Step::Unplug),
        2 => person().prop_map(Step::Plug),
        1 => person().prop_map(Step::Kill),
    ];
    prop::collection::vec(step, 1..80)
}

#[derive(Default)]
struct Watch {
    links: [Vec<LinkId>; 2],
    ids: u64,
    /// Answers that are due, with their connection.
    due: BTreeMap<u64, LinkId>,
}

impl Watch {
    fn step(&mut self, bench: &mut Bench, step: &Step) {
        match step.clone() {
            Step::Ask(person, link, ask, session) => {
                let Some(link) = self.links[person].get(link).copied() else { return };
                self.ids += 1;
                let ask = ASKS[ask].replace('S', &guid(session)).replace('G', &guid(GAME));
                let id = self.ids;
                self.due.insert(id, link);
                bench.ask(person, link, &format!(r#"{{"id":{id},"key":"k{id}",{ask}}}"#));
            }
            Step::Link(person, true) => self.links[person].push(bench.tool(person)),
            Step::Link(person, false) => {
                self.ids += 1;
                let link = bench.link(person, u32::try_from(self.ids).unwrap());
                bench.ask(person, link, &format!(r#"{{"id":2,"do":"sign-in","device":"{}"}}"#, guid(self.ids.into())));
                bench.took(person, link);
                self.links[person].push(link);
            }
            Step::Unlink(person, link) => {
                if self.links[person].get(link).is_some() {
                    let link = self.links[person].remove(link);
                    self.due.retain(|_, of| *of != link);
                    bench.input(person, Input::Unlinked { link });
                }
            }
            Step::Press(person, what, session) => {
                let presses = [Press::Accept, Press::Decline, Press::Get, Press::Leave];
                bench.input(person, Input::Pressed(presses[usize::from(what)](Guid(session))));
            }
            Step::Launched(person, session, ok) => {
                let started = || (Process { id: 3, started: 1 }, "secret".into());
                let result = if ok { Ok(started()) } else { Err("no".to_owned()) };
                bench.input(person, Input::Launched { session: Guid(session), result });
            }
            Step::Exited(person, session) => {
                bench.input(person, Input::Exited { session: Guid(session), why: "gone".into() });
            }
            Step::Traced(person, session) => {
                let asked = bench.desks[person].open.iter().rev().find_map(|output| match output {
                    crate::agent::Output::Trace { ticket, .. } | crate::agent::Output::Register { ticket, .. } => {
                        Some(*ticket)
                    }
                    _ => None,
                });
                if let Some(ticket) = asked {
                    bench.input(person, Input::Traced { ticket, session: session.map(Guid) });
                }
            }
            Step::Apps(person, some) => {
                let apps = some.then(|| registered(GAME, hither_wire::local::Mode::Session));
                bench.input(person, Input::Apps(apps.into_iter().collect()));
            }
            Step::Rule(person, rule) => {
                let answer = [Answer::Ask, Answer::Accept, Answer::Refuse][usize::from(rule)];
                bench.input(person, Input::Rules(vec![Rule { who: None, app: None, answer }]));
            }
            Step::Pass(ms) => bench.pass(ms),
            Step::Unplug(person) => bench.unplug(person),
            Step::Plug(person) => bench.plug(person),
            Step::Kill(person) => {
                bench.kill(person);
                let gone = std::mem::take(&mut self.links[person]);
                self.due.retain(|_, link| !gone.contains(link));
            }
        }
        bench.settle();
        self.look(bench);
    }

    fn look(&mut self, bench: &mut Bench) {
        for person in [ALICE, BOB] {
            for link in self.links[person].clone() {
                for frame in bench.frames(person, link) {
                    if let ServerFrame::Answer(answer) = frame {
                        assert_eq!(self.due.remove(&answer.re), Some(link), "{answer:?} was not asked, or was before");
                        assert_ne!(answer.code, Code::SR_SESSION_PROTOCOL_ERROR);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_things_breaks_the_agent(steps in steps()) {
        let mut bench = Bench::new();
        let mut watch = Watch::default();
        for person in [ALICE, BOB] {
            watch.step(&mut bench, &Step::Link(person, true));
            watch.step(&mut bench, &Step::Link(person, false));
        }
        for step in steps {
            watch.step(&mut bench, &step);
        }
    }
}
