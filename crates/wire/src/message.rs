//! Every message, as a value. `spec/wire.md` describes each with an example; `decode` reads them.

use serde::{Deserialize, Serialize};

use crate::account;
use crate::address::Address;
use crate::code::Code;
use crate::ids::{DeviceId, Guid, PersonName, SessionId};
use crate::limits;
use crate::local;
use crate::lock::{LockStatus, Response};
use crate::presence::Status;

/// One frame from a client: a request, an acknowledgement, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFrame {
    /// All events up to and including this sequence number have been taken.
    pub ack: Option<u64>,
    /// What is asked, if anything.
    pub ask: Option<Ask>,
}

/// A request with what identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Chosen by the client, unique in the connection; comes back as `re`.
    pub id: u64,
    /// Idempotency key, unique in the device: a repeated one is answered again, not applied again.
    pub key: Option<Box<str>>,
    /// Which of several applications behind one agent asks: each has a lock of its own.
    pub object: Option<Box<str>>,
    /// What is asked.
    pub request: Request,
}

/// What a client can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first request of a connection.
    Hello(Hello),
    /// Says who the person is.
    SignIn(Box<SignIn>),
    /// Takes this device out of the service; its sessions are lost to it.
    SignOut {
        /// Whether the session token stops working too.
        revoke: bool,
    },
    /// Asks for an answer and nothing else.
    Ping,
    /// `IMsgrSession::Invite`.
    Invite(Box<Invite>),
    /// `IMsgrSession::Accept`.
    Accept(Box<Accept>),
    /// `IMsgrSession::Decline`.
    Decline {
        /// Which session.
        session: SessionId,
        /// App data.
        data: Option<Data>,
    },
    /// Lets the invitation ring out: for the inviter that is a time-out (R23).
    Ignore {
        /// Which session.
        session: SessionId,
    },
    /// `IMsgrSession::Cancel`.
    Cancel {
        /// Which session.
        session: SessionId,
        /// The reason; counts if it is a failure code (R9).
        hr: Code,
        /// App data.
        data: Option<Data>,
    },
    /// The application is there (R7).
    Attach {
        /// Which session.
        session: SessionId,
    },
    /// `IMsgrSession::SendContextData`.
    Context {
        /// Which session.
        session: SessionId,
        /// Context data, not empty.
        data: Data,
    },
    /// Tells the inviter how far the invitee's side is (R24).
    Progress {
        /// Which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed, for [`Stage::LaunchFailed`].
        code: Option<Code>,
    },
    /// Chooses this device's presence.
    SetStatus {
        /// What the person chose.
        status: Status,
    },
    /// Lists the contacts.
    Contacts,
    /// Changes the contact list.
    Contact {
        /// What to do.
        action: ContactAction,
        /// With whom.
        who: PersonName,
    },
    /// Changes or reads the person's settings.
    Settings(SettingsChange),
    /// About one's own account.
    Account(Box<account::Request>),
    /// `IMsgrLock::RequestChallenge`.
    Challenge {
        /// A random number of the one who asks; it comes back with the challenge.
        cookie: u32,
    },
    /// `IMsgrLock::SendResponse`.
    Response(Box<Response>),
    /// Gives up the `object` that asks, with its lock.
    Release,
    /// What only an agent understands.
    Local(Box<local::Request>),
}

impl Request {
    /// The name of the request on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Hello(_) => "hello",
            Request::SignIn(_) => "sign-in",
            Request::SignOut { .. } => "sign-out",
            Request::Ping => "ping",
            Request::Invite(_) => "invite",
            Request::Accept(_) => "accept",
            Request::Decline { .. } => "decline",
            Request::Ignore { .. } => "ignore",
            Request::Cancel { .. } => "cancel",
            Request::Attach { .. } => "attach",
            Request::Context { .. } => "context",
            Request::Progress { .. } => "progress",
            Request::SetStatus { .. } => "status",
            Request::Contacts => "contacts",
            Request::Contact { .. } => "contact",
            Request::Settings(_) => "settings",
            Request::Account(request) => request.name(),
            Request::Challenge { .. } => "challenge",
            Request::Response(_) => "response",
            Request::Release => "release",
            Request::Local(request) => request.name(),
        }
    }
}

/// The first request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The versions of the protocol that the client speaks.
    pub versions: Vec<u32>,
    /// Name and version of the client, for the service's log.
    pub client: Option<Box<str>>,
    /// What the client can do beyond the version.
    pub capabilities: Vec<Box<str>>,
}

