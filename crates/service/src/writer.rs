//! The one thread that reads records and writes changes for the driver.

use std::net::IpAddr;

use hither_proto::service::{Change, Input, Ticket};
use hither_wire::{Code, PersonName};
use tokio::sync::mpsc;

use crate::audit::{Action, Actor, Audit, AuditEvent};
use crate::driver::Note;
use crate::store::{Store, StoreError};

/// What the driver wants of the store.
#[derive(Debug)]
pub enum Job {
    /// Read a record.
    Load(Ticket, PersonName),
    /// Write a change, asked for from this address if that is still connected.
    Store { ticket: Ticket, owner: PersonName, change: Change, from: Option<IpAddr> },
    /// Read which devices hold a token.
    Devices(Ticket, PersonName),
}

/// The way to the thread.
#[derive(Debug)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the thread. `waiting` is how many jobs may wait: a connection has one at a time.
    pub fn start(store: Store, waiting: usize, audit: Audit, inbox: mpsc::Sender<Note>) -> std::io::Result<Writer> {
        let (jobs, mut receiver) = mpsc::channel(waiting.max(1));
        std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            while let Some(job) = receiver.blocking_recv() {
                if inbox.blocking_send(Note::Input(work(&store, &audit, &job))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Writer { jobs })
    }

    /// Hands over a job, which is answered into the driver's inbox; or answers at once if too many
    /// wait.
    pub fn submit(&self, job: Job) -> Option<Input> {
        let refused = self.jobs.try_send(job).err()?;
        Some(failed(&refused.into_inner(), Code::MSGR_E_SERVER_TOO_BUSY))
    }
}

fn work(store: &Store, audit: &Audit, job: &Job) -> Input {
    let answer = match job {
        Job::Load(ticket, who) => {
            store.record(who).map(|person| Input::Loaded { ticket: *ticket, person: Ok(person.map(Box::new)) })
        }
        Job::Store { ticket, owner, change, from } => store.change(owner, change).map(|result| {
            if let (Ok(_), Change::RevokeTokens { device }) = (&result, change) {
                let by = from.map_or(Actor::Service, Actor::Person);
                let (action, subject) = (Action::DeviceRemoved, format!("{owner} {device}"));
                audit.tell(AuditEvent::Administered { action, subject, by });
            }
            Input::Stored { ticket: *ticket, result }
        }),
        Job::Devices(ticket, owner) => {
            store.devices(owner).map(|devices| Input::Devices { ticket: *ticket, result: Ok(devices) })
        }
    };
    answer.unwrap_or_else(|error: StoreError| {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed");
        failed(job, Code::E_FAIL)
    })
}

fn failed(job: &Job, code: Code) -> Input {
    match job {
        Job::Load(ticket, _) => Input::Loaded { ticket: *ticket, person: Err(code) },
        Job::Devices(ticket, _) => Input::Devices { ticket: *ticket, result: Err(code) },
        Job::Store { ticket, .. } => Input::Stored { ticket: *ticket, result: Err(code) },
    }
}
