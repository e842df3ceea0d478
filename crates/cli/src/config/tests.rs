//! Every layer, every setting, every way to get one wrong; and what is printed can be read again.

use std::path::Path;

use clap::Parser;
use proptest::prelude::*;

use super::layers::Entry;
use super::table::{ISSUER, Preset, SETTINGS, Setting};
use super::value::{Kind, Value};
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

fn flags(arguments: &[&str]) -> Flags {
    Line::try_parse_from([&["serve"], arguments].concat()).map(|line| line.flags).unwrap()
}

fn parsed(text: &str) -> (Effective, Vec<String>) {
    let said = file::parse(Path::new("/etc/hither.toml"), text);
    let mut settings = Effective::defaults();
    settings.settings.put(said.given);
    settings.issuers = said.issuers;
    (settings, said.findings.iter().map(ToString::to_string).collect())
}

fn right(text: &str) -> Effective {
    let (settings, findings) = parsed(text);
    assert_eq!(findings, [""; 0], "{text}");
    settings
}

/// The values without where they come from.
fn values(settings: &Effective) -> Vec<(String, Option<Value>)> {
    let all = |values: &layers::Values| -> Vec<(String, Option<Value>)> {
        values.iter().map(|(setting, Entry { value, .. })| (setting.name(), value.clone())).collect()
    };
    [vec![all(&settings.settings)], settings.issuers.iter().map(all).collect()].concat().concat()
}

/// A value that is not the default.
fn other(setting: &Setting) -> Value {
    match (setting.kind, setting.default()) {
        (Kind::Bool, Some(Value::Bool(bool))) => Value::Bool(!bool),
        (Kind::Number(least, ..), Some(Value::Number(number))) => Value::Number(number.max(least) + 1),
        (Kind::OneOf(words), Some(Value::Text(before))) => {
            Value::Text((*words.iter().find(|word| **word != before).unwrap()).to_owned())
        }
        (Kind::SomeOf(words), _) => Value::List(vec![words[0].to_owned()]),
        (Kind::Origins, _) => Value::List(vec!["https://a.example".to_owned(), "https://b.example:80".to_owned()]),
        (Kind::Networks, _) => Value::List(vec!["127.0.0.1".to_owned(), "10.0.0.0/8".to_owned()]),
        (Kind::Address, _) => Value::Text("[::1]:7777".to_owned()),
        (Kind::Filter, _) => Value::Text("trace".to_owned()),
        (Kind::Url, _) => Value::Text("https://keys.example/jwks".to_owned()),
        (Kind::File | Kind::Folder, _) => Value::Text("/somewhere/else \"quoted\" 'too' \\ ü".to_owned()),
        (Kind::Text, _) => Value::Text("some words".to_owned()),
        (Kind::Domain, _) => Value::Text("club.example".to_owned()),
        (kind, default) => panic!("{kind:?} {default:?}"),
    }
}

#[test]
fn without_anything_the_defaults_are_those_of_the_service() {
    let configured = Configured::of(&Effective::defaults());
    let service = hither_service::ServiceConfig::new(([127, 0, 0, 1], 4000).into(), PathBuf::new());
    assert_eq!(format!("{:?}", configured.service), format!("{service:?}"));
    assert_eq!((configured.log.as_str(), configured.drain_ms), ("info", 0));
    assert!(
        configured.service.lock.is_none() && configured.service.admin.is_none() && configured.service.audit.is_none()
    );
    assert!(configured.service.issuers.is_empty() && configured.service.passwords && !configured.service.registration);
}

/// What is needed for a setting to count for anything.
const ON: &str = "[lock]\nenabled = true\n[admin]\nlisten = \"127.0.0.1:1\"\ncertificate = \"/c\"\nkey = \"/k\"\n\
    [tls]\ncertificate = \"/c\"\nkey = \"/k\"\n";

#[test]
fn every_setting_counts() {
    for (at, setting) in SETTINGS.iter().enumerate() {
        let before = if setting.key == "enabled" { Effective::defaults() } else { right(ON) };
        let mut after = before.clone();
        after.settings.put([layers::Given { setting: at, value: other(setting), source: Source::Default }]);
        let differs = format!("{:?}", Configured::of(&before)) != format!("{:?}", Configured::of(&after));
        assert!(differs, "{} changes nothing", setting.name());
    }
}

