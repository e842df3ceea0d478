//! The agent as a client of the service: what is asked there, for whom, and what the answers and
//! events mean here.

use hither_wire::message::{Answer, Credential, EventFrame, Request};
use hither_wire::{Code, Event, ServerFrame, SessionId, State, Status, local};

use super::links::{Caller, Stage};
use super::locks::{is_for_an_object, object_of};
use super::port::Output;
use super::programs::ProgramId;
use super::rehearsal::rehearsed_state;
use super::{Agent, Standing};
use crate::client::{
    Call, CallId, Client, Event as ClientEvent, Input, Output as ClientOutput, Refusal, Reply, Setup, Stop,
};

/// What an answer of the service is for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Somebody on this machine waits for it.
    Caller(Caller, Then),
    /// The agent's own: events say what has come of it.
    Own,
    /// An invitation that a link asked for.
    Invited(SessionId),
    /// An acceptance by a notification or a rule.
    Accepted(SessionId),
}

/// What else follows if it was applied, or was refused.
#[derive(Debug)]
pub(super) enum Then {
    Nothing,
    /// An invitation: refused, there is no session.
    Invited(SessionId),
    /// The application has the session now; refused, it is as it was.
    Take(SessionId, ProgramId),
    /// The person has accepted.
    Accepted(SessionId),
    /// The person's presence.
    Status(Status),
    /// The person has signed out.
    Left,
}

impl Purpose {
    pub fn caller_mut(&mut self) -> Option<&mut Caller> {
        match self {
            Purpose::Caller(caller, _) => Some(caller),
            Purpose::Own | Purpose::Invited(_) | Purpose::Accepted(_) => None,
        }
    }
}

impl Agent {
    pub(super) fn sign_in(&mut self, setup: Setup) {
        let same = |point: &crate::client::ResumePoint| {
            Some(&point.user) == setup.user.as_ref() && point.device == setup.device
        };
        let point = match self.client.as_ref().and_then(|client| client.resume_point()) {
            Some(point) => {
                if same(&point)
                    && matches!(&setup.credential, Credential::Token(token) if point.token.as_ref() == Some(token))
                {
                    return;
                }
                // With another token the connection has to be made anew.
                self.outputs.push_back(Output::Service(ClientOutput::Close));
                Some(point)
            }
            None => self.point.take(),
        };
        let client = match point {
            Some(point) if same(&point) => Client::restore(setup, point),
            Some(_) | None => {
                self.forget(Code::S_OK);
                self.leave(Code::S_OK);
                Client::new(setup)
            }
        };
        self.inbox.clear();
        self.client = Some(Box::new(client));
        self.taken = 0;
        self.standing = Standing::Away(Code::MSGR_E_DISCONNECTED);
        self.unsaved = true;
        self.inbox.push_back(Input::Start);
    }

    /// Nobody is signed in any more: applications are told, and the sessions are over here.
    pub(super) fn forget(&mut self, code: Code) {
        if self.client.take().is_none() {
            return;
        }
        self.inbox.clear();
        self.outputs.push_back(Output::Service(ClientOutput::Close));
        self.standing = Standing::Nobody;
        self.leave(code);
    }

    /// A call of the agent at the service.
    pub(super) fn call(&mut self, call: Call, purpose: Purpose) {
        if self.client.is_none() {
            return self.returned(purpose, Err(Refusal::new(Code::MSGR_E_NOT_LOGGED_ON)));
        }
        let id = CallId(self.number());
        self.purposes.insert(id, purpose);
        self.inbox.push_back(Input::Call { id, call });
    }

    /// A call for somebody on this machine.
    pub(super) fn ask_service(&mut self, call: Call, caller: Caller, then: Then) {
        self.call(call, Purpose::Caller(caller, then));
    }

