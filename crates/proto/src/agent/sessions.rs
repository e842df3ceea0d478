//! The sessions of this machine: whose each is, what the agent does about it, when it rings.
//!
//! ```text
//! invitation ─► Asked ─► Ringing ─► Accepting ─► Deciding ─► Launching ─► Started ─► Running
//!                 │          │ ▲        ▲            │                       │
//!                 ▼          ▼ │        │            ▼                       ▼
//!              Handled   Installing ────┘         LeftTo                   Failed
//! ```
//!
//! The session's own state is the service's and comes with its events; this is what the agent adds.

use std::collections::BTreeSet;

use hither_wire::message::{Application, By, Data, Elsewhere, Ended, Event, EventFrame, How, Invitation, Stage};
use hither_wire::{Address, Code, PersonName, ServerFrame, SessionId, State, Status, local};
use serde::{Deserialize, Serialize};

use super::links::Caller;
use super::port::{Output, Process, Ringing};
use super::programs::ProgramId;
use super::rules::{Answer, decide};
use super::service::{Purpose, Then};
use super::{Agent, Deadline};
use crate::Millis;
use crate::client::Call;
use crate::service::Close;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub session: SessionId,
    pub inviter: bool,
    /// The other party.
    pub user: PersonName,
    pub friendly_name: Box<str>,
    pub app: Application,
    /// App data of the other party: of the invitation, then of the acceptance.
    pub data: Option<Data>,
    /// When it stops ringing, once that is known.
    pub until: Option<Millis>,
    /// The addresses that the two sides disclose.
    pub local: Option<Address>,
    pub remote: Option<Address>,
    /// The application that has the session.
    pub owner: Option<ProgramId>,
    /// The running applications that the invitation was shown to, while nobody has it.
    pub shown: BTreeSet<ProgramId>,
    pub doing: Doing,
    /// What the agent has started for it.
    pub process: Option<Process>,
    /// What is in the environment of that process.
    pub secret: Option<Box<str>>,
}

/// What the agent does about a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Doing {
    /// An application has created it, and does everything itself.
    ByApplication,
    /// The person has invited from the client and waits for the answer.
    Inviting,
    /// Running applications are asked whether they handle the invitation.
    Asked(u64),
    /// An application handles the invitation.
    Handled,
    /// An application has answered the invitation.
    Answering,
    /// It rings.
    Ringing,
    /// The person has accepted, with these app data; the application has to be installed first (R15).
    Installing(Option<Data>),
    /// The acceptance is on its way.
    Accepting,
    /// Running applications are asked whether the application is to be started.
    Deciding(u64),
    /// A running application takes the session itself.
    LeftTo,
    /// The application is being started.
    Launching,
    /// The application runs, and has not attached yet.
    Started,
    /// The application is attached.
    Running,
    /// The start has failed, and the session is being cancelled.
    Failed,
    /// The application has gone, and the session is being cancelled.
    Leaving,
    /// It is rehearsed without the service.
    Rehearsed,
    /// It checks the way to another agent.
    Checking,
}

impl Doing {
    /// In a word, for people.
    pub fn name(&self) -> &'static str {
        match self {
            Doing::ByApplication | Doing::Answering => "application",
            Doing::Inviting => "inviting",
            Doing::Asked(_) | Doing::Ringing => "ringing",
            Doing::Handled => "handled",
            Doing::Installing(_) => "installing",
            Doing::Accepting => "accepting",
            Doing::Deciding(_) | Doing::Launching => "launching",
            Doing::LeftTo => "left to the application",
            Doing::Started => "launched",
            Doing::Running => "running",
            Doing::Failed => "failed",
            Doing::Leaving => "leaving",
            Doing::Rehearsed => "rehearsing",
            Doing::Checking => "checking",
        }
    }
}

impl Held {
    pub fn new(session: SessionId, inviter: bool, user: PersonName, app: Application, doing: Doing) -> Held {
        Held {
            session,
            inviter,
            user,
            friendly_name: "".into(),
            app,
            data: None,
            until: None,
            local: None,
            remote: None,
            owner: None,
            shown: BTreeSet::new(),
            doing,
            process: None,
            secret: None,
        }
    }
}

