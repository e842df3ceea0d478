//! `hither app`: the registry of this machine, by its files, whether an agent runs or not.

pub mod trial;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use hither::{Guid, Mode, Registration};
use hither_agent::apps::{App, Listing, Origin, Refused, Registry};
use serde::Serialize;

use crate::args::{AppAction, ListArgs, Prefix, RegisterArgs, ShowArgs};
use crate::failure::{say, usage};
use crate::remote::{self, Agent};
use crate::terminal::{escape, json, show};

/// Works on the registry.
pub async fn run(action: &AppAction) -> Result<ExitCode> {
    match action {
        AppAction::Register(args) => register(args).await?,
        AppAction::Unregister { guid } => unregister(guid).await?,
        AppAction::List(args) => list(args)?,
        AppAction::Show(args) => show_one(args)?,
        AppAction::Test(args) => return trial::run(args).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn register(args: &RegisterArgs) -> Result<()> {
    let path = match args.command.as_slice() {
        // As it is: quotes in it are the person's.
        [line] => line.clone(),
        words => shell_words::join(words),
    };
    let mode = match (args.launch_only, args.tunnelled) {
        (true, _) => Mode::LaunchOnly,
        (false, true) => Mode::Tunnelled,
        (false, false) => Mode::Session,
    };
    let registration = Registration {
        guid: braced(&args.guid).into(),
        name: args.name.as_str().into(),
        url: args.url.as_str().into(),
        path: path.into(),
        flags: 0,
        mode,
    };
    let registry = Registry::new(&remote::paths()?);
    let mut agent = listening().await;
    let guid = registry.register(&registration).map_err(|refused| told("cannot register", &refused))?;
    noticed(agent.as_mut(), guid).await;
    show(&format!("registered {} as {guid}", escape(&args.name)))
}

async fn unregister(guid: &str) -> Result<()> {
    let registry = Registry::new(&remote::paths()?);
    let mut agent = listening().await;
    let guid = registry.unregister(&braced(guid)).map_err(|refused| told("cannot unregister", &refused))?;
    if let Some(App { origin: Origin::System(file), .. }) = registry.read().apps.get(&guid) {
        return show(&format!(
            "unregistered {guid}; what a package has registered with {} counts again",
            file.display()
        ));
    }
    noticed(agent.as_mut(), guid).await;
    show(&format!("unregistered {guid}"))
}

/// An agent, to see that it takes the change. It takes it all the same if this cannot be seen.
async fn listening() -> Option<Agent> {
    remote::attempt(true).await.ok().flatten()
}

async fn noticed(agent: Option<&mut Agent>, guid: Guid) {
    if let Some(agent) = agent
        && let Err(error) = remote::registry_noticed(agent, guid).await
    {
        say(format_args!("{error:#}"));
    }
}

/// A whole id without its braces is meant with them.
fn braced(guid: &str) -> String {
    guid.parse::<Prefix>().ok().and_then(|prefix| prefix.whole()).map_or_else(|| guid.to_owned(), |id| id.to_string())
}

fn told(what: &str, refused: &Refused) -> anyhow::Error {
    anyhow!("{what}: {} ({})", refused.message, refused.code)
}

/// Everything that is registered; what is wrong with the files goes to standard error.
pub fn listing() -> Result<Listing> {
    let listing = Registry::new(&remote::paths()?).read();
    for complaint in &listing.complaints {
        say(complaint);
    }
    Ok(listing)
}

/// The application that is meant by a GUID, or by a name that only one has.
pub fn find<'a>(listing: &'a Listing, wanted: &str) -> Result<&'a App> {
    let id = wanted.parse::<Prefix>().ok();
    if let Some(guid) = id.as_ref().and_then(Prefix::whole) {
        let missing = || anyhow!("{guid} is not registered (SR_APP_NOT_REGISTERED): see `hither app list`");
        return listing.apps.get(&guid).ok_or_else(missing);
    }
    let exactly: Vec<&App> = listing.apps.values().filter(|app| app.name == wanted).collect();
    let alike = || listing.apps.values().filter(|app| app.name.to_lowercase() == wanted.to_lowercase()).collect();
    let found = if exactly.is_empty() { alike() } else { exactly };
    match found.as_slice() {
        [app] => Ok(app),
        [] => Err(anyhow!("no application is called `{wanted}` (SR_APP_NOT_REGISTERED): see `hither app list`")),
        several => {
            for app in several {
                say(format_args!("{} {} {}", app.guid, app.name, app.path()));
            }
            Err(usage(format!("{} applications are called `{wanted}`: give the GUID of one", several.len())))
        }
    }
}

