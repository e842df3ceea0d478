//! The settings as flags of a command: one for each row of the table.

use clap::builder::TypedValueParser as _;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::layers::{Given, Source};
use super::table::{Preset, SECTIONS, SETTINGS, Setting};
use super::value::{Kind, Value};

/// The flags that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    given: Vec<Given>,
}

impl Flags {
    /// What was given, over everything else.
    pub fn given(&self) -> Vec<Given> {
        self.given.clone()
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Flags::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (at, setting) in SETTINGS.iter().enumerate() {
            if matches.value_source(setting.flag) != Some(ValueSource::CommandLine) {
                continue;
            }
            let values = matches.get_many::<Value>(setting.flag).into_iter().flatten().cloned();
            // Of a list, every flag adds to it.
            let joined = values.reduce(|before, value| match (before, value) {
                (Value::List(mut before), Value::List(more)) => {
                    before.extend(more);
                    Value::List(before)
                }
                (_, value) => value,
            });
            self.given.extend(joined.map(|value| Given { setting: at, value, source: Source::Flag(setting.flag) }));
        }
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| command.arg(flag(setting)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args(command)
    }
}

fn flag(setting: &Setting) -> Arg {
    let heading = SECTIONS.iter().find(|(section, _)| *section == setting.section).map(|(_, heading)| *heading);
    let kind = setting.kind;
    let read = move |words: String| kind.read_words(&words);
    let arg = Arg::new(setting.flag)
        .long(setting.flag)
        .help(setting.help)
        .help_heading(heading)
        .value_name(kind.placeholder());
    let arg = if let Kind::OneOf(words) = kind {
        arg.value_parser(clap::builder::PossibleValuesParser::new(words).try_map(read))
    } else {
        arg.value_parser(clap::builder::StringValueParser::new().try_map(read))
    };
    let arg = if matches!(kind, Kind::Origins | Kind::Networks | Kind::SomeOf(_)) {
        arg.action(ArgAction::Append)
    } else if kind == Kind::Bool {
        // `--accounts-registration` alone says yes.
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        arg
    };
    match (setting.default, setting.default()) {
        (Preset::Unset(_) | Preset::List(_), _) | (_, None) => arg,
        (_, Some(value)) => arg.default_value(value.words()),
    }
}
