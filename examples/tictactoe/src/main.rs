//! Tic-tac-toe with a friend, played by the machine.
//!
//! `tictactoe register` tells the agent of it once. From then on `hither invite FRIEND@DOMAIN Tic-tac-toe`
//! starts it on both sides, and `tictactoe invite FRIEND@DOMAIN` on the friend's.

use anyhow::{Context as _, Result, bail};
use tictactoe::app::{self, Moment};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let played = match words.as_slice() {
        [] => app::launched(&mut show).await.context("only an agent starts it without arguments")?,
        ["register"] => {
            let program = std::env::current_exe().context("cannot find this program")?;
            return app::register(&program).await;
        }
        ["invite", friend] => app::invite(friend, &mut show).await?,
        _ => bail!("usage: tictactoe register | tictactoe invite FRIEND@DOMAIN"),
    };
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
