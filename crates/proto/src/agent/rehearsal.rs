//! A rehearsed session: an application is started against the session machine itself, on this machine
//! alone. The other party accepts everything and says nothing.

use hither_wire::message::{Invite, Request};
use hither_wire::{Code, DeviceId, Event, Guid, Role, SessionId, State};

use super::Agent;
use super::links::Caller;
use super::sessions::{Doing, Held};
use crate::session::{Card, Move, Session, Tell, Times};

/// The two devices of a rehearsal.
const INVITER: DeviceId = Guid(1);
const INVITEE: DeviceId = Guid(2);

const TIMES: Times = Times { ring_ms: 60_000, connect_ms: 60_000, longest_ms: 600_000, install_ms: 60_000 };

impl Agent {
    /// Starts an application against a rehearsed session; whoever watches sees how far it comes.
    pub(super) fn rehearse(&mut self, caller: &Caller, session: SessionId, application: Guid) {
        let Some(entry) = self.apps.get(&application) else {
            return self.refuse(caller, Code::SR_APP_NOT_REGISTERED);
        };
        let Some(user) = self.client.as_ref().and_then(|client| client.user()).cloned() else {
            return self.refuse_because(caller, Code::MSGR_E_NOT_LOGGED_ON, "sign in first: `hither sign-in`");
        };
        if self.held.contains_key(&session) {
            return self.refuse(caller, Code::E_INVALIDARG);
        }
        let app = entry.app.clone();
        let invite = Invite {
            session,
            to: user.clone(),
            app: app.clone(),
            data: None,
            address: None,
            material: None,
            ring_ms: None,
            attach: true,
        };
        let card = Card {
            id: session,
            inviter: user.clone(),
            inviter_name: "Rehearsal".into(),
            device: INVITER,
            invitee: user.clone(),
            app: app.clone(),
            known: true,
            masked: false,
        };
        let mut rehearsed = Session::new(self.now, card, &invite, TIMES);
        rehearsed.ring(self.now, INVITEE);
        let accept = Move::Accept { data: None, address: None, material: None, attach: false };
        rehearsed.handle(self.now, Role::Invitee, INVITEE, accept);
        self.rehearsed.insert(session, rehearsed);
        self.held.insert(session, Held::new(session, false, user, app, Doing::Rehearsed));
        self.refuse(caller, Code::S_OK);
        self.launch(session);
    }

    /// Whether a request is about a rehearsed session.
    pub(super) fn is_rehearsed(&self, request: &Request) -> bool {
        moved(request).is_some_and(|(session, _)| self.rehearsed.contains_key(&session))
    }

    /// Applies what an application asks of a rehearsed session.
    pub(super) fn rehearsed(&mut self, request: &Request) -> Code {
        let Some((session, what)) = moved(request) else { return Code::E_INVALIDARG };
        self.rehearsal_moves(session, Role::Invitee, what)
    }

    pub(super) fn rehearsal_attached(&mut self, session: SessionId) {
        self.rehearsal_moves(session, Role::Invitee, Move::Attach);
    }

    /// The agent, or the person, ends it: for the application it is the other party.
    pub(super) fn rehearsal_cancelled(&mut self, session: SessionId, hr: Code) {
        self.rehearsal_moves(session, Role::Inviter, Move::Cancel(hr, None));
    }

    fn rehearsal_moves(&mut self, session: SessionId, role: Role, what: Move) -> Code {
        let Some(rehearsed) = self.rehearsed.get_mut(&session) else { return Code::SR_SESSION_STATE_INVALID };
        let device = if role == Role::Inviter { INVITER } else { INVITEE };
        let (code, tells) = rehearsed.handle(self.now, role, device, what);
        for Tell { to, event, .. } in tells {
            self.rehearsal_told(session, to, &event);
        }
        code
    }

    /// What the application's side is told goes to the application; what the other side would be
    /// told is of interest to whoever watches.
    fn rehearsal_told(&mut self, session: SessionId, to: Role, event: &Event) {
        let ended = matches!(event, Event::Ended(_));
        if to == Role::Inviter || ended {
            let frame = hither_wire::message::EventFrame { seq: None, event: event.clone() };
            self.tell_watchers(&hither_wire::ServerFrame::Event(frame));
        }
        if to == Role::Invitee {
            self.tell_parts(session, event);
            if ended {
                self.over(session);
            }
        }
    }
}

/// The state of a rehearsed session, as its application sees it.
pub(super) fn rehearsed_state(rehearsed: &Session) -> State {
    rehearsed.state(Role::Invitee, INVITEE)
}

fn moved(request: &Request) -> Option<(SessionId, Move)> {
    Some(match request.clone() {
        Request::Cancel { session, hr, data } => (session, Move::Cancel(hr, data)),
        Request::Attach { session } => (session, Move::Attach),
        Request::Context { session, data } => (session, Move::Context { data, room: true }),
        Request::Progress { session, stage, code } => (session, Move::Progress(stage, code)),
        Request::Decline { session, data } => (session, Move::Decline(data)),
        Request::Ignore { session } => (session, Move::Ignore),
        Request::Hello(_)
        | Request::SignIn(_)
        | Request::SignOut { .. }
        | Request::Ping
        | Request::Invite(_)
        | Request::Accept(_)
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
