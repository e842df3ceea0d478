//! Signing in and out: what is kept, and what still works.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::home::{ALICE, BOB, Person, World};
use crate::world::{Service, text};

fn account_file(person: &Person) -> std::path::PathBuf {
    person.home().join("config/hither/account.toml")
}

#[test]
fn the_token_is_kept_and_the_password_is_not() {
    let service = Service::start();
    let alice = Person::new(&service, ALICE);
    let shown = alice.sign_in(&service);
    let file = account_file(&alice);
    assert!(shown.contains(&format!("signed in as {ALICE} at {}", service.url)), "{shown}");
    assert!(shown.contains(file.to_str().unwrap()), "{shown}");
    assert!(shown.contains("next: start the agent with `hither agent`"), "{shown}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains(ALICE) && kept.contains(&service.url), "{kept}");
    let token = kept.lines().find_map(|line| line.strip_prefix("token = ")).unwrap().trim_matches('"').to_owned();
    assert!(!shown.contains(&token));

    // Again: the same device, another token, and the first is worth nothing.
    let device = |kept: &str| kept.lines().find(|line| line.starts_with("device")).unwrap().to_owned();
    alice.sign_in(&service);
    let again = fs::read_to_string(&file).unwrap();
    assert_eq!(device(&again), device(&kept));
    assert!(!again.contains(&token));
}

#[test]
fn what_cannot_be_signed_in() {
    let service = Service::start();
    let alice = Person::new(&service, ALICE);
    let wrong = service.password_file(BOB);
    let signing_in = |who: &str, url: &str, code| {
        alice.fails(code, &["sign-in", who, "--service", url, "--password-file", wrong.to_str().unwrap()])
    };
    assert!(signing_in(ALICE, &service.url, 1).contains("MSGR_E_INVALID_PASSWORD"));
    assert!(signing_in(ALICE, "ws://127.0.0.1:1/v1", 1).contains("MSGR_E_DISCONNECTED"));
    assert!(signing_in(ALICE, "http://example.org", 1).contains("E_INVALIDARG"));
    assert!(signing_in("nobody", &service.url, 2).contains("name@domain"));
    assert!(alice.fails(2, &["sign-in", ALICE, "--service", &service.url]).contains("--password-file"));
    assert!(!account_file(&alice).exists());
}

#[test]
fn an_agent_that_runs_takes_a_sign_in_at_once() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    alice.start();
    assert_eq!(alice.json(&["status", "--json"])[0]["connected"], false);
    assert!(alice.sign_in(&service).ends_with("the agent is signed in\n"));
    assert_eq!(alice.json(&["status", "--json"])[0]["user"], ALICE);

    // Once more: what there is goes on, with its token.
    let kept = fs::read(account_file(&alice)).unwrap();
    let again = alice.sign_in(&service);
    assert!(again.contains(&format!("{ALICE} is signed in already")) && again.contains("hither sign-out"), "{again}");
    assert_eq!(fs::read(account_file(&alice)).unwrap(), kept);

    // Somebody else, on the same machine.
    service.add_account(BOB);
    let file = service.password_file(BOB);
    let shown = alice.ok(&["sign-in", BOB, "--service", &service.url, "--password-file", file.to_str().unwrap()]);
    assert!(shown.contains(&format!("it replaces the sign-in of {ALICE}")), "{shown}");
    assert!(shown.contains("whose token no longer works"), "{shown}");
    assert_eq!(alice.json(&["status", "--json"])[0]["user"], BOB);
}

#[test]
fn signing_out_revokes() {
    let mut world = World::without_application();
    let file = account_file(&world.bob);
    let kept = fs::read(&file).unwrap();
    let shown = world.bob.ok(&["sign-out"]);
    assert_eq!(shown, format!("signed out: the token of {BOB} is removed\n"));
    assert!(!file.exists());
    world.alice.sees(BOB, "OFFLINE");
    assert_eq!(world.bob.json(&["status", "--json"])[0]["trouble"], "nobody is signed in");
    assert_eq!(world.bob.ok(&["sign-out"]), "nobody is signed in\n");

    // A copy of the token is of no use.
    fs::write(&file, kept).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    world.bob.stop("TERM");
    world.bob.start();
    let steps = world.bob.json(&["doctor", "--json"]);
    let connection = steps.iter().find(|step| step["step"] == "connection").unwrap();
    assert_eq!(connection["outcome"], "failed", "{connection}");
    let output = world.bob.does(&["sign-out"]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("the token did not work any more"), "{}", text(&output.stderr));
}

#[test]
fn signing_out_without_an_agent() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    alice.sign_in(&service);
    let kept = fs::read(account_file(&alice)).unwrap();
    alice.ok(&["sign-out"]);
    assert!(!account_file(&alice).exists());
    fs::write(account_file(&alice), kept).unwrap();
    fs::set_permissions(account_file(&alice), fs::Permissions::from_mode(0o600)).unwrap();
    alice.start();
    let steps = alice.json(&["doctor", "--json"]);
    let connection = steps.iter().find(|step| step["step"] == "connection").unwrap();
    assert_eq!(connection["outcome"], "failed", "{connection}");
}

#[test]
fn a_service_that_is_away_keeps_the_token_from_being_removed() {
    let service = Service::start();
    let mut alice = Person::new(&service, ALICE);
    alice.sign_in(&service);
    let _service = service.stop("TERM");
    for with_agent in [false, true] {
        if with_agent {
            alice.start();
        }
        let errors = alice.fails(1, &["sign-out"]);
        assert!(errors.contains("--force"), "{errors}");
        assert!(account_file(&alice).exists());
    }
    let output = alice.does(&["sign-out", "--force"]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("the token still works at the service"), "{}", text(&output.stderr));
    assert!(!account_file(&alice).exists());
    assert!(alice.json(&["status", "--json"])[0]["user"].is_null());
}
