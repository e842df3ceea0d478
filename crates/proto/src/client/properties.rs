//! The properties of a session that this side sets and reads, without the service.
//!
//! These are no inputs: they cause no output, so the shell may call them at any time; then it says
//! [`super::Input::Changed`].

use hither_wire::address::AddressError;
use hither_wire::ids::GuidError;
use hither_wire::message::Application;
use hither_wire::{Address, Code, Guid, SessionId, limits, text};

use super::Client;
use super::port::{Event, Refusal, SessionSnapshot};
use super::record::{Attachment, Local, Phase, Record};
use crate::session::policy::{Call as Asked, Verdict, policy};

impl Client {
    /// `CreateSession`: a new session in READY, under an id that the shell has drawn (R27).
    pub fn create(&mut self, id: SessionId) {
        self.sessions.create(id);
        self.unsaved = true;
    }

    /// The `Application` property (R13), with what the invitee is told of it.
    pub fn set_application(&mut self, id: SessionId, guid: &str, name: &str, url: &str) -> Result<(), Refusal> {
        let guid = Guid::parse(guid);
        if guid == Err(GuidError::Malformed) {
            return Err(Refusal::because(Code::E_INVALIDARG, GuidError::Malformed.to_string()));
        }
        if !text::fits(name, limits::APP_NAME_UNITS) || !text::fits(url, limits::APP_URL_UNITS) {
            let message = "an application's name and its URL have at most 256 characters each";
            return Err(Refusal::because(Code::E_INVALIDARG, message));
        }
        self.permit(id, Asked::SetApplication)?;
        let guid = guid.map_err(|error| Refusal::because(Code::E_OUTOFMEMORY, error.to_string()))?;
        // Where there is a registry, its word counts (R12).
        let registered = self.neighbour.as_ref().map(|neighbour| neighbour.registered(guid)).transpose()?.cloned();
        let record = self.permit(id, Asked::SetApplication)?;
        let launch_only = record.launch_only;
        let given = || Application { guid, name: name.into(), url: url.into(), launch_only };
        let application = registered.unwrap_or_else(given);
        record.launch_only = application.launch_only;
        record.application = Some(application);
        self.unsaved = true;
        Ok(())
    }

    /// Whether the application is only launched and takes no context data (R4).
    pub fn set_launch_only(&mut self, id: SessionId, launch_only: bool) -> Result<(), Refusal> {
        let record = self.permit(id, Asked::SetApplication)?;
        record.launch_only = launch_only;
        if let Some(application) = &mut record.application {
            application.launch_only = launch_only;
        }
        self.unsaved = true;
        Ok(())
    }

    /// The `LocalAddress` property (R14); `None` discloses none (R21).
    pub fn set_local_address(&mut self, id: SessionId, address: Option<&str>) -> Result<(), Refusal> {
        let address = address.map(Address::parse).transpose();
        let refused = |error: AddressError| Refusal::because(error.code(), error.to_string());
        if let Err(error @ AddressError::Malformed) = address {
            return Err(refused(error));
        }
        let record = self.permit(id, Asked::SetLocalAddress)?;
        record.local = address.map_err(refused)?.map_or(Local::Hidden, Local::Given);
        self.unsaved = true;
        Ok(())
    }

    /// How long the invitation is to ring at most, in milliseconds; the service may cut it (R16).
    pub fn set_ring_ms(&mut self, id: SessionId, ring_ms: u64) -> Result<(), Refusal> {
        let ring_ms = ring_ms.clamp(1, limits::INTEGER);
        self.permit(id, Asked::Invite)?.ring_ms = Some(ring_ms);
        self.unsaved = true;
        Ok(())
    }

    /// Whether the invitation or the acceptance attaches this side's application (R7). Means
    /// something before that only.
    pub fn attach_on_answer(&mut self, id: SessionId, attach: bool) {
        let Some(record) = self.sessions.get_mut(id) else { return };
        let chosen = if attach { Attachment::WithAnswer } else { Attachment::Separate };
        if matches!(record.phase, Phase::Ready | Phase::Invitation) && record.attachment != Attachment::Done {
            record.attachment = chosen;
            self.unsaved = true;
        }
    }

    /// What is known of a session: of those that go on, and of the last 1,000 that ended (R27).
    pub fn session(&self, id: SessionId) -> Option<SessionSnapshot> {
        self.sessions.get(id).map(|record| record.snapshot(self.own_address.as_ref()))
    }

    /// Whether the service knows of a session that is not over.
    pub fn is_live(&self, id: SessionId) -> bool {
        self.sessions.get(id).is_some_and(Record::is_live)
    }

    /// This side's address of the connection to the service.
    pub fn own_address(&self) -> Option<&Address> {
        self.own_address.as_ref()
    }

    /// The sessions that go on, those in READY included, without the invitations that the
    /// application has still to be told of.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> {
        let untold = |id: &SessionId| {
            self.untaken.iter().any(|event| matches!(event, Event::Invitation { session, .. } if session == id))
        };
        self.sessions.going_on().filter(move |id| !untold(id))
    }

    /// The application lets go of a session: it is cancelled if it is live, but an invitation that
    /// has not been answered is left to ring out.
    pub fn let_go(&mut self, id: SessionId) {
        self.forget(id);
        self.sessions.let_go.push(id);
    }

    /// The application does not want to know of a session any more, and lets it go on: one that has
    /// never invited is nothing then.
    pub fn forget(&mut self, id: SessionId) {
        if self.sessions.get(id).is_some_and(|record| record.phase == Phase::Ready) {
            self.sessions.remove(id);
            self.unsaved = true;
        }
    }

    /// The session if the policy lets this side do it now.
    pub(super) fn permit(&mut self, id: SessionId, asked: Asked) -> Result<&mut Record, Refusal> {
        let Some(record) = self.sessions.get_mut(id) else { return Err(unknown_session()) };
        match policy(record.judged_state(), record.role, asked) {
            Verdict::Refuse(code) => Err(Refusal::new(code)),
            Verdict::Apply | Verdict::AsDecline | Verdict::AlreadySo => Ok(record),
        }
    }
}

pub(super) fn unknown_session() -> Refusal {
    Refusal::because(Code::E_INVALIDARG, "there is no session with this id here")
}