#[test]
fn every_setting_of_an_issuer_counts() {
    let whole = "[[issuer]]\nname = \"a\"\nissuer = \"b\"\naudience = \"c\"\nkeys_file = \"/d\"\n";
    let before = right(whole);
    for (at, setting) in ISSUER.iter().enumerate() {
        let mut after = before.clone();
        let given = layers::Given { setting: at, value: other(setting), source: Source::Default };
        after.issuers[0].put([given]);
        let differs = format!("{:?}", Configured::of(&before).service.issuers)
            != format!("{:?}", Configured::of(&after).service.issuers);
        // Keys in a file are preferred to those behind a URL; both are refused by the checks.
        assert!(differs || setting.key == "jwks_url", "{} changes nothing", setting.name());
    }
}

#[test]
fn every_setting_has_its_flag() {
    for (at, setting) in SETTINGS.iter().enumerate() {
        let value = other(setting);
        let given = flags(&[&format!("--{}={}", setting.flag, value.words())]).given();
        assert_eq!(given, [layers::Given { setting: at, value, source: Source::Flag(setting.flag) }]);
    }
    assert_eq!(flags(&[]), Flags::default(), "a default is no flag");
}

#[test]
fn flags_as_they_always_were() {
    let line = [
        "--listen 127.0.0.1:0 --data ./data --operations 127.0.0.1:1 --log debug",
        "--invitations anyone --origin https://a --origin https://b --ring 1 --connect 2 --longest 3 --grace 4",
        "--sign-in 5 --keepalive 6 --connections 7 --connections-per-address 8 --unsent-bytes 9",
        "--events-pending 10 --devices-per-person 11 --sessions-per-person 12 --ringing-per-pair 13",
        "--invitations-per-minute 61 --failures-per-address 14 --failures-per-name 15",
        "--frame-bytes 16385 --unread 16 --token-days 17 --tokens-per-account 18",
    ]
    .join(" ");
    let mut settings = Effective::defaults();
    settings.settings.put(flags(&line.split(' ').collect::<Vec<_>>()).given());
    let configured = Configured::of(&settings);
    let (config, machine) = (&configured.service, &configured.service.machine);
    assert_eq!((config.listen.port(), config.data.as_path()), (0, Path::new("./data")));
    assert_eq!((machine.ring_ms, machine.connect_ms, machine.longest_ms), (1000, 2000, 3000));
    assert_eq!((machine.grace_ms, machine.sign_in_ms, machine.keepalive_ms), (4000, 5000, 6000));
    assert_eq!((config.connections, config.connections_per_address, config.unsent_bytes), (7, 8, 9));
    assert_eq!((machine.events_pending, machine.devices_per_person, machine.sessions_per_person), (10, 11, 12));
    assert_eq!((machine.ringing_per_pair, machine.invitations_per_minute), (13, 61));
    assert_eq!((machine.frame_bytes, config.unread_ms), (16_385, 16_000));
    assert_eq!((config.token_days, config.tokens_per_account), (17, 18));
    assert_eq!((config.failures_per_address.burst, config.failures_per_name.burst), (14, 15));
    assert_eq!((machine.invitations, config.origins.len()), (hither::InvitationsFrom::Anyone, 2));
    assert_eq!(configured.log, "debug");
    for wrong in [["--ring", "0"], ["--ring", "31536001"], ["--invitations-per-minute", "59"], ["--connections", "0"]] {
        assert!(Line::try_parse_from([&["serve"], &wrong[..]].concat()).is_err(), "{wrong:?}");
    }
    assert_eq!(flags(&["--accounts-registration"]), flags(&["--accounts-registration=true"]));
}

#[test]
fn one_layer_over_the_other() {
    let ring = |layers: [bool; 3]| {
        let mut settings = Effective::defaults();
        let [in_file, in_environment, as_flag] = layers;
        if in_file {
            settings.settings.put(file::parse(Path::new("/etc/hither.toml"), "[times]\n\nring = 1").given);
        }
        if in_environment {
            settings.settings.put(environment::read([("HITHER_TIMES_RING".into(), "2".into())]).0);
        }
        if as_flag {
            settings.settings.put(flags(&["--ring", "3"]).given());
        }
        (settings.number("times", "ring"), settings.source("times", "ring").to_string())
    };
    for (layers, value, source) in [
        ([false, false, false], 60, "default"),
        ([true, false, false], 1, "/etc/hither.toml:3:8"),
        ([true, true, false], 2, "HITHER_TIMES_RING"),
        ([false, true, false], 2, "HITHER_TIMES_RING"),
        ([true, true, true], 3, "--ring"),
        ([true, false, true], 3, "--ring"),
    ] {
        assert_eq!(ring(layers), (value, source.to_owned()), "{layers:?}");
    }
}

