//! A service in memory that speaks the real protocol: the machine of `hither-proto` with two people
//! and a token for each. It keeps the stopped clock's time.

use std::collections::{BTreeMap, HashMap};

use hither_agent::controller::Event;
use hither_agent::service::{Call, Dial, Happened};
use hither_proto::service::{Admitted, Config, ConnId, Denied, Input, Output, Record, Service};
use hither_wire::message::{ClientFrame, Credential, Settings};
use hither_wire::{Code, PersonName};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

enum Said {
    Call(Call),
    Frame(ConnId, ClientFrame),
    Gone(ConnId),
    /// From now on nobody gets through, and everybody who is there is cut off.
    Away(bool),
}

/// The way to the service.
#[derive(Clone)]
pub struct FakeService {
    say: mpsc::UnboundedSender<Said>,
}

struct Running {
    machine: Service,
    start: Instant,
    people: BTreeMap<PersonName, Record>,
    conns: HashMap<ConnId, (u64, mpsc::Sender<Event>)>,
    ever: u64,
    away: bool,
    say: mpsc::UnboundedSender<Said>,
}

pub fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

impl FakeService {
    pub fn start() -> FakeService {
        let (say, heard) = mpsc::unbounded_channel();
        let mut people = BTreeMap::new();
        for (who, friend) in [("alice@x", "bob@x"), ("bob@x", "alice@x")] {
            let record = Record {
                name: name(who),
                friendly_name: who.into(),
                contacts: BTreeMap::from([(name(friend), "".into())]),
                blocked: BTreeMap::new(),
                settings: Settings::default(),
            };
            people.insert(name(who), record);
        }
        let machine = Service::new(Config::default(), 1);
        let conns = HashMap::new();
        let running = Running { machine, start: Instant::now(), people, conns, ever: 0, away: false, say: say.clone() };
        tokio::spawn(running.run(heard));
        FakeService { say }
    }

    pub fn dial(&self) -> Dial {
        let say = self.say.clone();
        Box::new(move |call| drop(say.send(Said::Call(call))))
    }

    pub fn away(&self, away: bool) {
        drop(self.say.send(Said::Away(away)));
    }
}

impl Running {
    async fn run(mut self, mut heard: mpsc::UnboundedReceiver<Said>) {
        loop {
            let due = self.machine.poll_timeout().map(|at| self.start + std::time::Duration::from_millis(at));
            tokio::select! {
                // sleep: the service's own deadlines, by the stopped clock
                () = async { match due { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {
                    self.give(Input::Timeout).await;
                }
                said = heard.recv() => match said {
                    Some(said) => self.said(said).await,
                    None => return,
                },
            }
        }
    }

    async fn said(&mut self, said: Said) {
        match said {
            Said::Call(call) if self.away => {
                tell(call.number, &call.events, Happened::Failed("nobody is there".into())).await;
            }
            Said::Call(Call { number, mut frames, events, .. }) => {
                self.ever += 1;
                let conn = ConnId(self.ever);
                self.give(Input::Opened { conn }).await;
                tell(number, &events, Happened::Opened { local: Some([192, 0, 2, 1].into()) }).await;
                self.conns.insert(conn, (number, events));
                let say = self.say.clone();
                tokio::spawn(async move {
                    while let Some(frame) = frames.recv().await {
                        drop(say.send(Said::Frame(conn, frame)));
                    }
                    drop(say.send(Said::Gone(conn)));
                });
            }
            Said::Frame(conn, frame) if self.conns.contains_key(&conn) => {
                // Through the words of the wire, as over a socket.
                let frame = hither_wire::decode_client(&frame.encode());
                self.give(Input::Received { conn, frame }).await;
            }
            Said::Frame(..) => {}
            Said::Gone(conn) => self.gone(conn).await,
            Said::Away(away) => {
                self.away = away;
                for conn in self.conns.keys().copied().collect::<Vec<_>>() {
                    if let Some((number, events)) = self.conns.get(&conn) {
                        tell(*number, events, Happened::Heard(hither::transport::Heard::Closed(None))).await;
                    }
                    self.gone(conn).await;
                }
            }
        }
    }

    async fn gone(&mut self, conn: ConnId) {
        if self.conns.remove(&conn).is_some() {
            self.give(Input::Closed { conn }).await;
        }
    }

    async fn give(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let now = u64::try_from(self.start.elapsed().as_millis()).unwrap();
            self.machine.handle(now, input);
            while let Some(output) = self.machine.poll_output() {
                match output {
                    Output::Send { conn, frame, can_wait: _ } => {
                        let frame = hither_wire::decode_server(&frame.encode()).unwrap();
                        if let Some((number, events)) = self.conns.get(&conn) {
                            tell(*number, events, Happened::Heard(hither::transport::Heard::Frame(frame))).await;
                        }
                    }
                    Output::Close { conn, why } => {
                        if let Some((number, events)) = self.conns.remove(&conn) {
                            let closed = hither::transport::Heard::Closed(Some(why.number()));
                            tell(number, &events, Happened::Heard(closed)).await;
                            inputs.push(Input::Closed { conn });
                        }
                    }
                    Output::Authenticate { conn, sign_in, .. } => {
                        let right = sign_in.credential == Credential::Token(crate::desk::TOKEN.into());
                        let record = sign_in.user.as_ref().and_then(|user| self.people.get(user)).filter(|_| right);
                        let admitted = record.map(|record| {
                            Box::new(Admitted {
                                record: record.clone(),
                                device: sign_in.device.unwrap(),
                                token: None,
                                expires_ms: None,
                            })
                        });
                        let result = admitted.ok_or(Denied::new(Code::MSGR_E_INVALID_PASSWORD));
                        inputs.push(Input::Authenticated { conn, result });
                    }
                    Output::Load { ticket, who } => {
                        let person = Ok(self.people.get(&who).cloned().map(Box::new));
                        inputs.push(Input::Loaded { ticket, person });
                    }
                    Output::ChangePassword { ticket, .. } => {
                        inputs.push(Input::PasswordChanged { ticket, result: Ok(()) });
                    }
                    Output::Renew { ticket, .. } => inputs.push(Input::Renewed { ticket, result: Ok(60_000) }),
                    Output::Devices { ticket, .. } => inputs.push(Input::Devices { ticket, result: Ok(Vec::new()) }),
                    Output::Draw { .. } | Output::Judge { .. } | Output::Told { .. } => {}
                    Output::Store { ticket, .. } => inputs.push(Input::Stored { ticket, result: Ok("".into()) }),
                }
            }
        }
    }
}

async fn tell(number: u64, events: &mpsc::Sender<Event>, happened: Happened) {
    drop(events.send(Event::Service { number, happened }).await);
}