/// An application, with stable names.
#[derive(Serialize)]
struct View<'a> {
    guid: Guid,
    name: &'a str,
    url: &'a str,
    mode: Mode,
    program: String,
    args: &'a [String],
    /// The file of the package that has registered it; null if the person has.
    package: Option<String>,
}

fn view(app: &App) -> View<'_> {
    let package = match &app.origin {
        Origin::User => None,
        Origin::System(file) => Some(file.display().to_string()),
    };
    let App { guid, name, url, mode, program, args, .. } = app;
    View { guid: *guid, name, url, mode: *mode, program: program.display().to_string(), args, package }
}

fn list(args: &ListArgs) -> Result<()> {
    let listing = listing()?;
    for app in listing.apps.values() {
        let line = if args.json {
            json(&view(app))
        } else {
            format!("{}  {:<20} {:<11} {}", app.guid, escape(&app.name), mode(app.mode), escape(&app.path()))
        };
        show(&line)?;
    }
    if listing.apps.is_empty() && !args.json {
        say("no application is registered: `hither app register` registers one");
    }
    Ok(())
}

fn show_one(args: &ShowArgs) -> Result<()> {
    let listing = listing()?;
    let app = find(&listing, &args.app)?;
    if args.json {
        return show(&json(&view(app)));
    }
    let by = match &app.origin {
        Origin::User => "you".to_owned(),
        Origin::System(file) => format!("a package, with {}", file.display()),
    };
    let url = if app.url.is_empty() { "-" } else { &app.url };
    for (name, value) in [
        ("guid", app.guid.to_string().as_str()),
        ("name", &app.name),
        ("url", url),
        ("mode", mode(app.mode)),
        ("command", &app.path()),
        ("registered", &format!("by {by}")),
    ] {
        show(&format!("{name:<11} {}", escape(value)))?;
    }
    Ok(())
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Session => "session",
        Mode::LaunchOnly => "launch-only",
        Mode::Tunnelled => "tunnelled",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::failure::Usage;

    fn listing(apps: &[(u128, &str)]) -> Listing {
        let app = |(id, name): &(u128, &str)| {
            let (guid, name) = (Guid(*id), (*name).to_owned());
            let (url, program, args) = (String::new(), "/bin/true".into(), Vec::new());
            (guid, App { guid, name, url, mode: Mode::Session, program, args, origin: Origin::User })
        };
        Listing { apps: apps.iter().map(app).collect::<BTreeMap<_, _>>(), complaints: Vec::new() }
    }

    #[test]
    fn found_by_guid_or_by_the_only_name() {
        let listing = listing(&[(1, "Chess"), (2, "Board"), (3, "board"), (4, "BOARD"), (5, "cafe")]);
        let found = |wanted: &str| find(&listing, wanted).map(|app| app.guid.0);
        assert_eq!(found("chess").unwrap(), 1);
        assert_eq!(found("board").unwrap(), 3, "spelled exactly so");
        assert_eq!(found("{00000000-0000-0000-0000-000000000002}").unwrap(), 2);
        assert_eq!(found("00000000-0000-0000-0000-000000000002").unwrap(), 2);
        assert_eq!(found("cafe").unwrap(), 5, "a name that could be an id");
        assert!(found("boarD").unwrap_err().is::<Usage>(), "one of three");
        for nobody in ["", "go", "{00000000-0000-0000-0000-000000000009}"] {
            assert!(found(nobody).unwrap_err().to_string().contains("SR_APP_NOT_REGISTERED"), "{nobody}");
        }
    }
}
