//! A desktop for tests: it remembers what it was to show, and a handle presses its buttons.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::{Button, Card, Desktop, PRESSED_MAX, Pressed, Subject};

/// What the agent holds.
#[derive(Debug)]
pub struct FakeDesktop {
    screen: Arc<Screen>,
}

/// What the test holds.
#[derive(Clone, Debug)]
pub struct FakeHandle {
    screen: Arc<Screen>,
    pressed: mpsc::Sender<Pressed>,
}

#[derive(Debug, Default)]
struct Screen {
    shown: Mutex<Shown>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Shown {
    cards: Vec<Card>,
    /// Those that nobody has looked at yet.
    fresh: VecDeque<Card>,
    opened: Vec<String>,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeDesktop {
    /// A desktop, the handle to it, and what comes from it.
    pub fn new() -> (FakeDesktop, FakeHandle, mpsc::Receiver<Pressed>) {
        let screen = Arc::new(Screen::default());
        let (pressed, events) = mpsc::channel(PRESSED_MAX);
        (FakeDesktop { screen: Arc::clone(&screen) }, FakeHandle { screen, pressed }, events)
    }
}

impl Desktop for FakeDesktop {
    fn show(&mut self, card: Card) {
        let mut shown = self.screen.lock();
        shown.cards.retain(|other| other.subject != card.subject);
        shown.cards.push(card.clone());
        shown.fresh.push_back(card);
        self.screen.changed.notify_one();
    }

    fn withdraw(&mut self, subject: Subject) {
        self.screen.lock().cards.retain(|card| card.subject != subject);
    }

    fn open(&mut self, url: &str) {
        self.screen.lock().opened.push(url.to_owned());
    }

    fn describe(&self) -> Option<String> {
        Some("fake".to_owned())
    }
}

impl FakeHandle {
    /// What is shown now.
    pub fn cards(&self) -> Vec<Card> {
        self.screen.lock().cards.clone()
    }

    /// The pages that were opened.
    pub fn opened(&self) -> Vec<String> {
        self.screen.lock().opened.clone()
    }

    /// The next card that was shown and not given here yet.
    pub async fn next_card(&self) -> Card {
        loop {
            if let Some(card) = self.screen.lock().fresh.pop_front() {
                return card;
            }
            self.screen.changed.notified().await;
        }
    }

    /// Presses a button of a card that is shown; says whether it is.
    pub fn press(&self, subject: Subject, button: Button) -> bool {
        let mut shown = self.screen.lock();
        let is = |card: &Card| card.subject == subject && card.buttons.contains(&button);
        let there = shown.cards.iter().any(is);
        shown.cards.retain(|card| !is(card));
        there && self.pressed.try_send(Pressed::Button { subject, button }).is_ok()
    }

    /// Puts a card away.
    pub fn dismiss(&self, subject: Subject) {
        self.screen.lock().cards.retain(|card| card.subject != subject);
        drop(self.pressed.try_send(Pressed::Dismissed { subject }));
    }
}
