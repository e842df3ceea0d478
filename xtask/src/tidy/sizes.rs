//! How long files and functions are. A file is split before it runs away; the medians are printed
//! so that drift is seen.

use std::fmt;

use super::Finding;
use super::rust::Source;

/// Lines of code, tests excluded, from which a file is named.
const FILE_WARN: usize = 500;
/// Lines of code, tests excluded, from which a file is refused.
const FILE_FAIL: usize = 800;

/// What was measured.
pub struct Sizes {
    /// Lines of code and path, longest last.
    files: Vec<(usize, String)>,
    /// Lines of code of each function, longest last.
    functions: Vec<usize>,
}

/// Measures every file and function that is no test.
pub fn measure(sources: &[Source<'_>]) -> Sizes {
    let sized = |source: &Source<'_>| (source.code(false).count(), source.path.to_owned());
    let mut files: Vec<(usize, String)> = sources.iter().map(sized).filter(|(lines, _)| *lines > 0).collect();
    let mut functions: Vec<usize> = sources.iter().flat_map(Source::function_sizes).collect();
    files.sort_unstable();
    functions.sort_unstable();
    Sizes { files, functions }
}

impl Sizes {
    /// The files that are too long.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.files.iter().filter(|(lines, _)| *lines > FILE_FAIL).map(|(lines, path)| {
            Finding::new(
                path,
                format!("has {lines} lines of code, more than {FILE_FAIL}: split it by kind of thinking"),
            )
        })
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.files.get(self.files.len() / 2).map_or(0, |(lines, _)| *lines);
        let function = self.functions.get(self.functions.len() / 2).copied().unwrap_or(0);
        let longest = self.functions.last().copied().unwrap_or(0);
        write!(f, "lines of code: median function {function}, longest {longest}; median file {file}")?;
        if let Some((lines, path)) = self.files.last() {
            write!(f, ", longest {lines} ({path})")?;
        }
        for (lines, path) in self.files.iter().filter(|(lines, _)| (FILE_WARN + 1..=FILE_FAIL).contains(lines)) {
            write!(f, "\nwarning: {path} has {lines} lines of code; from {FILE_FAIL} on this is an error")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    fn measured(lines: usize) -> Sizes {
        let file = File::new("crates/a/src/lib.rs", &"const A: u8 = 1;\n".repeat(lines));
        measure(&[Source::read(&file).unwrap()])
    }

    #[test]
    fn a_long_file_is_named_and_a_longer_one_refused() {
        assert!(!measured(FILE_WARN).to_string().contains("warning"));
        assert!(measured(FILE_WARN + 1).to_string().contains("warning: crates/a/src/lib.rs"));
        assert_eq!(measured(FILE_FAIL).findings().count(), 0);
        assert_eq!(measured(FILE_FAIL + 1).findings().count(), 1);
    }

    #[test]
    fn medians() {
        let file = File::new("crates/a/src/lib.rs", "fn a() {}\nfn b() {\n}\nfn c() {\n    b();\n}\n");
        let sizes = measure(&[Source::read(&file).unwrap()]);
        assert!(sizes.to_string().contains("median function 2, longest 3; median file 6"), "{sizes}");
    }
}
