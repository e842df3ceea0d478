//! What `hither key` shows, and where a new key goes.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use hither::Guid;
use hither_service::keys::{Draft, Pair, PairKey};
use jiff::Timestamp;
use serde::Serialize;

use super::remove;
use crate::args::KeyOutput;
use crate::failure::usage;
use crate::terminal::{escape, json, show};
use crate::words::time;

/// A pair, with stable names.
#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_in: Option<&'a Path>,
    name: &'a str,
    environment: &'static str,
    md5: bool,
    apps: Option<Vec<String>>,
    created: i64,
    last_used: Option<i64>,
    revoked: Option<i64>,
    keys: Vec<KeyView>,
}

#[derive(Serialize)]
struct KeyView {
    number: u32,
    created: i64,
    expires: Option<i64>,
}

/// How a new key was handed over.
pub enum Delivery {
    /// On standard output, for a person.
    Shown,
    /// On standard output, for a program.
    Json,
    /// In a file.
    File { path: PathBuf, json: bool },
}

impl Delivery {
    /// Hands it over.
    pub fn of(draft: &Draft, output: &KeyOutput) -> Result<Delivery> {
        let key = draft.key().expose();
        if let Some(path) = &output.out {
            write_private(path, key)?;
            return Ok(Delivery::File { path: path.clone(), json: output.json });
        }
        if output.json {
            show(&json(&View { key: Some(key), ..view(draft.pair()) }))?;
            return Ok(Delivery::Json);
        }
        show(&format!("id   {}\nkey  {key}", draft.pair().id))?;
        Ok(Delivery::Shown)
    }

    /// It counts.
    pub fn done(&self, draft: &Draft) -> Result<()> {
        let pair = draft.pair();
        match self {
            Delivery::Json => Ok(()),
            Delivery::File { path, json: true } => show(&json(&View { key_in: Some(path), ..view(pair) })),
            Delivery::File { path, json: false } => {
                let path = path.display().to_string();
                show(&format!("id   {}\nkey  in {}\n{}", pair.id, escape(&path), counts(pair)))
            }
            Delivery::Shown => {
                show(&format!("{}\nThe key is shown this once: keep it with the application's secrets.", counts(pair)))
            }
        }
    }

    /// It does not count after all.
    pub fn undo(&self) {
        match self {
            Delivery::File { path, .. } => remove(path),
            Delivery::Shown | Delivery::Json => {}
        }
    }
}

fn counts(pair: &Pair) -> String {
    let apps = match &pair.apps {
        None => "any application".to_owned(),
        Some(apps) => apps.iter().map(Guid::to_string).collect::<Vec<_>>().join(", "),
    };
    let md5 = if pair.md5 { "; by HMAC-SHA-256 or MD5" } else { "" };
    let now = Timestamp::now().as_second();
    let old = pair.keys.iter().find_map(|key| key.expires).map(|until| match until {
        until if until > now => format!("\nThe key before it counts until {}.", time(until)),
        _ => "\nThe key before it does not count any more.".to_owned(),
    });
    let old = old.unwrap_or_default();
    format!("{} unlocks {} services from now on, for {apps}{md5}.{old}", escape(&pair.name), pair.environment)
}

/// A new file, for its owner only. What is there already is left alone.
fn write_private(path: &Path, key: &str) -> Result<()> {
    if path == Path::new("-") {
        return Err(usage("--out - : leave --out away to have the key on standard output"));
    }
    let failed = || format!("cannot write the key to {}: it must be a new file in a folder of yours", path.display());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(failed)?;
    let written = file.write_all(key.as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all());
    written.inspect_err(|_| remove(path)).with_context(failed)
}

/// A pair in a list.
pub fn row(pair: &Pair, as_json: bool) -> Result<()> {
    if as_json {
        return show(&json(&view(pair)));
    }
    let Pair { id, name, environment, .. } = pair;
    show(&format!("{:<25} {:<10} {:<24} {}", escape(id), environment.name(), escape(name), state(pair)))
}

/// A pair by itself.
pub fn whole(pair: &Pair, as_json: bool) -> Result<()> {
    if as_json {
        return show(&json(&view(pair)));
    }
    let at = |at: Option<i64>| at.map_or_else(|| "never".to_owned(), time);
    let mut lines = vec![
        format!("id           {}", escape(&pair.id)),
        format!("name         {}", escape(&pair.name)),
        format!("environment  {}", pair.environment),
        format!("responses    HMAC-SHA-256{}", if pair.md5 { ", MD5" } else { "" }),
    ];
    match &pair.apps {
        None => lines.push("unlocks      any application".to_owned()),
        Some(apps) => lines.extend(apps.iter().map(|app| format!("unlocks      {app}"))),
    }
    lines.push(format!("created      {}", time(pair.created)));
    lines.push(format!("last used    {}", at(pair.last_used)));
    let keys = pair.keys.iter().map(|PairKey { number, created, expires, .. }| {
        format!("key {number:<8} made {}, ends {}", time(*created), at(*expires))
    });
    lines.extend(keys);
    lines.push(format!("state        {}", state(pair)));
    show(&lines.join("\n"))
}

fn state(pair: &Pair) -> String {
    let now = Timestamp::now().as_second();
    if let Some(at) = pair.revoked {
        return format!("revoked {}", time(at));
    }
    let until = pair.keys.iter().filter_map(|key| key.expires).filter(|expires| *expires > now).max();
    let until = until.map(|at| format!(", old key until {}", time(at)));
    let bound = pair.apps.as_ref().map(|apps| format!(", bound to {}", apps.len()));
    let md5 = if pair.md5 { ", MD5" } else { "" };
    format!("living{}{md5}{}", until.unwrap_or_default(), bound.unwrap_or_default())
}

fn view(pair: &Pair) -> View<'_> {
    let Pair { id, name, environment, md5, apps, created, last_used, revoked, keys } = pair;
    let key = |key: &PairKey| KeyView { number: key.number, created: key.created, expires: key.expires };
    View {
        id,
        key: None,
        key_in: None,
        name,
        environment: environment.name(),
        md5: *md5,
        apps: apps.as_ref().map(|apps| apps.iter().map(Guid::to_string).collect()),
        created: *created,
        last_used: *last_used,
        revoked: *revoked,
        keys: keys.iter().map(key).collect(),
    }
}
