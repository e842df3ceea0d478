//! Links in Markdown files lead somewhere: to a file, and to a heading in it.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::File;

/// Every relative link resolves. `exists` says whether a path is there, folders included.
pub fn check(files: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let documents: BTreeMap<&str, &File> =
        files.iter().filter(|file| file.is(".md")).map(|file| (file.path.as_str(), file)).collect();
    let mut findings = Vec::new();
    for file in documents.values() {
        for (number, target) in links(&file.text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) =
                target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
            let path = if path.is_empty() { file.path.clone() } else { resolve(file.folder(), path) };
            if !exists(&path) {
                findings.push(Finding::at(&file.path, number, format!("the link to {target} leads nowhere")));
            } else if let Some(heading) = heading
                && documents
                    .get(path.as_str())
                    .is_none_or(|document| !anchors(&document.text).iter().any(|a| a == heading))
            {
                findings.push(Finding::at(&file.path, number, format!("{path} has no heading for #{heading}")));
            }
        }
    }
    findings
}

/// The targets of `[text](target)` with their lines, outside code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        for (piece, code) in line.split('`').zip([false, true].into_iter().cycle()) {
            let targets = piece.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(targets.filter(|_| !code).map(|(target, _)| (number, target.trim())));
        }
    }
    found
}

/// The lines outside fenced code, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().map(|(at, line)| (at + 1, line)).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

/// The anchors of the headings, as the usual renderers make them.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let slug = slug(line.trim_start_matches('#').trim());
            let count = seen.entry(slug.clone()).or_default();
            *count += 1;
            if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
        })
        .collect()
}

fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// A path seen from a folder, without `.` and `..`.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let files = [File::new("docs/a.md", text), File::new("spec/b.md", "# One `two`\n## One two\n")];
        let exists = |path: &str| files.iter().any(|file| file.path == path) || path == "spec";
        check(&files, exists).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn links_that_lead_somewhere() {
        let text = "# Here\n[b](../spec/b.md) [two](../spec/b.md#one-two-1) [here](#here) [x](https://example.org) [f](../spec/)";
        assert_eq!(found(text), Vec::<String>::new());
        assert_eq!(found("`[a](b)` is how a link is written\n```\n[a](b)\n```\n"), Vec::<String>::new());
    }

    #[test]
    fn links_that_lead_nowhere() {
        assert_eq!(found("x\n[b](b.md)"), ["docs/a.md:2: the link to b.md leads nowhere"]);
        assert_eq!(found("[b](../spec/b.md#three)"), ["docs/a.md:1: spec/b.md has no heading for #three"]);
    }
}
