//! What happens, under the reference's names.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use hither_proto::client::Event as Told;
use hither_wire::message::{Application, Elsewhere, Stage};
use hither_wire::{Code, Guid, LockStatus, PersonName, SessionId, State, Status};

use crate::Session;
use crate::shared::Handle;

/// Something that happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Signed in: the first time, and after each loss of the connection.
    Signin {
        /// Who.
        user: PersonName,
        /// Whether everything goes on where it was; if not, the sessions that were live have ended.
        resumed: bool,
    },
    /// Signed out; the last event.
    Signout {
        /// Why; `S_OK` if it was asked for.
        code: Code,
    },
    /// The connection is down and being made again; calls wait meanwhile. No event of the reference.
    ConnectionLost {
        /// Why.
        code: Code,
    },
    /// The token with which this client has signed in, one of the product's own backend, is about to
    /// expire, or has expired: give another with [`Client::renew`](crate::Client::renew).
    TokenExpiring {
        /// After how long; zero if it has.
        after: Duration,
    },
    /// Somebody invites.
    Invitation(Invitation),
    /// A session's state has changed.
    StateChanged {
        /// Which session.
        session: SessionId,
        /// From.
        previous: State,
        /// To.
        state: State,
    },
    /// The other party has accepted.
    Accepted {
        /// Which session.
        session: SessionId,
        /// App data, "" if there are none.
        data: String,
    },
    /// The other party has declined.
    Declined {
        /// Which session.
        session: SessionId,
        /// App data, "" if there are none.
        data: String,
    },
    /// The other party has cancelled, or another device of the same person has answered.
    Cancelled {
        /// Which session.
        session: SessionId,
        /// App data, "" if there are none.
        data: String,
        /// What the other device did, if it was one (R25).
        reason: Option<Elsewhere>,
    },
    /// The other party has sent context data.
    ContextData {
        /// Which session.
        session: SessionId,
        /// The context data.
        data: String,
    },
    /// A session is over.
    Termination {
        /// Which session.
        session: SessionId,
        /// Why (R8, R9).
        code: Code,
        /// App data of the decline or cancel, "" if there are none.
        data: String,
    },
    /// A call of a session could not be delivered (R29).
    SendError {
        /// Which session.
        session: SessionId,
        /// The call's own code.
        code: Code,
    },
    /// How far the invitee's side is (R24). No event of the reference.
    Progress {
        /// Which session.
        session: SessionId,
        /// How far.
        stage: Stage,
        /// Why it failed, for [`Stage::LaunchFailed`].
        code: Option<Code>,
    },
    /// A contact's presence has changed.
    ContactStatusChange {
        /// Whose.
        who: PersonName,
        /// The friendly name, "" if there is none.
        friendly_name: String,
        /// To what.
        status: Status,
    },
    /// From an agent: it is about to start the application of a session.
    ReadyToLaunch {
        /// Of which session.
        session: SessionId,
    },
    /// From an agent: whether it is to start the application of a session. It does, unless it is told
    /// otherwise within two seconds.
    BeforeAppLaunch {
        /// Of which session.
        session: SessionId,
        /// The question, answered by [`Agent::reply`](crate::Agent::reply).
        question: u64,
    },
    /// The invitee has to install the application first; the session waits (R15).
    AppNotPresent {
        /// Of which session.
        session: SessionId,
        /// The application's name.
        name: String,
        /// Where to get it, "" if nowhere.
        url: String,
    },
    /// From an agent: an application has been registered on this machine.
    AppRegistered {
        /// Which application.
        application: Guid,
    },
    /// From an agent: an application has been unregistered on this machine.
    AppUnRegistered {
        /// Which application.
        application: Guid,
    },
    /// The agent goes away, or has gone. It is looked for until it is back, as after
    /// [`Event::ConnectionLost`]; sessions go on if that is within the grace.
    AppShutdown,
    /// The service says whether its lock is on (section 2.3); once for each sign-in that has not resumed.
    LockEnable {
        /// Whether it is.
        enabled: bool,
    },
    /// A challenge: [`Client::send_response`](crate::Client::send_response) answers it, within half a
    /// minute. [`Client::unlock`](crate::Client::unlock) does so by itself.
    LockChallenge {
        /// That of the request; 0 if the service has challenged by itself (R31).
        cookie: u32,
        /// What is to be answered.
        challenge: String,
    },
    /// What came of a challenge.
    LockResult {
        /// Of which.
        cookie: u32,
        /// Whether the response was right.
        unlocked: bool,
    },
    /// The lock stands otherwise than before.
    LockStatusChanged {
        /// How.
        status: LockStatus,
        /// Why it is not unlocked, if it was to be: `MSGR_E_API_UNLOCK_FAILED`; or
        /// `MSGR_E_SERVER_TOO_BUSY` or `E_FAIL` if nobody could judge.
        error: Option<Code>,
        /// When to try again, if that will help.
        retry_after: Option<Duration>,
    },
}

