//! Notifications on a real screen, by a real daemon, pressed with a real mouse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod screen;

use hither_agent::desktop::{Button, Card, Desktop as _, Linux, Pressed, Subject};
use hither_wire::Guid;
use screen::Screen;
use tokio::sync::mpsc;

fn ringing(session: u128, title: &str, body: &str) -> Card {
    Card {
        subject: Subject::Ringing(Guid(session)),
        title: title.into(),
        body: body.into(),
        buttons: vec![Button::Accept, Button::Decline],
        urgent: true,
    }
}

/// A desktop whose daemon is there.
async fn desktop(screen: &Screen) -> (Linux, mpsc::Receiver<Pressed>) {
    let (desktop, mut pressed) = Linux::start_at(Some(screen.bus()));
    while desktop.describe().is_none() {
        assert_eq!(pressed.recv().await, Some(Pressed::Changed));
    }
    (desktop, pressed)
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_is_pressed() {
    let Some(screen) = Screen::start() else { return };
    let (mut desktop, mut pressed) = desktop(&screen).await;
    assert!(desktop.describe().unwrap().contains("Notify"), "{:?}", desktop.describe());
    desktop.show(ringing(5, "Alice invites you to Tic-tac-toe", "“a quick game?”\nFrom alice@example.org"));
    let card = screen.card();
    screen.picture("card.png");
    screen.accept(card);
    let subject = Subject::Ringing(Guid(5));
    assert_eq!(pressed.recv().await, Some(Pressed::Button { subject, button: Button::Accept }));
    screen.no_card();
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_withdrawn_and_survive_the_daemon() {
    let Some(mut screen) = Screen::start() else { return };
    let (mut desktop, mut pressed) = desktop(&screen).await;
    desktop.show(ringing(5, "<b>Alice</b> & $(id)\u{1b}[2J", &"<i>\n".repeat(50_000)));
    screen.card();
    screen.picture("hostile.png");
    screen.stop_daemon();
    assert_eq!(pressed.recv().await, Some(Pressed::Changed));
    assert_eq!(desktop.describe(), None);
    screen.no_card();
    screen.start_daemon();
    assert_eq!(pressed.recv().await, Some(Pressed::Changed));
    screen.card();
    desktop.withdraw(Subject::Ringing(Guid(5)));
    screen.no_card();
}
