//! Checks that are told step by step: what works, what does not, and what to do.

use std::io::stdout;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;

use crate::terminal::{Paint, escape, json, show};

/// Tells the steps, and remembers whether one failed.
pub struct Steps {
    json: bool,
    paint: Paint,
    failed: bool,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    Failed,
    Skipped,
}

/// A step, with stable names.
#[derive(Serialize)]
struct Line<'a> {
    step: &'a str,
    outcome: Outcome,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
}

impl Steps {
    /// For people, or as one JSON object a step.
    pub fn new(json: bool) -> Steps {
        Steps { json, paint: Paint::of(&stdout()), failed: false }
    }

    /// It works.
    pub fn ok(&mut self, step: &str, detail: &str) -> Result<()> {
        self.tell(&Line { step, outcome: Outcome::Ok, detail, advice: None })
    }

    /// It does not work, and this is what to do.
    pub fn failed(&mut self, step: &str, detail: &str, advice: &str) -> Result<()> {
        self.failed = true;
        self.tell(&Line { step, outcome: Outcome::Failed, detail, advice: Some(advice) })
    }

    /// It was not looked at, or does not matter.
    pub fn skipped(&mut self, step: &str, why: &str) -> Result<()> {
        self.tell(&Line { step, outcome: Outcome::Skipped, detail: why, advice: None })
    }

    /// Exit code 1 if a step has failed.
    pub fn exit(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    fn tell(&self, line: &Line<'_>) -> Result<()> {
        if self.json {
            return show(&json(line));
        }
        let outcome = match line.outcome {
            Outcome::Ok => self.paint.green("ok     "),
            Outcome::Failed => self.paint.red("failed "),
            Outcome::Skipped => self.paint.dim("skipped"),
        };
        show(&format!("{outcome} {:<13} {}", line.step, escape(line.detail)))?;
        match line.advice {
            Some(advice) => show(&format!("{:21} what to do: {}", "", escape(advice))),
            None => Ok(()),
        }
    }
}
