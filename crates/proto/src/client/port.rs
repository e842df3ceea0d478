//! What goes into the client machine and what comes out of it.

use std::fmt;
use std::net::IpAddr;

use hither_wire::account;
use hither_wire::lock::Response;
use hither_wire::message::{
    Application, Contact, ContactAction, Credential, Elsewhere, Event as Told, Request, Settings, SettingsChange, Stage,
};
use hither_wire::{
    Address, Answer, ClientFrame, Code, DeviceId, Guid, LockStatus, PersonName, Role, ServerFrame, SessionId, State,
    Status, limits, local,
};
use serde::{Deserialize, Serialize};

use crate::Millis;

/// Who signs in, and everything random that the machine needs.
#[derive(Clone)]
pub struct Setup {
    /// The person; `None` where the other end knows it, as an agent does.
    pub user: Option<PersonName>,
    /// What proves it the first time; a token takes its place as soon as the service gives one.
    pub credential: Credential,
    /// This installation.
    pub device: DeviceId,
    /// The status to begin with; `None` leaves it to the service.
    pub status: Option<Status>,
    /// Name and version of the client, for the service's log.
    pub client: Box<str>,
    /// Where the jitter of reconnecting comes from.
    pub seed: u64,
    /// What the idempotency keys begin with: drawn anew for every machine, so that no two machines
    /// of a device use the same key for different requests.
    pub key_prefix: Box<str>,
    /// Whether the shell keeps a [`super::ResumePoint`] ([`Output::Save`]).
    pub durable: bool,
    /// Whether this is the client of an agent, which passes events of sessions on as they came
    /// ([`Event::Relayed`]). It starts with its machine, so it goes on trying where the first connection
    /// cannot be made: only a refusal is final.
    pub relay: bool,
}

// The credential stays out of every log.
impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("user", &self.user).field("device", &self.device).finish_non_exhaustive()
    }
}

/// A call of the application; numbered by the shell, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// What can happen to a client.
#[derive(Clone, Debug)]
pub enum Input {
    /// Sign in.
    Start,
    /// The application calls; answered by [`Output::Return`].
    Call {
        /// Comes back with the answer.
        id: CallId,
        /// What is called.
        call: Call,
    },
    /// Something was changed without an input: a session's property was set, a session let go.
    Changed,
    /// The application has taken its events up to this one, counted from 1 since the machine was
    /// made.
    Taken {
        /// How many events have been taken so far.
        events: u64,
    },
    /// What [`Output::Save`] asked for is durable.
    Saved,
    /// The connection that [`Output::Connect`] asked for is open.
    Opened {
        /// This side's address of the connection, if the shell knows it.
        local: Option<IpAddr>,
    },
    /// The connection could not be opened.
    ConnectFailed,
    /// A frame arrived.
    Frame(ServerFrame),
    /// Something arrived that is not of the form of `spec/wire.md`.
    Unreadable,
    /// A sign of life that says nothing, such as a WebSocket ping.
    Heard,
    /// The connection is gone, and not by [`Output::Close`].
    ConnectionClosed {
        /// The WebSocket close code, if there was one.
        code: Option<u16>,
    },
    /// The time of [`super::Client::poll_timeout`] has come.
    Timeout,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Make [`super::Client::resume_point`] durable before anything that follows is carried out;
    /// then, after the other outputs, say [`Input::Saved`]. If it fails, go on without saying it:
    /// nothing is acknowledged meanwhile, and the next change asks again.
    Save,
    /// Open a connection; answered by [`Input::Opened`] or [`Input::ConnectFailed`].
    Connect {
        /// Where to go instead of the service's own address, if the service said so.
        redirect: Option<Box<str>>,
    },
    /// Send a frame.
    Send(ClientFrame),
    /// Close the connection, or give up opening it, after what was sent on it; nothing of it may
    /// come in afterwards.
    Close,
    /// Tell the application.
    Event(Event),
    /// Answer a call; its events have been told.
    Return {
        /// Which call.
        id: CallId,
        /// What it gives.
        result: Result<Reply, Refusal>,
    },
    /// It is over: nothing follows.
    Stopped(Stop),
}

