//! Arguments of the commands about invitations and sessions.

use clap::Args;
use hither::PersonName;

use super::prefix::Prefix;

/// Arguments of `hither invite`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither invite bob@example.org Chess
  hither invite bob@example.org Chess --data 'white or black?' --wait

When it is accepted, the application starts on both sides. APP is a GUID or a name, as `hither app
list` shows them. With --wait the exit code is 0 once both applications are connected, and 1 if it
does not come to that.")]
pub struct InviteArgs {
    /// Who
    #[arg(value_name = "NAME@DOMAIN")]
    pub who: PersonName,
    /// Into what
    #[arg(value_name = "APP")]
    pub app: String,
    #[command(flatten)]
    pub data: DataArgs,
    /// Waits until both are connected, or it is over, and says how far it is
    #[arg(long)]
    pub wait: bool,
}

/// Words that go with it.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// App data for the other side, at most 256 characters
    #[arg(long = "data", value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = app_data)]
    pub text: String,
}

/// What is too long would not even be said to the agent.
fn app_data(text: &str) -> Result<String, String> {
    const UNITS_MAX: usize = hither_wire::limits::APP_DATA_UNITS;
    if hither_wire::text::fits(text, UNITS_MAX) {
        Ok(text.to_owned())
    } else {
        Err(format!("app data have at most {UNITS_MAX} characters (UTF-16 units)"))
    }
}

/// Which session.
#[derive(Debug, Args)]
#[command(after_help = SESSION_HELP)]
pub struct SessionArgs {
    /// Which; left out, the only one that fits
    #[arg(value_name = "SESSION")]
    pub session: Option<Prefix>,
}

/// Which session, and words for the other side.
#[derive(Debug, Args)]
#[command(after_help = ANSWER_HELP)]
pub struct AnswerArgs {
    /// Which; left out, the only one that fits
    #[arg(value_name = "SESSION")]
    pub session: Option<Prefix>,
    #[command(flatten)]
    pub data: DataArgs,
}

const ANSWER_HELP: &str = "\
Examples:
  hither accept                              the only invitation there is
  hither accept 305D86C6 --data 'black'
  hither decline --data 'not now'
  hither cancel 305D

SESSION is the session's id, with or without braces, or as many of its first digits (four at least)
as tell it from the others: `hither sessions` shows them.";

const SESSION_HELP: &str = "\
Examples:
  hither ignore                              the only invitation there is
  hither get 305D86C6

SESSION is the session's id, with or without braces, or as many of its first digits (four at least)
as tell it from the others: `hither sessions` shows them.";

/// Arguments of `hither watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --json each line is one object: `time`, and the event as spec/wire.md and spec/local.md
describe it. The first line has the event `watching`; then comes a `session` for each that there is.
  {\"time\":\"2030-01-31T12:00:00.000Z\",\"event\":\"watching\",\"user\":\"bob@example.org\",\"connected\":true}
  {\"time\":\"2030-01-31T12:00:05.120Z\",\"event\":\"invitation\",\"session\":\"{...}\", and so on}
While somebody watches, an invitation counts as ringing.")]
pub struct WatchArgs {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `hither open`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither open 'hither:accept/{305D86C6-6896-4099-91F5-CB7BA7733563}'

On a terminal it says what the link would do, and asks. Without one the agent asks, with a
notification. A link does nothing without your yes.")]
pub struct OpenArgs {
    /// The link
    #[arg(value_name = "URI")]
    pub uri: String,
    /// Does it without asking
    #[arg(long)]
    pub yes: bool,
}
