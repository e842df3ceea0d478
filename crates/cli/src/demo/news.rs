//! What the demo hears: from `hither watch` of each person, and from the games.

use std::collections::BTreeSet;
use std::mem;
use std::path::Path;

use anyhow::{Context as _, Result};
use hither::{Code, State, Status};
use hither_agent::remote::Told as AgentTold;
use hither_wire::local;
use hither_wire::message::{Data, Event, Stage};
use jiff::Timestamp;
use serde_json::Value;
use tictactoe::app::Played;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::net::UnixListener;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use super::player::Told;
use super::processes::Said;
use super::timeline::Who;

/// Something that is heard.
pub enum News {
    /// From somebody's agent; when, in microseconds since 1970.
    Agent(Who, u64, Box<AgentTold>),
    /// At the beginning: whether somebody's agent is connected to the service.
    Watching(Who, bool),
    /// Nothing more will be heard from somebody's agent.
    Unwatched(Who),
    /// From somebody's game.
    Player(Who, Told),
    /// Somebody's game has ended.
    Left(Who),
}

/// Listens to whoever has something to tell, until it is dropped.
pub struct Ears {
    tasks: JoinSet<()>,
    tell: Sender<News>,
}

impl Ears {
    /// Everything that is heard goes there.
    pub fn new(tell: Sender<News>) -> Ears {
        Ears { tasks: JoinSet::new(), tell }
    }

    /// Listens to `hither watch --json`.
    pub fn watch(&mut self, who: Who, mut said: Said) {
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            while let Ok(Some(line)) = said.next_line().await {
                if let Some(news) = of_agent(who, &line)
                    && tell.send(news).await.is_err()
                {
                    return;
                }
            }
            let _ = tell.send(News::Unwatched(who)).await;
        });
    }

    /// Listens to the game that will connect to this socket.
    pub fn listen(&mut self, who: Who, socket: &Path) -> Result<()> {
        let listener = UnixListener::bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
        let tell = self.tell.clone();
        self.tasks.spawn(async move {
            if let Ok((stream, _)) = listener.accept().await {
                hear(who, stream, &tell).await;
                let _ = tell.send(News::Left(who)).await;
            }
        });
        Ok(())
    }
}

async fn hear(who: Who, stream: impl AsyncRead + Unpin, tell: &Sender<News>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let told = serde_json::from_str(&line).unwrap_or_else(|error| Told::Failed(error.to_string()));
        if tell.send(News::Player(who, told)).await.is_err() {
            return;
        }
    }
}

/// A line of `hither watch --json`; `None` if it is none of those that are told here.
fn of_agent(who: Who, line: &str) -> Option<News> {
    let line: Value = serde_json::from_str(line).ok()?;
    if line.get("event")? == "watching" {
        return Some(News::Watching(who, line.get("connected")?.as_bool()?));
    }
    let at: Timestamp = line.get("time")?.as_str()?.parse().ok()?;
    let at = u64::try_from(at.as_microsecond()).ok()?;
    let told = match serde_json::from_value(line.clone()) {
        Ok(event) => AgentTold::Agent(event),
        Err(_) => AgentTold::Event(serde_json::from_value(line).ok()?),
    };
    Some(News::Agent(who, at, Box::new(told)))
}

/// What an agent tells, under the reference's names. `None` for what the game tells itself, and for
/// what is beside the point.
pub fn words(told: &AgentTold) -> Option<String> {
    match told {
        AgentTold::Event(event) => of_service(event),
        AgentTold::Agent(event) => of_this_agent(event),
    }
}

fn of_service(event: &Event) -> Option<String> {
    Some(match event {
        Event::Invited { .. } => changed(State::Ready, State::Invitation),
        Event::Invitation(invitation) => {
            let data = quoted(invitation.data.as_ref());
            format!("OnInvitation from {} to {}: {data}", invitation.from, invitation.app.name)
        }
        Event::Accepted { data: None, .. } => changed(State::Invitation, State::Accepted),
        Event::Accepted { data, .. } => format!("OnAccepted: {}", quoted(data.as_ref())),
        Event::Progress { stage, code, .. } if *stage != Stage::Attached => {
            format!("OnProgress: {}{}", stage.name(), why(*code))
        }
        Event::Presence { who, status, .. } => format!("OnContactStatusChange: {who} is {}", status.name()),
        Event::SignedOut { code } => format!("OnSignout: {code}"),
        // The game tells these.
        Event::Progress { .. }
        | Event::Connected { .. }
        | Event::Context { .. }
        | Event::Ended(_)
        | Event::Expiring { .. }
        | Event::Lock { .. }
        | Event::LockChallenge { .. }
        | Event::LockResult { .. }
        | Event::LockStatus { .. }
        | Event::Unknown => return None,
    })
}

