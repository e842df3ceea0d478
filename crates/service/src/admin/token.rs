//! The operator's token: a file with one line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The fewest characters: 16 random bytes in hexadecimal have as many.
const CHARS_MIN: usize = 32;
/// The longest file that is read.
const FILE_BYTES: u64 = 4096;

/// Why a token cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody on the machine may read it.
    #[error("{} can be read by everybody on this machine: chmod o= it, and take another token", .0.display())]
    Public(PathBuf),
    /// It is too short to be unguessable.
    #[error("the token in {} has fewer than {CHARS_MIN} characters: make one with `openssl rand -hex 32`", .0.display())]
    Short(PathBuf),
    /// It does not fit into a header.
    #[error(
        "the token in {} is not one line of printable ASCII without spaces: make one with `openssl rand -hex 32`",
        .0.display()
    )]
    Odd(PathBuf),
}

/// What is kept of a token: enough to know it again.
#[derive(Clone, Copy)]
pub struct Token([u8; 32]);

impl Token {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Token, TokenError> {
        let bytes = content(file)?;
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() < CHARS_MIN {
            return Err(TokenError::Short(file.to_owned()));
        }
        if bytes.len() as u64 > FILE_BYTES || !text.iter().all(u8::is_ascii_graphic) {
            return Err(TokenError::Odd(file.to_owned()));
        }
        Ok(Token::of(text))
    }

    /// Whether this is the token. Takes as long wherever it is wrong, and however long it is.
    pub fn is(&self, given: &[u8]) -> bool {
        self.0.ct_eq(&Token::of(given).0).into()
    }

    fn of(text: &[u8]) -> Token {
        Token(Sha256::digest(text).into())
    }
}

fn content(file: &Path) -> Result<Zeroizing<Vec<u8>>, TokenError> {
    let failed = |source| TokenError::Read { file: file.to_owned(), source };
    let opened = File::open(file).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // A group may have it, as with keys of TLS.
        if opened.metadata().map_err(failed)?.permissions().mode() & 0o007 != 0 {
            return Err(TokenError::Public(file.to_owned()));
        }
    }
    let mut bytes = Zeroizing::new(Vec::new());
    opened.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn one_line_of_enough_characters_that_not_everybody_reads() {
        let text = b"0123456789abcdef0123456789abcdef";
        for end in ["", "\n", "\r\n"] {
            let (_folder, path) = file(&[text, end.as_bytes()].concat(), 0o640);
            let token = Token::read(&path).unwrap();
            assert!(
                token.is(text) && !token.is(&text[1..]) && !token.is(b"") && !token.is(&[text, &b"\n"[..]].concat())
            );
        }
        let (_folder, public) = file(text, 0o644);
        assert!(Token::read(&public).err().unwrap().to_string().contains("everybody"));
        let (_folder, short) = file(&text[1..], 0o600);
        assert!(Token::read(&short).err().unwrap().to_string().contains("fewer than 32"));
        for wrong in [&b"0123456789abcdef 0123456789abcdef"[..], b"0123456789abcdef\n0123456789abcdef0", &[b'x'; 5000]]
        {
            let (_folder, path) = file(wrong, 0o600);
            assert!(Token::read(&path).err().unwrap().to_string().contains("one line"));
        }
        let nowhere = Token::read(Path::new("/nowhere/token")).err().unwrap();
        assert!(nowhere.to_string().contains("cannot read"));
    }
}
