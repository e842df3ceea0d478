//! Somebody else's program reads the description of the operator's API, and tries everything that it
//! says and much that it does not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::operating::Operated;
use crate::python::python;
use crate::world::{run, text};

/// Test cases of each operation, at most; the same each time.
const EXAMPLES: &str = "30";
const TOKEN: &str = "8f14e45fceea167a5a36dedd4bea2543d1b0c5e7";

#[test]
fn the_operator_s_api_is_as_it_is_described() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let data = folder.path().join("data");
    // The first pair makes the key file, without which no other can be issued.
    let issue = ["key", "issue", "--name", "First", "--data", data.to_str().unwrap()];
    assert!(run(&issue, "").status.success());
    let config = "[lock]\nenabled = true\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"token\"\n";
    let service = Operated::with_admin(folder, config);

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let elsewhere = tempfile::tempdir().unwrap();
    let mut tries = Command::new(python);
    tries.args(["-m", "schemathesis.cli", "--config-file"]).arg(root.join("examples/python/schemathesis.toml"));
    tries.arg("run").arg(root.join("spec/operator-api.json"));
    tries.args(["--url", &format!("http://{}", service.admin())]);
    tries.args(["--seed", "1", "--max-examples", EXAMPLES, "--workers", "1", "--request-timeout", "20", "--no-color"]);
    tries.env("HITHER_TEST_TOKEN", TOKEN).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(elsewhere.path());
    let output = tries.output().unwrap();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    // All of it was tried, and by somebody who got in.
    assert!(said.contains("Selected: 21/21") && said.contains("Tested: 21") && said.contains("passed"), "{said}");
    assert!(!said.contains("failed") && !said.contains("401 "), "{said}");
}