impl Agent {
    /// An event of the service about a session.
    pub(super) fn told(&mut self, told: Event) {
        self.unsaved = true;
        let Some(told) = self.lock_told(told) else { return };
        self.tell_watchers(&ServerFrame::Event(EventFrame { seq: None, event: told.clone() }));
        match told {
            Event::Invitation(invitation) => self.invitation(&invitation),
            Event::Accepted { session, data, address, material } => {
                let event = Event::Accepted { session, data: data.clone(), address: address.clone(), material };
                self.tell_parts(session, &event);
                self.accepted(session, data, address);
            }
            Event::Connected { session } => {
                self.timers.set(Deadline::Attach(session), None);
                self.tell_parts(session, &Event::Connected { session });
            }
            Event::Context { session, data } => {
                if !self.checked(session, &data) {
                    self.tell_parts(session, &Event::Context { session, data });
                }
            }
            Event::Ended(ended) => {
                let session = ended.session;
                self.tell_parts(session, &Event::Ended(ended));
                self.over(session);
            }
            Event::Invited { session, ring_ms, limits } => {
                self.tell_parts(session, &Event::Invited { session, ring_ms, limits });
            }
            Event::Progress { session, stage, code } => {
                self.tell_parts(session, &Event::Progress { session, stage, code });
            }
            Event::Presence { .. }
            | Event::SignedOut { .. }
            | Event::Expiring { .. }
            | Event::Lock { .. }
            | Event::LockChallenge { .. }
            | Event::LockResult { .. }
            | Event::LockStatus { .. }
            | Event::Unknown => {}
        }
    }

    /// Tells the applications that have a part in a session.
    pub(super) fn tell_parts(&mut self, session: SessionId, event: &Event) {
        let Some(held) = self.held.get(&session) else { return };
        let parts: Vec<ProgramId> = held.owner.into_iter().chain(held.shown.iter().copied()).collect();
        for program in parts {
            self.push(program, event.clone());
        }
    }

    fn invitation(&mut self, invitation: &Invitation) {
        let session = invitation.session;
        if invitation.app.guid == local::CHECK {
            return self.check_answered(invitation);
        }
        let running: Vec<ProgramId> = self
            .programs
            .values()
            .filter(|program| program.link.is_some() && program.serves.contains(&invitation.app.guid))
            .map(|program| program.id)
            .collect();
        let answer = decide(&self.rules, Some(&invitation.from), Some(invitation.app.guid));
        let mut held = Held::new(session, false, invitation.from.clone(), invitation.app.clone(), Doing::Ringing);
        held.friendly_name.clone_from(&invitation.friendly_name);
        held.data.clone_from(&invitation.data);
        held.until = Some(self.now.saturating_add(invitation.ring_ms));
        held.shown = running.iter().copied().collect();
        self.held.insert(session, held);
        match answer {
            Answer::Refuse => self.ask_session(Call::Decline { session, data: "".into() }, Purpose::Own),
            Answer::Accept => self.accept(None, session, None),
            Answer::Ask if running.is_empty() => self.ring(session),
            Answer::Ask => {
                let question = self.ask_whether_handled(session, &running);
                if let Some(held) = self.held.get_mut(&session) {
                    held.doing = Doing::Asked(question);
                }
                for program in running {
                    let shown = Invitation { question: Some(question), ..invitation.clone() };
                    self.push(program, Event::Invitation(Box::new(shown)));
                }
            }
        }
    }

    /// Rings, unless the person is not to be disturbed; then the invitation is only listed.
    pub(super) fn ring(&mut self, session: SessionId) {
        let now = self.now;
        let Some(held) = self.held.get_mut(&session) else { return };
        held.doing = Doing::Ringing;
        self.unsaved = true;
        let until = held.until.unwrap_or(now);
        if until <= now || self.status == Status::Busy {
            return;
        }
        let ringing = Ringing {
            session,
            from: held.user.clone(),
            friendly_name: held.friendly_name.clone(),
            installed: self.apps.contains_key(&held.app.guid),
            app: held.app.clone(),
            data: held.data.as_ref().and_then(Data::as_text).unwrap_or_default().into(),
            until,
        };
        self.timers.set(Deadline::Ring(session), Some(until));
        self.outputs.push_back(Output::Ring(Box::new(ringing)));
        if self.shell.notifications.is_some() || self.is_watched() {
            self.progress(session, Stage::Ringing, None);
        }
    }

