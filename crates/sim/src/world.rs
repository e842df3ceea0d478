//! Everything together: the service machine, every device, and the network between them, one event
//! after the other in the order of time.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use hither_proto::Millis;
use hither_proto::client::{Call, Input as ToDevice};
use hither_proto::service::{Admitted, Config, ConnId, Denied, Input, Output, Record, Service};
use hither_wire::message::{Event, InvitationsFrom, Settings};
use hither_wire::{Code, Guid, PersonName, Role, ServerFrame, SessionId, State, decode_client, decode_server};

use crate::device::{Device, Wish, name};
use crate::ledger::{Broken, Ledger, Memory, Session};
use crate::network::{Arrival, Network};
use crate::plan::{PEOPLE, Plan, Seat, Step, seats};

/// A promise that was broken, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub broken: Broken,
    /// After how many milliseconds of the world.
    pub at: Millis,
    /// After how many steps of the plan.
    pub step: usize,
}

/// What happened in a run that broke nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions that were invited to.
    pub sessions: usize,
    /// Sessions that were accepted.
    pub accepted: usize,
    /// Context data that arrived.
    pub received: usize,
    /// Frames that were carried.
    pub frames: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.sessions += other.sessions;
        self.accepted += other.accepted;
        self.received += other.received;
        self.frames += other.frames;
    }
}

/// How long the rest is after the last step: everything that can happen by itself has happened.
const REST: Millis = 12 * 60_000;
/// When the other end of a broken connection learns of it at the latest.
const NOTICE: Millis = 20_000;

struct World {
    now: Millis,
    rng: Rng,
    service: Service,
    /// Connections that the service knows.
    known: HashSet<ConnId>,
    /// Connections that were gone before the service knew them.
    dead: HashSet<ConnId>,
    network: Network,
    devices: BTreeMap<Seat, Device>,
    ledger: Ledger,
    frames: u64,
    trace: Option<Vec<String>>,
}

/// Carries out a plan; with `trace`, every line of what happened is kept.
pub fn run(plan: &Plan, trace: bool) -> (Result<Tally, Failure>, Vec<String>) {
    let mut world = World::new(plan.seed, trace);
    let mut result = world.start().map_err(|broken| (0, broken));
    if result.is_ok() {
        for (number, step) in plan.steps.iter().enumerate() {
            result = world.step(*step).map_err(|broken| (number + 1, broken));
            if result.is_err() {
                break;
            }
        }
    }
    let result = result.and_then(|()| world.rest().map_err(|broken| (plan.steps.len(), broken)));
    let at = world.now;
    let result = result.map(|()| world.tally()).map_err(|(step, broken)| Failure { broken, at, step });
    (result, world.trace.unwrap_or_default())
}

impl World {
    fn new(seed: u64, trace: bool) -> World {
        let mut rng = Rng::with_seed(seed ^ 0x5eed);
        // Small limits, so that they are reached.
        let config = Config { events_pending: 48, ringing_per_pair: 3, sessions_per_person: 10, ..Config::default() };
        let devices = seats().map(|seat| (seat, Device::new(seat, rng.u64(..)))).collect();
        World {
            now: 0,
            rng,
            service: Service::new(config, 1),
            known: HashSet::new(),
            dead: HashSet::new(),
            network: Network::default(),
            devices,
            ledger: Ledger::default(),
            frames: 0,
            trace: trace.then(Vec::new),
        }
    }

    fn start(&mut self) -> Result<(), Broken> {
        for seat in seats() {
            self.device(seat, ToDevice::Start)?;
        }
        self.pass(1_000)
    }

