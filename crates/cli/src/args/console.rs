//! Arguments of `hither console`.

use std::path::PathBuf;

use clap::Args;
use hither::PersonName;

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
    /// With the service's lock on: the application id with which the console unlocks it
    #[arg(long, value_name = "ID", requires = "key_file")]
    pub app_id: Option<String>,
    /// The key of that id: a file that only you can read
    #[arg(long, value_name = "FILE", requires = "app_id")]
    pub key_file: Option<PathBuf>,
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
