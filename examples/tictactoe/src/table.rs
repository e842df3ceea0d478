//! The direct connection: one listens, the other connects, and moves go over it as lines of text.
//!
//! What the other side needs to find the table, its [`Ticket`], is all that the service carries
//! for the game.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::board::{Board, Mark, Outcome, Strategy};

/// Where the table is and what opens the door. Small enough for context data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Where the host listens.
    pub address: SocketAddr,
    /// Known to the invited guest only, so that nobody else sits down.
    pub key: String,
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tictactoe {} {}", self.address, self.key)
    }
}

impl FromStr for Ticket {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Ticket> {
        let mut words = text.split(' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("tictactoe"), Some(address), Some(key), None) => {
                Ok(Ticket { address: address.parse()?, key: key.to_owned() })
            }
            _ => bail!("the other side did not send a ticket to a table of tic-tac-toe"),
        }
    }
}

/// A table that waits for its guest.
#[derive(Debug)]
pub struct Table {
    listener: TcpListener,
    key: String,
}

impl Table {
    /// Listens on a free port of one's own address.
    pub async fn open(own: IpAddr) -> Result<Table> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).context("the system has no randomness")?;
        let key = format!("{:032x}", u128::from_be_bytes(random));
        let listener = TcpListener::bind((own, 0)).await.with_context(|| format!("cannot listen on {own}"))?;
        Ok(Table { listener, key })
    }

    /// What the guest needs.
    pub fn ticket(&self) -> Result<Ticket> {
        Ok(Ticket { address: self.listener.local_addr()?, key: self.key.clone() })
    }

    /// Waits for the guest who knows the key; the host begins. Whoever does not know it is turned away.
    pub async fn welcome(self) -> Result<Game> {
        loop {
            let (stream, _) = in_time("the guest", self.listener.accept()).await?;
            let mut game = Game::new(stream, Mark::X);
            if let Ok(line) = game.hear().await
                && line.strip_prefix("key ") == Some(&self.key)
            {
                game.say("welcome").await?;
                return Ok(game);
            }
        }
    }
}

/// Sits down at the table of a ticket.
pub async fn sit_down(ticket: &Ticket) -> Result<Game> {
    let stream = in_time("the table", TcpStream::connect(ticket.address)).await?;
    let mut game = Game::new(stream, Mark::O);
    game.say(&format!("key {}", ticket.key)).await?;
    ensure!(game.hear().await? == "welcome", "the host did not let us in");
    Ok(game)
}

/// A game over an open connection.
#[derive(Debug)]
pub struct Game {
    stream: BufReader<TcpStream>,
    me: Mark,
    sent: u64,
    received: u64,
}

/// A game that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// How the board looks.
    pub rows: String,
    /// Bytes sent directly.
    pub sent: u64,
    /// Bytes received directly.
    pub received: u64,
}

/// How long the other side may think, and how long a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest line of the game: a key.
const LINE_BYTES: u64 = 64;

impl Game {
    fn new(stream: TcpStream, me: Mark) -> Game {
        Game { stream: BufReader::new(stream), me, sent: 0, received: 0 }
    }

    /// Which mark is ours.
    pub fn me(&self) -> Mark {
        self.me
    }

    /// Plays to the end. `on_move` hears of every move, one's own too.
    pub async fn play(mut self, strategy: Strategy, mut on_move: impl FnMut(Mark, usize)) -> Result<Finished> {
        let (mut board, mut turn) = (Board::default(), Mark::X);
        let outcome = loop {
            if let Some(outcome) = board.outcome() {
                break outcome;
            }
            let cell = if turn == self.me {
                strategy(&board, turn).context("no cell is free")?
            } else {
                let line = self.hear().await?;
                line.strip_prefix("move ").and_then(|cell| cell.parse().ok()).context("that is no move")?
            };
            board.put(cell, turn)?;
            on_move(turn, cell);
            if turn == self.me {
                self.say(&format!("move {cell}")).await?;
            }
            turn = turn.other();
        };
        self.agree(&board).await?;
        Ok(Finished { outcome, rows: board.rows(), sent: self.sent, received: self.received })
    }

    /// Both sides must have seen the same game.
    async fn agree(&mut self, board: &Board) -> Result<()> {
        let mine = format!("board {}", board.rows());
        self.say(&mine).await?;
        ensure!(self.hear().await? == mine, "the two boards differ");
        Ok(())
    }

    async fn say(&mut self, line: &str) -> Result<()> {
        let line = format!("{line}\n");
        in_time("sending", self.stream.get_mut().write_all(line.as_bytes())).await?;
        self.sent += line.len() as u64;
        Ok(())
    }

    async fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        let mut bounded = (&mut self.stream).take(LINE_BYTES);
        in_time("the other player", bounded.read_line(&mut line)).await?;
        self.received += line.len() as u64;
        match line.strip_suffix('\n') {
            Some(line) => Ok(line.to_owned()),
            None => bail!("the other player has gone, or talks too much"),
        }
    }
}

async fn in_time<T>(what: &str, step: impl Future<Output = std::io::Result<T>>) -> Result<T> {
    match timeout(PATIENCE, step).await {
        Ok(done) => done.with_context(|| format!("{what}: the direct connection failed")),
        Err(_) => bail!("{what}: nothing happened for {} seconds", PATIENCE.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::{careful, careless};
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_stranger_is_turned_away_and_the_guest_plays() {
        let table = Table::open(Ipv4Addr::LOCALHOST.into()).await.unwrap();
        let ticket: Ticket = table.ticket().unwrap().to_string().parse().unwrap();
        let host = tokio::spawn(async move { table.welcome().await.unwrap().play(careful, |_, _| {}).await.unwrap() });

        let stranger = Ticket { key: "wrong".to_owned(), ..ticket.clone() };
        assert!(sit_down(&stranger).await.is_err());

        let mut moves = 0;
        let guest = sit_down(&ticket).await.unwrap().play(careless, |_, _| moves += 1).await.unwrap();
        let host = host.await.unwrap();
        assert_eq!((host.outcome, host.sent, host.received), (Outcome::Won(Mark::X), guest.received, guest.sent));
        assert_eq!(guest.rows, host.rows);
        assert!(moves >= 5);
    }

    #[test]
    fn tickets() {
        for bad in ["", "tictactoe", "tictactoe 127.0.0.1 k", "chess 127.0.0.1:1 k", "tictactoe 127.0.0.1:1 k more"] {
            assert!(bad.parse::<Ticket>().is_err(), "{bad}");
        }
    }
}