    fn step(&mut self, step: Step) -> Result<(), Broken> {
        self.note(|| format!("> {step}"));
        match step {
            Step::Wait(ms) => return self.pass(ms),
            Step::Invite(seat, whom) => self.invite(seat, whom)?,
            Step::Accept(seat, attach) => {
                let rings = |seen: &crate::ledger::Seen| seen.role == Role::Invitee && !seen.state.is_over();
                self.act(seat, rings, |device, now, id, ledger| device.accept(now, id, attach, ledger))?;
            }
            Step::Decline(seat) => self.call(seat, |session| Call::Decline { session, data: "no".into() })?,
            Step::Ignore(seat) => self.call(seat, |session| Call::Ignore { session })?,
            Step::Cancel(seat) => {
                self.call(seat, |session| Call::Cancel { session, hr: Code::S_OK, data: "bye".into() })?;
            }
            Step::Attach(seat) => self.call(seat, |session| Call::Attach { session })?,
            Step::Context(seat) => self.act(seat, |seen| !seen.state.is_over(), Device::context)?,
            Step::Cut(seat) => self.cut(seat, true, true),
            Step::CutNear(seat) => self.cut(seat, true, false),
            Step::CutFar(seat) => self.cut(seat, false, true),
            Step::Kill(seat) => self.kill(seat)?,
            Step::Offline(seat, ms) => {
                let until = self.now + ms;
                if let Some(device) = self.devices.get_mut(&seat) {
                    device.offline_until = until;
                }
                self.cut(seat, true, true);
            }
            Step::Slow(seat, ms) => {
                if let Some(device) = self.devices.get_mut(&seat) {
                    device.delay = ms;
                }
            }
        }
        self.pass(0)
    }

    /// The network is well again, nobody does anything more, and time passes.
    fn rest(&mut self) -> Result<(), Broken> {
        self.note(|| "> rest".to_owned());
        for device in self.devices.values_mut() {
            device.delay = 5;
            device.offline_until = 0;
        }
        self.pass(REST)?;
        let memories = self.devices.iter().map(|(seat, device)| (*seat, device.memory.clone())).collect();
        self.ledger.settled(&memories)?;
        self.nothing_left(&memories)
    }

    /// Nothing waits for ever: no call, and no session that nobody is in.
    fn nothing_left(&self, memories: &BTreeMap<Seat, Memory>) -> Result<(), Broken> {
        if let Some(device) = self.devices.values().find(|device| device.unreturned() > 0) {
            return Err(format!("{} calls of {} never return", device.unreturned(), device.seat));
        }
        let connected = |seen: &&crate::ledger::Seen| seen.role == Role::Inviter && seen.state == State::Connected;
        let held = memories.values().flat_map(BTreeMap::values).filter(connected).count();
        let (_, sessions, _) = self.service.load();
        if sessions == held { Ok(()) } else { Err(format!("the service holds {sessions} sessions, the people {held}")) }
    }

    fn tally(&self) -> Tally {
        let seen = || self.devices.values().flat_map(|device| device.memory.values());
        Tally {
            sessions: seen().filter(|seen| seen.role == Role::Inviter && seen.state != State::Ready).count(),
            accepted: seen().filter(|seen| seen.role == Role::Invitee && seen.accepted).count(),
            received: seen().map(|seen| seen.received.len()).sum(),
            frames: self.frames,
        }
    }

    fn invite(&mut self, seat: Seat, whom: usize) -> Result<(), Broken> {
        let id: SessionId = Guid(self.ledger.sessions.len() as u128 + 1);
        let session = Session {
            inviter: seat,
            invitee: whom,
            sent: [Vec::new(), Vec::new()],
            deadline: None,
            answered: false,
            winners: std::collections::BTreeSet::new(),
        };
        self.ledger.sessions.insert(id, session);
        let Some(device) = self.devices.get_mut(&seat) else { return Ok(()) };
        let wishes = device.invite(self.now, id, Seat { person: whom, device: 0 }, &mut self.ledger)?;
        self.fulfil(seat, wishes);
        Ok(())
    }

    fn call(&mut self, seat: Seat, call: impl Fn(SessionId) -> Call) -> Result<(), Broken> {
        self.act(seat, |seen| !seen.state.is_over(), |device, now, id, ledger| device.call(now, id, call(id), ledger))
    }

