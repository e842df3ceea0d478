//! Which session is meant: the one that is named, or the only one that fits.

use anyhow::{Result, anyhow};
use hither_wire::local::SessionLine;

use super::row;
use crate::args::Prefix;
use crate::failure::{say, usage};
use crate::remote::Agent;

/// What a session has to be for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// An invitation to this person that has no answer.
    Ringing,
    /// An invitation whose application is not installed.
    Missing,
    /// Any.
    Any,
}

impl Fit {
    fn fits(self, line: &SessionLine) -> bool {
        let invited = !line.inviter && line.state.as_ref() == "SS_INVITATION";
        match self {
            Fit::Ringing => invited,
            Fit::Missing => invited && line.doing.as_ref() == "installing",
            Fit::Any => true,
        }
    }

    fn none(self) -> &'static str {
        match self {
            Fit::Ringing => "no invitation waits for your answer",
            Fit::Missing => "no invitation waits for an application to be installed",
            Fit::Any => "there is no session",
        }
    }
}

/// The session that is meant. `command` is what was asked for, to show how to ask for one of several.
pub async fn pick(agent: &mut Agent, named: Option<&Prefix>, fit: Fit, command: &str) -> Result<SessionLine> {
    let lines = agent.sessions().await?;
    choose(lines, named, fit).map_err(|Unclear { of }| {
        for line in &of {
            say(row(line));
        }
        match (of.first(), named) {
            (None, None) => anyhow!("{}: see `hither sessions`", fit.none()),
            (None, Some(_)) => anyhow!("there is no such session on this machine: see `hither sessions`"),
            (Some(first), _) => {
                let id = crate::words::short(&first.session);
                usage(format!("{} sessions fit: name one of them, for instance `hither {command} {id}`", of.len()))
            }
        }
    })
}

/// None fits, or several.
#[derive(Debug)]
struct Unclear {
    of: Vec<SessionLine>,
}

/// One that is named need not fit: then the agent says in the reference's words why not.
fn choose(lines: Vec<SessionLine>, named: Option<&Prefix>, fit: Fit) -> Result<SessionLine, Unclear> {
    let mut of: Vec<SessionLine> = match named {
        Some(prefix) => lines.into_iter().filter(|line| prefix.begins(&line.session)).collect(),
        None => lines.into_iter().filter(|line| fit.fits(line)).collect(),
    };
    match of.pop() {
        Some(line) if of.is_empty() => Ok(line),
        last => {
            of.extend(last);
            Err(Unclear { of })
        }
    }
}

#[cfg(test)]
mod tests {
    use hither::{Application, Guid, PersonName};

    use super::*;

    fn line(id: u128, state: &str, inviter: bool, doing: &str) -> SessionLine {
        SessionLine {
            session: Guid(id << 96),
            state: state.into(),
            inviter,
            user: PersonName::parse("bob@example.org").unwrap(),
            app: Application { guid: Guid(1), name: "".into(), url: "".into(), launch_only: false },
            data: None,
            ring_ms: None,
            doing: doing.into(),
            process: None,
        }
    }

    fn lines() -> Vec<SessionLine> {
        vec![
            line(0xAAAA_0001, "SS_INVITATION", false, "ringing"),
            line(0xAAAA_0002, "SS_INVITATION", true, "inviting"),
            line(0xBBBB_0003, "SS_CONNECTED", false, "running"),
        ]
    }

    fn chosen(lines: Vec<SessionLine>, named: Option<&str>, fit: Fit) -> Result<u128, usize> {
        let named = named.map(|name| name.parse().unwrap());
        choose(lines, named.as_ref(), fit).map(|line| line.session.0 >> 96).map_err(|unclear| unclear.of.len())
    }

    #[test]
    fn the_only_one_that_fits() {
        assert_eq!(chosen(lines(), None, Fit::Ringing), Ok(0xAAAA_0001));
        assert_eq!(chosen(lines(), None, Fit::Missing), Err(0));
        assert_eq!(chosen(lines(), None, Fit::Any), Err(3));
        let mut two = lines();
        two.push(line(0xCCCC_0004, "SS_INVITATION", false, "installing"));
        assert_eq!(chosen(two.clone(), None, Fit::Ringing), Err(2));
        assert_eq!(chosen(two, None, Fit::Missing), Ok(0xCCCC_0004));
    }

    #[test]
    fn the_one_that_is_named() {
        assert_eq!(chosen(lines(), Some("bbbb"), Fit::Ringing), Ok(0xBBBB_0003), "whether it fits or not");
        assert_eq!(chosen(lines(), Some("AAAA0002-"), Fit::Any), Ok(0xAAAA_0002));
        assert_eq!(chosen(lines(), Some("aaaa"), Fit::Ringing), Err(2), "not unique");
        assert_eq!(chosen(lines(), Some("dddd"), Fit::Any), Err(0));
    }
}
