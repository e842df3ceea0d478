//! Words that have no place in what lands: half thoughts, and paths of somebody's machine.

use super::Finding;
use crate::tree::File;

/// Written in two parts, so that this file passes its own rule.
const WORDS: &[(&str, &str)] = &[
    (concat!("FIX", "ME"), "repair it, or open an issue and name its number"),
    (concat!("TO", "DO"), "do it, or open an issue and name its number"),
    (concat!("XX", "X"), "say in a sentence what is the matter"),
];

/// Folders of a machine, not of the project.
const MACHINE: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers\\"),
    concat!("/wo", "rk/"),
    concat!("/mn", "t/"),
];

/// Files whose words are not ours.
const NOT_OURS: &[&str] = &["Cargo.lock"];

/// No half thoughts and no machine's paths, in any text file.
pub fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !NOT_OURS.contains(&file.path.as_str())) {
        for (at, line) in file.text.lines().enumerate() {
            let words = WORDS.iter().filter(|(word, _)| has_word(line, word));
            findings.extend(words.map(|(word, advice)| Finding::at(&file.path, at + 1, format!("{word}: {advice}"))));
            let paths = MACHINE.iter().filter(|path| has_path(line, path));
            findings
                .extend(paths.map(|path| Finding::at(&file.path, at + 1, format!("{path}… is a path of one machine"))));
        }
    }
    findings
}

/// Whether `word` stands in the line as a word of its own.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

/// Whether `path` begins in the line, rather than going on from another path or a URL.
fn has_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        check(&[File::new("docs/a.md", line)]).len()
    }

    #[test]
    fn half_thoughts_are_found() {
        assert_eq!(found(concat!("// FIX", "ME: later")), 1);
        assert_eq!(found(concat!("// TO", "DO(x) later")), 1);
        assert_eq!(found(concat!("a mastodon and TO", "DOS")), 0);
    }

    #[test]
    fn machine_paths_are_found() {
        assert_eq!(found(concat!("see `/ho", "me/alice/hither`")), 1);
        assert_eq!(found(concat!("cd /wo", "rk/main")), 1);
        assert_eq!(found(concat!("https://example.org/ho", "me/x and docs/wo", "rk/x")), 0);
        assert_eq!(found("/v1 and /var/lib/hither"), 0);
    }
}
