//! The application is not there yet (R15).

use serde_json::json;

use crate::application::{GUID, NAME, command};
use crate::home::{BOB, World, session_in};

const URL: &str = "https://chess.example/\u{9b}get";

fn with_an_application_of_alice_only(url: &str) -> World {
    let world = World::without_application();
    let command = command();
    let mut arguments = vec!["app", "register", GUID, NAME, "--url", url, "--"];
    arguments.extend(command.iter().map(String::as_str));
    world.alice.ok(&arguments);
    world
}

#[test]
fn it_goes_on_when_it_is_registered() {
    let world = with_an_application_of_alice_only("https://chess.example/get");
    let (alice, bob) = (world.alice.watch(), world.bob.watch());
    let session = session_in(&world.alice.ok(&["invite", BOB, NAME]));
    bob.event("invitation");

    let shown = world.bob.ok(&["accept", "--data", "in a moment"]);
    assert!(shown.contains("Chess is not installed here"), "{shown}");
    assert!(shown.contains("it is at https://chess.example/get: `hither get"), "{shown}");
    let missing = bob.event("app-not-present");
    assert_eq!((&missing["name"], &missing["url"]), (&json!("Chess"), &json!("https://chess.example/get")));
    alice.stage("progress", "installing");
    assert_eq!(world.bob.sessions()[0]["doing"], "installing");
    assert!(world.bob.sessions()[0]["ring_ms"].is_null(), "the ring stands still");

    world.bob.register();
    assert_eq!(alice.event("accepted")["data"]["text"], "in a moment");
    let (hers, his) = (world.alice.launched(), world.bob.launched());
    assert_eq!(hers.tells(), format!("launched inviter {BOB} {session} in a moment"));
    hers.until("SS_CONNECTED");
    his.until("SS_CONNECTED");
}

#[test]
fn nothing_is_opened_that_is_not_there() {
    let world = with_an_application_of_alice_only("");
    let bob = world.bob.watch();
    world.alice.ok(&["invite", BOB, NAME]);
    bob.event("invitation");
    assert!(world.bob.fails(1, &["get"]).contains("no invitation waits for an application"));
    assert!(world.bob.ok(&["accept"]).contains("does not say where to get it"));
    assert!(world.bob.fails(1, &["get"]).contains("does not say where to get"));
    world.bob.ok(&["decline"]);
}

#[test]
fn where_to_get_it_is_shown_harmlessly() {
    let world = World::without_application();
    let program = std::env::current_exe().unwrap();
    let errors = world.alice.fails(1, &["app", "register", GUID, NAME, program.to_str().unwrap(), "--url", URL]);
    assert!(errors.contains("E_INVALIDARG") && !errors.contains('\u{9b}'), "{errors:?}");
}
