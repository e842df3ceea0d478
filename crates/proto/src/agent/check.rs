//! A check of the way from one agent to another: an invitation that nobody is asked about. The other
//! agent accepts it, says in the app data how it is, and sends back what it is sent.
//!
//! It answers only to those whose presence it sees, who are contacts on both sides: to others it is
//! as silent as a person who lets it ring out.

use hither_wire::message::{Application, Data, Invitation};
use hither_wire::{Code, PersonName, SessionId, local};

use super::Agent;
use super::links::Caller;
use super::service::{Purpose, Then};
use super::sessions::{Doing, Held};
use crate::Millis;
use crate::client::Call;

/// Nobody has to reach for anything.
const RING_MS: Millis = 15_000;

impl Agent {
    /// Asks another person's agent. Whoever watches sees how far it comes.
    pub(super) fn check(&mut self, caller: &Caller, session: SessionId, to: &PersonName) {
        let Some(client) = self.client.as_mut().filter(|_| !self.held.contains_key(&session)) else {
            return self.refuse(caller, Code::MSGR_E_NOT_LOGGED_ON);
        };
        client.create(session);
        let put = client
            .set_application(session, &local::CHECK.to_string(), NAME, "")
            .and_then(|()| client.set_local_address(session, None))
            .and_then(|()| client.set_ring_ms(session, RING_MS));
        if let Err(refusal) = put {
            return self.refuse_because(caller, refusal.code, refusal.message);
        }
        let app = Application { guid: local::CHECK, name: NAME.into(), url: "".into(), launch_only: false };
        self.held.insert(session, Held::new(session, true, to.clone(), app, Doing::Checking));
        let call = Call::Invite { session, to: to.as_str().into(), data: "".into() };
        self.ask_service(call, caller.clone(), Then::Invited(session));
    }

    /// Another agent asks.
    pub(super) fn check_answered(&mut self, invitation: &Invitation) {
        let session = invitation.session;
        if !self.presence.contains_key(&invitation.from) {
            return;
        }
        let (from, app) = (invitation.from.clone(), invitation.app.clone());
        self.held.insert(session, Held::new(session, false, from, app, Doing::Checking));
        if let Some(client) = &mut self.client {
            drop(client.set_local_address(session, None));
            client.attach_on_answer(session, true);
        }
        let status = self.status();
        let notifications = status.notifications.as_deref().unwrap_or("none");
        let data: String = format!(
            "version={};status={};applications={};notifications={notifications}",
            status.version,
            status.status.name(),
            status.applications
        )
        .chars()
        .take(DATA_CHARS)
        .collect();
        self.call(Call::Accept { session, data: data.into() }, Purpose::Own);
    }

    /// Sends back what the asking agent has sent; says whether the session is such a check.
    pub(super) fn checked(&mut self, session: SessionId, data: &Data) -> bool {
        let Some(held) = self.held.get(&session).filter(|held| held.doing == Doing::Checking) else { return false };
        if !held.inviter
            && let Some(text) = data.as_text()
        {
            self.call(Call::SendContextData { session, data: text.into() }, Purpose::Own);
        }
        true
    }
}

/// What a client that is no agent shows.
const NAME: &str = "hither connection check";
/// Characters of the report, each at most two units.
const DATA_CHARS: usize = 120;
