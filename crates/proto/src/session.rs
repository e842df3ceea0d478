//! One session at the service: who rings, who answered, when it is over.
//!
//! ```text
//!              accept            both attached
//! INVITATION ─────────► ACCEPTED ─────────────► CONNECTED
//!     │ │                   │                       │
//!     │ └─ decline ─► DECLINED ─┐                   │
//!     ├─── cancel ──► CANCELLED ┤◄──── cancel ──────┤
//!     │                         ▼                   │
//!     └─ time-out, loss ──► TERMINATED ◄────────────┘
//! ```
//!
//! READY is the client's own (R27): the service meets a session with its invitation. DECLINED and
//! CANCELLED are passed through in one step, told as one `ended` event. There is a third ending of
//! an invitation, the *masked* decline (R23): over for the invitee, for the inviter it rings on.
//!
//! [`policy()`] says what may be asked; this file is the one owner of the state and says what follows:
//! a list of [`Tell`]s. It does not know connections, queues or quotas: `crate::service` does.

pub mod policy;
mod record;

use hither_wire::message::{By, Data, Elsewhere, Ended, Event, How, Invite, Stage};
use hither_wire::{Address, Code, DeviceId, Role, SessionId, State, limits, text};

use crate::Millis;
use policy::{Call, Verdict, policy};
pub use record::{Card, Times};
use record::{Connected, Phase, Ringing, Talk};

/// One session.
#[derive(Clone, Debug)]
pub struct Session {
    card: Card,
    phase: Phase,
    /// Stages the inviter has been told of already, as bits: each is told once.
    told_stages: u8,
    /// When it began to ring.
    began: Millis,
}

/// What can happen to a session.
#[derive(Clone, Debug)]
pub enum Move {
    /// The invitee accepts.
    Accept {
        /// App data.
        data: Option<Data>,
        /// The invitee's address.
        address: Option<Address>,
        /// The invitee's key material.
        material: Option<Box<str>>,
        /// Whether the invitee's application is attached already.
        attach: bool,
    },
    /// The invitee declines.
    Decline(Option<Data>),
    /// The invitee lets it ring.
    Ignore,
    /// A party cancels.
    Cancel(Code, Option<Data>),
    /// A party's application is there.
    Attach,
    /// A party sends context data.
    Context {
        /// The context data.
        data: Data,
        /// Whether the queue towards the other party has room (R6).
        room: bool,
    },
    /// The invitee's side reports how far it is.
    Progress(Stage, Option<Code>),
}

impl Move {
    /// The line of the policy that judges this.
    pub fn call(&self, attached: bool, launch_only: bool) -> Call {
        match self {
            Move::Accept { .. } => Call::Accept,
            Move::Decline(_) => Call::Decline,
            Move::Ignore => Call::Ignore,
            Move::Cancel(..) => Call::Cancel,
            Move::Attach => Call::Attach { again: attached },
            Move::Context { .. } => Call::Context { launch_only },
            Move::Progress(..) => Call::Progress,
        }
    }
}

/// Something to tell somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    /// Which party.
    pub to: Role,
    /// Which of the party's devices.
    pub device: DeviceId,
    /// What.
    pub event: Event,
}

impl Session {
    /// A session that begins to ring.
    pub fn new(now: Millis, card: Card, invite: &Invite, times: Times) -> Session {
        let ring_ms = invite.ring_ms.unwrap_or(times.ring_ms).clamp(1, times.ring_ms.max(1));
        let ringing = Ringing {
            until: now.saturating_add(ring_ms),
            installing: false,
            inviter_attached: invite.attach,
            offer: Talk {
                data: invite.data.clone(),
                address: invite.address.clone(),
                material: invite.material.clone(),
            },
            devices: Vec::new(),
            times,
        };
        tracing::info!(session = %card.id, "READY -> INVITATION");
        Session { card, phase: Phase::Ringing(ringing), told_stages: 0, began: now }
    }

