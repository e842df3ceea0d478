//! Arguments of the commands about people.

use clap::{Args, Subcommand, ValueEnum};
use hither::{ContactAction, PersonName, Status};

/// Actions of `hither contact`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither contact add bob@example.org
  hither contact block mallory@example.org

Somebody who has not got you as a contact may be out of your reach: by default people take
invitations from their contacts only. You are offline for whomever you block, who is not told.")]
pub enum ContactVerb {
    /// Puts somebody into the list
    Add(WhoArgs),
    /// Takes somebody out of the list
    Remove(WhoArgs),
    /// Is offline for somebody, who cannot invite any more
    Block(WhoArgs),
    /// Undoes a block
    Unblock(WhoArgs),
}

impl ContactVerb {
    /// What to do, with whom.
    pub fn parts(&self) -> (ContactAction, &PersonName) {
        match self {
            ContactVerb::Add(WhoArgs { who }) => (ContactAction::Add, who),
            ContactVerb::Remove(WhoArgs { who }) => (ContactAction::Remove, who),
            ContactVerb::Block(WhoArgs { who }) => (ContactAction::Block, who),
            ContactVerb::Unblock(WhoArgs { who }) => (ContactAction::Unblock, who),
        }
    }
}

/// Who.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// The sign-in name
    #[arg(value_name = "NAME@DOMAIN")]
    who: PersonName,
}

/// Arguments of `hither status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither status
  hither status busy

STATUS is one of online, invisible, busy, be-right-back, idle, away, on-the-phone, out-to-lunch.
While you are busy, invitations do not ring: they are listed by `hither sessions`.")]
pub struct StatusArgs {
    /// What others see; left out, it is shown
    #[arg(value_name = "STATUS", value_parser = status)]
    pub status: Option<Status>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

fn status(text: &str) -> Result<Status, String> {
    Status::chosen(&text.replace(['-', ' '], "_")).ok_or_else(|| {
        let names = Status::CHOICES.map(|status| status.name().to_lowercase().replace('_', "-"));
        format!("it is one of {}", names.join(", "))
    })
}

/// Arguments of `hither policy`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hither policy --who bob@example.org accept                what Bob invites to is accepted at once
  hither policy --who bob@example.org --app Chess refuse    but not Chess
  hither policy --app Chess ask                             you are asked again
  hither policy list

The rule with both person and application counts first, then the one for the person, then the one
for the application. Without a rule you are asked. The agent takes a change at once.")]
pub struct PolicyArgs {
    /// For invitations of this person
    #[arg(long, value_name = "NAME@DOMAIN")]
    pub who: Option<PersonName>,
    /// For invitations to this application
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,
    /// What to answer; left out, or `list`, the rules are shown
    #[arg(value_name = "ANSWER", value_enum)]
    pub what: Option<PolicyWord>,
}

/// What can be said of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyWord {
    /// You are asked
    Ask,
    /// Accepted by itself
    Accept,
    /// Declined by itself
    Refuse,
    /// Shows the rules
    List,
}
