//! What `hither account` has done beside the service counts for those who are connected, too.

use std::path::Path;
use std::sync::Arc;

use hither_proto::service::Command;
use hither_wire::PersonName;
use tokio::sync::{mpsc, oneshot};

use crate::driver::Note;
use crate::looks::Looks;
use crate::metrics::Metrics;
use crate::store::{Changes, Notice, StoreError};

/// Notices taken at a time; the rest follow at the next look.
const AT_ONCE: usize = 1_000;

/// The notices of a store.
#[derive(Debug)]
pub struct Notices(Changes);

impl Notices {
    /// Begins to look: what was said before is of no use to anybody, since nobody is connected.
    pub fn open(data: &Path) -> Result<Notices, StoreError> {
        let changes = Changes::open(data)?;
        changes.store().forget_notices()?;
        Ok(Notices(changes))
    }

    fn poll(&mut self) -> Result<Vec<(PersonName, Notice)>, StoreError> {
        let found = self.0.read(|store| store.take_notices(AT_ONCE))?;
        Ok(found.unwrap_or_default())
    }
}

/// Looks as long as the service runs.
pub async fn watch(notices: Notices, metrics: Arc<Metrics>, inbox: mpsc::Sender<Note>) {
    let mut looks = Looks::at(notices, Notices::poll, "what commands have done to people");
    while let Some(found) = looks.next().await {
        // Asked each second, it is the first to know.
        metrics.store_failing.set(i64::from(found.is_err()));
        for (name, notice) in found.unwrap_or_default() {
            // Nobody waits for the answer.
            let note = Note::Operator(command(name, notice), oneshot::channel().0);
            drop(inbox.send(note).await);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn however_many_there_are_all_are_found_in_turn() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let name = |n: usize| PersonName::parse(&format!("p{n}@x")).unwrap();
        store.give_notice(&name(0), Notice::Removed).unwrap();
        let mut notices = Notices::open(directory.path()).unwrap();
        assert!(notices.poll().unwrap().is_empty(), "said before anybody was connected");
        // One of a newer command among them is not for this service, and keeps nothing back.
        let db = rusqlite::Connection::open(directory.path().join("hither.sqlite")).unwrap();
        db.execute("INSERT INTO notices (name, what) VALUES ('p@x', 'sung-to')", []).unwrap();
        (0..=AT_ONCE).for_each(|n| store.give_notice(&name(n), Notice::Renamed).unwrap());
        let mut found = notices.poll().unwrap();
        assert_eq!(found.len(), AT_ONCE - 1);
        found.extend(notices.poll().unwrap());
        assert_eq!(
            found.iter().map(|(who, _)| who.clone()).collect::<Vec<_>>(),
            (0..=AT_ONCE).map(name).collect::<Vec<_>>()
        );
        assert!(notices.poll().unwrap().is_empty());
    }
}
