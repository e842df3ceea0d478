//! What a person sees of the agent: cards with buttons, and pages that are opened.
//!
//! One trait for every system. A call never blocks and never fails: what cannot be shown is not shown,
//! and [`Desktop::describe`] says whether anything can be.

pub mod fake;
#[cfg(target_os = "linux")]
mod linux;
mod none;
mod page;

use hither_wire::SessionId;
use tokio::sync::mpsc;

#[cfg(target_os = "linux")]
pub use linux::Linux;
pub use none::NoDesktop;

/// Cards at a time; more are not shown.
pub const CARDS_MAX: usize = 64;
/// Answers of the person that wait for the agent.
const PRESSED_MAX: usize = 64;

/// What a person can press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Button {
    /// Accept an invitation.
    Accept,
    /// Decline an invitation.
    Decline,
    /// Open the page where an application can be got.
    Get,
    /// Invite somebody.
    Invite,
    /// Do nothing of it.
    No,
}

/// What a card is about; there is at most one card for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An invitation that rings.
    Ringing(SessionId),
    /// An application that is not installed.
    Missing(SessionId),
    /// A link that waits for a yes; numbered by the agent.
    Link(u64),
}

/// Something to show, in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What it is about.
    pub subject: Subject,
    /// One line.
    pub title: String,
    /// A few lines.
    pub body: String,
    /// What can be pressed, in order.
    pub buttons: Vec<Button>,
    /// Whether it rings.
    pub urgent: bool,
}

/// What comes from the desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// A button was pressed; the card is gone.
    Button {
        /// Of which card.
        subject: Subject,
        /// Which.
        button: Button,
    },
    /// A card was put away without an answer.
    Dismissed {
        /// Which card.
        subject: Subject,
    },
    /// [`Desktop::describe`] says something else now.
    Changed,
}

/// The one seam to the desktop.
pub trait Desktop: Send {
    /// Shows a card, in place of the one for the same subject.
    fn show(&mut self, card: Card);
    /// Takes a card away, if it is there.
    fn withdraw(&mut self, subject: Subject);
    /// Opens a page: http or https, anything else is refused once more.
    fn open(&mut self, url: &str);
    /// What shows the cards, by name; `None` if nothing does.
    fn describe(&self) -> Option<String>;
}

impl Button {
    /// All of them.
    pub const ALL: [Button; 5] = [Button::Accept, Button::Decline, Button::Get, Button::Invite, Button::No];

    /// What stands on it.
    pub fn label(self) -> &'static str {
        match self {
            Button::Accept => "Accept",
            Button::Decline => "Decline",
            Button::Get => "Get it",
            Button::Invite => "Invite",
            Button::No => "No",
        }
    }

    /// Its name for the desktop.
    fn key(self) -> &'static str {
        match self {
            Button::Accept => "accept",
            Button::Decline => "decline",
            Button::Get => "get",
            Button::Invite => "invite",
            Button::No => "no",
        }
    }
}

/// The desktop of this system. Must be called in a tokio runtime.
pub fn start() -> (Box<dyn Desktop>, mpsc::Receiver<Pressed>) {
    let (desktop, pressed) = Linux::start();
    (Box::new(desktop), pressed)
}

/// No notifications; pages are opened all the same.
pub fn none() -> (Box<dyn Desktop>, mpsc::Receiver<Pressed>) {
    let (pressed, events) = mpsc::channel(1);
    (Box::new(NoDesktop::new(pressed)), events)
}
