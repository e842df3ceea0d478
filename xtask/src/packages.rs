//! What `cargo metadata` says about the workspace's packages and what they pull in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use crate::shell;

/// The whole graph of packages.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// Ours and everybody else's.
    pub packages: Vec<Package>,
    /// The ids of ours.
    pub workspace_members: BTreeSet<String>,
    /// Where cargo builds.
    pub target_directory: PathBuf,
    /// Which package pulls in which.
    pub resolve: Resolve,
}

/// A package.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its id in the graph.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The oldest compiler it takes.
    pub rust_version: Option<String>,
    /// What its manifest asks for.
    pub dependencies: Vec<Dependency>,
}

/// A line of a manifest.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

/// The resolved graph.
#[derive(Debug, Deserialize)]
pub struct Resolve {
    /// One for each package.
    pub nodes: Vec<Node>,
}

/// A package in the graph.
#[derive(Debug, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// What it pulls in.
    pub deps: Vec<Pull>,
}

/// An edge of the graph.
#[derive(Debug, Deserialize)]
pub struct Pull {
    /// The id of the package that is pulled in.
    pub pkg: String,
    /// How.
    pub dep_kinds: Vec<Kind>,
}

/// How a package is pulled in.
#[derive(Debug, Deserialize)]
pub struct Kind {
    /// `None` for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

/// Asks cargo.
pub fn read(root: &Path) -> anyhow::Result<Metadata> {
    let json = shell::output(shell::command(root, "cargo", &["metadata", "--quiet", "--format-version", "1"]))?;
    serde_json::from_str(&json).context("`cargo metadata` printed something unexpected")
}

impl Metadata {
    /// Our own packages.
    pub fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The names of all packages that `package` pulls in, at any depth, without what only its own
    /// tests or its build script use.
    pub fn pulled_in(&self, package: &Package) -> BTreeSet<&str> {
        let names: BTreeMap<&str, &str> = self.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut seen = BTreeSet::new();
        let mut next = vec![package.id.as_str()];
        while let Some(id) = next.pop() {
            let pulls = nodes.get(id).into_iter().flat_map(|node| &node.deps);
            let normal = pulls.filter(|pull| pull.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            next.extend(normal.map(|pull| pull.pkg.as_str()).filter(|id| seen.insert(*id)));
        }
        seen.into_iter().filter_map(|id| names.get(id).copied()).collect()
    }
}

/// A made-up workspace for the tests of the rules: each package with its normal dependencies.
/// Names that begin with `hither` are ours.
#[cfg(test)]
pub fn sample(packages: &[(&str, &[&str])]) -> Metadata {
    let normal = || vec![Kind { kind: None }];
    Metadata {
        packages: packages
            .iter()
            .map(|(name, uses)| Package {
                id: (*name).to_owned(),
                name: (*name).to_owned(),
                version: "0.1.0".to_owned(),
                rust_version: Some("1.95".to_owned()),
                dependencies: uses.iter().map(|u| Dependency { name: (*u).to_owned(), kind: None }).collect(),
            })
            .collect(),
        workspace_members: packages.iter().map(|p| p.0.to_owned()).filter(|name| name.starts_with("hither")).collect(),
        target_directory: PathBuf::new(),
        resolve: Resolve {
            nodes: packages
                .iter()
                .map(|(name, uses)| Node {
                    id: (*name).to_owned(),
                    deps: uses.iter().map(|u| Pull { pkg: (*u).to_owned(), dep_kinds: normal() }).collect(),
                })
                .collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pulled_in_is_followed_to_any_depth() {
        let metadata = sample(&[("hither", &["a"]), ("a", &["b"]), ("b", &["a"]), ("c", &[])]);
        let ours: Vec<&Package> = metadata.ours().collect();
        assert_eq!(ours.len(), 1);
        assert_eq!(metadata.pulled_in(ours[0]), BTreeSet::from(["a", "b"]));
    }
}
