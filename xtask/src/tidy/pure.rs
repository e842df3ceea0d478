//! What the pure crates must not touch: the world outside, which comes in as inputs.

use super::Finding;
use super::rust::Source;

/// The folders of the crates that decide and say, and do nothing else.
const PURE: &[&str] = &["crates/wire/src/", "crates/proto/src/", "crates/sim/src/"];

/// The simulator's command line, which counts its seconds and keeps its files.
const SHELL: &str = "crates/sim/src/main.rs";

const BANNED: &[(&str, &str)] = &[
    ("Instant::now", "time comes in with each input"),
    ("SystemTime", "time comes in with each input"),
    ("std::thread", "one task owns the machine, in the shell"),
    ("std::fs", "storage is an output of the machine"),
    ("std::env", "settings come in as values"),
    ("TcpStream", "sockets belong to the shell"),
    ("TcpListener", "sockets belong to the shell"),
    ("UdpSocket", "sockets belong to the shell"),
    ("async fn", "nothing here waits"),
    ("RandomState", "randomness comes in as an input"),
];

/// No pure crate touches the world.
pub fn check(source: &Source<'_>) -> Vec<Finding> {
    if source.path == SHELL || !PURE.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.code(false) {
        let banned = BANNED.iter().filter(|(word, _)| line.contains(word));
        findings.extend(banned.map(|(word, reason)| Finding::at(source.path, number, format!("{word}: {reason}"))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    #[test]
    fn a_clock_in_a_pure_crate_is_found() {
        let text = "fn now() {\n    std::time::Instant::now();\n}\n";
        let found = |path| {
            let file = File::new(path, text);
            check(&Source::read(&file).unwrap()).len()
        };
        assert_eq!((found("crates/proto/src/a.rs"), found("crates/service/src/a.rs"), found(SHELL)), (1, 0, 0));
    }
}
