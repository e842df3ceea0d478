//! The command line, and what its help teaches.

mod agent;
mod apps;
mod code;
mod console;
mod demo;
mod doctor;
mod help;
mod key;
mod own;
mod people;
mod prefix;
mod service;
mod session;
mod sign_in;
mod time;

use clap::{Parser, Subcommand};

use crate::config::{ConfigAction, Sources};

pub use agent::{AgentAction, AgentArgs, RunArgs};
pub use apps::{AppAction, ListArgs, RegisterArgs, ShowArgs, TestArgs};
pub use code::{CodeAction, IssueCodeArgs};
pub use console::ConsoleArgs;
pub use demo::{DemoArgs, PlayerArgs};
pub use doctor::DoctorArgs;
pub use help::parse;
pub use key::{IssueArgs, KeyAction, KeyOutput, RotateArgs, SealArgs};
pub use own::{DevicesAction, DevicesArgs, PasswordArgs, SignUpArgs, WhichDevice};
pub use people::{ContactVerb, PolicyArgs, PolicyWord, StatusArgs};
pub use prefix::Prefix;
pub use service::{AccountAction, BackupArgs, NewPassword, ServeArgs, StoreArgs, Whose};
pub use session::{AnswerArgs, InviteArgs, OpenArgs, SessionArgs, WatchArgs};
pub use sign_in::{KeyringArgs, SignInArgs, SignOutArgs};

/// Invites people into applications: the agent of a person, the service, and a demo of both.
#[derive(Debug, Parser)]
#[command(name = "hither", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
New here? `hither demo` needs no set-up and shows a whole session.

With an account at a service:
  hither sign-in alice@example.org --service ws://127.0.0.1:4000/v1
  hither agent &
  hither app register {305D86C6-6896-4099-91F5-CB7BA7733563} Chess /usr/bin/chess
  hither invite bob@example.org Chess

A service of your own (the password file holds one line):
  hither account add alice@example.org --password-file alice.txt --data ./data
  hither serve --listen 127.0.0.1:4000 --data ./data")]
pub struct Command {
    #[command(subcommand)]
    pub action: Action,
}

/// What to do. `help` says into which group each belongs.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Signs in, and keeps a token so that the agent can
    SignIn(SignInArgs),
    /// Makes an account with a code from the operator, and signs in
    SignUp(SignUpArgs),
    /// Signs out: the token stops working and is removed
    SignOut(SignOutArgs),
    /// Runs the agent, which rings and starts applications
    Agent(AgentArgs),
    /// Says step by step what works, here and on the way to somebody
    Doctor(DoctorArgs),

    /// Invites somebody into an application
    Invite(InviteArgs),
    /// Accepts an invitation
    Accept(AnswerArgs),
    /// Declines an invitation
    Decline(AnswerArgs),
    /// Lets an invitation ring out
    Ignore(SessionArgs),
    /// Opens the page of an application that is not installed
    Get(SessionArgs),
    /// Ends a session
    Cancel(AnswerArgs),
    /// Lists the sessions on this machine
    Sessions(ListArgs),
    /// Shows what happens, until Ctrl-C
    Watch(WatchArgs),
    /// Acts on a `hither:` link, after asking
    Open(OpenArgs),

    /// Lists the contacts
    Contacts(ListArgs),
    /// Changes the contact list
    #[command(subcommand)]
    Contact(ContactVerb),
    /// Shows or chooses your presence
    Status(StatusArgs),
    /// Answers invitations without asking you
    Policy(PolicyArgs),

    /// Lists your devices, and signs one out for good
    Devices(DevicesArgs),
    /// Changes your password
    Password(PasswordArgs),

    /// Registers, lists and tries out applications
    #[command(subcommand)]
    App(AppAction),

    /// Runs the service
    Serve(Box<ServeArgs>),
    /// Shows and checks the settings of a service
    #[command(subcommand)]
    Config(Box<ConfigAction>),
    /// Asks a service on this machine whether it takes clients
    Health(Box<Sources>),
    /// Prints the description of the operator's HTTP API, as `OpenAPI`
    Openapi,
    /// Copies the store of a service, also while that runs
    Backup(BackupArgs),
    /// Adds, lists and removes accounts, also while the service runs
    #[command(subcommand)]
    Account(AccountAction),
    /// Issues and revokes the ID/key pairs that unlock the API for applications
    #[command(subcommand)]
    Key(KeyAction),

    /// Shows a whole session, with two people and two agents
    Demo(DemoArgs),
    /// A client without an agent, for people and, with --json, for scripts
    Console(ConsoleArgs),
    /// Prints the version
    Version {
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// The application of the demo
    #[command(hide = true)]
    DemoPlayer(PlayerArgs),
}
