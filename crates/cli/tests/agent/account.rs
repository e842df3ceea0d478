//! One's own account: devices, password, and signing up.

use serde_json::Value;

use crate::home::{Person, World};
use crate::world::{Service, run, text};

/// `hither account code …` at the service's store.
fn code(service: &Service, arguments: &[&str]) -> (i32, String, String) {
    let data = service.data();
    let output = run(&[&["account", "code"], arguments, &["--data", data.to_str().unwrap()]].concat(), "");
    (output.status.code().unwrap(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

#[test]
fn devices_are_listed_and_one_that_is_lost_is_removed() {
    let world = World::without_application();
    let mut lost = world.service.console("alice@example.org");
    let devices = world.alice.json(&["devices", "--json"]);
    assert_eq!(devices.len(), 2, "{devices:?}");
    assert_eq!((&devices[0]["here"], &devices[1]["here"]), (&true.into(), &false.into()));
    let shown = world.alice.ok(&["devices"]);
    assert!(shown.contains("  here ") && shown.contains("  signed in "), "{shown}");
    assert!(world.alice.fails(1, &["devices", "remove", "here"]).contains("hither sign-out"));
    assert!(world.alice.fails(1, &["devices", "remove", "nothing"]).contains("no device begins with nothing"));
    assert!(world.alice.fails(2, &["devices", "remove", ""]).contains("or how it begins"));
    let id = devices[1]["device"].as_str().unwrap();
    assert!(world.alice.ok(&["devices", "remove", &id[1..9].to_lowercase()]).contains(id));
    assert_eq!(lost.event("OnSignout")["result"], "MSGR_E_NOT_LOGGED_ON");
    assert_eq!(world.alice.json(&["devices", "--json"]).len(), 1);
}

#[test]
fn a_password_is_changed_and_the_agent_stays() {
    let world = World::without_application();
    let mut other = world.service.console("alice@example.org");
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (old, new) = (file("old", "alice@example.org\n"), file("new", "battery staple\n"));
    let change =
        |old: &str, new: &str| world.alice.does(&["password", "--password-file", old, "--new-password-file", new]);
    let said = |output: &std::process::Output| text(&output.stderr).to_owned();
    let wrong = change(&new, &new);
    assert!(wrong.status.code() == Some(1) && said(&wrong).contains("MSGR_E_INVALID_PASSWORD"), "{wrong:?}");
    let weak = change(&old, &file("weak", "short\n"));
    assert!(weak.status.code() == Some(1) && said(&weak).contains("E_INVALIDARG"), "{weak:?}");
    assert!(world.alice.fails(2, &["password", "--password-file", &old]).contains("terminal"));
    let done = change(&old, &new);
    assert!(done.status.success() && text(&done.stdout).contains("is changed"), "{done:?}");
    other.event("OnSignout");
    assert!(world.alice.ok(&["status"]).contains("ONLINE"), "the agent is signed in");
    for output in [&wrong, &weak, &done] {
        assert!(!said(output).contains("battery") && !said(output).contains("short\n"), "{output:?}");
    }
}

#[test]
fn somebody_signs_up_with_a_code() {
    let service = Service::start_with(&["--accounts-registration"]);
    let (status, issued, said) = code(&service, &["issue", "--uses", "2", "--domain", "example.org", "--note", "ours"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("2 accounts at example.org") && said.contains("this once"), "{said}");
    let issued = issued.trim();
    let listed: Value = serde_json::from_str(code(&service, &["list", "--json"]).1.trim()).unwrap();
    assert_eq!((&listed["uses"], &listed["note"], &listed["counts"]), (&2.into(), &"ours".into(), &true.into()));
    assert!(!listed.to_string().contains(issued), "the code itself is not kept");

    let mut dora = Person::stranger("dora");
    let file = |name: &str, content: &str| {
        let file = dora.home().join(name);
        std::fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (right, wrong, password) =
        (file("right", issued), file("wrong", "nothing"), file("password", "battery staple"));
    let sign_up = |who, code| {
        let named = ["sign-up", who, "--service", &service.url, "--name", "Dora"];
        dora.does(&[&named[..], &["--password-file", &password, "--code-file", code]].concat())
    };
    let refused = sign_up("dora@example.org", &wrong);
    let said = text(&refused.stderr);
    assert!(said.contains("MSGR_E_POLICY_RESTRICTED") && said.contains("ask the operator"), "{said}");
    assert_eq!(sign_up("dora@elsewhere.example", &right).status.code(), Some(1));
    let done = sign_up("dora@example.org", &right);
    let said = text(&done.stdout);
    assert!(said.contains("signed up as dora@example.org") && said.contains("hither agent"), "{done:?}");
    dora.start();
    assert!(dora.ok(&["status"]).contains("dora@example.org"));

    let name = listed["begins"].as_str().unwrap();
    let (status, revoked, _) = code(&service, &["revoke", &name.to_lowercase()]);
    assert!(status == 0 && revoked.contains(name), "{revoked}");
    let (status, _, said) = code(&service, &["revoke", name]);
    assert!(status == 1 && said.contains("hither account code list"), "{said}");
    assert_eq!(code(&service, &["issue", "--uses", "0"]).0, 2);
    assert_eq!(code(&service, &["issue", "--life", "soon"]).0, 2);
    let audit = std::fs::read_to_string(service.data().join("audit.jsonl")).unwrap();
    for action in ["code-issued", "registered", "code-revoked"] {
        assert!(audit.contains(action), "{action} is not in\n{audit}");
    }
    assert!(!audit.contains(issued) && !audit.contains("battery"));
}
