//! A few people and their store: Alice and Bob have each other as contacts, Carol has nobody, and
//! Eve has Alice, who does not have her. Everybody's password is `pw`.

use std::collections::{BTreeMap, HashMap};

use hither_wire::lock::Response;
use hither_wire::message::{Answer, ContactAction, Credential, Data, Event, EventFrame, Settings};
use hither_wire::{Code, Guid, PersonName, ServerFrame, SessionId, decode_client};

use crate::Millis;
use crate::lock::Judgement;
use crate::service::{
    Admitted, Change, Close, Command, Config, ConnId, Denied, Input, Output, Record, Service, Ticket, Told, Whom,
};

pub struct World {
    service: Service,
    now: Millis,
    conns: u64,
    people: BTreeMap<PersonName, Record>,
    sent: HashMap<ConnId, Vec<ServerFrame>>,
    closed: HashMap<ConnId, Close>,
    held: Option<Vec<Output>>,
    loads: usize,
    /// For how long a sign-in counts.
    pub expires_ms: Option<u64>,
    /// What the store says of devices.
    pub devices: Vec<hither_wire::account::Device>,
    /// Challenges drawn so far: they are `c1`, `c2` and so on.
    drawn: u64,
    /// Responses that wait to be judged.
    pub judging: Vec<(Ticket, Box<str>, Box<Response>)>,
    /// What the operator was told last.
    told: Option<(Ticket, Told)>,
    /// Sign-ins that wait to be judged, while they are held.
    signing_in: Option<Vec<Input>>,
    /// The last stay of each device.
    epochs: HashMap<u128, u64>,
}

fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

pub fn id(n: u128) -> SessionId {
    Guid(n)
}

pub fn guid(n: u128) -> String {
    Guid(n).to_string()
}

pub fn app_data(text: &str) -> Data {
    Data::Text(text.into())
}

pub fn invite_frame(id: u64, session: u128, to: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(",{more}") };
    format!(
        r#"{{"id":{id},"do":"invite","session":"{}","to":"{to}","app":{{"guid":"{}"}}{more}}}"#,
        guid(session),
        guid(77)
    )
}

impl World {
    pub fn new(config: Config) -> World {
        let mut people = BTreeMap::new();
        for (who, contacts) in
            [("alice@x", &["bob@x"][..]), ("bob@x", &["alice@x"]), ("carol@x", &[]), ("eve@x", &["alice@x"])]
        {
            let contacts = contacts.iter().map(|contact| (name(contact), "".into())).collect();
            let record = Record {
                name: name(who),
                friendly_name: who.into(),
                contacts,
                blocked: BTreeMap::new(),
                settings: Settings::default(),
            };
            people.insert(name(who), record);
        }
        World {
            service: Service::new(config, 1),
            now: 0,
            conns: 0,
            people,
            sent: HashMap::new(),
            closed: HashMap::new(),
            held: None,
            loads: 0,
            expires_ms: None,
            devices: Vec::new(),
            drawn: 0,
            judging: Vec::new(),
            told: None,
            signing_in: None,
            epochs: HashMap::new(),
        }
    }

    /// The operator changes the settings.
    pub fn configure(&mut self, config: Config) {
        self.service.handle(self.now, Input::Configured(Box::new(config)));
        assert_eq!(self.service.poll_output(), None, "nobody is told, nobody leaves");
    }

    pub fn open(&mut self) -> ConnId {
        self.conns += 1;
        let conn = ConnId(self.conns);
        self.handle(Input::Opened { conn });
        conn
    }

    pub fn ask(&mut self, conn: ConnId, frame: &str) {
        self.handle(Input::Received { conn, frame: decode_client(frame) });
    }

