//! Who may invite whom, judged in the order of R26: the session, oneself, unknown person, not let,
//! then blocked, invisible or offline.
//!
//! An invitation that rings is decided from memory. One that does not is always decided after a
//! look into the store: so somebody who is blocked and somebody who is offline are answered the
//! same and after the same work (R23), and an unknown person is not betrayed by a delay either.

use hither_wire::message::{Answer, Event, InvitationsFrom, Invite, SessionLimits};
use hither_wire::{Code, PersonName, Role, Status};

use super::device::SEAT_EVENTS;
use super::port::{Output, Record, Ticket};
use super::{Job, Service, Waiting, Who};
use crate::session::policy::{Call, Verdict, policy};
use crate::session::{Card, Session, Times};

impl Service {
    pub(super) fn invite(&mut self, waiting: Waiting, invite: &Invite) {
        let who = waiting.who.clone();
        let early =
            self.judge_session(&who, invite).or_else(|| (invite.to == who.person).then_some(Code::SR_INVITED_SELF));
        if let Some(code) = early {
            return self.reply(waiting.conn, &who, waiting.key, refused(waiting.id, code));
        }
        let per_minute = self.config.invitations_per_minute;
        if let Err(wait_ms) = self.quota.take(self.now, &who.person, &invite.to, per_minute) {
            let answer = Answer::new(waiting.id, Code::MSGR_E_TOO_MANY_SESSIONS);
            return self.reply(waiting.conn, &who, waiting.key, Answer { retry_after_ms: Some(wait_ms), ..answer });
        }
        if self.is_open_to(&who.person, &invite.to) {
            let code = self.begin(&who, invite);
            return self.reply(waiting.conn, &who, waiting.key, Answer::new(waiting.id, code));
        }
        let to = invite.to.clone();
        self.wait(waiting, |ticket| Output::Load { ticket, who: to });
    }

    /// The store has said who the invitee is.
    pub(super) fn loaded(&mut self, ticket: Ticket, person: Result<Option<Box<Record>>, Code>) {
        if let Some(refreshing) = self.refreshing.remove(&ticket) {
            return self.refreshed(refreshing, person);
        }
        let Some(waiting) = self.waiting.remove(&ticket) else { return };
        let Job::Invite(invite) = &waiting.job else { return };
        let code = match person {
            _ if !self.knows(&waiting.who.person, waiting.who.device) => Code::MSGR_E_NOT_LOGGED_ON,
            Err(code) => code,
            Ok(None) => Code::MSGR_E_USER_NOT_FOUND,
            Ok(Some(record)) if !self.lets(&record, &waiting.who.person) => Code::MSGR_E_RESTRICTED_USER,
            // The person may have come in the meantime.
            Ok(Some(_)) if self.is_open_to(&waiting.who.person, &invite.to) => {
                let invite = invite.clone();
                self.judge_session(&waiting.who, &invite).unwrap_or_else(|| self.begin(&waiting.who, &invite))
            }
            Ok(Some(_)) => Code::MSGR_E_NOT_LOGGED_ON,
        };
        self.reply_waiting(waiting, refused(0, code));
    }

    /// A session's id is fresh, or it is refused (R27, R28).
    fn judge_session(&self, who: &Who, invite: &Invite) -> Option<Code> {
        if let Some(session) = self.sessions.get(&invite.session) {
            let role = session.card().role_of(who.device, &who.person);
            return Some(role.map_or(Code::E_INVALIDARG, |role| {
                refusal(policy(session.state(role, who.device), role, Call::Invite))
            }));
        }
        let device = self.person(&who.person)?.device(who.device)?;
        let role = device.ended_role(invite.session)?;
        Some(refusal(policy(hither_wire::State::Terminated, role, Call::Invite)))
    }

    /// Whether an invitation would ring: let, not blocked, and there to be seen.
    fn is_open_to(&self, inviter: &PersonName, invitee: &PersonName) -> bool {
        self.person(invitee).is_some_and(|person| {
            self.lets(&person.record, inviter)
                && !person.record.blocked.contains_key(inviter)
                && person.status().seen() != Status::Offline
        })
    }

