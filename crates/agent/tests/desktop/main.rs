//! Notifications on a real screen, by a real daemon, pressed with a real mouse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod screen;
mod server;

use hither_agent::desktop::{Button, Card, Desktop as _, Linux, Pressed, Subject};
use hither_wire::Guid;
use screen::Screen;
use server::Server;
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

#[tokio::test(flavor = "multi_thread")]
async fn two_cards_at_a_time() {
    let Some(screen) = Screen::start() else { return };
    let (mut desktop, mut pressed) = desktop(&screen).await;
    desktop.show(ringing(5, "Alice invites you to Tic-tac-toe", ""));
    desktop.show(ringing(6, "Bob invites you to Chess", ""));
    let cards = screen.several(2);
    screen.picture("two.png");
    screen.accept(cards[0]);
    let first = pressed.recv().await;
    screen.accept(screen.several(1)[0]);
    let mut answers = [first, pressed.recv().await];
    answers.sort_by_key(|answer| format!("{answer:?}"));
    let accepted = |session| Some(Pressed::Button { subject: Subject::Ringing(Guid(session)), button: Button::Accept });
    assert_eq!(answers, [accepted(5), accepted(6)]);
    screen.no_card();
}

/// A desktop on a server that the test plays.
async fn played(can: &[&str]) -> Option<(Screen, Server, Linux, mpsc::Receiver<Pressed>)> {
    let mut screen = Screen::start()?;
    screen.stop_daemon();
    let server = Server::start(&screen.bus(), can, 6).await;
    let (desktop, pressed) = desktop(&screen).await;
    Some((screen, server, desktop, pressed))
}

/// GNOME's server counts a card that was pressed as dismissed, and says both at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_press_is_never_taken_for_a_dismissal() {
    let Some((_screen, mut server, mut desktop, mut pressed)) = played(&["actions", "body-markup"]).await else {
        return;
    };
    for session in 0..100 {
        desktop.show(ringing(session, "Alice invites you", ""));
        let id = server.shown().await.id;
        server.press(id, "accept").await;
        let subject = Subject::Ringing(Guid(session));
        assert_eq!(pressed.recv().await, Some(Pressed::Button { subject, button: Button::Accept }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_our_own_notifications_and_buttons_count() {
    let Some((_screen, mut server, mut desktop, mut pressed)) = played(&["actions"]).await else { return };
    desktop.show(ringing(1, "Alice invites you", ""));
    let id = server.shown().await.id;
    for (id, key) in [(id + 1, "accept"), (0, "accept"), (id, "default"), (id, "get"), (id, "")] {
        server.invoke(id, key).await;
    }
    server.invoke(id, "decline").await;
    let subject = Subject::Ringing(Guid(1));
    assert_eq!(pressed.recv().await, Some(Pressed::Button { subject, button: Button::Decline }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_server_is_replaced() {
    let Some((mut screen, mut server, mut desktop, _pressed)) = played(&["actions"]).await else { return };
    desktop.show(ringing(1, "Alice invites you", ""));
    let first = server.shown().await.id;
    // Shown again, so that the number of the first has surely arrived.
    desktop.show(ringing(1, "Alice invites you", "now"));
    assert_eq!(server.shown().await.replaces, first);
    screen.restart_bus();
    let mut other = Server::start(&screen.bus(), &["actions"], 0).await;
    let again = other.shown().await;
    assert_eq!((again.replaces, again.body.as_str()), (0, "now"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_card_stays_behind() {
    let Some((_screen, mut server, mut desktop, mut pressed)) = played(&["actions"]).await else { return };
    desktop.show(ringing(1, "Alice invites you", ""));
    let id = server.shown().await.id;
    drop(desktop);
    assert_eq!(server.closed().await, id);
    assert_eq!(pressed.recv().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_buttons_says_what_to_type() {
    let Some((_screen, mut server, mut desktop, _pressed)) = played(&["body"]).await else { return };
    let cases = [
        (vec![Button::Accept, Button::Decline], "<i>\nAnswer in a terminal: hither accept, hither decline."),
        (vec![Button::Invite, Button::No], "<i>\nAnswer in a terminal: hither invite."),
        (vec![Button::Get, Button::No], "<i>"),
    ];
    for (buttons, body) in cases {
        desktop.show(Card { buttons, ..ringing(1, "Alice", "<i>") });
        let shown = server.shown().await;
        assert_eq!((shown.body.as_str(), shown.actions.len()), (body, 0));
    }
}
