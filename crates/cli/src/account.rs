//! `hither account`.

mod code;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use hither_service::audit::Action;
use hither_service::{Account, Notice, PasswordCost, Store, hash_password};

use crate::args::{AccountAction, NewPassword, StoreArgs, Whose};
use crate::audit;
use crate::password;
use crate::store::{open, open_or_make};
use crate::terminal::{escape, print_line};

/// Works on the store itself, before and while the service runs.
pub fn run(action: AccountAction) -> Result<ExitCode> {
    match action {
        AccountAction::Add { whose, password, name } => {
            let hash = new_hash(&whose, &password)?;
            open_or_make(&whose.store)?
                .add_account(&whose.user, &name, &hash)
                .with_context(|| format!("cannot add {}", whose.user))?;
            tell(&whose, Action::AccountAdded);
        }
        AccountAction::List { store, json } => list(&store, json)?,
        AccountAction::Password { whose, password } => {
            let hash = new_hash(&whose, &password)?;
            let store = open(&whose.store)?;
            store
                .set_password(&whose.user, &hash)
                .with_context(|| format!("cannot give {} a new password", whose.user))?;
            done(&store, &whose, Action::PasswordChanged, Notice::SignedOut)?;
        }
        AccountAction::Name { whose, name } => {
            let store = open(&whose.store)?;
            store.set_friendly_name(&whose.user, &name).with_context(|| format!("cannot rename {}", whose.user))?;
            done(&store, &whose, Action::Renamed, Notice::Renamed)?;
        }
        AccountAction::Disable { whose } => set_disabled(&whose, true)?,
        AccountAction::Enable { whose } => set_disabled(&whose, false)?,
        AccountAction::Code(action) => code::run(action)?,
        AccountAction::Remove { whose } => {
            let store = open(&whose.store)?;
            store.remove_account(&whose.user).with_context(|| format!("cannot remove {}", whose.user))?;
            done(&store, &whose, Action::AccountRemoved, Notice::Removed)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn set_disabled(whose: &Whose, disabled: bool) -> Result<()> {
    let what = if disabled { "disable" } else { "enable" };
    let store = open(&whose.store)?;
    store.set_disabled(&whose.user, disabled).with_context(|| format!("cannot {what} {}", whose.user))?;
    if disabled {
        return done(&store, whose, Action::AccountDisabled, Notice::Disabled);
    }
    tell(whose, Action::AccountEnabled);
    Ok(())
}

/// What was done counts for those who are connected, too.
fn done(store: &Store, whose: &Whose, action: Action, notice: Notice) -> Result<()> {
    let told = store.give_notice(&whose.user, notice);
    tell(whose, action);
    told.context("it is done, but a service that runs could not be told: who is connected stays")
}

fn tell(whose: &Whose, action: Action) {
    audit::tell(&whose.store.data, action, whose.user.as_str());
}

fn new_hash(whose: &Whose, password: &NewPassword) -> Result<String> {
    let password = match &password.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_new(whose.user.as_str(), "--password-file")?,
    };
    password::check_new(&password)?;
    hash_password(&password, PasswordCost::RECOMMENDED).context("cannot use this password")
}

fn list(store: &StoreArgs, json: bool) -> Result<()> {
    for account in open(store)?.accounts().context("cannot read the accounts")? {
        let line = if json {
            let Account { name, friendly_name, created, disabled } = account;
            serde_json::json!({
                "user": name, "friendly_name": friendly_name, "created": created, "disabled": disabled
            })
            .to_string()
        } else {
            let disabled = if account.disabled { " (disabled)" } else { "" };
            let name = escape(&account.friendly_name);
            format!("{:<24} {name}{disabled}", escape(&account.name)).trim_end().to_owned()
        };
        print_line(&line).context("cannot write to standard output")?;
    }
    Ok(())
}
