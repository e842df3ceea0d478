//! Accounts, before and while the service runs.

use std::time::Instant;

use serde_json::{Value, json};

use crate::world::{Console, DEADLINE, Service, connected, run, text};

/// Runs `hither account`, and gives its exit code, output and errors.
fn account(arguments: &[&str], data: &str, input: &str) -> (i32, String, String) {
    let output = run(&[&["account"], arguments, &["--data", data]].concat(), input);
    (output.status.code().unwrap(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

#[test]
fn before_and_while_the_service_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let add = |user, input: &str| account(&["add", user, "--password-file", "-", "--name", "Friendly"], &data, input);
    assert_eq!(add("Alice@Example.org", "secret of alice\n").0, 0);
    let (code, _, errors) = add("alice@example.org", "another secret\n");
    assert_eq!(code, 1);
    assert!(errors.starts_with("hither: cannot add alice@example.org") && errors.lines().count() == 1, "{errors}");

    let service = Service::start_in(folder, "127.0.0.1:0", &[]);
    assert_eq!(add("bob@example.org", "secret of bob").0, 0);
    for (user, password) in [("alice@example.org", "secret of alice"), ("bob@example.org", "secret of bob\n")] {
        let file = service.data().join("password");
        std::fs::write(&file, password).unwrap();
        let mut console = Console::start(&service.url, user, &file, &[]);
        assert_eq!(console.event("OnSignin")["user"], user);
    }

    let (code, list, _) = account(&["list", "--json"], &data, "");
    let list: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(code, 0);
    let users: Vec<_> = list.iter().map(|account| (&account["user"], &account["friendly_name"])).collect();
    let friendly = json!("Friendly");
    assert_eq!(users, [(&json!("alice@example.org"), &friendly), (&json!("bob@example.org"), &friendly)]);
    assert!(list[0]["created"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(account(&["name", "bob@example.org", "Bob"], &data, "").0, 0);
    assert!(account(&["list"], &data, "").1.contains("bob@example.org          Bob\n"));
    assert_eq!(account(&["name", "bob@example.org", &"n".repeat(129)], &data, "").0, 2);
    assert_eq!(account(&["remove", "bob@example.org"], &data, "").0, 0);
    assert_eq!(account(&["list"], &data, "").1.lines().count(), 1);
    assert_eq!(account(&["remove", "bob@example.org"], &data, "").0, 1);
    assert_eq!(account(&["password", "bob@example.org", "--password-file", "-"], &data, "x").0, 1);
}

#[test]
fn a_new_password_replaces_the_old_one() {
    let service = Service::start();
    service.add_account("alice@example.org");
    let (data, old) = (service.data(), service.password_file("alice@example.org"));
    let changed =
        account(&["password", "alice@example.org", "--password-file", "-"], data.to_str().unwrap(), "new password\r\n");
    assert_eq!(changed.0, 0, "{changed:?}");
    let (_, _, status) = Console::start(&service.url, "alice@example.org", &old, &[]).finish();
    assert_eq!(status.code(), Some(1));
    let file = service.data().join("password");
    std::fs::write(&file, "new password").unwrap();
    Console::start(&service.url, "alice@example.org", &file, &[]).event("OnSignin");
}

#[test]
fn what_is_done_counts_for_those_who_are_connected() {
    let service = Service::start();
    let data = service.data();
    let data = data.to_str().unwrap();
    let [mut alice, mut bob, mut carol] = ["alice", "bob", "carol"].map(|name| {
        let user = format!("{name}@example.org");
        service.add_account(&user);
        service.console(&user)
    });
    alice.ok(json!({"do": "contact", "add": "bob@example.org"}));
    bob.ok(json!({"do": "contact", "add": "alice@example.org"}));
    alice.until_status("bob@example.org", "ONLINE");
    let session = connected(&mut alice, &mut bob);

    assert_eq!(account(&["name", "bob@example.org", "Robert"], data, "").0, 0);
    // Asked until the service has looked.
    let until = Instant::now() + DEADLINE;
    while !alice.ok(json!({"do": "contacts"}))["contacts"].to_string().contains("Robert") {
        assert!(Instant::now() < until, "nobody sees the new name");
    }

    assert_eq!(account(&["password", "carol@example.org", "--password-file", "-"], data, "another one").0, 0);
    assert_eq!(carol.event("OnSignout")["result"], "MSGR_E_NOT_LOGGED_ON");
    assert_eq!(account(&["disable", "bob@example.org"], data, "").0, 0);
    assert_eq!(bob.event("OnSignout")["result"], "MSGR_E_POLICY_RESTRICTED");
    let over = alice.event("OnTermination");
    assert_eq!(over["session"], session, "{over}");
    assert_eq!(account(&["remove", "alice@example.org"], data, "").0, 0);
    assert_eq!(alice.event("OnSignout")["result"], "MSGR_E_POLICY_RESTRICTED");
}

#[test]
fn passwords_that_cannot_be_taken() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for input in ["", "\n", "7 bytes", "two\nlines and more", &"p".repeat(513)] {
        let (code, _, errors) = account(&["add", "alice@example.org", "--password-file", "-"], data, input);
        assert_eq!((code, errors.lines().count()), (1, 1), "{errors}");
    }
    let missing = folder.path().join("missing");
    let add = ["add", "alice@example.org", "--password-file", missing.to_str().unwrap()];
    let (code, _, errors) = account(&add, data, "");
    assert!(code == 1 && errors.contains("missing"), "{errors}");
    // Without a terminal nobody can be asked.
    let (code, _, errors) = account(&["add", "alice@example.org"], data, "secret\n");
    assert!(code == 2 && errors.contains("--password-file"), "{errors}");
    let elsewhere = folder.path().join("elsewhere");
    let (code, _, errors) = account(&["list"], elsewhere.to_str().unwrap(), "");
    assert!(code == 1 && errors.contains("there is no store in"), "{errors}");
    assert!(!elsewhere.exists());
}

#[test]
fn a_mistyped_folder_gets_no_store_and_a_lost_file_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().to_str().unwrap(), folder.path().join("copy"));
    let alice = "alice@example.org";
    for arguments in [
        &["list"][..],
        &["disable", alice],
        &["remove", alice],
        &["name", alice, "Alice"],
        &["code", "list"],
        &["code", "revoke", "ABCDEF"],
    ] {
        let (code, said, errors) = account(arguments, data, "");
        assert!(code == 1 && said.is_empty() && errors.contains("there is no store in"), "{arguments:?}: {errors}");
    }
    let backup = run(&["backup", copy.to_str().unwrap(), "--data", data], "");
    assert!(backup.status.code() == Some(1) && text(&backup.stderr).contains("there is no store in"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");

    let (code, _, errors) = account(&["add", alice, "--password-file", "-"], data, "a password");
    assert!(code == 0 && errors.contains("making a new store in"), "{errors}");
    std::fs::write(folder.path().join("hither.sqlite-wal"), "").unwrap();
    std::fs::remove_file(folder.path().join("hither.sqlite")).unwrap();
    let (code, _, errors) = account(&["add", alice, "--password-file", "-"], data, "a password");
    assert!(code == 1 && errors.contains("is gone, but there is") && errors.contains("put the file back"), "{errors}");
    assert!(!folder.path().join("hither.sqlite").exists());
}
