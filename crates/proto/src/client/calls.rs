//! What the application calls, judged here as far as this side can tell (R26: what is malformed,
//! then role, then state, then size); count and queue are the service's to judge.

use hither_wire::message::{Accept, ContactAction, Data, Invite, Request, Stage};
use hither_wire::{Code, PersonName, SessionId, Status, account, limits, text};

use super::Client;
use super::port::{Call, CallId, Event, Output, Refusal, Reply};
use super::properties::unknown_session;
use super::record::{Attachment, Phase, Record};
use super::requests::{Pending, send_failure, session_of};
use crate::session::policy::{Call as Asked, Verdict, policy};

/// What is to be done about a call.
enum Judged {
    Ask(Request),
    /// Ask for somebody else: under his key, with his object.
    AskAs(Option<Box<str>>, Option<Box<str>>, Request),
    /// It is answered already.
    Reply(Reply),
}

impl Client {
    pub(super) fn call(&mut self, id: CallId, call: Call) {
        let result = match self.judge(call) {
            Ok(Judged::Reply(reply)) => Ok(reply),
            Ok(Judged::Ask(request)) => match self.ask(id, None, None, request) {
                Ok(()) => return,
                Err(refusal) => Err(refusal),
            },
            Ok(Judged::AskAs(key, object, request)) => match self.ask(id, key, object, request) {
                Ok(()) => return,
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        self.outputs.push_back(Output::Return { id, result });
    }

    /// The application has let go of sessions.
    pub(super) fn clear_let_go(&mut self) {
        for id in std::mem::take(&mut self.sessions.let_go) {
            let Some(record) = self.sessions.get(id) else { continue };
            let answering = |pending: &Pending| matches!(&pending.request, Request::Accept(a) if a.session == id);
            let cancelled = match (&record.phase, record.role) {
                (Phase::Invitation, hither_wire::Role::Invitee) => self.requests.iter().any(answering),
                (Phase::Ready | Phase::Over, _) => false,
                (Phase::Inviting | Phase::Invitation | Phase::Accepted(_) | Phase::Connected, _) => true,
            };
            if cancelled && !self.is_stopped() {
                self.requests.push(None, Request::Cancel { session: id, hr: Code::S_OK, data: None });
                self.unsaved = true;
            }
        }
    }

    /// The connection is to blame: these requests have failed, each with its own code (R29). Tells
    /// the events, and gives what is to be returned after them.
    pub(super) fn fail(&mut self, failed: Vec<Pending>) -> Vec<Output> {
        let mut returns = Vec::new();
        for pending in failed {
            let code = send_failure(&pending.request);
            let session = session_of(&pending.request);
            if let Some(session) = session.filter(|_| has_own_code(code)) {
                self.emit(Event::SendError { session, code });
            }
            if let Request::Invite(invite) = &pending.request {
                self.not_invited(invite.session, pending.tried);
            }
            // Whoever only wanted to leave has left; a token that was not revoked is another matter.
            let signs_out = matches!(pending.request, Request::SignOut { revoke: false });
            let result = if signs_out { Ok(Reply::Done) } else { Err(Refusal::undelivered(code)) };
            returns.extend(pending.call.map(|id| Output::Return { id, result }));
            self.unsaved = true;
        }
        returns
    }

    /// An invitation that has perhaps arrived has used up its session (R27); else it is as it was.
    fn not_invited(&mut self, session: SessionId, tried: bool) {
        if !tried {
            return self.sessions.not_invited(session);
        }
        self.lose(session);
    }

    fn ask(
        &mut self,
        id: CallId,
        key: Option<Box<str>>,
        object: Option<Box<str>>,
        request: Request,
    ) -> Result<(), Refusal> {
        if self.is_stopped() || self.is_leaving() {
            return Err(Refusal::new(Code::MSGR_E_NOT_LOGGED_ON));
        }
        if matches!(request, Request::SignOut { revoke: false }) && !self.is_up() {
            // Nobody has to be told who has not been heard of for a while anyway.
            self.requests.push(Some(id), request);
            self.sign_out_now();
            return Ok(());
        }
        if self.requests.is_full() {
            let message = "too many calls wait for the service: try again when some have been answered";
            return Err(Refusal::because(Code::E_OUTOFMEMORY, message));
        }
        if let Request::Invite(invite) = &request {
            let (session, to) = (invite.session, invite.to.clone());
            self.sessions.inviting(session, &to);
        }
        self.requests.push_as(id, key, object, request);
        self.unsaved = true;
        if self.is_given_up() {
            let failed = self.requests.take_if(|pending| pending.call == Some(id));
            let returns = self.fail(failed);
            self.outputs.extend(returns);
        }
        Ok(())
    }

    fn judge(&mut self, call: Call) -> Result<Judged, Refusal> {
        let request = match call {
            Call::Invite { session, to, data } => self.judge_invite(session, &to, &data)?,
            Call::Accept { session, data } => {
                let own = self.own_address.clone();
                let record = self.permit(session, Asked::Accept)?;
                let data = app_data(&data)?;
                let address = record.address(own.as_ref());
                let attach = record.attachment == Attachment::WithAnswer;
                Request::Accept(Box::new(Accept { session, data, address, material: None, attach }))
            }
            Call::Decline { session, data } => {
                self.permit(session, Asked::Decline)?;
                Request::Decline { session, data: app_data(&data)? }
            }
            Call::Ignore { session } => {
                self.permit(session, Asked::Ignore)?;
                Request::Ignore { session }
            }
            Call::Cancel { session, hr, data } => {
                self.permit(session, Asked::Cancel)?;
                Request::Cancel { session, hr, data: app_data(&data)? }
            }
            Call::Attach { session } => return self.judge_attach(session),
            Call::SendContextData { session, data } => self.judge_context(session, &data)?,
            Call::Progress { session, stage, code } => {
                if stage == Stage::Unknown {
                    return Err(Refusal::new(Code::E_INVALIDARG));
                }
                self.permit(session, Asked::Progress)?;
                Request::Progress { session, stage, code }
            }
            Call::SetStatus(status) => set_status(status)?,
            Call::Contacts => Request::Contacts,
            Call::Contact { action, who } => contact(action, &who)?,
            Call::Settings(change) => Request::Settings(change),
            Call::Account(request) => {
                if let account::Request::Renew(account::Token(token)) = &*request {
                    check_token(token)?;
                    if self.renew(token) {
                        return Ok(Judged::Reply(Reply::Done));
                    }
                }
                Request::Account(request)
            }
            Call::Agent(request) => self.judge_local(request)?,
            Call::Relay { request, key, object } => return self.judge_relayed(request, key, object),
            Call::RequestChallenge { cookie } => self.judge_challenge(cookie)?,
            Call::SendResponse(response) => self.judge_response(response)?,
            Call::SignOut { revoke } => Request::SignOut { revoke },
        };
        Ok(Judged::Ask(request))
    }

    fn judge_invite(&mut self, session: SessionId, to: &str, data: &str) -> Result<Request, Refusal> {
        let to = person(to)?;
        let data = app_data(data)?;
        let own = self.own_address.clone();
        let user = self.user.clone();
        self.unlocked()?;
        let record = self.permit(session, Asked::Invite)?;
        let app = record.application.clone().ok_or_else(|| Refusal::new(Code::SR_APP_NOT_SPECIFIED))?;
        if Some(&to) == user.as_ref() {
            return Err(Refusal::new(Code::SR_INVITED_SELF));
        }
        let address = record.address(own.as_ref());
        let attach = record.is_attached();
        let ring_ms = record.ring_ms;
        Ok(Request::Invite(Box::new(Invite { session, to, app, data, address, material: None, ring_ms, attach })))
    }

    /// What somebody else has asked: the service judges it. Only an invitation needs a session here.
    fn judge_relayed(
        &mut self,
        request: Request,
        key: Option<Box<str>>,
        object: Option<Box<str>>,
    ) -> Result<Judged, Refusal> {
        if let Request::Invite(invite) = &request {
            // One that is known may be said again under its key; then the service knows the answer.
            match self.sessions.get(invite.session) {
                None => self.sessions.insert(Record::of_invite(invite)),
                Some(_) if key.is_some() => {}
                Some(_) => drop(self.permit(invite.session, Asked::Invite)?),
            }
        }
        Ok(Judged::AskAs(key, object, request))
    }

    fn judge_attach(&mut self, session: SessionId) -> Result<Judged, Refusal> {
        let Some(record) = self.sessions.get_mut(session) else { return Err(unknown_session()) };
        let again = record.is_attached();
        match policy(record.judged_state(), record.role, Asked::Attach { again }) {
            Verdict::Refuse(code) => Err(Refusal::new(code)),
            Verdict::AlreadySo => Ok(Judged::Reply(Reply::Already)),
            Verdict::Apply | Verdict::AsDecline if record.phase == Phase::Ready => {
                record.attachment = Attachment::WithAnswer;
                self.unsaved = true;
                Ok(Judged::Reply(Reply::Done))
            }
            Verdict::Apply | Verdict::AsDecline => Ok(Judged::Ask(Request::Attach { session })),
        }
    }

    fn judge_context(&mut self, session: SessionId, data: &str) -> Result<Request, Refusal> {
        let Some(text) = Data::text(data) else {
            return Err(Refusal::because(Code::E_INVALIDARG, "context data must not be empty"));
        };
        let launch_only = self.sessions.get(session).is_some_and(|record| record.launch_only);
        let record = self.permit(session, Asked::Context { launch_only })?;
        let units = usize::try_from(record.units).unwrap_or(usize::MAX).min(limits::CONTEXT_UNITS);
        if !text::fits(data, units) {
            return Err(Refusal::new(Code::SR_CONTEXT_DATA_OVER_LIMIT));
        }
        Ok(Request::Context { session, data: text })
    }
}

fn app_data(data: &str) -> Result<Option<Data>, Refusal> {
    if text::fits(data, limits::APP_DATA_UNITS) {
        return Ok(Data::text(data));
    }
    Err(Refusal::because(Code::E_INVALIDARG, "app data are at most 256 UTF-16 units"))
}

fn person(name: &str) -> Result<PersonName, Refusal> {
    PersonName::parse(name).map_err(|error| Refusal::because(Code::E_INVALIDARG, error.to_string()))
}

fn check_token(token: &str) -> Result<(), Refusal> {
    if token.len() <= limits::TOKEN_BYTES {
        return Ok(());
    }
    Err(Refusal::because(Code::E_INVALIDARG, "a token is at most 4096 bytes"))
}

fn set_status(status: Status) -> Result<Request, Refusal> {
    if Status::CHOICES.contains(&status) {
        return Ok(Request::SetStatus { status });
    }
    Err(Refusal::because(Code::E_INVALIDARG, "a person cannot choose this status: sign out to be offline"))
}

fn contact(action: ContactAction, who: &str) -> Result<Request, Refusal> {
    Ok(Request::Contact { action, who: person(who)? })
}

/// Whether a code is one of those that `OnSendError` carries.
fn has_own_code(code: Code) -> bool {
    matches!(
        code,
        Code::SR_INVITATION_SEND_FAILURE
            | Code::SR_ACCEPT_SEND_FAILURE
            | Code::SR_DECLINE_SEND_FAILURE
            | Code::SR_CANCEL_SEND_FAILURE
            | Code::SR_CONTEXT_DATA_SEND_FAILURE
    )
}
