//! The settings of a service: from the table of all of them to the configuration that it starts with.
//!
//! | file | what it does |
//! | --- | --- |
//! | `table`, `value` | which settings there are, and what they can be |
//! | `file`, `environment`, `flags` | read them, each a layer |
//! | `layers` | put one layer over the other, and remember where each value comes from |
//! | `check`, `secrets` | find what the values alone do not show |
//! | `sections` | say what they mean |
//! | `print` | show them |
//!
//! A flag counts before the environment, the environment before the file, the file before the default.
//! Everything that is wrong is found at once, and nothing that is wrong is passed over.

mod check;
mod environment;
mod file;
mod flags;
mod layers;
mod print;
mod secrets;
mod sections;
mod suggest;
mod table;
mod value;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;

pub use flags::Flags;
pub use layers::{Effective, Finding, Source};
pub use sections::Configured;
pub use value::is_domain;

use crate::failure::say;
use crate::terminal::{json as harmless, show};

/// Settings that are wrong end a command with this code, as wrong arguments do.
pub const WRONG: u8 = 2;

/// Where settings come from.
#[derive(Clone, Debug, Args)]
pub struct Sources {
    /// The file with the settings; none without it
    #[arg(long, value_name = "FILE", env = "HITHER_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub flags: Flags,
}

/// Actions of `hither config`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  hither config print --defaults > hither.toml         a file to start from
  hither config check --config hither.toml             what `serve` would refuse, all at once
  hither config print --config hither.toml --ring 20   what counts, and where each value comes from

A flag counts before the environment (HITHER_SECTION_KEY), that before the file, that before the default.")]
pub enum ConfigAction {
    /// Shows every setting with its value, where that comes from, and what it does
    Print {
        #[command(flatten)]
        from: Sources,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
        /// A commented file to start from instead
        #[arg(long, conflicts_with_all = ["json", "config"])]
        defaults: bool,
        /// The table of the documentation instead
        #[arg(long, hide = true)]
        markdown: bool,
    },
    /// Looks for everything that `serve` would refuse, and for what should be looked at
    Check {
        #[command(flatten)]
        from: Sources,
        /// As one JSON object a line
        #[arg(long)]
        json: bool,
    },
}

/// Settings that are right.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Each with where it comes from.
    pub settings: Effective,
    /// What they mean.
    pub configured: Configured,
    /// What should be looked at.
    pub warnings: Vec<Finding>,
}

impl Sources {
    /// Puts the layers over each other.
    fn read(&self) -> (Effective, Vec<Finding>) {
        let mut settings = Effective::defaults();
        let mut findings = Vec::new();
        if let Some(path) = &self.config {
            let said = file::read(path);
            settings.settings.put(said.given);
            settings.issuers = said.issuers;
            settings.unread = said.unread;
            findings.extend(said.findings);
        }
        let (given, wrong) = environment::read(std::env::vars_os());
        settings.settings.put(given);
        findings.extend(wrong);
        settings.settings.put(self.flags.given());
        (settings, findings)
    }

    /// Reads the settings and finds everything that is wrong with them.
    fn examine(&self) -> (Effective, Configured, Vec<Finding>) {
        let (settings, mut findings) = self.read();
        let configured = Configured::of(&settings);
        // Of what is not known nothing can be missed.
        if !settings.unread {
            findings.extend(check::settings(&settings));
        }
        (settings, configured, findings)
    }

    /// Where operators' tools are answered, as far as the settings say so rightly.
    pub fn operations(&self) -> Option<std::net::SocketAddr> {
        self.read().0.text("service", "operations")?.parse().ok()
    }

    /// Reads the settings for a service; if something is wrong with them, all of that.
    pub fn load(&self) -> Result<Loaded, Vec<Finding>> {
        let (settings, configured, findings) = self.examine();
        if findings.iter().any(|finding| !finding.warning) {
            return Err(findings);
        }
        Ok(Loaded { settings, configured, warnings: findings })
    }
}

/// Says what is wrong, a line for each.
pub fn refuse(findings: &[Finding]) -> ExitCode {
    findings.iter().for_each(say);
    ExitCode::from(WRONG)
}

/// `hither config`.
pub fn run(action: ConfigAction) -> Result<ExitCode> {
    match action {
        ConfigAction::Print { markdown: true, .. } => show(print::markdown().trim_end())?,
        ConfigAction::Print { defaults: true, .. } => show(print::defaults().trim_end())?,
        ConfigAction::Print { from, json, .. } => {
            let (settings, findings) = from.read();
            if json {
                print::objects(&settings).iter().try_for_each(|object| show(&harmless(object)))?;
            } else {
                show(print::toml(&settings).trim_end())?;
            }
            if !findings.is_empty() {
                return Ok(refuse(&findings));
            }
        }
        ConfigAction::Check { from, json } => return check_all(&from, json),
    }
    Ok(ExitCode::SUCCESS)
}

fn check_all(from: &Sources, json: bool) -> Result<ExitCode> {
    let (settings, _, mut findings) = from.examine();
    findings.extend(check::store(&settings));
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    for finding in &findings {
        if json {
            let Finding { warning, at, what } = finding;
            let severity = if *warning { "warning" } else { "error" };
            show(&harmless(&json!({ "severity": severity, "at": at.as_ref().map(Source::to_string), "what": what })))?;
        } else {
            show(&finding.to_string())?;
        }
    }
    if !json {
        let warnings = match findings.len() - errors {
            0 => String::new(),
            count => format!(", {count} to be looked at"),
        };
        show(&format!(
            "{}{warnings}",
            if errors == 0 { "the settings are right".to_owned() } else { format!("{errors} wrong") }
        ))?;
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

#[cfg(test)]
mod tests;
