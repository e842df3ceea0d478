//! `hither config` and `hither serve` with settings from everywhere, right and wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::world::{hither, text};

/// A folder with a configuration.
struct Place {
    folder: TempDir,
}

impl Place {
    fn with(config: &str) -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hither.toml"), config).unwrap();
        Place { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A certificate and its key.
    fn certificate(&self, years: (i32, i32)) {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        self.write("cert.pem", params.self_signed(&key).unwrap().pem(), 0o644);
        self.write("key.pem", key.serialize_pem(), 0o600);
    }

    /// Runs the command with this configuration.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = hither();
        command.args(arguments).arg("--config").arg(self.path("hither.toml"));
        command.envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().unwrap()
    }

    /// What `check` finds, a line each without its place, and its exit code.
    fn check(&self) -> (Vec<String>, i32) {
        let output = self.run(&["config", "check"], &[]);
        assert_eq!(text(&output.stderr), "");
        let lines = text(&output.stdout).lines().map(str::to_owned).collect();
        (lines, output.status.code().unwrap())
    }
}

const RIGHT: &str = "[service]\nlisten = \"127.0.0.1:0\"\ndata = \"data\"\n";

#[test]
fn what_is_right_is_said_and_where_each_value_comes_from() {
    let place = Place::with(&format!("{RIGHT}[times]\nring = 20\n"));
    assert_eq!(place.check(), (vec!["the settings are right".to_owned()], 0));
    let arguments = ["config", "print", "--json", "--grace", "7"];
    let output = place.run(&arguments, &[("HITHER_TIMES_CONNECT", "9"), ("HITHER_LOG", "warn")]);
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let file = place.path("hither.toml").display().to_string();
    for (setting, value, from) in [
        ("times.ring", 20.into(), format!("{file}:5")),
        ("times.grace", 7.into(), "--grace".to_owned()),
        ("times.connect", 9.into(), "HITHER_TIMES_CONNECT".to_owned()),
        ("times.longest", 86_400.into(), "default".to_owned()),
        ("service.log", "warn".into(), "HITHER_LOG".to_owned()),
        ("service.data", place.path("data").display().to_string().into(), format!("{file}:3")),
        ("tls.key", Value::Null, "default".to_owned()),
    ] {
        let line = lines.iter().find(|line| line["setting"] == setting).unwrap();
        assert_eq!((&line["value"], line["from"].as_str()), (&value, Some(from.as_str())), "{line}");
        assert!(line["help"].as_str().is_some_and(|help| help.len() > 10), "{line}");
    }
}

#[test]
fn what_is_printed_is_a_configuration_that_says_the_same() {
    let place = Place::with(&format!("{RIGHT}[times]\nring = 20\n"));
    let printed = place.run(&["config", "print", "--invitations", "anyone"], &[]);
    assert_eq!(text(&printed.stderr), "");
    let again = Place::with(text(&printed.stdout));
    assert_eq!(again.check().1, 0);
    let strip = |output: Output| -> Vec<String> {
        text(&output.stdout).lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect()
    };
    assert_eq!(strip(again.run(&["config", "print"], &[])), strip(printed));
}

#[test]
fn everything_that_is_wrong_is_found_at_once_and_by_serve_as_well() {
    let place = Place::with("[times]\nrnig = 5\n[tls]\ncertificate = \"nowhere.pem\"\n[limts]\n");
    let (lines, code) = place.check();
    assert_eq!((lines.len(), code), (5, 2), "{lines:#?}");
    let file = place.path("hither.toml").display().to_string();
    for expected in [
        format!("{file}:2:1: there is no setting times.rnig (did you mean ring?)"),
        format!("{file}:4:15: tls.certificate: tls.key has to be set as well"),
        format!("{file}:5:2: there is no section limts (did you mean [limits]?)"),
    ] {
        assert!(lines.contains(&expected), "{expected}: {lines:#?}");
    }
    let served = place.run(&["serve"], &[("HITHER_TIMES_GRACE", "never")]);
    let errors: Vec<&str> = text(&served.stderr).lines().collect();
    assert_eq!((served.status.code(), errors.len(), text(&served.stdout)), (Some(2), 5, ""), "{errors:#?}");
    assert!(errors.iter().all(|line| line.starts_with("hither: ")), "{errors:#?}");
    assert!(errors.iter().any(|line| line.contains("HITHER_TIMES_GRACE: a number of seconds")), "{errors:#?}");
}

