//! The one task that owns the connection and drives the machine: inputs from the socket, the clock
//! and the application; outputs to the socket, the resume point and the application.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hither_proto::client::{Call, CallId, Event, Input, Output, Refusal, Reply, Stop};
use hither_wire::local;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::error::ConnectError;
use crate::resume::ResumePoint;
use crate::shared::{Command, Shared};
use crate::transport::{Connection, Failure, Heard, Target};

/// How long the service may take to let go a client that nobody holds any more.
const LEAVE: Duration = Duration::from_secs(5);

/// How a resume point is kept.
pub type Keep = Box<dyn FnMut(&ResumePoint) -> io::Result<()> + Send>;

pub struct Driver {
    shared: Arc<Shared>,
    target: Target,
    keep: Option<Keep>,
    socket: Socket,
    /// Why the last connection did not come about.
    failure: Option<Failure>,
    commands: mpsc::Receiver<Command>,
    replies: HashMap<CallId, oneshot::Sender<Result<Reply, Refusal>>>,
    calls: u64,
    /// Who waits for the first sign-in.
    ready: Option<oneshot::Sender<Result<(), ConnectError>>>,
    /// When to go, signed out or not, since nobody holds the client any more.
    leave_by: Option<Instant>,
    /// How many events the machine knows to be taken.
    taken: u64,
    /// Whether the other end has just said that it knows nothing of this client.
    anew: bool,
    stopped: bool,
}

enum Socket {
    Down,
    Opening(Pin<Box<dyn Future<Output = Result<Box<Connection>, Failure>> + Send>>),
    Open(Box<Connection>),
}

/// What the driver waits for.
enum Happened {
    Command(Option<Command>),
    Changed,
    Opened(Result<Box<Connection>, Failure>),
    Heard(Heard),
    Timeout,
    TimeToGo,
}

impl Driver {
    pub fn new(
        shared: Arc<Shared>,
        target: Target,
        keep: Option<Keep>,
        commands: mpsc::Receiver<Command>,
        ready: oneshot::Sender<Result<(), ConnectError>>,
    ) -> Driver {
        Driver {
            shared,
            target,
            keep,
            socket: Socket::Down,
            failure: None,
            commands,
            replies: HashMap::new(),
            calls: 0,
            ready: Some(ready),
            leave_by: None,
            taken: 0,
            anew: false,
            stopped: false,
        }
    }

    /// Runs until the client has stopped.
    pub async fn run(mut self) {
        self.give(Input::Start);
        while !self.stopped {
            match self.next().await {
                Happened::Command(Some(Command { call, reply })) => self.call(call, Some(reply)),
                Happened::Command(None) => self.leave(),
                Happened::Changed => self.changed(),
                Happened::Opened(Ok(connection)) => {
                    let local = connection.local;
                    self.socket = Socket::Open(connection);
                    self.give(Input::Opened { local });
                }
                Happened::Opened(Err(failure)) => {
                    tracing::debug!(?failure, "no connection");
                    self.socket = Socket::Down;
                    self.failure = Some(failure);
                    self.give(Input::ConnectFailed);
                }
                Happened::Heard(heard) => self.heard(heard),
                Happened::Timeout => self.timeout(),
                Happened::TimeToGo => break,
            }
        }
    }

    async fn next(&mut self) -> Happened {
        let (deadline, full) = {
            let state = self.shared.lock();
            (state.machine.poll_timeout(), state.is_full())
        };
        let deadline = deadline.map(|at| self.shared.clock.instant(at));
        // In this order: what is due is not put off by traffic, and what the application has taken is
        // known before it calls.
        tokio::select! {
            biased;
            () = until(self.leave_by) => Happened::TimeToGo,
            () = until(deadline) => Happened::Timeout,
            () = self.shared.changed.notified() => Happened::Changed,
            command = self.commands.recv(), if self.leave_by.is_none() => Happened::Command(command),
            happened = self.socket.next(!full) => happened,
        }
    }

    /// Gives the machine an input and carries out what follows.
    fn give(&mut self, input: Input) {
        let (outputs, point) = {
            let mut state = self.shared.lock();
            let now = self.shared.clock.now();
            state.machine.handle(now, input);
            let mut outputs = Vec::new();
            let mut point = None;
            while let Some(output) = state.machine.poll_output() {
                if output == Output::Save {
                    point = state.machine.resume_point();
                } else {
                    outputs.push(output);
                }
            }
            (outputs, point)
        };
        let saved = point.is_some_and(|point| self.save(point));
        for output in outputs {
            self.carry_out(output);
        }
        if saved {
            self.give(Input::Saved);
        }
        if std::mem::take(&mut self.anew) {
            self.serve_again();
        }
    }