/// Who the person is.
#[derive(Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The person; may be left out with a token, which names the person itself.
    pub user: Option<PersonName>,
    /// How it is proved.
    pub credential: Credential,
    /// This installation; the service draws one if there is none.
    pub device: Option<DeviceId>,
    /// To resume: the [`SignedIn::epoch`] of the device's last sign-in.
    pub epoch: Option<u64>,
    /// The device's public key; reserved, kept as it is.
    pub device_key: Option<Box<str>>,
    /// The status to begin with; `ONLINE` if there is none.
    pub status: Option<Status>,
}

// The credential stays out of every log.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("user", &self.user).field("device", &self.device).finish_non_exhaustive()
    }
}

/// What proves who somebody is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The password of an account.
    Password(Box<str>),
    /// A session token from an earlier sign-in.
    Token(Box<str>),
    /// The password that an account is to have, and the code that allows to make one.
    Registration(Box<account::Registration>),
    /// None: on a machine's own socket the system says who is at the other end.
    Local,
}

/// An invitation as the inviter sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// A fresh id, drawn by the client (R27).
    pub session: SessionId,
    /// Who is invited.
    pub to: PersonName,
    /// Into what.
    pub app: Application,
    /// App data.
    pub data: Option<Data>,
    /// The inviter's address; told to the invitee after acceptance only (R21).
    pub address: Option<Address>,
    /// Opaque key material.
    pub material: Option<Box<str>>,
    /// Ring for at most this long, in milliseconds (R16).
    pub ring_ms: Option<u64>,
    /// Whether the inviter's application is attached already (R7).
    pub attach: bool,
}

/// The application of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its GUID.
    pub guid: Guid,
    /// Its name, "" if it has none.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// Where to get it, "" if nowhere.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub url: Box<str>,
    /// Whether it is only launched and takes no context data (`SF_APP_INVITE_COMPATIBLE`, R4).
    #[serde(default, skip_serializing_if = "is_false")]
    pub launch_only: bool,
}

/// An acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// Which session.
    pub session: SessionId,
    /// App data.
    pub data: Option<Data>,
    /// The invitee's address; travels with the acceptance (R21).
    pub address: Option<Address>,
    /// Opaque key material.
    pub material: Option<Box<str>>,
    /// Whether the invitee's application is attached already (R7).
    pub attach: bool,
}

/// App data or context data. Opaque to the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// Plain text, counted in UTF-16 units (R1, R2).
    Text(Box<str>),
    /// Sealed between the two edges; counted in bytes at the service. Reserved.
    Sealed(Box<str>),
}

impl Data {
    /// Plain text; `None` for "", which is the same as absent (R2).
    pub fn text(text: &str) -> Option<Data> {
        (!text.is_empty()).then(|| Data::Text(text.into()))
    }

    /// The plain text, if it is plain.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Data::Text(text) => Some(text),
            Data::Sealed(_) => None,
        }
    }
}

/// How far the invitee's side is (R24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The invitation reached a device.
    Delivered,
    /// A device rings.
    Ringing,
    /// The application is being installed (R15).
    Installing,
    /// The application is being started.
    Launching,
    /// The application has started.
    Launched,
    /// The application is attached.
    Attached,
    /// The application could not be started.
    LaunchFailed,
    /// A stage this version does not know.
    #[serde(other)]
    Unknown,
}

impl Stage {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Delivered => "delivered",
            Stage::Ringing => "ringing",
            Stage::Installing => "installing",
            Stage::Launching => "launching",
            Stage::Launched => "launched",
            Stage::Attached => "attached",
            Stage::LaunchFailed => "launch-failed",
            Stage::Unknown => "unknown",
        }
    }
}

/// A change of the contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContactAction {
    /// Put a person into the list.
    Add,
    /// Take a person out of the list.
    Remove,
    /// Be offline for a person, who cannot invite any more.
    Block,
    /// Undo a block.
    Unblock,
}

impl ContactAction {
    /// All of them.
    pub const ALL: [ContactAction; 4] =
        [ContactAction::Add, ContactAction::Remove, ContactAction::Block, ContactAction::Unblock];

    /// The name on the wire: the field that carries the person.
    pub fn name(self) -> &'static str {
        match self {
            ContactAction::Add => "add",
            ContactAction::Remove => "remove",
            ContactAction::Block => "block",
            ContactAction::Unblock => "unblock",
        }
    }
}

/// From whom a person takes invitations (R32).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvitationsFrom {
    /// From contacts.
    #[default]
    Contacts,
    /// From anyone at the service who is not blocked.
    Anyone,
}