#[test]
fn without_settings_it_is_said_where_the_store_could_be_named() {
    let output = hither().arg("serve").output().unwrap();
    let errors = text(&output.stderr);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(2), 1), "{errors}");
    assert!(["--data", "HITHER_SERVICE_DATA", "[service]"].iter().all(|place| errors.contains(place)), "{errors}");
    let named = hither().args(["serve", "--config", "/nowhere/hither.toml"]).output().unwrap();
    assert!(text(&named.stderr).contains("/nowhere/hither.toml cannot be read"), "{}", text(&named.stderr));
    let variable = hither().args(["config", "check"]).env("HITHER_CONFIG", "/nowhere/hither.toml").output().unwrap();
    assert!(text(&variable.stdout).contains("/nowhere/hither.toml cannot be read"));
}

#[test]
fn certificates() {
    let place = Place::with(&format!("{RIGHT}[tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n"));
    let found = |expected: &str, code: i32| {
        let (lines, exit) = place.check();
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
        assert_eq!(exit, code, "{lines:#?}");
    };
    found("cert.pem: No such file", 2);
    place.certificate((2020, 2100));
    found("the settings are right", 0);
    place.write("key.pem", fs::read(place.path("key.pem")).unwrap(), 0o644);
    found("everybody", 2);
    place.certificate((2020, 2021));
    found("has expired", 0);
    let key = fs::read(place.path("key.pem")).unwrap();
    place.certificate((2090, 2100));
    found("not valid yet", 0);
    place.write("key.pem", key, 0o600);
    found("is not that of the first certificate", 2);
    place.write("key.pem", "nothing", 0o600);
    found("has no private key", 2);
}

#[test]
fn what_should_be_looked_at_is_no_mistake() {
    let place = Place::with("[service]\nlisten = \"0.0.0.0:0\"\noperations = \"0.0.0.0:0\"\ndata = \"data\"\n");
    let (lines, code) = place.check();
    assert_eq!((lines.len(), code), (3, 0), "{lines:#?}");
    assert!(lines[0].contains("warning: service.listen: passwords and data can be read"), "{lines:#?}");
    assert!(lines[1].contains("warning: service.operations"), "{lines:#?}");
    assert_eq!(lines[2], "the settings are right, 2 to be looked at");
    let output = place.run(&["config", "check", "--proxy", "10.0.0.0/8", "--operations", "127.0.0.1:0"], &[]);
    assert_eq!(text(&output.stdout), "the settings are right\n");
}

#[test]
fn what_does_not_go_together() {
    let place = Place::with(
        "[service]\nlisten = \"127.0.0.1:4000\"\noperations = \"127.0.0.1:4000\"\ndata = \"hither.toml\"\n\
         [admin]\nlisten = \"0.0.0.0:4001\"\nclient_ca = \"nowhere\"\n\
         [[issuer]]\nname = \"a\"\n[[issuer]]\nname = \"a\"\nissuer = \"b\"\naudience = \"c\"\nkeys_file = \"x\"\n\
         jwks_url = \"https://a/\"\n",
    );
    let (lines, code) = place.check();
    assert_eq!(code, 2);
    for expected in [
        ":3:14: service.operations: 127.0.0.1:4000 is that of service.listen already",
        ":4:8: service.data: ",
        ":6:10: admin.listen: tokens can be read",
        ":7:13: admin.client_ca: clients can show a certificate over TLS only",
        "nowhere cannot be read",
        ":8:1: issuer.issuer: every issuer needs one",
        ":8:1: issuer.audience: every issuer needs one",
        ":8:1: issuer.keys_file: every issuer needs keys",
        ":11:8: issuer.name: there is a \"a\" already",
        ":15:12: issuer.jwks_url: keys come from one place",
    ] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
}

#[test]
fn what_is_wrong_is_said_once() {
    let place = Place::with(
        "[service]\ndata = \"data\"\n[[issuer]]\nname = 7\nissuer = \"https://shop.example\"\naudience = \"chess\"\n\
         jwks_url = \"http://shop.example/keys\"\n",
    );
    let (lines, code) = place.check();
    assert_eq!((lines.len(), code), (3, 2), "{lines:#?}");
    assert!(lines[0].contains(":4:8: issuer.name: ") && lines[1].contains(":7:12: issuer.jwks_url: "), "{lines:#?}");
    assert_eq!(lines[2], "2 wrong");
}