    /// The person, or a rule, accepts.
    pub(super) fn accept(&mut self, caller: Option<Caller>, session: SessionId, data: Option<Data>) {
        let refused = match self.held.get(&session) {
            None => Some(Code::E_INVALIDARG),
            Some(held) if held.inviter => Some(Code::SR_NOT_INVITEE),
            Some(held) if matches!(held.doing, Doing::Accepting | Doing::Answering) => {
                Some(Code::SR_SESSION_STATE_INVALID)
            }
            Some(_) if self.state(session) != State::Invitation => Some(Code::SR_SESSION_STATE_INVALID),
            Some(_) => None,
        };
        if refused.is_none() {
            self.forget_questions(session);
        }
        let Some(held) = self.held.get_mut(&session).filter(|_| refused.is_none()) else {
            return if let Some(caller) = caller {
                self.refuse(&caller, refused.unwrap_or(Code::E_INVALIDARG));
            };
        };
        if !self.apps.contains_key(&held.app.guid) {
            return self.missing(caller.as_ref(), session, data);
        }
        held.doing = Doing::Accepting;
        self.unsaved = true;
        if let Some(client) = &mut self.client {
            client.attach_on_answer(session, false);
        }
        let data = data.as_ref().and_then(Data::as_text).unwrap_or_default().into();
        let call = Call::Accept { session, data };
        match caller {
            Some(caller) => self.ask_service(call, caller, Then::Accepted(session)),
            None => self.call(call, Purpose::Accepted(session)),
        }
    }

    /// The application has to be installed first: the ring stands still (R15).
    fn missing(&mut self, caller: Option<&Caller>, session: SessionId, data: Option<Data>) {
        let Some(held) = self.held.get_mut(&session) else { return };
        held.doing = Doing::Installing(data);
        let app = held.app.clone();
        self.unsaved = true;
        self.timers.set(Deadline::Ring(session), None);
        self.progress(session, Stage::Installing, None);
        let event = local::Event::AppNotPresent { session, name: app.name.clone(), url: app.url.clone() };
        self.tell_local(session, &event);
        self.outputs.push_back(Output::Quiet { session });
        self.outputs.push_back(Output::Missing { session, app });
        if let Some(caller) = caller {
            self.refuse(caller, Code::S_FALSE);
        }
    }

    /// An application has been registered: what waited for it is accepted now.
    pub(super) fn installed(&mut self, guid: hither_wire::Guid) {
        let waiting = self.held.values().filter(|held| held.app.guid == guid);
        let waiting: Vec<(SessionId, Option<Data>)> = waiting
            .filter_map(|held| {
                let Doing::Installing(data) = &held.doing else { return None };
                Some((held.session, data.clone()))
            })
            .collect();
        for (session, data) in waiting {
            self.outputs.push_back(Output::Quiet { session });
            self.accept(None, session, data);
        }
    }

    /// The service has answered an acceptance of the person.
    pub(super) fn not_accepted(&mut self, session: SessionId, refused: bool) {
        if let Some(held) = self.held.get_mut(&session).filter(|held| refused && held.doing == Doing::Accepting) {
            held.doing = Doing::Ringing;
            self.unsaved = true;
        }
    }

    /// The service has answered an invitation.
    pub(super) fn invited(&mut self, session: SessionId, refused: bool) {
        if refused && !self.client.as_ref().is_some_and(|client| client.is_live(session)) {
            self.held.remove(&session);
            self.unsaved = true;
            if let Some(client) = &mut self.client {
                client.forget(session);
            }
        }
    }

    fn accepted(&mut self, session: SessionId, data: Option<Data>, address: Option<Address>) {
        self.timers.set(Deadline::Ring(session), None);
        self.outputs.push_back(Output::Quiet { session });
        let local = self.client.as_ref().and_then(|client| client.session(session)?.local);
        let Some(held) = self.held.get_mut(&session) else { return };
        held.remote = address;
        held.local = local;
        if held.inviter {
            held.data = data;
        }
        match held.doing {
            Doing::Accepting | Doing::Inviting => self.ready_to_launch(session),
            Doing::ByApplication
            | Doing::Asked(_)
            | Doing::Handled
            | Doing::Answering
            | Doing::Ringing
            | Doing::Installing(_)
            | Doing::Deciding(_)
            | Doing::LeftTo
            | Doing::Launching
            | Doing::Started
            | Doing::Running
            | Doing::Failed
            | Doing::Leaving
            | Doing::Rehearsed
            | Doing::Checking => {}
        }
    }

    /// An application has accepted, or attached: the session is its own from now on.
    pub(super) fn took(&mut self, session: SessionId, program: ProgramId, refused: bool) {
        let Some(held) = self.held.get_mut(&session) else { return };
        if refused {
            // The application could not answer, so the person is asked.
            if held.doing == Doing::Answering {
                self.ring(session);
            }
            return;
        }
        if held.owner.is_none() {
            held.owner = Some(program);
            held.doing = Doing::Running;
            self.timers.set(Deadline::Attach(session), None);
            self.unsaved = true;
            self.not_for_others(session, program);
        }
    }

