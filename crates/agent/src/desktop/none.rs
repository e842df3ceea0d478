//! A machine without anything that shows notifications.

use tokio::sync::mpsc;

use super::{Card, Desktop, Pressed, Subject, page};

/// Shows nothing.
#[derive(Debug)]
pub struct NoDesktop {
    /// Kept open: nobody presses anything, but nobody goes away either.
    _pressed: mpsc::Sender<Pressed>,
}

impl NoDesktop {
    pub(super) fn new(pressed: mpsc::Sender<Pressed>) -> NoDesktop {
        NoDesktop { _pressed: pressed }
    }
}

impl Desktop for NoDesktop {
    fn show(&mut self, _: Card) {}

    fn withdraw(&mut self, _: Subject) {}

    fn open(&mut self, url: &str) {
        page::open(url);
    }

    fn describe(&self) -> Option<String> {
        None
    }
}
