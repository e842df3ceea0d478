//! A tool of the person, talking to the agent: what the `hither` command does.

use std::path::Path;

use hither_ipc::{ClientEnd, ConnectError, Heard, Stream};
use hither_wire::message::{Answer, Ask, ClientFrame, Event, Hello, Request, ServerFrame};
use hither_wire::{Code, local, version};

/// A connection to the agent as the person.
pub struct Remote {
    end: ClientEnd<Stream>,
    ids: u64,
    /// What came while an answer was waited for.
    told: std::collections::VecDeque<Told>,
}

/// Something that a watching tool is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What the service has told, of every session of this machine.
    Event(Event),
    /// What only an agent tells.
    Agent(local::Event),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no agent, or none that may be talked to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The agent refuses.
    #[error("{message} ({code})")]
    Refused {
        /// The code of the reference.
        code: Code,
        /// A sentence for a person.
        message: String,
    },
    /// The agent has gone away.
    #[error("the agent has gone away: start it again with `hither agent`")]
    Gone,
    /// What is there is no agent, or one of another time.
    #[error("what answers at the agent's socket does not speak its protocol: update hither, or restart the agent")]
    Nonsense,
}

/// Events that wait while an answer is waited for; a tool that watches takes them soon.
const TOLD_MAX: usize = 4_096;

impl Remote {
    /// Connects to the agent at a socket. A tool that watches is told of everything that happens.
    pub async fn connect(socket: &Path, watch: bool) -> Result<Remote, RemoteError> {
        let end = hither_ipc::connect(socket).await?;
        let mut remote = Remote { end, ids: 0, told: std::collections::VecDeque::new() };
        let hello = Hello {
            versions: version::SPOKEN.to_vec(),
            client: Some(concat!("hither-cli/", env!("CARGO_PKG_VERSION")).into()),
            capabilities: Vec::new(),
        };
        remote.ask(Request::Hello(hello)).await?;
        remote.ask(Request::Local(Box::new(local::Request::Person { watch }))).await?;
        Ok(remote)
    }

    /// Asks, and waits for the answer; a refusal is an error.
    pub async fn ask(&mut self, request: Request) -> Result<Answer, RemoteError> {
        self.ids += 1;
        let id = self.ids;
        let ask = Ask { id, key: None, object: None, request };
        self.end.send(&ClientFrame { ack: None, ask: Some(ask) });
        loop {
            match self.hear().await? {
                ServerFrame::Answer(answer) if answer.re == id => {
                    if answer.code.is_failure() {
                        let message = answer.message.map_or_else(|| answer.code.advice().to_owned(), String::from);
                        return Err(RemoteError::Refused { code: answer.code, message });
                    }
                    return Ok(*answer);
                }
                ServerFrame::Answer(_) => {}
                ServerFrame::Event(frame) => self.keep(Told::Event(frame.event)),
                ServerFrame::Local(event) => self.keep(Told::Agent(*event)),
            }
        }
    }

    /// Asks what only an agent understands.
    pub async fn ask_agent(&mut self, request: local::Request) -> Result<Answer, RemoteError> {
        self.ask(Request::Local(Box::new(request))).await
    }

    /// The next thing that happens. Cancel-safe.
    pub async fn told(&mut self) -> Result<Told, RemoteError> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Ok(told);
            }
            match self.hear().await? {
                ServerFrame::Event(frame) => return Ok(Told::Event(frame.event)),
                ServerFrame::Local(event) => return Ok(Told::Agent(*event)),
                ServerFrame::Answer(_) => {}
            }
        }
    }

    fn keep(&mut self, told: Told) {
        if self.told.len() < TOLD_MAX {
            self.told.push_back(told);
        }
    }

    async fn hear(&mut self) -> Result<ServerFrame, RemoteError> {
        match self.end.next(true).await {
            Heard::Frame(frame) => Ok(frame),
            Heard::Unreadable => Err(RemoteError::Nonsense),
            Heard::Closed(_) => Err(RemoteError::Gone),
        }
    }
}
