//! Lock and Key with nothing made up: keys of `hither key`, `hither serve` in a process of its own, and
//! responses by Python's hmac and hashlib over real sockets.

mod people;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::python::{python, root, stays};
use crate::world::{Console, GUID, connected, text};
use people::{Locked, Pair, Person, issue};

const ALICE: &str = "alice@example.org";
const OTHER: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";

/// Nothing that was written has a key, a challenge or a response in it.
fn none_is_in(written: &str, secrets: &[String]) {
    assert!(secrets.len() > 2);
    for secret in secrets {
        assert!(secret.len() > 20 && !written.contains(secret.as_str()), "{secret} was written down");
    }
}

#[test]
fn what_unlocks_and_what_does_not() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plain = issue(folder.path(), &[]);
    let old = issue(folder.path(), &["--md5"]);
    let test = issue(folder.path(), &["--environment", "test", "--md5"]);
    let nobodys = Pair { id: "APP-NOBODYS".into(), ..plain.clone() };
    let crossed = Pair { key: old.key.clone(), ..plain.clone() };
    let odd = Pair { id: "a\u{1b}[2J \"id\"".into(), ..plain.clone() };
    let locked = Locked::start(folder);
    let mut alice = Person::new(&python, &locked.service, ALICE);
    let rows = [
        (&plain, false, None),
        (&old, true, None),
        (&old, false, None),
        (&plain, true, Some("wrong-response")),
        (&test, false, Some("other-environment")),
        (&test, true, Some("other-environment")),
        (&nobodys, false, Some("unknown-id")),
        (&crossed, false, Some("wrong-response")),
        (&odd, false, Some("unknown-id")),
    ];
    for (pair, md5, why) in rows {
        let lock = alice.sign_in();
        assert_eq!((&lock["enabled"], &lock["status"]), (&json!(true), &json!("INITIALIZED")));
        assert!(!alice.is_unlocked());
        assert_eq!(alice.unlock(pair, md5), why.is_none(), "{} {md5}", pair.id);
        assert_eq!(alice.is_unlocked(), why.is_none(), "{} {md5}", pair.id);
    }
    let (audit, written) = locked.audited();
    let expected: Vec<Value> = rows
        .iter()
        .map(|(pair, _, why)| match why {
            None => json!(["unlocked", ALICE, pair.id, "127.0.0.1", null]),
            Some(why) if pair.id == odd.id => json!(["unlock-refused", ALICE, "", "127.0.0.1", why]),
            Some(why) => json!(["unlock-refused", ALICE, pair.id, "127.0.0.1", why]),
        })
        .collect();
    assert_eq!(audit.iter().map(parts).collect::<Vec<_>>(), expected);
    none_is_in(&written, &alice.secrets);
}

fn parts(event: &Value) -> Value {
    json!([event["event"], event["person"], event["app_id"], event["address"], event["why"]])
}

#[test]
fn a_response_counts_once_and_a_bound_key_for_its_applications() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let plain = issue(folder.path(), &[]);
    let bound = issue(folder.path(), &["--app", GUID]);
    let locked = Locked::start(folder);
    let mut alice = Person::new(&python, &locked.service, ALICE);
    alice.sign_in();
    let challenge = alice.challenge(9);
    let response = alice.compute(&plain.key, &challenge, false);
    assert!(alice.respond(&plain.id, &response, 9));
    let again = alice.ask(&json!({"do": "response", "app_id": plain.id, "response": response, "cookie": 9}));
    assert_eq!(again["refused"], "MSGR_E_API_ALREADY_UNLOCKED");

    // Somebody has listened, and sends the same to another challenge with the same cookie.
    let mut mallory = Person::new(&python, &locked.service, "mallory@example.org");
    mallory.sign_in();
    assert_ne!(mallory.challenge(9), challenge);
    assert!(!mallory.respond(&plain.id, &response, 9));
    assert!(!mallory.is_unlocked());
    let failed = mallory.ask(&json!({"do": "challenge", "cookie": 10}));
    assert_eq!(failed["refused"], "MSGR_E_API_UNLOCK_FAILED");
    alice.sign_in();
    assert!(!alice.is_unlocked(), "a sign-in later it is locked again");

    assert!(alice.unlock(&bound, false));
    assert_eq!(alice.invites(GUID), "MSGR_E_USER_NOT_FOUND");
    assert_eq!(alice.invites(OTHER), "MSGR_E_API_LOCKED");
    let (audit, written) = locked.audited();
    assert_eq!(
        audit.iter().map(|event| event["event"].clone()).collect::<Vec<_>>(),
        ["unlocked", "unlock-refused", "unlocked"]
    );
    assert_eq!((&audit[1]["person"], &audit[1]["why"]), (&json!("mallory@example.org"), &json!("wrong-response")));
    none_is_in(&written, &alice.secrets);
}

