//! Names of files and folders: they say what is in them.

use super::Finding;
use crate::tree::File;

/// Names that say nothing, with what to do instead.
const NAMELESS: &[(&str, &str)] = &[
    ("mod.rs", "use foo.rs beside foo/, so that an editor's tab says what it is"),
    ("util.rs", "name the file for what it is for"),
    ("utils.rs", "name the file for what it is for"),
    ("common.rs", "name the file for what it is for"),
    ("helpers.rs", "name the file for what it is for"),
];

/// No file has a name that says nothing.
pub fn check(files: &[File]) -> Vec<Finding> {
    let name = |file: &File| file.path.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    let mut findings = Vec::new();
    for file in files {
        for (_, advice) in NAMELESS.iter().filter(|(nameless, _)| *nameless == name(file)) {
            findings.push(Finding::new(&file.path, *advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nameless_file_is_found() {
        let files =
            [File::new("crates/a/src/mod.rs", ""), File::new("crates/a/src/model.rs", ""), File::new("utils.rs", "")];
        let places: Vec<String> = check(&files).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["crates/a/src/mod.rs", "utils.rs"]);
    }
}
