//! `docs/ARCHITECTURE.md` matches the tree: what it names exists, and every crate is named.

use super::Finding;
use crate::packages::{Metadata, Package};
use crate::tree::File;

const MAP: &str = "docs/ARCHITECTURE.md";

/// Compares the map with the tree. `exists` says whether a path is there, folders included.
pub fn check(files: &[File], metadata: &Metadata, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let Some(map) = files.iter().find(|file| file.path == MAP) else {
        return vec![Finding::new(MAP, "is missing: it is the map of the project")];
    };
    let crates: Vec<&Package> = metadata.ours().collect();
    let mut findings = Vec::new();
    for (at, line) in map.text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2) {
            if is_path(name) && !exists(name.trim_end_matches('/')) {
                findings.push(Finding::at(MAP, at + 1, format!("names {name}, which is not there")));
            }
            if name.starts_with("hither-") && is_name(name) && !crates.iter().any(|package| package.name == name) {
                findings.push(Finding::at(MAP, at + 1, format!("names the crate {name}, which is not there")));
            }
        }
    }
    for package in crates {
        if !map.text.contains(&format!("`{}`", package.name)) {
            findings.push(Finding::new(MAP, format!("does not name the crate `{}`", package.name)));
        }
    }
    findings
}

/// Whether a piece of code in the text is a path of the tree.
fn is_path(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
    plain && name.contains('/') && !name.starts_with('/')
}

fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::sample;

    fn found(text: &str) -> usize {
        let metadata = sample(&[("hither-wire", &[])]);
        check(&[File::new(MAP, text)], &metadata, |path| path == "crates/wire").len()
    }

    #[test]
    fn a_map_that_matches() {
        assert_eq!(
            found("`crates/wire/` is `hither-wire`; `/v1`, `a::b`, `hither serve` and `{id}/x` are no paths"),
            0
        );
    }

    #[test]
    fn a_map_that_does_not() {
        assert_eq!(found("`hither-wire` in `crates/wires`"), 1, "a path that is not there");
        assert_eq!(found("`hither-wire` and `hither-moon`"), 1, "a crate that is not there");
        assert_eq!(found("nothing"), 1, "a crate that is not named");
        assert_eq!(check(&[], &sample(&[]), |_| true).len(), 1, "no map at all");
    }
}
