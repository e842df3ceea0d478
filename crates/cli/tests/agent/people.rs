//! Contacts and presence, through the agent.

use serde_json::json;

use crate::home::{ALICE, BOB, World};

#[test]
fn contacts_are_added_blocked_and_removed() {
    let world = World::without_application();
    world.service.add_account("carol@example.org");
    let carol = "carol@example.org";
    assert!(world.alice.ok(&["contact", "add", carol]).starts_with(carol));
    assert!(world.alice.fails(1, &["contact", "add", carol]).contains("MSGR_E_ALREADY_IN_LIST"));
    assert!(world.alice.fails(1, &["contact", "add", "dora@example.org"]).contains("MSGR_E_USER_NOT_FOUND"));
    let listed = world.alice.json(&["contacts", "--json"]);
    let row = json!({"who": carol, "friendly_name": "", "status": "OFFLINE", "listed": true, "blocked": false});
    assert!(listed.contains(&row), "{listed:?}");
    assert!(world.alice.ok(&["contact", "block", carol]).contains("(blocked)"));
    assert!(world.alice.ok(&["contact", "remove", carol]).contains("(not in the list)"));
    assert!(world.alice.ok(&["contact", "unblock", carol]).contains("in no list"));
    assert_eq!(world.alice.json(&["contacts", "--json"]).len(), 1);
    assert!(world.alice.ok(&["contacts"]).starts_with(BOB));
}

#[test]
fn presence_is_chosen_and_seen() {
    let world = World::without_application();
    for (typed, name) in [("away", "AWAY"), ("BE_RIGHT_BACK", "BE_RIGHT_BACK"), ("on-the-phone", "ON_THE_PHONE")] {
        world.bob.ok(&["status", typed]);
        world.alice.sees(BOB, name);
    }
    world.bob.ok(&["status", "invisible"]);
    world.alice.sees(BOB, "OFFLINE");
    assert!(world.bob.fails(2, &["status", "here"]).contains("be-right-back"));
    let shown = world.bob.ok(&["status"]);
    for part in [BOB, "INVISIBLE", &world.service.url, "`hither watch` only"] {
        assert!(shown.contains(part), "no {part} in {shown}");
    }
    let watch = world.alice.watch();
    world.bob.ok(&["status", "online"]);
    let told = watch.until(|event| event["event"] == "presence" && event["status"] == "ONLINE");
    assert_eq!(told["who"], BOB);
    assert!(told["time"].as_str().unwrap().ends_with('Z'), "{told}");
    // Who is not let in is told why.
    world.bob.ok(&["contact", "remove", ALICE]);
    world.alice.register();
    assert!(world.alice.fails(1, &["invite", BOB, "Chess"]).contains("MSGR_E_RESTRICTED_USER"));
}
