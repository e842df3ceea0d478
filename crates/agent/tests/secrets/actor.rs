//! What this test does when it is started as a process of its own.

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;

use hither_agent::credentials::Keeping;

use super::{account, credentials, keyring};

const TASK: &str = "HITHER_TEST_TASK";
const HOME: &str = "HITHER_TEST_HOME";

/// A process that does these things, with this program or what starts it.
pub fn actor(starter: &mut Command, home: &Path, task: &str) {
    starter.args(["--exact", "actor::the_actor", "--nocapture"]).env(TASK, task).env(HOME, home);
    starter.env_remove("HITHER_KEYRING").env_remove("DBUS_SESSION_BUS_ADDRESS");
}

/// Not a test: what another process does. In a runtime, as an agent would.
#[tokio::test]
async fn the_actor() {
    let (Ok(task), Ok(home)) = (env::var(TASK), env::var(HOME)) else { return };
    let home = Path::new(&home);
    for task in task.split_ascii_whitespace() {
        match task {
            "save" => say(credentials(home, Keeping::Automatic).save(&account()).map(|kept| format!("kept in {kept}"))),
            "must-save" => {
                say(credentials(home, Keeping::Keyring).save(&account()).map(|kept| format!("kept in {kept}")));
            }
            "load" => {
                let loaded = credentials(home, Keeping::Automatic).load();
                say(loaded.map(|account| account.map_or("nothing".to_owned(), |account| account.token)));
            }
            "remove" => say(credentials(home, Keeping::Automatic).remove().map(|()| "removed")),
            "peek" => println!("actor: {:?}", std::fs::read(home).map_err(|error| error.kind())),
            "unlocked" => keyring::start(home, Some("password")).await,
            "locked" => keyring::start(home, None).await,
            "lock" => keyring::lock().await,
            other => panic!("{other}"),
        }
    }
}

fn say(result: Result<impl fmt::Display, impl fmt::Display>) {
    match result {
        Ok(said) => println!("actor: {said}"),
        Err(error) => println!("actor: error: {error}"),
    }
}
