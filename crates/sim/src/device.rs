//! A device: the client machine of one person on one machine, and the application behind it.

use std::collections::HashMap;

use hither_proto::Millis;
use hither_proto::client::{Call, CallId, Client, Event, Input, Output, Refusal, Reply, ResumePoint, Setup, Stop};
use hither_proto::service::ConnId;
use hither_wire::message::Credential;
use hither_wire::{Code, Guid, PersonName, Role, SessionId, State};

use crate::ledger::{Broken, Fate, Ledger, Memory, Seen, side};
use crate::plan::Seat;

/// A device with everything that belongs to it.
pub struct Device {
    /// Whose it is.
    pub seat: Seat,
    machine: Client,
    /// The connection it has or is making.
    pub conn: Option<ConnId>,
    /// It cannot connect before this.
    pub offline_until: Millis,
    /// How long its frames take.
    pub delay: Millis,
    /// What its application remembers.
    pub memory: Memory,
    /// What its process has kept: the machine's point and the application's memory of that moment.
    kept: Option<(ResumePoint, Memory)>,
    calls: HashMap<CallId, Waiting>,
    next_call: u64,
    events: u64,
    starts: u64,
}

/// A call that has not returned, and what it sends, if it is context data.
struct Waiting {
    session: SessionId,
    sends: Option<(Role, String)>,
}

/// What a device wants of the network.
pub enum Wish {
    /// A connection.
    Connect,
    /// A frame sent on the one it has.
    Send(String),
    /// The one it has closed.
    Close,
    /// To be started again.
    Restart,
}

fn setup(seat: Seat, starts: u64, seed: u64) -> Setup {
    let device = Guid(1 + (seat.person as u128) * 16 + seat.device as u128);
    Setup {
        user: Some(name(seat)),
        credential: Credential::Password("pw".into()),
        device,
        status: None,
        client: "sim".into(),
        seed,
        key_prefix: format!("{starts}.").into(),
        durable: true,
        relay: false,
    }
}

impl Device {
    /// A device that has never been started.
    pub fn new(seat: Seat, seed: u64) -> Device {
        Device {
            seat,
            machine: Client::new(setup(seat, 0, seed)),
            conn: None,
            offline_until: 0,
            delay: 5,
            memory: Memory::new(),
            kept: None,
            calls: HashMap::new(),
            next_call: 0,
            events: 0,
            starts: 0,
        }
    }

    /// The process is killed, and another one begins with what was kept.
    pub fn kill(&mut self, seed: u64) {
        self.starts += 1;
        self.calls.clear();
        self.events = 0;
        self.conn = None;
        let setup = setup(self.seat, self.starts, seed);
        (self.machine, self.memory) = match self.kept.clone() {
            Some((point, memory)) => (Client::restore(setup, point), memory),
            None => (Client::new(setup), Memory::new()),
        };
    }

    /// When the machine wants to be asked again.
    pub fn due(&self) -> Option<Millis> {
        self.machine.poll_timeout()
    }

