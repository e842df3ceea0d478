//! A connection: `hello` first, then sign-in, then requests, answered in their order.

use std::collections::VecDeque;

use hither_wire::message::{Answer, Ask, Hello, Request, SettingsChange, Welcome};
use hither_wire::{ClientFrame, Code, Malformed, PersonName, ServerFrame, limits, version};

use super::locks::Object;
use super::port::{Change, Close, ConnId, Output};
use super::{Deadline, Job, Service, Waiting, Who};

#[derive(Debug)]
pub struct Conn {
    stage: Stage,
    /// What the client called itself in `hello`.
    client: Box<str>,
    /// Whether a request waits for the store or for authentication.
    busy: bool,
    /// What the operator did while a sign-in was being checked.
    doubts: Doubts,
    queue: VecDeque<Queued>,
}

#[derive(Debug)]
enum Stage {
    Fresh,
    Greeted,
    /// A sign-in is being checked.
    SigningIn(SigningIn),
    SignedIn(Who),
    Closing,
}

/// A request in the queue, or a refusal that keeps its place in it.
#[derive(Debug)]
struct Queued {
    ack: Option<u64>,
    ask: Result<Ask, Answer>,
}

/// Where a request came from.
struct From {
    conn: ConnId,
    id: u64,
    /// Which of several applications behind one agent.
    object: Object,
}

/// What a sign-in had asked for.
#[derive(Clone, Copy, Debug)]
pub struct SigningIn {
    pub id: u64,
    /// To go on in this stay, after this event.
    pub resume: Option<(u64, u64)>,
    pub status: Option<hither_wire::Status>,
}

impl Conn {
    pub fn who(&self) -> Option<&Who> {
        match &self.stage {
            Stage::SignedIn(who) => Some(who),
            Stage::Fresh | Stage::Greeted | Stage::SigningIn(_) | Stage::Closing => None,
        }
    }

    /// Takes the sign-in that was being checked; the connection is greeted again.
    pub fn take_signing_in(&mut self) -> Option<SigningIn> {
        let Stage::SigningIn(asked) = self.stage else { return None };
        self.stage = Stage::Greeted;
        self.busy = false;
        Some(asked)
    }

    pub fn signed_in(&mut self, who: Who) {
        self.stage = Stage::SignedIn(who);
    }

    /// Something was done to this person that concerns a sign-in that is being checked.
    pub fn doubt(&mut self, name: &PersonName, doubt: Doubt) {
        if matches!(self.stage, Stage::SigningIn(_)) {
            self.doubts.add(name, doubt);
        }
    }

    pub fn take_doubts(&mut self) -> Doubts {
        std::mem::take(&mut self.doubts)
    }
}

/// Why a sign-in may have been judged by what no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The person's record is another one.
    Changed,
    /// The person was signed out everywhere, or cannot sign in any more.
    PutOut,
}

/// To whom something was done while a sign-in was being checked.
#[derive(Debug, Default)]
pub struct Doubts {
    of: Vec<(PersonName, Doubt)>,
    /// The worst of those beyond what fits: everybody is in doubt then.
    others: Option<Doubt>,
}

/// A sign-in is checked in a moment; more happens meanwhile only when a list is worked through.
const DOUBTS: usize = 64;

impl Doubts {
    fn add(&mut self, name: &PersonName, doubt: Doubt) {
        if let Some((_, known)) = self.of.iter_mut().find(|(of, _)| of == name) {
            *known = doubt.max(*known);
        } else if self.of.len() < DOUBTS {
            self.of.push((name.clone(), doubt));
        } else {
            self.others = self.others.max(Some(doubt));
        }
    }

    pub fn of(&self, name: &PersonName) -> Option<Doubt> {
        let known = self.of.iter().find(|(of, _)| of == name).map(|(_, doubt)| *doubt);
        known.max(self.others)
    }
}

impl Service {
    pub(super) fn opened(&mut self, conn: ConnId) {
        self.conns.insert(
            conn,
            Conn {
                stage: Stage::Fresh,
                client: "".into(),
                busy: false,
                doubts: Doubts::default(),
                queue: VecDeque::new(),
            },
        );
        self.timers.set(Deadline::SignIn(conn), Some(self.now + self.config.sign_in_ms));
    }

    pub(super) fn received(&mut self, conn: ConnId, frame: Result<ClientFrame, Malformed>) {
        let queued = match frame {
            Ok(ClientFrame { ack, ask }) => {
                if let Some(ack) = ack
                    && let Some(who) = self.conns.get(&conn).and_then(Conn::who)
                {
                    let who = who.clone();
                    self.acknowledged(&who, ack);
                }
                let Some(ask) = ask else { return };
                Queued { ack, ask: Ok(ask) }
            }
            Err(Malformed { id: Some(id), code, message }) => {
                Queued { ack: None, ask: Err(Answer::refusal(id, code, message)) }
            }
            Err(Malformed { id: None, .. }) => return self.close(conn, Close::Malformed),
        };
        let Some(state) = self.conns.get_mut(&conn) else { return };
        if matches!(state.stage, Stage::Closing) {
            return;
        }
        if state.queue.len() + usize::from(state.busy) >= limits::REQUESTS_IN_FLIGHT {
            return self.close(conn, Close::TooManyRequests);
        }
        state.queue.push_back(queued);
        self.work(conn);
    }

