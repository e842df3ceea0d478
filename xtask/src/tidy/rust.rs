//! A Rust file as the rules look at it: which lines are code, which of them are tests, how long the
//! functions are.

use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::tree::File;

/// A parsed file.
pub struct Source<'a> {
    /// From the workspace's folder.
    pub path: &'a str,
    /// Its lines.
    lines: Vec<&'a str>,
    /// Line numbers of what is compiled for tests only.
    tests: Vec<RangeInclusive<usize>>,
    /// Line numbers of the functions that are no tests.
    functions: Vec<RangeInclusive<usize>>,
}

impl<'a> Source<'a> {
    /// Parses a file.
    pub fn read(file: &'a File) -> syn::Result<Source<'a>> {
        let parsed = syn::parse_file(&file.text)?;
        let mut look = Look { whole: is_test_file(&file.path), tests: Vec::new(), functions: Vec::new() };
        look.visit_file(&parsed);
        let lines: Vec<&str> = file.text.lines().collect();
        if look.whole {
            look.tests = vec![1..=lines.len()];
        }
        Ok(Source { path: &file.path, lines, tests: look.tests, functions: look.functions })
    }

    /// The lines that are code and are, or are not, compiled for tests only; with their numbers.
    pub fn code(&self, tests: bool) -> impl Iterator<Item = (usize, &'a str)> {
        let numbered = self.lines.iter().enumerate().map(|(at, line)| (at + 1, line.trim()));
        numbered.filter(move |(number, line)| is_code(line) && self.is_test(*number) == tests)
    }

    /// The line before, for rules that look at a comment there.
    pub fn line(&self, number: usize) -> &'a str {
        number.checked_sub(1).and_then(|at| self.lines.get(at)).map_or("", |line| line.trim())
    }

    /// How many lines of code each function has that is no test.
    pub fn function_sizes(&self) -> impl Iterator<Item = usize> {
        let count = |range: &RangeInclusive<usize>| range.clone().filter(|number| is_code(self.line(*number))).count();
        self.functions.iter().map(count)
    }

    fn is_test(&self, number: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&number))
    }
}

/// Whether the whole file is compiled for tests only.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/benches/")
}

fn is_code(line: &str) -> bool {
    !line.is_empty() && !line.starts_with("//")
}

struct Look {
    whole: bool,
    tests: Vec<RangeInclusive<usize>>,
    functions: Vec<RangeInclusive<usize>>,
}

impl Look {
    fn function(&mut self, item: &impl Spanned) {
        if !self.whole {
            self.functions.push(lines(item));
        }
    }
}

impl<'ast> Visit<'ast> for Look {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.attrs.iter().any(is_for_tests) {
            self.tests.push(lines(item));
        } else {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.attrs.iter().any(is_for_tests) {
            self.tests.push(lines(item));
        } else {
            self.function(item);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if item.attrs.iter().any(is_for_tests) {
            self.tests.push(lines(item));
        } else {
            self.function(item);
            visit::visit_impl_item_fn(self, item);
        }
    }
}

fn lines(item: &impl Spanned) -> RangeInclusive<usize> {
    let span = item.span();
    span.start().line..=span.end().line
}

/// `#[cfg(test)]` and `#[test]`.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    let cfg = attribute.path().is_ident("cfg");
    cfg && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_tests_are_told_apart() {
        let file = File::new(
            "crates/a/src/lib.rs",
            "//! Doc.\n\nfn one() {\n    // why\n    two();\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn it() {}\n}\n",
        );
        let source = Source::read(&file).unwrap();
        assert_eq!(source.code(false).map(|(number, _)| number).collect::<Vec<_>>(), [3, 5, 6]);
        assert_eq!(source.code(true).map(|(number, _)| number).collect::<Vec<_>>(), [8, 9, 10, 11, 12]);
        assert_eq!(source.function_sizes().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn a_file_of_tests_is_a_test_from_its_first_line() {
        let file = File::new("crates/a/tests/b.rs", "fn helper() {}\n");
        let source = Source::read(&file).unwrap();
        assert_eq!((source.code(false).count(), source.code(true).count()), (0, 1));
    }
}