#[test]
fn the_examples_unlock_with_a_pair_in_a_file() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pair = issue(folder.path(), &[]);
    let file = folder.path().join("chess.key");
    std::fs::write(&file, format!("{}\n", pair.key)).unwrap();
    let locked = Locked::start(folder);
    let password = locked.service.add_account(ALICE);
    let example = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(root().join("examples/python").join(name)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        let output = command.output().unwrap();
        assert!(!output.status.success());
        text(&output.stderr).to_owned()
    };
    let talk = ["--service", &locked.service.url, "--user", ALICE, "--password-file", password.to_str().unwrap()];
    let with = ["--app-id", &pair.id, "--key-file", file.to_str().unwrap()];
    let invite = ["invite", "nobody@example.org"];
    let said = example("talk.py", &[&talk[..], &invite].concat());
    assert!(said.contains("MSGR_E_API_LOCKED"), "{said}");
    let said = example("talk.py", &[&talk[..], &with, &invite].concat());
    assert!(said.contains("MSGR_E_USER_NOT_FOUND"), "{said}");
    let said = example("talk.py", &[&talk[..], &with[..2], &invite].concat());
    assert!(said.contains("--app-id and --key-file go together"), "{said}");
    let said = example("test_unlock.py", &[]);
    assert!(said.contains("python test_unlock.py ws://") && !said.contains("Traceback"), "{said}");
}

#[test]
fn a_result_that_will_not_come_is_not_waited_for() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path(), &[]);
    let locked = Locked::start(folder);
    let password = locked.service.add_account(ALICE);
    stays(&python, "lost", &locked.service, ALICE, &password);
}

#[test]
fn a_revoked_key_is_asked_for_again_and_rotated_ones_are_not() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (chess, go) = (issue(folder.path(), &[]), issue(folder.path(), &[]));
    let locked = Locked::start(folder);
    let mut alice = Person::new(&python, &locked.service, ALICE);
    let mut bob = Person::new(&python, &locked.service, "bob@example.org");
    alice.sign_in();
    bob.sign_in();
    assert!(alice.unlock(&chess, false) && bob.unlock(&go, false));
    // A session of Alice's, which goes on whatever happens to keys.
    let session = "{0B5C1E0A-6F0F-4E0C-9A51-77F1D2A8C002}";
    let invite =
        json!({"do": "invite", "session": session, "to": "bob@example.org", "app": {"guid": GUID}, "attach": true});
    assert_eq!(alice.ask(&invite)["name"], "S_OK");
    bob.event(json!({"event": "invitation"}));
    assert_eq!(bob.ask(&json!({"do": "accept", "session": session, "attach": true}))["name"], "S_OK");
    bob.event(json!({"event": "connected"}));
    let mut says = |alice: &mut Person, text: &str| {
        let context = json!({"do": "context", "session": session, "data": {"text": text}});
        assert_eq!(alice.ask(&context)["name"], "S_OK");
        assert_eq!(bob.event(json!({"event": "context"}))["data"]["text"], text);
    };

    // While both count, both unlock.
    let newer = locked.rotate(&chess, &["--overlap", "1h"]);
    let mut carol = Person::new(&python, &locked.service, "carol@example.org");
    for pair in [&chess, &newer] {
        carol.sign_in();
        assert!(carol.unlock(pair, false));
    }
    // Then neither does, and whoever is unlocked stays so.
    let newest = locked.rotate(&chess, &["--overlap", "0"]);
    for (pair, right) in [(&chess, false), (&newer, false), (&newest, true)] {
        carol.sign_in();
        assert_eq!(carol.unlock(pair, false), right);
    }
    says(&mut alice, "rotated");

    // Whoever is unlocked by a key that is revoked is asked, and nobody else.
    locked.revoke(&go);
    let asked = bob.event(json!({"event": "lock-challenge"}));
    assert_eq!(asked["cookie"], 0);
    assert!(!bob.is_unlocked());
    assert!(alice.is_unlocked() && carol.is_unlocked());
    for person in [&mut alice, &mut carol] {
        let told = person.told();
        assert!(!told.iter().any(|event| event["event"] == "lock-challenge"), "{told:?}");
    }
    let response = bob.compute(&go.key, asked["challenge"].as_str().unwrap(), false);
    assert!(!bob.respond(&go.id, &response, 0));
    // Another key answers it as well as any.
    locked.revoke(&chess);
    let asked = alice.event(json!({"event": "lock-challenge"}));
    assert_eq!(asked["cookie"], 0);
    assert!(!alice.is_unlocked());
    let other = issue(&locked.folder(), &[]);
    let response = alice.compute(&other.key, asked["challenge"].as_str().unwrap(), false);
    assert!(alice.respond(&other.id, &response, 0));
    assert!(alice.is_unlocked());
    let context = json!({"do": "context", "session": session, "data": {"text": "still there"}});
    assert_eq!(alice.ask(&context)["name"], "S_OK");
    assert_eq!(bob.event(json!({"event": "context"}))["data"]["text"], "still there");

    let (audit, written) = locked.audited();
    let whys: Vec<&str> = audit.iter().filter_map(|event| event["why"].as_str()).collect();
    // Of three keys the first is not even kept any more.
    assert_eq!(whys, ["wrong-response", "expired", "revoked"]);
    none_is_in(&written, &[alice.secrets.clone(), bob.secrets.clone(), carol.secrets.clone()].concat());
}

