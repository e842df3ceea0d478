//! One's own account: making one, its password, its devices.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::home::{ALICE, BOB, Person, World};
use crate::world::{Console, Service, run, text};

/// A file in somebody's home.
fn file(person: &Person, name: &str, holds: &str) -> PathBuf {
    let file = person.home().join(name);
    fs::write(&file, holds).unwrap();
    file
}

/// A code of the service's operator.
fn code(service: &Service, more: &[&str]) -> String {
    let data = service.data();
    let issue = ["account", "code", "issue", "--json", "--data", data.to_str().unwrap()];
    let output = run(&[&issue[..], more].concat(), "");
    let issued: Value = serde_json::from_slice(&output.stdout).unwrap();
    issued["code"].as_str().unwrap().to_owned()
}

#[test]
fn somebody_with_a_code_makes_an_account() {
    let service = Service::start_with(&["--accounts-registration"]);
    let mut alice = Person::stranger(ALICE);
    let password = file(&alice, "password", "correct horse\n");
    let code = file(&alice, "code", &format!(" {}\r\n", code(&service, &["--domain", "example.org"])));
    let (password, code) = (password.to_str().unwrap(), code.to_str().unwrap());
    let sign_up = ["sign-up", ALICE, "--service", &service.url, "--name", "Alice", "--password-file", password];
    let with_code = [&sign_up[..], &["--code-file", code]].concat();
    let shown = alice.ok(&with_code);
    assert!(shown.starts_with(&format!("signed in as {ALICE} at {}", service.url)), "{shown}");
    assert!(!shown.contains("correct horse"));
    alice.start();
    // A request waits until the agent is signed in.
    assert_eq!(alice.json(&["devices", "--json"])[0]["here"], true);
    assert_eq!(alice.json(&["status", "--json"])[0]["connected"], true);

    // Said again, the code is used up and it does no harm; with another password it does not help.
    assert!(alice.ok(&with_code).contains("the agent is signed in"));
    fs::write(password, "another horse\n").unwrap();
    let refused = alice.fails(1, &with_code);
    assert!(refused.contains("cannot sign up as") && refused.contains("MSGR_E_POLICY_RESTRICTED"), "{refused}");
    let data = service.data();
    let listed = run(&["account", "list", "--data", data.to_str().unwrap()], "");
    assert_eq!(text(&listed.stdout), format!("{ALICE:<24} Alice\n"));
}

#[test]
fn what_cannot_be_signed_up() {
    let service = Service::start_with(&["--accounts-registration"]);
    let alice = Person::stranger(ALICE);
    let right = code(&service, &[]);
    let refused = |who: &str, url: &str, code: &str, password: &str, exit| {
        let (code, password) = (file(&alice, "code", code), file(&alice, "password", password));
        let (code, password) = (code.to_str().unwrap(), password.to_str().unwrap());
        alice.fails(exit, &["sign-up", who, "--service", url, "--code-file", code, "--password-file", password])
    };
    let url = &service.url;
    for (refusal, said) in [
        (refused(ALICE, url, "ABCDEF-ABCDEF-ABCDEF-ABCDEF", "correct horse", 1), "MSGR_E_POLICY_RESTRICTED"),
        (refused(ALICE, url, &right, "7 bytes", 1), "shorter than 8 bytes"),
        (refused(ALICE, url, &right, "password", 1), "one of the first that anybody would try"),
        (refused(ALICE, url, &"c".repeat(65), "correct horse", 1), "no registration code"),
        (refused(ALICE, url, " \n", "correct horse", 1), "the code is empty"),
        (refused(ALICE, "ws://127.0.0.1:1/v1", &right, "correct horse", 1), "MSGR_E_DISCONNECTED"),
        (refused("alice", url, &right, "correct horse", 2), "name@domain"),
    ] {
        assert!(refusal.contains(said) && refusal.lines().count() >= 1, "{said}: {refusal}");
        assert!(!refusal.contains(&right[7..]), "{refusal}");
    }
    let both = ["sign-up", ALICE, "--service", url, "--code-file", "-", "--password-file", "-"];
    assert!(alice.fails(2, &both).contains("not both"));
    assert!(alice.fails(2, &["sign-up", ALICE, "--service", url]).contains("--code-file"));
    assert!(
        alice.fails(2, &["sign-up", ALICE, "--service", url, "--name", "\u{1b}[2J"]).contains("control characters")
    );
    assert!(!alice.home().join("config/hither/account.toml").exists());
    // None of it has used the code up, and a service that makes no accounts says so.
    let other = Service::start();
    assert!(refused(ALICE, &other.url, &right, "correct horse", 1).contains("MSGR_E_POLICY_RESTRICTED"));
    let (code, password) = (file(&alice, "code", &right), file(&alice, "password", "correct horse"));
    let (code, password) = (code.to_str().unwrap(), password.to_str().unwrap());
    alice.ok(&["sign-up", ALICE, "--service", url, "--code-file", code, "--password-file", password]);
}

