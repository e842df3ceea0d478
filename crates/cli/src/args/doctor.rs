//! Arguments of `hither doctor`.

use clap::Args;
use hither::PersonName;

use super::sign_in::KeyringArgs;

/// Arguments of `hither doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither doctor                                 everything on this machine, and the service
  hither doctor --app Chess                     and whether Chess starts
  hither doctor bob@example.org                 and the way to Bob's agent, there and back

Each step says ok, failed or skipped, and what to do. With a person the two agents talk to each
other: nobody is rung, nothing is started. Exit code 1 if a step fails.")]
pub struct DoctorArgs {
    /// Checks the way to this person's agent too
    #[arg(value_name = "NAME@DOMAIN")]
    pub who: Option<PersonName>,
    /// Starts this application in a rehearsed session too
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// As one JSON object a step
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}