/// A person's settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// From whom invitations are taken; `None` leaves it to the service's policy.
    pub invitations: Option<InvitationsFrom>,
    /// Whether an inviter who is not a contact sees a decline as a decline (R23).
    #[serde(default)]
    pub show_declines: bool,
}

/// The settings to change; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// See [`Settings::invitations`].
    pub invitations: Option<InvitationsFrom>,
    /// See [`Settings::show_declines`].
    pub show_declines: Option<bool>,
}

/// One frame from the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// The answer to a request.
    Answer(Box<Answer>),
    /// Something that happened.
    Event(EventFrame),
    /// Something that only an agent tells.
    Local(Box<local::Event>),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The request's id.
    pub re: u64,
    /// The outcome.
    pub code: Code,
    /// The outcome's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// For a refusal: a sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<str>>,
    /// For a refusal that will pass: when to try again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The address of the service to go to instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Box<str>>,
    /// To `hello`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hello: Option<Welcome>,
    /// To `sign-in`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<Box<SignedIn>>,
    /// To `contacts`; to `contact`, the one that was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<Contact>>,
    /// To `settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// To `devices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<Vec<account::Device>>,
    /// What only an agent answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<local::Answer>,
}

impl Answer {
    /// An answer that is only a code, with the code's own sentence if it is a refusal.
    pub fn new(re: u64, code: Code) -> Answer {
        Answer {
            re,
            code,
            name: code.name().map(Into::into),
            message: code.is_failure().then(|| code.advice().into()),
            retry_after_ms: None,
            redirect: None,
            hello: None,
            signed_in: None,
            contacts: None,
            settings: None,
            devices: None,
            agent: None,
        }
    }

    /// A refusal with a sentence of its own.
    pub fn refusal(re: u64, code: Code, message: impl Into<Box<str>>) -> Answer {
        Answer { message: Some(message.into()), ..Answer::new(re, code) }
    }
}

/// What the service says to `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that is spoken from here on.
    pub version: u32,
    /// Name and version of the service.
    pub service: Box<str>,
    /// What the service can do beyond the version.
    pub capabilities: Vec<Box<str>>,
    /// The longest frame that the service takes, in bytes.
    pub frame_bytes: u64,
    /// How many requests may wait for their answer.
    pub requests_in_flight: u64,
    /// The service sends a ping after this much silence, in milliseconds.
    pub keepalive_ms: u64,
}

/// What the service says to a sign-in that succeeded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    /// The person, as the service writes the name.
    pub user: PersonName,
    /// The person's friendly name.
    pub friendly_name: Box<str>,
    /// This installation.
    pub device: DeviceId,
    /// A session token to sign in with the next time; absent if one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<str>>,
    /// The number of this stay of the device at the service; asked for when it comes back.
    pub epoch: u64,
    /// Whether this continues where the device's last connection broke off. If not, every session
    /// that the client remembers has ended for it.
    pub resumed: bool,
    /// How long the service waits for this device to come back, in milliseconds (R17).
    pub grace_ms: u64,
    /// How many `presence` events follow at once: one for each contact who is not offline. Every
    /// other contact is offline.
    #[serde(default)]
    pub online: u64,
    /// From an agent: the applications that are registered on its machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applications: Option<Vec<Application>>,
    /// From an agent: the machine's own address, which a session discloses unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

// The token stays out of every log.
impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user)
            .field("device", &self.device)
            .field("resumed", &self.resumed)
            .finish_non_exhaustive()
    }
}

/// A line of the contact list (reference, section 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Sign-in name.
    pub who: PersonName,
    /// Friendly name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub friendly_name: Box<str>,
    /// Presence, as this person may see it.
    pub status: Status,
    /// Whether the person stands in the list; one can block without that.
    pub listed: bool,
    /// Whether the person is blocked.
    pub blocked: bool,
}

