//! Applications of this machine that are connected, or are waited for: what each is owed, and what
//! becomes of its sessions when it is gone (R17).

use std::collections::{BTreeSet, VecDeque};

use hither_wire::message::{Event, SignIn};
use hither_wire::{Code, DeviceId, Guid, LockStatus, ServerFrame, SessionId};
use serde::{Deserialize, Serialize};

use super::links::GRACE_MS;
use super::locks::is_worth_keeping;
use super::port::{LinkId, Output};
use super::service::Purpose;
use super::sessions::Doing;
use super::{Agent, Deadline};
use crate::client::Call;
use crate::outbox::Outbox;
use crate::service::Close;

/// Applications at a time.
const PROGRAMS: usize = 64;
/// Sessions that are over and are still told from those that never were.
const ENDED: usize = 32;
/// Events that an application may leave unacknowledged.
const EVENTS: usize = 1_024;

/// An application; numbered by the agent, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ProgramId(pub u64);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Program {
    pub id: ProgramId,
    device: DeviceId,
    /// Which stay of the application this is: only this one is resumed.
    epoch: u64,
    pub outbox: Outbox,
    /// Sessions that it had a part in and that are over, the last ones.
    #[serde(default)]
    ended: VecDeque<SessionId>,
    /// The applications that it says it is.
    pub serves: BTreeSet<Guid>,
    /// How its lock at the service stands.
    #[serde(default)]
    pub lock: LockStatus,
    /// `None` while it is away and waited for.
    #[serde(skip)]
    pub link: Option<LinkId>,
}

/// What a sign-in came to.
pub(super) struct Seat {
    pub program: ProgramId,
    pub device: DeviceId,
    pub epoch: u64,
    pub resumed: bool,
}

impl Agent {
    /// Gives an application its place: the one it had, or a new one. `None` if there is none.
    pub(super) fn seat(&mut self, link: LinkId, sign_in: &SignIn, ack: Option<u64>) -> Option<Seat> {
        let known = self.programs.values().find(|program| Some(program.device) == sign_in.device);
        let known = known.map(|program| (program.id, program.epoch, program.link));
        if let Some((id, epoch, before)) = known {
            if let Some(before) = before {
                self.close(before, Close::Replaced);
            }
            if let (Some(ack), Some(program)) = (ack, self.programs.get_mut(&id))
                && sign_in.epoch == Some(epoch)
            {
                program.outbox.acknowledge(ack);
                program.link = Some(link);
                let seat = Seat { program: id, device: program.device, epoch, resumed: true };
                self.timers.set(Deadline::Program(id), None);
                return Some(seat);
            }
            self.drop_program(id);
        }
        if self.programs.len() >= PROGRAMS {
            return None;
        }
        let id = ProgramId(self.number());
        // Nobody else sees it, so it need not be random.
        let device = sign_in.device.unwrap_or(Guid(u128::from(id.0)));
        let epoch = self.number();
        let program = Program {
            id,
            device,
            epoch,
            outbox: Outbox::default(),
            ended: VecDeque::new(),
            serves: BTreeSet::new(),
            lock: self.fresh_lock(),
            link: Some(link),
        };
        self.programs.insert(id, program);
        self.unsaved = true;
        Some(Seat { program: id, device, epoch, resumed: false })
    }

    /// Sends what has not been acknowledged.
    pub(super) fn catch_up(&mut self, program: ProgramId, link: LinkId) {
        let Some(program) = self.programs.get(&program) else { return };
        let frames = program.outbox.pending().cloned();
        self.outputs.extend(frames.map(|frame| Output::Send { link, frame: ServerFrame::Event(frame) }));
    }

    /// A session is over for an application.
    pub(super) fn ended_for(&mut self, id: ProgramId, session: SessionId) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        if program.ended.len() == ENDED {
            program.ended.pop_front();
        }
        program.ended.push_back(session);
    }

    /// Whether a session is over that an application had a part in.
    pub(super) fn has_ended_for(&self, id: ProgramId, session: SessionId) -> bool {
        self.programs.get(&id).is_some_and(|program| program.ended.contains(&session))
    }

    /// Tells an application something about a session, now or when it is back.
    pub(super) fn push(&mut self, id: ProgramId, event: Event) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        if program.outbox.pending().len() >= EVENTS {
            let link = program.link;
            tracing::debug!("an application does not take its events");
            if let Some(link) = link {
                self.close(link, Close::TooSlow);
            }
            return self.drop_program(id);
        }
        let frame = ServerFrame::Event(program.outbox.push(event));
        self.unsaved = true;
        self.outputs.extend(program.link.map(|link| Output::Send { link, frame }));
    }

    /// The connection of an application is gone; it has a while to come back.
    pub(super) fn program_away(&mut self, id: ProgramId, link: LinkId) {
        let Some(program) = self.programs.get_mut(&id).filter(|program| program.link == Some(link)) else { return };
        program.link = None;
        self.timers.set(Deadline::Program(id), Some(self.now + GRACE_MS));
        self.no_answer_from(id);
        self.leave_if_over(id);
    }

    /// An application that is away and has no part in anything need not be waited for.
    fn leave_if_over(&mut self, id: ProgramId) {
        let idle = self.programs.get(&id).is_some_and(|program| program.link.is_none());
        let busy = self.held.values().any(|held| held.owner == Some(id) || held.shown.contains(&id));
        let owed = self.programs.get(&id).is_some_and(|program| program.outbox.pending().len() > 0);
        let unlocked = self.programs.get(&id).is_some_and(|program| is_worth_keeping(program.lock));
        if idle && !busy && !owed && !unlocked {
            self.drop_program(id);
        }
    }

    /// An application is gone for good: the sessions that it had are lost to the other side (R17).
    pub(super) fn drop_program(&mut self, id: ProgramId) {
        self.timers.set(Deadline::Program(id), None);
        let Some(gone) = self.programs.remove(&id) else { return };
        self.unsaved = true;
        self.release(&gone);
        self.no_answer_from(id);
        let owned: Vec<SessionId> =
            self.held.values().filter(|held| held.owner == Some(id)).map(|held| held.session).collect();
        for session in owned {
            if let Some(held) = self.held.get_mut(&session) {
                held.owner = None;
                held.doing = Doing::Leaving;
            }
            let hr = Code::SR_CONNECTION_FAILURE;
            self.ask_session(Call::Cancel { session, hr, data: "".into() }, Purpose::Own);
        }
        let shown: Vec<SessionId> =
            self.held.values().filter(|held| held.shown.contains(&id)).map(|held| held.session).collect();
        for session in shown {
            if let Some(held) = self.held.get_mut(&session) {
                held.shown.remove(&id);
                if held.shown.is_empty() && matches!(held.doing, Doing::Handled) {
                    self.ring(session);
                } else if held.shown.is_empty() && matches!(held.doing, Doing::LeftTo) {
                    self.launch_failed(session, "the application that wanted to take the session has gone");
                }
            }
        }
    }
}
