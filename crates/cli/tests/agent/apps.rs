//! `hither app`, with and without an agent.

use std::fs;

use serde_json::json;

use crate::application::{Application, GUID, NAME, command};
use crate::home::{ALICE, Person, World};
use crate::world::text;

const OTHER: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

#[test]
fn registered_listed_shown_and_unregistered() {
    let alice = Person::stranger(ALICE);
    let shown = alice.ok(&[
        "app",
        "register",
        GUID,
        "Chess",
        "/bin/echo",
        "--url",
        "https://chess.example",
        "--",
        "a b",
        "{session}",
    ]);
    assert_eq!(shown, format!("registered Chess as {GUID}\n"));
    let row = json!({
        "guid": GUID, "name": "Chess", "url": "https://chess.example", "mode": "session",
        "program": "/bin/echo", "args": ["a b", "{session}"], "package": null,
    });
    for command in [&["app", "list", "--json"][..], &["app", "show", "chess", "--json"]] {
        assert_eq!(alice.json(command), std::slice::from_ref(&row));
    }
    let shown = alice.ok(&["app", "show", &GUID.to_lowercase()]);
    assert!(shown.contains("/bin/echo 'a b' {session}") && shown.contains("by you"), "{shown}");

    let again = alice.fails(1, &["app", "register", GUID, "Chess", "/bin/true"]);
    assert!(again.contains("SR_APP_ALREADY_REGISTERED"), "{again}");
    let bare = GUID.trim_matches(['{', '}']);
    assert_eq!(alice.ok(&["app", "unregister", bare]), format!("unregistered {GUID}\n"));
    assert!(alice.fails(1, &["app", "unregister", GUID]).contains("SR_APP_NOT_REGISTERED"));
    assert!(text(&alice.does(&["app", "list"]).stderr).contains("hither app register"));
}

#[test]
fn what_cannot_be_registered_says_why() {
    let alice = Person::stranger(ALICE);
    for (arguments, code) in [
        (["app", "register", "{x}", "Chess", "/bin/true"], "E_INVALIDARG"),
        (["app", "register", GUID, "Chess", "bin/true"], "E_INVALIDARG"),
        (["app", "register", GUID, "Chess", "/no/such/program"], "E_FAIL"),
        (["app", "register", GUID, "Chess", "/bin/true 'half"], "E_INVALIDARG"),
    ] {
        let errors = alice.fails(1, &arguments);
        assert!(errors.contains(code) && errors.lines().count() == 1, "{arguments:?}: {errors}");
    }
    assert!(
        alice
            .fails(2, &["app", "register", GUID, "Chess", "/bin/true", "--launch-only", "--tunnelled"])
            .contains("--tunnelled")
    );
    assert!(!alice.home().join("config/hither/applications.toml").exists());
}

#[test]
fn a_name_that_two_have_is_refused_with_both() {
    let alice = Person::stranger(ALICE);
    alice.ok(&["app", "register", GUID, "Chess", "/bin/true"]);
    alice.ok(&["app", "register", OTHER, "Chess", "/bin/false"]);
    let errors = alice.fails(2, &["app", "show", "Chess"]);
    assert!(errors.contains(GUID) && errors.contains(OTHER), "{errors}");
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let alice = Person::stranger(ALICE);
    alice.ok(&["app", "register", GUID, "Chess", "/bin/true"]);
    let file = alice.home().join("config/hither/applications.toml");
    let kept = fs::read_to_string(&file).unwrap();
    fs::write(&file, kept + "\n[[application]]\nguid = \"\\u001b[31mx\"\n").unwrap();
    let output = alice.does(&["app", "list"]);
    assert!(output.status.success());
    let errors = text(&output.stderr);
    assert!(errors.contains("applications.toml:") && !errors.contains('\u{1b}'), "{errors:?}");
    assert_eq!(text(&output.stdout).lines().count(), 1);
}

#[test]
fn an_agent_notices_what_is_registered() {
    let world = World::without_application();
    let watch = world.bob.watch();
    world.bob.register();
    // The command has waited for the agent.
    assert_eq!(world.bob.json(&["agent", "status", "--json"])[0]["applications"], 1);
    assert_eq!(watch.event("app-registered")["app"]["guid"], GUID);
    world.bob.ok(&["app", "unregister", GUID]);
    assert_eq!(watch.event("app-unregistered")["guid"], GUID);
}

#[test]
fn a_trial_tells_each_step() {
    let world = World::new();
    let mut trial = world.bob.hither();
    let trial = trial
        .args(["app", "test", NAME, "--hold", "1", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut application = world.bob.launched();
    assert!(application.tells().starts_with("launched invitee bob@example.org"));
    application.until("SS_CONNECTED");
    application.order("send hello");
    application.until("over SR_SESSION_CANCELLED_REMOTE");
    let output = trial.wait_with_output().unwrap();
    let steps: Vec<serde_json::Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["registered", "started", "asked", "attached", "context data", "ended"]);
    assert!(steps.iter().all(|step| step["outcome"] == "ok"), "{steps:?}");
    assert!(steps[1]["detail"].as_str().unwrap().starts_with("process "), "{}", steps[1]);
    assert_eq!(steps[4]["detail"], "it sent 1, with 5 characters together");
    assert!(output.status.success());
    // Nothing of it is left, and nobody else has heard of it.
    assert!(world.bob.sessions().is_empty());
}

#[test]
fn a_trial_says_which_step_fails() {
    let world = World::without_application();
    let step = |person: &Person, arguments: &[&str]| {
        let output = person.does(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        text(&output.stdout).to_owned()
    };
    world.bob.ok(&["app", "register", GUID, NAME, "/bin/sh -c 'echo no board >&2; exit 3'"]);
    let shown = step(&world.bob, &["app", "test", NAME]);
    assert!(shown.contains("ok      started") && shown.contains("failed  asked"), "{shown}");
    assert!(shown.contains("no board") && shown.contains("what to do:"), "{shown}");

    world.bob.ok(&["app", "register", OTHER, "Sleeper", "/bin/sleep 1000"]);
    let shown = step(&world.bob, &["app", "test", "Sleeper", "--timeout", "1"]);
    assert!(shown.contains("failed  asked         it did not within 1 seconds"), "{shown}");
    assert!(world.bob.fails(1, &["app", "test", "nothing"]).contains("SR_APP_NOT_REGISTERED"));

    let mut carol = Person::stranger("carol@example.org");
    carol.start();
    carol.register();
    let shown = step(&carol, &["app", "test", NAME]);
    assert!(shown.contains("MSGR_E_NOT_LOGGED_ON") && shown.contains("hither sign-in"), "{shown}");
}

#[test]
fn a_trial_of_a_program_that_is_only_launched() {
    let world = World::without_application();
    let mut arguments = vec!["app", "register", GUID, NAME, "--launch-only", "--"];
    let command = command();
    arguments.extend(command.iter().map(String::as_str));
    world.bob.ok(&arguments);
    let trial = world.bob.ok(&["app", "test", NAME, "--hold", "0"]);
    assert!(trial.contains("skipped asked         the agent attaches for it"), "{trial}");
    assert!(trial.contains("skipped context data"), "{trial}");
    drop(Application::idle(world.bob.started()));
}
