//! Which of our crates may use which: one direction of dependence.

use super::Finding;
use crate::packages::{Metadata, Package};

/// What each crate may use, of ours. The simulator and everything pure stand on `wire` and `proto`
/// alone; the shells stand on those.
const MAY_USE: &[(&str, &[&str])] = &[
    ("hither-wire", &[]),
    ("hither-proto", &["hither-wire"]),
    ("hither-service", &["hither-proto", "hither-wire"]),
    ("hither-ipc", &["hither-wire"]),
    ("hither-link", &["hither-wire"]),
    ("hither", &["hither-proto", "hither-wire", "hither-ipc", "hither-link"]),
    ("hither-agent", &["hither", "hither-ipc", "hither-proto", "hither-wire"]),
    ("hither-msgsc", &["hither"]),
    ("hither-sim", &["hither-proto", "hither-wire"]),
    // Its tools tell the agent in the words of the wire, over the local socket. The demo plays a game of
    // the examples.
    ("hither-cli", &["hither-service", "hither-agent", "hither", "hither-ipc", "hither-wire", "tictactoe"]),
    // Examples are what a stranger would write: with the sdk alone.
    ("tictactoe", &["hither"]),
    ("xtask", &["hither-proto", "hither-wire", "hither-sim"]),
];

/// What the tests of a crate may use besides: the other side of the wire, to talk to.
const TESTS_MAY_USE: &[(&str, &[&str])] = &[("hither", &["hither-service"])];

/// Every edge between our crates stands in the table.
pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let ours: Vec<&Package> = metadata.ours().collect();
    let is_ours = |name: &str| ours.iter().any(|package| package.name == name);
    let mut findings = Vec::new();
    for package in &ours {
        let Some(allowed) = entry(MAY_USE, &package.name) else {
            findings.push(Finding::new(&package.name, "a new crate: say in xtask/src/tidy/edges.rs what it may use"));
            continue;
        };
        let in_tests = entry(TESTS_MAY_USE, &package.name).unwrap_or_default();
        for dependency in package.dependencies.iter().filter(|dependency| is_ours(&dependency.name)) {
            let name = dependency.name.as_str();
            let for_tests = dependency.kind.as_deref() == Some("dev");
            let fine = allowed.contains(&name) || (for_tests && in_tests.contains(&name)) || name == package.name;
            if !fine {
                let message = format!("must not use {name}; it may use {}", list(allowed));
                findings.push(Finding::new(&package.name, message));
            }
        }
    }
    findings
}

fn entry<'a>(table: &[(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(of, _)| *of == name).map(|(_, uses)| *uses)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none of ours".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::sample;

    #[test]
    fn the_right_direction_is_fine() {
        let metadata = sample(&[("hither-wire", &["serde"]), ("hither-proto", &["hither-wire"]), ("serde", &[])]);
        assert_eq!(check(&metadata), []);
    }

    #[test]
    fn the_wrong_direction_and_an_unknown_crate_are_found() {
        let metadata = sample(&[("hither-wire", &["hither-proto"]), ("hither-proto", &[]), ("hither-new", &[])]);
        let places: Vec<String> = check(&metadata).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["hither-wire", "hither-new"]);
    }

    #[test]
    fn what_only_tests_may_use() {
        let mut metadata = sample(&[("hither", &["hither-service"]), ("hither-service", &[])]);
        assert_eq!(check(&metadata).len(), 1);
        metadata.packages[0].dependencies[0].kind = Some("dev".to_owned());
        assert_eq!(check(&metadata), []);
    }
}