#[test]
fn what_is_wrong_in_a_file_is_named_with_its_place_and_the_nearest_right_name() {
    for (text, says) in [
        ("[times]\nrnig = 5", "2:1: there is no setting times.rnig (did you mean ring?)"),
        (
            "[times]\n  ring = \"soon\"",
            "2:10: times.ring: a number of seconds from 1 to 31536000 is needed, not \"soon\"",
        ),
        ("[times]\nring = 0", "2:8: times.ring: a number of seconds from 1 to 31536000 is needed, not 0"),
        ("[times]\nring = -1", "2:8: times.ring: a number of seconds from 1 to 31536000 is needed, not -1"),
        ("[times]\nring = 1.5", "2:8: times.ring: a number of seconds from 1 to 31536000 is needed, not 1.5"),
        ("[tmes]\nring = 5", "1:2: there is no section tmes (did you mean [times]?)"),
        ("[[issuers]]", "1:3: there is no section issuers (did you mean [[issuer]]?)"),
        ("ring = 5", "1:1: ring stands in no section: put it below [times]"),
        ("[limits]\nring = 5", "2:1: there is no setting limits.ring (did you mean ring below [times]?)"),
        ("[admin]\ntoken = \"x\"", "2:1: there is no setting admin.token (did you mean token_file?)"),
        ("times = 5", "1:1: [times] is a section: its settings stand below it"),
        ("[issuer]\nname = \"a\"", "1:2: issuers are a list: each begins with a line [[issuer]]"),
        ("[[issuer]]\niss = \"a\"", "2:1: there is no setting issuer.iss (did you mean issuer?)"),
        (
            "[service]\nlisten = \"4000\"",
            "2:10: service.listen: an IP address with a port (127.0.0.1:4000 or [::]:4000) is needed, not \"4000\"",
        ),
        (
            "[service]\norigins = \"*\"",
            "2:11: service.origins: a list of origins (https://play.example.org) or \"*\" is needed, not \"*\"",
        ),
        (
            "[service]\ninvitations = \"all\"",
            "2:15: service.invitations: \"contacts\" or \"anyone\" is needed, not \"all\"",
        ),
        (
            "[service]\nlog = 5",
            "2:7: service.log: a level (error, warn, info, debug, trace) or a filter (warn,hither_service=debug) is needed, not 5",
        ),
        ("[service]\ndata = \"a\\u001b[31m\"", "2:8: service.data: a folder is needed, not"),
        ("[times]\nring = ", "2:8: this is not TOML"),
        ("[times]\nring = 5\nring = 6", "3:1: this is not TOML"),
        ("ü = 1", "1:1: this is not TOML"),
        ("[times]\n\"\\u001b[31m\" = 1", "2:1: there is no setting times.\\u{1b}[31m"),
        ("times.rnig = 1", "1:7: there is no setting times.rnig (did you mean ring?)"),
        ("times = { ring = \"x\" }", "1:18: times.ring: a number of seconds"),
    ] {
        let (_, findings) = parsed(text);
        let [finding] = &findings[..] else { panic!("{text}: {findings:?}") };
        assert!(finding.starts_with(&format!("/etc/hither.toml:{says}")), "{text}: {finding}");
    }
}

#[test]
fn everything_that_is_wrong_is_found_at_once() {
    let (settings, findings) = parsed("[times]\nring = 0\ngrace = 5\nconect = 1\n[nothing]\n[limits]\nunread = []\n");
    assert_eq!(findings.len(), 4, "{findings:?}");
    assert_eq!(settings.number("times", "grace"), 5);
    let many = (0..1_000).fold("[times]\n".to_owned(), |text, n| format!("{text}x{n} = 1\n"));
    assert_eq!(parsed(&many).1.len(), 100);
}

#[test]
fn paths_in_a_file_begin_at_its_folder() {
    let settings = right("[service]\ndata = \"data\"\n[audit]\nfile = \"-\"\n[[issuer]]\nkeys_file = \"../keys\"");
    assert_eq!(settings.text("service", "data").as_deref(), Some("/etc/data"));
    assert_eq!(settings.text("audit", "file").as_deref(), Some("-"));
    assert_eq!(settings.issuers[0].text("keys_file").as_deref(), Some("/etc/../keys"));
}

#[test]
fn a_file_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hither.toml");
    let says = |part: &str| {
        let findings = file::read(&path).findings;
        assert!(findings.len() == 1 && findings[0].to_string().contains(part), "{part}: {findings:?}");
    };
    says("No such file");
    std::fs::write(&path, b"[times]\nring = \xff").unwrap();
    says("not UTF-8 (line 2)");
    std::fs::write(&path, "#".repeat(2 * 1024 * 1024)).unwrap();
    says("longer than");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    says("directory");
}

