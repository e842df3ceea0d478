//! Starting applications: when, and when that has failed. Every failure ends the session with
//! `SR_APPLICATION_LAUNCH_FAILED` on both sides.

use hither_wire::local::{self, Launching};
use hither_wire::message::{Answer, Event, How, Stage};
use hither_wire::{Code, SessionId, State};

use super::links::Caller;
use super::port::{Launch, LinkId, Output, Process, Ticket};
use super::programs::ProgramId;
use super::service::Purpose;
use super::sessions::{Doing, Held};
use super::{Agent, Deadline};
use crate::Millis;
use crate::client::Call;

/// How long a started application takes to attach. The service waits a minute (R16); whoever waits
/// for the application hears of it a little earlier, with the reason.
const ATTACH_MS: Millis = 50_000;

impl Agent {
    /// Accepted: the application is to be started, unless a running one says otherwise.
    pub(super) fn ready_to_launch(&mut self, session: SessionId) {
        self.tell_local(session, &local::Event::ReadyToLaunch { session });
        let Some(held) = self.held.get(&session) else { return };
        let running =
            held.shown.iter().filter(|id| self.programs.get(id).is_some_and(|program| program.link.is_some()));
        let running: std::collections::BTreeSet<ProgramId> = running.copied().collect();
        if running.is_empty() {
            return self.launch(session);
        }
        let question = self.ask_whether_to_launch(session, &running);
        self.now_doing(session, Doing::Deciding(question));
    }

    pub(super) fn launch(&mut self, session: SessionId) {
        let Some(held) = self.held.get_mut(&session) else { return };
        let application = held.app.guid;
        if !self.apps.contains_key(&application) {
            return self.launch_failed(session, "the application is not registered on this machine");
        }
        held.doing = Doing::Launching;
        let (local, remote) = (held.local.clone(), held.remote.clone());
        self.unsaved = true;
        self.launch_stage(session, Stage::Launching, None);
        self.outputs.push_back(Output::Launch(Launch { session, application, local, remote }));
    }

    /// The shell has started it, or could not.
    pub(super) fn launched(&mut self, session: SessionId, result: Result<(Process, Box<str>), String>) {
        let Some(held) = self.held.get_mut(&session).filter(|held| held.doing == Doing::Launching) else { return };
        let (process, secret) = match result {
            Ok(started) => started,
            Err(why) => return self.launch_failed(session, &why),
        };
        held.process = Some(process);
        held.secret = Some(secret);
        held.doing = Doing::Started;
        let mode = self.apps.get(&held.app.guid).map(|entry| entry.mode).unwrap_or_default();
        self.unsaved = true;
        self.launch_stage(session, Stage::Launched, None);
        if mode.is_attached_by_agent() {
            self.now_doing(session, Doing::Running);
            self.ask_session(Call::Attach { session }, Purpose::Own);
        } else {
            self.timers.set(Deadline::Attach(session), Some(self.now + ATTACH_MS));
        }
    }

    /// A started process has ended.
    pub(super) fn exited(&mut self, session: SessionId, why: &str) {
        let Some(held) = self.held.get_mut(&session) else { return };
        held.process = None;
        self.unsaved = true;
        match (&held.doing, held.owner) {
            (Doing::Started, _) => self.launch_failed(session, why),
            // Nobody else could end the session of an application that knows nothing of it.
            (Doing::Running, None) => {
                self.now_doing(session, Doing::Leaving);
                self.ask_session(Call::Cancel { session, hr: Code::S_OK, data: "".into() }, Purpose::Own);
            }
            // One that is gone with its connection does not come back.
            (Doing::Running, Some(owner))
                if self.programs.get(&owner).is_some_and(|program| program.link.is_none()) =>
            {
                self.drop_program(owner);
            }
            _ => {}
        }
    }

    /// The application does not run: both sides are told, and the person why.
    pub(super) fn launch_failed(&mut self, session: SessionId, why: &str) {
        let code = Code::SR_APPLICATION_LAUNCH_FAILED;
        self.timers.set(Deadline::Attach(session), None);
        self.now_doing(session, Doing::Failed);
        tracing::warn!(%session, why, "the application was not launched");
        self.launch_stage(session, Stage::LaunchFailed, Some(why));
        self.ask_session(Call::Cancel { session, hr: code, data: "".into() }, Purpose::Own);
    }

    /// `GetLaunchingSession`.
    pub(super) fn launching(&mut self, caller: Caller, process: Option<u32>, secret: Option<&str>) {
        let by_secret = self.held.values().find(|held| secret.is_some() && held.secret.as_deref() == secret);
        let own = self.links.get(&caller.link).and_then(|link| link.process);
        // Only the process itself may name itself by what its environment says.
        if let (Some(held), true) = (by_secret, process.is_none() || process == own) {
            let session = held.session;
            return self.hand_over(&caller, Some(session));
        }
        let among = self.held.values().filter_map(|held| Some((held.session, held.process?))).collect();
        match process.or(own) {
            // Of another process only one that belongs to the caller's own session may be asked for.
            Some(asked) if process.is_some() && process != own => {
                let Some(own) = own else { return self.hand_over(&caller, None) };
                let mine = self.held.values().find(|held| held.process.is_some_and(|process| process.id == asked));
                let among = mine.and_then(|held| Some((held.session, held.process?))).into_iter().collect();
                self.wait(caller, |ticket| Output::Trace { ticket, process: own, among });
            }
            Some(process) => self.wait(caller, |ticket| Output::Trace { ticket, process, among }),
            None => self.hand_over(&caller, None),
        }
    }

