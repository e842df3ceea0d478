//! Arguments of `hither sign-in` and `hither sign-out`.

use std::path::PathBuf;

use clap::Args;
use hither::PersonName;

/// Arguments of `hither sign-in`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither sign-in alice@example.org --service wss://hither.example.org
  hither sign-in alice@example.org --service ws://127.0.0.1:4000/v1 --password-file alice.txt

Asks for the password once. What is kept is a token, which lets this machine sign in until you
`hither sign-out`: in the system's keyring where there is one, else in a file that only you can
read. An agent that runs takes the new sign-in at once; one that is signed in as you at this service
already goes on as it is.

Over wss:// the authorities of this system are trusted, and those in the file that HITHER_CA_FILE
names; start the agent with it as well.")]
pub struct SignInArgs {
    /// Your sign-in name
    #[arg(value_name = "NAME@DOMAIN")]
    pub user: PersonName,
    /// The address of the service: `wss://HOST`, or `ws://HOST:PORT` where nobody can listen in
    #[arg(long, value_name = "URL")]
    pub service: String,
    /// The file with the password; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// Arguments of `hither sign-out`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither sign-out

The token stops working at the service and is removed from this machine; sessions that go on are
lost. If the service cannot be reached, nothing is removed unless you say --force: then the token
still works for whoever has a copy of it.")]
pub struct SignOutArgs {
    /// Removes the token from this machine even if the service cannot be told
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// Where the token is kept.
#[derive(Debug, Args)]
pub struct KeyringArgs {
    /// Whether the system's keyring is used where there is one
    #[arg(long, value_name = "auto|off", env = "HITHER_KEYRING", default_value = "auto", hide_env_values = true)]
    #[arg(value_parser = ["auto", "off"])]
    keyring: String,
}

impl KeyringArgs {
    /// Whether it is.
    pub fn is_off(&self) -> bool {
        self.keyring == "off"
    }
}
