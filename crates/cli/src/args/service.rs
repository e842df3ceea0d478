//! Arguments of `hither serve` and `hither account`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use hither::PersonName;

use crate::serve::settings::Settings;
use crate::terminal::escape;

/// Arguments of `hither serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither serve --listen 127.0.0.1:0 --data ./data            a free port, which is printed
  hither serve --listen 0.0.0.0:4000 --data /var/lib/hither --invitations anyone
  hither serve --listen 127.0.0.1:4000 --data ./data --ring 20 --log debug

When it is ready it prints one line on standard output:
  listening on ws://127.0.0.1:4000/v1
Logs go to standard error. SIGINT and SIGTERM stop it; clients are told.
The service speaks plain ws://: on an open network put it behind a proxy that does TLS.")]
pub struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// The folder of the store; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where operators' tools ask for /livez, /readyz and /metrics; nowhere without it
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub operations: Option<SocketAddr>,
    /// What to log, for instance `warn` or `hither_service=debug`
    #[arg(long, value_name = "FILTER", env = "HITHER_LOG", default_value = "info")]
    pub log: String,
    #[command(flatten)]
    pub settings: Settings,
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
    /// Removes an account with its contacts
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
}

/// A friendly name fits the wire, and shows nothing but itself.
fn friendly_name(text: &str) -> Result<String, String> {
    const UNITS_MAX: usize = 128;
    if text.encode_utf16().count() > UNITS_MAX {
        return Err(format!("a friendly name has at most {UNITS_MAX} UTF-16 units"));
    }
    if escape(text) != text {
        return Err("a friendly name has no control characters".to_owned());
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
