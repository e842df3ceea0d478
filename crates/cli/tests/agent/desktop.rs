//! On a desktop: a real screen, a real notification daemon, a real mouse.

use crate::application::NAME;
use crate::home::{ALICE, BOB, World};
use crate::screen::Screen;

#[test]
fn a_click_on_accept_launches_the_application() {
    let Some(screen) = Screen::start() else { return };
    let mut world = World::new();
    world.bob.kill();
    world.bob.start_on(&screen);
    world.alice.sees(BOB, "ONLINE");
    let shown = world.bob.ok(&["status"]);
    assert!(shown.contains("Notify"), "{shown}");
    world.alice.ok(&["invite", BOB, NAME, "--data", "white or black?"]);
    let card = screen.card();
    screen.picture("invitation.png");
    screen.accept(card);
    let (hers, his) = (world.alice.launched(), world.bob.launched());
    assert!(his.tells().starts_with(&format!("launched invitee {ALICE}")));
    assert!(hers.tells().starts_with(&format!("launched inviter {BOB}")));
    his.until("SS_CONNECTED");
    hers.until("SS_CONNECTED");
    screen.no_card();
}

#[test]
fn a_card_goes_when_the_invitation_is_answered_in_a_terminal_or_cancelled() {
    let Some(screen) = Screen::start() else { return };
    let mut world = World::new();
    world.bob.kill();
    world.bob.start_on(&screen);
    world.alice.sees(BOB, "ONLINE");
    world.alice.ok(&["invite", BOB, NAME]);
    screen.card();
    world.bob.ok(&["decline"]);
    screen.no_card();
    world.alice.ok(&["invite", BOB, NAME]);
    screen.card();
    world.alice.ok(&["cancel"]);
    screen.no_card();
    // Nor does one stay when there is no agent any more to take an answer.
    world.alice.ok(&["invite", BOB, NAME]);
    screen.card();
    world.bob.stop("TERM");
    screen.no_card();
}
