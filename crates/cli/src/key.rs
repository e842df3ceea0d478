//! `hither key`.

mod output;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use hither_service::Revoked;
use hither_service::audit::Action;
use hither_service::keys::{AppId, Draft, KeyError, Keychain, LockConfig, NewPair, Rotate};

use crate::args::{IssueArgs, KeyAction, KeyOutput, RotateArgs, SealArgs, StoreArgs};
use crate::audit;
use crate::failure::say;
use crate::store::{ensure_there, open, say_if_new};
use crate::terminal::show;
use crate::words::time;
use output::Delivery;

/// Works on the store itself, before and while the service runs.
pub fn run(action: KeyAction) -> Result<ExitCode> {
    match action {
        KeyAction::Issue(args) => issue(args)?,
        KeyAction::List { store, json } => list(&store, json)?,
        KeyAction::Show { which, json } => {
            let store = open(&which.store)?;
            let pair = store.pair(which.id.as_str()).with_context(|| format!("cannot show {}", which.id))?;
            let pair = pair.ok_or_else(|| KeyError::NotFound(which.id.clone()));
            output::whole(&pair.with_context(|| format!("cannot show {}", which.id))?, json)?;
        }
        KeyAction::Revoke { which } => revoke(&which.store, &which.id)?,
        KeyAction::Rotate(args) => rotate(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn issue(args: IssueArgs) -> Result<()> {
    let IssueArgs { name, environment, md5, apps, seal, new_key_file, output } = args;
    let failed = || "cannot issue a pair";
    let apps = (!apps.is_empty()).then(|| apps.into_iter().collect());
    // Before anything is made.
    let draft = Draft::new(&NewPair { name, environment, md5, apps }).with_context(failed)?;
    let config = config(&seal);
    let key_file = config.key_file(&seal.store.data);
    let was_there = key_file.exists();
    say_if_new(&seal.store);
    let open = if new_key_file { Keychain::open_anew } else { Keychain::open_or_make };
    let keychain = open(&seal.store.data, &config).with_context(failed)?;
    if !was_there {
        say(format_args!(
            "made the key file {}: the service needs it, and without it no key can be read; keep a copy of it apart \
             from the store",
            key_file.display()
        ));
    }
    hand_over(&keychain, &draft, &output, || audit::tell(&seal.store.data, Action::KeyIssued, &draft.pair().id))
        .with_context(failed)
}

fn rotate(args: &RotateArgs) -> Result<()> {
    let RotateArgs { id, overlap, again, seal, output } = args;
    let how = if *again { Rotate::Again { overlap: *overlap } } else { Rotate::Next { overlap: *overlap } };
    let failed = || format!("cannot rotate {id}");
    ensure_there(&seal.store)?;
    let keychain = Keychain::open(&seal.store.data, &config(seal)).with_context(failed)?;
    let draft = keychain.draft_rotation(id, how).with_context(failed)?;
    hand_over(&keychain, &draft, output, || audit::tell(&seal.store.data, Action::KeyRotated, id.as_str()))
        .with_context(failed)
}

/// First the key to whoever asked for it, then into the store: one that nobody got never counts.
fn hand_over(keychain: &Keychain, draft: &Draft, output: &KeyOutput, tell: impl FnOnce()) -> Result<()> {
    let delivery = Delivery::of(draft, output)?;
    match keychain.keep(draft) {
        Ok(()) => {
            tell();
            delivery.done(draft)
        }
        Err(error) => {
            delivery.undo();
            Err(anyhow!(error).context("nothing was changed, and the new key does not count"))
        }
    }
}

fn revoke(store: &StoreArgs, id: &AppId) -> Result<()> {
    let failed = || format!("cannot revoke {id}");
    match open(store)?.revoke_pair(id.as_str()).with_context(failed)? {
        None => Err(KeyError::NotFound(id.clone())).with_context(failed),
        Some(Revoked::Now) => {
            audit::tell(&store.data, Action::KeyRevoked, id.as_str());
            show(&format!("{id} is revoked; what it has unlocked is locked again"))
        }
        Some(Revoked::Before(at)) => show(&format!("{id} is revoked already, since {}", time(at))),
    }
}

fn list(store: &StoreArgs, json: bool) -> Result<()> {
    let pairs = open(store)?.pairs().context("cannot read the pairs")?;
    if pairs.is_empty() && !json {
        say("no pairs: `hither key issue --name NAME --data DIR` makes one");
    }
    pairs.iter().try_for_each(|pair| output::row(pair, json))
}

fn config(seal: &SealArgs) -> LockConfig {
    LockConfig { key_file: seal.key_file.clone(), ..LockConfig::default() }
}

/// Removes what was written, if it can be.
fn remove(path: &std::path::Path) {
    if let Err(error) = fs::remove_file(path) {
        say(format_args!("cannot remove {}, which holds a key that does not count: {error}", path.display()));
    }
}