#[test]
fn what_leads_nowhere_is_found() {
    for (config, expected) in [
        ("[accounts]\npasswords = false\nregistration = true\n", "accounts.registration: accounts have passwords"),
        ("[accounts]\npasswords = false\n", "accounts.passwords: nobody can sign in"),
        ("[tls]\ncertificate = \"no\"\nkey = \"none\"\n", "tls.key: there is no file"),
        ("[admin]\ntoken_file = \"hither.toml\"\n", "admin.token_file: the API is off"),
        ("[service.log]\n", "service.log: a level"),
    ] {
        let place = Place::with(&format!("[service]\ndata = \"data\"\n{config}"));
        let (lines, _) = place.check();
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    // Of what cannot be read nothing is missed.
    let place = Place::with("[service]\ndata = \"data\n");
    let (lines, code) = place.check();
    assert_eq!((lines.len(), code), (2, 2), "{lines:#?}");
}

#[test]
fn secrets_that_everybody_knows_are_refused_and_none_is_shown() {
    let place = Place::with(
        "[service]\ndata = \"data\"\n[admin]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"token\"\n[lock]\nkey_file = \"key\"\n",
    );
    let token = "changeme-0123456789-and-much-longer";
    place.write("token", token, 0o600);
    place.write("key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o600);
    let (lines, _) = place.check();
    for expected in ["admin.token_file: the token can be guessed", "key is not random: make one with"] {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    place.write("token", "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef", 0o604);
    place.write("key", "short", 0o600);
    let (lines, _) = place.check();
    assert!(lines.iter().any(|line| line.contains("can be read by everybody")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("lock.key_file: ") && line.contains("is no key file")), "{lines:#?}");
    for arguments in [&["config", "print"][..], &["config", "print", "--json"], &["config", "check", "--json"]] {
        let output = place.run(arguments, &[]);
        let all = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(!all.contains("b7e151") && !all.contains(token), "{all}");
    }
}

#[test]
fn without_its_key_file_no_service_starts_with_the_lock_on() {
    let place = Place::with(&format!("{RIGHT}[lock]\nenabled = true\n"));
    let refused = |expected: &[&str]| {
        let (lines, code) = place.check();
        assert_eq!((lines.len(), code, lines[1].as_str()), (2, 2, "1 wrong"), "{lines:#?}");
        assert!(expected.iter().all(|part| lines[0].contains(part)), "{expected:?}: {lines:#?}");
        let served = place.run(&["serve"], &[]);
        assert_eq!((served.status.code(), text(&served.stdout)), (Some(2), ""));
        assert_eq!(text(&served.stderr), format!("hither: {}\n", lines[0]));
    };
    refused(&["hither.toml:5:11: lock.enabled: there is no key file", "data/hither.key", "hither key issue"]);
    assert!(!place.path("data").exists(), "looking makes nothing");

    let data = place.path("data");
    let issued = crate::world::run(&["key", "issue", "--name", "Chess", "--data", data.to_str().unwrap()], "");
    assert!(issued.status.success());
    let right = fs::read(data.join("hither.key")).unwrap();
    assert_eq!(place.check(), (vec!["the settings are right".to_owned()], 0));
    place.write("data/hither.key", "X1pZ8Fq0l1eC0bB5kq0s3f2v9aJHnC7yUuTQm4gk9xE=\n", 0o600);
    refused(&["lock.enabled: the key file", "is not the one that the keys are sealed with"]);
    for mode in [0o604, 0o640] {
        place.write("data/hither.key", &right, mode);
        refused(&["can be read by others than its owner", "chmod 600"]);
    }
    place.write("data/hither.key", &right, 0o400);
    assert_eq!(place.check().1, 0);

    // The same of one that is named, which is judged even while the lock is off.
    let named = "[lock]\nenabled = true\nkey_file = \"named.key\"\n";
    fs::write(place.path("hither.toml"), format!("{RIGHT}{named}")).unwrap();
    refused(&["hither.toml:6:12: lock.key_file: there is no key file", "named.key"]);
    place.write("named.key", &right, 0o600);
    assert_eq!(place.check().1, 0);
    let off = format!("{RIGHT}{named}").replace("true", "false");
    fs::write(place.path("hither.toml"), off).unwrap();
    place.write("named.key", "changeme", 0o600);
    refused(&["lock.key_file: ", "is no key file"]);
    fs::remove_file(place.path("named.key")).unwrap();
    assert_eq!(place.check().1, 0, "the first `hither key issue` makes it");
}

#[test]
fn the_files_in_deploy_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = fs::read_to_string(root.join("deploy/hither.toml")).unwrap();
    let place = Place::with(&config.replace("/etc/hither/tls/", "").replace("/var/lib/hither", "data"));
    place.certificate((2020, 2100));
    for (from, to) in [("cert.pem", "fullchain.pem"), ("key.pem", "privkey.pem")] {
        fs::rename(place.path(from), place.path(to)).unwrap();
    }
    let (lines, code) = place.check();
    assert_eq!((lines, code), (vec!["the settings are right".to_owned()], 0));
}
