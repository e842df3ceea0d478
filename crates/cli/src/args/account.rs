//! Arguments of the commands about one's own account, and of registration codes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use hither::PersonName;

use super::key::time;
use super::{KeyringArgs, StoreArgs};

/// Arguments of `hither devices`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  hither devices
  hither devices remove 5B0E7A11        the beginning of its id will do
  hither devices remove here            signs this machine out at the service

A device that is removed is signed out at once, and its token stops working. Yours to do when a
machine is lost; change the password as well if it may be known.")]
pub struct DevicesArgs {
    /// As one JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(subcommand)]
    pub action: Option<DevicesAction>,
}

/// Actions of `hither devices`.
#[derive(Debug, Subcommand)]
pub enum DevicesAction {
    /// Signs a device out for good
    Remove {
        /// Its id or how it begins; `here` is this machine
        #[arg(value_name = "ID|here")]
        which: String,
    },
}

/// Arguments of `hither password`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither password                                                        asks for both
  hither password --password-file old.txt --new-password-file new.txt

Every other device is signed out: it needs the new password. This machine stays signed in.")]
pub struct PasswordArgs {
    /// The file with the present password; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The file with the new one, of 8 bytes at least
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// Arguments of `hither sign-up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither sign-up dave@example.org --service wss://hither.example.org --name Dave
  hither sign-up dave@example.org --service ws://127.0.0.1:4000 --code-file code.txt

Makes an account with a code from the service's operator (`hither account code issue` there), and
signs in to it as `hither sign-in` does. Asks for the code and for a password unless files have them.")]
pub struct SignUpArgs {
    /// The sign-in name to have
    #[arg(value_name = "NAME@DOMAIN")]
    pub user: PersonName,
    /// The address of the service: `wss://HOST`, or `ws://HOST:PORT` where nobody can listen in
    #[arg(long, value_name = "URL")]
    pub service: String,
    /// The name that others see
    #[arg(long, value_name = "FRIENDLY", value_parser = super::service::friendly_name, default_value = "")]
    pub name: String,
    /// The file with the code; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// The file with the password to have, of 8 bytes at least; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// Actions of `hither account code`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither account code issue --data ./data                              one account, within 7 days
  hither account code issue --uses 30 --life 1d --domain example.org --note \"class 4b\" --data ./data
  hither account code list --data ./data
  hither account code revoke 7K3M9X --data ./data

Whoever has a code can make an account with `hither sign-up`, if the service runs with
--accounts-registration. A code is shown once; the store keeps only its hash, and how it begins.")]
pub enum CodeAction {
    /// Makes a code; it is shown this once
    Issue(IssueCodeArgs),
    /// Lists the codes by how they begin
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Ends a code; accounts that were made with it stay
    Revoke {
        /// How it begins, as `list` shows it
        #[arg(value_name = "BEGINNING")]
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// Arguments of `hither account code issue`.
#[derive(Debug, Args)]
pub struct IssueCodeArgs {
    /// How many accounts can be made with it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub uses: u32,
    /// For how long it counts, as in `12h` or `7d`
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
    pub life: Duration,
    /// The domain that sign-in names must have
    #[arg(long, value_name = "DOMAIN", default_value = "", hide_default_value = true)]
    pub domain: String,
    /// A word of your own, for the list
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub note: String,
    #[command(flatten)]
    pub store: StoreArgs,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}
