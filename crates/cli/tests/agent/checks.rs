//! `hither doctor`: which link fails, and what to do.

use serde_json::Value;

use crate::home::{ALICE, BOB, Person, World};
use crate::world::{Service, text};

/// The steps, by name, with how they went.
fn outcomes(steps: &[Value]) -> Vec<(&str, &str)> {
    steps.iter().map(|step| (step["step"].as_str().unwrap(), step["outcome"].as_str().unwrap())).collect()
}

fn step<'a>(steps: &'a [Value], name: &str) -> &'a Value {
    steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("no {name} in {steps:?}"))
}

const HERE: [&str; 5] = ["environment", "agent", "sign-in", "service", "connection"];

#[test]
fn everything_is_fine() {
    let world = World::new();
    let steps = world.alice.json(&["doctor", BOB, "--json"]);
    let fine = |name| (name, "ok");
    let expected: Vec<(&str, &str)> = HERE
        .into_iter()
        .chain(["applications"])
        .map(fine)
        .chain([("notifications", "skipped"), ("launching", "skipped")])
        .chain(["contact", "presence", "delivered", "answered", "connected", "there and back"].map(fine))
        .collect();
    assert_eq!(outcomes(&steps), expected, "{steps:?}");
    let answered = step(&steps, "answered")["detail"].as_str().unwrap();
    assert!(answered.contains("status ONLINE, applications 1, notifications none"), "{answered}");
    let shown = world.alice.ok(&["doctor", BOB]);
    assert_eq!(shown.lines().count(), expected.len(), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colours without a terminal");
    // Nothing of it is left on either side, and nobody was rung.
    assert!(world.alice.sessions().is_empty());
}

#[test]
fn an_application_is_tried_out() {
    let world = World::new();
    let mut doctor = world.alice.hither();
    let doctor = doctor.args(["doctor", "--app", "Chess"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let application = world.alice.launched();
    application.until("over");
    let output = doctor.wait_with_output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success() && shown.contains("ok      attached"), "{shown}");
}

#[test]
fn no_agent_no_sign_in_no_service() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    let steps = alice.json(&["doctor", "--json"]);
    assert_eq!(
        outcomes(&steps)[..5],
        [
            ("environment", "ok"),
            ("agent", "failed"),
            ("sign-in", "failed"),
            ("service", "skipped"),
            ("connection", "skipped")
        ]
    );
    assert!(step(&steps, "agent")["advice"].as_str().unwrap().contains("`hither agent`"));
    assert!(step(&steps, "sign-in")["advice"].as_str().unwrap().contains("hither sign-in"));
    assert_eq!(alice.does(&["doctor"]).status.code(), Some(1));

    alice.start();
    let steps = alice.json(&["doctor", "--json"]);
    assert_eq!(step(&steps, "agent")["outcome"], "ok");
    assert_eq!(step(&steps, "connection")["outcome"], "skipped");

    alice.sign_in(&service);
    assert!(alice.does(&["doctor"]).status.success());
    let _service = service.stop("TERM");
    let steps = alice.json(&["doctor", BOB, "--json"]);
    assert_eq!(step(&steps, "service")["outcome"], "failed");
    assert!(step(&steps, "service")["detail"].as_str().unwrap().contains("nobody answers"));
}

#[test]
fn what_is_in_the_way_to_somebody() {
    // Nothing rings for long here.
    let mut world = World::at(Service::start_with(&["--ring", "1"]));
    let way = |world: &World, who: &str| world.alice.json(&["doctor", who, "--json"]);

    let nobody = way(&world, "dora@example.org");
    let delivered = step(&nobody, "delivered");
    assert!(delivered["detail"].as_str().unwrap().contains("MSGR_E_USER_NOT_FOUND"), "{delivered}");

    world.bob.ok(&["contact", "remove", ALICE]);
    world.alice.sees(BOB, "OFFLINE");
    let steps = way(&world, BOB);
    assert_eq!(step(&steps, "presence")["outcome"], "failed");
    let delivered = step(&steps, "delivered");
    assert!(delivered["detail"].as_str().unwrap().contains("MSGR_E_RESTRICTED_USER"), "{delivered}");
    assert!(delivered["advice"].as_str().unwrap().contains("contact add"), "{delivered}");
    world.bob.ok(&["contact", "add", ALICE]);

    world.alice.ok(&["contact", "block", BOB]);
    assert!(step(&way(&world, BOB), "contact")["advice"].as_str().unwrap().contains("unblock"));
    world.alice.ok(&["contact", "unblock", BOB]);
    world.alice.sees(BOB, "ONLINE");

    // The service still waits for the agent to come back.
    world.bob.kill();
    let steps = way(&world, BOB);
    let answered = step(&steps, "answered");
    assert!(answered["detail"].as_str().unwrap().contains("SR_SESSION_TIMEOUT"), "{answered}");
    assert!(answered["advice"].as_str().unwrap().contains("no agent answers there"), "{answered}");
}

#[test]
fn signed_in_without_an_agent() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    alice.sign_in(&service);
    alice.start();
    // Bob uses a client that is no agent, and lets it ring.
    let mut bob = service.person(BOB);
    bob.ok(serde_json::json!({"do": "contact", "add": ALICE}));
    alice.ok(&["contact", "add", BOB]);
    alice.sees(BOB, "ONLINE");
    let mut doctor = alice.hither();
    let doctor = doctor.args(["doctor", BOB, "--json"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let invitation = bob.event("OnInvitation");
    assert_eq!(invitation["name"], "hither connection check");
    bob.ok(serde_json::json!({"do": "decline", "session": invitation["session"]}));
    let output = doctor.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let steps: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let answered = step(&steps, "answered");
    assert!(answered["advice"].as_str().unwrap().contains("another client"), "{answered}");
}