    /// Takes requests from the queue until one has to wait.
    pub(super) fn work(&mut self, conn: ConnId) {
        while let Some(state) = self.conns.get_mut(&conn) {
            if state.busy || matches!(state.stage, Stage::Closing) {
                return;
            }
            let Some(Queued { ack, ask }) = state.queue.pop_front() else {
                state.queue.shrink_to_fit();
                return;
            };
            match ask {
                Ok(ask) => self.ask(conn, ack, ask),
                Err(refusal) => self.answer(conn, refusal),
            }
        }
    }

    pub(super) fn closed(&mut self, conn: ConnId) {
        self.timers.set(Deadline::SignIn(conn), None);
        let Some(state) = self.conns.remove(&conn) else { return };
        if let Some(who) = state.who() {
            self.detach(&who.clone());
        }
    }

    /// Closes a connection; its device, if it had one, is waited for.
    pub(super) fn close(&mut self, conn: ConnId, why: Close) {
        self.timers.set(Deadline::SignIn(conn), None);
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let stage = std::mem::replace(&mut state.stage, Stage::Closing);
        state.queue = VecDeque::new();
        if matches!(stage, Stage::Closing) {
            return;
        }
        self.outputs.push_back(Output::Close { conn, why });
        if let Stage::SignedIn(who) = stage {
            self.detach(&who);
        }
    }

    fn ask(&mut self, conn: ConnId, ack: Option<u64>, ask: Ask) {
        let Some(state) = self.conns.get_mut(&conn) else { return };
        let id = ask.id;
        match (&mut state.stage, ask.request) {
            (Stage::Fresh, Request::Hello(hello)) => self.hello(conn, id, &hello),
            (Stage::Fresh, _) => self.close(conn, Close::Hello),
            (_, Request::Hello(_)) => {
                let message = "`hello` has been said on this connection already";
                self.answer(conn, Answer::refusal(id, Code::E_INVALIDARG, message));
            }
            (_, Request::Ping) => self.answer(conn, Answer::new(id, Code::S_OK)),
            (Stage::Greeted, Request::SignIn(sign_in)) => {
                let resume = sign_in.epoch.zip(ack);
                state.stage = Stage::SigningIn(SigningIn { id, resume, status: sign_in.status });
                state.busy = true;
                let client = state.client.clone();
                self.outputs.push_back(Output::Authenticate { conn, sign_in, client });
            }
            (_, Request::SignIn(_)) => self.answer(conn, Answer::new(id, Code::MSGR_E_ALREADY_LOGGED_ON)),
            (Stage::SignedIn(who), request) => {
                let who = who.clone();
                let from = From { conn, id, object: ask.object };
                self.ask_signed_in(from, &who, ask.key, request);
            }
            (_, Request::Challenge { .. } | Request::Response(_)) => {
                let code = Code::MSGR_E_API_NOTINITIALIZED;
                self.answer(
                    conn,
                    Answer::refusal(id, code, "there is no lock before you have signed in: sign in first"),
                );
            }
            (_, _) => self.answer(conn, Answer::refusal(id, Code::MSGR_E_NOT_LOGGED_ON, "sign in first")),
        }
    }

    fn hello(&mut self, conn: ConnId, id: u64, hello: &Hello) {
        let Some(version) = version::choose(&hello.versions) else {
            self.answer(conn, Answer::new(id, Code::MSGR_E_SERVER_VERSION));
            return self.close(conn, Close::Hello);
        };
        if let Some(state) = self.conns.get_mut(&conn) {
            state.stage = Stage::Greeted;
            state.client = hello.client.clone().unwrap_or_default();
        }
        let welcome = Welcome {
            version,
            service: concat!("hither/", env!("CARGO_PKG_VERSION")).into(),
            capabilities: Vec::new(),
            frame_bytes: self.config.frame_bytes,
            requests_in_flight: limits::REQUESTS_IN_FLIGHT as u64,
            keepalive_ms: self.config.keepalive_ms,
        };
        self.answer(conn, Answer { hello: Some(welcome), ..Answer::new(id, Code::S_OK) });
    }