fn of_this_agent(event: &local::Event) -> Option<String> {
    Some(match event {
        local::Event::AppRegistered { app } => format!("OnAppRegistered: {}", app.name),
        local::Event::ReadyToLaunch { .. } => "OnReadyToLaunch".to_owned(),
        local::Event::Launch { stage: Stage::Launching, .. } => "starts the game".to_owned(),
        local::Event::AppNotPresent { name, .. } => format!("OnAppNotPresent: {name}"),
        local::Event::Launch { .. }
        | local::Event::BeforeLaunch { .. }
        | local::Event::AppUnregistered { .. }
        | local::Event::Shutdown
        | local::Event::Service { .. } => return None,
    })
}

fn changed(previous: State, state: State) -> String {
    format!("OnStateChanged: {previous} -> {state}")
}

fn quoted(data: Option<&Data>) -> String {
    format!("\"{}\"", data.and_then(Data::as_text).unwrap_or_default())
}

fn why(code: Option<Code>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

/// What has to be heard of each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    SignedIn,
    FriendOnline,
    Rings,
    RingsThere,
    Launching,
    Started,
    Played,
    Left,
    Over,
}

impl Step {
    /// What somebody waits for.
    pub fn of(self, who: Who) -> String {
        let (name, friend) = (who.name(), who.friend().name());
        match self {
            Step::SignedIn => format!("{name}'s agent to sign in"),
            Step::FriendOnline => format!("{name}'s agent to show that {friend} is online"),
            Step::Rings => format!("{name}'s agent to ring"),
            Step::RingsThere => format!("{name}'s agent to be told that it rings at {friend}'s"),
            Step::Launching => format!("{name}'s agent to start the game"),
            Step::Started => format!("{name}'s game to start"),
            Step::Played => format!("{name}'s game to be over"),
            Step::Left => format!("{name}'s game to end"),
            Step::Over => format!("{name}'s agent to be told that the session is over"),
        }
    }
}

/// What is known of one person by what was heard.
#[derive(Default)]
pub struct Seen {
    /// What has happened.
    pub steps: BTreeSet<Step>,
    /// What came from the game before its agent had told that it starts it: the two tell in ways of
    /// their own, and a cause is shown before what it has caused.
    pub early: Vec<News>,
    /// The process of the game.
    pub game: Option<u32>,
    /// When it was shown that the game runs, in microseconds since 1970; what it does comes after.
    pub game_us: u64,
    /// The game, once it is over.
    pub played: Option<Played>,
    /// Whether the game has said that it could not be played to its end.
    pub failed: bool,
}

/// Why the demo cannot go on; what causes the others comes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Somebody is not there any more.
    Gone(String),
    /// An agent says that the session has ended.
    Session(String),
    /// A game says that it cannot go on.
    Game(String),
}

impl Trouble {
    /// The causes among several, in words.
    pub fn causes(mut all: Vec<Trouble>) -> String {
        all.sort();
        let first = all.first().map(mem::discriminant);
        let causes = all.into_iter().filter(|trouble| Some(mem::discriminant(trouble)) == first);
        causes.map(Trouble::text).collect::<Vec<_>>().join("; ")
    }

    fn text(self) -> String {
        match self {
            Trouble::Gone(text) | Trouble::Session(text) | Trouble::Game(text) => text,
        }
    }
}

impl Seen {
    /// What came too early, now that it has not.
    pub fn no_longer_early(&mut self) -> Vec<News> {
        if self.steps.contains(&Step::Launching) { mem::take(&mut self.early) } else { Vec::new() }
    }