    /// Rings one more device of the invitee and says what to tell it; `None` if it does not ring.
    pub fn ring(&mut self, now: Millis, device: DeviceId) -> Option<Event> {
        let ring_ms = self.rings_for(now)?;
        let Phase::Ringing(ringing) = &mut self.phase else { return None };
        ringing.devices.push((device, false));
        Some(record::invitation(&self.card, &ringing.offer, ring_ms))
    }

    /// What a party asks, and what follows: the outcome and whom to tell.
    pub fn handle(&mut self, now: Millis, role: Role, device: DeviceId, what: Move) -> (Code, Vec<Tell>) {
        let call = what.call(self.is_attached(role, device), self.card.app.launch_only);
        let verdict = policy(self.state(role, device), role, call);
        let code = match verdict {
            Verdict::Refuse(code) => code,
            Verdict::AlreadySo => Code::S_FALSE,
            Verdict::Apply | Verdict::AsDecline => self.too_much(role, &what).unwrap_or(Code::S_OK),
        };
        if code != Code::S_OK {
            return (code, Vec::new());
        }
        let tells = match what {
            Move::Accept { data, address, material, attach } => {
                self.accept(now, device, Talk { data, address, material }, attach)
            }
            Move::Decline(data) => self.decline(device, data.as_ref()),
            Move::Ignore => Vec::new(),
            Move::Cancel(_, data) if verdict == Verdict::AsDecline => self.decline(device, data.as_ref()),
            Move::Cancel(hr, data) => self.cancel(role, hr, data.as_ref()),
            Move::Attach => self.attach(now, role, device),
            Move::Context { data, .. } => self.context(role, data),
            Move::Progress(stage, code) => self.progress(now, stage, code),
        };
        (Code::S_OK, tells)
    }

    /// The session's deadline has come, if it has (R16): ends it.
    pub fn due(&mut self, now: Millis) -> Vec<Tell> {
        match &self.phase {
            Phase::Ended => Vec::new(),
            _ if self.deadline().is_some_and(|at| at > now) => Vec::new(),
            Phase::Ringing(ringing) if ringing.installing => self.terminate(Code::SR_APP_NOT_REGISTERED),
            Phase::Ringing(_) | Phase::Masked { .. } | Phase::Connected(_) => self.terminate(Code::SR_SESSION_TIMEOUT),
            Phase::Accepted { .. } => self.terminate(Code::SR_APPLICATION_LAUNCH_FAILED),
        }
    }

    /// A party's device is lost beyond the grace (R17): ends the session for the other party, or
    /// only stops ringing on that device.
    pub fn lost(&mut self, role: Role, device: DeviceId) -> Vec<Tell> {
        if self.is_over() || !self.is_party(role, device) {
            return Vec::new();
        }
        if let (Phase::Ringing(ringing), Role::Invitee) = (&mut self.phase, role) {
            ringing.devices.retain(|(ringing, _)| *ringing != device);
            return Vec::new();
        }
        let mut tells = self.terminate(Code::SR_CONNECTION_FAILURE);
        tells.retain(|tell| (tell.to, tell.device) != (role, device));
        tells
    }

    /// Somebody ends it who is not in it: straight to TERMINATED, for everybody who is.
    pub fn end_because(&mut self, code: Code) -> Vec<Tell> {
        if self.is_over() { Vec::new() } else { self.terminate(code) }
    }

    /// When it began to ring.
    pub fn began(&self) -> Millis {
        self.began
    }

    /// The invitation has reached a device of the invitee.
    pub fn delivered(&mut self) -> Vec<Tell> {
        let pending = matches!(self.phase, Phase::Ringing(_));
        self.told_once(Stage::Delivered, None, pending)
    }

    /// What the session is about.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// When something happens by itself.
    pub fn deadline(&self) -> Option<Millis> {
        match &self.phase {
            Phase::Ringing(ringing) => Some(ringing.until),
            Phase::Masked { until, .. } | Phase::Accepted { until, .. } => Some(*until),
            Phase::Connected(connected) => Some(connected.until),
            Phase::Ended => None,
        }
    }

