//! `hither policy`: what is answered to invitations without asking.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use hither::Guid;
use hither_agent::apps::{Listing, Registry};
use hither_agent::rules::{self, Answer, Rule, Rules};
use hither_wire::local::Request;

use crate::app;
use crate::args::{PolicyArgs, PolicyWord, Prefix};
use crate::failure::{say, usage};
use crate::remote;
use crate::terminal::{escape, show};

/// Shows the rules, or sets one.
pub async fn run(args: &PolicyArgs) -> Result<ExitCode> {
    let app = args.app.as_deref().map(application).transpose()?;
    let answer = match args.what {
        None | Some(PolicyWord::List) => return list(args, app),
        Some(PolicyWord::Ask) => Answer::Ask,
        Some(PolicyWord::Accept) => Answer::Accept,
        Some(PolicyWord::Refuse) => Answer::Refuse,
    };
    if args.who.is_none() && app.is_none() {
        return Err(usage("say for whom or for what: --who NAME@DOMAIN, --app APP, or both"));
    }
    let rule = Rule { who: args.who.clone(), app, answer };
    let paths = remote::paths()?;
    let shown = line(&rule, &Registry::new(&paths).read());
    rules::set(&paths, rule).map_err(|refused| anyhow!("cannot set it: {} ({})", refused.message, refused.code))?;
    if let Some(mut agent) = remote::attempt(false).await? {
        // It would notice by itself, but an invitation may come next.
        agent.ask_agent(Request::Reload).await.context("it is set, but the agent cannot be told")?;
    }
    show(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// An application may have a rule before it is registered, by its GUID.
fn application(wanted: &str) -> Result<Guid> {
    match wanted.parse::<Prefix>().ok().and_then(|prefix| prefix.whole()) {
        Some(guid) => Ok(guid),
        None => app::find(&app::listing()?, wanted).map(|app| app.guid),
    }
}

/// The rules that have to do with this person, and with this application.
fn list(args: &PolicyArgs, app: Option<Guid>) -> Result<ExitCode> {
    let paths = remote::paths()?;
    let (rules, complaints) = Rules::load(&paths);
    let listing = Registry::new(&paths).read();
    for complaint in complaints {
        say(complaint);
    }
    let by_who = |rule: &&Rule| args.who.is_none() || rule.who.is_none() || rule.who == args.who;
    let by_app = |rule: &&Rule| app.is_none() || rule.app.is_none() || rule.app == app;
    for rule in rules.iter().filter(by_who).filter(by_app) {
        show(&line(rule, &listing))?;
    }
    show("of everything else you are asked")?;
    Ok(ExitCode::SUCCESS)
}

fn line(rule: &Rule, listing: &Listing) -> String {
    let who = rule.who.as_ref().map_or_else(|| "anybody".into(), |who| escape(who.as_str()));
    let app = match rule.app.map(|guid| (guid, listing.apps.get(&guid))) {
        None => "anything".to_owned(),
        Some((guid, None)) => guid.to_string(),
        Some((guid, Some(app))) => format!("{} {guid}", escape(&app.name)),
    };
    let what = match rule.answer {
        Answer::Ask => "you are asked",
        Answer::Accept => "accepted by itself",
        Answer::Refuse => "declined by itself",
    };
    format!("{who} invites to {app}: {what}")
}
