//! Arguments of `hither account code`.

use clap::{Args, Subcommand};

use super::StoreArgs;
use super::service::words;
use super::time::time;
use crate::config::is_domain;

/// Actions of `hither account code`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither account code issue --data ./data                          one account, within 7 days
  hither account code issue --uses 30 --life 2w --note \"Chess club\" --data ./data
  hither account code issue --domain example.org --data ./data     for names@example.org only
  hither account code list --data ./data
  hither account code revoke 4T7K2M --data ./data

Whoever has a code makes an account with it: `hither sign-up`. The service takes codes only if its
setting accounts.registration is on. Hand a code over as you would a password.")]
pub enum CodeAction {
    /// Issues a code, which is shown this once
    Issue(IssueCodeArgs),
    /// Lists the codes by their first six characters
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Ends a code; accounts that were made with it stay
    Revoke {
        /// The first six characters of the code
        #[arg(value_name = "NAME", value_parser = name)]
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Arguments of `hither account code issue`.
#[derive(Debug, Args)]
pub struct IssueCodeArgs {
    /// How many accounts can be made with it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), default_value = "1")]
    pub uses: u32,
    /// For how long: a number with s, m, h, d or w
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = life)]
    pub life: u32,
    /// Makes accounts of this domain only
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub domain: Option<String>,
    /// Your own word for it, for the list
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = note)]
    pub note: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// In seconds.
fn life(text: &str) -> Result<u32, String> {
    const YEARS: u64 = 10;
    match time(text)?.as_secs() {
        0 => Err("a code counts for a while: at least 1s".to_owned()),
        seconds if seconds > YEARS * 365 * 24 * 3_600 => Err(format!("a code counts for at most {YEARS} years")),
        seconds => u32::try_from(seconds).map_err(|error| error.to_string()),
    }
}

/// What can stand behind the `@` of a sign-in name.
fn domain(text: &str) -> Result<String, String> {
    let wrong = "a domain is what stands behind the @ of a sign-in name: example.org";
    if is_domain(text) { Ok(text.to_lowercase()) } else { Err(wrong.to_owned()) }
}

fn note(text: &str) -> Result<String, String> {
    words("a note", text)
}

/// A whole code stays off command lines: others could read it there.
fn name(text: &str) -> Result<String, &'static str> {
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("a code is named by its first six characters: `hither account code list` shows them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives() {
        assert_eq!((life("7d"), life("1s")), (Ok(604_800), Ok(1)));
        for text in ["0", "0d", "3651d", "4294967295w", "7", "", "soon"] {
            assert!(life(text).is_err(), "{text}");
        }
    }

    #[test]
    fn domains_and_names() {
        assert_eq!(domain("Example.ORG").as_deref(), Ok("example.org"));
        for text in ["", "a@b", "a b", "\u{1b}[2J", "x\n"] {
            assert!(domain(text).is_err(), "{text:?}");
        }
        assert_eq!(name("4t7k2m").as_deref(), Ok("4T7K2M"));
        for text in ["", "4T7K2", "4T7K2M-9QWX1B-H3ZC8N-V5R0DJ", "4T7K2\u{e9}", "%%%%%%"] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }
}
