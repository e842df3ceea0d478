//! `hither devices` and `hither password`: one's own account, through the agent.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use hither::Device;
use hither_wire::account::{NewPassword, Request};
use hither_wire::message::Request as Asked;
use serde::Serialize;

use crate::args::{DevicesAction, DevicesArgs, PasswordArgs};
use crate::failure::usage;
use crate::password;
use crate::remote::{self, Agent};
use crate::terminal::{escape, json, show};

/// A device, with stable names. Times in seconds since 1970.
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
pub async fn run(args: &DevicesArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let devices = devices(&mut agent).await?;
    match &args.action {
        None => {
            for device in &devices {
                show(&if args.json { json(&view(device)) } else { row(device) })?;
            }
        }
        Some(DevicesAction::Remove { which }) => remove(&mut agent, &devices, which).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn devices(agent: &mut Agent) -> Result<Vec<Device>> {
    let asked = Asked::Account(Box::new(Request::Devices));
    Ok(agent.ask(asked).await.context("cannot ask for the devices")?.devices.unwrap_or_default())
}

async fn remove(agent: &mut Agent, devices: &[Device], which: &str) -> Result<()> {
    let device = pick(devices, which)?;
    if device.here {
        bail!("this is the machine you are at: `hither sign-out` signs it out and forgets its token here as well");
    }
    let asked = Asked::Account(Box::new(Request::RemoveDevice { device: device.device }));
    agent.ask(asked).await.with_context(|| format!("cannot remove {}", device.device))?;
    show(&format!("{} is signed out, and its token no longer works", device.device))
}

/// The one device whose id begins so.
fn pick<'a>(devices: &'a [Device], which: &str) -> Result<&'a Device> {
    if which == "here" {
        return devices.iter().find(|device| device.here).context("the service does not list this machine");
    }
    let wanted = which.trim_start_matches('{').to_uppercase();
    ensure!(!wanted.is_empty(), usage("give the id of a device, or how it begins; `hither devices` lists them"));
    let begins = |device: &&Device| device.device.to_string().trim_start_matches('{').starts_with(&wanted);
    let mut found = devices.iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(device), None) => Ok(device),
        (Some(_), Some(_)) => bail!("several devices begin with {}: give more of the id", escape(which)),
        (None, _) => bail!("no device begins with {}; `hither devices` lists them", escape(which)),
    }
}

/// Changes the password.
pub async fn change_password(args: &PasswordArgs) -> Result<ExitCode> {
    let mut agent = remote::connect(false).await?;
    let user = agent.status().await?.user;
    let user = user.as_ref().map_or("your account", |user| user.as_str());
    let old = match &args.password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask(user)?,
    };
    let new = match &args.new_password_file {
        Some(file) => password::from_file(file)?,
        None => password::ask_new(user)?,
    };
    let passwords = NewPassword { old: old.into(), new: new.into() };
    let asked = Asked::Account(Box::new(Request::Password(passwords)));
    agent.ask(asked).await.context("cannot change the password")?;
    show("the password is changed; every other device is signed out")?;
    Ok(ExitCode::SUCCESS)
}

fn view(device: &Device) -> View<'_> {
    let Device { device, client, created, last_used, online, here } = device;
    View { device: device.to_string(), client, created: *created, last_used: *last_used, online: *online, here: *here }
}

fn row(device: &Device) -> String {
    let place = match (device.here, device.online) {
        (true, _) => "here",
        (false, true) => "signed in",
        (false, false) => "away",
    };
    let used = device.last_used.and_then(|at| jiff::Timestamp::from_second(i64::try_from(at).ok()?).ok());
    let used = used.map(|at| format!("used {}", at.strftime("%Y-%m-%d %H:%M"))).unwrap_or_default();
    format!("{}  {place:<10} {used:<24} {}", device.device, escape(&device.client)).trim_end().to_owned()
}
