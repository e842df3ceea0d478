//! The store in a data directory, for commands that work on it beside the service.

use anyhow::{Context as _, Result, ensure};
use hither_service::Store;

use crate::args::StoreArgs;
use crate::failure::say;

/// Opens a store that is there: a folder that was mistyped gets none.
pub fn open(args: &StoreArgs) -> Result<Store> {
    ensure_there(args)?;
    open_there(args)
}

/// Opens a store, or makes one, and says so.
pub fn open_or_make(args: &StoreArgs) -> Result<Store> {
    say_if_new(args);
    open_there(args)
}

/// Says that a store is about to be made, if there is none.
pub fn say_if_new(args: &StoreArgs) {
    if !Store::is_in(&args.data) {
        say(format_args!("making a new store in {}", args.data.display()));
    }
}

/// Refuses a place without a store.
pub fn ensure_there(args: &StoreArgs) -> Result<()> {
    ensure!(Store::is_in(&args.data), "there is no store in {}: check --data", args.data.display());
    Ok(())
}

fn open_there(args: &StoreArgs) -> Result<Store> {
    Store::open(&args.data).with_context(|| format!("cannot open the store in {}", args.data.display()))
}
