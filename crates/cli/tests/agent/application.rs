//! The application that agents start here: this test program again, as a process of its own. It tells
//! the test what happens to it over a socket in the agent's home, and does what the test says there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;

use hither::{Code, Event, Events, Launched, Session};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader as Lines};
use tokio::net::UnixStream as Desk;

use crate::world::{DEADLINE, lines};

/// What it is called, and by what it is known.
pub const NAME: &str = "Chess";
pub const GUID: &str = crate::world::GUID;

/// The command line that starts it.
pub fn command() -> Vec<String> {
    let program = std::env::current_exe().unwrap();
    let arguments = ["--exact", "application::the_application", "--nocapture", "--test-threads=1"];
    std::iter::once(program.to_str().unwrap()).chain(arguments).map(str::to_owned).collect()
}

/// Where it tells the test what happens.
pub fn desk(home: &Path) -> PathBuf {
    home.join("desk.sock")
}

/// Not a test: what the started process does.
#[test]
fn the_application() {
    if std::env::var_os("HITHER_LAUNCH").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(play());
}

async fn play() {
    let home = PathBuf::from(std::env::var_os("HITHER_HOME").unwrap());
    let desk = Desk::connect(desk(&home)).await.unwrap();
    let (from_test, mut to_test) = desk.into_split();
    let mut orders = Lines::new(from_test).lines();
    if orders.next_line().await.unwrap().unwrap() == "never mind your session" {
        // Waits until the test, or the agent's end, lets it go.
        drop(orders.next_line().await);
        return;
    }
    let (launched, agent, mut events) = Session::launching().await.unwrap();
    let Launched { session, data, inviter, user, .. } = launched;
    let role = if inviter { "inviter" } else { "invitee" };
    say(&mut to_test, &format!("launched {role} {user} {} {data}", session.id())).await;
    loop {
        tokio::select! {
            told = next(&mut events) => match told {
                Some(told) => {
                    say(&mut to_test, &told).await;
                    if told.starts_with("over") {
                        break;
                    }
                }
                None => break,
            },
            order = orders.next_line() => match order.unwrap().as_deref().and_then(|order| order.split_once(' ')) {
                Some(("send", text)) => say(&mut to_test, &outcome(session.send_context_data(text).await)).await,
                Some(("cancel", text)) => say(&mut to_test, &outcome(session.cancel(Code::S_OK, text).await)).await,
                _ => break,
            },
        }
    }
    agent.sign_out().await.unwrap();
    say(&mut to_test, "left").await;
}

/// The next event that a test may want to know of.
async fn next(events: &mut Events) -> Option<String> {
    loop {
        return Some(match events.next().await? {
            Event::StateChanged { state, .. } => state.name().to_owned(),
            Event::ContextData { data, .. } => format!("context {data}"),
            Event::Termination { code, data, .. } => format!("over {code} {data}"),
            Event::ConnectionLost { .. } => "the agent is gone".to_owned(),
            Event::Signin { resumed: true, .. } => "the agent is back".to_owned(),
            _ => continue,
        });
    }
}

fn outcome(outcome: Result<(), hither::Error>) -> String {
    outcome.map_or_else(|error| error.code().to_string(), |()| "done".to_owned())
}

async fn say(to: &mut (impl tokio::io::AsyncWrite + Unpin), text: &str) {
    to.write_all(format!("{text}\n").as_bytes()).await.unwrap();
}

/// The test's end of an application that was started.
pub struct Application {
    stream: UnixStream,
    told: Receiver<String>,
}

impl Application {
    /// Lets it look for its session.
    pub fn new(stream: UnixStream) -> Application {
        let mut application = Application::idle(stream);
        application.order("begin");
        application
    }

    /// Does not let it yet.
    pub fn idle(stream: UnixStream) -> Application {
        let told = lines(stream.try_clone().unwrap());
        Application { stream, told }
    }

    /// Says what it is to do: `send TEXT`, `cancel TEXT`.
    pub fn order(&mut self, order: &str) {
        writeln!(self.stream, "{order}").unwrap();
    }

    /// What it tells next.
    pub fn tells(&self) -> String {
        self.told.recv_timeout(DEADLINE).expect("the application says nothing")
    }

    /// Waits until it tells this; what it tells before does not matter.
    pub fn until(&self, wanted: &str) -> String {
        loop {
            let told = self.tells();
            if told.starts_with(wanted) {
                return told;
            }
        }
    }

    /// Waits until its process has gone.
    pub fn gone(self) {
        while self.told.recv_timeout(DEADLINE).is_ok() {}
        let mut rest = String::new();
        assert_eq!(BufReader::new(&self.stream).read_line(&mut rest).unwrap_or(0), 0);
    }
}
