//! Tests wait for what they expect, not for time to pass.

use super::Finding;
use super::rust::Source;

/// A comment that begins so, on the line or above it, gives the reason for a sleep.
const REASON: &str = "// sleep: ";

/// No test sleeps without a reason.
pub fn check(source: &Source<'_>) -> Vec<Finding> {
    let sleeping = source.code(true).filter(|(_, line)| sleeps(line));
    let unexplained = sleeping.filter(|(number, line)| !explained(line) && !explained(source.line(number - 1)));
    unexplained
        .map(|(number, _)| {
            let advice =
                format!("a test sleeps: await the event or the condition, or give the reason with `{REASON}…`");
            Finding::at(source.path, number, advice)
        })
        .collect()
}

fn sleeps(line: &str) -> bool {
    ["sleep(", "sleep_until("].iter().any(|call| {
        line.match_indices(call).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

fn explained(line: &str) -> bool {
    line.split_once(REASON).is_some_and(|(_, reason)| !reason.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    fn found(path: &str, text: &str) -> usize {
        let file = File::new(path, text);
        check(&Source::read(&file).unwrap()).len()
    }

    #[test]
    fn a_test_that_sleeps_is_found() {
        let call = concat!("std::thread::sl", "eep(TIME);");
        let test = format!("#[cfg(test)]\nmod tests {{\n    fn it() {{\n        {call}\n    }}\n}}\n");
        assert_eq!(found("crates/a/src/lib.rs", &test), 1);
        assert_eq!(found("crates/a/tests/b.rs", &format!("fn it() {{\n    {call}\n}}\n")), 1);
    }

    #[test]
    fn a_reason_and_code_that_is_no_test_are_fine() {
        let call = concat!("sl", "eep(TIME).await;");
        let reason = "// sleep: the clock is paused";
        assert_eq!(found("crates/a/tests/b.rs", &format!("async fn it() {{\n    {reason}\n    {call}\n}}\n")), 0);
        assert_eq!(found("crates/a/tests/b.rs", &format!("async fn it() {{\n    {call} {reason}\n}}\n")), 0);
        assert_eq!(found("crates/a/src/lib.rs", &format!("async fn it() {{\n    {call}\n}}\n")), 0);
        assert_eq!(found("crates/a/tests/b.rs", &format!("async fn it() {{\n    // sleep:\n    {call}\n}}\n")), 1);
        assert_eq!(found("crates/a/tests/b.rs", "fn it() {\n    fell_asleep(1);\n}\n"), 0);
    }
}
