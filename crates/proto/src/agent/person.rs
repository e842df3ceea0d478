//! What the person's own tools may ask, and what the person presses: everything, for every session of
//! this machine.

use hither_wire::local::{self, AgentStatus, SessionLine};
use hither_wire::message::{Answer, Data, Request};
use hither_wire::{Code, Guid, LockStatus, PersonName, SessionId, State};

use super::links::Caller;
use super::port::{Output, Press};
use super::service::{Purpose, Then};
use super::sessions::{Doing, Held};
use super::{Agent, Standing};
use crate::client::Call;

impl Agent {
    pub(super) fn ask_person(&mut self, caller: &Caller, request: Request) {
        match request {
            Request::Local(request) => self.ask_tool(caller, *request),
            Request::Accept(accept) => self.accept(Some(caller.clone()), accept.session, accept.data),
            Request::Cancel { session, hr, .. } if self.rehearsed.contains_key(&session) => {
                self.refuse(caller, Code::S_OK);
                self.ask_session(Call::Cancel { session, hr, data: "".into() }, Purpose::Own);
            }
            request @ (Request::Decline { session, .. }
            | Request::Ignore { session }
            | Request::Cancel { session, .. }
            | Request::Context { session, .. }) => {
                if !self.held.contains_key(&session) {
                    return self.not_here(caller);
                }
                if matches!(request, Request::Ignore { .. }) {
                    self.outputs.push_back(Output::Quiet { session });
                }
                self.relay(request, None, caller.clone(), Then::Nothing);
            }
            request @ (Request::SetStatus { .. }
            | Request::Contacts
            | Request::Contact { .. }
            | Request::Settings(_)
            | Request::Account(_)) => self.relay_personal(request, None, caller.clone()),
            Request::SignOut { revoke } => self.ask_service(Call::SignOut { revoke }, caller.clone(), Then::Left),
            Request::Invite(_) => {
                self.refuse_because(
                    caller,
                    Code::E_INVALIDARG,
                    "a tool invites with `start`: the agent launches both sides",
                );
            }
            Request::Attach { .. } | Request::Progress { .. } => {
                self.refuse_because(caller, Code::E_INVALIDARG, "this is for the application of the session");
            }
            Request::Challenge { .. } | Request::Response(_) | Request::Release => {
                self.refuse_because(caller, Code::E_INVALIDARG, "this is for applications, which sign in");
            }
            Request::Hello(_) | Request::SignIn(_) | Request::Ping => self.refuse(caller, Code::E_INVALIDARG),
        }
    }

    fn ask_tool(&mut self, caller: &Caller, request: local::Request) {
        match request {
            local::Request::Register(registration) => {
                self.wait(caller.clone(), |ticket| Output::Register { ticket, registration });
            }
            local::Request::Unregister { guid } => {
                self.wait(caller.clone(), |ticket| Output::Unregister { ticket, guid });
            }
            local::Request::Start { session, to, application, data } => {
                self.start(Some(caller.clone()), session, &to, application, data.as_ref());
            }
            local::Request::Sessions => {
                let lines = self.held.values().map(|held| self.line(held)).collect();
                self.give(caller, local::Answer::Sessions(lines));
            }
            local::Request::Get { session } => self.get(Some(caller), session),
            local::Request::Link { session, uri } => {
                self.wait(caller.clone(), |ticket| Output::Link { ticket, session, uri });
            }
            local::Request::Rehearse { session, application } => self.rehearse(caller, session, application),
            local::Request::Check { session, to } => self.check(caller, session, &to),
            local::Request::Agent => {
                let status = self.status();
                self.give(caller, local::Answer::Status(Box::new(status)));
            }
            local::Request::Reload => {
                self.outputs.push_back(Output::Reload);
                self.refuse(caller, Code::S_OK);
            }
            local::Request::Stop => {
                self.refuse(caller, Code::S_OK);
                self.shutdown();
            }
            local::Request::Serve { .. }
            | local::Request::Launching { .. }
            | local::Request::Reply { .. }
            | local::Request::Person { .. } => {
                self.refuse_because(caller, Code::E_INVALIDARG, "this is for applications, which sign in");
            }
        }
    }

    /// A button of a notification.
    pub(super) fn pressed(&mut self, press: Press) {
        match press {
            Press::Accept(session) => self.accept(None, session, None),
            Press::Decline(session) => {
                if self.held.contains_key(&session) {
                    self.ask_session(Call::Decline { session, data: "".into() }, Purpose::Own);
                }
            }
            Press::Get(session) => self.get(None, session),
            Press::Leave(session) => {
                if self.held.get(&session).is_some_and(|held| matches!(held.doing, Doing::Installing(_))) {
                    self.ask_session(Call::Decline { session, data: "".into() }, Purpose::Own);
                }
            }
            Press::Invite { session, to, application, data } => {
                self.start(None, session, &to, application, Data::text(&data).as_ref());
            }
        }
    }

