//! `cargo xtask generate`: the parts of `spec/` that say the same as the code, written from it.
//!
//! And `spec/operator-api.json`, whole, as `hither openapi` prints it.
//!
//! A part stands between two comments, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what is
//! around it is written by hand.

mod numbers;
mod session;

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::shell;

/// What can be asked of `cargo xtask generate`.
#[derive(Clone, Copy, clap::Args)]
pub struct Args {
    /// Change nothing; fail if a generated part is not up to date.
    #[arg(long)]
    pub check: bool,
}

type Part = (&'static str, fn() -> String);

/// Which parts each document has.
const DOCUMENTS: &[(&str, &[Part])] = &[
    ("spec/session.md", &[("policy", session::policy_tables)]),
    (
        "spec/wire.md",
        &[
            ("codes", numbers::codes),
            ("limits", numbers::limits),
            ("settings", numbers::settings),
            ("close codes", numbers::close_codes),
        ],
    ),
];

/// The description of the operator's API. The command prints it: this crate does not carry a service.
const OPERATOR_API: &str = "spec/operator-api.json";

/// Writes what is generated, or says what is out of date.
pub fn run(root: &Path, args: Args) -> anyhow::Result<()> {
    parts(root, args)?;
    let print = ["run", "--quiet", "--package", "hither-cli", "--", "openapi"];
    let description = shell::output(shell::command(root, "cargo", &print)).context("`hither openapi` failed")?;
    let full = root.join(OPERATOR_API);
    write(&full, OPERATOR_API, std::fs::read_to_string(&full).unwrap_or_default().as_str(), &description, args)
}

fn parts(root: &Path, args: Args) -> anyhow::Result<()> {
    for (path, parts) in DOCUMENTS {
        let full = root.join(path);
        let before = std::fs::read_to_string(&full).context(*path)?;
        let mut after = before.clone();
        for (name, write) in *parts {
            after = replace(&after, name, &write()).with_context(|| format!("{path} has no place for `{name}`"))?;
        }
        write(&full, path, &before, &after, args)?;
    }
    Ok(())
}

fn write(full: &Path, path: &str, before: &str, after: &str, args: Args) -> anyhow::Result<()> {
    if before == after {
        return Ok(());
    }
    if args.check {
        bail!("{path} is not what the code says; `cargo xtask generate` writes it anew");
    }
    std::fs::write(full, after).with_context(|| path.to_owned())?;
    println!("{path} is written anew");
    Ok(())
}

/// The text with another part `name`; `None` if it has no place for it.
fn replace(text: &str, name: &str, part: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- generated: {name} -->"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n\n{part}\n{end}{after}"))
}

/// A Markdown table; each row ends with a line break.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text += &line(&head.map(|_| "---".to_owned()));
    for row in rows {
        text += &line(&row);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = "a\n<!-- generated: x -->\nold\n<!-- end of x -->\nb\n";
        let once = replace(text, "x", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- generated: x -->\n\nnew\n\n<!-- end of x -->\nb\n");
        assert_eq!(replace(&once, "x", "new\n").unwrap(), once);
        assert_eq!(replace(text, "y", "new\n"), None);
    }

    #[test]
    fn a_part_that_is_out_of_date_fails_the_check_and_is_written_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("spec")).unwrap();
        for (path, named) in DOCUMENTS {
            let places = named.iter().map(|(name, _)| format!("<!-- generated: {name} -->\n<!-- end of {name} -->\n"));
            std::fs::write(folder.path().join(path), places.collect::<String>()).unwrap();
        }
        assert!(parts(folder.path(), Args { check: true }).is_err());
        parts(folder.path(), Args { check: false }).unwrap();
        parts(folder.path(), Args { check: true }).unwrap();
    }

    #[test]
    fn tables() {
        assert_eq!(table(["a", "b"], [["1".to_owned(), "2".to_owned()]]), "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