    pub fn sign_in(&mut self, conn: ConnId, who: &str, device: u128, ack: Option<u64>) -> Answer {
        self.ask(conn, r#"{"id":1,"do":"hello","versions":[1]}"#);
        let epoch = self.epochs.get(&device).copied().unwrap_or(0);
        let ack = ack.map(|ack| format!(r#","epoch":{epoch},"ack":{ack}"#)).unwrap_or_default();
        self.take(conn);
        self.ask(
            conn,
            &format!(r#"{{"id":2,"do":"sign-in","user":"{who}","password":"pw","device":"{}"{ack}}}"#, guid(device)),
        );
        let sent = self.sent.entry(conn).or_default();
        let at = sent.iter().position(|frame| matches!(frame, ServerFrame::Answer(_))).unwrap();
        let ServerFrame::Answer(answer) = sent.remove(at) else { unreachable!() };
        if let Some(signed_in) = &answer.signed_in {
            self.epochs.insert(device, signed_in.epoch);
        }
        *answer
    }

    pub fn signed_in(&mut self, who: &str, device: u128) -> ConnId {
        let conn = self.open();
        let signed_in = self.sign_in(conn, who, device, None).signed_in.unwrap();
        assert!(!signed_in.resumed);
        let presence = self.sent[&conn]
            .iter()
            .filter(|f| matches!(f, ServerFrame::Event(e) if matches!(e.event, Event::Presence { .. })));
        assert_eq!(signed_in.online, presence.count() as u64);
        conn
    }

    pub fn resumed(&mut self, who: &str, device: u128, ack: u64) -> ConnId {
        let conn = self.open();
        assert!(self.sign_in(conn, who, device, Some(ack)).signed_in.unwrap().resumed);
        conn
    }

    pub fn connect_session(&mut self, inviter: ConnId, invitee: ConnId, session: u128) {
        self.ask(inviter, &invite_frame(900, session, "bob@x", r#""attach":true"#));
        self.ask(invitee, &format!(r#"{{"id":901,"do":"accept","session":"{}","attach":true}}"#, guid(session)));
        assert!(
            self.take(inviter)
                .iter()
                .any(|f| matches!(f, ServerFrame::Event(e) if matches!(e.event, Event::Connected { .. })))
        );
        self.take(invitee);
        self.ask(inviter, r#"{"ack":1000}"#);
    }

    pub fn drop_conn(&mut self, conn: ConnId) {
        self.handle(Input::Closed { conn });
    }

    pub fn pass(&mut self, ms: Millis) {
        self.now += ms;
        if self.service.poll_timeout().is_some_and(|at| at <= self.now) {
            self.handle(Input::Timeout);
        }
    }

    pub fn next_timeout(&self) -> Option<Millis> {
        self.service.poll_timeout()
    }

    pub fn load(&self) -> (usize, usize, usize) {
        self.service.load()
    }

    pub fn shutdown(&mut self) -> Vec<Output> {
        self.service.handle(self.now, Input::Shutdown);
        let outputs: Vec<Output> = std::iter::from_fn(|| self.service.poll_output()).collect();
        for output in &outputs {
            self.note(output.clone());
        }
        outputs
    }

    /// While held, the store answers nothing; then everything.
    pub fn hold_store(&mut self, hold: bool) {
        if hold {
            self.held = Some(Vec::new());
        } else {
            for output in self.held.take().unwrap_or_default() {
                if let Some(input) = self.store(output) {
                    self.handle(input);
                }
            }
        }
    }

    /// The oldest response is judged.
    pub fn judge(&mut self, judgement: Judgement) {
        let (ticket, _, _) = self.judging.remove(0);
        self.judge_again(ticket, judgement);
    }

    pub fn judge_again(&mut self, ticket: Ticket, judgement: Judgement) {
        self.handle(Input::Judged { ticket, judgement });
    }

    /// The operator asks; the answer, unless the store is held.
    pub fn operate(&mut self, command: Command) -> Option<Told> {
        let ticket = Ticket(1_000_000);
        self.handle(Input::Operator { ticket, command });
        self.told()
    }

    /// What the operator was told since the last look.
    pub fn told(&mut self) -> Option<Told> {
        self.told.take().map(|(ticket, told)| {
            assert_eq!(ticket, Ticket(1_000_000), "the operator's own");
            told
        })
    }

    /// What the store knows of somebody, for whoever writes to it from outside.
    pub fn record(&mut self, who: &str) -> &mut Record {
        self.people.get_mut(&name(who)).unwrap()
    }

    /// While held, sign-ins are judged, but nobody is told; then everybody.
    pub fn hold_sign_ins(&mut self, hold: bool) {
        if hold {
            self.signing_in = Some(Vec::new());
        } else {
            for input in self.signing_in.take().unwrap_or_default() {
                self.handle(input);
            }
        }
    }

    /// The operator turns the lock on or off.
    pub fn switch(&mut self, on: bool) {
        self.handle(Input::Lock { on });
    }

    /// The operator wants proofs.
    pub fn challenge(&mut self, whom: Whom) {
        self.handle(Input::Challenge(whom));
    }

    pub fn loads(&mut self) -> usize {
        std::mem::take(&mut self.loads)
    }

    /// Everything sent on a connection since the last look.
    pub fn take(&mut self, conn: ConnId) -> Vec<ServerFrame> {
        self.sent.remove(&conn).unwrap_or_default()
    }

    pub fn frames(&mut self, conn: ConnId) -> Vec<EventFrame> {
        let frames = self.take(conn).into_iter();
        frames
            .filter_map(|frame| if let ServerFrame::Event(event) = frame { Some(event) } else { None })
            .filter(|frame| frame.seq.is_some())
            .collect()
    }

    pub fn events(&mut self, conn: ConnId) -> Vec<Event> {
        let frames = self.take(conn).into_iter();
        frames
            .filter_map(|frame| if let ServerFrame::Event(event) = frame { Some(event.event) } else { None })
            .collect()
    }

    pub fn answers(&mut self, conn: ConnId) -> Vec<Answer> {
        let frames = self.take(conn).into_iter();
        frames.filter_map(|frame| if let ServerFrame::Answer(answer) = frame { Some(*answer) } else { None }).collect()
    }

    pub fn code(&mut self, conn: ConnId) -> Code {
        let answers = self.answers(conn);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers[0].code
    }

    /// A word for each frame: the event's name, the stage, who is how, or the code of an answer.
    pub fn names(&mut self, conn: ConnId) -> Vec<String> {
        let word = |frame: ServerFrame| match frame {
            ServerFrame::Answer(answer) => answer.code.to_string(),
            ServerFrame::Local(_) => panic!("a service is no agent"),
            ServerFrame::Event(frame) => match frame.event {
                Event::Progress { stage, .. } => stage.name().to_owned(),
                Event::Presence { who, status, .. } => format!("{who} {}", status.name()),
                event => serde_json::to_value(event).unwrap()["event"].as_str().unwrap().to_owned(),
            },
        };
        self.take(conn).into_iter().map(word).collect()
    }

    pub fn closed(&self, conn: ConnId) -> Option<Close> {
        self.closed.get(&conn).copied()
    }

    fn handle(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.service.handle(self.now, input);
            while let Some(output) = self.service.poll_output() {
                let answer = match &mut self.held {
                    Some(held) if matches!(output, Output::Load { .. } | Output::Store { .. }) => {
                        held.push(output);
                        None
                    }
                    _ => self.store(output),
                };
                inputs.extend(answer);
            }
        }
    }

    fn note(&mut self, output: Output) {
        match output {
            Output::Send { conn, frame, can_wait: _ } => self.sent.entry(conn).or_default().push(frame),
            Output::Close { conn, why } => drop(self.closed.insert(conn, why)),
            Output::Authenticate { .. }
            | Output::Load { .. }
            | Output::Store { .. }
            | Output::ChangePassword { .. }
            | Output::Renew { .. }
            | Output::Devices { .. }
            | Output::Draw { .. }
            | Output::Judge { .. }
            | Output::Told { .. } => {}
        }
    }

    fn store(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Authenticate { conn, sign_in, .. } => {
                let right = sign_in.credential == Credential::Password("pw".into());
                let record = sign_in.user.and_then(|user| self.people.get(&user)).filter(|_| right);
                let result = record
                    .map(|record| {
                        Box::new(Admitted {
                            record: record.clone(),
                            device: sign_in.device.unwrap_or(Guid(1)),
                            token: None,
                            expires_ms: self.expires_ms,
                        })
                    })
                    .ok_or(Denied::new(Code::MSGR_E_INVALID_PASSWORD));
                let input = Input::Authenticated { conn, result };
                match &mut self.signing_in {
                    Some(held) => {
                        held.push(input);
                        None
                    }
                    None => Some(input),
                }
            }
            Output::Told { ticket, answer } => {
                self.told = Some((ticket, answer));
                None
            }
            Output::ChangePassword { ticket, passwords, .. } => {
                let wrong = Err(Denied::new(Code::MSGR_E_INVALID_PASSWORD));
                let result = if &*passwords.old == "pw" { Ok(()) } else { wrong };
                Some(Input::PasswordChanged { ticket, result })
            }
            Output::Renew { ticket, .. } => Some(Input::Renewed { ticket, result: Ok(100_000) }),
            Output::Devices { ticket, .. } => Some(Input::Devices { ticket, result: Ok(self.devices.clone()) }),
            Output::Load { ticket, who } => {
                self.loads += 1;
                Some(Input::Loaded { ticket, person: Ok(self.people.get(&who).cloned().map(Box::new)) })
            }
            Output::Store { ticket, conn: _, owner, change } => {
                let result = self.change(&owner, change);
                Some(Input::Stored { ticket, result })
            }
            Output::Draw { ticket } => {
                self.drawn += 1;
                Some(Input::Drawn { ticket, challenge: Some(format!("c{}", self.drawn).into()) })
            }
            Output::Judge { ticket, challenge, response, .. } => {
                self.judging.push((ticket, challenge, response));
                None
            }
            other => {
                self.note(other);
                None
            }
        }
    }

    fn change(&mut self, owner: &PersonName, change: Change) -> Result<Box<str>, Code> {
        let known: Vec<PersonName> = self.people.keys().cloned().collect();
        let record = self.people.get_mut(owner).unwrap();
        match change {
            Change::Contact { who, .. } if !known.contains(&who) => return Err(Code::MSGR_E_USER_NOT_FOUND),
            Change::Contact { action: ContactAction::Add, who } => drop(record.contacts.insert(who, "".into())),
            Change::Contact { action: ContactAction::Remove, who } => drop(record.contacts.remove(&who)),
            Change::Contact { action: ContactAction::Block, who } => drop(record.blocked.insert(who, "".into())),
            Change::Contact { action: ContactAction::Unblock, who } => drop(record.blocked.remove(&who)),
            Change::Settings(change) => {
                record.settings.invitations = change.invitations.or(record.settings.invitations);
            }
            Change::RevokeTokens { .. } => {}
        }
        Ok("".into())
    }
}
