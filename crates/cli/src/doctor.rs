//! `hither doctor`: step by step, what works and which link fails.

mod here;
mod service;
mod way;

use std::process::ExitCode;

use anyhow::Result;
use hither_agent::credentials::{Account, Credentials};
use hither_agent::paths::Paths;
use hither_wire::local::AgentStatus;

use crate::agent::keeping;
use crate::app::{find, trial};
use crate::args::DoctorArgs;
use crate::remote::Agent;
use crate::steps::Steps;

/// What has been found out so far; later steps need it.
struct Found {
    paths: Paths,
    /// The agent, and how it is.
    agent: Option<(Agent, AgentStatus)>,
    account: Option<Account>,
    service_answers: bool,
}

/// Looks at everything, and tells each step.
pub async fn run(args: &DoctorArgs) -> Result<ExitCode> {
    let mut steps = Steps::new(args.json);
    let Some(paths) = here::environment(&mut steps)? else { return Ok(steps.exit()) };
    let agent = here::agent(&mut steps).await?;
    let account = here::sign_in(&mut steps, &Credentials::new(&paths, keeping(&args.keyring)))?;
    let mut found = Found { paths, agent, account, service_answers: false };
    found.service_answers = service::answers(&mut steps, found.url()).await?;
    here::connected(&mut steps, &found)?;
    let listing = here::registry(&mut steps, &found.paths)?;
    here::notifications(&mut steps, found.status())?;
    match (&args.app, &mut found.agent) {
        (None, _) => steps.skipped("launching", "give --app APP to try one out")?,
        (Some(_), None) => steps.skipped("launching", "there is no agent")?,
        (Some(app), Some((agent, _))) => match find(&listing, app) {
            Ok(app) => trial::rehearse(agent, &mut steps, app, trial::Times::USUAL).await?,
            Err(error) => steps.failed("registered", &format!("{error:#}"), "`hither app list` shows what is")?,
        },
    }
    if let Some(who) = &args.who {
        way::check(&mut steps, &mut found, who).await?;
    }
    Ok(steps.exit())
}

impl Found {
    fn status(&self) -> Option<&AgentStatus> {
        self.agent.as_ref().map(|(_, status)| status)
    }

    /// Where the service is, by what is kept or by what the agent says.
    fn url(&self) -> Option<&str> {
        let kept = self.account.as_ref().map(|account| account.service.as_str());
        kept.or_else(|| self.status()?.service.as_deref())
    }
}
