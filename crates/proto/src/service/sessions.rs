//! Requests of sessions that go on, and telling their parties.

use hither_wire::message::{Answer, Event, Request};
use hither_wire::{Code, DeviceId, Role, ServerFrame, SessionId, State, limits};

use super::port::Output;
use super::{Deadline, Service, Who};
use crate::session::policy::{Verdict, policy};
use crate::session::{Move, Tell};

impl Service {
    /// Judges and applies a request of a session. Whoever is not in it is answered as if it did not
    /// exist.
    pub(super) fn session_request(&mut self, who: &Who, request: Request) -> Answer {
        let code = as_move(request).and_then(|(id, what)| self.move_session(who, id, what));
        match code {
            None => Answer::refusal(0, Code::E_INVALIDARG, "you have no part in a session with this id"),
            Some(Code::E_INVALIDARG) => {
                let message = format!("`data` is longer than {} UTF-16 units", limits::APP_DATA_UNITS);
                Answer::refusal(0, Code::E_INVALIDARG, message)
            }
            Some(Code::E_OUTOFMEMORY) => {
                let message = "the queue towards the other party is full: try again when it has caught up";
                Answer::refusal(0, Code::E_OUTOFMEMORY, message)
            }
            Some(code) => Answer::new(0, code),
        }
    }

    /// `None` if it is no session of theirs.
    fn move_session(&mut self, who: &Who, id: SessionId, mut what: Move) -> Option<Code> {
        let Some(session) = self.sessions.get(&id) else { return self.ended_request(who, id, &what) };
        let role = session.card().role_of(who.device, &who.person)?;
        if let Move::Context { room, .. } = &mut what {
            *room = self.peer_has_room(id, role);
        }
        let now = self.now;
        let (code, tells) = self.sessions.get_mut(&id)?.handle(now, role, who.device, what);
        self.deliver(id, tells);
        Some(code)
    }

    /// A session that is over for this device is judged as such for as long as it is remembered.
    fn ended_request(&self, who: &Who, id: SessionId, what: &Move) -> Option<Code> {
        let role = self.person(&who.person)?.device(who.device)?.ended_role(id)?;
        Some(match policy(State::Terminated, role, what.call(true, false)) {
            Verdict::Refuse(code) => code,
            Verdict::Apply | Verdict::AsDecline | Verdict::AlreadySo => Code::SR_SESSION_STATE_INVALID,
        })
    }

    fn peer_has_room(&self, id: SessionId, role: Role) -> bool {
        let Some(session) = self.sessions.get(&id) else { return false };
        let peer = session.peer(role).zip(self.person(session.card().person(role.other())));
        let device = peer.and_then(|(device, person)| person.device(device));
        device.is_some_and(|device| device.room(self.config.events_pending) > 0)
    }

    pub(super) fn session_due(&mut self, id: SessionId) {
        let now = self.now;
        if let Some(session) = self.sessions.get_mut(&id) {
            let tells = session.due(now);
            self.deliver(id, tells);
        }
    }

    pub(super) fn lost(&mut self, id: SessionId, role: Role, device: DeviceId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            let tells = session.lost(role, device);
            self.deliver(id, tells);
        }
    }

    /// Tells everybody concerned, and forgets the session when it is over.
    pub(super) fn deliver(&mut self, id: SessionId, tells: Vec<Tell>) {
        let Some(session) = self.sessions.get(&id) else { return };
        let people = Role::ALL.map(|role| session.card().person(role).clone());
        for Tell { to, device, event } in tells {
            let [inviter, invitee] = &people;
            let person = match to {
                Role::Inviter => inviter,
                Role::Invitee => invitee,
            };
            self.tell(&Who { person: person.clone(), device }, id, event);
        }
        if self.sessions.get(&id).is_some_and(crate::session::Session::is_over) {
            self.sessions.remove(&id);
            for name in people {
                if let Some(person) = self.people.get_mut(&name) {
                    person.sessions.retain(|session| *session != id);
                }
                self.maybe_idle.push(name);
            }
        }
        self.watch(id);
    }

    /// Keeps the session's deadline where the session says it is.
    pub(super) fn watch(&mut self, id: SessionId) {
        let at = self.sessions.get(&id).and_then(crate::session::Session::deadline);
        self.timers.set(Deadline::Session(id), at);
    }

    /// A device takes part in a session from now on.
    pub(super) fn seat(&mut self, who: &Who, id: SessionId, role: Role) {
        if let Some(device) = self.device_mut(who) {
            device.sit(id, role);
        }
    }

    /// Numbers an event for a device, keeps it, and sends it if the device is there.
    pub(super) fn tell(&mut self, who: &Who, id: SessionId, event: Event) {
        let capacity = self.config.events_pending;
        let Some(device) = self.device_mut(who) else { return };
        let Some(frame) = device.push(id, event, capacity) else { return };
        if let Some(conn) = device.conn {
            self.outputs.push_back(Output::Send { conn, frame: ServerFrame::Event(frame), can_wait: false });
        }
    }

    /// A device has taken its events up to `ack`; the inviter learns what was delivered (R24).
    pub(super) fn acknowledged(&mut self, who: &Who, ack: u64) {
        let Some(device) = self.device_mut(who) else { return };
        for id in device.acknowledge(ack) {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            let tells = session.delivered();
            self.deliver(id, tells);
        }
    }
}

/// The request as the session machine takes it; `None` for requests of other kinds.
fn as_move(request: Request) -> Option<(SessionId, Move)> {
    Some(match request {
        Request::Accept(accept) => {
            let hither_wire::message::Accept { session, data, address, material, attach } = *accept;
            (session, Move::Accept { data, address, material, attach })
        }
        Request::Decline { session, data } => (session, Move::Decline(data)),
        Request::Ignore { session } => (session, Move::Ignore),
        Request::Cancel { session, hr, data } => (session, Move::Cancel(hr, data)),
        Request::Attach { session } => (session, Move::Attach),
        Request::Context { session, data } => (session, Move::Context { data, room: false }),
        Request::Progress { session, stage, code } => (session, Move::Progress(stage, code)),
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::Invite(_)
        | Request::SetStatus { .. }
        | Request::Contacts
        | Request::Contact { .. }
        | Request::Settings(_)
        | Request::Account(_)
        | Request::Challenge { .. }
        | Request::Response(_)
        | Request::Release
        | Request::Local(_) => return None,
    })
}
