//! Arguments of the commands about one's own account.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use hither::PersonName;

use super::service::friendly_name;
use super::{KeyringArgs, Prefix};

/// Arguments of `hither devices`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  hither devices
  hither devices remove 8E1A7C30      a lost telephone: its token stops working at once
  hither devices remove here          the same as `hither sign-out`")]
pub struct DevicesArgs {
    #[command(subcommand)]
    pub action: Option<DevicesAction>,
    /// As one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Actions of `hither devices`.
#[derive(Debug, Subcommand)]
pub enum DevicesAction {
    /// Signs a device out for good; its sessions end
    Remove {
        /// The id, or its first digits, at least four; or `here`
        #[arg(value_name = "ID|here")]
        which: WhichDevice,
        #[command(flatten)]
        keyring: KeyringArgs,
    },
}

/// How a device is named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichDevice {
    /// This machine's.
    Here,
    /// By the beginning of its id.
    Id(Prefix),
}

impl FromStr for WhichDevice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<WhichDevice, Self::Err> {
        let wrong = "a device is named by its id, or by its first digits, at least four: `hither devices` shows them; \
                     or by `here`";
        if text == "here" {
            return Ok(WhichDevice::Here);
        }
        text.parse().map(WhichDevice::Id).map_err(|_| wrong)
    }
}

/// Arguments of `hither password`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither password
  hither password --password-file old.txt --new-password-file new.txt

Asks for your present password and for the new one, of at least 8 bytes. Every other device of yours
is signed out; this machine stays signed in.")]
pub struct PasswordArgs {
    /// The file with the present password; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The file with the new password; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub new_password_file: Option<PathBuf>,
}

/// Arguments of `hither sign-up`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither sign-up alice@example.org --service wss://hither.example.org --name Alice
  hither sign-up alice@example.org --service ws://127.0.0.1:4000/v1 --code-file code.txt \\
    --password-file alice.txt

Makes an account with a code from the service's operator, and signs in to it as `hither sign-in`
does. Asks for the code and for the password that you want, of at least 8 bytes. To say it again
does no harm: whoever has the account already, with this password, is signed in.")]
pub struct SignUpArgs {
    /// The sign-in name that you want
    #[arg(value_name = "NAME@DOMAIN")]
    pub user: PersonName,
    /// The address of the service: `wss://HOST`, or `ws://HOST:PORT` where nobody can listen in
    #[arg(long, value_name = "URL")]
    pub service: String,
    /// The name that others see
    #[arg(long, value_name = "FRIENDLY", value_parser = friendly_name, default_value = "")]
    #[arg(hide_default_value = true)]
    pub name: String,
    /// The file with the code; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// The file with the password that you want; `-` is standard input; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        assert_eq!("here".parse(), Ok(WhichDevice::Here));
        assert!(matches!("8e1a7c30".parse(), Ok(WhichDevice::Id(_))));
        for text in ["", "Here", "8e1", "telephone", "\u{1b}[2J"] {
            assert!(text.parse::<WhichDevice>().unwrap_err().contains("hither devices"), "{text:?}");
        }
    }
}
