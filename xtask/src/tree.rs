//! The files of the project, as git knows them.

use std::path::Path;

use anyhow::Context as _;

use crate::shell;

/// A text file of the project.
#[derive(Debug)]
pub struct File {
    /// From the workspace's folder, with `/` between the parts.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// A file, as the tests of the rules make it.
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the name ends so.
    pub fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    /// The folder that the file is in, "" for the workspace's own.
    pub fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// Reads every text file that is in git or would be added to it.
pub fn read(root: &Path) -> anyhow::Result<Vec<File>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = shell::output(shell::command(root, "git", &list)).context("the project's files are listed by git")?;
    let mut paths: Vec<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    Ok(paths.into_iter().filter_map(|path| read_text(root, path)).collect())
}

/// `None` for what is no text, and for what was deleted but not yet from git.
fn read_text(root: &Path, path: &str) -> Option<File> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(File { path: path.to_owned(), text })
}
