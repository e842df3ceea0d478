//! What only an agent understands and says, on a machine's own socket (`spec/local.md`). Everything
//! else there is said in the messages of [`crate::message`].

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::code::Code;
use crate::ids::{Guid, PersonName, SessionId};
use crate::lock::LockStatus;
use crate::message::{Application, Data, Stage};
use crate::presence::Status;

/// What an application or a tool of the person can ask of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Request {
    /// `RegisterApplication` (section 2.1). The texts are as they were given: the registry judges them.
    Register(Box<Registration>),
    /// `UnRegisterApplication`.
    Unregister {
        /// Which application; judged by the registry.
        guid: Box<str>,
    },
    /// This connection is of a running application: invitations to it are shown to it.
    Serve {
        /// Which application.
        application: Guid,
    },
    /// `GetLaunchingSession`: the session that started the process, which takes it over and is attached.
    Launching {
        /// The process; the one at the other end of the connection if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        process: Option<u32>,
        /// What the environment of a started process says, for one that cannot be traced back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<Box<str>>,
    },
    /// The answer to a question, such as [`Event::BeforeLaunch`].
    Reply {
        /// Which question.
        question: u64,
        /// *Handled* for an invitation; *launch* for [`Event::BeforeLaunch`].
        yes: bool,
    },
    /// This connection is the person's own: it may answer for every session on this machine.
    Person {
        /// Whether it is told of everything that happens.
        #[serde(default)]
        watch: bool,
    },
    /// Invites from the client: after the acceptance the application is started on both sides.
    Start {
        /// A fresh id, drawn by whoever asks (R27).
        session: SessionId,
        /// Who is invited.
        to: PersonName,
        /// Into which registered application.
        application: Guid,
        /// App data.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Data>,
    },
    /// Lists the sessions on this machine.
    Sessions,
    /// The person's yes to opening the URL of an application that is not installed (R15).
    Get {
        /// Of which session.
        session: SessionId,
    },
    /// Acts on a `hither:` link, after the person's yes.
    Link {
        /// A fresh id, in case it becomes an invitation.
        session: SessionId,
        /// The link.
        uri: Box<str>,
    },
    /// Starts an application against a rehearsed session, without the service.
    Rehearse {
        /// A fresh id for the rehearsed session.
        session: SessionId,
        /// Which application.
        application: Guid,
    },
    /// Invites another person's agent to a check of the way to it, which it answers by itself.
    Check {
        /// A fresh id.
        session: SessionId,
        /// Whose agent.
        to: PersonName,
    },
    /// How the agent is.
    Agent,
    /// The stored sign-in has changed.
    Reload,
    /// Stops the agent.
    Stop,
}

impl Request {
    /// The names of all of them.
    pub const NAMES: [&str; 15] = [
        "register",
        "unregister",
        "serve",
        "launching",
        "reply",
        "person",
        "start",
        "sessions",
        "get",
        "link",
        "rehearse",
        "check",
        "agent",
        "reload",
        "stop",
    ];

    /// The name of the request on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Register(_) => "register",
            Request::Unregister { .. } => "unregister",
            Request::Serve { .. } => "serve",
            Request::Launching { .. } => "launching",
            Request::Reply { .. } => "reply",
            Request::Person { .. } => "person",
            Request::Start { .. } => "start",
            Request::Sessions => "sessions",
            Request::Get { .. } => "get",
            Request::Link { .. } => "link",
            Request::Rehearse { .. } => "rehearse",
            Request::Check { .. } => "check",
            Request::Agent => "agent",
            Request::Reload => "reload",
            Request::Stop => "stop",
        }
    }
}

/// The application of a check from agent to agent. Nobody registers it; no agent rings for it.
pub const CHECK: Guid = Guid(0x4869_7468_6572_4368_8563_6b00_0000_0001);

/// The arguments of `RegisterApplication` (section 2.1), with how the application is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// At most 39 characters.
    pub guid: Box<str>,
    /// At most 256 characters.
    #[serde(default)]
    pub name: Box<str>,
    /// At most 256 characters.
    #[serde(default)]
    pub url: Box<str>,
    /// Absolute, perhaps with arguments; at most 260 characters.
    pub path: Box<str>,
    /// Must be 0.
    #[serde(default)]
    pub flags: u32,
    /// How it is started.
    #[serde(default)]
    pub mode: Mode,
}

