//! `cargo xtask tidy`: rules of this project that a program can check, so that no reviewer must.
//!
//! One file for each rule, each with a test that shows a bad sample being found. A rule looks and
//! reports; it changes nothing.

mod absent;
mod architecture;
mod edges;
mod layout;
mod links;
mod pure;
mod readme;
mod rust;
mod sizes;
mod sleeps;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::bail;

use crate::{packages, tree};
use rust::Source;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: a path with a line, or a package.
    place: String,
    /// What is wrong and what to do.
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding { place: place.into(), message: message.into() }
    }

    /// In a line of a file, counted from 1.
    fn at(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding::new(format!("{path}:{line}"), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Checks every rule; an error if one is broken.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let files = tree::read(root)?;
    let metadata = packages::read(root)?;
    let (sources, mut findings) = parse(&files);
    findings.extend(edges::check(&metadata));
    findings.extend(absent::check(&metadata));
    findings.extend(layout::check(&files));
    findings.extend(words::check(&files));
    findings.extend(links::check(&files, |path| root.join(path).exists()));
    findings.extend(architecture::check(&files, &metadata, |path| root.join(path).exists()));
    findings.extend(readme::check(&files, &metadata));
    findings.extend(sources.iter().flat_map(sleeps::check));
    findings.extend(sources.iter().flat_map(pure::check));
    let sizes = sizes::measure(&sources);
    findings.extend(sizes.findings());

    println!("{sizes}");
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("findings: {count}"),
    }
}

/// Reads the Rust files; one that cannot be read is a finding.
fn parse(files: &[tree::File]) -> (Vec<Source<'_>>, Vec<Finding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is(".rs")) {
        match Source::read(file) {
            Ok(source) => sources.push(source),
            Err(error) => findings.push(Finding::at(&file.path, error.span().start().line, error.to_string())),
        }
    }
    (sources, findings)
}
