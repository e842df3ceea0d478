//! What an application does with hither: invite or be invited, pass on where one can be reached,
//! play, end the session.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hither::{Client, Code, ContactAction, Event, Events, Session, SessionId, State, Status};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio::try_join;

use crate::board::{careful, careless};
use crate::table::{Finished, Game, Table, Ticket, sit_down};

/// Names the application; the same at both ends.
pub const GUID: &str = "{6C1F3A52-9B7E-4C58-8B0D-52E2C8A7D914}";
/// What people call it.
pub const NAME: &str = "Tic-tac-toe";

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
    /// It went through the service.
    Service,
    /// It went over the direct connection.
    Direct,
}

/// A session that was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The game.
    pub finished: Finished,
    /// Bytes of app data sent through the service.
    pub app_data: usize,
    /// Bytes of context data sent through the service.
    pub context_data: usize,
}

/// Who plays, and who is told about it.
pub struct Player<'a> {
    /// The signed-in person.
    pub client: &'a Client,
    /// What happens to that person.
    pub events: &'a mut Events,
    /// Hears of every moment.
    pub tell: &'a mut (dyn FnMut(&Moment) + Send),
}

/// How long the other person may take for each step.
const PATIENCE: Duration = Duration::from_mins(1);

impl Player<'_> {
    /// After the sign-in: puts a friend into the contact list. Without that, the friend may not invite us.
    pub async fn befriend(&mut self, friend: &str) -> Result<()> {
        self.until("the sign-in", |event| matches!(event, Event::Signin { .. }).then_some(())).await?;
        match self.client.contact(ContactAction::Add, friend).await {
            Ok(_) => self.say(Place::Service, format!("adds {friend} to the contacts")),
            Err(error) if error.code() == Code::MSGR_E_ALREADY_IN_LIST => {}
            Err(error) => return Err(error).with_context(|| format!("cannot add {friend}")),
        }
        Ok(())
    }

    /// Waits until the friend is there, invites, and plays; the inviter is the host.
    pub async fn invite(&mut self, friend: &str) -> Result<Played> {
        self.until(&format!("{friend} to sign in"), |event| {
            let there = matches!(&event, Event::ContactStatusChange { who, status: Status::Online, .. }
                if who.as_str() == friend);
            there.then_some(())
        })
        .await?;

        let session = self.client.create_session();
        session.set_application(GUID, NAME, "")?;
        let question = "a quick game?";
        self.say(Place::Service, format!("invites {friend}: \"{question}\""));
        try_join!(call(session.invite(friend, question)), self.connected(session.id()))?;

        let table = Table::open(own_address(&session)).await?;
        let ticket = table.ticket()?;
        self.say(Place::Direct, format!("listens on {}", ticket.address));
        let context = ticket.to_string();
        self.say(Place::Service, format!("sends context data: \"{context}\""));
        session.send_context_data(&context).await?;

        let game = table.welcome().await?;
        let finished = self.play(game).await?;
        let thanks = "good game";
        self.say(Place::Service, format!("ends the session: \"{thanks}\""));
        try_join!(call(session.cancel(Code::S_OK, thanks)), self.ended(session.id()))?;
        Ok(Played { finished, app_data: question.len() + thanks.len(), context_data: context.len() })
    }

    /// Waits for an invitation, accepts it and plays; the invitee is the guest.
    pub async fn wait(&mut self) -> Result<Played> {
        let session = self
            .until("an invitation", |event| {
                let Event::Invitation(invitation) = event else { return None };
                (invitation.application.guid.to_string() == GUID).then_some(invitation.session)
            })
            .await?;
        let id = session.id();
        let answer = "gladly";
        self.say(Place::Service, format!("accepts: \"{answer}\""));
        let ticket = self.until("context data", |event| {
            let Event::ContextData { session, data } = event else { return None };
            (session == id).then_some(data)
        });
        let ((), ticket) = try_join!(call(session.accept(answer)), ticket)?;
        let ticket: Ticket = ticket.parse()?;
        let game = sit_down(&ticket).await?;
        self.say(Place::Direct, format!("is connected to {}", ticket.address));
        let finished = self.play(game).await?;
        self.ended(id).await?;
        Ok(Played { finished, app_data: answer.len(), context_data: 0 })
    }

    async fn play(&mut self, game: Game) -> Result<Finished> {
        let me = game.me();
        let strategy = if me == crate::board::Mark::X { careful } else { careless };
        let tell = &mut self.tell;
        game.play(strategy, |mark, cell| {
            if mark == me {
                tell(&Moment { place: Place::Direct, text: format!("plays {mark} in cell {}", cell + 1) });
            }
        })
        .await
    }

    async fn connected(&mut self, id: SessionId) -> Result<()> {
        self.until("the answer", |event| {
            let connected =
                matches!(event, Event::StateChanged { session, state: State::Connected, .. } if session == id);
            connected.then_some(())
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
            bail!("the connection to the service has ended")
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
            bail!("the connection to the service has ended while waiting for {what}")
        };
        timeout(PATIENCE, wait).await.with_context(|| format!("waited too long for {what}"))?
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the sdk may add events; this tells those it knows")]
    fn narrate(&mut self, event: &Event) {
        let (place, text) = match event {
            Event::StateChanged { previous, state, .. } => (Place::Session, format!("{previous} -> {state}")),
            Event::Invitation(invitation) => (
                Place::Service,
                format!(
                    "OnInvitation from {} to {}: \"{}\"",
                    invitation.from, invitation.application.name, invitation.data
                ),
            ),
            Event::Accepted { data, .. } => (Place::Service, format!("OnAccepted: \"{data}\"")),
            Event::Declined { data, .. } => (Place::Service, format!("OnDeclined: \"{data}\"")),
            Event::Cancelled { data, .. } => (Place::Service, format!("OnCancelled: \"{data}\"")),
            Event::ContextData { data, .. } => (Place::Service, format!("OnContextData: \"{data}\"")),
            Event::Termination { code, .. } => (Place::Service, format!("OnTermination: {code}")),
            Event::ContactStatusChange { who, status, .. } => {
                (Place::Service, format!("OnContactStatusChange: {who} is {}", status.name()))
            }
            Event::Signin { user, .. } => (Place::Service, format!("OnSignin: {user}")),
            Event::Signout { code } => (Place::Service, format!("OnSignout: {code}")),
            Event::Progress { stage, .. } => (Place::Service, format!("OnProgress: {}", stage.name())),
            Event::ConnectionLost { code } => (Place::Here, format!("the connection is down: {code}")),
            _ => return,
        };
        self.say(place, text);
    }

    fn say(&mut self, place: Place, text: String) {
        (self.tell)(&Moment { place, text });
    }
}

/// A call beside which events are taken, so that both are heard of as they happen.
async fn call(call: impl Future<Output = Result<(), hither::Error>>) -> Result<()> {
    Ok(call.await?)
}

/// The address that the session discloses, or this machine alone.
fn own_address(session: &Session) -> IpAddr {
    session.snapshot().local.and_then(|address| address.as_str().parse().ok()).unwrap_or(Ipv4Addr::LOCALHOST.into())
}
