//! What the person answers to invitations without being asked, by who invites and into what.
//!
//! The rules stand in `rules.toml`, which `docs/applications.md` explains. Whatever is wrong in it is
//! complained about and left out, so that the person is asked.

use hither_proto::agent::rules::decide;
pub use hither_proto::agent::rules::{Answer, Rule};
use hither_wire::{Guid, PersonName};
use toml_edit::Table;

use crate::document::{COMPLAINTS, Complaint, ENTRIES, Fields, ListFile, Problem, Refused, Text, shown};
use crate::paths::Paths;

const KEYS: [&str; 3] = ["who", "app", "answer"];

const HEADER: &str = r#"# What is answered to invitations without asking you. You can edit this file while the agent runs;
# your comments stay. Of several rules that fit, the one with both who and app counts, then the one
# with who; without a rule you are asked.
#
# [[rule]]
# who = "bob@example.org"                         # from whom; left out: from anybody
# app = "{305D86C6-6896-4099-91F5-CB7BA7733563}"  # into what; left out: into anything
# answer = "accept"                               # or "refuse" or "ask"
"#;

/// The rules in order, no two for the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Reads the rules, with what is wrong with the file, at most a hundred complaints. Blocks on the disk.
    pub fn load(paths: &Paths) -> (Rules, Vec<Complaint>) {
        let file = file(paths);
        let (rules, mut complaints) = match file.read() {
            Ok(Some(text)) => {
                let (rules, problems) = rules(&text);
                (rules, problems.into_iter().map(|problem| problem.of(file.path())).collect())
            }
            Ok(None) => Default::default(),
            Err(trouble) => (Vec::new(), vec![trouble.problem().of(file.path())]),
        };
        complaints.extend(file.set_aside());
        complaints.truncate(COMPLAINTS);
        (Rules(rules.into_iter().map(|(_, rule)| rule).collect()), complaints)
    }

    /// What to do about an invitation: as the rule says that names person and application, else the
    /// one that names the person, else the one that names the application; else the person is asked.
    pub fn decide(&self, who: &PersonName, app: &Guid) -> Answer {
        decide(&self.0, Some(who), Some(*app))
    }

    /// All of them, in order.
    pub fn into_rules(self) -> Vec<Rule> {
        self.0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

impl From<Vec<Rule>> for Rules {
    fn from(rules: Vec<Rule>) -> Rules {
        Rules(rules)
    }
}

/// Makes a rule, or changes the one for the same. [`Answer::Ask`] takes it out; where a more general
/// rule would then answer, it says so instead. Blocks on the disk, and on other processes that are
/// writing, at most ten seconds.
///
/// `E_INVALIDARG` for a rule without person and application, `REGDB_E_WRITEREGDB` if the file cannot
/// be written, or is full.
pub fn set(paths: &Paths, rule: Rule) -> Result<(), Refused> {
    let Rule { who, app, answer } = rule;
    if who.is_none() && app.is_none() {
        return Err(Refused::malformed("a rule is for a person, for an application, or for both: name one"));
    }
    let file = file(paths);
    file.edit(|text| {
        let (rules, _) = rules(text);
        let is_same = |other: &Rule| (&other.who, &other.app) == (&who, &app);
        let others = rules.iter().map(|(_, rule)| rule).filter(|other| !is_same(other));
        let general = decide(others, who.as_ref(), app);
        let mut same = numbers(text, is_same);
        if answer == Answer::Ask && general == Answer::Ask {
            return Ok(text.changed(&same, None));
        }
        let first = (!same.is_empty()).then(|| same.remove(0));
        let place = first.and_then(|number| text.entries().nth(number)?.get("answer")?.span());
        if let Some(place) = place {
            return Ok(text.changed(&same, Some((place, quoted(answer)))));
        }
        if text.entries().count() >= ENTRIES {
            return Err(Refused::unwritable(format!(
                "there are {ENTRIES} rules, and no more are taken: take some out"
            )));
        }
        Ok(text.with(&entry(who.as_ref(), app.as_ref(), answer)))
    })
}

fn file(paths: &Paths) -> ListFile {
    ListFile::new(&paths.config, "rules", "rule", HEADER)
}

/// The rules that count, each with its number in the file, and what is wrong with others.
fn rules(text: &Text) -> (Vec<(usize, Rule)>, Vec<Problem>) {
    let mut rules: Vec<(usize, Rule)> = Vec::new();
    let mut problems = text.strangers();
    for (number, table) in text.entries().take(ENTRIES).enumerate() {
        let fields = Fields::new(text, table);
        match read(fields) {
            Ok(rule) => {
                problems.extend(fields.strangers(&KEYS));
                if rules.iter().any(|(_, other)| (&other.who, &other.app) == (&rule.who, &rule.app)) {
                    problems.push(fields.problem("a rule further up is for the same, and counts: keep one"));
                } else {
                    rules.push((number, rule));
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(table) = text.entries().nth(ENTRIES) {
        let what = format!("only {ENTRIES} rules are read: the others from here on do not count");
        problems.push(Fields::new(text, table).problem(what));
    }
    problems.sort_by_key(|problem| problem.line);
    (rules, problems)
}

/// Which entries are such rules.
fn numbers(text: &Text, wanted: impl Fn(&Rule) -> bool) -> Vec<usize> {
    let is = |table: &Table| read(Fields::new(text, table)).is_ok_and(|rule| wanted(&rule));
    text.entries().enumerate().filter(|(_, table)| is(table)).map(|(number, _)| number).collect()
}

fn read(fields: Fields<'_>) -> Result<Rule, Problem> {
    let who = fields.optional("who", |who| {
        PersonName::parse(who).map_err(|error| format!("`{}` is nobody: {error}", shown(who)))
    })?;
    let app = fields
        .optional("app", |app| Guid::parse(app).map_err(|error| format!("`{}` is no GUID: {error}", shown(app))))?;
    let answer = fields.required("answer", |answer| {
        let found = Answer::ALL.into_iter().find(|known| known.name() == answer);
        found.ok_or_else(|| format!("`{}` is no answer: ask, accept and refuse are", shown(answer)))
    })?;
    if who.is_none() && app.is_none() {
        return Err(fields.problem("the rule is for nobody and nothing: add `who`, `app` or both"));
    }
    Ok(Rule { who, app, answer })
}

fn entry(who: Option<&PersonName>, app: Option<&Guid>, answer: Answer) -> String {
    let who = who.map(|who| format!("who = {}\n", toml_edit::Value::from(who.as_str())));
    let app = app.map(|app| format!("app = \"{app}\"\n"));
    format!("[[rule]]\n{}{}answer = {}\n", who.unwrap_or_default(), app.unwrap_or_default(), quoted(answer))
}

fn quoted(answer: Answer) -> String {
    format!("\"{}\"", answer.name())
}
