//! `hither account code`: what lets somebody make an account.

use anyhow::{Context as _, Result};
use hither_service::audit::Action;
use hither_service::{NewCode, RegistrationCode};
use serde::Serialize;

use super::{open, open_or_make};
use crate::args::{CodeAction, IssueCodeArgs};
use crate::audit;
use crate::failure::say;
use crate::terminal::{escape, json, show};

/// A code, with stable names. Times in seconds since 1970.
#[derive(Serialize)]
struct View<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    begins: &'a str,
    note: &'a str,
    domain: &'a str,
    uses: u32,
    issued: i64,
    ends: i64,
    counts: bool,
}

/// Works on the store itself, before and while the service runs.
pub fn run(action: CodeAction) -> Result<()> {
    match action {
        CodeAction::Issue(args) => issue(args),
        CodeAction::List { store, json } => {
            let codes = open(&store)?.codes().context("cannot read the registration codes")?;
            if codes.is_empty() && !json {
                say("no registration codes: `hither account code issue --data DIR` makes one");
            }
            codes.iter().try_for_each(|code| row(code, json))
        }
        CodeAction::Revoke { name, store } => {
            let name = name.to_uppercase();
            open(&store)?.revoke_code(&name).with_context(|| format!("cannot revoke {name}"))?;
            audit::tell(&store.data, Action::CodeRevoked, &name);
            show(&format!("no account can be made any more with the code that begins with {}", escape(&name)))
        }
    }
}

fn issue(args: IssueCodeArgs) -> Result<()> {
    let IssueCodeArgs { uses, life, domain, note, store, json: as_json } = args;
    let life = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
    let new = NewCode { note, domain, uses, life };
    let (code, kept) = open_or_make(&store)?.issue_code(&new).context("cannot issue a registration code")?;
    audit::tell(&store.data, Action::CodeIssued, &kept.name);
    if as_json {
        return show(&json(&View { code: Some(&code), ..view(&kept) }));
    }
    show(&code)?;
    let accounts = if kept.uses == 1 { "one account".to_owned() } else { format!("{} accounts", kept.uses) };
    let domain = if kept.domain.is_empty() { String::new() } else { format!(" at {}", escape(&kept.domain)) };
    say(format_args!("good for {accounts}{domain}, until {}; it is shown this once", time(kept.ends)));
    Ok(())
}

fn row(code: &RegistrationCode, as_json: bool) -> Result<()> {
    if as_json {
        return show(&json(&view(code)));
    }
    let RegistrationCode { name, note, domain, uses, ends, .. } = code;
    let what = if code.counts() { format!("{uses} left, until {}", time(*ends)) } else { "over".to_owned() };
    show(format!("{name}  {what:<40} {:<20} {}", escape(domain), escape(note)).trim_end())
}

fn view(code: &RegistrationCode) -> View<'_> {
    let RegistrationCode { name, note, domain, uses, issued, ends } = code;
    View { code: None, begins: name, note, domain, uses: *uses, issued: *issued, ends: *ends, counts: code.counts() }
}

fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
