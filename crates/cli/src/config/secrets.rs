//! Secrets that everybody knows are refused: those of documentation, of other people's examples, and
//! those that can be guessed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The longest secret that is read.
const FILE_BYTES: u64 = 4_096;
/// Characters of a token, at least: 16 random bytes in hexadecimal have as many.
const TOKEN_CHARS: usize = 32;
/// As many different characters as 32 random hexadecimal digits have, but once in a million times.
const DIFFERENT: usize = 8;
/// Words that stand where a secret should.
const WORDS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "changeit",
    "secret",
    "password",
    "passwort",
    "example",
    "default",
    "insecure",
    "replace",
    "your-",
    "your_",
    "todo",
    "dummy",
    "sample",
    "hither",
    "letmein",
    "qwerty",
    "12345678",
    "abcdefgh",
    "01234567",
    "deadbeef",
];

/// What is wrong with a token in a file.
pub fn token(file: &Path) -> Option<String> {
    let bytes = match content(file) {
        Ok(bytes) => bytes,
        Err(why) => return Some(why),
    };
    let make = "make one: openssl rand -hex 32";
    let Ok(text) = str::from_utf8(&bytes) else { return Some(format!("the token is not text; {make}")) };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.len() < TOKEN_CHARS {
        return Some(format!("the token has fewer than {TOKEN_CHARS} characters; {make}"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(format!("the token has characters that do not fit into a header; {make}"));
    }
    is_guessable(text.as_bytes()).then(|| format!("the token can be guessed; {make}"))
}

fn is_guessable(secret: &[u8]) -> bool {
    let mut different = secret.to_vec();
    different.sort_unstable();
    different.dedup();
    let lower = String::from_utf8_lossy(secret).to_ascii_lowercase();
    let steps = secret.windows(2).map(|pair| pair.first().zip(pair.get(1)).map(|(a, b)| b.wrapping_sub(*a)));
    let mut steps: Vec<_> = steps.collect();
    steps.dedup();
    different.len() < DIFFERENT || steps.len() == 1 || WORDS.iter().any(|word| lower.contains(word))
}

/// A secret is for its owner, and at most for a group.
fn content(file: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", file.display());
    let opened = File::open(file).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if opened.metadata().map_err(failed)?.permissions().mode() & 0o007 != 0 {
            return Err(format!(
                "{} can be read by everybody on this machine: chmod o= it, and take another secret",
                file.display()
            ));
        }
    }
    let mut bytes = Vec::new();
    opened.take(FILE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(content: &[u8], judge: fn(&Path) -> Option<String>) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        judge(&file)
    }

    #[test]
    fn tokens() {
        let random = "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef";
        assert_eq!(judged(random.as_bytes(), token), None);
        assert_eq!(judged(format!("{random}\n").as_bytes(), token), None);
        for (wrong, says) in [
            ("", "fewer than 32"),
            ("changeme", "fewer than 32"),
            ("0".repeat(64).as_str(), "guessed"),
            ("abab".repeat(16).as_str(), "guessed"),
            ("changeme-changeme-changeme-changeme-x1", "guessed"),
            (format!("{random}secret").as_str(), "guessed"),
            (format!("{random} {random}").as_str(), "header"),
        ] {
            let why = judged(wrong.as_bytes(), token).unwrap();
            assert!(why.contains(says), "{wrong}: {why}");
            assert!(wrong.is_empty() || !why.contains(wrong), "a secret is not shown: {why}");
        }
        assert!(judged(&[0xff; 64], token).unwrap().contains("not text"));
        assert!(token(Path::new("/nowhere")).unwrap().contains("/nowhere"));
    }
}
