//! The one task that owns the machine. Everything that happens comes in through its inbox, in one
//! order; it never waits for anybody but the inbox and the clock.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hither_proto::Millis;
use hither_proto::service::{Command, ConnId, Input, Output, Service, Ticket, Told};
use hither_wire::{Code, Event, ServerFrame};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::alarm::Alarm;
use crate::auth::{self, Auth};
use crate::connection::Link;
use crate::lock::{self, Locks};
use crate::metrics::Metrics;
use crate::writer::{self, Writer};

/// How many inputs are taken at a time.
const BATCH: usize = 64;

/// How long an answer waits for something to go out with: a hop and back fit into it, and nobody notices.
const RIDE: Duration = Duration::from_millis(5);

/// What comes into the driver's inbox.
#[derive(Debug)]
pub enum Note {
    /// A connection is open.
    Opened(ConnId, Arc<Link>),
    /// The operator asks, and is told.
    Operator(Command, oneshot::Sender<Told>),
    /// Anything else.
    Input(Input),
}

/// Milliseconds since the service started.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows 0.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// What it shows.
    pub fn now(&self) -> Millis {
        Millis::try_from(self.start.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }

    fn at(&self, time: Millis) -> Instant {
        self.start + Duration::from_millis(time)
    }
}

/// The machine with its ways out.
pub struct Driver {
    machine: Service,
    clock: Clock,
    links: HashMap<ConnId, Arc<Link>>,
    /// Where something may wait, and until when.
    later: VecDeque<(Instant, Arc<Link>)>,
    auth: Auth,
    writer: Writer,
    locks: Locks,
    metrics: Arc<Metrics>,
    /// Answers that could be given without waiting.
    soon: Vec<Input>,
    /// Where the operator waits for an answer; requests are bounded where they come in.
    asked: HashMap<Ticket, oneshot::Sender<Told>>,
    asked_so_far: u64,
}

impl Driver {
    /// A driver of a machine that has not been started.
    pub fn new(
        machine: Service,
        clock: Clock,
        auth: Auth,
        writer: Writer,
        locks: Locks,
        metrics: Arc<Metrics>,
    ) -> Driver {
        let (links, later, asked) = (HashMap::new(), VecDeque::new(), HashMap::new());
        Driver { machine, clock, links, later, auth, writer, locks, metrics, soon: Vec::new(), asked, asked_so_far: 0 }
    }

