//! The command line of an application: split once, when it is registered, and never by a shell.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hither_wire::text;
use rustix::fs::Access;

use super::limits;
use crate::document::shown_path;

/// Splits a command line of at most 260 characters into a program with an absolute path, and its
/// arguments. If the whole line is the path of a file, it is that program; else quotes and
/// backslashes hold words together, and every other character stands for itself.
pub fn split(line: &str) -> Result<(PathBuf, Vec<String>), String> {
    limits::path(line)?;
    if line.starts_with('/') && fs::metadata(line).is_ok_and(|meta| meta.is_file()) {
        return Ok((line.into(), Vec::new()));
    }
    // The splitter would take `#` for the beginning of a comment, and drop the rest. There is no
    // control character in the line, so one can stand for it.
    let words = shell_words::split(&line.replace('#', "\u{1}"));
    let words = words.map_err(|_| "a quote in the path is not closed: close it, or put \\ before it".to_owned())?;
    let mut words = words.into_iter().map(|word| word.replace('\u{1}', "#"));
    let program = words.next().ok_or("the path is empty: give the program's, from / on")?;
    let args = words.collect();
    check(&program, &args)?;
    Ok((program.into(), args))
}

/// Whether these may stand in the registry.
pub fn check(program: &str, args: &Vec<String>) -> Result<(), String> {
    limits::path(program)?;
    for arg in args {
        limits::path(arg)?;
    }
    let units = args.iter().map(|arg| text::units(arg) + 1).sum::<usize>() + text::units(program);
    if units > limits::PATH_UNITS {
        let most = limits::PATH_UNITS;
        return Err(format!("program and arguments have {units} characters together; at most {most} are allowed"));
    }
    if !program.starts_with('/') {
        let program = shown_path(Path::new(program));
        return Err(format!("the path of the program, `{program}`, must be absolute, from / on"));
    }
    Ok(())
}

/// Whether the program is there and may be run.
pub fn resolve(program: &Path) -> Result<(), String> {
    let path = shown_path(program);
    match fs::metadata(program) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(format!("{path} is no program: give the path of the file that is started")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(format!("there is no program {path}: install it first, or correct the path"));
        }
        Err(error) => return Err(format!("{path} cannot be looked at: {error}")),
    }
    let run = rustix::fs::access(program, Access::EXEC_OK);
    run.map_err(|_| format!("{path} may not be run by you: allow it with chmod +x"))
}

/// Both as one line that would be split into the same.
pub fn join(program: &Path, args: &[String]) -> String {
    let program = program.to_string_lossy();
    let words = std::iter::once(program.as_ref()).chain(args.iter().map(String::as_str));
    words.map(shell_words::quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use super::*;
    use proptest::prelude::*;

    fn words(line: &str) -> Vec<String> {
        let (program, args) = split(line).unwrap();
        let mut words = vec![program.to_str().unwrap().to_owned()];
        words.extend(args);
        words
    }

    #[test]
    fn words_as_a_shell_would_part_them_and_nothing_more() {
        assert_eq!(words("/no/such"), ["/no/such"]);
        assert_eq!(
            words("  /no/such  a 'b c' \"d $e\" f\\ g '' {session} "),
            ["/no/such", "a", "b c", "d $e", "f g", "", "{session}"]
        );
        assert_eq!(
            words("/no/such #1 a#b '#' \\# $(x) `y` ~ * ; | > &"),
            ["/no/such", "#1", "a#b", "#", "#", "$(x)", "`y`", "~", "*", ";", "|", ">", "&"]
        );
        assert_eq!(words("'/no/such thing' a"), ["/no/such thing", "a"]);
    }

    #[test]
    fn what_is_no_command_line() {
        for bad in [
            "",
            " ",
            "''",
            "chess",
            "./chess",
            "~/chess",
            "'' /no/such",
            "/no/such 'a",
            "/no/such \"a",
            "/a\tb",
            "/a\0",
        ] {
            assert!(split(bad).is_err(), "{bad}");
        }
        assert!(split(&format!("/{}", "\u{1F600}".repeat(130))).is_err(), "261 units");
        assert!(split(&format!("//{}", "\u{1F600}".repeat(129))).is_ok(), "260 units");
    }

    #[test]
    fn a_file_with_spaces_is_a_program() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("bob's game #1");
        let line = path.to_str().unwrap();
        assert!(split(line).is_err(), "a quote that is not closed");
        fs::write(&path, "").unwrap();
        assert_eq!(words(line), [line]);
        assert_eq!(words(&join(&path, &[])), [line]);
        assert!(split(home.path().to_str().unwrap()).is_ok(), "a folder is found out later");
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split_into_the_same(args in proptest::collection::vec("[^\\pC]{0,8}", 0..6)) {
            let program = PathBuf::from("/no/such thing");
            let line = join(&program, &args);
            prop_assume!(text::fits(&line, limits::PATH_UNITS));
            prop_assert_eq!(split(&line).unwrap(), (program, args));
        }

        #[test]
        fn what_is_split_may_stand_in_the_registry(line in "/[^\\pC]{0,259}") {
            if let Ok((program, args)) = split(&line) {
                prop_assert_eq!(check(program.to_str().unwrap(), &args), Ok(()));
            }
        }
    }
}
