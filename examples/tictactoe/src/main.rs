//! Tic-tac-toe with a friend, played by the machine.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use hither::Client;
use tictactoe::app::{Moment, Player};

const USAGE: &str = "usage: tictactoe SERVICE NAME@DOMAIN PASSWORD-FILE invite|await FRIEND@DOMAIN";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [service, user, file, role, friend] = arguments.as_slice() else { bail!(USAGE) };
    let password = std::fs::read_to_string(Path::new(file)).with_context(|| format!("cannot read {file}"))?;
    let (client, mut events) = Client::builder(service).sign_in(user, password.trim_end_matches('\n')).await?;

    let mut player = Player { client: &client, events: &mut events, tell: &mut show };
    player.befriend(friend).await?;
    let played = match role.as_str() {
        "invite" => player.invite(friend).await?,
        "await" => player.wait().await?,
        _ => bail!(USAGE),
    };
    client.sign_out().await?;
    let rows = played.finished.rows.replace('|', "\n");
    show_text(&format!("{rows}\n{:?}", played.finished.outcome));
    Ok(())
}

fn show(moment: &Moment) {
    show_text(&moment.text);
}

#[expect(clippy::print_stdout, reason = "the game is shown on standard output")]
fn show_text(text: &str) {
    println!("{text}");
}