/// An event with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFrame {
    /// Counts the device's events from 1; kept by the service until acknowledged. An event without
    /// a number is a snapshot that a later one replaces, and is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen. A session's state at a client changes by these and by nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// To the inviter: the invitation is out; READY → INVITATION.
    Invited {
        /// Which session.
        session: SessionId,
        /// How long it will ring at most, in milliseconds.
        ring_ms: u64,
        /// How much context data may be sent.
        limits: SessionLimits,
    },
    /// To the invitee's devices: somebody invites.
    Invitation(Box<Invitation>),
    /// To the inviter and to the device that accepted; INVITATION → ACCEPTED.
    Accepted {
        /// Which session.
        session: SessionId,
        /// App data of the acceptance; for the inviter only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Data>,
        /// The other party's address, unless it discloses none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<Address>,
        /// The other party's key material.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        material: Option<Box<str>>,
    },
    /// To both parties: both are attached; ACCEPTED → CONNECTED.
    Connected {
        /// Which session.
        session: SessionId,
    },
    /// To the other party.
    Context {
        /// Which session.
        session: SessionId,
        /// Context data.
        data: Data,
    },
    /// To both parties, and to the invitee's other devices: the session is over for this device.
    Ended(Box<Ended>),
    /// To the inviter: how far the invitee's side is (R24).
    Progress {
        /// Which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed, for [`Stage::LaunchFailed`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// A contact's presence.
    Presence {
        /// Whose.
        who: PersonName,
        /// The friendly name.
        #[serde(default, skip_serializing_if = "str::is_empty")]
        friendly_name: Box<str>,
        /// What it is now.
        status: Status,
    },
    /// The token with which this device has signed in is about to expire: give a new one.
    Expiring {
        /// When, in milliseconds.
        in_ms: u64,
    },
    /// The last event of a connection that the service signs out.
    SignedOut {
        /// Why.
        code: Code,
    },
    /// `OnLockEnable`: whether the lock is on, and how it stands; after each sign-in, once for the
    /// device itself and once for each `object` that has a lock of its own.
    Lock {
        /// Which of several applications behind one agent; absent for the device itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<Box<str>>,
        /// Whether there is a lock.
        enabled: bool,
        /// How it stands.
        #[serde(default)]
        status: LockStatus,
    },
    /// `OnLockChallenge`.
    LockChallenge {
        /// As in [`Event::Lock`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<Box<str>>,
        /// That of the request; 0 if nobody has asked (R31).
        cookie: u32,
        /// What is to be answered, at most `limits::CHALLENGE_BYTES`.
        challenge: Box<str>,
    },
    /// `OnLockResult`: what came of a challenge.
    LockResult {
        /// As in [`Event::Lock`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<Box<str>>,
        /// Of the challenge.
        cookie: u32,
        /// Whether the response was right.
        ok: bool,
    },
    /// `OnLockStatusChanged`.
    LockStatus {
        /// As in [`Event::Lock`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        object: Option<Box<str>>,
        /// How the lock stands now.
        #[serde(default)]
        status: LockStatus,
        /// Why it is not unlocked, if it was to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Code>,
        /// When to try again, in milliseconds, if that will help.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// An event this version does not know: to be acknowledged and otherwise ignored.
    #[serde(other, skip_serializing)]
    Unknown,
}

/// How much context data a session takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLimits {
    /// UTF-16 units each.
    pub units: u64,
    /// How many from each party.
    pub count: u64,
}

impl SessionLimits {
    /// The reference's: 300 units, five times.
    pub const REFERENCE: SessionLimits =
        SessionLimits { units: limits::CONTEXT_UNITS as u64, count: limits::CONTEXT_COUNT as u64 };
}

/// An invitation as it reaches a device of the invitee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Which session.
    pub session: SessionId,
    /// Who invites.
    pub from: PersonName,
    /// The inviter's friendly name.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub friendly_name: Box<str>,
    /// Into what.
    pub app: Application,
    /// App data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// The inviter's key material.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub material: Option<Box<str>>,
    /// How much longer it rings, in milliseconds, by the service's clock (R22).
    pub ring_ms: u64,
    /// How much context data may be sent.
    pub limits: SessionLimits,
    /// From an agent to a running application: the question whether it handles the invitation
    /// itself, so that the agent does not ring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<u64>,
}

/// How a session ended for this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Which session.
    pub session: SessionId,
    /// By what; which states are passed through follows from it (R8).
    pub how: How,
    /// Who declined or cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// The `hr` of `OnTermination` for this party (R9).
    pub code: Code,
    /// App data of the decline or cancel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
    /// Why a device that did not answer stops ringing (R25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Elsewhere>,
}

/// By what a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// → DECLINED → TERMINATED.
    Declined,
    /// → CANCELLED → TERMINATED.
    Cancelled,
    /// → TERMINATED: a time-out or a loss, and anything a later version adds.
    #[serde(other)]
    Terminated,
}

/// Who ended a session, seen from the device that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// This device.
    Local,
    /// Somebody else: the other party, or another device of the same person.
    #[serde(other)]
    Remote,
}

/// What another device of the same person did (R25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Elsewhere {
    /// Accepted.
    AcceptedElsewhere,
    /// Declined.
    DeclinedElsewhere,
    /// A reason this version does not know.
    #[serde(other)]
    Unknown,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}
