//! The agent of whoever runs the command: where it is, and what it says when it cannot help.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use hither::{Guid, SessionId};
use hither_agent::paths::Paths;
use hither_agent::remote::{Remote, RemoteError, Told};
use hither_ipc::ConnectError;
use hither_wire::local::{self, AgentStatus, SessionLine};
use hither_wire::message::{Answer, Event, Request};
use tokio::time::{Instant, timeout_at};

/// The person's folders.
pub fn paths() -> Result<Paths> {
    Paths::from_env().map_err(Into::into)
}

/// A connection to the agent; it has to be there.
pub async fn connect(watch: bool) -> Result<Agent> {
    attempt(watch).await?.ok_or_else(|| anyhow!("no agent runs for you: start it with `hither agent`"))
}

/// A connection to the agent, if one runs.
pub async fn attempt(watch: bool) -> Result<Option<Agent>> {
    match Remote::connect(&hither_ipc::socket_path(), watch).await {
        Ok(remote) => Ok(Some(Agent { remote })),
        Err(RemoteError::Connect(ConnectError::NoAgent(_))) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A connection to the agent, as the person.
pub struct Agent {
    remote: Remote,
}

impl Agent {
    /// Asks; a refusal is an error.
    pub async fn ask(&mut self, request: Request) -> Result<Answer, RemoteError> {
        self.remote.ask(request).await
    }

    /// Asks what only an agent understands.
    pub async fn ask_agent(&mut self, request: local::Request) -> Result<Answer, RemoteError> {
        self.remote.ask_agent(request).await
    }

    /// The sessions of this machine.
    pub async fn sessions(&mut self) -> Result<Vec<SessionLine>> {
        match self.ask_agent(local::Request::Sessions).await?.agent {
            Some(local::Answer::Sessions(lines)) => Ok(lines),
            Some(local::Answer::Launching(_) | local::Answer::Status(_)) | None => Err(RemoteError::Nonsense.into()),
        }
    }

    /// How the agent is.
    pub async fn status(&mut self) -> Result<AgentStatus> {
        match self.ask_agent(local::Request::Agent).await?.agent {
            Some(local::Answer::Status(status)) => Ok(*status),
            Some(local::Answer::Launching(_) | local::Answer::Sessions(_)) | None => Err(RemoteError::Nonsense.into()),
        }
    }

    /// The next thing that happens; only a connection that watches is told any. Cancel-safe.
    pub async fn told(&mut self) -> Result<Told, RemoteError> {
        self.remote.told().await
    }

    /// The next thing that happens, `None` if nothing does in time.
    pub async fn told_until(&mut self, deadline: Instant) -> Result<Option<Told>, RemoteError> {
        timeout_at(deadline, self.remote.told()).await.ok().transpose()
    }

    /// Waits for something that is told; `None` if it does not come in time.
    pub async fn until<T>(
        &mut self,
        within: Duration,
        mut is_it: impl FnMut(&Told) -> Option<T>,
    ) -> Result<Option<T>, RemoteError> {
        let deadline = Instant::now() + within;
        while let Some(told) = self.told_until(deadline).await? {
            if let Some(found) = is_it(&told) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// A fresh id for a session.
pub fn fresh_id() -> Result<SessionId> {
    hither::transport::random_guid().map_err(|_| anyhow!("the system gives no random numbers"))
}

/// The session that something is about.
pub fn session_of(told: &Told) -> Option<SessionId> {
    match told {
        Told::Event(event) => of_event(event),
        Told::Agent(event) => of_agent(event),
    }
}

fn of_event(event: &Event) -> Option<SessionId> {
    match event {
        Event::Invited { session, .. }
        | Event::Accepted { session, .. }
        | Event::Connected { session }
        | Event::Context { session, .. }
        | Event::Progress { session, .. } => Some(*session),
        Event::Invitation(invitation) => Some(invitation.session),
        Event::Ended(ended) => Some(ended.session),
        Event::Presence { .. }
        | Event::SignedOut { .. }
        | Event::Expiring { .. }
        | Event::Lock { .. }
        | Event::LockChallenge { .. }
        | Event::LockResult { .. }
        | Event::LockStatus { .. }
        | Event::Unknown => None,
    }
}

fn of_agent(event: &local::Event) -> Option<SessionId> {
    match event {
        local::Event::ReadyToLaunch { session }
        | local::Event::BeforeLaunch { session, .. }
        | local::Event::AppNotPresent { session, .. }
        | local::Event::Launch { session, .. } => Some(*session),
        local::Event::AppRegistered { .. }
        | local::Event::AppUnregistered { .. }
        | local::Event::Shutdown
        | local::Event::Service { .. } => None,
    }
}

/// Waits until the agent knows of a change to the registry; it is none of its business for long.
pub async fn registry_noticed(agent: &mut Agent, guid: Guid) -> Result<()> {
    const SOON: Duration = Duration::from_secs(2);
    let noticed = agent.until(SOON, |told| match told {
        Told::Agent(local::Event::AppRegistered { app }) => (app.guid == guid).then_some(()),
        Told::Agent(local::Event::AppUnregistered { guid: gone }) => (*gone == guid).then_some(()),
        Told::Agent(_) | Told::Event(_) => None,
    });
    noticed.await.context("the agent went away meanwhile")?;
    Ok(())
}
