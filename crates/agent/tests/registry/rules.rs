//! The rules: which one counts, and the file.

use std::fs;

use hither_agent::rules::{self, Answer, Rule, Rules};
use hither_wire::PersonName;

use super::*;

fn who(name: &str) -> PersonName {
    PersonName::parse(&format!("{name}@example.org")).unwrap()
}

fn rule(name: &str, app: u128, answer: Answer) -> Rule {
    let (who, app) = ((!name.is_empty()).then(|| who(name)), (app > 0).then(|| guid(app)));
    Rule { who, app, answer }
}

fn file(home: &Home) -> PathBuf {
    home.paths.config.join("rules.toml")
}

#[test]
fn the_most_specific_rule_counts() {
    let rules = Rules::from(vec![
        rule("", 1, Answer::Refuse),
        rule("bob", 0, Answer::Accept),
        rule("bob", 2, Answer::Ask),
        rule("eve", 0, Answer::Refuse),
    ]);
    let decide = |name, app| rules.decide(&who(name), &guid(app));
    assert_eq!(decide("bob", 1), Answer::Accept, "the person before the application");
    assert_eq!(decide("bob", 2), Answer::Ask);
    assert_eq!(decide("BOB", 3), Answer::Accept);
    assert_eq!(decide("ann", 1), Answer::Refuse);
    assert_eq!((decide("ann", 2), decide("eve", 2)), (Answer::Ask, Answer::Refuse));
    assert_eq!(Rules::default().decide(&who("bob"), &guid(1)), Answer::Ask);
}

#[test]
fn rules_are_made_changed_and_taken_out_and_comments_stay() {
    let home = Home::new();
    let set = |rule| rules::set(&home.paths, rule).unwrap();
    let load = || {
        let (rules, complaints) = Rules::load(&home.paths);
        assert_eq!(complaints, []);
        rules.iter().cloned().collect::<Vec<_>>()
    };
    set(rule("bob", 0, Answer::Ask));
    assert!(!file(&home).exists(), "nothing to say");
    set(rule("bob", 0, Answer::Accept));
    assert!(fs::read_to_string(file(&home)).unwrap().starts_with("# What is answered"));
    let by_hand = format!(
        "# Bob\n[[rule]]\nanswer = 'accept' # mine\nwho = \"Bob@example.org\"\n\n[[rule]]\napp = '{}'\nanswer = 'refuse'\n",
        guid(1)
    );
    fs::write(file(&home), &by_hand).unwrap();
    set(rule("bob", 0, Answer::Refuse));
    assert_eq!(fs::read_to_string(file(&home)).unwrap(), by_hand.replace("'accept'", "\"refuse\""));
    assert_eq!(load(), [rule("bob", 0, Answer::Refuse), rule("", 1, Answer::Refuse)]);
    set(rule("bob", 0, Answer::Ask));
    assert_eq!(load(), [rule("", 1, Answer::Refuse)]);
    // To be asked of one person although the application's rule says otherwise must be written down.
    set(rule("ann", 1, Answer::Ask));
    assert_eq!(load(), [rule("", 1, Answer::Refuse), rule("ann", 1, Answer::Ask)]);
    set(rule("", 1, Answer::Ask));
    set(rule("ann", 1, Answer::Ask));
    assert_eq!(load(), []);
    assert!(fs::read_to_string(file(&home)).unwrap().starts_with("# Bob\n"));
}

#[test]
fn what_is_wrong_is_left_out_and_the_person_asked() {
    let home = Home::new();
    fs::create_dir_all(&home.paths.config).unwrap();
    let fine = "[[rule]]\nwho = 'bob@example.org'\nanswer = 'accept'\n";
    for (wrong, line, what) in [
        ("[[rule]]\nanswer = 'accept'\n", 5, "for nobody and nothing"),
        ("[[rule]]\nwho = 'bob'\nanswer = 'accept'\n", 6, "`bob` is nobody"),
        ("[[rule]]\napp = 'chess'\nanswer = 'accept'\n", 6, "no GUID"),
        ("[[rule]]\nwho = 'eve@x'\nanswer = 'yes'\n", 7, "`yes` is no answer"),
        ("[[rule]]\nwho = 'eve@x'\n", 5, "`answer` is missing"),
        ("[[rule]]\nwho = ['eve@x']\nanswer = 'accept'\n", 6, "must be a text"),
        ("[[rule]]\nanswer = 'refuse'\nwho = 'BOB@example.org'\n", 5, "counts: keep one"),
        ("[[rules]]\nwho = 'eve@x'\n", 5, "`rules` means nothing here"),
    ] {
        fs::write(file(&home), format!("{fine}\n{wrong}")).unwrap();
        let (rules, complaints) = Rules::load(&home.paths);
        assert_eq!(rules.iter().cloned().collect::<Vec<_>>(), [rule("bob", 0, Answer::Accept)], "{wrong}");
        assert!(complaints.len() == 1 && complaints[0].what.contains(what), "{complaints:?}");
        assert_eq!(complaints[0].line, Some(line), "{wrong}");
    }
    fs::write(file(&home), "damaged").unwrap();
    let (rules, complaints) = Rules::load(&home.paths);
    assert_eq!((rules, complaints.len()), (Rules::default(), 1));
    rules::set(&home.paths, rule("ann", 0, Answer::Refuse)).unwrap();
    assert_eq!(fs::read_to_string(home.paths.config.join("rules.toml.damaged-1")).unwrap(), "damaged");
    assert_eq!(Rules::load(&home.paths).0.decide(&who("ann"), &guid(1)), Answer::Refuse);
}

#[test]
fn what_is_refused() {
    let home = Home::new();
    assert_eq!(rules::set(&home.paths, rule("", 0, Answer::Accept)).unwrap_err().code, Code::E_INVALIDARG);
    fs::create_dir_all(&home.paths.config).unwrap();
    let many: Vec<String> = (0..1000).map(|n| format!("[[rule]]\nwho = '{n}@x'\nanswer = 'ask'\n")).collect();
    fs::write(file(&home), many.concat()).unwrap();
    let full = rules::set(&home.paths, rule("ann", 0, Answer::Accept)).unwrap_err();
    assert_eq!(full.code, Code::REGDB_E_WRITEREGDB);
    let change = Rule { who: PersonName::parse("7@x").ok(), app: None, answer: Answer::Accept };
    rules::set(&home.paths, change.clone()).unwrap();
    assert_eq!(Rules::load(&home.paths).0.iter().nth(7), Some(&change));
    fs::remove_dir_all(&home.paths.config).unwrap();
    fs::write(&home.paths.config, "").unwrap();
    let unwritable = rules::set(&home.paths, rule("ann", 0, Answer::Accept)).unwrap_err();
    assert_eq!(unwritable.code, Code::REGDB_E_WRITEREGDB);
}
