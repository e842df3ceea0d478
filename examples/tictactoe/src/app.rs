//! What an application does with hither: find the session that has started it, or invite; pass on
//! where one can be reached; play; end the session.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hither::{Agent, Code, Event, Events, Launched, Session, SessionId, State};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::board::{Mark, careful, careless};
use crate::table::{Finished, Game, Table, Ticket, sit_down};

/// Names the application; the same at both ends.
pub const GUID: &str = "{6C1F3A52-9B7E-4C58-8B0D-52E2C8A7D914}";
/// What people call it.
pub const NAME: &str = "Tic-tac-toe";
/// Where a friend gets it who has not got it yet.
const URL: &str = env!("CARGO_PKG_REPOSITORY");

/// Something that happened, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Where it happened.
    pub place: Place,
    /// What happened.
    pub text: String,
}

/// Where something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// At this side.
    Here,
    /// The session changed its state.
    Session,
    /// It went through the agent and the service.
    Service,
    /// It went over the direct connection.
    Direct,
}

/// A session that was held, and what this side has sent in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The game.
    pub finished: Finished,
    /// Bytes of app data.
    pub app_data: usize,
    /// Bytes of context data.
    pub context_data: usize,
}

/// Registers this program with the agent, so that it starts when somebody invites into it.
pub async fn register(program: &Path) -> Result<()> {
    let program = program.to_str().context("the path of this program is not UTF-8")?;
    let (agent, _events) = Agent::connect().await?;
    match agent.register_application(GUID, NAME, URL, program, 0).await {
        Err(error) if error.code() != Code::SR_APP_ALREADY_REGISTERED => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Plays in the session for which the agent has started this process. `tell` hears of every moment.
pub async fn launched(tell: &mut (dyn FnMut(&Moment) + Send)) -> Result<Played> {
    let (launched, agent, mut events) = Session::launching().await?;
    let Launched { session, data, inviter, user, .. } = launched;
    let mut player = Player { events: &mut events, tell };
    let did = if inviter { "accepted" } else { "invited" };
    player.say(Place::Here, format!("finds its session: {user} has {did}: \"{data}\""));
    let played = if inviter { player.host(&session).await } else { player.visit(&session).await };
    leave(&agent, played).await
}

/// Invites a friend from within the game, and plays. `tell` hears of every moment.
pub async fn invite(friend: &str, tell: &mut (dyn FnMut(&Moment) + Send)) -> Result<Played> {
    let (agent, mut events) = Agent::connect().await?;
    let session = agent.create_session();
    session.set_application(GUID, NAME, URL)?;
    let mut player = Player { events: &mut events, tell };
    let question = "a quick game?";
    player.say(Place::Service, format!("invites {friend}: \"{question}\""));
    session.invite(friend, question).await?;
    let played = player.host(&session).await;
    let played = played.map(|played| Played { app_data: played.app_data + question.len(), ..played });
    leave(&agent, played).await
}

/// Leaves the agent, which ends the session if something has failed.
async fn leave(agent: &Agent, played: Result<Played>) -> Result<Played> {
    let left = agent.sign_out().await;
    let played = played?;
    left?;
    Ok(played)
}

/// What happens to one side, and who is told about it.
struct Player<'a> {
    events: &'a mut Events,
    tell: &'a mut (dyn FnMut(&Moment) + Send),
}

/// How long the other person may take for each step.
const PATIENCE: Duration = Duration::from_mins(2);

impl Player<'_> {
    /// Whoever has invited lays the table.
    async fn host(&mut self, session: &Session) -> Result<Played> {
        let id = session.id();
        self.until("the friend's game", |event| {
            let connected =
                matches!(event, Event::StateChanged { session, state: State::Connected, .. } if session == id);
            connected.then_some(())
        })
        .await?;

        let table = Table::open(own_address(session)).await?;
        let ticket = table.ticket()?;
        self.say(Place::Direct, format!("listens on {}", ticket.address));
        let context = ticket.to_string();
        self.say(Place::Service, format!("sends context data: \"{context}\""));
        session.send_context_data(&context).await?;

        let finished = self.play(table.welcome().await?).await?;
        let thanks = "good game";
        self.say(Place::Service, format!("ends the session: \"{thanks}\""));
        session.cancel(Code::S_OK, thanks).await?;
        self.ended(id).await?;
        Ok(Played { finished, app_data: thanks.len(), context_data: context.len() })
    }

    /// Whoever was invited comes to the table.
    async fn visit(&mut self, session: &Session) -> Result<Played> {
        let id = session.id();
        let ticket = self.until("the friend's table", |event| {
            let Event::ContextData { session, data } = event else { return None };
            (session == id).then_some(data)
        });
        let ticket: Ticket = ticket.await?.parse()?;
        let game = sit_down(&ticket).await?;
        self.say(Place::Direct, format!("is connected to {}", ticket.address));
        let finished = self.play(game).await?;
        self.ended(id).await?;
        Ok(Played { finished, app_data: 0, context_data: 0 })
    }

    async fn play(&mut self, game: Game) -> Result<Finished> {
        let me = game.me();
        let strategy = if me == Mark::X { careful } else { careless };
        let tell = &mut self.tell;
        game.play(strategy, |mark, cell| {
            if mark == me {
                tell(&Moment { place: Place::Direct, text: format!("plays {mark} in cell {}", cell + 1) });
            }
        })
        .await
    }

    async fn ended(&mut self, id: SessionId) -> Result<()> {
        let wait = async {
            while let Some(event) = self.events.next().await {
                self.narrate(&event);
                if matches!(event, Event::Termination { session, .. } if session == id) {
                    return Ok(());
                }
            }
            bail!("the agent has gone")
        };
        timeout(PATIENCE, wait).await.context("the session did not end")?
    }

    /// Takes events until the one that `found` looks for. The end of the session is a failure.
    async fn until<T>(&mut self, what: &str, mut found: impl FnMut(Event) -> Option<T>) -> Result<T> {
        let wait = async {
            while let Some(event) = self.events.next().await {
                self.narrate(&event);
                if let Event::Termination { code, .. } = event {
                    bail!("the session ended while waiting for {what}: {}", code.advice());
                }
                if let Some(found) = found(event) {
                    return Ok(found);
                }
            }
            bail!("the agent has gone while waiting for {what}")
        };
        timeout(PATIENCE, wait).await.with_context(|| format!("waited too long for {what}"))?
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the sdk may add events; this tells those it knows")]
    fn narrate(&mut self, event: &Event) {
        let (place, text) = match event {
            Event::StateChanged { previous, state, .. } => (Place::Session, format!("{previous} -> {state}")),
            Event::Accepted { data, .. } => (Place::Service, format!("OnAccepted: \"{data}\"")),
            Event::Declined { data, .. } => (Place::Service, format!("OnDeclined: \"{data}\"")),
            Event::Cancelled { data, .. } => (Place::Service, format!("OnCancelled: \"{data}\"")),
            Event::ContextData { data, .. } => (Place::Service, format!("OnContextData: \"{data}\"")),
            Event::Termination { code, .. } => (Place::Service, format!("OnTermination: {code}")),
            Event::Progress { stage, .. } => (Place::Service, format!("OnProgress: {}", stage.name())),
            Event::ConnectionLost { code } => (Place::Here, format!("the connection to the agent is down: {code}")),
            _ => return,
        };
        self.say(place, text);
    }

    fn say(&mut self, place: Place, text: String) {
        (self.tell)(&Moment { place, text });
    }
}

/// The address that the session discloses, or this machine alone.
fn own_address(session: &Session) -> IpAddr {
    session.snapshot().local.and_then(|address| address.as_str().parse().ok()).unwrap_or(Ipv4Addr::LOCALHOST.into())
}
