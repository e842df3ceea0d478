//! A person, signed in by the agent on this machine.

use std::env;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use hither_proto::client::{Call, Client as Machine, Reply};
use hither_wire::local::{self, Registration, Request};
use hither_wire::message::{Credential, Data};
use hither_wire::{Code, Guid, PersonName, text};

use crate::client::{Client, PROGRAM};
use crate::error::{ConnectError, Error, Refusal};
use crate::event::Events;
use crate::machine::setup;
use crate::session::Session;
use crate::transport::Target;

/// Longer texts than these are not even said to the agent, whose registry takes less of each.
const TEXT_UNITS: usize = 512;
/// What names the session in the environment of a started process.
const LAUNCH: &str = "HITHER_LAUNCH";
/// The longest secret that can be one.
const SECRET_BYTES: usize = 64;

/// A client through the agent of this person on this machine: whatever a [`Client`] does, without
/// address, name and password, and what only an agent does. Clones are the same client.
///
/// The agent knows this program as one application. It shows it the sessions that it has created,
/// the one that has started it, and invitations to the application that it says it is
/// ([`Agent::serve`]); other programs' sessions it does not see.
///
/// An agent that goes away is looked for, and found again within its grace everything goes on. Beyond
/// that the sessions end with `SR_CONNECTION_FAILURE` and calls fail with [`Error::AgentGone`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use hither::Agent;
///
/// let (agent, events) = Agent::connect().await?;
/// let game = agent.create_session();
/// game.set_application("{305D86C6-6896-4099-91F5-CB7BA7733563}", "", "")?;
/// game.invite("bob@example.org", "white or black?").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Agent {
    client: Client,
}

/// How to connect to an agent; made by [`Agent::builder`].
#[derive(Clone, Debug, Default)]
pub struct AgentBuilder {
    socket: Option<PathBuf>,
    application: Option<String>,
}

/// The session that has started a process.
#[derive(Debug)]
#[non_exhaustive]
pub struct Launched {
    /// The session, in `ACCEPTED` or `CONNECTED`, and attached: when the other side is too, an event
    /// says that it is connected.
    pub session: Session,
    /// App data of the other party, "" if there are none: of the invitation, or of its acceptance.
    pub data: String,
    /// Whether this side has invited.
    pub inviter: bool,
    /// The other party.
    pub user: PersonName,
    /// The other party's friendly name, "" if there is none.
    pub friendly_name: String,
}

impl AgentBuilder {
    /// The agent's socket. Without this call it is the one of this person: `HITHER_SOCKET`, which a
    /// started application inherits, or the one in the runtime folder.
    #[must_use]
    pub fn socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.socket = Some(socket.into());
        self
    }

    /// Says at once which application this program is ([`Agent::serve`]), so that no invitation to it
    /// is missed.
    #[must_use]
    pub fn application(mut self, guid: &str) -> Self {
        self.application = Some(guid.to_owned());
        self
    }

    /// Connects. Must be called in a tokio runtime.
    ///
    /// The first connection must succeed; later ones are made by themselves.
    /// [`ConnectError::NoAgent`] if none runs, [`ConnectError::NotYours`] if it is another user's;
    /// refused with `MSGR_E_NOT_LOGGED_ON` if nobody is signed in at it.
    pub async fn connect(self) -> Result<(Agent, Events), ConnectError> {
        let socket = self.socket.unwrap_or_else(hither_ipc::socket_path);
        let setup = setup(None, Credential::Local, None, PROGRAM);
        let setup = setup.map_err(|error| ConnectError::NoRandomness(error.into()))?;
        let (client, events) = Client::begin(Machine::new(setup), Target::agent(&socket), None).await?;
        let agent = Agent { client };
        if let Some(guid) = self.application {
            agent.serve(&guid).await.map_err(|error| error.while_connecting(socket))?;
        }
        Ok((agent, events))
    }
}

impl Agent {
    /// Connects to the agent of this person; see [`AgentBuilder::connect`].
    pub async fn connect() -> Result<(Agent, Events), ConnectError> {
        Agent::builder().connect().await
    }

    /// Begins to connect to an agent.
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    /// `RegisterApplication` (section 2.1): a GUID of at most 39 characters, a name and a URL of at
    /// most 256 each, an absolute path, perhaps with arguments, of at most 260; `flags` must be 0.
    ///
    /// `E_INVALIDARG`; `SR_APP_ALREADY_REGISTERED`, also with other values; `REGDB_E_WRITEREGDB` if
    /// the registry cannot be written; `E_FAIL` if the path leads to no program.
    pub async fn register_application(
        &self,
        guid: &str,
        name: &str,
        url: &str,
        path: &str,
        flags: u32,
    ) -> Result<(), Error> {
        let (guid, name, url, path) = (guid.into(), name.into(), url.into(), path.into());
        self.register(&Registration { guid, name, url, path, flags, ..Registration::default() }).await
    }

