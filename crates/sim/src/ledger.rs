//! The model: what every application has seen, and what that must mean. Small on purpose; it knows
//! the promises, not how they are kept.

use std::collections::{BTreeMap, BTreeSet};

use hither_proto::Millis;
use hither_wire::{Code, Role, SessionId, State};

use crate::plan::Seat;

/// A promise that was broken.
pub type Broken = String;

/// What one application has seen of one session.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its side.
    pub role: Role,
    /// Where it believes the session to be.
    pub state: State,
    /// Context data that came, in order.
    pub received: Vec<String>,
    /// The code of `OnTermination`.
    pub ended: Option<Code>,
    /// Whether it was ever ACCEPTED here.
    pub accepted: bool,
}

/// What one application remembers: goes back to what was kept when its process is killed.
pub type Memory = BTreeMap<SessionId, Seen>;

/// What has become of a call of `SendContextData`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Not answered yet, or nobody will ever know: it may have arrived or not.
    Unknown,
    /// `S_OK`: it arrives, once.
    Done,
    /// Refused: it never arrives.
    Refused,
}

/// What everybody together knows of a session.
#[derive(Clone, Debug)]
pub struct Session {
    /// Which device invited.
    pub inviter: Seat,
    /// Which person was invited.
    pub invitee: usize,
    /// What each side has sent: what, and what became of it.
    pub sent: [Vec<(String, Fate)>; 2],
    /// When it stops ringing, once the service has said so.
    pub deadline: Option<Millis>,
    /// Whether the service has said that it is accepted.
    pub answered: bool,
    /// Which devices it was accepted on.
    pub winners: BTreeSet<Seat>,
}

/// The sessions of the world.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By id.
    pub sessions: BTreeMap<SessionId, Session>,
}

/// The index of a side in [`Session::sent`].
pub fn side(role: Role) -> usize {
    match role {
        Role::Inviter => 0,
        Role::Invitee => 1,
    }
}

fn broken<T>(what: impl Into<String>) -> Result<T, Broken> {
    Err(what.into())
}

impl Ledger {
    /// A session moves from one state to another, as an application sees it.
    pub fn state_changed(
        &mut self,
        seat: Seat,
        seen: &mut Seen,
        id: SessionId,
        change: (State, State),
    ) -> Result<(), Broken> {
        let (previous, state) = change;
        if seen.state != previous || seen.ended.is_some() {
            return broken(format!("{seat} is told {previous} -> {state} while it believes {}", seen.state));
        }
        let legal = matches!(
            (previous, state),
            (State::Ready, State::Invitation)
                | (State::Invitation, State::Accepted | State::Declined)
                | (State::Accepted, State::Connected)
                | (State::Invitation | State::Accepted | State::Connected, State::Cancelled)
                | (_, State::Terminated)
        );
        if !legal || previous == State::Terminated {
            return broken(format!("{seat} is told {previous} -> {state}, which is no arrow"));
        }
        seen.state = state;
        if state == State::Accepted {
            seen.accepted = true;
            if seen.role == Role::Invitee
                && let Some(session) = self.sessions.get_mut(&id)
            {
                session.winners.insert(seat);
                if session.winners.len() > 1 {
                    return broken(format!("two winners: {:?}", session.winners));
                }
            }
        }
        Ok(())
    }

    /// Context data came to an application.
    pub fn received(&self, seat: Seat, seen: &mut Seen, id: SessionId, data: &str) -> Result<(), Broken> {
        if seen.state != State::Connected {
            return broken(format!("{seat} gets context data in {}", seen.state));
        }
        if seen.received.len() >= 5 {
            return broken(format!("{seat} gets a sixth context data"));
        }
        if seen.received.iter().any(|old| old == data) {
            return broken(format!("{seat} gets `{data}` twice"));
        }
        seen.received.push(data.to_owned());
        let sent = self.sessions.get(&id).and_then(|session| session.sent.get(side(seen.role.other())));
        let fates: &[(String, Fate)] = sent.map_or(&[], Vec::as_slice);
        let mut expected = fates.iter();
        for got in &seen.received {
            let Some((_, fate)) = expected.find(|(text, _)| text == got) else {
                return broken(format!("{seat} gets `{got}` out of order, or nobody sent it"));
            };
            if *fate == Fate::Refused {
                return broken(format!("{seat} gets `{got}`, which was refused"));
            }
        }
        Ok(())
    }