    /// How much longer it rings, in milliseconds; `None` if it does not.
    pub fn rings_for(&self, now: Millis) -> Option<u64> {
        match &self.phase {
            Phase::Ringing(ringing) => Some(ringing.until.saturating_sub(now)),
            Phase::Masked { .. } | Phase::Accepted { .. } | Phase::Connected(_) | Phase::Ended => None,
        }
    }

    /// Whether the inviter still sees it ring.
    pub fn is_pending(&self) -> bool {
        matches!(self.phase, Phase::Ringing(_) | Phase::Masked { .. })
    }

    /// Whether it is over for everybody.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended)
    }

    /// The state as this device of this party sees it. A device that did not answer is out of a
    /// session that has been answered.
    pub fn state(&self, role: Role, device: DeviceId) -> State {
        match (&self.phase, role) {
            _ if !self.is_party(role, device) => State::Terminated,
            (Phase::Ringing(_), _) | (Phase::Masked { .. }, Role::Inviter) => State::Invitation,
            (Phase::Accepted { .. }, _) => State::Accepted,
            (Phase::Connected(_), _) => State::Connected,
            (Phase::Ended, _) | (Phase::Masked { .. }, Role::Invitee) => State::Terminated,
        }
    }

    /// The device of the other party, if there is exactly one.
    pub fn peer(&self, role: Role) -> Option<DeviceId> {
        match role {
            Role::Inviter => self.answerer(),
            Role::Invitee => Some(self.card.device),
        }
    }

    fn answerer(&self) -> Option<DeviceId> {
        match &self.phase {
            Phase::Accepted { answerer, .. } => Some(*answerer),
            Phase::Connected(connected) => Some(connected.answerer),
            Phase::Ringing(_) | Phase::Masked { .. } | Phase::Ended => None,
        }
    }

    fn is_party(&self, role: Role, device: DeviceId) -> bool {
        match (&self.phase, role) {
            (_, Role::Inviter) => device == self.card.device,
            (Phase::Ringing(ringing), Role::Invitee) => ringing.devices.iter().any(|(d, _)| *d == device),
            (_, Role::Invitee) => self.answerer() == Some(device),
        }
    }

    fn is_attached(&self, role: Role, device: DeviceId) -> bool {
        match (&self.phase, role) {
            (Phase::Ringing(ringing), Role::Inviter) => ringing.inviter_attached,
            (Phase::Ringing(ringing), Role::Invitee) => ringing.devices.contains(&(device, true)),
            (Phase::Masked { inviter_attached, .. }, _) => *inviter_attached,
            (Phase::Accepted { attached, .. }, _) => attached.contains(&role),
            (Phase::Connected(_) | Phase::Ended, _) => true,
        }
    }

    /// Size and count, after role and state (R26); the queue comes last.
    fn too_much(&self, role: Role, what: &Move) -> Option<Code> {
        match what {
            Move::Accept { data, .. } | Move::Decline(data) | Move::Cancel(_, data) => {
                let fits = data.as_ref().is_none_or(|data| fits(data, limits::APP_DATA_UNITS));
                (!fits).then_some(Code::E_INVALIDARG)
            }
            Move::Context { data, room } => {
                let sent = match &self.phase {
                    Phase::Connected(connected) => connected.sent(role),
                    Phase::Ringing(_) | Phase::Masked { .. } | Phase::Accepted { .. } | Phase::Ended => 0,
                };
                if !fits(data, limits::CONTEXT_UNITS) || sent >= limits::CONTEXT_COUNT {
                    return Some(Code::SR_CONTEXT_DATA_OVER_LIMIT);
                }
                (!room).then_some(Code::E_OUTOFMEMORY)
            }
            Move::Ignore | Move::Attach | Move::Progress(..) => None,
        }
    }

    fn accept(&mut self, now: Millis, device: DeviceId, answer: Talk, attach: bool) -> Vec<Tell> {
        let Phase::Ringing(ringing) = &self.phase else { return Vec::new() };
        let ringing = ringing.clone();
        let mut attached = Vec::with_capacity(2);
        if ringing.inviter_attached {
            attached.push(Role::Inviter);
        }
        if attach || ringing.devices.contains(&(device, true)) {
            attached.push(Role::Invitee);
        }
        let until = now.saturating_add(ringing.times.connect_ms);
        self.transition(Phase::Accepted { answerer: device, attached, until, times: ringing.times });

        let session = self.card.id;
        let Talk { data, address, material } = answer;
        let mut tells = vec![
            tell(Role::Inviter, self.card.device, Event::Accepted { session, data, address, material }),
            tell(
                Role::Invitee,
                device,
                Event::Accepted { session, data: None, address: ringing.offer.address, material: None },
            ),
        ];
        tells.extend(self.elsewhere(&ringing.devices, device, Elsewhere::AcceptedElsewhere));
        tells.extend(self.told_once(Stage::Attached, None, self.is_attached(Role::Invitee, device)));
        tells.extend(self.connect(now));
        tells
    }

    fn decline(&mut self, device: DeviceId, data: Option<&Data>) -> Vec<Tell> {
        let Phase::Ringing(ringing) = &self.phase else { return Vec::new() };
        let ringing = ringing.clone();
        let code = Code::SR_INVITATION_DECLINED;
        let end = |by| record::ended(self.card.id, How::Declined, Some(by), code, data);
        let mut tells = vec![tell(Role::Invitee, device, end(By::Local))];
        tells.extend(self.elsewhere(&ringing.devices, device, Elsewhere::DeclinedElsewhere));
        if self.card.masked {
            let inviter_attached = ringing.inviter_attached;
            self.transition(Phase::Masked { until: ringing.until, inviter_attached });
        } else {
            tells.push(tell(Role::Inviter, self.card.device, end(By::Remote)));
            self.transition(Phase::Ended);
        }
        tells
    }

    fn cancel(&mut self, role: Role, hr: Code, data: Option<&Data>) -> Vec<Tell> {
        let connected = matches!(self.phase, Phase::Connected(_));
        let (local, remote) = match (hr.is_failure(), connected) {
            (true, _) => (hr, hr),
            (false, false) => (Code::SR_CANCEL_BEFORE_CONNECT, Code::SR_CANCEL_BEFORE_CONNECT),
            (false, true) => (Code::SR_SESSION_CANCELLED_LOCAL, Code::SR_SESSION_CANCELLED_REMOTE),
        };
        let session = self.card.id;
        self.end(|party| {
            let (by, code) = if party == role { (By::Local, local) } else { (By::Remote, remote) };
            record::ended(session, How::Cancelled, Some(by), code, data)
        })
    }

    fn attach(&mut self, now: Millis, role: Role, device: DeviceId) -> Vec<Tell> {
        match (&mut self.phase, role) {
            (Phase::Ringing(ringing), Role::Inviter) => ringing.inviter_attached = true,
            (Phase::Ringing(ringing), Role::Invitee) => {
                for ringing in ringing.devices.iter_mut().filter(|(ringing, _)| *ringing == device) {
                    ringing.1 = true;
                }
            }
            (Phase::Masked { inviter_attached, .. }, _) => *inviter_attached = true,
            (Phase::Accepted { attached, .. }, _) => {
                attached.push(role);
                let mut tells = self.told_once(Stage::Attached, None, role == Role::Invitee);
                tells.extend(self.connect(now));
                return tells;
            }
            (Phase::Connected(_) | Phase::Ended, _) => {}
        }
        Vec::new()
    }

    /// ACCEPTED → CONNECTED, if both parties are attached (R7).
    fn connect(&mut self, now: Millis) -> Vec<Tell> {
        let Phase::Accepted { answerer, attached, times, .. } = &self.phase else { return Vec::new() };
        if !Role::ALL.iter().all(|role| attached.contains(role)) {
            return Vec::new();
        }
        let connected = Connected::new(*answerer, now.saturating_add(times.longest_ms));
        let session = self.card.id;
        self.transition(Phase::Connected(connected));
        self.both(|_| Event::Connected { session })
    }

    fn context(&mut self, role: Role, data: Data) -> Vec<Tell> {
        let Phase::Connected(connected) = &mut self.phase else { return Vec::new() };
        connected.count(role);
        let event = Event::Context { session: self.card.id, data };
        self.peer(role).map(|device| tell(role.other(), device, event)).into_iter().collect()
    }

    fn progress(&mut self, now: Millis, stage: Stage, code: Option<Code>) -> Vec<Tell> {
        if let Phase::Ringing(ringing) = &mut self.phase
            && stage == Stage::Installing
            && !ringing.installing
        {
            ringing.installing = true;
            ringing.until = now.saturating_add(ringing.times.install_ms);
        }
        // Whoever is that far has it, though the acknowledgement may still be on its way.
        let mut tells = self.delivered();
        tells.extend(self.told_once(stage, code, true));
        tells
    }

    /// Tells the inviter of a stage, once, if the invitee knows the inviter (R24).
    fn told_once(&mut self, stage: Stage, code: Option<Code>, reached: bool) -> Vec<Tell> {
        let bit = 1_u8 << (stage as u8);
        if !reached || !self.card.known || self.told_stages & bit != 0 {
            return Vec::new();
        }
        self.told_stages |= bit;
        let event = Event::Progress { session: self.card.id, stage, code };
        vec![tell(Role::Inviter, self.card.device, event)]
    }

    /// Straight to TERMINATED, the same for everybody who is still in it.
    fn terminate(&mut self, code: Code) -> Vec<Tell> {
        let session = self.card.id;
        self.end(|_| record::ended(session, How::Terminated, None, code, None))
    }

    fn end(&mut self, event: impl Fn(Role) -> Event) -> Vec<Tell> {
        let tells = self.both(event);
        self.transition(Phase::Ended);
        tells
    }

    /// The same kind of event for both parties: every ringing device while it rings.
    fn both(&self, event: impl Fn(Role) -> Event) -> Vec<Tell> {
        let mut tells = vec![tell(Role::Inviter, self.card.device, event(Role::Inviter))];
        if let Phase::Ringing(ringing) = &self.phase {
            let ringing = ringing.devices.iter();
            tells.extend(ringing.map(|(device, _)| tell(Role::Invitee, *device, event(Role::Invitee))));
        }
        tells.extend(self.answerer().map(|device| tell(Role::Invitee, device, event(Role::Invitee))));
        tells
    }

    /// What the other devices of the invitee are told (R20, R25).
    fn elsewhere(&self, devices: &[(DeviceId, bool)], winner: DeviceId, reason: Elsewhere) -> Vec<Tell> {
        let event = Event::Ended(Box::new(Ended {
            session: self.card.id,
            how: How::Cancelled,
            by: Some(By::Remote),
            code: Code::SR_SESSION_CANCELLED_REMOTE,
            data: None,
            reason: Some(reason),
        }));
        let others = devices.iter().filter(|(device, _)| *device != winner);
        others.map(|(device, _)| tell(Role::Invitee, *device, event.clone())).collect()
    }

    /// The only place that changes the phase.
    fn transition(&mut self, next: Phase) {
        debug_assert!(self.phase.may_become(&next), "{} -> {}", self.phase.name(), next.name());
        tracing::info!(session = %self.card.id, "{} -> {}", self.phase.name(), next.name());
        self.phase = next;
    }

    /// The session's id.
    pub fn id(&self) -> SessionId {
        self.card.id
    }
}

fn tell(to: Role, device: DeviceId, event: Event) -> Tell {
    Tell { to, device, event }
}

fn fits(data: &Data, units: usize) -> bool {
    match data {
        Data::Text(text) => text::fits(text, units),
        Data::Sealed(sealed) => sealed.len() <= limits::SEALED_BYTES,
    }
}

#[cfg(test)]
mod tests;