#[test]
fn the_lock_is_turned_on_and_off_under_a_session_and_nobody_is_dropped() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("lock.key");
    let pair = issue(folder.path(), &["--key-file", named.to_str().unwrap()]);
    let locked = Locked::with(folder, "invitations = \"anyone\"\n");
    let service = &locked.service;
    let (mut alice, mut bob) = service.friends();
    let session = connected(&mut alice, &mut bob);
    let mut carol = Person::new(&python, service, "carol@example.org");
    assert_eq!(carol.sign_in()["enabled"], false);
    assert!(carol.is_unlocked());
    let mut number = 0;
    let mut says = |alice: &mut Console, bob: &mut Console| {
        number += 1;
        alice.ok(json!({"do": "context", "session": session, "data": format!("{number}")}));
        assert_eq!(bob.event("OnContextData")["data"], format!("{number}"));
    };

    // A key file that is not there: everything stays as it was.
    service.configure(|text| text + "[lock]\nenabled = true\nkey_file = \"nowhere.key\"\n");
    let line = service.logged("a setting is wrong");
    assert!(line.contains("lock.key_file") && line.contains("nowhere.key"), "{line}");
    service.logged("the settings were not taken");
    assert!(carol.is_unlocked());

    service.configure(|text| text.replace("nowhere.key", "lock.key"));
    let line = service.logged("the settings were read again");
    assert!(line.contains("lock.enabled") && line.contains("lock.key_file"), "{line}");
    assert_eq!(carol.event(json!({"event": "lock-status"}))["status"], "INITIALIZED");
    assert!(!carol.is_unlocked());
    let ready = alice.ok(json!({"do": "create"}))["session"].clone();
    alice.ok(json!({"do": "application", "session": ready, "guid": GUID}));
    alice.refused(
        json!({"do": "invite", "session": ready, "to": "bob@example.org"}),
        "0x81000752",
        "MSGR_E_API_LOCKED",
    );
    says(&mut alice, &mut bob);
    assert!(carol.unlock(&pair, false) && carol.is_unlocked());

    // A console that was given the pair unlocks, whenever it is asked to.
    let file = service.path("chess.key");
    std::fs::write(&file, &pair.key).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let with = ["--app-id", &pair.id, "--key-file", file.to_str().unwrap()];
    let password = service.add_account("dave@example.org");
    let mut dave = Console::start(&service.url, "dave@example.org", &password, &with);
    dave.until_lock("UNLOCKED");

    service.configure(|text| text.replace("enabled = true", "enabled = false"));
    service.logged("the settings were read again");
    assert_eq!(carol.event(json!({"event": "lock-status", "status": "DISABLED"}))["status"], "DISABLED");
    says(&mut alice, &mut bob);
    alice.ok(json!({"do": "invite", "session": ready, "to": "bob@example.org"}));

    // On once more: who was unlocked before has to unlock again.
    service.configure(|text| text.replace("enabled = false", "enabled = true"));
    assert_eq!(carol.event(json!({"event": "lock-status"}))["status"], "INITIALIZED");
    assert!(!carol.is_unlocked() && carol.unlock(&pair, false));
    dave.until_lock("DISABLED");
    dave.until_lock("INITIALIZED");
    dave.until_lock("UNLOCKED");
    says(&mut alice, &mut bob);
    locked.revoke(&pair);
    while dave.event("OnLockChallenge")["cookie"] != 0 {}
    dave.until_lock("UNLOCKFAILED");
    alice.ok(json!({"do": "cancel", "session": session}));
}
