//! Starts that fail, seen on both sides.

use serde_json::json;

use crate::application::{GUID, NAME};
use crate::home::{BOB, Person, World};

/// A program that says something on standard error and ends.
fn broken(person: &Person) {
    person.ok(&["app", "register", GUID, NAME, "/bin/sh -c 'echo the board is missing >&2; exit 3'"]);
}

#[test]
fn a_program_that_ends_at_once_ends_the_session_on_both_sides() {
    let world = World::without_application();
    world.alice.register();
    broken(&world.bob);
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    world.alice.ok(&["invite", BOB, NAME]);
    bob.event("invitation");
    world.bob.ok(&["accept"]);

    let failed = bob.stage("launch", "launch-failed");
    assert!(failed["why"].as_str().unwrap().contains("the board is missing"), "{failed}");
    assert_eq!(alice.stage("progress", "launch-failed")["code"], 0x8100_0601_u32);
    for watch in [&alice, &bob] {
        assert_eq!(watch.event("ended")["code"], json!(0x8100_0601_u32));
    }
    // Alice's application was started, and is told.
    let hers = world.alice.launched();
    drop(hers);
    assert!(world.bob.log().contains("the board is missing"), "{}", world.bob.log());
}

#[test]
fn a_program_that_is_not_there_any_more() {
    let world = World::without_application();
    world.alice.register();
    let program = world.bob.home().join("chess");
    std::fs::copy("/bin/true", &program).unwrap();
    world.bob.ok(&["app", "register", GUID, NAME, program.to_str().unwrap()]);
    std::fs::remove_file(&program).unwrap();
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    world.alice.ok(&["invite", BOB, NAME]);
    bob.event("invitation");
    world.bob.ok(&["accept"]);
    bob.stage("launch", "launch-failed");
    assert_eq!(alice.event("ended")["code"], json!(0x8100_0601_u32));
}

#[test]
fn a_launch_only_application_is_attached_by_the_agent() {
    let world = World::without_application();
    for person in [&world.alice, &world.bob] {
        person.ok(&["app", "register", GUID, NAME, "--launch-only", "--", "/bin/sleep", "1000"]);
    }
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    world.alice.ok(&["invite", BOB, NAME]);
    assert_eq!(bob.event("invitation")["app"]["launch_only"], true);
    world.bob.ok(&["accept"]);
    alice.event("connected");
    bob.event("connected");
    let process = |person: &Person| u32::try_from(person.sessions()[0]["process"].as_u64().unwrap()).unwrap();
    let (hers, his) = (process(&world.alice), process(&world.bob));
    // Nobody else could end the session than the end of the program.
    crate::world::signal("KILL", his);
    assert_eq!(alice.event("ended")["how"], "cancelled");
    crate::world::signal("KILL", hers);
}
