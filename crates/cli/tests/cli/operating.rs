//! A service as an operator runs it: over TLS, with settings that change under it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;

use serde_json::json;
use tempfile::TempDir;

use crate::world::{Console, DEADLINE, connected, hither, lines, run, signal, text, wait};

/// A service with a configuration file.
pub struct Operated {
    folder: TempDir,
    pub child: Child,
    pub url: String,
    log: Receiver<String>,
    operations: String,
    admin: String,
}

impl Operated {
    pub fn start(config: &str) -> Operated {
        Operated::prepared(tempfile::tempdir().unwrap(), config, |_| {})
    }

    pub fn prepared(folder: TempDir, config: &str, prepare: impl FnOnce(&mut Command)) -> Operated {
        let config =
            format!("[service]\nlisten = \"127.0.0.1:0\"\ndata = \"data\"\noperations = \"127.0.0.1:0\"\n{config}");
        fs::write(folder.path().join("hither.toml"), config).unwrap();
        let mut command = hither();
        command.args(["serve", "--config"]).arg(folder.path().join("hither.toml"));
        prepare(&mut command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, log) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        let url = stdout.recv_timeout(DEADLINE).expect("the service did not start");
        let url = url.strip_prefix("listening on ").unwrap().to_owned();
        let mut this = Operated { folder, child, url, log, operations: String::new(), admin: String::new() };
        let line = this.logged("operators' tools are answered");
        line.rsplit('=').next().unwrap().clone_into(&mut this.operations);
        this
    }

    /// With the operator's API, in a folder that holds what it needs.
    pub fn with_admin(folder: TempDir, config: &str) -> Operated {
        let mut this = Operated::prepared(folder, config, |_| {});
        let line = this.logged("the operator's API is served");
        line.rsplit('=').next().unwrap().clone_into(&mut this.admin);
        this
    }