    /// A request of somebody who is signed in: answered from memory if its key has been answered,
    /// joined to its first sending if that still waits, else applied.
    fn ask_signed_in(&mut self, from: From, who: &Who, key: Option<Box<str>>, request: Request) {
        let From { conn, id, object } = from;
        if let Some(key) = &key {
            if let Some(code) = self.device_mut(who).and_then(|device| device.answered(key)) {
                return self.answer(conn, Answer::new(id, code));
            }
            let same = |w: &&mut Waiting| w.who == *who && w.key.as_ref() == Some(key);
            if let Some(waiting) = self.waiting.values_mut().find(same) {
                (waiting.conn, waiting.id) = (conn, id);
                return self.set_busy(conn, true);
            }
        }
        let waiting = |job| Waiting { who: who.clone(), conn, id, key: key.clone(), job };
        match request {
            Request::SignOut { revoke: false } => self.sign_out(conn, who, id),
            Request::SignOut { revoke: true } => {
                let change = Change::RevokeTokens { device: who.device };
                self.change(waiting(Job::SignOut), change);
            }
            Request::Invite(invite) => match self.locked(who, &object, invite.app.guid) {
                Some(refusal) => self.reply(conn, who, key, Answer { re: id, ..refusal }),
                None => self.invite(waiting(Job::Invite(invite.clone())), &invite),
            },
            request @ (Request::Challenge { .. } | Request::Response(_) | Request::Release) => {
                self.ask_lock(waiting(Job::Challenge(object.clone())), object, request);
            }
            Request::Contact { action, who: contact } => {
                let change = Change::Contact { action, who: contact.clone() };
                match self.judge_contact(&who.person, action, &contact) {
                    Some(Code::E_INVALIDARG) => {
                        let message = "you cannot add or block yourself";
                        self.reply(conn, who, key, Answer::refusal(id, Code::E_INVALIDARG, message));
                    }
                    Some(code) => self.reply(conn, who, key, Answer::new(id, code)),
                    None => self.change(waiting(Job::Change(change.clone())), change),
                }
            }
            Request::Settings(SettingsChange { invitations: None, show_declines: None }) => {
                let settings = self.person(&who.person).map(|person| person.record.settings);
                self.answer(conn, Answer { settings, ..Answer::new(id, Code::S_OK) });
            }
            Request::Settings(change) => {
                let change = Change::Settings(change);
                self.change(waiting(Job::Change(change.clone())), change);
            }
            Request::Contacts => {
                let contacts = Some(self.contact_list(&who.person));
                self.answer(conn, Answer { contacts, ..Answer::new(id, Code::S_OK) });
            }
            Request::SetStatus { status } => {
                self.set_status(who, status);
                self.reply(conn, who, key, Answer::new(id, Code::S_OK));
            }
            Request::Account(request) => self.account(waiting, *request),
            // A service reads none of these.
            Request::Local(_) => self.answer(conn, Answer::new(id, Code::E_INVALIDARG)),
            session @ (Request::Hello(_)
            | Request::SignIn(_)
            | Request::Ping
            | Request::Accept(_)
            | Request::Decline { .. }
            | Request::Ignore { .. }
            | Request::Cancel { .. }
            | Request::Attach { .. }
            | Request::Context { .. }
            | Request::Progress { .. }) => {
                let answer = self.session_request(who, session);
                self.reply(conn, who, key, Answer { re: id, ..answer });
            }
        }
    }

    /// Answers, and keeps the answer if the request had a key.
    pub(super) fn reply(&mut self, conn: ConnId, who: &Who, key: Option<Box<str>>, answer: Answer) {
        if let Some(key) = key
            && let Some(device) = self.device_mut(who)
        {
            device.keep_answer(key, answer.code);
        }
        // A refusal changes what the client does next.
        let can_wait = answer.code == Code::S_OK;
        let frame = ServerFrame::Answer(Box::new(answer));
        self.outputs.push_back(Output::Send { conn, frame, can_wait });
    }

    /// Answers a request that had waited for the store, and goes on with its connection.
    pub(super) fn reply_waiting(&mut self, waiting: Waiting, answer: Answer) {
        let Waiting { who, conn, id, key, .. } = waiting;
        if self.conns.contains_key(&conn) {
            self.reply(conn, &who, key, Answer { re: id, ..answer });
        } else if let (Some(key), Some(device)) = (key, self.device_mut(&who)) {
            device.keep_answer(key, answer.code);
        }
        self.set_busy(conn, false);
        self.work(conn);
    }

    /// Puts a request aside until the store has answered.
    pub(super) fn wait(&mut self, waiting: Waiting, output: impl FnOnce(super::Ticket) -> Output) {
        self.set_busy(waiting.conn, true);
        let ticket = self.ticket(waiting);
        self.outputs.push_back(output(ticket));
    }

    fn set_busy(&mut self, conn: ConnId, busy: bool) {
        if let Some(state) = self.conns.get_mut(&conn) {
            state.busy = busy;
        }
    }
}