/// What the application can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// `Invite`.
    Invite {
        /// Which session.
        session: SessionId,
        /// Whom.
        to: Box<str>,
        /// App data.
        data: Box<str>,
    },
    /// `Accept`.
    Accept {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Box<str>,
    },
    /// `Decline`.
    Decline {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Box<str>,
    },
    /// Let it ring out (R23).
    Ignore {
        /// Which session.
        session: SessionId,
    },
    /// `Cancel`.
    Cancel {
        /// Which session.
        session: SessionId,
        /// The reason; counts if it is a failure code (R9).
        hr: Code,
        /// App data.
        data: Box<str>,
    },
    /// The application is there (R7).
    Attach {
        /// Which session.
        session: SessionId,
    },
    /// `SendContextData`.
    SendContextData {
        /// Which session.
        session: SessionId,
        /// Context data.
        data: Box<str>,
    },
    /// Report how far this side is (R24).
    Progress {
        /// Which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed.
        code: Option<Code>,
    },
    /// Choose this device's presence.
    SetStatus(Status),
    /// List the contacts.
    Contacts,
    /// Change the contact list.
    Contact {
        /// What to do.
        action: ContactAction,
        /// With whom.
        who: Box<str>,
    },
    /// Change or read the settings.
    Settings(SettingsChange),
    /// Asks about the person's own account.
    Account(Box<account::Request>),
    /// What only an agent understands.
    Agent(Box<local::Request>),
    /// Ask the service what somebody else has asked, under his key, and let the service judge it.
    Relay {
        /// What is asked.
        request: Request,
        /// The idempotency key; drawn here if there is none.
        key: Option<Box<str>>,
        /// Which of several applications behind this client asks.
        object: Option<Box<str>>,
    },
    /// `RequestChallenge`.
    RequestChallenge {
        /// A random number; it comes back with the challenge.
        cookie: u32,
    },
    /// `SendResponse`.
    SendResponse(Box<Response>),
    /// Sign out; everything called before is answered first.
    SignOut {
        /// Whether the session token stops working too.
        revoke: bool,
    },
}

/// What a call gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Done: `S_OK`.
    Done,
    /// Nothing to do: `S_FALSE`.
    Already,
    /// To [`Call::Contacts`].
    Contacts(Vec<Contact>),
    /// To [`Call::Contact`]: the line that was changed, if it is still there.
    Contact(Option<Contact>),
    /// To [`Call::Settings`].
    Settings(Settings),
    /// The person's devices.
    Devices(Vec<account::Device>),
    /// What an agent answers beyond a code.
    Agent(Box<local::Answer>),
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// With which code.
    pub code: Code,
    /// A sentence for a person.
    pub message: Box<str>,
    /// When to try again, in milliseconds, if that will help.
    pub retry_after_ms: Option<u64>,
    /// Whether the connection is to blame and not the call: nobody knows whether it arrived.
    pub undelivered: bool,
}

impl Refusal {
    /// A refusal in the code's own words.
    pub fn new(code: Code) -> Refusal {
        Refusal::because(code, code.advice())
    }

    /// A refusal with a sentence of its own.
    pub fn because(code: Code, message: impl Into<Box<str>>) -> Refusal {
        Refusal { code, message: message.into(), retry_after_ms: None, undelivered: false }
    }

    pub(super) fn undelivered(code: Code) -> Refusal {
        Refusal { undelivered: true, ..Refusal::new(code) }
    }

    pub(super) fn of(answer: &Answer) -> Refusal {
        let message = answer.message.clone().filter(|message| message.len() <= limits::CLIENT_FRAME_BYTES);
        Refusal {
            code: answer.code,
            message: message.unwrap_or_else(|| answer.code.advice().into()),
            retry_after_ms: answer.retry_after_ms,
            undelivered: false,
        }
    }
}