    /// Stops it; what it has logged since the last look.
    pub fn stopped(&mut self) -> String {
        signal("TERM", self.child.id());
        assert_eq!(wait(&mut self.child).code(), Some(0));
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// Where the operator's API is.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The next line of the log with this in it.
    pub fn logged(&self, part: &str) -> String {
        loop {
            let line = self.log.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nothing about `{part}` in the log"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All that nobody has looked at, once the service has ended.
    pub fn rest_of_log(&self) -> String {
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    /// Changes the configuration and says so.
    pub fn configure(&self, change: impl FnOnce(String) -> String) {
        let path = self.path("hither.toml");
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        signal("HUP", self.child.id());
    }

    pub fn add_account(&self, user: &str) -> PathBuf {
        let file = self.path(user);
        fs::write(&file, user).unwrap();
        let data = self.path("data");
        let arguments =
            ["account", "add", user, "--password-file", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
        assert!(run(&arguments, "").status.success());
        file
    }

    pub fn console(&self, user: &str) -> Console {
        let mut console = Console::start(&self.url, user, &self.add_account(user), &[]);
        console.event("OnSignin");
        console
    }

    /// A console that trusts the authority of [`certify`].
    pub fn trusting_console(&self, user: &str) -> Console {
        let mut console = Console::trusting(&self.url, user, &self.add_account(user), &self.path("ca"));
        console.event("OnSignin");
        console
    }

    pub fn friends(&self) -> (Console, Console) {
        let (mut alice, mut bob) = (self.console("alice@example.org"), self.console("bob@example.org"));
        alice.ok(json!({"do": "contact", "add": "bob@example.org"}));
        bob.ok(json!({"do": "contact", "add": "alice@example.org"}));
        alice.until_status("bob@example.org", "ONLINE");
        (alice, bob)
    }

    /// What operators' tools are told.
    fn ask(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.operations).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority's certificate in `ca`, and one for this machine in `cert` and `key`.
pub fn certify(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    let authority = rcgen::KeyPair::generate().unwrap();
    fs::write(folder.join("ca"), params.self_signed(&authority).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut own = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    own.distinguished_name.push(rcgen::DnType::CommonName, "a service");
    own.use_authority_key_identifier_extension = true;
    fs::write(folder.join("cert"), own.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    fs::write(folder.join("key"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(0o600)).unwrap();
}

const TLS: &str = "[tls]\ncertificate = \"cert\"\nkey = \"key\"\n";

pub fn over_tls() -> Operated {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let service = Operated::prepared(folder, TLS, |_| {});
    assert!(service.url.starts_with("wss://127.0.0.1:"), "{}", service.url);
    service
}

#[test]
fn settings_change_under_a_session_and_nobody_is_dropped() {
    let service = Operated::start("log = \"info\"\n[times]\nring = 60\n");
    let (mut alice, mut bob) = service.friends();
    let session = connected(&mut alice, &mut bob);

    service.configure(|text| text.replace("ring = 60", "ring = 30\nlongest = 5\n[limits]\nconnections = 2"));
    let line = service.logged("the settings were read again");
    assert!(line.contains("times.ring times.longest limits.connections"), "{line}");
    alice.ok(json!({"do": "context", "session": session, "data": "one"}));
    assert_eq!(bob.session_event()["data"], "one");

    // All or nothing: with one mistake, the right line beside it does not count either.
    service.configure(|text| text.replace("ring = 30", "rnig = 20\ngrace = 5"));
    assert!(service.logged("a setting is wrong").contains("did you mean ring?"));
    service.logged("the settings were not taken");

    // What counts at a start is named, the rest is taken.
    service.configure(|text| {
        let text = text.replace("rnig = 20", "ring = 20").replace("log = \"info\"", "log = \"warn\"");
        text.replace("data = \"data\"", "data = \"elsewhere\"")
    });
    let line = service.logged("at the next start only");
    assert!(line.contains("service.data") && !line.contains("times"), "{line}");
    alice.ok(json!({"do": "context", "session": session, "data": "two"}));
    assert_eq!(bob.session_event()["data"], "two");
    alice.ok(json!({"do": "cancel", "session": session}));

    // TLS begins with a start: until then everybody stays as they are.
    certify(service.folder.path());
    service.configure(|text| text + TLS);
    let line = service.logged("at the next start only");
    assert!(line.contains("tls.certificate tls.key"), "{line}");

    let again = alice.new_session();
    alice.ok(json!({"do": "invite", "session": again, "to": "bob@example.org"}));
    let left = bob.event("OnInvitation")["ring_ms"].clone();
    assert!(left.is_null() || left.as_u64().is_some_and(|ms| ms <= 20_000), "{left}");
}

#[test]
fn the_certificate_changes_and_who_is_there_stays() {
    let service = over_tls();
    let mut alice = service.trusting_console("alice@example.org");
    let before = service.ask("/metrics");
    assert!(before.contains("hither_tls_certificate_end_timestamp_seconds"), "{before}");
    certify(service.folder.path());
    signal("HUP", service.child.id());
    service.logged("the settings were read again");
    // The new authority is the only one that this one trusts.
    let _bob = service.trusting_console("bob@example.org");
    fs::write(service.path("key"), "nothing").unwrap();
    signal("HUP", service.child.id());
    assert!(service.logged("a setting is wrong").contains("has no private key"));
    alice.ok(json!({"do": "contacts"}));
    let _carol = service.trusting_console("carol@example.org");
}

#[test]
fn what_is_wrong_with_a_certificate_is_said_to_whoever_signs_in() {
    let service = over_tls();
    let password = service.add_account("alice@example.org");
    let plain = service.url.replace("wss", "ws");
    let stranger = tempfile::tempdir().unwrap();
    certify(stranger.path());
    for (url, authorities, says) in [
        (&service.url, stranger.path().join("ca"), "HITHER_CA_FILE"),
        (&service.url, service.path("nowhere"), "cannot be read"),
        (&plain, service.path("ca"), "use wss://"),
    ] {
        let mut command = hither();
        command.env("HITHER_CA_FILE", authorities).env("HITHER_HOME", stranger.path());
        command.args(["sign-in", "alice@example.org", "--service", url, "--password-file"]).arg(&password);
        let output = command.output().unwrap();
        let errors = text(&output.stderr);
        assert!(!output.status.success() && errors.contains(says), "{says}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_stop_is_told_before_it_happens() {
    let service = Operated::start("drain = 0\n");
    let mut alice = service.console("alice@example.org");
    assert!(service.ask("/readyz").contains("200 OK"));
    service.configure(|text| text.replace("drain = 0", "drain = 600"));
    service.logged("the settings were read again");
    signal("TERM", service.child.id());
    service.logged("draining");
    assert!(service.ask("/readyz").contains("503"));
    alice.ok(json!({"do": "contacts"}));
    // Whoever is in a hurry says so again.
    signal("TERM", service.child.id());
    service.logged("stopped");
    let mut service = service;
    assert!(wait(&mut service.child).success());
}

#[test]
fn systemd_is_told_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("notify");
    let systemd = std::os::unix::net::UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(DEADLINE)).unwrap();
    let told = || {
        let mut text = [0; 256];
        let count = systemd.recv(&mut text).unwrap();
        str::from_utf8(&text[..count]).unwrap().to_owned()
    };
    let mut service = Operated::prepared(folder, "", |command| {
        command.env("NOTIFY_SOCKET", &socket);
    });
    assert_eq!(told(), "READY=1\n");
    signal("HUP", service.child.id());
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(told(), "READY=1\n");
    signal("TERM", service.child.id());
    assert_eq!(told(), "STOPPING=1\n");
    assert!(wait(&mut service.child).success());
}

fn health(operations: &str) -> (i32, String) {
    let output = hither().args(["health", "--operations", operations]).output().unwrap();
    (output.status.code().unwrap(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

#[test]
fn its_health_can_be_asked() {
    let service = Operated::start("drain = 600\n");
    assert_eq!(health(&service.operations), (0, "ready\n".to_owned()));
    let everywhere = format!("0.0.0.0:{}", service.operations.rsplit(':').next().unwrap());
    assert_eq!(health(&everywhere).0, 0);
    signal("TERM", service.child.id());
    service.logged("draining");
    assert_eq!(health(&service.operations), (1, "stopping\n".to_owned()));
    let gone = service.operations.clone();
    drop(service);
    assert!(health(&gone).1.contains("no service answers"));
    let unset = hither().arg("health").output().unwrap();
    assert!(text(&unset.stderr).contains("service.operations"), "{}", text(&unset.stderr));
}

/// As `docs/operating.md` has it: both ways to make a copy, and the way back.
#[test]
fn a_copy_made_while_it_runs_is_a_store_to_go_back_to() {
    let service = Operated::start("");
    let _alice = service.console("alice@example.org");
    let (data, copy) = (service.path("data"), service.path("backup.sqlite"));
    let backup = || run(&["backup", copy.to_str().unwrap(), "--data", data.to_str().unwrap()], "");
    assert!(backup().status.success());
    assert!(text(&backup().stderr).contains("must be a new file"), "{}", text(&backup().stderr));
    service.add_account("bob@example.org");
    for made in [copy, by_sqlite(&service)] {
        if !made.exists() {
            continue;
        }
        let restored = tempfile::tempdir().unwrap();
        fs::copy(&made, restored.path().join("hither.sqlite")).unwrap();
        let listed = run(&["account", "list", "--data", restored.path().to_str().unwrap()], "");
        assert!(text(&listed.stdout).contains("alice@example.org"), "{}", text(&listed.stdout));
        assert_eq!(text(&listed.stdout).contains("bob@example.org"), made.ends_with("other.sqlite"));
    }
}

/// The copy is not there where the command of SQLite is not.
fn by_sqlite(service: &Operated) -> PathBuf {
    let made = service.path("other.sqlite");
    let mut command = Command::new("sqlite3");
    command.arg(service.path("data/hither.sqlite")).arg(format!(".backup '{}'", made.display()));
    drop(command.status());
    made
}

/// Where systemd is, it takes the unit; elsewhere this is passed over.
#[test]
fn systemd_takes_the_unit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let unit = fs::read_to_string(root.join("deploy/hither.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hither.service");
    // The command has to be there.
    fs::write(&file, unit.replace("/usr/local/bin/hither", env!("CARGO_BIN_EXE_hither"))).unwrap();
    let Ok(output) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
        println!("passed over: there is no systemd-analyze");
        return;
    };
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn an_agent_and_the_doctor_speak_it_too() {
    let service = over_tls();
    let password = service.add_account("alice@example.org");
    let home = tempfile::tempdir().unwrap();
    let person = |arguments: &[&str]| {
        let mut command = hither();
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "HITHER_SOCKET"] {
            command.env_remove(name);
        }
        command.env("HITHER_HOME", home.path()).env("HITHER_KEYRING", "off").env("HITHER_CA_FILE", service.path("ca"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let arguments = ["sign-in", "alice@example.org", "--service", &service.url, "--password-file"];
    let signed_in = person(&arguments).arg(password).output().unwrap();
    assert!(signed_in.status.success(), "{}", text(&signed_in.stderr));
    let mut agent = person(&["agent"]).spawn().unwrap();
    let said = lines(agent.stdout.take().unwrap());
    assert!(said.recv_timeout(DEADLINE).unwrap().starts_with("the agent is ready"));
    // Asked until it has signed in: a moment after it is ready.
    let steps = loop {
        let doctor = person(&["doctor", "--json"]).output().unwrap();
        let steps = text(&doctor.stdout).to_owned();
        if steps.lines().any(|line| line.contains(r#""step":"connection","outcome":"ok""#)) {
            break steps;
        }
        assert!(steps.contains(r#""step":"service","outcome":"ok""#), "{steps}");
    };
    assert!(steps.contains(&format!("{} answers in", service.url)), "{steps}");
    assert!(person(&["agent", "stop"]).status().unwrap().success());
    assert!(wait(&mut agent).success());
}
