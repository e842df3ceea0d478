//! Local connections: `hello` first, then an application signs in or the person's tool says that it
//! is one. Answers go out in the order of the requests, whoever has to be asked for them.

use std::collections::VecDeque;

use hither_wire::message::{Answer, Ask, Credential, EventFrame, Hello, Request, SignIn, SignedIn, Welcome};
use hither_wire::{ClientFrame, Code, Event, Malformed, ServerFrame, limits, local, version};

use super::port::{LinkId, Output, Ticket};
use super::programs::ProgramId;
use super::{Agent, Deadline};
use crate::Millis;
use crate::service::Close;

/// Local connections at a time.
const LINKS: usize = 128;
/// How long a local connection takes to say who it is.
const GREETING_MS: Millis = 10_000;
/// On a machine's own socket a lost connection shows by itself.
const KEEPALIVE_MS: Millis = 60 * 60 * 1000;
/// How long an application that has lost its connection is waited for (R17).
pub(super) const GRACE_MS: Millis = 30_000;

#[derive(Debug)]
pub(super) struct Link {
    pub stage: Stage,
    /// The process at the other end.
    pub process: Option<u32>,
    /// Requests without an answer, in their order, with those answers that have to wait.
    slots: VecDeque<(u64, Option<Answer>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Fresh,
    Greeted,
    /// An application.
    Program(ProgramId),
    /// A tool of the person.
    Person {
        watch: bool,
    },
    Closing,
}

impl Stage {
    /// Whether it is told how things are.
    pub fn is_told(self) -> bool {
        matches!(self, Stage::Program(_) | Stage::Person { watch: true })
    }
}

/// Who waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    pub link: LinkId,
    /// The request's id.
    pub id: u64,
    /// The application, if it is one, with the request's idempotency key.
    pub program: Option<(ProgramId, Option<Box<str>>)>,
}

impl Agent {
    pub(super) fn linked(&mut self, link: LinkId, process: Option<u32>) {
        self.links.insert(link, Link { stage: Stage::Fresh, process, slots: VecDeque::new() });
        if self.links.len() > LINKS {
            return self.close(link, Close::TooManyRequests);
        }
        self.timers.set(Deadline::Greeting(link), Some(self.now + GREETING_MS));
    }

    pub(super) fn unlinked(&mut self, link: LinkId) {
        self.timers.set(Deadline::Greeting(link), None);
        if let Some(Link { stage: Stage::Program(program), .. }) = self.links.remove(&link) {
            self.program_away(program, link);
        }
    }

    pub(super) fn received(&mut self, link: LinkId, frame: Result<ClientFrame, Malformed>) {
        let Some(state) = self.links.get_mut(&link).filter(|state| state.stage != Stage::Closing) else { return };
        let (ack, ask) = match frame {
            Ok(ClientFrame { ack, ask }) => (ack, ask.map(Ok)),
            Err(Malformed { id: Some(id), code, message }) => (None, Some(Err(Answer::refusal(id, code, message)))),
            Err(Malformed { id: None, .. }) => return self.close(link, Close::Malformed),
        };
        let stage = state.stage;
        if let Some(ask) = &ask {
            if state.slots.len() >= limits::REQUESTS_IN_FLIGHT {
                return self.close(link, Close::TooManyRequests);
            }
            let id = ask.as_ref().map_or_else(|refusal| refusal.re, |ask| ask.id);
            state.slots.push_back((id, None));
        }
        if let (Some(ack), Stage::Program(program)) = (ack, stage)
            && let Some(program) = self.programs.get_mut(&program)
        {
            program.outbox.acknowledge(ack);
            self.unsaved = true;
        }
        match ask {
            Some(Ok(ask)) => self.ask(link, stage, ack, ask),
            Some(Err(refusal)) => self.answer(link, refusal),
            None => {}
        }
    }

    /// Answers a request when those before it are answered.
    pub(super) fn answer(&mut self, link: LinkId, answer: Answer) {
        let Some(state) = self.links.get_mut(&link) else { return };
        if let Some(slot) = state.slots.iter_mut().find(|(id, kept)| *id == answer.re && kept.is_none()) {
            slot.1 = Some(answer);
        }
        self.flush(link);
    }