/// What the application is told; R8 gives the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// `OnSignin`: the first sign-in and every later one.
    SignedIn {
        /// Who.
        user: PersonName,
        /// Whether everything goes on where it was.
        resumed: bool,
    },
    /// `OnSignout`: nothing follows.
    SignedOut {
        /// Why.
        code: Code,
    },
    /// The connection is down and being made again.
    ConnectionLost {
        /// Why.
        code: Code,
    },
    /// The token with which this client has signed in, one of the product's own backend, is about to
    /// expire or has expired: give another with `renew`.
    TokenExpiring {
        /// When, in milliseconds; 0 if it has.
        in_ms: u64,
    },
    /// `OnInvitation`.
    Invitation {
        /// Which session.
        session: SessionId,
        /// Who invites.
        from: PersonName,
        /// The inviter's friendly name.
        friendly_name: Box<str>,
        /// Into what.
        application: Application,
        /// App data.
        data: Box<str>,
        /// How long it rings from when it arrived, in milliseconds (R22).
        ring_ms: u64,
        /// When that is over.
        until: Millis,
        /// From an agent: the question whether this application handles the invitation itself.
        question: Option<u64>,
    },
    /// `OnStateChanged`.
    StateChanged {
        /// Which session.
        session: SessionId,
        /// From.
        #[serde(with = "super::resume::StateName")]
        previous: State,
        /// To.
        #[serde(with = "super::resume::StateName")]
        state: State,
    },
    /// `OnAccepted`.
    Accepted {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Box<str>,
    },
    /// `OnDeclined`.
    Declined {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Box<str>,
    },
    /// `OnCancelled`.
    Cancelled {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Box<str>,
        /// What another device of the same person did (R25).
        reason: Option<Elsewhere>,
    },
    /// `OnContextData`.
    ContextData {
        /// Which session.
        session: SessionId,
        /// Context data.
        data: Box<str>,
    },
    /// `OnTermination`.
    Termination {
        /// Which session.
        session: SessionId,
        /// Why.
        code: Code,
        /// App data.
        data: Box<str>,
    },
    /// `OnSendError` (R29).
    SendError {
        /// Which session.
        session: SessionId,
        /// The call's own code.
        code: Code,
    },
    /// How far the invitee's side is (R24).
    Progress {
        /// Which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed.
        code: Option<Code>,
    },
    /// `OnContactStatusChange`.
    ContactStatus {
        /// Whose.
        who: PersonName,
        /// The friendly name.
        friendly_name: Box<str>,
        /// To what.
        status: Status,
    },
    /// `OnReadyToLaunch`: the agent is about to start the application.
    ReadyToLaunch {
        /// Of which session.
        session: SessionId,
    },
    /// `BeforeAppLaunch`: the agent asks whether to start the application.
    BeforeAppLaunch {
        /// Of which session.
        session: SessionId,
        /// Which question.
        question: u64,
    },
    /// `OnAppNotPresent`: the invitee has to install the application first (R15).
    AppNotPresent {
        /// Of which session.
        session: SessionId,
        /// The application's name.
        name: Box<str>,
        /// Where to get it, "" if nowhere.
        url: Box<str>,
    },
    /// `OnAppRegistered`.
    AppRegistered {
        /// Which application.
        guid: Guid,
    },
    /// `OnAppUnRegistered`.
    AppUnregistered {
        /// Which application.
        guid: Guid,
    },
    /// `OnAppShutdown`: the agent goes away, or has gone.
    AppShutdown,
    /// `OnLockEnable`.
    LockEnable {
        /// Whether there is a lock.
        enabled: bool,
    },
    /// `OnLockChallenge`.
    LockChallenge {
        /// That of the request; 0 if nobody has asked.
        cookie: u32,
        /// What is to be answered.
        challenge: Box<str>,
    },
    /// `OnLockResult`.
    LockResult {
        /// Of the challenge.
        cookie: u32,
        /// Whether the response was right.
        ok: bool,
    },
    /// `OnLockStatusChanged`.
    LockStatusChanged {
        /// To what.
        status: LockStatus,
        /// Why it is not unlocked, if it was to be.
        error: Option<Code>,
        /// When to try again, in milliseconds, if that will help.
        retry_after_ms: Option<u64>,
    },
    /// An event of a session, or of the lock of an `object`, as it came ([`Setup::relay`]).
    Relayed(Box<Told>),
}

