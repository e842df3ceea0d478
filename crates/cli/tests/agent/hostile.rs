//! What comes from others does not reach a terminal, a shell or a path as it is.

use serde_json::json;

use crate::application::{GUID, command};
use crate::home::{ALICE, BOB, Person, World};
use crate::world::text;

const SESSION: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

/// Nothing of it steers a terminal.
fn harmless(shown: &str) {
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!shown.contains(steers), "{shown:?}");
}

#[test]
fn links_that_are_none() {
    let mut alice = Person::stranger(ALICE);
    alice.start();
    let long = format!("hither:invite/{BOB}/{SESSION}?data={}", "x".repeat(100_000));
    for link in [
        "",
        "javascript:alert(1)",
        "hither:",
        "hither:delete/everything",
        "hither:accept/$(id)",
        "hither:accept/../../etc/passwd",
        "hither:accept/\u{1b}[2J",
        "hither:accept/\u{202e}x",
        &format!("hither:accept/{SESSION}%0a"),
        &format!("hither:invite/{BOB}/{SESSION}?data=%1b[31m"),
        &format!("hither:invite/{BOB}/{SESSION}?data=a&do=stop"),
        &format!("hither:invite/b%00b@x/{SESSION}"),
        &long,
    ] {
        for more in [&[][..], &["--yes"]] {
            let mut arguments = vec!["open"];
            arguments.extend(more);
            arguments.extend(["--", link]);
            let output = alice.does(&arguments);
            let errors = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{link:?}: {errors}");
            assert!(errors.starts_with("hither: the link is refused") && errors.len() < 300, "{errors:?}");
            harmless(errors);
        }
    }
}

#[test]
fn a_link_acts_after_a_yes() {
    let mut world = World::new();
    let session = world.invited();
    let link = format!("hither:accept/{session}");
    // Without a terminal the agent would ask, and has nothing to ask with.
    let errors = world.bob.fails(1, &["open", &link]);
    assert!(errors.contains("hither open"), "{errors}");
    let shown = world.bob.ok(&["open", &link, "--yes"]);
    assert!(shown.contains("invited by alice@example.org: \"white or black?\""), "{shown}");
    drop((world.alice.launched(), world.bob.launched()));

    let watch = world.bob.watch();
    let link = format!("hither:invite/{BOB}/{GUID}?data=a%20game%3F");
    assert!(world.alice.ok(&["open", &link, "--yes"]).contains("is invited to Chess"));
    assert_eq!(watch.event("invitation")["data"]["text"], "a game?");
    let unknown = format!("hither:invite/{BOB}/{SESSION}");
    assert!(world.alice.fails(1, &["open", &unknown, "--yes"]).contains("SR_APP_NOT_REGISTERED"));
    let unknown = format!("hither:accept/{SESSION}");
    assert!(world.alice.fails(1, &["open", &unknown, "--yes"]).contains("no invitation with this id"));
}

#[test]
fn what_is_typed_is_shown_harmlessly() {
    let alice = Person::stranger(ALICE);
    for arguments in [
        &["accept", "\u{1b}[2J"][..],
        &["contact", "add", "bob\u{1b}]0;x\u{7}"],
        &["status", "\u{9b}31m"],
        &["app", "show", "\u{1b}[2J\u{202e}"],
        &["app", "register", "{\u{1b}[2J}", "x", "/bin/true"],
        &["app", "register", GUID, "\u{1b}[2J", "/bin/true"],
        &["policy", "--app", "\u{1b}[2J", "accept"],
        &["invite", BOB, "\u{1b}[2J"],
        &["sign-in", "\u{1b}[2J"],
        &["\u{1b}[2J"],
    ] {
        let output = alice.does(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        harmless(text(&output.stderr));
        harmless(text(&output.stdout));
    }
    assert!(alice.fails(2, &["invite", BOB, "x", "--data", &"x".repeat(257)]).contains("256"));
}

#[test]
fn what_others_say_is_shown_harmlessly() {
    let world = World::new();
    let mut watching = world.bob.hither();
    let mut watching = watching.arg("watch").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = crate::world::lines(watching.stdout.take().unwrap());
    lines.recv().unwrap();
    let nasty = "\u{1b}[2J\u{9b}31m\r\n$(touch /tmp/x) `id` ' \" ../..\u{202e}";
    world.alice.ok(&["invite", BOB, "Chess", "--data", nasty]);
    let told = lines.iter().find(|line| line.contains("invites you")).unwrap();
    harmless(&told);
    assert!(told.contains("\\u{1b}[2J") && told.contains("$(touch /tmp/x)"), "{told}");
    harmless(&world.bob.ok(&["sessions"]));
    harmless(&world.bob.ok(&["sessions", "--json"]));
    assert_eq!(world.bob.sessions()[0]["data"], json!(nasty), "it is whole for programs");
    harmless(&world.bob.ok(&["decline", "--data", nasty]));
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[test]
fn a_session_reaches_a_program_as_one_argument() {
    let world = World::without_application();
    world.alice.register();
    // A program that writes down what it is given.
    let (out, command) = (world.bob.home().join("arguments"), command());
    let script = world.bob.home().join("note.sh");
    std::fs::write(&script, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > {}\nexec \"$0.app\"\n", out.display()))
        .unwrap();
    let app = world.bob.home().join("note.sh.app");
    let quoted: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
    std::fs::write(&app, format!("#!/bin/sh\nexec {}\n", quoted.join(" "))).unwrap();
    for file in [&script, &app] {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    world.bob.ok(&[
        "app",
        "register",
        GUID,
        "Chess",
        script.to_str().unwrap(),
        "--",
        "$(id)",
        "{session} ;x",
        "{data}",
    ]);
    let watch = world.bob.watch();
    world.alice.ok(&["invite", BOB, "Chess", "--data", "$(reboot)"]);
    let session = watch.event("invitation")["session"].as_str().unwrap().to_owned();
    world.bob.ok(&["accept"]);
    let (_hers, his) = (world.alice.launched(), world.bob.launched());
    his.until("SS_CONNECTED");
    let given = std::fs::read_to_string(out).unwrap();
    assert_eq!(given, format!("$(id)\n{session} ;x\n{{data}}\n"));
}