    /// Takes note of what an agent tells.
    pub fn note(&mut self, who: Who, told: &AgentTold) -> Result<(), Trouble> {
        let name = who.name();
        match told {
            AgentTold::Event(Event::Presence { status: Status::Online, .. }) => {
                self.steps.insert(Step::FriendOnline);
            }
            AgentTold::Event(Event::Invitation(_)) => {
                self.steps.insert(Step::Rings);
            }
            AgentTold::Event(Event::Progress { stage: Stage::Ringing, .. }) => {
                self.steps.insert(Step::RingsThere);
            }
            AgentTold::Event(Event::Ended(ended)) => {
                self.steps.insert(Step::Over);
                if !matches!(ended.code, Code::SR_SESSION_CANCELLED_LOCAL | Code::SR_SESSION_CANCELLED_REMOTE) {
                    let advice = ended.code.advice();
                    return Err(Trouble::Session(format!("{name}: the session has ended: {}: {advice}", ended.code)));
                }
            }
            AgentTold::Agent(local::Event::Service { connected, .. }) => {
                if *connected {
                    self.steps.insert(Step::SignedIn);
                } else if self.steps.contains(&Step::SignedIn) {
                    return Err(Trouble::Gone(format!("{name}'s agent has lost the service")));
                }
            }
            AgentTold::Agent(local::Event::Launch { stage: Stage::Launching, .. }) => {
                self.steps.insert(Step::Launching);
            }
            AgentTold::Agent(local::Event::Launch { stage: Stage::LaunchFailed, why, .. }) => {
                let why = why.as_deref().unwrap_or("it does not say why");
                return Err(Trouble::Gone(format!("{name}'s agent could not start the game: {why}")));
            }
            AgentTold::Event(_) | AgentTold::Agent(_) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<String> {
        match of_agent(Who::Bob, line) {
            Some(News::Agent(Who::Bob, 1_900_000_000_120_000, told)) => words(&told),
            _ => None,
        }
    }

    fn line(event: &str) -> String {
        format!(r#"{{"time":"2030-03-17T17:46:40.120Z","event":{event}}}"#)
    }

    #[test]
    fn lines_of_watch() {
        let session = r#""session":"{00000000-0000-0000-0000-000000000001}""#;
        let stage = |event: &str, stage: &str| line(&format!(r#""{event}",{session},"stage":"{stage}""#));
        for (line, words) in [
            (line(&format!(r#""ready-to-launch",{session}"#)), "OnReadyToLaunch"),
            (stage("launch", "launching"), "starts the game"),
            (stage("progress", "ringing"), "OnProgress: ringing"),
            (line(&format!(r#""accepted",{session},"data":{{"text":"gladly"}}"#)), "OnAccepted: \"gladly\""),
            (
                line(r#""presence","who":"alice@example.org","status":"ONLINE""#),
                "OnContactStatusChange: alice@example.org is ONLINE",
            ),
        ] {
            assert_eq!(told(&line).as_deref(), Some(words), "{line}");
        }
        for silent in [stage("launch", "launched"), line(r#""of a later version""#), "?".to_owned()] {
            assert_eq!(told(&silent), None, "{silent}");
        }
        let begin = r#"{"time":"T","event":"watching","user":"bob@example.org","connected":true}"#;
        assert!(matches!(of_agent(Who::Bob, begin), Some(News::Watching(Who::Bob, true))));
    }

    #[test]
    fn what_ends_the_demo() {
        let note = |seen: &mut Seen, line: &str| match of_agent(Who::Bob, line) {
            Some(News::Agent(who, _, told)) => seen.note(who, &told).map_err(Trouble::text),
            _ => panic!("{line}"),
        };
        let ended = |code: u32| {
            let session = r#""session":"{00000000-0000-0000-0000-000000000001}""#;
            line(&format!(r#""ended",{session},"how":"cancelled","code":{code}"#))
        };
        let mut seen = Seen::default();
        note(&mut seen, &line(r#""service","connected":true"#)).unwrap();
        note(&mut seen, &ended(Code::SR_SESSION_CANCELLED_REMOTE.0)).unwrap();
        assert_eq!(seen.steps, BTreeSet::from([Step::SignedIn, Step::Over]));
        seen.early.push(News::Left(Who::Bob));
        assert!(seen.no_longer_early().is_empty());
        note(&mut seen, &line(r#""launch","session":"{00000000-0000-0000-0000-000000000001}","stage":"launching""#))
            .unwrap();
        assert_eq!(seen.no_longer_early().len(), 1);
        assert!(seen.no_longer_early().is_empty());
        let failed = note(&mut seen, &ended(Code::SR_APPLICATION_LAUNCH_FAILED.0)).unwrap_err();
        assert!(failed.starts_with("bob: the session has ended: SR_APPLICATION_LAUNCH_FAILED"), "{failed}");
        let lost = note(&mut seen, &line(r#""service","connected":false"#));
        assert_eq!(lost, Err("bob's agent has lost the service".to_owned()));

        let (one, two) = (|| Trouble::Gone("one".to_owned()), || Trouble::Gone("two".to_owned()));
        let all = vec![Trouble::Game("no answer".to_owned()), two(), Trouble::Session("over".to_owned()), one()];
        assert_eq!(Trouble::causes(all), "one; two");
    }
}
