//! Arguments of `hither app`.

use clap::{Args, Subcommand};

/// Actions of `hither app`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither app register {305D86C6-6896-4099-91F5-CB7BA7733563} Chess /usr/bin/chess
  hither app list
  hither app test Chess
  hither app unregister {305D86C6-6896-4099-91F5-CB7BA7733563}

APP is a GUID or a name that only one application has. The GUID says that it is the same application
on every machine; `uuidgen` draws a new one.")]
pub enum AppAction {
    /// Registers an application, so that you can be invited into it
    Register(RegisterArgs),
    /// Takes an application out
    Unregister {
        /// Its GUID
        #[arg(value_name = "GUID")]
        guid: String,
    },
    /// Lists the applications
    List(ListArgs),
    /// Shows an application
    Show(ShowArgs),
    /// Starts an application in a session that is only rehearsed, and says what works
    Test(TestArgs),
}

/// Arguments of `hither app register`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples (the braces of the GUID may be left out):
  hither app register 305D86C6-6896-4099-91F5-CB7BA7733563 Chess /usr/bin/chess
  hither app register {...} Chess '/usr/bin/chess --session {session}' --url https://chess.example
  hither app register {...} Chess --launch-only -- /usr/bin/chess --peer {remote}

{session}, {local} and {remote} in the command are replaced when it is started: by the session, and
by the two addresses. Nothing goes through a shell.")]
pub struct RegisterArgs {
    /// By what the application is known on every machine
    #[arg(value_name = "GUID")]
    pub guid: String,
    /// What people see
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The whole path of the program, with arguments: as one text, or as several after `--`
    #[arg(value_name = "COMMAND", required = true)]
    pub command: Vec<String>,
    /// Where others get it, http or https
    #[arg(long, value_name = "URL", default_value = "")]
    pub url: String,
    /// It is only started, and knows nothing of its session
    #[arg(long, conflicts_with = "tunnelled")]
    pub launch_only: bool,
    /// It knows nothing of hither; the agent attaches for it
    #[arg(long)]
    pub tunnelled: bool,
}

/// Arguments of the commands that list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// As one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `hither app show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A GUID, or a name
    #[arg(value_name = "APP")]
    pub app: String,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `hither app test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither app test Chess
  hither app test Chess --hold 60            time to look at it

The agent starts the application for a session that exists on this machine alone: the other party
accepts everything and says nothing. Exit code 0 if every step works, 1 if one fails.")]
pub struct TestArgs {
    /// A GUID, or a name
    #[arg(value_name = "APP")]
    pub app: String,
    /// How long it may take to ask for its session
    #[arg(long, value_name = "SECS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub timeout: u64,
    /// How long to look at it after that
    #[arg(long, value_name = "SECS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=300))]
    pub hold: u64,
    /// As one JSON object a step
    #[arg(long)]
    pub json: bool,
}