/// How a registered application takes part in its sessions (R4, R7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It speaks hither: it finds its session, attaches, exchanges context data.
    #[default]
    Session,
    /// It is only started (`SF_APP_INVITE_COMPATIBLE`); the agent attaches for it.
    LaunchOnly,
    /// It knows nothing of hither; the agent attaches for it.
    Tunnelled,
}

impl Mode {
    /// Whether the agent attaches when the program has started (R7).
    pub fn is_attached_by_agent(self) -> bool {
        matches!(self, Mode::LaunchOnly | Mode::Tunnelled)
    }
}

/// What an agent's answer carries, if it carries more than a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Launching`].
    Launching(Box<Launching>),
    /// To [`Request::Sessions`].
    Sessions(Vec<SessionLine>),
    /// To [`Request::Agent`].
    Status(Box<AgentStatus>),
}

/// The session that started a process, in ACCEPTED or CONNECTED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launching {
    /// Which session.
    pub session: SessionId,
    /// Whether this side invited.
    pub inviter: bool,
    /// The other party.
    pub user: PersonName,
    /// The other party's friendly name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub friendly_name: Box<str>,
    /// Into what.
    pub app: Application,
    /// App data of the other party: of the invitation, or of its acceptance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// The address that this side discloses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<Address>,
    /// The address that the other side discloses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Address>,
}

/// One session in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLine {
    /// Which session.
    pub session: SessionId,
    /// Its state, as the reference spells it.
    pub state: Box<str>,
    /// Whether this side invited.
    pub inviter: bool,
    /// The other party.
    pub user: PersonName,
    /// Into what.
    pub app: Application,
    /// App data of the invitation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// How much longer it rings, in milliseconds; absent if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_ms: Option<u64>,
    /// What the agent is doing about it, in a word: `ringing`, `installing`, `launching` and so on.
    pub doing: Box<str>,
    /// The process of the application, where the agent started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}

/// How an agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its version.
    pub version: Box<str>,
    /// Its process.
    pub process: u32,
    /// Who is signed in, if anybody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<PersonName>,
    /// The address of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Box<str>>,
    /// Whether the connection to the service is up.
    pub connected: bool,
    /// Why not, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Box<str>>,
    /// The person's presence.
    pub status: Status,
    /// How the agent's own lock stands; absent where the service has none, or has not said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockStatus>,
    /// What shows invitations, such as the name of a notification daemon; absent if nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Box<str>>,
    /// How many applications are registered.
    pub applications: u64,
    /// What is wrong with files that were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub complaints: Vec<Box<str>>,
}

/// What only an agent tells. Without `seq`: it says how things are now and is not repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Event {
    /// `OnReadyToLaunch`: the application of this session is about to be started.
    ReadyToLaunch {
        /// Which session.
        session: SessionId,
    },
    /// `BeforeAppLaunch`: a question, answered by [`Request::Reply`]; without an answer, yes.
    BeforeLaunch {
        /// Which session.
        session: SessionId,
        /// Which question.
        question: u64,
        /// How long the agent waits for the answer, in milliseconds.
        within_ms: u64,
    },
    /// `OnAppNotPresent`: the application is not registered on this machine (R15).
    AppNotPresent {
        /// Which session.
        session: SessionId,
        /// The application's name.
        name: Box<str>,
        /// Where to get it, "" if nowhere.
        url: Box<str>,
    },
    /// `OnAppRegistered`.
    AppRegistered {
        /// The application.
        app: Application,
    },
    /// `OnAppUnRegistered`.
    AppUnregistered {
        /// Which application.
        guid: Guid,
    },
    /// `OnAppShutdown`: the agent goes away.
    Shutdown,
    /// To the person's tools: how far the start of an application on this machine is.
    Launch {
        /// Of which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Box<str>>,
    },
    /// To the person's tools: whether there is a connection to the service.
    Service {
        /// Whether there is.
        connected: bool,
        /// Why not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
}
