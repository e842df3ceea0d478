//! What can go wrong: an enum for each thing attempted, its variants named by whose fault it is,
//! and what to do about it as an exhaustive match.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hither_proto::client;
use hither_wire::{Code, PersonName};

/// What the service, or the reference's rules, say against a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The code of the reference.
    pub code: Code,
    /// A sentence that a person can act on.
    pub message: Box<str>,
    /// When to try again, if it is only a matter of time.
    pub retry_after: Option<Duration>,
}

/// Why a call did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call was refused: by the service, or before it was sent.
    #[error(transparent)]
    Refused(Refusal),
    /// The connection was down for longer than the grace, so that nobody knows whether the call
    /// has arrived (R29). The code is the call's own, such as `SR_INVITATION_SEND_FAILURE`.
    #[error("{}", .0.advice())]
    NotDelivered(Code),
    /// The agent was gone for longer than the grace, so that nobody knows whether the call has
    /// arrived. The code is the call's own, as for [`Error::NotDelivered`].
    #[error("the agent is gone: start it with `hither agent`, then try again")]
    AgentGone(Code),
    /// The client has signed out, or was signed out.
    #[error("the client is signed out: sign in again")]
    SignedOut,
}

/// Why there is no signed-in client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be one of a service.
    #[error("`{url}` is no address of a service: {what}")]
    Url {
        /// The URL as it was given.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The name cannot be one of a person.
    #[error("`{name}` is no sign-in name: {what}")]
    Name {
        /// The name as it was given.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The resume point is another person's.
    #[error("the resume point is of {of}: sign in as {of}, or begin without it")]
    OtherPerson {
        /// Whose it is.
        of: PersonName,
    },
    /// Nobody answers at the URL.
    #[error("nobody answers at {url}: check host and port, and that the service runs")]
    Unreachable {
        /// The URL.
        url: String,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody answers at the URL, but no service of hither.
    #[error("{url} is answered, but not by a hither service: {what}")]
    NoService {
        /// The URL.
        url: String,
        /// What was answered.
        what: String,
    },
    /// The certificate of the service at the URL is not trusted.
    #[error("{url} is not trusted: {what}")]
    Untrusted {
        /// The URL.
        url: String,
        /// Why not, and what to do.
        what: String,
    },
    /// The service has too many connections.
    #[error("the service at {url} has too many connections: try again in a while")]
    Busy {
        /// The URL.
        url: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The service has refused the sign-in.
    #[error(transparent)]
    Refused(Refusal),
    /// Client and service have no version of the protocol in common.
    #[error("client and service have no version of the protocol in common: update the older one")]
    Version,
    /// The sign-in was not answered in time.
    #[error("signing in at {url} took too long: try again in a while")]
    TimedOut {
        /// The URL.
        url: String,
    },
    /// The service, or the agent, closed the connection, or said something that makes no sense.
    #[error("{url} broke off the sign-in: {what}")]
    Broken {
        /// The URL, or the agent's socket.
        url: String,
        /// How.
        what: String,
    },
    /// No agent listens on its socket.
    #[error("no agent runs for you at {}: start it with `hither agent`", socket.display())]
    NoAgent {
        /// The socket.
        socket: PathBuf,
    },
    /// The agent's socket, or the process that listens on it, is another user's.
    #[error("{} belongs to another user of this machine: correct HITHER_SOCKET or HITHER_HOME", socket.display())]
    NotYours {
        /// The socket.
        socket: PathBuf,
    },
    /// The agent's socket cannot be used.
    #[error("cannot connect to the agent at {}: {source}", socket.display())]
    Socket {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No random numbers, without which there are no ids.
    #[error("the system gives no random numbers")]
    NoRandomness(#[source] io::Error),
    /// Whoever gives tokens has none.
    #[error("there is no token to sign in with")]
    Token(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What whoever asked can do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Ask for something else: this will be refused again.
    ChangeRequest,
    /// Ask again after this time.
    RetryAfter(Duration),
    /// Check the service's URL, and that the service runs and can be reached.
    CheckService,
    /// Sign in, with a name and password that the service knows.
    SignIn,
    /// Start the agent: `hither agent`.
    StartAgent,
    /// Update the client or the service, whichever is older.
    Update,
    /// Tell whoever runs the service.
    Report,
}

/// Where nobody says when to try again.
const A_WHILE: Duration = Duration::from_secs(2);

impl Error {
    /// The code of the reference.
    pub fn code(&self) -> Code {
        match self {
            Error::Refused(refusal) => refusal.code,
            Error::NotDelivered(code) | Error::AgentGone(code) => *code,
            Error::SignedOut => Code::MSGR_E_NOT_LOGGED_ON,
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> NextStep {
        match self {
            Error::Refused(refusal) => refusal.next_step(),
            Error::NotDelivered(_) => NextStep::CheckService,
            Error::AgentGone(_) => NextStep::StartAgent,
            Error::SignedOut => NextStep::SignIn,
        }
    }
}

impl ConnectError {
    /// The code of the reference.
    pub fn code(&self) -> Code {
        match self {
            ConnectError::Url { .. } | ConnectError::Name { .. } | ConnectError::OtherPerson { .. } => {
                Code::E_INVALIDARG
            }
            ConnectError::Unreachable { .. }
            | ConnectError::NoService { .. }
            | ConnectError::Untrusted { .. }
            | ConnectError::NoAgent { .. } => Code::MSGR_E_DISCONNECTED,
            ConnectError::Busy { .. } => Code::MSGR_E_SERVER_TOO_BUSY,
            ConnectError::Refused(refusal) => refusal.code,
            ConnectError::Version => Code::MSGR_E_SERVER_VERSION,
            ConnectError::TimedOut { .. } => Code::MSGR_E_LOGON_TIMEOUT,
            ConnectError::Broken { .. }
            | ConnectError::NotYours { .. }
            | ConnectError::Socket { .. }
            | ConnectError::NoRandomness(_)
            | ConnectError::Token(_) => Code::E_FAIL,
        }
    }

    /// What to do about it.
    pub fn next_step(&self) -> NextStep {
        match self {
            ConnectError::Url { .. }
            | ConnectError::Unreachable { .. }
            | ConnectError::NoService { .. }
            | ConnectError::Untrusted { .. } => NextStep::CheckService,
            ConnectError::Name { .. }
            | ConnectError::OtherPerson { .. }
            | ConnectError::NotYours { .. }
            | ConnectError::Socket { .. } => NextStep::ChangeRequest,
            ConnectError::NoAgent { .. } => NextStep::StartAgent,
            ConnectError::Busy { retry_after, .. } => NextStep::RetryAfter(*retry_after),
            ConnectError::Refused(refusal)
                if matches!(refusal.code, Code::MSGR_E_INVALID_PASSWORD | Code::MSGR_E_NOT_LOGGED_ON) =>
            {
                NextStep::SignIn
            }
            ConnectError::Refused(refusal) => refusal.next_step(),
            ConnectError::Version => NextStep::Update,
            ConnectError::TimedOut { .. } => NextStep::RetryAfter(A_WHILE),
            ConnectError::Broken { .. } | ConnectError::NoRandomness(_) => NextStep::Report,
            ConnectError::Token(_) => NextStep::SignIn,
        }
    }
}

impl Refusal {
    pub(crate) fn because(code: Code, message: impl Into<Box<str>>) -> Refusal {
        Refusal { code, message: message.into(), retry_after: None }
    }

    fn next_step(&self) -> NextStep {
        let passes = [Code::MSGR_E_SERVER_TOO_BUSY, Code::MSGR_E_TOO_MANY_SESSIONS, Code::MSGR_E_SERVER_SHUTDOWN];
        match self.retry_after {
            Some(after) => NextStep::RetryAfter(after),
            None if passes.contains(&self.code) => NextStep::RetryAfter(A_WHILE),
            None if self.code == Code::E_FAIL => NextStep::Report,
            None => NextStep::ChangeRequest,
        }
    }
}

impl From<client::Refusal> for Refusal {
    fn from(refusal: client::Refusal) -> Refusal {
        let client::Refusal { code, message, retry_after_ms, .. } = refusal;
        Refusal { code, message, retry_after: retry_after_ms.map(Duration::from_millis) }
    }
}

impl From<client::Refusal> for Error {
    fn from(refusal: client::Refusal) -> Error {
        if refusal.undelivered { Error::NotDelivered(refusal.code) } else { Error::Refused(refusal.into()) }
    }
}

impl Error {
    /// In the words of whoever only wanted to connect.
    pub(crate) fn while_connecting(self, socket: PathBuf) -> ConnectError {
        match self {
            Error::Refused(refusal) => ConnectError::Refused(refusal),
            Error::AgentGone(_) => ConnectError::NoAgent { socket },
            Error::NotDelivered(_) | Error::SignedOut => {
                ConnectError::Broken { url: socket.display().to_string(), what: self.to_string() }
            }
        }
    }
}
