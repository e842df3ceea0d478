//! What goes into the agent machine and what comes out of it.

use hither_wire::local::{Mode, Registration};
use hither_wire::lock::Response;
use hither_wire::message::Application;
use hither_wire::{Address, ClientFrame, Code, Guid, Malformed, PersonName, ServerFrame, SessionId};
use serde::{Deserialize, Serialize};

use super::rules::Rule;
use crate::Millis;
use crate::client;

/// A local connection; numbered by the shell, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// Ties the shell's answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A process, not mistaken for a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// When it was started, as the system counts.
    pub started: u64,
}

/// A registered application, as far as the machine needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What others are told of it.
    pub app: Application,
    /// How it takes part.
    pub mode: Mode,
}

/// What can happen to an agent.
#[derive(Debug)]
pub enum Input {
    /// Sign in at the service.
    SignIn(Box<client::Setup>),
    /// Nobody is to be signed in any more.
    Forget,
    /// Something about the connection to the service.
    Service(client::Input),
    /// A local connection is open.
    Linked {
        /// Which connection.
        link: LinkId,
        /// The process at its other end.
        process: Option<u32>,
    },
    /// A frame arrived on a local connection.
    Received {
        /// On which connection.
        link: LinkId,
        /// What it says, or what is wrong with it.
        frame: Result<ClientFrame, Malformed>,
    },
    /// A local connection is gone, whoever closed it.
    Unlinked {
        /// Which connection.
        link: LinkId,
    },
    /// The registry, as it is now.
    Apps(Vec<Registered>),
    /// The rules for invitations, as they are now.
    Rules(Vec<Rule>),
    /// The answer to [`Output::Register`] and [`Output::Unregister`]; [`Input::Apps`] has come before.
    Written {
        /// Of which request.
        ticket: Ticket,
        /// What came of it.
        result: Result<(), (Code, String)>,
    },
    /// The answer to [`Output::Trace`].
    Traced {
        /// Of which question.
        ticket: Ticket,
        /// The session whose process it is, or descends from.
        session: Option<SessionId>,
    },
    /// What the shell knows of itself has changed.
    Shell(Box<ShellStatus>),
    /// The person has pressed a button.
    Pressed(Press),
    /// The answer to [`Output::Launch`].
    Launched {
        /// Of which session.
        session: SessionId,
        /// The process and the secret in its environment, or why it could not be started.
        result: Result<(Process, Box<str>), String>,
    },
    /// A started process has ended.
    Exited {
        /// Of which session.
        session: SessionId,
        /// How, and its last words.
        why: String,
    },
    /// The link of a request is understood, and the person asked; or it is refused.
    Linking {
        /// Of which request.
        ticket: Ticket,
        /// Why it is refused.
        result: Result<(), (Code, String)>,
    },
    /// The answer to [`Output::Prove`]: made with the agent's own key.
    Proved(Box<Response>),
    /// What [`Output::Save`] asked for is durable.
    Saved,
    /// The time of [`super::Agent::poll_timeout`] has come.
    Timeout,
    /// The agent stops; what goes on can be resumed by the next.
    Shutdown,
}

/// What a person can press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Accept an invitation.
    Accept(SessionId),
    /// Decline an invitation.
    Decline(SessionId),
    /// Open the URL of an application that is missing.
    Get(SessionId),
    /// Do not wait for an application that is missing.
    Leave(SessionId),
    /// Invite, as a link asks.
    Invite {
        /// A fresh id.
        session: SessionId,
        /// Whom.
        to: PersonName,
        /// Into what.
        application: Guid,
        /// App data.
        data: Box<str>,
    },
}

/// What the shell knows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShellStatus {
    /// The agent's process.
    pub process: u32,
    /// What shows notifications.
    pub notifications: Option<Box<str>>,
    /// What is wrong with files.
    pub complaints: Vec<Box<str>>,
    /// The address of the service.
    pub service: Option<Box<str>>,
    /// Whether the agent has an id and a key of its own, to unlock the service's lock for the person's
    /// tools (section 2.3).
    pub has_key: bool,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make [`super::Agent::memory`] durable before anything that follows is carried out; then, after
    /// the other outputs, say [`Input::Saved`].
    Save,
    /// Do something about the connection to the service.
    Service(client::Output),
    /// Send a frame to a local connection.
    Send {
        /// To which.
        link: LinkId,
        /// What to say.
        frame: ServerFrame,
    },
    /// Close a local connection after what was sent on it; the shell still says [`Input::Unlinked`].
    Close {
        /// Which connection.
        link: LinkId,
        /// Why: a close code of `spec/wire.md`.
        code: u16,
    },
    /// Ring: somebody invites.
    Ring(Box<Ringing>),
    /// Stop ringing, or asking.
    Quiet {
        /// For which session.
        session: SessionId,
    },
    /// Tell the person that the application is missing, and ask whether to open its URL.
    Missing {
        /// Of which session.
        session: SessionId,
        /// The application.
        app: Application,
    },
    /// Open a URL; the person has said yes.
    Open {
        /// Which; http or https.
        url: Box<str>,
    },
    /// Read a `hither:` link and ask the person; answered by [`Input::Linking`].
    Link {
        /// Comes back with the answer.
        ticket: Ticket,
        /// A fresh id.
        session: SessionId,
        /// The link.
        uri: Box<str>,
    },
    /// Register an application; answered by [`Input::Written`].
    Register {
        /// Comes back with the answer.
        ticket: Ticket,
        /// As it was asked.
        registration: Box<Registration>,
    },
    /// Unregister an application; answered by [`Input::Written`].
    Unregister {
        /// Comes back with the answer.
        ticket: Ticket,
        /// As it was asked.
        guid: Box<str>,
    },
    /// Find out which of these processes this one is, or descends from; answered by [`Input::Traced`].
    Trace {
        /// Comes back with the answer.
        ticket: Ticket,
        /// The process that asks.
        process: u32,
        /// The started processes.
        among: Vec<(SessionId, Process)>,
    },
    /// Start an application; answered by [`Input::Launched`].
    Launch(Launch),
    /// Wait for the end of a process that an earlier agent has started; told by [`Input::Exited`].
    Watch {
        /// Of which session.
        session: SessionId,
        /// Which process.
        process: Process,
    },
    /// Answer this challenge with the agent's own id and key, if there are any; answered by
    /// [`Input::Proved`].
    Prove {
        /// Comes back with the response.
        cookie: u32,
        /// The challenge.
        challenge: Box<str>,
    },
    /// Read the stored sign-in again.
    Reload,
    /// The person has signed out at the service: the stored sign-in is worth nothing.
    SignedOut,
    /// Stop, when everything before has been carried out.
    Stop,
}

/// An invitation to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ringing {
    /// Which session.
    pub session: SessionId,
    /// Who invites.
    pub from: PersonName,
    /// The inviter's friendly name, "" if there is none.
    pub friendly_name: Box<str>,
    /// Into what.
    pub app: Application,
    /// Whether it is registered here.
    pub installed: bool,
    /// App data, "" if there are none.
    pub data: Box<str>,
    /// When it is over.
    pub until: Millis,
}

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// For which session.
    pub session: SessionId,
    /// Which application.
    pub application: Guid,
    /// The address that this side discloses.
    pub local: Option<Address>,
    /// The address that the other side discloses.
    pub remote: Option<Address>,
}
