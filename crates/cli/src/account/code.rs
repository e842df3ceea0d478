//! `hither account code`.

use anyhow::{Context as _, Result};
use hither_service::audit::Action;
use hither_service::{NewCode, RegistrationCode};
use serde::Serialize;

use crate::args::{CodeAction, IssueCodeArgs, StoreArgs};
use crate::audit;
use crate::failure::say;
use crate::store::{open, open_or_make};
use crate::terminal::{escape, json, show};
use crate::words::time;

/// A code, with stable names.
#[derive(Serialize)]
struct View<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
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
        CodeAction::List { store, json } => list(&store, json),
        CodeAction::Revoke { name, store } => {
            open(&store)?.revoke_code(&name).with_context(|| format!("cannot revoke {name}"))?;
            audit::tell(&store.data, Action::CodeRevoked, &name);
            show(&format!("{name} is revoked; accounts that were made with it stay"))
        }
    }
}

fn issue(args: IssueCodeArgs) -> Result<()> {
    let IssueCodeArgs { uses, life, domain, note, store: place, json: as_json } = args;
    let domain = domain.unwrap_or_default();
    let store = open_or_make(&place)?;
    let (code, kept) = store.issue_code(&NewCode { note, domain, uses, life }).context("cannot issue a code")?;
    let said = if as_json {
        show(&json(&View { code: Some(&code), ..view(&kept) }))
    } else {
        // Nothing but the code, so that it can go straight into a file.
        show(&code)
    };
    // One that nobody got is not left lying about.
    if said.is_err() {
        store.revoke_code(&kept.name).context("cannot revoke the code that nobody was told")?;
        return said;
    }
    audit::tell(&place.data, Action::CodeIssued, &kept.name);
    if !as_json {
        say(format_args!("{} It is shown this once.", what_for(&kept)));
    }
    Ok(())
}

fn list(store: &StoreArgs, as_json: bool) -> Result<()> {
    let codes = open(store)?.codes().context("cannot read the codes")?;
    if codes.is_empty() && !as_json {
        say("no codes: `hither account code issue --data DIR` makes one");
    }
    codes.iter().try_for_each(|code| show(&if as_json { json(&view(code)) } else { row(code) }))
}

fn view(code: &RegistrationCode) -> View<'_> {
    let RegistrationCode { name, note, domain, uses, issued, ends } = code;
    View { name, code: None, note, domain, uses: *uses, issued: *issued, ends: *ends, counts: code.counts() }
}

fn what_for(code: &RegistrationCode) -> String {
    let accounts = if code.uses == 1 { "1 account".to_owned() } else { format!("{} accounts", code.uses) };
    let of = if code.domain.is_empty() { String::new() } else { format!(" of {}", escape(&code.domain)) };
    format!("It counts for {accounts}{of}, until {}.", time(code.ends))
}

fn row(code: &RegistrationCode) -> String {
    let counts = if code.counts() { format!("{} left", code.uses) } else { "counts no more".to_owned() };
    let (domain, note) = (escape(&code.domain), escape(&code.note));
    format!("{:<8} {counts:<14} until {}  {domain:<20} {note}", escape(&code.name), time(code.ends))
        .trim_end()
        .to_owned()
}
