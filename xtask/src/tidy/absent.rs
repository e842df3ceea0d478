//! Packages that must not be pulled in, at any depth, each with its reason.

use super::Finding;
use crate::packages::Metadata;

/// `*` stands for every crate of ours.
const ABSENT: &[(&str, &[&str], &str)] = &[
    ("hither-wire", &["tokio", "mio", "socket2", "tungstenite"], "what is said does not depend on how it travels"),
    ("hither-wire", &["rusqlite", "iroh"], "strangers' programs read this crate: it stays small"),
    ("hither-proto", &["tokio", "mio", "socket2", "tungstenite"], "decisions are made without sockets and runtimes"),
    (
        "hither-proto",
        &["rand", "getrandom", "fastrand"],
        "randomness comes in as an input, so that a run can be repeated",
    ),
    ("hither-proto", &["rusqlite", "iroh"], "storage and connections are outputs and inputs of the machine"),
    ("hither-service", &["iroh"], "the service does not take part in direct connections"),
    ("hither-ipc", &["rusqlite", "iroh"], "the local socket carries messages, no more"),
    ("hither-link", &["rusqlite"], "a direct connection remembers nothing"),
    ("hither", &["rusqlite"], "an application does not carry a database because it has an Invite button"),
    ("hither-agent", &["rusqlite"], "the agent's registry is plain files"),
    ("hither-sim", &["tokio", "mio", "rusqlite"], "the simulator has its own time and its own disk"),
    ("*", &["openssl", "native-tls"], "one TLS library: rustls"),
];

/// No crate pulls in what it must not.
pub fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.ours() {
        let pulled = metadata.pulled_in(package);
        for (_, absent, reason) in ABSENT.iter().filter(|(of, _, _)| *of == "*" || *of == package.name) {
            for name in absent.iter().filter(|name| pulled.contains(*name)) {
                let message = format!("pulls in {name}, but {reason}; `cargo tree -i {name}` shows how");
                findings.push(Finding::new(&package.name, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::sample;

    #[test]
    fn a_runtime_behind_another_package_is_found() {
        let metadata = sample(&[("hither-proto", &["handy"]), ("handy", &["tokio"]), ("tokio", &[])]);
        let findings = check(&metadata);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("tokio"), "{}", findings[0]);
    }

    #[test]
    fn the_same_package_is_fine_where_it_belongs() {
        assert_eq!(check(&sample(&[("hither-service", &["tokio"]), ("tokio", &[])])), []);
    }
}
