//! The README says what is so.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The fenced blocks of a language, in order.
fn blocks(markdown: &str, language: &str) -> Vec<String> {
    markdown
        .split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0.to_owned())
        .collect()
}

#[test]
fn the_program_is_the_example() {
    let block = &blocks(&read("README.md"), "rust")[0];
    let example = read("examples/invite_a_friend.rs");
    assert!(example.ends_with(block.as_str()), "README.md and examples/invite_a_friend.rs differ");
}

#[test]
fn the_first_commands_are_one_line_each() {
    let shell = blocks(&read("README.md"), "sh");
    assert_eq!(shell[0], "cargo run -p hither-cli -- demo\n");
    assert_eq!(shell[1], "cargo xtask ci\n");
}
