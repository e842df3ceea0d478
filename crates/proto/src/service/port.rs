//! What goes into the service machine and what comes out of it.

use std::collections::BTreeMap;

use hither_wire::account::{self, NewPassword, Token};
use hither_wire::lock::Response;
use hither_wire::message::{Answer, ContactAction, Settings, SettingsChange, SignIn};
use hither_wire::{ClientFrame, Code, DeviceId, Malformed, PersonName, ServerFrame};

use super::{Command, Config, Told};
use crate::lock::Judgement;

/// A connection; numbered by the shell, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);

/// Ties the store's answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What can happen to the service.
#[derive(Clone, Debug)]
pub enum Input {
    /// A WebSocket is open.
    Opened {
        /// Which connection.
        conn: ConnId,
    },
    /// A text frame arrived.
    Received {
        /// On which connection.
        conn: ConnId,
        /// What it says, or what is wrong with it.
        frame: Result<ClientFrame, Malformed>,
    },
    /// A connection is gone, whoever closed it. Nothing comes from it afterwards.
    Closed {
        /// Which connection.
        conn: ConnId,
    },
    /// The answer to [`Output::Authenticate`].
    Authenticated {
        /// On which connection.
        conn: ConnId,
        /// Who it is, or the refusal.
        result: Result<Box<Admitted>, Denied>,
    },
    /// The answer to [`Output::Load`]: `None` if there is no such person.
    Loaded {
        /// Of which question.
        ticket: Ticket,
        /// Who it is.
        person: Result<Option<Box<Record>>, Code>,
    },
    /// The answer to [`Output::Store`].
    Stored {
        /// Of which question.
        ticket: Ticket,
        /// The friendly name of the contact, "" where the change concerns none; or the refusal.
        result: Result<Box<str>, Code>,
    },
    /// The answer to [`Output::ChangePassword`].
    PasswordChanged {
        /// Of which question.
        ticket: Ticket,
        /// That it is durable, or the refusal.
        result: Result<(), Denied>,
    },
    /// The answer to [`Output::Devices`].
    Devices {
        /// Of which question.
        ticket: Ticket,
        /// Those that hold a token, the last used first; whether they are here is not known there.
        result: Result<Vec<account::Device>, Code>,
    },
    /// The answer to [`Output::Draw`].
    Drawn {
        /// Of which question.
        ticket: Ticket,
        /// A challenge that nobody can guess, at most `limits::CHALLENGE_BYTES`; `None` if the system
        /// has no randomness.
        challenge: Option<Box<str>>,
    },
    /// The answer to [`Output::Judge`].
    Judged {
        /// Of which question.
        ticket: Ticket,
        /// What came of it.
        judgement: Judgement,
    },
    /// The operator turns Lock and Key on or off, for everybody who is there and everybody who comes.
    Lock {
        /// Whether it is on from now on.
        on: bool,
    },
    /// The operator wants proofs: these are challenged, unasked (section 2.3).
    Challenge(Whom),
    /// The operator asks something, or has changed something; answered by [`Output::Told`].
    Operator {
        /// Comes back with the answer.
        ticket: Ticket,
        /// What is asked.
        command: Command,
    },
    /// The answer to [`Output::Renew`].
    Renewed {
        /// Of which question.
        ticket: Ticket,
        /// For how long the new token counts, in milliseconds; or the refusal.
        result: Result<u64, Denied>,
    },
    /// The time of [`super::Service::poll_timeout`] has come.
    Timeout,
    /// The operator has changed the settings. What is decided from now on is decided by these;
    /// deadlines that run keep their time, and nobody who is there leaves because a limit is lower.
    Configured(Box<Config>),
    /// The service stops: everybody is told and every connection closed.
    Shutdown,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send a frame.
    Send {
        /// On which connection.
        conn: ConnId,
        /// What to say.
        frame: ServerFrame,
        /// Whether it may wait a moment for the next frame, to go out with it: only somebody who counts
        /// what they have sent waits for it.
        can_wait: bool,
    },
    /// Close a connection after what was sent on it; the shell still says [`Input::Closed`].
    Close {
        /// Which connection.
        conn: ConnId,
        /// Why.
        why: Close,
    },
    /// Find out who it is; answered by [`Input::Authenticated`].
    Authenticate {
        /// On which connection.
        conn: ConnId,
        /// What was said.
        sign_in: Box<SignIn>,
        /// What the client has called itself in `hello`, "" if it has not.
        client: Box<str>,
    },
    /// Change a password if the old one is right; the tokens of every other device stop working.
    /// Answered by [`Input::PasswordChanged`].
    ChangePassword {
        /// Comes back with the answer.
        ticket: Ticket,
        /// On which connection it was asked.
        conn: ConnId,
        /// Whose.
        owner: PersonName,
        /// The device that keeps its token.
        device: DeviceId,
        /// The passwords.
        passwords: Box<NewPassword>,
    },
    /// Judge a token that takes the place of one that is about to expire; answered by
    /// [`Input::Renewed`].
    Renew {
        /// Comes back with the answer.
        ticket: Ticket,
        /// On which connection it was given.
        conn: ConnId,
        /// Whose it has to be.
        owner: PersonName,
        /// The token.
        token: Token,
    },
    /// Read which devices of a person hold a token; answered by [`Input::Devices`].
    Devices {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Whose.
        owner: PersonName,
    },
    /// Read a person's record; answered by [`Input::Loaded`].
    Load {
        /// Comes back with the answer.
        ticket: Ticket,
        /// Whose.
        who: PersonName,
    },
    /// Write a change; answered by [`Input::Stored`] when it is durable.
    Store {
        /// Comes back with the answer.
        ticket: Ticket,
        /// On which connection it was asked.
        conn: ConnId,
        /// Whose record changes.
        owner: PersonName,
        /// What changes.
        change: Change,
    },
    /// Draw a challenge at random; answered by [`Input::Drawn`], and at once.
    Draw {
        /// Comes back with the answer.
        ticket: Ticket,
    },
    /// Judge a response; answered by [`Input::Judged`].
    Judge {
        /// Comes back with the answer.
        ticket: Ticket,
        /// On which connection it came: failures are counted by its address.
        conn: ConnId,
        /// Whose application it is: for the audit.
        person: PersonName,
        /// The challenge.
        challenge: Box<str>,
        /// What was said to it.
        response: Box<Response>,
    },
    /// Tell the operator.
    Told {
        /// Of which question.
        ticket: Ticket,
        /// What there is to say.
        answer: Told,
    },
}