    /// The shell has found out which session a process belongs to.
    pub(super) fn traced(&mut self, ticket: Ticket, session: Option<SessionId>) {
        if let Some(caller) = self.tickets.remove(&ticket) {
            self.hand_over(&caller, session);
        }
    }

    /// Hands a session to the process that it has started, and attaches it (R7).
    fn hand_over(&mut self, caller: &Caller, session: Option<SessionId>) {
        let program = caller.program.as_ref().map(|(program, _)| *program);
        let held = session.and_then(|session| self.held.get(&session));
        let state = session.map_or(State::Unknown, |session| self.state(session));
        let (Some(held), Some(program)) = (held, program) else {
            return self.refuse_because(caller, Code::E_FAIL, "no session has started this process");
        };
        let taken = held.owner.is_some_and(|owner| {
            owner != program && self.programs.get(&owner).is_some_and(|owner| owner.link.is_some())
        });
        if taken || !matches!(state, State::Accepted | State::Connected) {
            let message = if taken { "another process has taken the session" } else { "the session is over" };
            return self.refuse_because(caller, Code::E_FAIL, message);
        }
        let answer = local::Answer::Launching(Box::new(launching_answer(held)));
        self.reply(caller, Answer { agent: Some(answer), ..Answer::new(caller.id, Code::S_OK) });
    }

    /// The answer is out, perhaps behind others: only now the application knows the session, and can be
    /// told of it.
    pub(super) fn handed_over(&mut self, link: LinkId, program: ProgramId, session: SessionId) {
        let state = self.state(session);
        let Some(held) = self.held.get_mut(&session) else {
            let ended = super::sessions::ended(session, How::Terminated, Code::SR_CONNECTION_FAILURE, None);
            return self.push(program, ended);
        };
        let before = held.owner.replace(program);
        held.doing = Doing::Running;
        self.unsaved = true;
        self.timers.set(Deadline::Attach(session), None);
        if let Some(before) = before.filter(|before| *before != program) {
            self.drop_program(before);
        }
        self.not_for_others(session, program);
        match (before == Some(program), state) {
            (true, _) => {}
            (false, State::Connected) => self.push(program, Event::Connected { session }),
            (false, _) => self.ask_session(Call::Attach { session }, Purpose::Own),
        }
        self.flush(link);
    }

    /// Goes on with a session after the agent was started anew, or was away.
    pub(super) fn take_up(&mut self, session: SessionId) {
        let state = self.state(session);
        let Some(held) = self.held.get(&session) else { return };
        let (doing, process, until) = (held.doing.clone(), held.process, held.until);
        if let Some(process) = process {
            self.outputs.push_back(Output::Watch { session, process });
        }
        match doing {
            Doing::Asked(question) if self.questions.contains_key(&question) => {}
            Doing::Asked(_) | Doing::Ringing if until.is_some_and(|until| until > self.now) => self.ring(session),
            Doing::Installing(_) => {
                let guid = held.app.guid;
                if self.apps.contains_key(&guid) {
                    self.installed(guid);
                } else {
                    let app = held.app.clone();
                    self.outputs.push_back(Output::Missing { session, app });
                }
            }
            Doing::Deciding(question) if self.questions.contains_key(&question) => {}
            Doing::Deciding(_) | Doing::Launching if state == State::Accepted => self.launch(session),
            Doing::Started => self.timers.set(Deadline::Attach(session), Some(self.now + ATTACH_MS)),
            Doing::ByApplication
            | Doing::Inviting
            | Doing::Asked(_)
            | Doing::Handled
            | Doing::Answering
            | Doing::Ringing
            | Doing::Accepting
            | Doing::Deciding(_)
            | Doing::LeftTo
            | Doing::Launching
            | Doing::Running
            | Doing::Failed
            | Doing::Leaving
            | Doing::Rehearsed
            | Doing::Checking => {}
        }
    }

    /// How far it is: for the inviter, and for the person's tools.
    fn launch_stage(&mut self, session: SessionId, stage: Stage, why: Option<&str>) {
        let code = (stage == Stage::LaunchFailed).then_some(Code::SR_APPLICATION_LAUNCH_FAILED);
        self.progress(session, stage, code);
        let event = local::Event::Launch { session, stage, why: why.map(Into::into) };
        self.tell_watchers(&hither_wire::ServerFrame::Local(Box::new(event)));
    }
}

fn launching_answer(held: &Held) -> Launching {
    Launching {
        session: held.session,
        inviter: held.inviter,
        user: held.user.clone(),
        friendly_name: held.friendly_name.clone(),
        app: held.app.clone(),
        data: held.data.clone(),
        local: held.local.clone(),
        remote: held.remote.clone(),
    }
}
