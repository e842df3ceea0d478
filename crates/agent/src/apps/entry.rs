//! One application as it stands in a file.

use std::fmt::Write as _;

use hither_wire::local::Mode;
use toml_edit::{Array, Value};

use super::{App, Origin, command, limits};
use crate::document::{Fields, Problem, shown};

const KEYS: [&str; 6] = ["guid", "name", "url", "program", "args", "mode"];

/// Reads an entry, with what can be said against it while it counts.
pub fn read(fields: Fields<'_>, origin: Origin) -> Result<(App, Vec<Problem>), Problem> {
    let guid = fields.required("guid", limits::guid)?;
    let name = fields.required("name", |name| limits::name(name).map(|()| name.to_owned()))?;
    let url = fields.optional("url", |url| limits::url(url).map(|()| url.to_owned()))?.unwrap_or_default();
    let args = fields.texts("args")?;
    let program = fields.required("program", |program| command::check(program, &args).map(|()| program.into()))?;
    let mode = fields.optional("mode", mode)?.unwrap_or_default();
    let remarks = fields.strangers(&KEYS);
    Ok((App { guid, name, url, mode, program, args, origin }, remarks))
}

/// An entry for the person's file.
pub fn write(app: &App) -> String {
    let App { guid, name, url, mode, program, args, origin: _ } = app;
    let text = |text: &str| Value::from(text).to_string();
    let program = text(&program.to_string_lossy());
    let mut entry = format!("[[application]]\nguid = \"{guid}\"\nname = {}\n", text(name));
    if !url.is_empty() {
        let _ = writeln!(entry, "url = {}", text(url));
    }
    let _ = writeln!(entry, "program = {program}");
    if !args.is_empty() {
        let args: Array = args.iter().map(String::as_str).collect();
        let _ = writeln!(entry, "args = {}", Value::from(args));
    }
    if *mode != Mode::default() {
        let _ = writeln!(entry, "mode = \"{}\"", word(*mode));
    }
    entry
}

fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Session => "session",
        Mode::LaunchOnly => "launch-only",
        Mode::Tunnelled => "tunnelled",
    }
}

fn mode(given: &str) -> Result<Mode, String> {
    let all = [Mode::Session, Mode::LaunchOnly, Mode::Tunnelled];
    let found = all.into_iter().find(|mode| word(*mode) == given);
    found.ok_or_else(|| format!("`{}` is no mode: session, launch-only and tunnelled are", shown(given)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use crate::document::Text;
    use hither_wire::Guid;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            guid: u128,
            name in "[^\\pC]{1,40}",
            program in "/[^\\pC]{0,40}",
            args in proptest::collection::vec("[^\\pC]{0,12}", 0..5),
            mode in prop::sample::select(vec![Mode::Session, Mode::LaunchOnly, Mode::Tunnelled]),
        ) {
            prop_assume!(!name.trim().is_empty());
            let url = String::from("https://example.org/'\"");
            let program = program.into();
            let app = App { guid: Guid(guid), name, url, mode, program, args, origin: Origin::User };
            let text = Text::parse(write(&app), Some("application")).unwrap();
            let table = text.entries().next().unwrap();
            prop_assert_eq!(read(Fields::new(&text, table), Origin::User), Ok((app, vec![])));
        }
    }
}
