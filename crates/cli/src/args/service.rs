//! Arguments of `hither serve` and `hither account`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hither::PersonName;

use super::CodeAction;
use crate::config::Sources;
use crate::terminal::escape;

/// Arguments of `hither serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither serve --listen 127.0.0.1:0 --data ./data            a free port, which is printed
  hither serve --config /etc/hither/hither.toml              as docs/operating.md sets it up
  hither serve --listen [::]:4000 --data ./data --tls-certificate cert.pem --tls-key key.pem

When it is ready it prints one line on standard output:
  listening on wss://[::]:4000/v1
Logs go to standard error. SIGINT and SIGTERM stop it; clients are told. SIGHUP reads the file again.

Every flag can also stand in the file as SECTION.KEY and in the environment as HITHER_SECTION_KEY;
`hither config print` shows all of them. Without a certificate plain ws:// is spoken.")]
pub struct ServeArgs {
    #[command(flatten)]
    pub from: Sources,
}

/// Arguments of `hither backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hither backup /var/backups/hither.sqlite --data /var/lib/hither

The copy is whole, whatever the service does meanwhile. docs/operating.md says how to go back to one.")]
pub struct BackupArgs {
    /// The new file; one that is there is not written over
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Actions of `hither account`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither account add alice@example.org --password-file alice.txt --data ./data --name Alice
  hither account list --data ./data --json
  hither account password alice@example.org --data ./data      asks on the terminal

A password file holds the password; one newline at its end is dropped. `-` is standard input.")]
pub enum AccountAction {
    /// Adds an account
    Add {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        password: NewPassword,
        /// The friendly name that others see
        #[arg(long, value_name = "FRIENDLY", value_parser = friendly_name, default_value = "")]
        name: String,
    },
    /// Lists the accounts
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Changes the friendly name that others see
    Name {
        #[command(flatten)]
        whose: Whose,
        /// The friendly name
        #[arg(value_name = "FRIENDLY", value_parser = friendly_name)]
        name: String,
    },
    /// Gives an account a new password; its session tokens stop working
    Password {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Issues, lists and revokes codes with which people make accounts themselves
    #[command(subcommand)]
    Code(CodeAction),
    /// Keeps somebody from signing in; their session tokens stop working
    ///
    /// A service that runs ends the person's sessions and signs every device out within about a second.
    Disable {
        #[command(flatten)]
        whose: Whose,
    },
    /// Lets somebody sign in again, with the password
    Enable {
        #[command(flatten)]
        whose: Whose,
    },
    /// Removes an account with its contacts
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
}

/// A friendly name fits the wire, and shows nothing but itself.
pub fn friendly_name(text: &str) -> Result<String, String> {
    words("a friendly name", text)
}

/// Some words for people, as they can be kept.
pub fn words(what: &str, text: &str) -> Result<String, String> {
    const UNITS_MAX: usize = 128;
    if text.encode_utf16().count() > UNITS_MAX {
        return Err(format!("{what} has at most {UNITS_MAX} UTF-16 units"));
    }
    if escape(text) != text {
        return Err(format!("{what} has no control characters"));
    }
    Ok(text.to_owned())
}

/// Which account of which store.
#[derive(Debug, Args)]
pub struct Whose {
    /// The sign-in name
    #[arg(value_name = "NAME@DOMAIN")]
    pub user: PersonName,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Which store.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// The folder of the store, the same as that of `hither serve`
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// Where a new password comes from.
#[derive(Debug, Args)]
pub struct NewPassword {
    /// The file with the password; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}
