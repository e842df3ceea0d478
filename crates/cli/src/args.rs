//! The command line, and what its help teaches.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hither::PersonName;

use crate::serve::settings::Settings;
use crate::terminal::escape;

/// Invites people into applications: the service, a client, and a demo of both.
#[derive(Debug, Parser)]
#[command(name = "hither", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
New here? `hither demo` needs no set-up and shows a whole session.

By hand, in three terminals (the password files hold one line each):
  hither account add alice@example.org --password-file alice.txt --data ./data
  hither account add bob@example.org   --password-file bob.txt   --data ./data
  hither serve --listen 127.0.0.1:4000 --data ./data
  hither console --service ws://127.0.0.1:4000/v1 --user alice@example.org --password-file alice.txt
  hither console --service ws://127.0.0.1:4000/v1 --user bob@example.org   --password-file bob.txt")]
pub struct Command {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Runs the service
    Serve(ServeArgs),
    /// Adds, lists and removes accounts, also while the service runs
    #[command(subcommand)]
    Account(AccountAction),
    /// A client for people and, with --json, for scripts
    Console(ConsoleArgs),
    /// Shows a whole session: two processes, a game, a direct connection
    Demo(DemoArgs),
    /// Prints the version
    Version {
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// One of the two people of the demo
    #[command(hide = true)]
    DemoPlayer(PlayerArgs),
}

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

/// Arguments of `hither console`.
#[derive(Debug, Args)]
#[command(after_help = CONSOLE_HELP)]
pub struct ConsoleArgs {
    /// The address of the service, as `hither serve` prints it
    #[arg(long, value_name = "URL")]
    pub service: String,
    /// The sign-in name
    #[arg(long, value_name = "NAME@DOMAIN")]
    pub user: PersonName,
    /// The file with the password; left out, it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// One JSON object a line, in and out
    #[arg(long)]
    pub json: bool,
    /// Keeps what a killed console needs to go on when it is started again, with the token in it
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// What to log on standard error, for instance `hither=debug`
    #[arg(long, value_name = "FILTER", env = "HITHER_LOG", default_value = "error")]
    pub log: String,
}

const CONSOLE_HELP: &str = r#"Example, for people (`help` lists the commands):
  hither console --service ws://127.0.0.1:4000/v1 --user alice@example.org --password-file alice.txt
  hither> create
  hither> application 1 {2F1A5B60-0F0B-4A53-9C1C-6E2D0D3B8A11} Chess
  hither> invite 1 bob@example.org a game?

With --json each line of input is one object and is answered by exactly one line, in order.
Events come as lines of their own. End of input is `quit`.
  {"id":1,"do":"create"}
  {"re":1,"hresult":"0x00000000","result":"S_OK","session":"{...}"}
  {"id":2,"do":"application","session":S,"guid":G}          also "name", "url"
  {"id":3,"do":"address","session":S,"address":"192.0.2.1"} null discloses none
  {"id":4,"do":"invite","session":S,"to":"bob@example.org","data":"a game?"}
  {"id":5,"do":"accept","session":S,"data":D}               then attach
  {"id":6,"do":"decline","session":S,"data":D}              also ignore
  {"id":7,"do":"attach","session":S}
  {"id":8,"do":"context","session":S,"data":"192.0.2.1:5000"}
  {"id":9,"do":"cancel","session":S,"hr":"0x80004005"}      an integer does as well
  {"id":10,"do":"get","session":S}
  {"id":11,"do":"status","status":"AWAY"}
  {"id":12,"do":"contact","add":"bob@example.org"}          also remove, block, unblock
  {"id":13,"do":"contacts"}
  {"id":14,"do":"settings","invitations":"anyone"}          also "show_declines"
  {"id":15,"do":"quit"}
A refusal has the code's name in `result` and a sentence in `message`. Events have the names of
the reference: {"event":"OnStateChanged","session":S,"previous":"SS_READY","state":"SS_INVITATION"}"#;

/// Arguments of `hither demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Starts the service on a free port with its store in a temporary folder, and two people as two
processes. They play a game of tic-tac-toe: the service carries the invitation and the address
of the table, the moves go over a direct TCP connection. Everything is removed afterwards.")]
pub struct DemoArgs {}

/// Arguments of one person of the demo.
#[derive(Debug, Args)]
pub struct PlayerArgs {
    /// The address of the service
    #[arg(long)]
    pub service: String,
    /// Who plays
    #[arg(long)]
    pub user: PersonName,
    /// Where the password is
    #[arg(long)]
    pub password_file: PathBuf,
    /// With whom
    #[arg(long)]
    pub with: PersonName,
    /// Whether this one invites
    #[arg(long)]
    pub invites: bool,
}
