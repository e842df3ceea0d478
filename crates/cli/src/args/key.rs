//! Arguments of `hither key`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use hither::Guid;
use hither_service::keys::{AppId, Environment};

use super::StoreArgs;
use super::time::time;

/// Actions of `hither key`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither key issue --name \"Chess 2\" --data ./data
  hither key issue --name \"Chess 2, test\" --environment test --data ./data --out chess.key
  hither key issue --name Old --md5 --app {305D86C6-6896-4099-91F5-CB7BA7733563} --data ./data
  hither key list --data ./data
  hither key rotate APP-ABCDEFGHIJKLMNOP --overlap 30d --data ./data
  hither key revoke APP-ABCDEFGHIJKLMNOP --data ./data

An application unlocks the API with its pair: to the service's challenge it sends the id and the
response HMAC-SHA-256(key, challenge) in lower-case hexadecimal. The key's characters are its bytes.
A running service heeds every change at once.

The keys are sealed with a key file, DIR/hither.key unless --key-file names another; `issue`
makes it with the first pair. The service needs the same file. Whoever has both it and the store
has the keys: keep it elsewhere than the store's backups, and a copy of it somewhere safe.")]
pub enum KeyAction {
    /// Makes a pair; its key is shown this once
    Issue(IssueArgs),
    /// Lists the pairs, without their keys
    List {
        #[command(flatten)]
        store: StoreArgs,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Shows a pair, without its key
    Show {
        #[command(flatten)]
        which: Which,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ends a pair for good; needs no key file
    Revoke {
        #[command(flatten)]
        which: Which,
    },
    /// Gives a pair a new key; the old one goes on for a while
    Rotate(RotateArgs),
}

/// Arguments of `hither key issue`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither key issue --name \"Chess 2\" --data ./data
  hither key issue --name \"Chess 2\" --data ./data --json | jq -r .key
  hither key issue --name \"Chess 2\" --data ./data --out chess.key     a file for its owner only

The key cannot be shown again. If it is lost, `hither key rotate` makes another for the same id.")]
pub struct IssueArgs {
    /// What people call it; only you see it
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// Which services it unlocks: `production` or `test`
    #[arg(long, value_name = "ENVIRONMENT", default_value = "production")]
    pub environment: Environment,
    /// Takes MD5(challenge followed by key) as well, for applications that know nothing else
    #[arg(long)]
    pub md5: bool,
    /// Unlocks this application only; may be given several times
    #[arg(long = "app", value_name = "{GUID}", value_parser = guid)]
    pub apps: Vec<Guid>,
    #[command(flatten)]
    pub seal: SealArgs,
    /// Makes another key file in place of a lost one; every pair must be revoked. Restart the service
    #[arg(long)]
    pub new_key_file: bool,
    #[command(flatten)]
    pub output: KeyOutput,
}

/// Arguments of `hither key rotate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither key rotate APP-ABCDEFGHIJKLMNOP --data ./data                both keys count for 7 days
  hither key rotate APP-ABCDEFGHIJKLMNOP --overlap 12h --data ./data
  hither key rotate APP-ABCDEFGHIJKLMNOP --overlap 0 --data ./data    others know the old key
  hither key rotate APP-ABCDEFGHIJKLMNOP --again --data ./data        the new key was lost

An id has at most two keys. Whoever has been unlocked with the old one stays so until signing out;
`hither key revoke` locks them at once.")]
pub struct RotateArgs {
    /// The id
    #[arg(value_name = "ID")]
    pub id: AppId,
    /// How long the old key goes on counting: a number with s, m, h, d or w; 0 ends it at once
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = time)]
    pub overlap: Duration,
    /// The new key of the last rotation was lost: replaces that one, and the older goes on
    #[arg(long)]
    pub again: bool,
    #[command(flatten)]
    pub seal: SealArgs,
    #[command(flatten)]
    pub output: KeyOutput,
}

/// Which pair of which store.
#[derive(Debug, Args)]
pub struct Which {
    /// The id
    #[arg(value_name = "ID")]
    pub id: AppId,
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Which store, and what its keys are sealed with.
#[derive(Debug, Args)]
pub struct SealArgs {
    #[command(flatten)]
    pub store: StoreArgs,
    /// What the keys are sealed with; left out, it is hither.key in the folder of the store
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// Where a new key goes.
#[derive(Debug, Args)]
pub struct KeyOutput {
    /// Writes the key into a new file that only you can read, in place of showing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

fn guid(text: &str) -> Result<Guid, String> {
    Guid::parse(text).map_err(|error| error.to_string())
}
