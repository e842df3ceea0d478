//! One session, seen from this side.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hither_proto::client::{Call, Reply, SessionSnapshot};
use hither_wire::message::Stage;
use hither_wire::{Code, SessionId, State};

use crate::Error;
use crate::shared::Handle;

/// One party's side of a session.
///
/// Its state changes by events only; when a call returns, its events are in the stream already.
/// Calls are cancel-safe: a call whose future is dropped is made once or not at all, never twice.
///
/// Dropping the session cancels it if it is live. An invitation that was not answered is left to
/// ring out, as if ignored. [`Session::forget`] drops it without either.
pub struct Session {
    handle: Arc<Handle>,
    id: SessionId,
    let_go: bool,
}

/// What attaching did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attach {
    /// The application is attached now.
    Done,
    /// It was attached already: `S_FALSE`.
    Already,
}

impl Session {
    pub(crate) fn new(handle: Arc<Handle>, id: SessionId) -> Session {
        Session { handle, id, let_go: true }
    }

    /// Its id, the same on both sides.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.snapshot().state
    }

    /// Everything that is known of it. Of an ended session that is a thousand others ago, that is
    /// nothing: its state is [`State::Unknown`].
    pub fn snapshot(&self) -> SessionSnapshot {
        let known = self.handle.shared.lock().machine.session(self.id);
        known.unwrap_or_else(|| SessionSnapshot::unknown(self.id))
    }

    /// Puts the application: its GUID, and for the invitee its name and where to get it, "" if there
    /// is none. Before [`Session::invite`] only.
    ///
    /// `E_INVALIDARG` for what is no GUID, `E_OUTOFMEMORY` for more than 39 characters (R13);
    /// `SR_SESSION_NOT_READY` later. Through an [`Agent`](crate::Agent): `SR_APP_NOT_REGISTERED` for
    /// an application that is not registered on this machine (R12); of one that is, the registry's
    /// name and URL count, and whether it is only launched.
    pub fn set_application(&self, guid: &str, name: &str, url: &str) -> Result<(), Error> {
        Ok(self.handle.shared.change(|machine| machine.set_application(self.id, guid, name, url))?)
    }

    /// Says whether the application is only launched, so that it takes no context data (R4). Before
    /// [`Session::invite`] only.
    pub fn set_launch_only(&self, launch_only: bool) -> Result<(), Error> {
        Ok(self.handle.shared.change(|machine| machine.set_launch_only(self.id, launch_only))?)
    }

    /// Puts the address that the other side is told after the acceptance: an IP address, optionally
    /// with a port (R14). `None` discloses none (R21). Without this call it is the address of this
    /// side of the connection to the service, the agent's if there is one. Before [`Session::invite`] or [`Session::accept`] only.
    pub fn set_local_address(&self, address: Option<&str>) -> Result<(), Error> {
        Ok(self.handle.shared.change(|machine| machine.set_local_address(self.id, address))?)
    }

    /// How long the invitation is to ring; the service may cut it short (R16). Before
    /// [`Session::invite`] only.
    pub fn set_ring_time(&self, ring: Duration) -> Result<(), Error> {
        let ring_ms = u64::try_from(ring.as_millis()).unwrap_or(u64::MAX);
        Ok(self.handle.shared.change(|machine| machine.set_ring_ms(self.id, ring_ms))?)
    }

    /// Whether [`Session::invite`] or [`Session::accept`] attaches this side's application; true,
    /// unless this is called (R7). Whoever starts the application later says false, and calls
    /// [`Session::attach`] when it is there.
    pub fn attach_on_answer(&self, attach: bool) {
        self.handle.shared.change(|machine| machine.attach_on_answer(self.id, attach));
    }

    /// Invites a person, with at most 256 UTF-16 units of app data.
    pub async fn invite(&self, to: &str, data: &str) -> Result<(), Error> {
        self.handle.perform(Call::Invite { session: self.id, to: to.into(), data: data.into() }).await
    }

    /// Accepts the invitation, with at most 256 UTF-16 units of app data.
    pub async fn accept(&self, data: &str) -> Result<(), Error> {
        self.handle.perform(Call::Accept { session: self.id, data: data.into() }).await
    }

    /// Declines the invitation, with at most 256 UTF-16 units of app data.
    pub async fn decline(&self, data: &str) -> Result<(), Error> {
        self.handle.perform(Call::Decline { session: self.id, data: data.into() }).await
    }

    /// Lets the invitation ring out: for the inviter that is a time-out (R23).
    pub async fn ignore(&self) -> Result<(), Error> {
        self.handle.perform(Call::Ignore { session: self.id }).await
    }

    /// Cancels the session, with at most 256 UTF-16 units of app data. `hr` is told to both sides if
    /// it is a failure code (R9). An invitee's cancel of an invitation is a decline (R10).
    pub async fn cancel(&self, hr: Code, data: &str) -> Result<(), Error> {
        self.handle.perform(Call::Cancel { session: self.id, hr, data: data.into() }).await
    }

    /// Sends context data: 1 to 300 UTF-16 units, at most five times, in `CONNECTED` only (R1 to R6).
    pub async fn send_context_data(&self, data: &str) -> Result<(), Error> {
        self.handle.perform(Call::SendContextData { session: self.id, data: data.into() }).await
    }

    /// Says that this side's application is there (R7).
    pub async fn attach(&self) -> Result<Attach, Error> {
        Ok(match self.handle.call(Call::Attach { session: self.id }).await? {
            Reply::Already => Attach::Already,
            Reply::Done
            | Reply::Devices(_)
            | Reply::Contacts(_)
            | Reply::Contact(_)
            | Reply::Settings(_)
            | Reply::Agent(_) => Attach::Done,
        })
    }

    /// Tells the inviter how far the invitee's side is (R24); `code` says why, for
    /// [`Stage::LaunchFailed`].
    pub async fn progress(&self, stage: Stage, code: Option<Code>) -> Result<(), Error> {
        self.handle.perform(Call::Progress { session: self.id, stage, code }).await
    }

    /// Drops the handle and lets the session go on.
    pub fn forget(mut self) {
        self.let_go = false;
        self.handle.shared.change(|machine| machine.forget(self.id));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.let_go {
            self.handle.shared.change(|machine| machine.let_go(self.id));
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}
