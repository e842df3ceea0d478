//! Registration codes and the audit of what an operator does.

use serde_json::{Value, json};

use crate::world::{run, text};

/// Runs the command, and gives its exit code, output and errors.
fn command(arguments: &[&str], data: &str, input: &str) -> (i32, String, String) {
    let output = run(&[arguments, &["--data", data]].concat(), input);
    (output.status.code().unwrap(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn codes_are_issued_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let issue = ["account", "code", "issue"];
    let list = ["account", "code", "list", "--json"];
    let (code, said, errors) = command(&issue, &data, "");
    assert_eq!((code, said.lines().count()), (0, 1), "nothing but the code: {said}");
    let first = said.trim_end().to_owned();
    assert_eq!(first.len(), 27, "{said}");
    assert!(errors.contains("1 account, until 20") && errors.contains("this once"), "{errors}");

    let more = ["--uses", "30", "--life", "2w", "--domain", "Example.ORG", "--note", "Chess club", "--json"];
    let (code, said, _) = command(&[&issue[..], &more].concat(), &data, "");
    let second = objects(&said).remove(0);
    assert_eq!((code, &second["uses"], &second["domain"]), (0, &json!(30), &json!("example.org")), "{said}");
    assert_eq!(second["ends"].as_i64().unwrap() - second["issued"].as_i64().unwrap(), 14 * 24 * 3600);
    let whole = second["code"].as_str().unwrap();
    assert_eq!(whole.get(..6), second["name"].as_str());

    // A list has their names only.
    let (_, listed, _) = command(&list, &data, "");
    let codes = objects(&listed);
    assert_eq!(codes.len(), 2);
    assert!(codes.iter().all(|code| code.get("code").is_none() && code["counts"] == true), "{listed}");
    assert!(!listed.contains(&first[7..]) && !listed.contains(&whole[7..]));
    let (_, table, _) = command(&["account", "code", "list"], &data, "");
    assert!(table.contains("30 left") && table.contains("example.org") && table.contains("Chess club"), "{table}");

    let name = &first[..6];
    let (code, said, _) = command(&["account", "code", "revoke", &name.to_lowercase()], &data, "");
    assert!(code == 0 && said.starts_with(name), "{said}");
    let (code, _, errors) = command(&["account", "code", "revoke", name], &data, "");
    assert!(code == 1 && errors.contains("no registration code that begins with"), "{errors}");
    assert_eq!(objects(&command(&list, &data, "").1).len(), 1);
}

#[test]
fn codes_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let long = "n".repeat(129);
    for wrong in [
        &["issue", "--uses", "0"][..],
        &["issue", "--uses", "-1"],
        &["issue", "--uses", "4294967296"],
        &["issue", "--life", "0"],
        &["issue", "--life", "7"],
        &["issue", "--life", "11000d"],
        &["issue", "--domain", "bob@example.org"],
        &["issue", "--domain", ""],
        &["issue", "--note", &long],
        &["issue", "--note", "\u{1b}[2J"],
        &["revoke", "4T7K2M-9QWX1B-H3ZC8N-V5R0DJ"],
        &["revoke", "4T7K2"],
        &["revoke"],
    ] {
        let (code, said, errors) = command(&[&["account", "code"], wrong].concat(), &data, "");
        assert_eq!((code, said.as_str()), (2, ""), "{wrong:?}: {errors}");
        assert!(!errors.contains('\u{1b}'), "{errors:?}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was made");
    for wrong in [&["list"][..], &["revoke", "4T7K2M"]] {
        let (code, _, errors) = command(&[&["account", "code"], wrong].concat(), &data, "");
        assert!(code == 1 && errors.contains("there is no store in"), "{wrong:?}: {errors}");
    }
}

#[test]
fn the_audit_is_told_what_was_done_and_not_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    let alice = "alice@example.org";
    let done = |arguments: &[&str], input: &str| {
        let (code, said, errors) = command(arguments, &data, input);
        assert_eq!((code, errors.contains("audit")), (0, false), "{arguments:?}: {errors}");
        said
    };
    done(&["account", "add", alice, "--password-file", "-"], "a secret of hers");
    assert_eq!(command(&["account", "add", alice, "--password-file", "-"], &data, "a secret of hers").0, 1);
    done(&["account", "password", alice, "--password-file", "-"], "another of hers");
    done(&["account", "name", alice, "Alice"], "");
    let name = objects(&done(&["account", "code", "issue", "--json"], "")).remove(0)["name"].clone();
    done(&["account", "code", "revoke", name.as_str().unwrap()], "");
    let pair = objects(&done(&["key", "issue", "--name", "Chess", "--json"], "")).remove(0)["id"].clone();
    done(&["key", "rotate", pair.as_str().unwrap()], "");
    done(&["key", "revoke", pair.as_str().unwrap()], "");
    done(&["key", "revoke", pair.as_str().unwrap()], "");
    done(&["account", "remove", alice], "");
    assert_eq!(command(&["account", "remove", alice], &data, "").0, 1);

    let audit = std::fs::read_to_string(folder.path().join("data/audit.jsonl")).unwrap();
    let told = objects(&audit);
    let told: Vec<_> = told.iter().map(|event| (event["action"].as_str().unwrap(), &event["subject"])).collect();
    let who = &json!(alice);
    let expected = [
        ("account-added", who),
        ("password-changed", who),
        ("renamed", who),
        ("code-issued", &name),
        ("code-revoked", &name),
        ("key-issued", &pair),
        ("key-rotated", &pair),
        ("key-revoked", &pair),
        ("account-removed", who),
    ];
    assert_eq!(told, expected);
    assert!(audit.lines().all(|line| line.contains(r#""by":"command""#)) && !audit.contains("hers"), "{audit}");
}

#[cfg(unix)]
#[test]
fn an_audit_that_cannot_be_written_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // A folder in its place stops root as well.
    std::fs::create_dir_all(data.join("audit.jsonl")).unwrap();
    let add = ["account", "add", "alice@example.org", "--password-file", "-"];
    let (code, _, errors) = command(&add, data.to_str().unwrap(), "a secret of hers");
    assert!(code == 0 && errors.contains("hither: it is done, and the audit"), "{errors}");
    assert_eq!(command(&["account", "list"], data.to_str().unwrap(), "").1.lines().count(), 1);
}

/// As on a full disk: from some size on a file takes no more.
#[cfg(unix)]
#[test]
fn an_audit_without_room_has_whole_lines_and_goes_on_when_there_is_some() {
    const BLOCK: usize = 512;
    const BLOCKS: usize = 256;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let add = ["account", "add", "alice@example.org", "--password-file", "-", "--data", data.to_str().unwrap()];
    assert!(run(&add, "a secret of hers").status.success());
    let file = data.join("audit.jsonl");
    // Room for half a line; the one before it has lost its end when the power failed.
    let half = format!("{}{}", "{}\n".repeat(BLOCKS * BLOCK / 3 - 20), r#"{"time":"2026"#);
    std::fs::write(&file, &half).unwrap();
    let rename = ["account", "name", "alice@example.org", "Alice", "--data", data.to_str().unwrap()];
    let limited = format!("trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" \"$@\"");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_hither")]).args(rename);
    let output = command.output().unwrap();
    let errors = text(&output.stderr);
    assert!(output.status.success() && errors.contains("it is done, and the audit"), "{errors}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), half, "all of a line or nothing");

    assert!(run(&rename, "").status.success());
    let audit = std::fs::read_to_string(&file).unwrap();
    let (before, last) = audit.trim_end().rsplit_once('\n').unwrap();
    assert_eq!((before, &objects(last)[0]["action"]), (&*half, &json!("renamed")));
}