    /// Lets a device's application do something with its newest session that fits.
    fn act(
        &mut self,
        seat: Seat,
        fits: impl Fn(&crate::ledger::Seen) -> bool,
        act: impl FnOnce(&mut Device, Millis, SessionId, &mut Ledger) -> Result<Vec<Wish>, Broken>,
    ) -> Result<(), Broken> {
        let Some(device) = self.devices.get_mut(&seat) else { return Ok(()) };
        let Some(id) = device.newest(fits) else { return Ok(()) };
        let wishes = act(device, self.now, id, &mut self.ledger)?;
        self.fulfil(seat, wishes);
        Ok(())
    }

    fn cut(&mut self, seat: Seat, near: bool, far: bool) {
        let Some(conn) = self.devices.get(&seat).and_then(|device| device.conn) else { return };
        self.network.cut(conn);
        let later = self.now + self.rng.u64(1..NOTICE);
        self.network.later(if far { self.now } else { later }, Arrival::GoneAtService(conn));
        self.network.later(if near { self.now } else { later }, Arrival::GoneAtDevice(seat, conn, None));
    }

    fn kill(&mut self, seat: Seat) -> Result<(), Broken> {
        let seed = self.rng.u64(..);
        let Some(device) = self.devices.get_mut(&seat) else { return Ok(()) };
        if let Some(conn) = device.conn {
            self.network.cut(conn);
            self.network.later(self.now + 1, Arrival::GoneAtService(conn));
        }
        device.kill(seed);
        self.device(seat, ToDevice::Start)
    }