/// Whose locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody's.
    Everybody,
    /// Those of all devices of a person.
    Person(PersonName),
    /// Those that are unlocked by the key of this application id, or are being unlocked by it: the key
    /// has been revoked, or has expired.
    UnlockedBy(Box<str>),
}

/// A durable change of a person's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The contact list; `USER_NOT_FOUND` if the other person does not exist.
    Contact {
        /// What to do.
        action: ContactAction,
        /// With whom.
        who: PersonName,
    },
    /// The settings.
    Settings(SettingsChange),
    /// The session tokens of a device stop working.
    RevokeTokens {
        /// Which device.
        device: DeviceId,
    },
}

/// What the store knows of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Sign-in name.
    pub name: PersonName,
    /// Friendly name.
    pub friendly_name: Box<str>,
    /// The contacts with their friendly names.
    pub contacts: BTreeMap<PersonName, Box<str>>,
    /// Whom the person has blocked, with their friendly names.
    pub blocked: BTreeMap<PersonName, Box<str>>,
    /// The person's settings.
    pub settings: Settings,
}

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The person.
    pub record: Record,
    /// The device that was named, or one that the shell drew.
    pub device: DeviceId,
    /// A new session token, if a password was used.
    pub token: Option<Box<str>>,
    /// For how long this counts, in milliseconds; for good if nothing is said.
    pub expires_ms: Option<u64>,
}

/// A sign-in that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// With which code.
    pub code: Code,
    /// When to try again, if that will help.
    pub retry_after_ms: Option<u64>,
    /// What is wrong, where the code's own sentence does not say it.
    pub message: Option<&'static str>,
}

impl Denied {
    /// A refusal with the code's own sentence.
    pub fn new(code: Code) -> Denied {
        Denied { code, retry_after_ms: None, message: None }
    }

    /// The answer to a request.
    pub(super) fn answer(self, re: u64) -> Answer {
        let Denied { code, retry_after_ms, message } = self;
        let answer = Answer { retry_after_ms, ..Answer::new(re, code) };
        match message {
            Some(message) => Answer { message: Some(message.into()), ..answer },
            None => answer,
        }
    }
}

/// Why the service closes a connection: the WebSocket close codes of `spec/wire.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Close {
    /// The client signed out.
    Normal = 1000,
    /// The service stops.
    GoingAway = 1001,
    /// A binary frame.
    Binary = 1003,
    /// A frame longer than the limit.
    TooLong = 1009,
    /// A frame that is not a request and cannot be answered.
    Malformed = 4000,
    /// `hello` was not first, or there is no version in common.
    Hello = 4001,
    /// No sign-in in time.
    SignInTimeout = 4002,
    /// The same device signed in on a newer connection.
    Replaced = 4003,
    /// The client does not read what it is sent.
    TooSlow = 4004,
    /// More requests wait for their answer than the limit.
    TooManyRequests = 4005,
    /// Nothing was heard from the client, not even an answer to a ping.
    Silent = 4006,
    /// The token with which it had signed in has expired.
    Expired = 4007,
    /// The device was signed out from elsewhere.
    SignedOut = 4008,
}

impl Close {
    /// Every reason.
    pub const ALL: [Close; 13] = [
        Close::Normal,
        Close::GoingAway,
        Close::Binary,
        Close::TooLong,
        Close::Malformed,
        Close::Hello,
        Close::SignInTimeout,
        Close::Replaced,
        Close::TooSlow,
        Close::TooManyRequests,
        Close::Silent,
        Close::Expired,
        Close::SignedOut,
    ];

    /// The number of the close frame.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The text of the close frame.
    pub fn reason(self) -> &'static str {
        match self {
            Close::Normal => "signed out",
            Close::GoingAway => "the service is shutting down",
            Close::Binary => "binary frames are not understood: send JSON as text",
            Close::TooLong => "the frame is longer than `hello` allows",
            Close::Malformed => {
                "the frame is not a request: it needs `id`, an integer without a fraction, and `do`, a text"
            }
            Close::Hello => "begin with `hello`, with a version that the service speaks",
            Close::SignInTimeout => "no sign-in in time",
            Close::Replaced => "this device signed in on a newer connection",
            Close::TooSlow => "the client does not read what it is sent",
            Close::TooManyRequests => "too many requests wait for their answer",
            Close::Silent => "nothing was heard from the client",
            Close::Expired => "the token has expired: sign in with a new one",
            Close::SignedOut => "this device was signed out: sign in again",
        }
    }
}
