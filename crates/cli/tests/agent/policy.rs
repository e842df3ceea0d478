//! What is answered without asking.

use serde_json::json;

use crate::application::NAME;
use crate::home::{ALICE, BOB, World};

#[test]
fn accepted_and_refused_by_itself() {
    let world = World::new();
    let (alice, bob) = (world.alice.watch(), world.bob.watch());

    assert!(world.bob.ok(&["policy", "--who", ALICE, "refuse"]).contains("declined by itself"));
    world.alice.ok(&["invite", BOB, NAME]);
    assert_eq!(alice.event("ended")["how"], "declined");
    bob.event("ended");

    world.bob.ok(&["policy", "--who", ALICE, "--app", NAME, "accept"]);
    let listed = world.bob.ok(&["policy", "list"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    world.alice.ok(&["invite", BOB, NAME]);
    alice.event("accepted");
    let (hers, his) = (world.alice.launched(), world.bob.launched());
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
    world.bob.ok(&["cancel"]);
    hers.gone();
    his.gone();

    // Back to being asked.
    world.bob.ok(&["policy", "--who", ALICE, "--app", NAME, "ask"]);
    world.bob.ok(&["policy", "--who", ALICE, "ask"]);
    let left = world.bob.ok(&["policy"]);
    assert!(!left.contains("by itself"), "{left}");
    world.alice.ok(&["invite", BOB, NAME]);
    alice.stage("progress", "ringing");
    assert_eq!(world.bob.sessions()[0]["doing"], "ringing");
}

#[test]
fn who_is_busy_is_not_rung() {
    let world = World::new();
    world.bob.ok(&["status", "busy"]);
    world.alice.sees(BOB, "BUSY");
    assert_eq!(world.bob.json(&["status", "--json"])[0]["status"], "BUSY");
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    world.alice.ok(&["invite", BOB, NAME]);
    bob.event("invitation");
    assert_eq!(world.bob.sessions()[0]["state"], "SS_INVITATION");
    world.bob.ok(&["status", "online"]);
    // It rings from now on.
    alice.stage("progress", "ringing");
    world.bob.ok(&["decline"]);
}

#[test]
fn a_rule_needs_a_person_or_an_application() {
    let world = World::without_application();
    assert!(world.bob.fails(2, &["policy", "accept"]).contains("--who"));
    assert!(world.bob.fails(1, &["policy", "--app", "Chess", "accept"]).contains("SR_APP_NOT_REGISTERED"));
    assert!(world.bob.fails(2, &["policy", "--who", "nobody", "accept"]).contains("name@domain"));
    world.bob.ok(&["policy", "--app", crate::application::GUID, "refuse"]);
    assert!(world.bob.ok(&["policy", "--who", ALICE]).contains("declined by itself"));
    let status = &world.bob.json(&["agent", "status", "--json"])[0];
    assert_eq!((&status["user"], &status["connected"]), (&json!(BOB), &json!(true)));
}
