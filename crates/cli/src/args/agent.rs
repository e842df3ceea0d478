//! Arguments of `hither agent`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::sign_in::KeyringArgs;

/// Arguments of `hither agent`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  hither agent                       runs here, until Ctrl-C
  hither agent install               from now on it runs whenever you log in
  hither agent status                how it is

There is one for each person on a machine: a second one says so and ends. When it is ready it prints
one line on standard output:
  the agent is ready at SOCKET
Logs go to standard error. It needs a sign-in (`hither sign-in`), which may also come later.
HITHER_HOME=DIR keeps everything below one folder, for several agents on one machine.
HITHER_CA_FILE=FILE names authorities that are trusted besides the system's.")]
pub struct AgentArgs {
    #[command(subcommand)]
    pub action: Option<AgentAction>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// How the agent is to run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Shows no notifications: invitations are answered with `hither accept` and `hither decline`
    #[arg(long)]
    pub no_notifications: bool,
    /// What to log, for instance `warn` or `hither_agent=debug`
    #[arg(long, value_name = "FILTER", env = "HITHER_LOG", default_value = "info", hide_env_values = true)]
    pub log: String,
    /// With the service's lock on: the application id with which the agent unlocks it for your tools
    #[arg(long, value_name = "ID", env = "HITHER_AGENT_APP_ID", requires = "key_file", hide_env_values = true)]
    pub app_id: Option<String>,
    /// The key of that id: a file that only you can read
    #[arg(long, value_name = "FILE", env = "HITHER_AGENT_KEY_FILE", requires = "app_id", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    #[command(flatten)]
    pub keyring: KeyringArgs,
}

/// Actions of `hither agent`.
#[derive(Debug, Subcommand)]
pub enum AgentAction {
    /// Lets the agent start when you log in, and takes `hither:` links
    Install,
    /// Undoes `install`
    Uninstall,
    /// Stops the agent; sessions go on if it is started again within half a minute
    Stop,
    /// Says who is signed in, whether the service is there, and what shows invitations
    Status {
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
}
