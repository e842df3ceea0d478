//! What an application may ask. It sees its own sessions only: those that it created, that started
//! it, and invitations that were shown to it.

use hither_wire::message::{Answer, Invite, Request};
use hither_wire::{Code, SessionId, local};

use super::Agent;
use super::links::Caller;
use super::port::{Output, Ticket};
use super::programs::ProgramId;
use super::service::{Purpose, Then};
use super::sessions::{Doing, Held};
use crate::service::Close;

impl Agent {
    pub(super) fn ask_program(&mut self, caller: Caller, program: ProgramId, request: Request) {
        let key = caller.program.as_ref().and_then(|(_, key)| key.clone());
        if let Some(key) = &key {
            if let Some(code) = self.programs.get(&program).and_then(|program| program.outbox.answered(key)) {
                return self.answer(caller.link, Answer::new(caller.id, code));
            }
            if self.is_asked_already(&caller) {
                return;
            }
        }
        // The service sees one device: two applications must not use the same key.
        let key = key.map(|key| format!("{}.{key}", program.0).into_boxed_str());
        let key = key.filter(|key| key.len() <= hither_wire::limits::KEY_BYTES);
        match request {
            Request::Local(request) => self.ask_local(caller, program, *request),
            Request::SignOut { .. } => {
                self.refuse(&caller, Code::S_OK);
                self.drop_program(program);
                self.close(caller.link, Close::Normal);
            }
            Request::Invite(invite) => self.invite(caller, program, key, *invite),
            Request::Accept(accept) => {
                let session = accept.session;
                if !self.may_answer(program, session) {
                    return self.no_session(&caller, program, session);
                }
                self.forget_questions(session);
                self.now_doing(session, Doing::Answering);
                self.relay(Request::Accept(accept), key, caller, Then::Take(session, program));
            }
            Request::Attach { session } => {
                if !self.may_answer(program, session) {
                    return self.no_session(&caller, program, session);
                }
                self.relay(Request::Attach { session }, key, caller, Then::Take(session, program));
            }
            request @ Request::Decline { session, .. } if self.may_answer(program, session) => {
                self.forget_questions(session);
                self.relay(request, key, caller, Then::Nothing);
            }
            request @ (Request::Decline { session, .. }
            | Request::Ignore { session }
            | Request::Cancel { session, .. }
            | Request::Context { session, .. }
            | Request::Progress { session, .. }) => {
                if !self.may_answer(program, session) {
                    return self.no_session(&caller, program, session);
                }
                self.relay(request, key, caller, Then::Nothing);
            }
            request @ (Request::SetStatus { .. }
            | Request::Contacts
            | Request::Contact { .. }
            | Request::Settings(_)) => {
                self.relay_personal(request, key, caller);
            }
            Request::Account(_) => {
                let message = "this is for the person's own tools: an application has no business with the account";
                self.refuse_because(&caller, Code::E_INVALIDARG, message);
            }
            request @ (Request::Challenge { .. } | Request::Response(_)) => {
                self.relay(request, key, caller, Then::Nothing);
            }
            Request::Hello(_) | Request::SignIn(_) | Request::Ping | Request::Release => {
                self.refuse(&caller, Code::E_INVALIDARG);
            }
        }
    }

    /// A request that has come again while its first sending still waits is answered once, to the
    /// newer connection.
    fn is_asked_already(&mut self, caller: &Caller) -> bool {
        let waiting = self.purposes.values_mut().filter_map(Purpose::caller_mut).chain(self.tickets.values_mut());
        for other in waiting {
            if other.program == caller.program {
                *other = caller.clone();
                return true;
            }
        }
        false
    }

    fn invite(&mut self, caller: Caller, program: ProgramId, key: Option<Box<str>>, mut invite: Invite) {
        let Some(entry) = self.apps.get(&invite.app.guid) else {
            return self.refuse(&caller, Code::SR_APP_NOT_REGISTERED);
        };
        // What the invitee is told of it is the registry's word.
        invite.app = entry.app.clone();
        let session = invite.session;
        if self.held.contains_key(&session) {
            if !self.may_answer(program, session) {
                return self.no_session(&caller, program, session);
            }
            // Perhaps said again, because an agent was killed before it could answer.
            return self.relay(Request::Invite(Box::new(invite)), key, caller, Then::Invited(session));
        }
        let mut held = Held::new(session, true, invite.to.clone(), invite.app.clone(), Doing::ByApplication);
        held.owner = Some(program);
        held.local.clone_from(&invite.address);
        self.held.insert(session, held);
        self.relay(Request::Invite(Box::new(invite)), key, caller, Then::Invited(session));
    }

    /// Whether a session is this application's, or was shown to it and is nobody's yet.
    fn may_answer(&self, program: ProgramId, session: SessionId) -> bool {
        self.held.get(&session).is_some_and(|held| match held.owner {
            Some(owner) => owner == program,
            None => held.shown.contains(&program),
        })
    }

    fn no_session(&mut self, caller: &Caller, program: ProgramId, session: SessionId) {
        if self.has_ended_for(program, session) {
            return self.refuse(caller, Code::SR_SESSION_STATE_INVALID);
        }
        self.refuse_because(caller, Code::E_INVALIDARG, "this application has no session with this id");
    }

    fn ask_local(&mut self, caller: Caller, program: ProgramId, request: local::Request) {
        match request {
            local::Request::Register(_) | local::Request::Unregister { .. } if self.is_locked(program) => {
                self.refuse(&caller, Code::MSGR_E_API_LOCKED);
            }
            local::Request::Register(registration) => {
                self.wait(caller, |ticket| Output::Register { ticket, registration });
            }
            local::Request::Unregister { guid } => self.wait(caller, |ticket| Output::Unregister { ticket, guid }),
            local::Request::Serve { application } => {
                if !self.apps.contains_key(&application) {
                    return self.refuse(&caller, Code::SR_APP_NOT_REGISTERED);
                }
                let again = self.programs.get_mut(&program).is_some_and(|program| !program.serves.insert(application));
                self.unsaved = true;
                self.refuse(&caller, if again { Code::S_FALSE } else { Code::S_OK });
            }
            local::Request::Launching { process, secret } => self.launching(caller, process, secret.as_deref()),
            local::Request::Reply { question, yes } => {
                let code = self.answered_by(program, question, yes);
                self.refuse(&caller, code);
            }
            local::Request::Person { .. }
            | local::Request::Start { .. }
            | local::Request::Sessions
            | local::Request::Get { .. }
            | local::Request::Link { .. }
            | local::Request::Rehearse { .. }
            | local::Request::Check { .. }
            | local::Request::Agent
            | local::Request::Reload
            | local::Request::Stop => {
                let message = "this is for the person's own tools: say `person` instead of signing in";
                self.refuse_because(&caller, Code::E_INVALIDARG, message);
            }
        }
    }

    /// The registry, or the reader of links, has done what was asked.
    pub(super) fn written(&mut self, ticket: Ticket, result: Result<(), (Code, String)>) {
        let Some(caller) = self.tickets.remove(&ticket) else { return };
        match result {
            Ok(()) => self.refuse(&caller, Code::S_OK),
            Err((code, message)) => self.refuse_because(&caller, code, message),
        }
    }

    /// Asks the service what does not concern a session.
    pub(super) fn relay_personal(&mut self, request: Request, key: Option<Box<str>>, caller: Caller) {
        let then = if let Request::SetStatus { status } = &request { Then::Status(*status) } else { Then::Nothing };
        self.relay(request, key, caller, then);
    }
}
