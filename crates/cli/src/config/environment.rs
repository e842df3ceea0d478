//! The settings that stand in the environment, as `HITHER_SECTION_KEY`.

use std::ffi::OsString;

use super::layers::{Finding, Given, Source};
use super::suggest::{did_you_mean, nearest};
use super::table::{ISSUER_LIST, SECTIONS, SETTINGS};

const PREFIX: &str = "HITHER_";
/// What every command understands; for the service it is `service.log`.
const LOG: &str = "HITHER_LOG";
/// Variables that Kubernetes sets for a service of its own that is called `hither`, or `hither-…`.
const FOREIGN: &[&str] = &["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];
const FOREIGN_PARTS: &[&str] = &["_SERVICE_PORT_", "_PORT_"];

/// Reads the variables. Those of the project that are no settings are passed over.
pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> (Vec<Given>, Vec<Finding>) {
    let (mut given, mut findings) = (Vec::new(), Vec::new());
    let mut ours: Vec<(String, OsString)> = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    // The more special comes last, and counts.
    ours.sort_by_key(|(name, _)| (name != LOG, name.clone()));
    for (name, value) in ours {
        let source = Source::Variable(name.clone());
        let wanted = if name == LOG { "HITHER_SERVICE_LOG" } else { &name };
        let found = SETTINGS.iter().position(|setting| setting.variable() == wanted);
        let Some((at, setting)) = found.and_then(|at| Some((at, SETTINGS.get(at)?))) else {
            findings.extend(unknown(&name).map(|what| Finding::error(&source, what)));
            continue;
        };
        let Some(words) = value.to_str() else {
            findings.push(Finding::error(&source, "its value is not UTF-8"));
            continue;
        };
        match setting.kind.read_words(words) {
            Ok(value) => given.push(Given { setting: at, value, source }),
            Err(why) => findings.push(Finding::error(&source, why)),
        }
    }
    (given, findings)
}

/// What is wrong with a variable that is no setting; nothing if it need not be one.
fn unknown(name: &str) -> Option<String> {
    let rest = name.strip_prefix(PREFIX)?;
    let foreign = name == "HITHER_SERVICE_HOST"
        || FOREIGN.iter().any(|end| name.ends_with(end))
        || FOREIGN_PARTS.iter().any(|part| name.contains(part));
    if foreign {
        return None;
    }
    if rest.starts_with("ISSUER_") {
        return Some(format!("issuers stand in the configuration file, each as [[{ISSUER_LIST}]]"));
    }
    let variables: Vec<String> = SETTINGS.iter().map(super::table::Setting::variable).collect();
    let names = || variables.iter().map(String::as_str);
    let section = SECTIONS
        .iter()
        .any(|(section, _)| rest.strip_prefix(&section.to_ascii_uppercase()).is_some_and(|key| key.starts_with('_')));
    // A variable with a mistyped section is meant as a setting too.
    if section || nearest(name, names()).is_some_and(|near| strsim::damerau_levenshtein(name, near) <= 2) {
        return Some(format!("this is no setting{}", did_you_mean(name, names())));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::value::Value;

    fn read_all(variables: &[(&str, &str)]) -> (Vec<Given>, Vec<String>) {
        let (given, findings) = read(variables.iter().map(|(name, value)| (name.into(), value.into())));
        (given, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_setting_has_its_variable() {
        for (at, setting) in SETTINGS.iter().enumerate() {
            let value = setting
                .default()
                .unwrap_or_else(|| setting.kind.read_words(&setting.example().replace('"', "")).unwrap());
            let (given, findings) = read_all(&[(&setting.variable(), &value.words())]);
            assert_eq!(findings, [""; 0], "{}", setting.name());
            assert_eq!(given, [Given { setting: at, value, source: Source::Variable(setting.variable()) }]);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value, says) in [
            ("HITHER_TIMES_RNG", "5", "HITHER_TIMES_RNG: this is no setting (did you mean HITHER_TIMES_RING?)"),
            ("HITHER_TIME_RING", "5", "HITHER_TIME_RING: this is no setting (did you mean HITHER_TIMES_RING?)"),
            (
                "HITHER_TIMES_RING",
                "soon",
                "HITHER_TIMES_RING: a number of seconds from 1 to 31536000 is needed, not \"soon\"",
            ),
            (
                "HITHER_ISSUER_NAME",
                "a",
                "HITHER_ISSUER_NAME: issuers stand in the configuration file, each as [[issuer]]",
            ),
            (
                "HITHER_LOG",
                "a=b=c",
                "HITHER_LOG: a level (error, warn, info, debug, trace) or a filter (warn,hither_service=debug) is needed, not \"a=b=c\"",
            ),
        ] {
            assert_eq!(read_all(&[(name, value)]), (Vec::new(), vec![says.to_owned()]));
        }
    }

    #[test]
    fn other_variables_are_let_be() {
        let others = [
            "HITHER_HOME",
            "HITHER_SOCKET",
            "HITHER_KEYRING",
            "HITHER_CONFIG",
            "HITHER_CA_FILE",
            "HITHER_TEST_PYTHON",
            "HITHER_TEST_NGINX",
            "HITHER_REQUIRE_DESKTOP",
            "HITHER_SESSION",
            "HITHER_LAUNCH",
            "HITHER_BENCH_IDLE",
            "TIMES_RING",
            "PATH",
            "HITHER_SERVICE_HOST",
            "HITHER_SERVICE_PORT",
            "HITHER_SERVICE_PORT_WSS",
            "HITHER_PORT",
            "HITHER_PORT_4000_TCP",
            "HITHER_ADMIN_SERVICE_HOST",
            "HITHER_ADMIN_PORT_4001_TCP_ADDR",
        ];
        assert_eq!(read_all(&others.map(|name| (name, "anything"))), (Vec::new(), Vec::new()));
    }

    #[test]
    fn the_variable_of_all_commands_is_the_weaker_one() {
        let (given, _) = read_all(&[("HITHER_SERVICE_LOG", "warn"), ("HITHER_LOG", "debug")]);
        assert_eq!(given.last().map(|given| &given.value), Some(&Value::Text("warn".to_owned())));
    }
}
