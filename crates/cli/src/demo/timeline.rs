//! What happened on each side, in one column of time.

use std::collections::BTreeSet;
use std::io::stdout;

use anyhow::{Context as _, Result, ensure};
use hither::State;
use tictactoe::app::{Moment, Place, Played};
use tictactoe::board::{Mark, Outcome};

use super::player::now_us;
use crate::terminal::{Paint, escape, print_line};

/// The two people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Alice,
    Bob,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Who::Alice => "alice",
            Who::Bob => "bob",
        }
    }

    pub fn user(self) -> &'static str {
        match self {
            Who::Alice => "alice@example.org",
            Who::Bob => "bob@example.org",
        }
    }
}

/// Prints as it goes, in the order of time.
pub struct Timeline {
    start_us: u64,
    paint: Paint,
    seen: BTreeSet<(Who, String)>,
    waiting: Vec<(u64, Who, Moment)>,
}

impl Timeline {
    /// Time runs from here.
    pub fn start() -> Timeline {
        Timeline { start_us: now_us(), paint: Paint::of(&stdout()), seen: BTreeSet::new(), waiting: Vec::new() }
    }

    /// Something about the demo itself.
    pub fn note(&self, text: &str) -> Result<()> {
        self.line(now_us(), "", "", &self.paint.dim(text))
    }

    /// Something that one of the two saw or did; shown with the next [`Timeline::flush`].
    pub fn moment(&mut self, at_us: u64, who: Who, moment: Moment) {
        if moment.place == Place::Session {
            self.seen.insert((who, moment.text.clone()));
        }
        self.waiting.push((at_us, who, moment));
    }

    /// Shows what waits to be shown.
    pub fn flush(&mut self) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|(at_us, ..)| *at_us);
        for (at_us, who, Moment { place, text }) in waiting {
            let text = escape(&text);
            let (place, text) = match place {
                Place::Here => ("", text.into_owned()),
                Place::Session => ("state", self.paint.bold(&text)),
                Place::Service => ("service", text.into_owned()),
                Place::Direct => ("direct", text.into_owned()),
            };
            self.line(at_us, who.name(), place, &text)?;
        }
        Ok(())
    }

    /// Whether both sides went through the states that they must go through.
    pub fn check(&self) -> Result<()> {
        use State::{Accepted, Cancelled, Connected, Invitation, Terminated};
        let steps = [(Invitation, Accepted), (Accepted, Connected), (Connected, Cancelled), (Cancelled, Terminated)];
        for who in [Who::Alice, Who::Bob] {
            for (previous, state) in steps {
                let step = format!("{previous} -> {state}");
                ensure!(self.seen.contains(&(who, step.clone())), "{} did not go from {step}", who.name());
            }
        }
        Ok(())
    }

    fn line(&self, at_us: u64, who: &str, place: &str, text: &str) -> Result<()> {
        let time = format!("{:>6} ms", at_us.saturating_sub(self.start_us) / 1000);
        let column = format!("{who:<6}");
        let who = match who {
            "alice" => self.paint.cyan(&column),
            "bob" => self.paint.magenta(&column),
            _ => column,
        };
        print(&format!("{}  {who} {place:<8} {text}", self.paint.dim(&time)))
    }
}

/// How it ended, and which bytes went where.
pub fn sum_up(alice: &Played, bob: &Played) -> Result<()> {
    let result = match alice.finished.outcome {
        Outcome::Won(Mark::X) => "alice won",
        Outcome::Won(Mark::O) => "bob won",
        Outcome::Drawn => "a draw",
    };
    let rows = alice.finished.rows.replace('|', " / ");
    print("")?;
    print(&format!("The game             {result}: {rows}"))?;
    print(&format!(
        "Through the service  {} bytes of app data and {} bytes of context data",
        alice.app_data + bob.app_data,
        alice.context_data + bob.context_data
    ))?;
    print(&format!(
        "Directly             {} bytes from alice to bob and {} bytes from bob to alice: a key, the moves, the board",
        alice.finished.sent, bob.finished.sent
    ))
}

fn print(text: &str) -> Result<()> {
    print_line(text).context("cannot write to standard output")
}