impl Event {
    /// Whether it happened in a session; others say how things are now, and another process finds
    /// that out by itself.
    pub(super) fn is_of_session(&self) -> bool {
        match self {
            Event::Invitation { .. }
            | Event::StateChanged { .. }
            | Event::Accepted { .. }
            | Event::Declined { .. }
            | Event::Cancelled { .. }
            | Event::ContextData { .. }
            | Event::Termination { .. }
            | Event::SendError { .. }
            | Event::Progress { .. }
            | Event::AppNotPresent { .. }
            | Event::Relayed(_) => true,
            Event::SignedIn { .. }
            | Event::SignedOut { .. }
            | Event::ConnectionLost { .. }
            | Event::TokenExpiring { .. }
            | Event::ContactStatus { .. }
            | Event::ReadyToLaunch { .. }
            | Event::BeforeAppLaunch { .. }
            | Event::AppRegistered { .. }
            | Event::AppUnregistered { .. }
            | Event::LockEnable { .. }
            | Event::LockChallenge { .. }
            | Event::LockResult { .. }
            | Event::LockStatusChanged { .. }
            | Event::AppShutdown => false,
        }
    }
}

/// Why a client has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was asked to sign out.
    SignedOut,
    /// The service refuses the sign-in.
    Refused(Refusal),
    /// Client and service have no version in common.
    Version,
    /// This device has signed in on a newer connection.
    Replaced,
    /// The service has signed the person out.
    SignedOutByService(Code),
    /// The first connection could not be opened.
    Unreachable,
    /// The first connection was closed before the sign-in was answered.
    Closed(Option<u16>),
    /// The first sign-in took too long.
    TimedOut,
    /// What the service said during the first sign-in makes no sense.
    Nonsense,
    /// The service sent the client from one address to the next.
    Redirects,
}

impl Stop {
    /// The code of the reference.
    pub fn code(&self) -> Code {
        match self {
            Stop::SignedOut => Code::S_OK,
            Stop::Refused(refusal) => refusal.code,
            Stop::Version => Code::MSGR_E_SERVER_VERSION,
            Stop::Replaced => Code::MSGR_E_ALREADY_LOGGED_ON,
            Stop::SignedOutByService(code) => *code,
            Stop::Unreachable | Stop::Closed(_) | Stop::Redirects => Code::MSGR_E_DISCONNECTED,
            Stop::TimedOut => Code::MSGR_E_LOGON_TIMEOUT,
            Stop::Nonsense => Code::E_FAIL,
        }
    }
}

/// Everything that is known of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionSnapshot {
    /// Its id, the same on both sides.
    pub id: SessionId,
    /// Its state.
    pub state: State,
    /// Which party this side is.
    pub role: Role,
    /// `SESSION_FLAGS`.
    pub flags: u32,
    /// The application, once it is set.
    pub application: Option<Application>,
    /// The other party; `None` before somebody is invited.
    pub user: Option<PersonName>,
    /// The address that this side discloses, if any.
    pub local: Option<Address>,
    /// The address that the other side discloses; `None` before `CONNECTED`.
    pub remote: Option<Address>,
    /// The last context data received.
    pub context: Option<String>,
    /// Whether this side's application is attached, or will be by the invitation (R7).
    pub attached: bool,
}

impl SessionSnapshot {
    /// What is known of a session that is not, or no longer, known.
    pub fn unknown(id: SessionId) -> SessionSnapshot {
        SessionSnapshot {
            id,
            state: State::Unknown,
            role: Role::Inviter,
            flags: 0,
            application: None,
            user: None,
            local: None,
            remote: None,
            context: None,
            attached: false,
        }
    }
}