    /// Lets everything happen that happens in the next `ms` milliseconds.
    fn pass(&mut self, ms: Millis) -> Result<(), Broken> {
        let end = self.now + ms;
        loop {
            while let Some(arrival) = self.network.arrive(self.now) {
                self.arrive(arrival)?;
            }
            if self.service.poll_timeout().is_some_and(|at| at <= self.now) {
                self.service(Input::Timeout)?;
                continue;
            }
            let due = |device: &&Device| device.due().is_some_and(|at| at <= self.now);
            if let Some(seat) = self.devices.values().find(due).map(|device| device.seat) {
                self.device(seat, ToDevice::Timeout)?;
                continue;
            }
            let devices = self.devices.values().filter_map(Device::due).min();
            let next = [self.network.next_at(), self.service.poll_timeout(), devices].into_iter().flatten().min();
            match next {
                Some(at) if at <= end => self.now = at.max(self.now),
                _ => {
                    self.now = end;
                    return Ok(());
                }
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) -> Result<(), Broken> {
        self.frames += 1;
        match arrival {
            Arrival::Accepted(conn) if self.dead.contains(&conn) => Ok(()),
            Arrival::Accepted(conn) => {
                self.known.insert(conn);
                self.service(Input::Opened { conn })
            }
            Arrival::ToService(conn, text) if self.known.contains(&conn) => {
                self.note(|| format!("  {conn:?} -> {text}"));
                self.service(Input::Received { conn, frame: decode_client(&text) })
            }
            Arrival::GoneAtService(conn) if self.known.remove(&conn) => self.service(Input::Closed { conn }),
            Arrival::GoneAtService(conn) => {
                self.dead.insert(conn);
                Ok(())
            }
            Arrival::Restart(seat) => self.kill(seat),
            Arrival::Answer(input) => self.service(*input),
            Arrival::Opened(seat, conn) if self.has(seat, conn) => self.device(seat, ToDevice::Opened { local: None }),
            Arrival::Refused(seat, conn) if self.has(seat, conn) => {
                self.unplug(seat);
                self.device(seat, ToDevice::ConnectFailed)
            }
            Arrival::ToDevice(seat, conn, text) if self.has(seat, conn) => {
                self.note(|| format!("  {seat} <- {text}"));
                let frame = decode_server(&text).map_err(|error| format!("the service wrote {text}: {error}"))?;
                self.device(seat, ToDevice::Frame(frame))
            }
            Arrival::GoneAtDevice(seat, conn, code) if self.has(seat, conn) => {
                self.unplug(seat);
                self.note(|| format!("  {seat} has lost its connection"));
                self.device(seat, ToDevice::ConnectionClosed { code })
            }
            Arrival::ToService(..)
            | Arrival::Opened(..)
            | Arrival::Refused(..)
            | Arrival::ToDevice(..)
            | Arrival::GoneAtDevice(..) => Ok(()),
        }
    }

    fn has(&self, seat: Seat, conn: ConnId) -> bool {
        self.devices.get(&seat).is_some_and(|device| device.conn == Some(conn))
    }

    fn unplug(&mut self, seat: Seat) {
        if let Some(device) = self.devices.get_mut(&seat) {
            device.conn = None;
        }
    }

    fn device(&mut self, seat: Seat, input: ToDevice) -> Result<(), Broken> {
        let Some(device) = self.devices.get_mut(&seat) else { return Ok(()) };
        let wishes = device.input(self.now, input, &mut self.ledger)?;
        self.fulfil(seat, wishes);
        Ok(())
    }

    fn fulfil(&mut self, seat: Seat, wishes: Vec<Wish>) {
        for wish in wishes {
            let jitter = self.rng.u64(..10);
            let Some(device) = self.devices.get_mut(&seat) else { return };
            let delay = device.delay + jitter;
            match (wish, device.conn) {
                (Wish::Connect, _) if device.offline_until > self.now => {
                    device.conn = Some(self.network.refuse(self.now, seat, delay));
                }
                (Wish::Connect, _) => device.conn = Some(self.network.connect(self.now, seat, delay)),
                (Wish::Send(text), Some(conn)) => {
                    self.network.send_to_service(self.now, delay, conn, Arrival::ToService(conn, text));
                }
                (Wish::Close, Some(conn)) => {
                    device.conn = None;
                    self.network.send_to_service(self.now, delay, conn, Arrival::GoneAtService(conn));
                }
                (Wish::Restart, _) => self.network.later(self.now + 1_000, Arrival::Restart(seat)),
                (Wish::Send(_) | Wish::Close, None) => {}
            }
        }
    }

    fn service(&mut self, input: Input) -> Result<(), Broken> {
        self.service.handle(self.now, input);
        while let Some(output) = self.service.poll_output() {
            self.serve(output)?;
        }
        Ok(())
    }

    fn serve(&mut self, output: Output) -> Result<(), Broken> {
        let soon = self.now + self.rng.u64(..20);
        match output {
            Output::Send { conn, frame, can_wait: _ } => {
                self.check_ringing(&frame)?;
                let Some(line) = self.network.line(conn) else { return Ok(()) };
                let seat = line.seat;
                let delay = self.delay(seat);
                self.network.send_to_device(self.now, delay, conn, Arrival::ToDevice(seat, conn, frame.encode()));
            }
            Output::Close { conn, why } => {
                let Some(line) = self.network.line(conn) else { return Ok(()) };
                let seat = line.seat;
                let delay = self.delay(seat);
                let gone = Arrival::GoneAtDevice(seat, conn, Some(why.number()));
                self.network.send_to_device(self.now, delay, conn, gone);
                self.network.later(self.now, Arrival::GoneAtService(conn));
            }
            Output::Authenticate { conn, sign_in, .. } => {
                let who = sign_in.user.clone().and_then(|user| record(&user)).zip(sign_in.device);
                let result = who
                    .map(|(record, device)| {
                        Box::new(Admitted { record, device, token: Some("token".into()), expires_ms: None })
                    })
                    .ok_or(Denied::new(Code::MSGR_E_INVALID_PASSWORD));
                self.network.later(soon, Arrival::Answer(Box::new(Input::Authenticated { conn, result })));
            }
            Output::Load { ticket, who } => {
                let person = Ok(record(&who).map(Box::new));
                self.network.later(soon, Arrival::Answer(Box::new(Input::Loaded { ticket, person })));
            }
            Output::ChangePassword { ticket, .. } => {
                let input = Input::PasswordChanged { ticket, result: Ok(()) };
                self.network.later(soon, Arrival::Answer(Box::new(input)));
            }
            Output::Renew { ticket, .. } => {
                let input = Input::Renewed { ticket, result: Ok(60_000) };
                self.network.later(soon, Arrival::Answer(Box::new(input)));
            }
            Output::Devices { ticket, .. } => {
                let input = Input::Devices { ticket, result: Ok(Vec::new()) };
                self.network.later(soon, Arrival::Answer(Box::new(input)));
            }
            // The lock is off here.
            Output::Draw { .. } | Output::Judge { .. } | Output::Told { .. } => {}
            Output::Store { ticket, .. } => {
                let result = Ok("".into());
                self.network.later(soon, Arrival::Answer(Box::new(Input::Stored { ticket, result })));
            }
        }
        Ok(())
    }

    fn delay(&mut self, seat: Seat) -> Millis {
        self.devices.get(&seat).map_or(0, |device| device.delay) + self.rng.u64(..10)
    }

    /// R22: nobody is told that it rings longer than it does, and no answer counts after that.
    fn check_ringing(&mut self, frame: &ServerFrame) -> Result<(), Broken> {
        let ServerFrame::Event(frame) = frame else { return Ok(()) };
        let now = self.now;
        let deadline = |ledger: &Ledger, id: &SessionId| ledger.sessions.get(id).and_then(|session| session.deadline);
        if let Event::Invited { session, ring_ms, .. } = &frame.event {
            if let Some(session) = self.ledger.sessions.get_mut(session) {
                session.deadline.get_or_insert(now + ring_ms);
            }
        } else if let Event::Invitation(invitation) = &frame.event {
            let left = deadline(&self.ledger, &invitation.session).unwrap_or(Millis::MAX);
            if now.saturating_add(invitation.ring_ms) > left.max(now) {
                return Err(format!(
                    "{} is said to ring {} ms past its deadline",
                    invitation.session,
                    now + invitation.ring_ms - left
                ));
            }
        } else if let Event::Accepted { session, .. } = &frame.event
            && let Some(session) = self.ledger.sessions.get_mut(session)
        {
            if !session.answered && session.deadline.is_some_and(|deadline| now > deadline) {
                return Err(format!("an invitation of {} is accepted after its deadline", session.inviter));
            }
            session.answered = true;
        }
        Ok(())
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now:>8} {}", line()));
        }
    }
}