    /// Invites from the client: the application is started on both sides after the acceptance.
    fn start(
        &mut self,
        caller: Option<Caller>,
        session: SessionId,
        to: &PersonName,
        application: Guid,
        data: Option<&Data>,
    ) {
        let refused = match self.apps.get(&application) {
            None => Some(Code::SR_APP_NOT_REGISTERED),
            Some(_) if self.held.contains_key(&session) => Some(Code::E_INVALIDARG),
            Some(_) => None,
        };
        let (entry, client) = (self.apps.get(&application), self.client.as_mut());
        let (Some(entry), Some(client), None) = (entry, client, refused) else {
            let code = refused.unwrap_or(Code::MSGR_E_NOT_LOGGED_ON);
            return if let Some(caller) = caller {
                self.refuse(&caller, code);
            };
        };
        let app = entry.app.clone();
        client.create(session);
        // A fresh session takes every application that the registry took.
        let put = client
            .set_application(session, &app.guid.to_string(), &app.name, &app.url)
            .and_then(|()| client.set_launch_only(session, app.launch_only));
        client.attach_on_answer(session, false);
        if let (Err(refusal), Some(caller)) = (put, &caller) {
            return self.refuse_because(caller, refusal.code, refusal.message);
        }
        self.held.insert(session, Held::new(session, true, to.clone(), app, Doing::Inviting));
        let data = data.and_then(Data::as_text).unwrap_or_default().into();
        let call = Call::Invite { session, to: to.as_str().into(), data };
        match caller {
            Some(caller) => self.ask_service(call, caller, Then::Invited(session)),
            None => self.call(call, Purpose::Invited(session)),
        }
    }

    /// The person's yes to opening the URL of a missing application (R15).
    fn get(&mut self, caller: Option<&Caller>, session: SessionId) {
        let url = self.held.get(&session).filter(|held| !held.inviter).map(|held| held.app.url.clone());
        let code = match url {
            None => Code::E_INVALIDARG,
            Some(url) if url.is_empty() => Code::S_FALSE,
            Some(url) => {
                self.outputs.push_back(Output::Open { url });
                Code::S_OK
            }
        };
        if let Some(caller) = caller {
            self.refuse(caller, code);
        }
    }

    fn not_here(&mut self, caller: &Caller) {
        self.refuse_because(caller, Code::E_INVALIDARG, "there is no session with this id on this machine");
    }

    fn give(&mut self, caller: &Caller, answer: local::Answer) {
        self.reply(caller, Answer { agent: Some(answer), ..Answer::new(caller.id, Code::S_OK) });
    }

    fn line(&self, held: &Held) -> SessionLine {
        let state = self.state(held.session);
        let rings = !held.inviter && state == State::Invitation && !matches!(held.doing, Doing::Installing(_));
        SessionLine {
            session: held.session,
            state: state.name().into(),
            inviter: held.inviter,
            user: held.user.clone(),
            app: held.app.clone(),
            data: held.data.clone(),
            ring_ms: held.until.filter(|_| rings).map(|until| until.saturating_sub(self.now)),
            doing: held.doing.name().into(),
            process: held.process.map(|process| process.id),
        }
    }

    /// Whether the person is signed in at the service, and how the agent's own lock stands there.
    pub fn at_service(&self) -> (bool, LockStatus) {
        (self.standing == Standing::There, self.own_lock())
    }

    /// How the agent stands, as it tells whoever asks.
    pub fn status(&self) -> AgentStatus {
        let trouble = match &self.standing {
            Standing::Nobody => Some("nobody is signed in".into()),
            Standing::Away(code) => Some(code.advice().into()),
            Standing::There => None,
            Standing::Refused(_, message) => Some(message.clone()),
        };
        AgentStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            process: self.shell.process,
            user: self.client.as_ref().and_then(|client| client.user()).cloned(),
            service: self.shell.service.clone(),
            connected: self.standing == Standing::There,
            trouble,
            status: self.status,
            lock: Some(self.own_lock()).filter(|lock| lock.is_locked() || *lock == LockStatus::Unlocked),
            notifications: self.shell.notifications.clone(),
            applications: self.apps.len() as u64,
            complaints: self.shell.complaints.clone(),
        }
    }
}