    fn save(&mut self, point: hither_proto::client::ResumePoint) -> bool {
        let Some(keep) = &mut self.keep else { return false };
        match keep(&ResumePoint(point)) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the resume point cannot be kept");
                false
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            // Taken out before.
            Output::Save => {}
            Output::Connect { redirect } => self.connect(redirect),
            Output::Send(frame) => {
                if let Socket::Open(connection) = &mut self.socket {
                    connection.send(&frame);
                }
            }
            Output::Close => self.close(),
            Output::Event(event) => {
                let signed_in = matches!(event, Event::SignedIn { .. });
                self.anew |= matches!(event, Event::SignedIn { resumed: false, .. });
                self.shared.push(event);
                if let Some(ready) = self.ready.take_if(|_| signed_in) {
                    drop(ready.send(Ok(())));
                }
            }
            Output::Return { id, result } => {
                if let Some(reply) = self.replies.remove(&id) {
                    // Whoever called may have stopped waiting.
                    drop(reply.send(result));
                }
            }
            Output::Stopped(stop) => {
                self.stopped = true;
                if let Some(ready) = self.ready.take() {
                    drop(ready.send(Err(self.explain(stop))));
                }
            }
        }
    }

    fn connect(&mut self, redirect: Option<Box<str>>) {
        self.failure = None;
        let target = redirect.map_or_else(|| Ok(self.target.clone()), |url| self.target.redirected(&url));
        self.socket =
            Socket::Opening(Box::pin(async move { target.map_err(Failure::Url)?.connect().await.map(Box::new) }));
    }

    fn close(&mut self) {
        if let Socket::Open(connection) = std::mem::replace(&mut self.socket, Socket::Down) {
            tokio::spawn(connection.close());
        }
    }

    fn call(&mut self, call: Call, reply: Option<oneshot::Sender<Result<Reply, Refusal>>>) {
        self.calls += 1;
        let id = CallId(self.calls);
        self.replies.extend(reply.map(|reply| (id, reply)));
        self.give(Input::Call { id, call });
    }

    /// An agent that was started anew is told what this program is.
    fn serve_again(&mut self) {
        let serves = self.shared.lock().serves.clone();
        for application in serves {
            self.call(Call::Agent(Box::new(local::Request::Serve { application })), None);
        }
    }

    /// Nobody holds the client any more.
    fn leave(&mut self) {
        self.leave_by = Some(Instant::now() + LEAVE);
        self.changed();
        self.call(Call::SignOut { revoke: false }, None);
    }

    fn changed(&mut self) {
        let taken = self.shared.lock().taken();
        if taken > self.taken {
            self.taken = taken;
            self.give(Input::Taken { events: taken });
            self.shared.lock().settle(taken);
        } else {
            self.give(Input::Changed);
        }
    }

    fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Frame(frame) => self.give(Input::Frame(frame)),
            Heard::Unreadable => self.give(Input::Unreadable),
            Heard::Life => self.give(Input::Heard),
            Heard::Closed(code) => {
                self.socket = Socket::Down;
                self.give(Input::ConnectionClosed { code });
            }
        }
    }

    fn timeout(&mut self) {
        // While nothing is read, hearing nothing says nothing.
        if self.shared.lock().is_full() {
            self.give(Input::Heard);
        }
        self.give(Input::Timeout);
    }

    /// Why the first sign-in did not succeed.
    fn explain(&mut self, stop: Stop) -> ConnectError {
        let url = self.target.url().to_owned();
        let broken = |what: String| ConnectError::Broken { url: url.clone(), what };
        match (stop, self.failure.take()) {
            (Stop::Refused(refusal), _) => ConnectError::Refused(refusal.into()),
            (Stop::Version, _) => ConnectError::Version,
            (Stop::TimedOut, _) => ConnectError::TimedOut { url },
            (Stop::Unreachable, Some(Failure::NoAgent(socket))) => ConnectError::NoAgent { socket },
            (Stop::Unreachable, Some(Failure::NotYours(socket))) => ConnectError::NotYours { socket },
            (Stop::Unreachable, Some(Failure::Io(source))) => match self.target.socket() {
                Some(socket) => ConnectError::Socket { socket: socket.to_owned(), source },
                None => ConnectError::Unreachable { url, source },
            },
            (Stop::Unreachable, Some(Failure::NoService(what))) => ConnectError::NoService { url, what },
            (Stop::Unreachable, Some(Failure::Untrusted(what))) => ConnectError::Untrusted { url, what },
            (Stop::Unreachable, Some(Failure::Busy(retry_after))) => ConnectError::Busy { url, retry_after },
            (Stop::Unreachable, Some(Failure::Url(what))) => broken(format!("it names an address, but {what}")),
            (Stop::Unreachable, None) => broken("no connection".into()),
            (Stop::Closed(Some(code)), _) => broken(format!("it closed the connection with {code}")),
            (Stop::Closed(None), _) => broken("it closed the connection".into()),
            (Stop::Nonsense, _) => broken("it does not speak the protocol".into()),
            (Stop::Redirects, _) => broken("it names one address after the other".into()),
            (stop @ (Stop::SignedOut | Stop::Replaced | Stop::SignedOutByService(_)), _) => {
                broken(stop.code().advice().into())
            }
        }
    }
}

/// However the driver ends, even with its runtime: no event follows, and nobody waits for one.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.lock().finish();
        self.shared.lock_changed.notify_waiters();
        self.shared.token_expires.notify_one();
    }
}

impl Socket {
    async fn next(&mut self, reading: bool) -> Happened {
        match self {
            Socket::Down => pending().await,
            Socket::Opening(opening) => Happened::Opened(opening.await),
            Socket::Open(connection) => Happened::Heard(connection.next(reading).await),
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