#[test]
fn the_defaults_are_a_file_to_start_from() {
    let text = print::defaults();
    assert_eq!(values(&right(&text)), values(&Effective::defaults()));
    // With every `#` before a default taken away, too; what is not set is an example.
    let shown: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let settings = right(&shown);
    for (setting, Entry { value, .. }) in settings.settings.iter().chain(settings.issuers[0].iter()) {
        let expected = match setting.default {
            Preset::Unset(example) => Some(Value::Text(example.to_owned())),
            Preset::Bool(_)
            | Preset::Number(_)
            | Preset::Text(_)
            | Preset::List(_)
            | Preset::Service(_)
            | Preset::Machine(_) => setting.default(),
        };
        assert_eq!(*value, expected, "{}", setting.name());
    }
}

#[test]
fn the_documentation_has_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("<!-- settings -->\n").unwrap();
    let (table, _) = rest.split_once("<!-- end of settings -->").unwrap();
    assert_eq!(
        table.trim(),
        print::markdown().trim(),
        "docs/operating.md: put the output of `hither config print --markdown` between the marks"
    );
}

fn any_value(setting: &'static Setting) -> BoxedStrategy<Value> {
    match setting.kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Number(least, most, _) => (least..=most).prop_map(Value::Number).boxed(),
        Kind::OneOf(words) => prop::sample::select(words).prop_map(|word| Value::Text(word.to_owned())).boxed(),
        Kind::SomeOf(words) => prop::sample::subsequence(words, 1..=words.len())
            .prop_map(|list| Value::List(list.into_iter().map(str::to_owned).collect()))
            .boxed(),
        Kind::Origins => {
            prop::collection::vec("https?://[a-z.]{1,20}(:[0-9]{1,4})?", 0..4).prop_map(Value::List).boxed()
        }
        Kind::Networks => prop::collection::vec(any::<(std::net::IpAddr, bool)>(), 0..4)
            .prop_map(|list| {
                let text = |(address, net): (std::net::IpAddr, bool)| {
                    if net { format!("{address}/8") } else { address.to_string() }
                };
                Value::List(list.into_iter().map(text).collect())
            })
            .boxed(),
        Kind::Address => any::<std::net::SocketAddrV6>()
            .prop_map(|address| {
                Value::Text(std::net::SocketAddrV6::new(*address.ip(), address.port(), 0, 0).to_string())
            })
            .boxed(),
        Kind::Filter => prop::sample::select(&["info", "warn,hither_service=debug", "off"][..])
            .prop_map(|text| Value::Text(text.to_owned()))
            .boxed(),
        Kind::Domain => "[a-z]{1,9}\\.[a-z]{2,9}".prop_map(Value::Text).boxed(),
        Kind::Url => "https://[a-z]{1,9}/[a-z]{0,9}".prop_map(Value::Text).boxed(),
        Kind::File | Kind::Folder => "/[^\\p{C}\\p{Z}\u{2000}-\u{206f}]{1,30}".prop_map(Value::Text).boxed(),
        Kind::Text => "[^\\p{C}\\p{Z}\u{2000}-\u{206f}]{1,30}".prop_map(Value::Text).boxed(),
    }
}

fn any_values(table: &'static [Setting]) -> impl Strategy<Value = Vec<Option<Value>>> {
    table.iter().map(|setting| prop::option::of(any_value(setting))).collect::<Vec<_>>()
}

fn given(values: Vec<Option<Value>>) -> impl Iterator<Item = layers::Given> {
    let given = |(setting, value): (usize, Option<Value>)| {
        value.map(|value| layers::Given { setting, value, source: Source::Default })
    };
    values.into_iter().enumerate().filter_map(given)
}

proptest! {
    #[test]
    fn what_is_printed_can_be_read_again(
        settings in any_values(SETTINGS),
        issuers in prop::collection::vec(any_values(ISSUER), 0..3),
    ) {
        let mut effective = Effective::defaults();
        effective.settings.put(given(settings));
        for issuer in issuers {
            let mut values = Effective::issuer();
            values.put(given(issuer));
            effective.issuers.push(values);
        }
        let (again, findings) = parsed(&print::toml(&effective));
        prop_assert_eq!(findings, vec![""; 0]);
        prop_assert_eq!(values(&again), values(&effective));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(\\[{0,2}(times|limits|issuer|tls)\\]{0,2}\n)?([a-z_]{0,8}[ =\"'\\[{]{0,4}[0-9a-z.\\p{L}\n]{0,9}){0,9}") {
        let (_, findings) = parsed(&text);
        for finding in findings {
            prop_assert!(finding.starts_with("/etc/hither.toml:") && !finding.contains('\n'), "{}", finding);
        }
    }
}
