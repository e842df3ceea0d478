//! One agent for each person, started and stopped.

use std::os::unix::fs::PermissionsExt as _;

use crate::application::Application;
use crate::home::{ALICE, BOB, Person, World};
use crate::world::{Service, text};

#[test]
fn a_second_start_says_so_and_is_fine() {
    let mut alice = Person::stranger(ALICE);
    alice.start();
    let second = alice.does(&["agent", "--no-notifications"]);
    assert!(second.status.success(), "{}", text(&second.stderr));
    let expected = format!("an agent runs already (process {})\n", alice.agent_process());
    assert_eq!(text(&second.stdout), expected);
    // The first one is as it was.
    let status = &alice.json(&["agent", "status", "--json"])[0];
    assert_eq!(status["process"], alice.agent_process());
}

#[test]
fn only_the_person_can_reach_it() {
    let mut alice = Person::stranger(ALICE);
    alice.start();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&alice.socket()), mode(alice.socket().parent().unwrap())), (0o600, 0o700));
}

#[test]
fn stopped_by_a_signal_and_by_the_command() {
    let mut alice = Person::stranger(ALICE);
    for signal in ["INT", "TERM"] {
        alice.start();
        assert!(alice.stop(signal).success());
        assert!(!alice.socket().exists());
    }
    alice.start();
    assert_eq!(alice.ok(&["agent", "stop"]), "the agent has stopped\n");
    // Another can be started at once: the command has waited for the end of the first.
    let second = alice.agent_process();
    alice.start_beside();
    assert_ne!(alice.agent_process(), second);
    assert_eq!(alice.ok(&["agent", "stop"]), "the agent has stopped\n");
    assert_eq!(alice.ok(&["agent", "stop"]), "no agent runs: nothing to stop\n");
}

#[test]
fn without_an_agent_every_command_says_how_to_start_one() {
    let alice = Person::stranger(ALICE);
    for command in [
        &["sessions"][..],
        &["accept"],
        &["decline", "1234"],
        &["ignore"],
        &["cancel"],
        &["get"],
        &["watch"],
        &["contacts"],
        &["contact", "add", BOB],
        &["status"],
        &["status", "away"],
        &["agent", "status"],
        &["open", "hither:accept/{305D86C6-6896-4099-91F5-CB7BA7733563}"],
    ] {
        let errors = alice.fails(1, command);
        assert_eq!(errors, "hither: no agent runs for you: start it with `hither agent`\n", "{command:?}");
    }
}

#[test]
fn applications_are_told_that_the_agent_stops() {
    let mut world = World::new();
    let (_, hers, mut his) = world.connected();
    let watch = world.bob.watch();
    assert!(world.bob.stop("TERM").success());
    watch.event("shutdown");
    his.until("the agent is gone");
    // It has gone on purpose, and is there again in time.
    world.bob.start();
    his.order("send still here");
    hers.until("context still here");
}

#[test]
fn started_before_the_service_and_after_it() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    alice.sign_in(&service);
    let service = service.stop("TERM");
    alice.start();
    let watch = alice.watch();
    let status = &alice.json(&["status", "--json"])[0];
    assert_eq!((&status["connected"], &status["user"]), (&false.into(), &ALICE.into()));
    assert!(status["trouble"].as_str().is_some_and(|trouble| trouble.len() > 5), "{status}");
    let _service = service.started();
    watch.until(|event| event["event"] == "service" && event["connected"] == true);
    assert_eq!(alice.json(&["status", "--json"])[0]["connected"], true);
}

#[test]
fn an_application_that_was_not_started_has_no_session() {
    let mut world = World::new();
    world.invited();
    world.bob.ok(&["accept"]);
    let his = world.bob.launched();
    his.until("launched");
    // The same program, started by somebody else.
    let command = crate::application::command();
    let mut other = world.bob.hither_like(&command[0]);
    other.args(&command[1..]).env("HITHER_LAUNCH", "0123456789abcdef0123456789abcdef");
    let mut other = other.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    drop(Application::new(world.bob.started()));
    assert!(!crate::world::wait(&mut other).success());
}

#[test]
fn installed_and_uninstalled_for_the_person() {
    let alice = Person::stranger(ALICE);
    let shown = alice.ok(&["agent", "install"]);
    let unit = alice.home().join("config/systemd/user/hither-agent.service");
    assert!(shown.contains(unit.to_str().unwrap()), "{shown}");
    let text = std::fs::read_to_string(&unit).unwrap();
    assert!(text.contains(env!("CARGO_BIN_EXE_hither")) && text.contains("agent"), "{text}");
    alice.ok(&["agent", "install"]);
    alice.ok(&["agent", "uninstall"]);
    assert!(!unit.exists());
    alice.ok(&["agent", "uninstall"]);
}
