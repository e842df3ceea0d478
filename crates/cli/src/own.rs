//! `hither devices` and `hither password`: one's own account, through the agent.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use hither_wire::account::{self, Device, NewPassword};
use hither_wire::message::Request;
use serde::Serialize;

use crate::args::{DevicesAction, DevicesArgs, KeyringArgs, PasswordArgs, SignOutArgs, WhichDevice};
use crate::failure::usage;
use crate::remote::{self, Agent};
use crate::terminal::{escape, json, show};
use crate::words::{short, time};
use crate::{password, sign_out};

/// A device, with stable names.
#[derive(Serialize)]
struct View<'a> {
    device: String,
    client: &'a str,
    created: Option<u64>,
    last_used: Option<u64>,
    online: bool,
    here: bool,
}

/// Lists the devices, or signs one out.
pub async fn devices(args: DevicesArgs) -> Result<ExitCode> {
    if let Some(DevicesAction::Remove { which, keyring }) = args.action {
        return remove(&which, keyring).await;
    }
    for device in list(&mut remote::connect(false).await?).await? {
        show(&if args.json { json(&view(&device)) } else { row(&device) })?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(agent: &mut Agent) -> Result<Vec<Device>> {
    let answer = agent.ask(Request::Account(Box::new(account::Request::Devices))).await;
    Ok(answer.context("cannot ask for the devices")?.devices.unwrap_or_default())
}

async fn remove(which: &WhichDevice, keyring: KeyringArgs) -> Result<ExitCode> {
    let WhichDevice::Id(prefix) = which else { return leave(keyring).await };
    let mut agent = remote::connect(false).await?;
    let devices = list(&mut agent).await?;
    let mut found = devices.iter().filter(|device| prefix.begins(&device.device));
    let device = match (found.next(), found.next()) {
        (None, _) => bail!("no device of yours begins so: `hither devices` shows those there are"),
        (Some(device), None) => device,
        (Some(_), Some(_)) => bail!("more than one device begins so: give more digits of the one you mean"),
    };
    if device.here {
        drop(agent);
        return leave(keyring).await;
    }
    let id = device.device;
    let asked = agent.ask(Request::Account(Box::new(account::Request::RemoveDevice { device: id }))).await;
    asked.with_context(|| format!("cannot remove {id}"))?;
    show(&format!("{id} is signed out: its token does not work any more"))?;
    Ok(ExitCode::SUCCESS)
}

/// What this machine keeps goes as well.
async fn leave(keyring: KeyringArgs) -> Result<ExitCode> {
    sign_out::run(&SignOutArgs { force: false, keyring }).await
}

/// Changes the password.
pub async fn new_password(args: &PasswordArgs) -> Result<ExitCode> {
    let stdin = |file: &Option<_>| file.as_deref() == Some(Path::new("-"));
    if stdin(&args.password_file) && stdin(&args.new_password_file) {
        return Err(usage("standard input can hold one of the two passwords, not both"));
    }
    let mut agent = remote::connect(false).await?;
    let user = agent.status().await.context("cannot ask the agent")?.user;
    let user = user.ok_or_else(|| anyhow!("nobody is signed in: `hither sign-in` does that"))?;
    let old = match &args.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask(user.as_str())?,
    };
    let new = match &args.new_password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_new(user.as_str(), "--new-password-file")?,
    };
    password::check_new(&new)?;
    let change = NewPassword { old: old.into(), new: new.into() };
    let asked = agent.ask(Request::Account(Box::new(account::Request::Password(change)))).await;
    asked.with_context(|| format!("cannot change the password of {user}"))?;
    let user = escape(user.as_str());
    show(&format!("{user} has a new password; every other device has to sign in with it, this one stays signed in"))?;
    Ok(ExitCode::SUCCESS)
}

fn view(device: &Device) -> View<'_> {
    let Device { device, client, created, last_used, online, here } = device;
    let device = device.to_string();
    View { device, client, created: *created, last_used: *last_used, online: *online, here: *here }
}

fn row(device: &Device) -> String {
    let Device { device, client, created, last_used, online, here } = device;
    let state = match (here, online) {
        (true, _) => "here",
        (false, true) => "online",
        (false, false) => "away",
    };
    let at = |seconds: u64| i64::try_from(seconds).map_or_else(|_| seconds.to_string(), time);
    let since = created.map(|created| format!("  since {}", at(created))).unwrap_or_default();
    let used = last_used.map(|used| format!("  last used {}", at(used))).unwrap_or_default();
    format!("{}  {state:<7} {:<24}{since}{used}", short(device), escape(client)).trim_end().to_owned()
}