#[test]
fn a_new_password_signs_everybody_else_out() {
    let world = World::without_application();
    let mut elsewhere = world.service.console(ALICE);
    let old = world.service.password_file(ALICE);
    let old = old.to_str().unwrap();
    let new = file(&world.alice, "new", "battery staple\n");
    let new = new.to_str().unwrap();
    let change = ["password", "--password-file", old, "--new-password-file", new];
    let shown = world.alice.ok(&change);
    assert!(shown.starts_with(ALICE) && !shown.contains("staple"), "{shown}");
    // This one stays; the other is told, and its password is worth nothing.
    assert_eq!(world.alice.json(&["status", "--json"])[0]["connected"], true);
    let told = elsewhere.event("OnSignout");
    assert_eq!(told["result"], "MSGR_E_NOT_LOGGED_ON", "{told}");
    let (_, _, status) = Console::start(&world.service.url, ALICE, old.as_ref(), &[]).finish();
    assert_eq!(status.code(), Some(1));
    Console::start(&world.service.url, ALICE, new.as_ref(), &[]).event("OnSignin");
    // What is wrong changes nothing.
    assert!(world.alice.fails(1, &change).contains("MSGR_E_INVALID_PASSWORD"));
}

#[test]
fn passwords_that_are_not_changed() {
    let mut world = World::without_application();
    let old = world.service.password_file(ALICE);
    let old = old.to_str().unwrap();
    let change = |new: &str| {
        let new = file(&world.alice, "new", new);
        world.alice.fails(1, &["password", "--password-file", old, "--new-password-file", new.to_str().unwrap()])
    };
    for (new, said) in [
        ("7 bytes", "shorter than 8 bytes"),
        ("", "it is empty"),
        ("ALICE@example.org", "one of the first that anybody would try"),
        ("iloveyou", "one of the first that anybody would try"),
        (&"p".repeat(513), "longer than 512 bytes"),
    ] {
        let refusal = change(new);
        assert!(refusal.contains(said) && refusal.lines().count() == 1, "{refusal}");
    }
    let both = ["password", "--password-file", "-", "--new-password-file", "-"];
    assert!(world.alice.fails(2, &both).contains("not both"));
    assert!(world.alice.fails(2, &["password"]).contains("--password-file"));
    assert!(world.alice.fails(2, &["password", "--password-file", old]).contains("--new-password-file"));
    world.alice.kill();
    assert!(world.alice.fails(1, &["password", "--password-file", old]).contains("no agent runs"));
    assert!(world.alice.fails(1, &["devices"]).contains("no agent runs"));
    world.service.console(ALICE);
}

#[test]
fn devices_are_listed_and_removed() {
    let mut world = World::without_application();
    let mut elsewhere = world.service.console(ALICE);
    let listed = world.alice.json(&["devices", "--json"]);
    let marks: Vec<_> = listed.iter().map(|device| (&device["here"], &device["online"])).collect();
    assert_eq!(marks, [(&Value::Bool(true), &Value::Bool(true)), (&Value::Bool(false), &Value::Bool(true))]);
    assert!(listed.iter().all(|device| device["created"].is_u64() && device["last_used"].is_u64()), "{listed:?}");
    assert!(listed[1]["client"].as_str().unwrap().starts_with("hither"), "{listed:?}");
    let short = |device: &Value| device["device"].as_str().unwrap()[1..9].to_owned();
    let table = world.alice.ok(&["devices"]);
    assert!(table.starts_with(&format!("{}  here", short(&listed[0]))), "{table}");
    assert!(table.contains(&format!("{}  online", short(&listed[1]))), "{table}");

    for (which, said) in [("telephone", "hither devices"), ("\u{1b}[2J", "hither devices"), ("123", "at least four")] {
        let refusal = world.alice.fails(2, &["devices", "remove", which]);
        assert!(refusal.contains(said) && !refusal.contains('\u{1b}'), "{refusal}");
    }
    let none =
        if short(&listed[0]).starts_with("0000") || short(&listed[1]).starts_with("0000") { "1111" } else { "0000" };
    assert!(world.alice.fails(1, &["devices", "remove", none]).contains("no device of yours"));
    assert!(world.alice.fails(2, &["devices", "--json", "remove", none]).contains("--json"));

    let shown = world.alice.ok(&["devices", "remove", &short(&listed[1]).to_lowercase()]);
    assert!(shown.contains("does not work any more"), "{shown}");
    assert_eq!(elsewhere.event("OnSignout")["result"], "MSGR_E_NOT_LOGGED_ON");
    assert_eq!(world.alice.json(&["devices", "--json"]).len(), 1);

    // An agent whose device is removed from elsewhere knows that nobody is signed in.
    let watch = world.bob.watch();
    let bobs = world.bob.json(&["devices", "--json"]).remove(0);
    let file = world.service.password_file(BOB);
    let mut other = Person::stranger(BOB);
    other.ok(&["sign-in", BOB, "--service", &world.service.url, "--password-file", file.to_str().unwrap()]);
    other.start();
    other.ok(&["devices", "remove", bobs["device"].as_str().unwrap()]);
    watch.until(|event| event["event"] == "service" && event["connected"] == false);
    let status = world.bob.json(&["status", "--json"]).remove(0);
    assert!(status["connected"] == false && status["trouble"].is_string(), "{status}");

    // One's own is a sign-out.
    assert!(world.alice.ok(&["devices", "remove", "here"]).starts_with("signed out"));
    assert!(!world.alice.home().join("config/hither/account.toml").exists());
    let mine = short(&other.json(&["devices", "--json"])[0]);
    assert!(other.ok(&["devices", "remove", &mine]).starts_with("signed out"));
    world.alice.kill();
}
