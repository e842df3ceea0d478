//! What happened on each side, in one column of time.

use std::collections::BTreeSet;
use std::io::stdout;

use anyhow::{Result, ensure};
use hither::State;
use tictactoe::app::{Moment, Place, Played};
use tictactoe::board::{Mark, Outcome};

use super::player::now_us;
use crate::terminal::{Paint, escape, show};

/// Whose line it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Who runs the service.
    Host,
    Alice,
    Bob,
}

impl Who {
    /// The two people.
    pub const PEOPLE: [Who; 2] = [Who::Alice, Who::Bob];

    pub fn name(self) -> &'static str {
        match self {
            Who::Host => "host",
            Who::Alice => "alice",
            Who::Bob => "bob",
        }
    }

    /// The sign-in name of a person.
    pub fn user(self) -> &'static str {
        match self {
            Who::Host => "",
            Who::Alice => "alice@example.org",
            Who::Bob => "bob@example.org",
        }
    }

    /// With whom a person plays.
    pub fn friend(self) -> Who {
        match self {
            Who::Host => Who::Host,
            Who::Alice => Who::Bob,
            Who::Bob => Who::Alice,
        }
    }
}

/// Prints as it goes, in the order of time.
pub struct Timeline {
    start_us: u64,
    paint: Paint,
    seen: BTreeSet<(Who, String)>,
    waiting: Vec<Line>,
}

struct Line {
    at_us: u64,
    who: Option<Who>,
    channel: &'static str,
    text: String,
}

impl Timeline {
    /// Time runs from here.
    pub fn start() -> Timeline {
        Timeline { start_us: now_us(), paint: Paint::of(&stdout()), seen: BTreeSet::new(), waiting: Vec::new() }
    }

    /// Something about the demo itself.
    pub fn note(&mut self, text: &str) {
        let text = self.paint.dim(&escape(text));
        self.waiting.push(Line { at_us: now_us(), who: None, channel: "", text });
    }

    /// A command that somebody types.
    pub fn typed(&mut self, who: Who, line: &str) {
        let text = self.paint.bold(&escape(line));
        self.waiting.push(Line { at_us: now_us(), who: Some(who), channel: "$", text });
    }

    /// Something that a command says now.
    pub fn says(&mut self, who: Who, channel: &'static str, text: &str) {
        self.said(now_us(), who, channel, text);
    }

    /// Something that was said, shown with the next [`Timeline::flush`].
    pub fn said(&mut self, at_us: u64, who: Who, channel: &'static str, text: &str) {
        self.waiting.push(Line { at_us, who: Some(who), channel, text: escape(text).into_owned() });
    }

    /// Something that a game saw or did.
    pub fn moment(&mut self, at_us: u64, who: Who, Moment { place, text }: Moment) {
        let channel = match place {
            Place::Here => "game",
            Place::Session => "state",
            Place::Service => "service",
            Place::Direct => "direct",
        };
        self.said(at_us, who, channel, &text);
        if place == Place::Session {
            self.seen.insert((who, text));
        }
    }

    /// Shows what waits to be shown.
    pub fn flush(&mut self) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|line| line.at_us);
        waiting.into_iter().try_for_each(|line| self.show(&line))
    }

    /// Whether both games went through the states that they must go through.
    pub fn check(&self) -> Result<()> {
        use State::{Accepted, Cancelled, Connected, Terminated};
        for who in Who::PEOPLE {
            for (previous, state) in [(Accepted, Connected), (Connected, Cancelled), (Cancelled, Terminated)] {
                let step = format!("{previous} -> {state}");
                ensure!(self.seen.contains(&(who, step.clone())), "{}'s game did not go from {step}", who.name());
            }
        }
        Ok(())
    }

    fn show(&self, Line { at_us, who, channel, text }: &Line) -> Result<()> {
        let time = format!("{:>6} ms", at_us.saturating_sub(self.start_us) / 1000);
        let column = format!("{:<6}", who.map(Who::name).unwrap_or_default());
        let column = match who {
            Some(Who::Alice) => self.paint.cyan(&column),
            Some(Who::Bob) => self.paint.magenta(&column),
            Some(Who::Host) | None => column,
        };
        show(&format!("{}  {column} {channel:<8} {text}", self.paint.dim(&time)))
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
    show("")?;
    show(&format!("The game             {result}: {rows}"))?;
    show(&format!(
        "Through the service  {} bytes of app data and {} bytes of context data",
        alice.app_data + bob.app_data,
        alice.context_data + bob.context_data
    ))?;
    show(&format!(
        "Directly             {} bytes from alice to bob and {} bytes from bob to alice: a key, the moves, the board",
        alice.finished.sent, bob.finished.sent
    ))
}
