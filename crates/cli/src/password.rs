//! Passwords and codes: from a file, from standard input, or asked on the terminal.

use std::fs::File;
use std::io::{IsTerminal as _, Read, stdin};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

use hither_wire::limits;

use crate::failure::usage;

/// The longest password that the service takes.
const PASSWORD_BYTES: u64 = limits::PASSWORD_BYTES as u64;

/// Reads a password from a file; `-` is standard input. One final newline is dropped.
pub fn from_file(path: &Path) -> Result<String> {
    secret_from_file("password", path)
}

/// Reads the code of an operator from a file, as [`from_file`] does; white space around it is dropped too.
pub fn code_from_file(path: &Path) -> Result<String> {
    trimmed(&secret_from_file("code", path)?)
}

fn secret_from_file(what: &str, path: &Path) -> Result<String> {
    if path == Path::new("-") {
        return read(stdin().lock()).with_context(|| format!("cannot take the {what} from standard input"));
    }
    let file = File::open(path).with_context(|| format!("cannot open the {what} file {}", path.display()))?;
    read(file).with_context(|| format!("cannot take the {what} from {}", path.display()))
}

/// Asks for the password of an account on the terminal, hidden.
pub fn ask(user: &str) -> Result<String> {
    ensure_terminal("the password", "--password-file")?;
    let password = rpassword::prompt_password(format!("Password of {user}: ")).context("cannot read the password")?;
    check(password).context("cannot take this password")
}

/// Asks for a new password, hidden, twice; `option` is the other way to give it.
pub fn ask_new(user: &str, option: &str) -> Result<String> {
    ensure_terminal("the new password", option)?;
    let first = rpassword::prompt_password(format!("New password of {user}: ")).context("cannot read the password")?;
    let second = rpassword::prompt_password("The same again: ").context("cannot read the password")?;
    ensure!(first == second, "the two passwords differ: nothing was changed, try again");
    check(first).context("cannot take this password")
}

/// Asks for the code of an operator, hidden.
pub fn ask_code() -> Result<String> {
    ensure_terminal("the code", "--code-file")?;
    trimmed(&rpassword::prompt_password("Registration code: ").context("cannot read the code")?)
}

fn trimmed(code: &str) -> Result<String> {
    let code = code.trim();
    ensure!(!code.is_empty(), "the code is empty");
    Ok(code.to_owned())
}

/// Whether a password is long enough for somebody who chooses it; services take no other.
pub fn check_new(password: &str) -> Result<()> {
    let least = limits::NEW_PASSWORD_BYTES;
    ensure!(password.len() >= least, "the new password is shorter than {least} bytes: take a longer one");
    Ok(())
}

fn ensure_terminal(what: &str, option: &str) -> Result<()> {
    if stdin().is_terminal() {
        return Ok(());
    }
    Err(usage(format!("there is no terminal to ask for {what} on: give {option} FILE")))
}

fn read(source: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    // Room for the longest password, a final newline and one byte that shows that it is too long.
    source.take(PASSWORD_BYTES + 3).read_to_end(&mut bytes)?;
    let Ok(mut text) = String::from_utf8(bytes) else { bail!("it is not UTF-8 text") };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    ensure!(!text.contains('\n'), "it has more than one line");
    check(text)
}

fn check(password: String) -> Result<String> {
    ensure!(!password.is_empty(), "it is empty");
    ensure!(password.len() as u64 <= PASSWORD_BYTES, "it is longer than {PASSWORD_BYTES} bytes");
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_final_newline_is_dropped() {
        for (bytes, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            (" a b \n", " a b "),
            ("a\r", "a\r"),
        ] {
            assert_eq!(read(bytes.as_bytes()).unwrap(), password);
        }
        let longest = "p".repeat(512);
        assert_eq!(read(format!("{longest}\r\n").as_bytes()).unwrap(), longest);
    }

    #[test]
    fn unusable_passwords_are_refused() {
        for bytes in [&b""[..], b"\n", b"\xff\n", b"secret\n\n", b"one\ntwo\n", &[b'p'; 513], &vec![b'p'; 100_000]] {
            assert!(read(bytes).is_err());
        }
    }
}
