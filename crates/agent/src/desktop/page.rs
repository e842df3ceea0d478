//! Opening a page in the person's browser. The address comes from somebody else.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;
use url::Url;

/// The longest address that is opened, in bytes.
const URL_BYTES: usize = 2_048;
/// What the system opens pages with.
const OPENER: &str = "xdg-open";

/// Opens a page, with the program that `HITHER_OPENER` names or the system's own; never by a shell.
/// Must be called in a tokio runtime.
pub fn open(url: &str) {
    let Some(url) = harmless(url) else {
        return tracing::warn!("a page that is neither http nor https was not opened");
    };
    let chosen = env::var_os("HITHER_OPENER").map(PathBuf::from).filter(|path| path.is_absolute());
    let mut command = Command::new(chosen.unwrap_or_else(|| OPENER.into()));
    command.arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        // Waited for, so that nothing of it is left in the system.
        Ok(mut child) => drop(tokio::spawn(async move { drop(child.wait().await) })),
        Err(error) => tracing::warn!(%error, "the page cannot be opened: install xdg-utils, or set HITHER_OPENER"),
    }
}

/// The address as it is opened, if it may be.
fn harmless(text: &str) -> Option<Url> {
    if text.len() > URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
    (plain && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages() {
        assert_eq!(harmless("https://game.example/get?a=b%20c").unwrap().as_str(), "https://game.example/get?a=b%20c");
        assert_eq!(harmless("HTTP://game.example").unwrap().as_str(), "http://game.example/");
        // What a shell would take apart is one argument, and escaped besides.
        assert_eq!(harmless("http://game.example/$(id)`'\"").unwrap().as_str(), "http://game.example/$(id)%60'%22");
        for hostile in [
            "",
            "game.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "--help",
            "https://",
            "https://game.example/\n--help",
            "https://game.example/ x",
            "https://alice:pw@game.example/",
            "data:text/html,x",
        ] {
            assert!(harmless(hostile).is_none(), "{hostile}");
        }
        assert!(harmless(&format!("https://game.example/{}", "x".repeat(100_000))).is_none());
    }
}