    /// Passes on what somebody asks of the service, or of a rehearsal.
    pub(super) fn relay(&mut self, request: Request, key: Option<Box<str>>, caller: Caller, then: Then) {
        if self.is_rehearsed(&request) {
            let code = self.rehearsed(&request);
            return self.returned(Purpose::Caller(caller, then), outcome(code));
        }
        let object = caller.program.as_ref().map(|(program, _)| object_of(*program));
        let object = object.filter(|_| is_for_an_object(&request));
        self.ask_service(Call::Relay { request, key, object }, caller, then);
    }

    /// Lets the client take its inputs, and carries out what follows, until nothing follows.
    pub(super) fn run_client(&mut self) {
        let mut told = self.taken;
        loop {
            let Some(input) = self.inbox.pop_front() else {
                if self.taken == told || self.client.is_none() {
                    return;
                }
                told = self.taken;
                self.inbox.push_back(Input::Taken { events: told });
                continue;
            };
            let Some(client) = &mut self.client else { continue };
            client.handle(self.now, input);
            let outputs: Vec<ClientOutput> = std::iter::from_fn(|| client.poll_output()).collect();
            for output in outputs {
                self.client_output(output);
            }
        }
    }

    fn client_output(&mut self, output: ClientOutput) {
        match output {
            ClientOutput::Save => self.unsaved = true,
            ClientOutput::Connect { .. } | ClientOutput::Send(_) | ClientOutput::Close => {
                self.outputs.push_back(Output::Service(output));
            }
            ClientOutput::Event(event) => {
                self.taken += 1;
                self.client_event(event);
            }
            ClientOutput::Return { id, result } => {
                if let Some(purpose) = self.purposes.remove(&id) {
                    self.returned(purpose, result);
                }
            }
            ClientOutput::Stopped(stop) => self.stopped(&stop),
        }
    }

    fn client_event(&mut self, event: ClientEvent) {
        match event {
            ClientEvent::SignedIn { resumed, .. } => {
                self.standing = Standing::There;
                self.tell_watchers(&service_event(true, None));
                if !resumed {
                    self.locks_anew();
                }
                self.back(resumed);
            }
            ClientEvent::ConnectionLost { code } => {
                self.standing = Standing::Away(code);
                self.tell_watchers(&service_event(false, Some(code)));
            }
            ClientEvent::ContactStatus { who, friendly_name, status } => {
                if status == Status::Offline {
                    self.presence.remove(&who);
                } else {
                    self.presence.insert(who.clone(), (friendly_name.clone(), status));
                }
                let event = Event::Presence { who, friendly_name, status };
                let frame = ServerFrame::Event(EventFrame { seq: None, event });
                self.broadcast(&frame, Stage::is_told);
            }
            ClientEvent::Relayed(told) => self.told(*told),
            ClientEvent::LockEnable { enabled } => self.lock_enabled(enabled),
            ClientEvent::LockStatusChanged { status, retry_after_ms, .. } => {
                self.own_lock_changed(status, retry_after_ms);
            }
            ClientEvent::LockChallenge { cookie, challenge } => self.prove(cookie, challenge),
            // What follows from a sign-out comes with `Stopped`, calls are answered, and the others are
            // never told to whoever relays.
            ClientEvent::SignedOut { .. }
            | ClientEvent::SendError { .. }
            | ClientEvent::TokenExpiring { .. }
            | ClientEvent::Invitation { .. }
            | ClientEvent::StateChanged { .. }
            | ClientEvent::Accepted { .. }
            | ClientEvent::Declined { .. }
            | ClientEvent::Cancelled { .. }
            | ClientEvent::ContextData { .. }
            | ClientEvent::Termination { .. }
            | ClientEvent::Progress { .. }
            | ClientEvent::ReadyToLaunch { .. }
            | ClientEvent::BeforeAppLaunch { .. }
            | ClientEvent::AppNotPresent { .. }
            | ClientEvent::AppRegistered { .. }
            | ClientEvent::AppUnregistered { .. }
            | ClientEvent::LockResult { .. }
            | ClientEvent::AppShutdown => {}
        }
    }

