//! Settings as they are shown: as TOML that can be read again, as JSON, and as a table for the
//! documentation.

use std::fmt::Write as _;

use serde_json::json;

use super::layers::{Effective, Entry, Source, Values};
use super::table::{ISSUER, Preset, SECTIONS, SETTINGS, Setting};
use super::value::Value;
use crate::terminal::escape;

/// Longer lines of a comment are broken.
const COLUMNS: usize = 100;

/// TOML with every setting, its sentence and where it comes from.
pub fn toml(settings: &Effective) -> String {
    let mut text = String::new();
    for (section, heading) in SECTIONS {
        let _ = writeln!(text, "# {heading}\n[{section}]");
        for (setting, entry) in settings.settings.iter().filter(|(setting, _)| setting.section == *section) {
            line(&mut text, setting, entry);
        }
        text.push('\n');
    }
    for values in &settings.issuers {
        let _ = writeln!(text, "# An issuer of tokens\n[[issuer]]");
        for (setting, entry) in values.iter() {
            line(&mut text, setting, entry);
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn line(text: &mut String, setting: &Setting, Entry { value, source }: &Entry) {
    comment(text, &sentence(setting));
    let _ = match value {
        Some(value) => writeln!(text, "{} = {value}  # {}", setting.key, from(source)),
        None => writeln!(text, "#{} is not set", setting.key),
    };
}

/// A file to start from: every setting with its default, commented out.
pub fn defaults() -> String {
    let mut text = String::from(
        "# Settings of hither serve. What is commented out has the value that it shows, or, where it says so,\n\
         # none. `hither config check --config FILE` looks for mistakes; SIGHUP reads the file again.\n\n",
    );
    for (section, heading) in SECTIONS {
        let _ = writeln!(text, "# {heading}\n[{section}]");
        for setting in SETTINGS.iter().filter(|setting| setting.section == *section) {
            commented(&mut text, setting);
        }
        text.push('\n');
    }
    text.push_str("# Issuers of tokens: one such list for each\n#[[issuer]]\n");
    for setting in ISSUER {
        commented(&mut text, setting);
    }
    text
}

fn commented(text: &mut String, setting: &Setting) {
    let none = if matches!(setting.default, Preset::Unset(_)) { "; not set by default" } else { "" };
    comment(text, &format!("{}{none}", sentence(setting)));
    let _ = writeln!(text, "#{} = {}", setting.key, setting.example());
}

fn sentence(setting: &Setting) -> String {
    let restart = if setting.live { "" } else { "; takes effect at a restart" };
    format!("{}{restart}", setting.help)
}

fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split(' ') {
        if line.len() + 1 + word.len() > COLUMNS {
            let _ = writeln!(text, "{line}");
            line.replace_range(.., "#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

fn from(source: &Source) -> String {
    match source {
        Source::Default => "default".to_owned(),
        Source::File(file, line, _) => format!("{}:{line}", escape(&file.display().to_string())),
        Source::Variable(_) | Source::Flag(_) => source.to_string(),
    }
}

/// One object for each setting.
pub fn objects(settings: &Effective) -> Vec<serde_json::Value> {
    let object = |setting: &Setting, entry: &Entry| {
        json!({
            "setting": setting.name(),
            "value": entry.value.as_ref().map(Value::json),
            "from": from(&entry.source),
            "live": setting.live,
            "help": setting.help,
        })
    };
    let mut objects: Vec<_> = settings.settings.iter().map(|(setting, entry)| object(setting, entry)).collect();
    for (number, values) in settings.issuers.iter().enumerate() {
        objects.extend(issuer(values).map(|(setting, entry)| {
            let mut object = object(setting, entry);
            if let Some(fields) = object.as_object_mut() {
                fields.insert("issuer".to_owned(), number.into());
            }
            object
        }));
    }
    objects
}

fn issuer(values: &Values) -> impl Iterator<Item = (&'static Setting, &Entry)> {
    values.iter()
}

/// The table of `docs/operating.md`.
pub fn markdown() -> String {
    let mut text = String::new();
    let issuers = [("issuer", "Issuers of tokens: [[issuer]], in the file only")];
    for (section, heading) in SECTIONS.iter().chain(&issuers) {
        let _ =
            writeln!(text, "**{heading}**\n\n| setting | flag | default | what it does |\n| --- | --- | --- | --- |");
        for setting in SETTINGS.iter().chain(ISSUER).filter(|setting| setting.section == *section) {
            let flag = if setting.flag.is_empty() { String::new() } else { format!("`--{}`", setting.flag) };
            let default = setting.default().map_or("none".to_owned(), |value| format!("`{value}`"));
            let restart = if setting.live { "" } else { ". At a restart" };
            let _ = writeln!(text, "| `{}` | {flag} | {default} | {}{restart} |", setting.name(), setting.help);
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}