    /// Sends the answers that wait for none before them.
    pub(super) fn flush(&mut self, link: LinkId) {
        while let Some(state) = self.links.get_mut(&link)
            && let Some((_, Some(_))) = state.slots.front()
        {
            let Some((_, Some(answer))) = state.slots.pop_front() else { return };
            let handed = match &answer.agent {
                Some(local::Answer::Launching(launching)) => Some(launching.session),
                Some(local::Answer::Sessions(_) | local::Answer::Status(_)) | None => None,
            };
            let program = if let Stage::Program(program) = state.stage { Some(program) } else { None };
            self.outputs.push_back(Output::Send { link, frame: ServerFrame::Answer(Box::new(answer)) });
            if let Some((program, session)) = program.zip(handed) {
                return self.handed_over(link, program, session);
            }
        }
    }

    /// Answers whoever waits, and keeps the answer of a keyed request of an application.
    pub(super) fn reply(&mut self, caller: &Caller, answer: Answer) {
        if let Some((program, Some(key))) = &caller.program
            && let Some(program) = self.programs.get_mut(program)
        {
            program.outbox.keep_answer(key.clone(), answer.code);
            self.unsaved = true;
        }
        self.answer(caller.link, Answer { re: caller.id, ..answer });
    }

    pub(super) fn refuse(&mut self, caller: &Caller, code: Code) {
        self.reply(caller, Answer::new(caller.id, code));
    }

    pub(super) fn refuse_because(&mut self, caller: &Caller, code: Code, message: impl Into<Box<str>>) {
        self.reply(caller, Answer::refusal(caller.id, code, message));
    }

    /// Puts a request aside until the shell has answered.
    pub(super) fn wait(&mut self, caller: Caller, output: impl FnOnce(Ticket) -> Output) {
        let ticket = Ticket(self.number());
        self.tickets.insert(ticket, caller);
        self.outputs.push_back(output(ticket));
    }

    /// Closes a connection; its application, if it is one, is waited for.
    pub(super) fn close(&mut self, link: LinkId, why: Close) {
        self.timers.set(Deadline::Greeting(link), None);
        let Some(state) = self.links.get_mut(&link) else { return };
        let stage = std::mem::replace(&mut state.stage, Stage::Closing);
        state.slots = VecDeque::new();
        if stage != Stage::Closing {
            self.outputs.push_back(Output::Close { link, code: why.number() });
        }
        if let Stage::Program(program) = stage {
            self.program_away(program, link);
        }
    }

    /// An event that says how things are now, to every application and every tool that watches.
    pub(super) fn tell_everybody(&mut self, event: &local::Event) {
        self.broadcast(&ServerFrame::Local(Box::new(event.clone())), Stage::is_told);
    }

    /// An event to every tool that watches.
    pub(super) fn tell_watchers(&mut self, frame: &ServerFrame) {
        self.broadcast(frame, |stage| stage == Stage::Person { watch: true });
    }

    /// Whether somebody watches.
    pub(super) fn is_watched(&self) -> bool {
        self.links.values().any(|link| link.stage == Stage::Person { watch: true })
    }

    pub(super) fn broadcast(&mut self, frame: &ServerFrame, to: impl Fn(Stage) -> bool) {
        let links = self.links.iter().filter(|(_, state)| to(state.stage)).map(|(link, _)| *link);
        let sends = links.map(|link| Output::Send { link, frame: frame.clone() });
        self.outputs.extend(sends);
    }