/// Somebody invites: accept, decline or ignore through the session. Dropped without that, it rings
/// out, as if ignored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Invitation {
    /// The session, in [`State::Invitation`].
    pub session: Session,
    /// Who invites.
    pub from: PersonName,
    /// The inviter's friendly name, "" if there is none.
    pub friendly_name: String,
    /// Into what.
    pub application: Application,
    /// App data, "" if there are none.
    pub data: String,
    /// How much longer it rings, in milliseconds (R22).
    pub ring_ms: u64,
    /// From an agent: the question whether this application handles the invitation itself, so that
    /// the agent does not ring. It rings, unless it is told otherwise within two seconds:
    /// [`Agent::reply`](crate::Agent::reply).
    pub question: Option<u64>,
}

/// The stream of events: each once, in order.
///
/// Take them steadily: what is not taken is kept by the service, which has room for so many and then
/// refuses what others send. With a [`ResumePoint`](crate::ResumePoint) an event counts as taken when
/// the next one is asked for, so that one that was not done with is told again to the next process.
/// Dropping the stream takes all there are and will be.
pub struct Events {
    handle: Arc<Handle>,
}

impl Events {
    pub(crate) fn new(handle: Arc<Handle>) -> Events {
        Events { handle }
    }

    /// The next event; `None` after the last one. Cancel-safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Done with the event that [`Events::next`] gave last. Asking for the next one says the same;
    /// this also waits until it is in the [`ResumePoint`](crate::ResumePoint), so that no later
    /// process is told of it again. Cancel-safe.
    pub async fn settle(&mut self) {
        poll_fn(|cx| self.handle.shared.poll_settled(cx)).await;
    }

    fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            match ready!(self.handle.shared.poll_event(cx)).map(|told| self.in_words_of_the_sdk(told)) {
                Some(Some(event)) => return Poll::Ready(Some(event)),
                Some(None) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    /// `None` for what only a program that relays is told.
    fn in_words_of_the_sdk(&self, told: Told) -> Option<Event> {
        Some(match told {
            Told::SignedIn { user, resumed } => Event::Signin { user, resumed },
            Told::SignedOut { code } => Event::Signout { code },
            Told::ConnectionLost { code } => Event::ConnectionLost { code },
            Told::TokenExpiring { in_ms } => Event::TokenExpiring { after: Duration::from_millis(in_ms) },
            Told::Invitation { session, from, friendly_name, application, data, ring_ms, until, question } => {
                let left = until.saturating_sub(self.handle.shared.clock.now());
                Event::Invitation(Invitation {
                    session: Session::new(Arc::clone(&self.handle), session),
                    from,
                    friendly_name: friendly_name.into(),
                    application,
                    data: data.into(),
                    ring_ms: left.min(ring_ms),
                    question,
                })
            }
            Told::StateChanged { session, previous, state } => Event::StateChanged { session, previous, state },
            Told::Accepted { session, data } => Event::Accepted { session, data: data.into() },
            Told::Declined { session, data } => Event::Declined { session, data: data.into() },
            Told::Cancelled { session, data, reason } => Event::Cancelled { session, data: data.into(), reason },
            Told::ContextData { session, data } => Event::ContextData { session, data: data.into() },
            Told::Termination { session, code, data } => Event::Termination { session, code, data: data.into() },
            Told::SendError { session, code } => Event::SendError { session, code },
            Told::Progress { session, stage, code } => Event::Progress { session, stage, code },
            Told::ReadyToLaunch { session } => Event::ReadyToLaunch { session },
            Told::BeforeAppLaunch { session, question } => Event::BeforeAppLaunch { session, question },
            Told::AppNotPresent { session, name, url } => {
                Event::AppNotPresent { session, name: name.into(), url: url.into() }
            }
            Told::AppRegistered { guid } => Event::AppRegistered { application: guid },
            Told::AppUnregistered { guid } => Event::AppUnRegistered { application: guid },
            Told::AppShutdown => Event::AppShutdown,
            Told::LockEnable { enabled } => Event::LockEnable { enabled },
            Told::LockChallenge { cookie, challenge } => Event::LockChallenge { cookie, challenge: challenge.into() },
            Told::LockResult { cookie, ok } => Event::LockResult { cookie, unlocked: ok },
            Told::LockStatusChanged { status, error, retry_after_ms } => {
                let retry_after = retry_after_ms.map(Duration::from_millis);
                Event::LockStatusChanged { status, error, retry_after }
            }
            Told::Relayed(_) => return None,
            Told::ContactStatus { who, friendly_name, status } => {
                Event::ContactStatusChange { who, friendly_name: friendly_name.into(), status }
            }
        })
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.get_mut().poll_event(cx)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.handle.shared.stop_listening();
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("user", &self.handle.user).finish_non_exhaustive()
    }
}
