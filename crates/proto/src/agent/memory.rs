//! What is kept, so that an agent that was killed can be started again and go on.

use hither_wire::Status;
use serde::{Deserialize, Serialize};

use super::links::GRACE_MS;
use super::programs::Program;
use super::sessions::Held;
use super::{Agent, Deadline};
use crate::client::ResumePoint;

/// What another agent needs to go on where this one is, without the token: that is kept elsewhere.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    client: Option<ResumePoint>,
    status: Option<Status>,
    held: Vec<Held>,
    programs: Vec<Program>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("sessions", &self.held.len()).finish_non_exhaustive()
    }
}

impl Memory {
    /// The service's part of it.
    pub fn client(&self) -> Option<&ResumePoint> {
        self.client.as_ref()
    }
}

impl Agent {
    /// What another agent needs to go on where this one is.
    pub fn memory(&self) -> Memory {
        let held = self.held.values().filter(|held| !self.rehearsed.contains_key(&held.session));
        let point = self.client.as_ref().and_then(|client| client.resume_point());
        let mut client = point.or_else(|| self.point.clone());
        if let Some(point) = &mut client {
            point.token = None;
        }
        Memory {
            client,
            status: Some(self.status),
            held: held.cloned().collect(),
            programs: self.programs.values().cloned().collect(),
        }
    }

    /// Takes what an earlier agent has left. Its applications have as long to come back as if only
    /// their connections had broken.
    pub(super) fn remember(&mut self, memory: Memory) {
        let Memory { client, status, held, programs } = memory;
        self.point = client;
        self.status = status.unwrap_or_default();
        self.restored = held.iter().map(|held| held.session).collect();
        self.held = held.into_iter().map(|held| (held.session, held)).collect();
        for program in programs {
            self.timers.set(Deadline::Program(program.id), Some(self.now + GRACE_MS));
            self.programs.insert(program.id, program);
        }
    }
}
