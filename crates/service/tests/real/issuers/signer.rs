//! `PyJWT`, another implementation than the service's.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

pub struct Signer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A pair of keys.
pub struct Keys {
    pub private: String,
    pub public: String,
    pub jwk: Value,
    pub alg: &'static str,
}

/// The Python with the packages of the tests, if there is one.
#[expect(clippy::print_stdout, reason = "says why it proves nothing")]
pub fn python() -> Option<PathBuf> {
    let named = std::env::var_os("HITHER_TEST_PYTHON").map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = named.unwrap_or_else(|| root.join("target/python/bin/python"));
    if python.exists() {
        return Some(python);
    }
    println!("passed over: there is no Python with the packages of the tests; `cargo xtask setup` makes one");
    None
}

impl Signer {
    /// `None` where there is no Python.
    pub fn start() -> Option<Signer> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/issuers/signer.py");
        let mut command = Command::new(python()?);
        command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Signer { child, input, output })
    }

    fn ask(&mut self, asked: &Value) -> Value {
        writeln!(self.input, "{asked}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("the Python of the tests has failed: see above")
    }

    pub fn keys(&mut self, kind: &'static str, kid: Option<&str>) -> Keys {
        let made = self.ask(&json!({"make": kind, "kid": kid}));
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let alg = match kind {
            "RS1024" => "RS256",
            other => other,
        };
        Keys { private: text("private"), public: text("public"), jwk: made["jwk"].clone(), alg }
    }

    /// A token with these claims, signed with this key, and with this name of it.
    pub fn sign(&mut self, keys: &Keys, kid: Option<&str>, claims: &Value) -> String {
        self.sign_as(keys.alg, &keys.private, kid, claims)
    }

    pub fn sign_as(&mut self, alg: &str, key: &str, kid: Option<&str>, claims: &Value) -> String {
        let headers = kid.map_or(json!({}), |kid| json!({"kid": kid}));
        let made = self.ask(&json!({"sign": key, "alg": alg, "claims": claims, "headers": headers}));
        made["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