    /// The end of a session was told.
    pub fn terminated(seat: Seat, seen: &mut Seen, code: Code) -> Result<(), Broken> {
        if seen.state != State::Terminated || seen.ended.is_some() {
            return broken(format!("{seat} is told the end of a session in {}", seen.state));
        }
        seen.ended = Some(code);
        Ok(())
    }

    /// When everything has come to rest: both sides agree, and everything has arrived.
    pub fn settled(&self, memories: &BTreeMap<Seat, Memory>) -> Result<(), Broken> {
        for (id, session) in &self.sessions {
            let inviter = memories.get(&session.inviter).and_then(|memory| memory.get(id));
            let Some(inviter) = inviter.filter(|seen| seen.state != State::Ready) else { continue };
            let invitees = memories.iter().filter(|(seat, _)| seat.person == session.invitee);
            for (seat, seen) in invitees.filter_map(|(seat, memory)| Some((seat, memory.get(id)?))) {
                if seen.state != State::Terminated && (seen.state != inviter.state || seen.state != State::Connected) {
                    return broken(format!(
                        "{id} rests in {} at the inviter, in {} at {seat}",
                        inviter.state, seen.state
                    ));
                }
                if seen.accepted && seen.state != inviter.state {
                    return broken(format!("{id} is {} at the inviter and {} at {seat}", inviter.state, seen.state));
                }
                if seen.accepted {
                    Self::codes_agree(*id, inviter, seen)?;
                    session.all_arrived(*id, inviter, seen)?;
                    session.all_arrived(*id, seen, inviter)?;
                }
            }
            if !matches!(inviter.state, State::Terminated | State::Connected) {
                return broken(format!("{id} rests in {} at the inviter", inviter.state));
            }
        }
        Ok(())
    }

    /// Both ends of an answered session were told what fits together. Who was away for too long
    /// knows only that.
    fn codes_agree(id: SessionId, one: &Seen, other: &Seen) -> Result<(), Broken> {
        let (Some(first), Some(second)) = (one.ended, other.ended) else { return Ok(()) };
        let lost = Code::SR_CONNECTION_FAILURE;
        let pair = [Code::SR_SESSION_CANCELLED_LOCAL, Code::SR_SESSION_CANCELLED_REMOTE];
        let one_of_each = pair.contains(&first) && pair.contains(&second);
        let fits = first == second || first == lost || second == lost || one_of_each;
        if fits { Ok(()) } else { broken(format!("{id} ended with {first} here and {second} there")) }
    }
}

impl Session {
    /// Whatever was accepted for sending has arrived, unless the receiver was away for too long.
    fn all_arrived(&self, id: SessionId, from: &Seen, to: &Seen) -> Result<(), Broken> {
        if to.ended == Some(Code::SR_CONNECTION_FAILURE) {
            return Ok(());
        }
        let sent = self.sent.get(side(from.role)).map_or(&[][..], Vec::as_slice);
        let done: Vec<&String> = sent.iter().filter(|(_, fate)| *fate == Fate::Done).map(|(text, _)| text).collect();
        if done.len() > 5 {
            return broken(format!("{id}: the {} sent {} context data", from.role, done.len()));
        }
        match done.into_iter().find(|text| !to.received.contains(text)) {
            Some(lost) => broken(format!("{id}: `{lost}` never came to the {}", to.role)),
            None => Ok(()),
        }
    }
}
