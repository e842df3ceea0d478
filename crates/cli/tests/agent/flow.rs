//! From nothing to a session and back, as two people would do it.

use serde_json::json;

use crate::application::{GUID, NAME};
use crate::home::{ALICE, BOB, World};

#[test]
fn invited_from_the_client_accepted_in_a_terminal_both_launched() {
    let mut world = World::new();
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    let session = world.invited();

    let invitation = bob.event("invitation");
    assert_eq!((&invitation["from"], &invitation["data"]["text"]), (&json!(ALICE), &json!("white or black?")));
    let listed = &world.bob.sessions()[0];
    assert_eq!(listed["session"], *session);
    assert_eq!((&listed["state"], &listed["doing"]), (&json!("SS_INVITATION"), &json!("ringing")));
    assert_eq!((&listed["user"], &listed["guid"]), (&json!(ALICE), &json!(GUID)));
    assert_eq!((&listed["data"], &listed["inviter"]), (&json!("white or black?"), &json!(false)));
    assert_eq!(world.alice.sessions()[0]["doing"], "inviting");
    // Somebody watches there, so it counts as ringing.
    alice.stage("progress", "ringing");

    let shown = world.bob.ok(&["accept", "--data", "black"]);
    assert!(shown.starts_with("accepted: Chess starts"), "{shown}");
    let (mut hers, mut his) = (world.alice.launched(), world.bob.launched());
    assert_eq!(hers.tells(), format!("launched inviter {BOB} {session} black"));
    assert_eq!(his.tells(), format!("launched invitee {ALICE} {session} white or black?"));
    assert_eq!((hers.until("SS_"), his.until("SS_")), ("SS_CONNECTED".to_owned(), "SS_CONNECTED".to_owned()));
    for stage in ["launching", "launched", "attached"] {
        alice.stage("progress", stage);
    }
    bob.stage("launch", "launched");

    hers.order("send 192.0.2.1:5000");
    assert_eq!((hers.tells(), his.tells()), ("done".to_owned(), "context 192.0.2.1:5000".to_owned()));
    his.order("send hello");
    assert_eq!((his.tells(), hers.tells()), ("done".to_owned(), "context hello".to_owned()));
    let running = &world.bob.sessions()[0];
    assert_eq!((&running["state"], &running["doing"]), (&json!("SS_CONNECTED"), &json!("running")));
    assert!(running["process"].as_u64().is_some(), "{running}");

    his.order("cancel good game");
    his.until("over SR_SESSION_CANCELLED_LOCAL good game");
    hers.until("over SR_SESSION_CANCELLED_REMOTE good game");
    for (watch, by) in [(&alice, "remote"), (&bob, "local")] {
        let ended = watch.event("ended");
        assert_eq!((&ended["session"], &ended["by"]), (&json!(session), &json!(by)));
    }
    hers.gone();
    his.gone();
    assert!(world.alice.sessions().is_empty() && world.bob.sessions().is_empty());
}

#[test]
fn whoever_waits_is_told_how_far_it_is() {
    let world = World::new();
    let bob = world.bob.watch();
    let mut inviting = world.alice.hither();
    let inviting = inviting.args(["invite", BOB, NAME, "--wait"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    bob.event("invitation");
    world.bob.ok(&["accept"]);
    let (_hers, _his) = (world.alice.launched(), world.bob.launched());
    let output = inviting.wait_with_output().unwrap();
    let shown = crate::world::text(&output.stdout);
    let mut lines = shown.lines();
    for part in ["is invited to Chess", "there: ringing", "accepted", "here: launched", "connected"] {
        assert!(lines.any(|line| line.contains(part)), "no {part:?} in its place in {shown}");
    }
    assert!(output.status.success());
}

#[test]
fn declined_with_words() {
    let mut world = World::new();
    let alice = world.alice.watch();
    let session = world.invited();
    let short = session[1..9].to_lowercase();
    assert!(world.bob.ok(&["decline", &short, "--data", "not now"]).starts_with("declined: Chess"));
    let ended = alice.event("ended");
    assert_eq!((&ended["how"], &ended["data"]["text"]), (&json!("declined"), &json!("not now")));

    let mut inviting = world.alice.hither();
    let inviting = inviting.args(["invite", BOB, NAME, "--wait"]);
    let inviting = inviting.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let bob = world.bob.watch();
    if world.bob.sessions().is_empty() {
        bob.event("invitation");
    }
    world.bob.ok(&["decline"]);
    let output = inviting.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::world::text(&output.stderr).contains("SR_INVITATION_DECLINED"));
}

#[test]
fn ignored_and_taken_back() {
    let mut world = World::new();
    let bob = world.bob.watch();
    let session = world.invited();
    assert!(world.bob.ok(&["ignore"]).contains("rings no more here"));
    assert_eq!(world.bob.sessions().len(), 1, "it can still be accepted");
    assert!(world.alice.ok(&["cancel", &session, "--data", "another time"]).starts_with("cancelled: Chess"));
    assert_eq!(bob.event("ended")["data"]["text"], "another time");
    assert!(world.bob.fails(1, &["accept"]).contains("no invitation waits for your answer"));
}

#[test]
fn which_one_is_meant() {
    let mut world = World::new();
    let (one, other) = (world.invited(), world.invited());
    let errors = world.bob.fails(2, &["accept"]);
    assert!(
        errors.contains(&one[1..9]) && errors.contains(&other[1..9]) && errors.contains("2 sessions fit"),
        "{errors}"
    );
    assert!(world.bob.fails(2, &["accept", "xyz"]).contains("hither sessions"));
    assert!(world.bob.fails(1, &["accept", "{00000000-0000-0000-0000-000000000000}"]).contains("no such session"));
    let errors = world.alice.fails(1, &["accept", &one]);
    assert!(errors.contains("SR_NOT_INVITEE"), "{errors}");
    world.bob.ok(&["accept", &other.trim_matches(['{', '}']).to_lowercase()]);
    let _his = world.bob.launched();
    world.bob.ok(&["decline"]);
}
