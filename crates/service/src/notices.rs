//! What `hither account` has done beside the service counts for those who are connected, too.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hither_proto::service::Command;
use hither_wire::PersonName;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::interval;

use crate::driver::Note;
use crate::metrics::Metrics;
use crate::store::{Notice, Store, StoreError};

/// How often it is looked. Cheap: as long as nobody else has written, no table is read.
const LOOK: Duration = Duration::from_secs(1);
/// Notices taken at a time; the rest follow at the next look.
const AT_ONCE: usize = 1_000;

/// The notices of a store.
#[derive(Debug)]
pub struct Notices {
    store: Store,
    /// SQLite's number of the last change by somebody else.
    version: Option<i64>,
}

impl Notices {
    /// Begins to look: what was said before is of no use to anybody, since nobody is connected.
    pub fn open(data: &Path) -> Result<Notices, StoreError> {
        let store = Store::open_beside(data)?;
        store.forget_notices(i64::MAX)?;
        Ok(Notices { store, version: None })
    }

    fn poll(&mut self) -> Result<Vec<(PersonName, Notice)>, StoreError> {
        // Before the question: what is written in between is found the next time.
        let version = self.store.data_version()?;
        if self.version == Some(version) {
            return Ok(Vec::new());
        }
        let (notices, last) = self.store.notices(AT_ONCE)?;
        if last > 0 {
            self.store.forget_notices(last)?;
        }
        self.version = (notices.len() < AT_ONCE).then_some(version);
        Ok(notices)
    }
}

/// Looks as long as the service runs.
pub async fn watch(mut notices: Notices, metrics: Arc<Metrics>, inbox: mpsc::Sender<Note>) {
    let mut looks = interval(LOOK);
    loop {
        looks.tick().await;
        let looked = spawn_blocking(move || {
            let found = notices.poll();
            (notices, found)
        });
        let Ok((again, found)) = looked.await else { return };
        notices = again;
        // Asked each second, it is the first to know.
        let failed_before = metrics.store_failing.set(i64::from(found.is_err())) == 1;
        match found {
            Ok(found) => {
                for (name, notice) in found {
                    // Nobody waits for the answer.
                    let note = Note::Operator(command(name, notice), oneshot::channel().0);
                    drop(inbox.send(note).await);
                }
            }
            Err(_) if failed_before => {}
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "it cannot be read what commands have done to people");
            }
        }
    }
}

fn command(name: PersonName, notice: Notice) -> Command {
    match notice {
        Notice::Renamed => Command::Refresh { name, renamed: true },
        Notice::SignedOut => Command::SignOut(name),
        Notice::Disabled => Command::Expel(name),
        Notice::Removed => Command::Remove(name),
    }
}
