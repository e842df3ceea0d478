//! Hearing of changes to the files, whoever makes them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchDescriptor, WatchMask, Watches};
use tokio::time::{Instant, sleep, timeout_at};

use super::drop_ins::is_ours;
use crate::document::make_folder;

/// A burst of changes is over when nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(50);
/// The longest that a burst holds back the news.
const BURST: Duration = Duration::from_millis(500);
/// How often the files are taken for changed if the system has stopped telling.
const BLIND: Duration = Duration::from_secs(2);
/// Folders that are watched.
const FOLDERS: usize = 64;
/// The longest that folders appearing while they are looked for are followed.
const LOOKS: usize = 16;

/// Hears when a file of the registry, the rules or the account may have changed: written in place,
/// put into its place, or removed. Folders that are missing are waited for.
pub struct Watch {
    events: EventStream<[u8; 4096]>,
    watches: Watches,
    folders: Vec<PathBuf>,
    config: PathBuf,
    watched: BTreeMap<i32, (WatchDescriptor, Interest)>,
    changed: bool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("folders", &self.folders).finish_non_exhaustive()
    }
}

/// Which names in a folder matter.
#[derive(Debug, Default)]
struct Interest {
    /// Those of our files.
    files: bool,
    /// These.
    names: BTreeSet<OsString>,
}

impl Watch {
    pub(super) fn new(config: &Path, drop_ins: &[PathBuf]) -> io::Result<Watch> {
        make_folder(config)?;
        let inotify = Inotify::init()?;
        let watches = inotify.watches();
        let events = inotify.into_event_stream([0; 4096])?;
        let folders = std::iter::once(config).chain(drop_ins.iter().map(PathBuf::as_path));
        let folders = folders.take(FOLDERS).map(Path::to_owned).collect();
        let config = config.to_owned();
        let mut watch = Watch { events, watches, folders, config, watched: BTreeMap::new(), changed: false };
        watch.look();
        if watch.watched.is_empty() {
            return Err(io::Error::other("no folder of applications can be watched"));
        }
        Ok(watch)
    }

    /// Returns when something may have changed since the call before, or since the watch began. A
    /// burst is reported once, at its end. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        while !self.changed {
            let event = self.events.next().await;
            self.changed = self.matters(event).await;
        }
        let end = Instant::now() + BURST;
        let mut quiet = Instant::now() + QUIET;
        while let Ok(event) = timeout_at(quiet.min(end), self.events.next()).await {
            if self.matters(event).await {
                quiet = Instant::now() + QUIET;
            }
        }
        self.look();
        self.changed = false;
    }

    async fn matters(&self, event: Option<io::Result<EventOwned>>) -> bool {
        let Some(Ok(event)) = event else {
            let error = event.and_then(Result::err).unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
            tracing::warn!(error = &error as &dyn std::error::Error, "changes of files are no longer told");
            sleep(BLIND).await;
            return true;
        };
        if event.mask.contains(EventMask::Q_OVERFLOW) {
            return true;
        }
        let Some((_, interest)) = self.watched.get(&event.wd.get_watch_descriptor_id()) else { return false };
        // An event without a name is one of the folder itself.
        event.name.is_none_or(|name| (interest.files && is_ours(&name)) || interest.names.contains(&name))
    }

    /// Watches what is there now, and forgets what is not.
    fn look(&mut self) {
        let mut before = std::mem::take(&mut self.watched);
        for folder in self.folders.clone() {
            self.watch_folder(&folder);
        }
        for file in linked(&self.config) {
            if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
                self.watch_names(folder, name.to_owned());
            }
        }
        before.retain(|id, _| !self.watched.contains_key(id));
        for (wd, _) in before.into_values() {
            // It is gone already if its folder is.
            let _ = self.watches.remove(wd);
        }
    }

    /// Watches a folder, or the nearest one above it for the next to appear.
    fn watch_folder(&mut self, folder: &Path) {
        for _ in 0..LOOKS {
            if let Some(interest) = self.add(folder) {
                interest.files = true;
                return;
            }
            let mut missing = folder.ancestors();
            let above =
                missing.find_map(|below| Some((below.parent()?, below.file_name()?)).filter(|(up, _)| up.is_dir()));
            let Some((above, name)) = above else { return };
            self.watch_names(above, name.to_owned());
            // It may have appeared before the watch was there.
            if !above.join(name).is_dir() {
                return;
            }
        }
    }

    fn watch_names(&mut self, folder: &Path, name: OsString) {
        if let Some(interest) = self.add(folder) {
            interest.names.insert(name);
        }
    }

    fn add(&mut self, folder: &Path) -> Option<&mut Interest> {
        let contents = WatchMask::CREATE | WatchMask::DELETE | WatchMask::MOVE | WatchMask::ATTRIB;
        let files = WatchMask::MODIFY | WatchMask::CLOSE_WRITE;
        let itself = WatchMask::DELETE_SELF | WatchMask::MOVE_SELF | WatchMask::ONLYDIR;
        let wd = self.watches.add(folder, contents | files | itself).ok()?;
        let id = wd.get_watch_descriptor_id();
        Some(&mut self.watched.entry(id).or_insert_with(|| (wd, Interest::default())).1)
    }
}

/// The files that the person keeps elsewhere and has links to.
fn linked(config: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(config) else { return Vec::new() };
    let links = entries.take(FOLDERS * LOOKS).filter_map(Result::ok);
    let links = links.filter(|entry| is_ours(&entry.file_name()) && entry.path().is_symlink());
    links.take(FOLDERS).filter_map(|entry| fs::canonicalize(entry.path()).ok()).collect()
}
