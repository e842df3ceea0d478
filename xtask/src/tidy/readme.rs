//! Versions that the README names are those of the manifests.

use super::Finding;
use crate::packages::Metadata;
use crate::tree::File;

/// Compares every version in the README with the workspace's.
pub fn check(files: &[File], metadata: &Metadata) -> Vec<Finding> {
    let Some(readme) = files.iter().find(|file| file.path == "README.md") else { return Vec::new() };
    let Some(package) = metadata.ours().next() else { return Vec::new() };
    let compiler = package.rust_version.as_deref().unwrap_or_default();
    let mut findings = Vec::new();
    for (at, line) in readme.text.lines().enumerate() {
        let mut compare = |named: &str, is: &str, what: &str| {
            if named != is {
                findings.push(Finding::at(
                    &readme.path,
                    at + 1,
                    format!("names {what} {named}; the manifest says {is}"),
                ));
            }
        };
        if line.contains("hither") {
            for number in numbers(line).filter(|number| number.split('.').count() == 3) {
                compare(number, &package.version, "version");
            }
        }
        for after in line.split("Rust ").skip(1) {
            let named = numbers(after).next().filter(|number| after.starts_with(number) && number.contains('.'));
            if let Some(number) = named {
                compare(number, compiler, "Rust");
            }
        }
    }
    findings
}

/// Runs of digits and points: versions, and addresses, which have four parts.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .map(|word| word.trim_matches('.'))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::sample;

    fn found(text: &str) -> usize {
        check(&[File::new("README.md", text)], &sample(&[("hither-wire", &[])])).len()
    }

    #[test]
    fn versions_that_match() {
        assert_eq!(
            found("hither 0.1.0 needs Rust 1.95 or later; `hither serve --listen 127.0.0.1:0`. Rust is a language."),
            0
        );
    }

    #[test]
    fn versions_that_do_not() {
        assert_eq!(found("hither 0.2.0"), 1);
        assert_eq!(found("needs Rust 1.80"), 1);
    }
}