    /// [`Agent::register_application`], with how the application is to be started.
    pub async fn register(&self, registration: &Registration) -> Result<(), Error> {
        let Registration { guid, name, url, path, .. } = registration;
        for text in [guid, name, url, path] {
            speakable(text)?;
        }
        self.ask(Request::Register(Box::new(registration.clone()))).await.map(drop)
    }

    /// `UnRegisterApplication` (section 2.1). `E_INVALIDARG`, `SR_APP_NOT_REGISTERED`,
    /// `REGDB_E_WRITEREGDB`.
    pub async fn unregister_application(&self, guid: &str) -> Result<(), Error> {
        speakable(guid)?;
        self.ask(Request::Unregister { guid: guid.into() }).await.map(drop)
    }

    /// Says which application this program is: invitations to it come as
    /// [`Event::Invitation`](crate::Event::Invitation), before the agent rings. An agent that was
    /// started anew is told again.
    ///
    /// `E_INVALIDARG` for what is no GUID; `SR_APP_NOT_REGISTERED`.
    pub async fn serve(&self, guid: &str) -> Result<(), Error> {
        let application = Guid::parse(guid)
            .map_err(|error| Error::Refused(Refusal::because(Code::E_INVALIDARG, error.to_string())))?;
        self.ask(Request::Serve { application }).await?;
        self.client.handle().shared.lock().serves.insert(application);
        Ok(())
    }

    /// Answers a question of the agent: *handled* for an [`Invitation`](crate::Invitation), *launch*
    /// for [`Event::BeforeAppLaunch`](crate::Event::BeforeAppLaunch). One that has been answered
    /// already, or is too old, is nothing: that is no error.
    pub async fn reply(&self, question: u64, yes: bool) -> Result<(), Error> {
        self.ask(Request::Reply { question, yes }).await.map(drop)
    }

    /// `GetLaunchingSession` for this process: the session that has started it, or one of the
    /// processes that have started it in turn. This program takes it over and is attached (R7). Ask
    /// once: a second [`Launched`] is of the same session, which is cancelled when one is dropped.
    ///
    /// `E_FAIL` if no session has.
    pub async fn launching_session(&self) -> Result<Launched, Error> {
        let secret = env::var(LAUNCH).ok().filter(|secret| secret.len() <= SECRET_BYTES);
        self.launched(Request::Launching { process: None, secret: secret.map(Into::into) }).await
    }

    /// `GetLaunchingSession` for a process that is named. `E_FAIL` if no session has started it, or
    /// one that is not this program's own.
    pub async fn launching_session_of(&self, process: u32) -> Result<Launched, Error> {
        if process == std::process::id() {
            return self.launching_session().await;
        }
        self.launched(Request::Launching { process: Some(process), secret: None }).await
    }

    async fn launched(&self, request: Request) -> Result<Launched, Error> {
        let answer = self.ask(request).await?;
        let Some(local::Answer::Launching(launching)) = answer else {
            let message = "the agent did not say which session it is";
            return Err(Error::Refused(Refusal::because(Code::E_FAIL, message)));
        };
        let data = launching.data.as_ref().and_then(Data::as_text).unwrap_or_default().to_owned();
        Ok(Launched {
            session: Session::new(Arc::clone(self.client.handle()), launching.session),
            data,
            inviter: launching.inviter,
            user: launching.user,
            friendly_name: launching.friendly_name.into(),
        })
    }

    async fn ask(&self, request: Request) -> Result<Option<local::Answer>, Error> {
        Ok(match self.client.handle().call(Call::Agent(Box::new(request))).await? {
            Reply::Agent(answer) => Some(*answer),
            Reply::Done
            | Reply::Already
            | Reply::Devices(_)
            | Reply::Contacts(_)
            | Reply::Contact(_)
            | Reply::Settings(_) => None,
        })
    }
}

impl Session {
    /// The session that has started this process, with the agent it came from: all that a started
    /// application needs. See [`Agent::launching_session`].
    pub async fn launching() -> Result<(Launched, Agent, Events), ConnectError> {
        let socket = hither_ipc::socket_path();
        let (agent, events) = Agent::builder().socket(&socket).connect().await?;
        let launched = agent.launching_session().await.map_err(|error| error.while_connecting(socket))?;
        Ok((launched, agent, events))
    }
}

impl Deref for Agent {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("user", self.user()).field("socket", &self.url()).finish_non_exhaustive()
    }
}

/// Whether a text can be said at all: what is too long for a frame would break the connection. What
/// is too long for the registry, the registry says.
fn speakable(text: &str) -> Result<(), Error> {
    if text::fits(text, TEXT_UNITS) {
        return Ok(());
    }
    let message = format!("a text has more than {TEXT_UNITS} characters, far more than an application's may have");
    Err(Error::Refused(Refusal::because(Code::E_INVALIDARG, message)))
}