    /// Runs until `stop`; everybody has been told then.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Note>, mut stop: oneshot::Receiver<()>) {
        let mut notes = Vec::with_capacity(BATCH);
        let (mut due, mut later) = (Alarm::new(), Alarm::new());
        loop {
            due.set(self.machine.poll_timeout().map(|at| self.clock.at(at)));
            later.set(self.later.front().map(|(until, _)| *until));
            tokio::select! {
                count = inbox.recv_many(&mut notes, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    for note in notes.drain(..) {
                        self.note(note);
                    }
                    self.count();
                }
                () = due.rings() => self.handle(Input::Timeout),
                () = later.rings() => self.flush(),
                _ = &mut stop => return self.stop(inbox).await,
            }
        }
    }

    /// Whoever has spoken is heard; whoever speaks from now on finds the inbox closed, and waits for
    /// the last words, which come now.
    async fn stop(mut self, mut inbox: mpsc::Receiver<Note>) {
        inbox.close();
        while let Some(note) = inbox.recv().await {
            self.note(note);
        }
        self.handle(Input::Shutdown);
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Opened(conn, link) => {
                self.links.insert(conn, link);
                self.handle(Input::Opened { conn });
            }
            Note::Operator(command, answer) => {
                self.asked_so_far += 1;
                let ticket = Ticket(self.asked_so_far);
                self.asked.insert(ticket, answer);
                self.handle(Input::Operator { ticket, command });
            }
            Note::Input(input) => {
                if let Input::Closed { conn } = &input {
                    self.links.remove(conn);
                }
                self.handle(input);
            }
        }
    }

    fn count(&self) {
        let (people, sessions, connections) = self.machine.load();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.people.set(number(people));
        self.metrics.sessions.set(number(sessions));
        self.metrics.connections.set(number(connections));
    }

    fn handle(&mut self, input: Input) {
        let mut next = Some(input);
        while let Some(input) = next {
            match &input {
                Input::Received { .. } => drop(self.metrics.frames_received.inc()),
                Input::Authenticated { result, .. } => {
                    self.metrics.signed_in(result.as_ref().map_or_else(|denied| denied.code, |_| Code::S_OK));
                }
                Input::Opened { .. }
                | Input::Closed { .. }
                | Input::Loaded { .. }
                | Input::Stored { .. }
                | Input::PasswordChanged { .. }
                | Input::Devices { .. }
                | Input::Renewed { .. }
                | Input::Drawn { .. }
                | Input::Judged { .. }
                | Input::Lock { .. }
                | Input::Challenge(_)
                | Input::Operator { .. }
                | Input::Timeout
                | Input::Configured(_)
                | Input::Shutdown => {}
            }
            self.machine.handle(self.clock.now(), input);
            while let Some(output) = self.machine.poll_output() {
                self.act(output);
            }
            next = self.soon.pop();
        }
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Send { conn, frame, can_wait } => {
                self.metrics.frames_sent.inc();
                match &frame {
                    ServerFrame::Answer(answer) => self.metrics.answered(answer.code),
                    ServerFrame::Event(frame) if matches!(frame.event, Event::Invited { .. }) => {
                        self.metrics.invitations.inc();
                    }
                    ServerFrame::Event(_) | ServerFrame::Local(_) => {}
                }
                let Some(link) = self.links.get(&conn) else { return };
                if !can_wait {
                    link.outbox.push(frame.encode());
                } else if link.outbox.push_later(frame.encode()) {
                    self.later.push_back((Instant::now() + RIDE, Arc::clone(link)));
                }
            }
            Output::Close { conn, why } => {
                if let Some(link) = self.links.get(&conn) {
                    link.outbox.close(why);
                }
            }
            Output::Authenticate { conn, sign_in, client } => {
                self.prove(conn, auth::Work::SignIn { sign_in, client });
            }
            Output::ChangePassword { ticket, conn, owner, device, passwords } => {
                self.prove(conn, auth::Work::NewPassword { ticket, owner, device, passwords });
            }
            Output::Renew { ticket, conn, owner, token } => {
                self.prove(conn, auth::Work::Renew { ticket, owner, token });
            }
            Output::Devices { ticket, owner } => {
                self.soon.extend(self.writer.submit(writer::Job::Devices(ticket, owner)));
            }
            Output::Load { ticket, who } => self.soon.extend(self.writer.submit(writer::Job::Load(ticket, who))),
            Output::Store { ticket, conn, owner, change } => {
                let from = self.links.get(&conn).map(|link| link.address);
                self.soon.extend(self.writer.submit(writer::Job::Store { ticket, owner, change, from }));
            }
            Output::Told { ticket, answer } => {
                // Whoever has hung up is not told.
                drop(self.asked.remove(&ticket).map(|asked| asked.send(answer)));
            }
            Output::Draw { ticket } => self.soon.push(Input::Drawn { ticket, challenge: lock::draw() }),
            Output::Judge { ticket, conn, person, challenge, response } => {
                // Whoever has asked is connected; nobody is let in because that is not so.
                self.soon.extend(match self.links.get(&conn) {
                    Some(link) => {
                        let address = link.address;
                        self.locks.submit(lock::Job { ticket, person, address, challenge, response })
                    }
                    None => Some(Input::Judged { ticket, judgement: lock::unjudged() }),
                });
            }
        }
    }

    /// What has waited for long enough goes out.
    fn flush(&mut self) {
        let now = Instant::now();
        while let Some((_, link)) = self.later.pop_front_if(|(until, _)| *until <= now) {
            link.outbox.flush();
        }
    }

    /// Has somebody prove who they are.
    fn prove(&mut self, conn: ConnId, work: auth::Work) {
        self.soon.extend(match self.links.get(&conn) {
            Some(link) => self.auth.submit(auth::Job { conn, address: link.address, work }),
            // The machine waits for an answer all the same.
            None => Some(Auth::gone(conn, &work)),
        });
    }
}
