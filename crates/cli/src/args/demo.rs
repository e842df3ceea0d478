//! Arguments of `hither demo`, and of the application in it.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `hither demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything that two people do with hither, on this machine and in a temporary folder: a service on
a free port, two people with an agent each, the commands that they type, an invitation, and a game
that the two agents start. The service carries the invitation and the address of the table; the
moves go over a direct TCP connection.

Everything ends and is removed afterwards. After a failure the logs stay, and it says where.")]
pub struct DemoArgs {
    #[command(flatten)]
    pub pace: PaceArgs,
}

/// How fast it goes.
#[derive(Clone, Copy, Debug, Args)]
pub struct PaceArgs {
    /// Lets the game take this long for each step, so that it can be followed
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=2000))]
    pub pace: u64,
}

/// Arguments of the application.
#[derive(Debug, Args)]
pub struct PlayerArgs {
    /// The socket on which the demo listens to what it sees
    #[arg(long)]
    pub tell: PathBuf,
    #[command(flatten)]
    pub pace: PaceArgs,
}