    fn ask(&mut self, link: LinkId, stage: Stage, ack: Option<u64>, ask: Ask) {
        let Ask { id, key, request, .. } = ask;
        match (stage, request) {
            (Stage::Closing, _) => {}
            (Stage::Fresh, Request::Hello(hello)) => self.hello(link, id, &hello),
            (Stage::Fresh, _) => self.close(link, Close::Hello),
            (_, Request::Hello(_)) => self.answer(link, Answer::new(id, Code::E_INVALIDARG)),
            (_, Request::Ping) => self.answer(link, Answer::new(id, Code::S_OK)),
            (Stage::Greeted, Request::SignIn(sign_in)) => self.program_signs_in(link, id, ack, &sign_in),
            (_, Request::SignIn(_)) => self.answer(link, Answer::new(id, Code::MSGR_E_ALREADY_LOGGED_ON)),
            (Stage::Program(program), request) => {
                self.ask_program(Caller { link, id, program: Some((program, key)) }, program, request);
            }
            (Stage::Person { .. }, request) => self.ask_person(&Caller { link, id, program: None }, request),
            (Stage::Greeted, Request::Local(request)) if let local::Request::Person { watch } = *request => {
                self.timers.set(Deadline::Greeting(link), None);
                if let Some(state) = self.links.get_mut(&link) {
                    state.stage = Stage::Person { watch };
                }
                self.answer(link, Answer::new(id, Code::S_OK));
            }
            (Stage::Greeted, _) => self.answer(link, Answer::new(id, Code::MSGR_E_NOT_LOGGED_ON)),
        }
    }

    fn hello(&mut self, link: LinkId, id: u64, hello: &Hello) {
        let Some(version) = version::choose(&hello.versions) else {
            self.answer(link, Answer::new(id, Code::MSGR_E_SERVER_VERSION));
            return self.close(link, Close::Hello);
        };
        if let Some(state) = self.links.get_mut(&link) {
            state.stage = Stage::Greeted;
        }
        let welcome = Welcome {
            version,
            service: concat!("hither-agent/", env!("CARGO_PKG_VERSION")).into(),
            capabilities: vec!["agent".into()],
            frame_bytes: limits::CLIENT_FRAME_BYTES as u64,
            requests_in_flight: limits::REQUESTS_IN_FLIGHT as u64,
            keepalive_ms: KEEPALIVE_MS,
        };
        self.answer(link, Answer { hello: Some(welcome), ..Answer::new(id, Code::S_OK) });
    }

    fn program_signs_in(&mut self, link: LinkId, id: u64, ack: Option<u64>, sign_in: &SignIn) {
        if sign_in.credential != Credential::Local {
            let message = "an agent takes no password and no token: leave them out, with the name";
            return self.answer(link, Answer::refusal(id, Code::E_INVALIDARG, message));
        }
        let Some(user) = self.client.as_ref().and_then(|client| client.user()).cloned() else {
            let message = "nobody is signed in at the agent: run `hither sign-in NAME@DOMAIN --service URL`";
            return self.answer(link, Answer::refusal(id, Code::MSGR_E_NOT_LOGGED_ON, message));
        };
        let friendly_name = self.client.as_ref().map_or_else(|| "".into(), |client| client.friendly_name().into());
        let Some(seat) = self.seat(link, sign_in, ack) else {
            let message = "too many applications are connected: close some";
            return self.answer(link, Answer::refusal(id, Code::MSGR_E_TOO_MANY_SESSIONS, message));
        };
        self.timers.set(Deadline::Greeting(link), None);
        if let Some(state) = self.links.get_mut(&link) {
            state.stage = Stage::Program(seat.program);
        }
        let presence: Vec<Event> = self.presence_events().collect();
        let signed_in = SignedIn {
            user,
            friendly_name,
            device: seat.device,
            token: None,
            epoch: seat.epoch,
            resumed: seat.resumed,
            grace_ms: GRACE_MS,
            online: presence.len() as u64,
            applications: Some(self.apps.values().map(|entry| entry.app.clone()).collect()),
            address: self.client.as_ref().and_then(|client| client.own_address()).cloned(),
        };
        self.answer(link, Answer { signed_in: Some(Box::new(signed_in)), ..Answer::new(id, Code::S_OK) });
        for event in presence {
            let frame = ServerFrame::Event(EventFrame { seq: None, event });
            self.outputs.push_back(Output::Send { link, frame });
        }
        self.catch_up(seat.program, link);
        self.tell_lock(seat.program);
    }

    pub(super) fn presence_events(&self) -> impl Iterator<Item = Event> {
        self.presence.iter().map(|(who, (friendly_name, status))| Event::Presence {
            who: who.clone(),
            friendly_name: friendly_name.clone(),
            status: *status,
        })
    }
}