    /// The other applications that the invitation was shown to see what another device sees (R25).
    pub(super) fn not_for_others(&mut self, session: SessionId, owner: ProgramId) {
        let Some(held) = self.held.get_mut(&session) else { return };
        let others: Vec<ProgramId> = std::mem::take(&mut held.shown).into_iter().filter(|id| *id != owner).collect();
        let reason = Some(Elsewhere::AcceptedElsewhere);
        let ended = ended(session, How::Cancelled, Code::SR_SESSION_CANCELLED_REMOTE, reason);
        for program in others {
            self.push(program, ended.clone());
            self.ended_for(program, session);
        }
    }

    /// A session has ended.
    pub(super) fn over(&mut self, session: SessionId) {
        self.timers.set(Deadline::Ring(session), None);
        self.timers.set(Deadline::Attach(session), None);
        self.outputs.push_back(Output::Quiet { session });
        self.forget_questions(session);
        if let Some(held) = self.held.remove(&session) {
            for program in held.owner.into_iter().chain(held.shown) {
                self.ended_for(program, session);
            }
        }
        self.rehearsed.remove(&session);
        self.unsaved = true;
    }

    /// Something about a session that only an agent tells.
    pub(super) fn tell_local(&mut self, session: SessionId, event: &local::Event) {
        let frame = ServerFrame::Local(Box::new(event.clone()));
        self.tell_watchers(&frame);
        let Some(held) = self.held.get(&session) else { return };
        let parts = held.owner.iter().chain(&held.shown);
        let links: Vec<_> = parts.filter_map(|id| self.programs.get(id)?.link).collect();
        self.outputs.extend(links.into_iter().map(|link| Output::Send { link, frame: frame.clone() }));
    }

    /// Tells the inviter how far it is (R24).
    pub(super) fn progress(&mut self, session: SessionId, stage: Stage, code: Option<Code>) {
        if self.held.get(&session).is_some_and(|held| !held.inviter) {
            self.ask_session(Call::Progress { session, stage, code }, Purpose::Own);
        }
    }

    /// The agent's own call about a session; a rehearsed one knows no service.
    pub(super) fn ask_session(&mut self, call: Call, purpose: Purpose) {
        let rehearsed = |session| self.rehearsed.contains_key(session);
        if let Call::Cancel { session, hr, .. } = &call
            && rehearsed(session)
        {
            self.rehearsal_cancelled(*session, *hr);
        } else if let Call::Attach { session } = &call
            && rehearsed(session)
        {
            self.rehearsal_attached(*session);
        } else if !matches!(&call, Call::Progress { session, .. } if rehearsed(session)) {
            self.call(call, purpose);
        }
    }

    /// The person's presence is another one now.
    pub(super) fn status_chosen(&mut self, status: Status) {
        let was = std::mem::replace(&mut self.status, status);
        self.unsaved = true;
        if was == Status::Busy && status != Status::Busy {
            let quiet = self.held.values().filter(|held| held.doing == Doing::Ringing && !held.inviter);
            for session in quiet.map(|held| held.session).collect::<Vec<_>>() {
                self.ring(session);
            }
        }
    }

    /// Signed in again: what was going on goes on.
    pub(super) fn back(&mut self, resumed: bool) {
        let restored = std::mem::take(&mut self.restored);
        for session in self.held.keys().copied().collect::<Vec<_>>() {
            let known = self.client.as_ref().is_some_and(|client| client.session(session).is_some());
            if !known && !self.rehearsed.contains_key(&session) {
                self.over(session);
            } else if resumed && restored.contains(&session) {
                self.take_up(session);
            }
        }
    }

    /// Who invites into what, if that invitation waits for an answer here.
    pub fn ringing(&self, session: SessionId) -> Option<(&PersonName, &Application)> {
        let held = self.held.get(&session).filter(|held| !held.inviter)?;
        (self.state(session) == State::Invitation).then_some((&held.user, &held.app))
    }

    /// The sessions of this machine that are not over.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        self.held.keys().copied()
    }

    /// The person is not signed in any more.
    pub(super) fn leave(&mut self, code: Code) {
        self.presence.clear();
        for session in self.held.keys().copied().collect::<Vec<_>>() {
            self.over(session);
        }
        let frame = ServerFrame::Event(EventFrame { seq: None, event: Event::SignedOut { code } });
        for program in self.programs.keys().copied().collect::<Vec<_>>() {
            let link = self.programs.get(&program).and_then(|program| program.link);
            if let Some(link) = link {
                self.outputs.push_back(Output::Send { link, frame: frame.clone() });
                self.close(link, Close::Normal);
            }
            self.drop_program(program);
        }
    }
}

/// An end that the agent knows of and the service does not tell.
pub(super) fn ended(session: SessionId, how: How, code: Code, reason: Option<Elsewhere>) -> Event {
    let by = (how == How::Cancelled).then_some(By::Remote);
    Event::Ended(Box::new(Ended { session, how, by, code, data: None, reason }))
}
