//! An agent that is killed and started again within the grace goes on.

use serde_json::json;

use crate::home::{ALICE, World};

#[test]
fn in_an_invitation() {
    let mut world = World::new();
    let session = world.invited();
    world.bob.kill();
    world.bob.start();
    assert_eq!(world.bob.sessions()[0]["session"], *session);
    world.bob.ok(&["accept"]);
    let (hers, his) = (world.alice.launched(), world.bob.launched());
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
}

#[test]
fn the_inviters_agent_in_an_invitation() {
    let mut world = World::new();
    let session = world.invited();
    world.alice.kill();
    world.bob.ok(&["accept", "--data", "black"]);
    let his = world.bob.launched();
    world.alice.start();
    let hers = world.alice.launched();
    assert!(hers.tells().ends_with(&format!("{session} black")));
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
}

#[test]
fn accepted_with_an_application_that_has_not_asked_yet() {
    let mut world = World::new();
    let session = world.invited();
    world.bob.ok(&["accept"]);
    let hers = world.alice.launched();
    let stream = world.bob.started();
    world.bob.kill();
    world.bob.start();
    let held = &world.bob.sessions()[0];
    assert_eq!((&held["session"], &held["doing"]), (&json!(session), &json!("launched")));
    // It asks the agent that is there now.
    let his = crate::application::Application::new(stream);
    assert_eq!(his.tells(), format!("launched invitee {ALICE} {session} white or black?"));
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
}

#[test]
fn accepted_with_an_application_that_waits_for_the_other_side() {
    let mut world = World::new();
    let session = world.invited();
    world.bob.ok(&["accept"]);
    let (hers, his) = (world.alice.started(), world.bob.launched());
    his.until("launched");
    world.bob.kill();
    his.until("the agent is gone");
    world.bob.start();
    his.until("the agent is back");
    let held = &world.bob.sessions()[0];
    assert_eq!((&held["session"], &held["state"]), (&json!(session), &json!("SS_ACCEPTED")));
    let hers = crate::application::Application::new(hers);
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
}

#[test]
fn connected_and_the_application_comes_back_by_itself() {
    let mut world = World::new();
    let (session, mut hers, mut his) = world.connected();
    world.bob.kill();
    // Said while nobody was there to pass it on.
    hers.order("send are you there?");
    assert_eq!(hers.tells(), "done");
    world.bob.start();
    his.until("context are you there?");
    his.order("send again");
    hers.until("context again");
    let held = &world.bob.sessions()[0];
    assert_eq!((&held["session"], &held["state"]), (&json!(session), &json!("SS_CONNECTED")));
    his.order("cancel thanks");
    hers.until("over SR_SESSION_CANCELLED_REMOTE thanks");
}

#[test]
fn the_application_ends_while_no_agent_is_there() {
    let mut world = World::without_application();
    world.alice.register();
    world.bob.ok(&["app", "register", crate::application::GUID, "Chess", "--tunnelled", "--", "/bin/sleep", "1000"]);
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    world.alice.ok(&["invite", crate::home::BOB, "Chess"]);
    bob.event("invitation");
    world.bob.ok(&["accept"]);
    let _hers = world.alice.launched();
    bob.event("connected");
    let process = u32::try_from(world.bob.sessions()[0]["process"].as_u64().unwrap()).unwrap();
    world.bob.kill();
    crate::world::signal("KILL", process);
    world.bob.start();
    assert_eq!(alice.event("ended")["how"], "cancelled", "the next agent finds that it has gone");
}