    /// R32: a contact, or anyone if the person or the service says so.
    fn lets(&self, invitee: &Record, inviter: &PersonName) -> bool {
        let from = invitee.settings.invitations.unwrap_or(self.config.invitations);
        from == InvitationsFrom::Anyone || invitee.contacts.contains_key(inviter)
    }

    /// Rings, unless a limit is reached (R18).
    fn begin(&mut self, who: &Who, invite: &Invite) -> Code {
        let ringing = self.devices_with_room(&invite.to);
        if ringing.is_empty() || self.has_too_many(who, &invite.to) {
            return Code::MSGR_E_TOO_MANY_SESSIONS;
        }
        let Some(card) = self.card(who, invite) else { return Code::E_FAIL };
        let id = invite.session;
        let session = Session::new(self.now, card, invite, self.times());
        let ring_ms = session.rings_for(self.now).unwrap_or(0);
        self.sessions.insert(id, session);
        for name in [&who.person, &invite.to] {
            if let Some(person) = self.people.get_mut(name) {
                person.sessions.push(id);
            }
        }
        self.seat(who, id, Role::Inviter);
        self.tell(who, id, Event::Invited { session: id, ring_ms, limits: SessionLimits::REFERENCE });
        for device in ringing {
            let event = self.sessions.get_mut(&id).and_then(|session| session.ring(self.now, device));
            let invitee = Who { person: invite.to.clone(), device };
            self.seat(&invitee, id, Role::Invitee);
            if let Some(event) = event {
                self.tell(&invitee, id, event);
            }
        }
        self.watch(id);
        Code::S_OK
    }

    fn devices_with_room(&self, invitee: &PersonName) -> Vec<hither_wire::DeviceId> {
        let capacity = self.config.events_pending;
        let devices = self.person(invitee).map(|person| person.devices.iter()).into_iter().flatten();
        devices.filter(|device| device.room(capacity) >= SEAT_EVENTS).map(|device| device.id).collect()
    }

    fn has_too_many(&self, who: &Who, invitee: &PersonName) -> bool {
        let full = |name| self.person(name).is_none_or(|p| p.sessions.len() >= self.config.sessions_per_person);
        let Some(inviter) = self.person(&who.person) else { return true };
        let room = inviter.device(who.device).map_or(0, |device| device.room(self.config.events_pending));
        let ringing = inviter.sessions.iter().filter_map(|id| self.sessions.get(id)).filter(|session| {
            session.is_pending() && session.card().inviter == who.person && session.card().invitee == *invitee
        });
        full(&who.person) || full(invitee) || room < SEAT_EVENTS || ringing.count() >= self.config.ringing_per_pair
    }

    fn card(&self, who: &Who, invite: &Invite) -> Option<Card> {
        let invitee = &self.person(&invite.to)?.record;
        let known = invitee.contacts.contains_key(&who.person);
        Some(Card {
            id: invite.session,
            inviter: who.person.clone(),
            inviter_name: self.person(&who.person)?.record.friendly_name.clone(),
            device: who.device,
            invitee: invite.to.clone(),
            app: invite.app.clone(),
            known,
            masked: !known && !invitee.settings.show_declines,
        })
    }

    fn times(&self) -> Times {
        let config = &self.config;
        Times {
            ring_ms: config.ring_ms,
            connect_ms: config.connect_ms,
            longest_ms: config.longest_ms,
            install_ms: config.install_ms,
        }
    }
}

/// The answer to an invitation, in words that are about the invitation.
fn refused(re: u64, code: Code) -> Answer {
    match code {
        Code::E_INVALIDARG => {
            Answer::refusal(re, code, "`session` is used already: draw a fresh GUID for each invitation")
        }
        Code::MSGR_E_NOT_LOGGED_ON => {
            Answer::refusal(re, code, "the person is not there: wait until the person you invite is signed in")
        }
        code => Answer::new(re, code),
    }
}

/// An invitation to a session that exists already is always refused.
fn refusal(verdict: Verdict) -> Code {
    match verdict {
        Verdict::Refuse(code) => code,
        Verdict::Apply | Verdict::AsDecline | Verdict::AlreadySo => Code::E_INVALIDARG,
    }
}