    /// The service does not let this person in any more.
    fn stopped(&mut self, stop: &Stop) {
        let code = stop.code();
        let message = match stop {
            Stop::Refused(refusal) => refusal.message.clone(),
            Stop::Replaced => "another agent of yours has signed in with this installation's id".into(),
            Stop::SignedOut
            | Stop::Version
            | Stop::SignedOutByService(_)
            | Stop::Unreachable
            | Stop::Closed(_)
            | Stop::TimedOut
            | Stop::Nonsense
            | Stop::Redirects => code.advice().into(),
        };
        self.client = None;
        self.inbox.clear();
        for (_, purpose) in std::mem::take(&mut self.purposes) {
            self.returned(purpose, Err(Refusal::new(Code::MSGR_E_NOT_LOGGED_ON)));
        }
        self.standing = if *stop == Stop::SignedOut { Standing::Nobody } else { Standing::Refused(code, message) };
        self.tell_watchers(&service_event(false, Some(code)));
        self.leave(code);
    }

    /// A call has been answered.
    pub(super) fn returned(&mut self, purpose: Purpose, result: Result<Reply, Refusal>) {
        let refused = result.is_err();
        match purpose {
            Purpose::Own => {
                if let Err(refusal) = result {
                    tracing::debug!(code = %refusal.code, "what the agent asked by itself was refused");
                }
            }
            Purpose::Invited(session) => self.invited(session, refused),
            Purpose::Accepted(session) => self.not_accepted(session, refused),
            Purpose::Caller(caller, then) => {
                let left = matches!(then, Then::Left) && !refused;
                match then {
                    Then::Invited(session) => self.invited(session, refused),
                    Then::Take(session, program) => self.took(session, program, refused),
                    Then::Accepted(session) => self.not_accepted(session, refused),
                    Then::Status(status) if !refused => self.status_chosen(status),
                    Then::Status(_) | Then::Nothing | Then::Left => {}
                }
                self.reply(&caller, answer(result));
                if left {
                    self.outputs.push_back(Output::SignedOut);
                }
            }
        }
    }

    /// The state of a session, as the service has told it.
    pub(super) fn state(&self, session: SessionId) -> State {
        if let Some(rehearsed) = self.rehearsed.get(&session) {
            return rehearsed_state(rehearsed);
        }
        let known = self.client.as_ref().and_then(|client| client.session(session));
        known.map_or(State::Unknown, |snapshot| snapshot.state)
    }
}

fn service_event(connected: bool, code: Option<Code>) -> ServerFrame {
    ServerFrame::Local(Box::new(local::Event::Service { connected, code }))
}

/// A code as a call's result.
fn outcome(code: Code) -> Result<Reply, Refusal> {
    match code {
        code if code.is_failure() => Err(Refusal::new(code)),
        Code::S_FALSE => Ok(Reply::Already),
        _ => Ok(Reply::Done),
    }
}

/// A call's result in the words of the wire.
fn answer(result: Result<Reply, Refusal>) -> Answer {
    let ok = Answer::new(0, Code::S_OK);
    match result {
        Ok(Reply::Done | Reply::Agent(_)) => ok,
        Ok(Reply::Already) => Answer::new(0, Code::S_FALSE),
        Ok(Reply::Contacts(contacts)) => Answer { contacts: Some(contacts), ..ok },
        Ok(Reply::Contact(contact)) => Answer { contacts: Some(contact.into_iter().collect()), ..ok },
        Ok(Reply::Devices(devices)) => Answer { devices: Some(devices), ..ok },
        Ok(Reply::Settings(settings)) => Answer { settings: Some(settings), ..ok },
        Err(Refusal { code, message, retry_after_ms, .. }) => {
            Answer { retry_after_ms, ..Answer::refusal(0, code, message) }
        }
    }
}