    /// Gives the machine an input, lets the application take what it is told, and says what the
    /// network has to do.
    pub fn input(&mut self, now: Millis, input: Input, ledger: &mut Ledger) -> Result<Vec<Wish>, Broken> {
        let mut wishes = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.machine.handle(now, input);
            let before = self.events;
            while let Some(output) = self.machine.poll_output() {
                match output {
                    Output::Save => {
                        self.kept = self.machine.resume_point().map(|point| (point, self.memory.clone()));
                        inputs.push(Input::Saved);
                    }
                    Output::Connect { .. } => wishes.push(Wish::Connect),
                    Output::Send(frame) => wishes.push(Wish::Send(frame.encode())),
                    Output::Close => wishes.push(Wish::Close),
                    Output::Event(event) => {
                        self.events += 1;
                        self.told(event, ledger)?;
                    }
                    Output::Return { id, result } => self.returned(id, result.as_ref(), ledger)?,
                    // A process that finds no service when it starts gives up; somebody starts it again.
                    Output::Stopped(Stop::Unreachable | Stop::Closed(_) | Stop::TimedOut) => wishes.push(Wish::Restart),
                    Output::Stopped(stop) => return Err(format!("{} has stopped: {stop:?}", self.seat)),
                }
            }
            if self.events > before {
                inputs.push(Input::Taken { events: self.events });
            }
        }
        Ok(wishes)
    }

    /// The application invites somebody to a new session.
    pub fn invite(&mut self, now: Millis, id: SessionId, whom: Seat, ledger: &mut Ledger) -> Result<Vec<Wish>, Broken> {
        self.machine.create(id);
        let set = self.machine.set_application(id, "{305D86C6-6896-4099-91F5-CB7BA7733563}", "", "");
        set.map_err(|refusal| format!("{} cannot set an application: {refusal:?}", self.seat))?;
        let fresh =
            Seen { role: Role::Inviter, state: State::Ready, received: Vec::new(), ended: None, accepted: false };
        self.memory.insert(id, fresh);
        let mut wishes = self.input(now, Input::Changed, ledger)?;
        let to = name(whom).to_string().into();
        wishes.extend(self.call(now, id, Call::Invite { session: id, to, data: "come".into() }, ledger)?);
        Ok(wishes)
    }

    /// The application accepts, attached or not.
    pub fn accept(
        &mut self,
        now: Millis,
        id: SessionId,
        attach: bool,
        ledger: &mut Ledger,
    ) -> Result<Vec<Wish>, Broken> {
        self.machine.attach_on_answer(id, attach);
        let mut wishes = self.input(now, Input::Changed, ledger)?;
        wishes.extend(self.call(now, id, Call::Accept { session: id, data: "yes".into() }, ledger)?);
        Ok(wishes)
    }

    /// The application sends context data that nobody has sent before.
    pub fn context(&mut self, now: Millis, id: SessionId, ledger: &mut Ledger) -> Result<Vec<Wish>, Broken> {
        let Some(role) = self.memory.get(&id).map(|seen| seen.role) else { return Ok(Vec::new()) };
        let Some(sent) = ledger.sessions.get_mut(&id).and_then(|session| session.sent.get_mut(side(role))) else {
            return Ok(Vec::new());
        };
        let text = format!("{role} {}", sent.len());
        sent.push((text.clone(), Fate::Unknown));
        let waiting = Waiting { session: id, sends: Some((role, text.clone())) };
        self.waiting_call(now, waiting, Call::SendContextData { session: id, data: text.into() }, ledger)
    }

    /// The application calls.
    pub fn call(&mut self, now: Millis, id: SessionId, call: Call, ledger: &mut Ledger) -> Result<Vec<Wish>, Broken> {
        self.waiting_call(now, Waiting { session: id, sends: None }, call, ledger)
    }

    fn waiting_call(
        &mut self,
        now: Millis,
        waiting: Waiting,
        call: Call,
        ledger: &mut Ledger,
    ) -> Result<Vec<Wish>, Broken> {
        self.next_call += 1;
        let id = CallId(self.next_call);
        self.calls.insert(id, waiting);
        self.input(now, Input::Call { id, call }, ledger)
    }

    /// The newest session that fits.
    pub fn newest(&self, fits: impl Fn(&Seen) -> bool) -> Option<SessionId> {
        self.memory.iter().rev().find(|(_, seen)| fits(seen)).map(|(id, _)| *id)
    }

    /// How many calls have not returned.
    pub fn unreturned(&self) -> usize {
        self.calls.len()
    }

    fn returned(&mut self, id: CallId, result: Result<&Reply, &Refusal>, ledger: &mut Ledger) -> Result<(), Broken> {
        let Some(Waiting { session, sends }) = self.calls.remove(&id) else {
            return Err(format!("{}: {id:?} returns twice, or was never called", self.seat));
        };
        let Some((role, text)) = sends else { return Ok(()) };
        let sent = ledger.sessions.get_mut(&session).and_then(|session| session.sent.get_mut(side(role)));
        let fate = match result {
            Ok(_) => Fate::Done,
            Err(refusal) if refusal.undelivered => Fate::Unknown,
            Err(_) => Fate::Refused,
        };
        if let Some((_, old)) = sent.and_then(|sent| sent.iter_mut().find(|(sent, _)| *sent == text)) {
            *old = fate;
        }
        Ok(())
    }

    /// What the application sees, against what it has seen before.
    fn told(&mut self, event: Event, ledger: &mut Ledger) -> Result<(), Broken> {
        let seat = self.seat;
        match event {
            Event::Invitation { session, .. } => {
                let fresh = Seen {
                    role: Role::Invitee,
                    state: State::Invitation,
                    received: Vec::new(),
                    ended: None,
                    accepted: false,
                };
                // Whoever was away for too long is rung anew, if it still rings (R17).
                let again = self.memory.insert(session, fresh);
                if again.is_some_and(|old| old.ended != Some(Code::SR_CONNECTION_FAILURE)) {
                    return Err(format!("{seat} is invited to {session} twice"));
                }
                Ok(())
            }
            Event::StateChanged { session, previous, state } => {
                let Some(seen) = self.memory.get_mut(&session) else { return Err(unknown(seat, session)) };
                ledger.state_changed(seat, seen, session, (previous, state))
            }
            Event::ContextData { session, data } => {
                let Some(seen) = self.memory.get_mut(&session) else { return Err(unknown(seat, session)) };
                ledger.received(seat, seen, session, &data)
            }
            Event::Termination { session, code, .. } => {
                let Some(seen) = self.memory.get_mut(&session) else { return Err(unknown(seat, session)) };
                Ledger::terminated(seat, seen, code)
            }
            Event::Accepted { session, .. }
            | Event::Declined { session, .. }
            | Event::Cancelled { session, .. }
            | Event::Progress { session, .. }
            | Event::AppNotPresent { session, .. }
            | Event::SendError { session, .. } => {
                if self.memory.contains_key(&session) {
                    Ok(())
                } else {
                    Err(unknown(seat, session))
                }
            }
            Event::SignedOut { code } => Err(format!("{seat} is signed out: {code}")),
            Event::SignedIn { .. }
            | Event::ConnectionLost { .. }
            | Event::TokenExpiring { .. }
            | Event::ContactStatus { .. }
            | Event::LockEnable { .. }
            | Event::LockChallenge { .. }
            | Event::LockResult { .. }
            | Event::LockStatusChanged { .. } => Ok(()),
            Event::ReadyToLaunch { .. }
            | Event::BeforeAppLaunch { .. }
            | Event::AppRegistered { .. }
            | Event::AppUnregistered { .. }
            | Event::AppShutdown
            | Event::Relayed(_) => Err(format!("{seat} is told by an agent, and there is none")),
        }
    }
}

/// The sign-in name of a device's person.
pub fn name(seat: Seat) -> PersonName {
    #[expect(clippy::expect_used, reason = "the names of the world are sign-in names")]
    PersonName::parse(&format!("{}@sim", seat.name())).expect("a sign-in name")
}

fn unknown(seat: Seat, session: SessionId) -> Broken {
    format!("{seat} is told of {session}, which it does not know")
}
