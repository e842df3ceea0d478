//! The first help: commands in groups. And errors that show what was typed, harmlessly.

use std::env;
use std::fmt::Write as _;
use std::process::exit;

use clap::{CommandFactory as _, Error, FromArgMatches as _};

use super::Command;
use crate::terminal::escape;

/// What a newcomer needs comes first.
const GROUPS: &[(&str, &[&str])] = &[
    ("Begin", &["sign-in", "sign-up", "agent", "invite", "accept", "doctor", "demo"]),
    ("Invitations and sessions", &["decline", "ignore", "get", "cancel", "sessions", "watch", "open"]),
    ("People", &["contacts", "contact", "status", "policy"]),
    ("Your account", &["devices", "password", "sign-out"]),
    ("Applications", &["app"]),
    (
        "A service, and other clients",
        &["serve", "config", "account", "key", "backup", "health", "console", "openapi", "version"],
    ),
];

/// Reads the command line. Help and errors end the process, as a parser's do.
pub fn parse() -> Command {
    let mut command = grouped(Command::command());
    let parsed = command.try_get_matches_from_mut(env::args_os());
    match parsed.and_then(|matches| Command::from_arg_matches(&matches)) {
        Ok(command) => command,
        Err(error) => refuse(&error),
    }
}

fn grouped(command: clap::Command) -> clap::Command {
    let header = *command.get_styles().get_header();
    let name = *command.get_styles().get_literal();
    let mut groups = String::new();
    for (title, members) in GROUPS {
        let _ = writeln!(groups, "{header}{title}:{header:#}");
        for member in members.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = member.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(groups, "  {name}{:<10}{name:#} {about}", member.get_name());
        }
        groups.push('\n');
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{groups}{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

/// What was typed may have come from somewhere else: it is shown without what steers a terminal.
#[expect(clippy::print_stderr, reason = "where the parser's own errors go")]
fn refuse(error: &Error) -> ! {
    let harmless = env::args_os().all(|arg| {
        let arg = arg.to_string_lossy();
        escape(&arg) == arg
    });
    if harmless || !error.use_stderr() {
        error.exit();
    }
    for line in error.render().ansi().to_string().lines() {
        eprintln!("{}", escape(line));
    }
    exit(2)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, members)| members.iter().copied()).collect();
        let command = Command::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let shown: BTreeSet<&str> = shown.map(clap::Command::get_name).collect();
        assert_eq!(grouped.iter().copied().collect::<BTreeSet<_>>(), shown);
        assert_eq!(grouped.len(), shown.len(), "none twice");
    }

    #[test]
    fn a_newcomer_finds_signing_in_first() {
        let help = grouped(Command::command()).render_help().to_string();
        let places: Vec<usize> = ["sign-in ", "agent ", "invite ", "accept ", "serve ", "New here?"]
            .iter()
            .map(|part| help.find(&format!("\n  {part}")).or_else(|| help.find(part)).unwrap())
            .collect();
        assert!(places.is_sorted(), "{help}");
        assert!(!help.contains("demo-player"), "{help}");
    }

    /// A person has to be able to copy an example: the help does not wrap it.
    fn fits(command: &clap::Command) {
        const COLUMNS: usize = 100;
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  ")) {
            assert!(line.chars().count() <= COLUMNS, "{}: {line}", command.get_name());
        }
        command.get_subcommands().for_each(fits);
    }

    #[test]
    fn no_example_is_wrapped() {
        fits(&Command::command());
    }

    #[test]
    fn the_parser_is_sound() {
        grouped(Command::command()).debug_assert();
    }
}