/// What the store knows of a person: Dave takes invitations from anyone and knows nobody.
fn record(who: &PersonName) -> Option<Record> {
    let seat = (0..PEOPLE.len()).map(|person| Seat { person, device: 0 }).find(|seat| name(*seat) == *who)?;
    let stranger = seat.name() == "dave";
    let friends = (0..PEOPLE.len()).map(|person| Seat { person, device: 0 });
    let friends = friends.filter(|friend| !stranger && friend.name() != "dave" && friend.person != seat.person);
    Some(Record {
        name: who.clone(),
        friendly_name: "".into(),
        contacts: friends.map(|friend| (name(friend), "".into())).collect(),
        blocked: BTreeMap::new(),
        settings: Settings { invitations: stranger.then_some(InvitationsFrom::Anyone), show_declines: false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many seeds run with every test; `cargo xtask sim` runs as many as one likes.
    const SEEDS: u64 = 400;

    #[test]
    fn a_fixed_set_of_seeds_breaks_nothing() {
        let mut total = Tally::default();
        for seed in 0..SEEDS {
            let plan = Plan::of_seed(seed);
            match run(&plan, false).0 {
                Ok(tally) => total += tally,
                Err(failure) => panic!("seed {seed}: {failure:?}; see it with `cargo xtask sim --seed {seed} --trace`"),
            }
        }
        // A world in which nothing happens breaks nothing either.
        assert!(total.sessions > 500 && total.accepted > 100 && total.received > 50, "{total:?}");
    }

    #[test]
    fn the_same_plan_runs_the_same() {
        let plan = Plan::of_seed(7);
        let (first, second) = (run(&plan, true), run(&plan, true));
        assert_eq!(first.0, second.0);
        assert!(!first.1.is_empty());
        assert_eq!(first.1, second.1);
    }
}
