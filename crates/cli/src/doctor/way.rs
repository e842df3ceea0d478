//! The way to another person's agent, and back. The two agents talk; nobody is rung.

use std::time::Duration;

use anyhow::Result;
use hither::{Code, Contact, PersonName, SessionId, Status};
use hither_agent::remote::{RemoteError, Told};
use hither_wire::local::Request as Local;
use hither_wire::message::{Data, Event, Request};
use tokio::time::Instant;

use super::Found;
use crate::remote::{Agent, fresh_id, session_of};
use crate::steps::Steps;

const DELIVERED: &str = "delivered";
const ANSWERED: &str = "answered";
const CONNECTED: &str = "connected";
const THERE_AND_BACK: &str = "there and back";

/// Longer than a check rings.
const PATIENCE: Duration = Duration::from_secs(20);

/// Checks the way to somebody.
pub async fn check(steps: &mut Steps, found: &mut Found, who: &PersonName) -> Result<()> {
    let ready = found.status().is_some_and(|status| status.connected);
    let Some((agent, _)) = found.agent.as_mut().filter(|_| ready) else {
        return steps.skipped("contact", "the agent is not signed in at the service");
    };
    if !is_reachable(steps, agent, who).await? {
        return Ok(());
    }
    let session = fresh_id()?;
    let mut way = Way { steps, agent, who, session };
    let result = way.goes().await;
    // Whatever came of it, nothing is left.
    drop(way.agent.ask(Request::Cancel { session, hr: Code::S_OK, data: None }).await);
    result
}

/// What the contact list says. An invitation that is bound to fail is not sent.
async fn is_reachable(steps: &mut Steps, agent: &mut Agent, who: &PersonName) -> Result<bool> {
    let contacts = match agent.ask(Request::Contacts).await {
        Ok(answer) => answer.contacts.unwrap_or_default(),
        Err(RemoteError::Refused { code, message }) => {
            steps.failed("contact", &format!("{message} ({code})"), code.advice())?;
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    let add = format!("`hither contact add {who}`");
    match contacts.iter().find(|contact| contact.who == *who) {
        Some(Contact { blocked: true, .. }) => {
            steps.failed("contact", &format!("you block {who}"), &format!("`hither contact unblock {who}`"))?;
            return Ok(false);
        }
        Some(Contact { listed: true, status, .. }) => {
            steps.ok("contact", &format!("{who} is one of yours"))?;
            presence(steps, who, *status)?;
        }
        // Their agent answers to whom it sees, and that takes both.
        Some(_) | None => steps.failed("contact", &format!("{who} is no contact of yours"), &add)?,
    }
    Ok(true)
}

fn presence(steps: &mut Steps, who: &PersonName, status: Status) -> Result<()> {
    if status == Status::Offline {
        let detail =
            format!("{who} shows as OFFLINE: not signed in, invisible, without you as a contact, or blocking you");
        steps.failed("presence", &detail, "ask them to sign in, and to add you: `hither contact add`")
    } else {
        steps.ok("presence", &format!("{who} is {}", status.name()))
    }
}

struct Way<'a> {
    steps: &'a mut Steps,
    agent: &'a mut Agent,
    who: &'a PersonName,
    session: SessionId,
}

impl Way<'_> {
    async fn goes(&mut self) -> Result<()> {
        let began = Instant::now();
        match self.agent.ask_agent(Local::Check { session: self.session, to: self.who.clone() }).await {
            Ok(_) => self.steps.ok(DELIVERED, "the service has passed the check on")?,
            Err(RemoteError::Refused { code, message }) => {
                return self.steps.failed(DELIVERED, &format!("{message} ({code})"), advice(code));
            }
            Err(error) => return Err(error.into()),
        }
        let Some(report) = self.until(ANSWERED, accepted).await? else { return Ok(()) };
        let took = began.elapsed().as_millis();
        self.steps.ok(ANSWERED, &format!("by their agent in {took} ms: {}", report_words(&report)))?;
        let connected = |event: &Event| matches!(event, Event::Connected { .. }).then_some(());
        if self.until(CONNECTED, connected).await?.is_none() {
            return Ok(());
        }
        self.steps.ok(CONNECTED, "both agents have the session")?;
        self.echoes().await
    }

    /// Context data go there and come back the same.
    async fn echoes(&mut self) -> Result<()> {
        let text = format!("hither doctor {}", fresh_id()?);
        let began = Instant::now();
        let data = Data::Text(text.as_str().into());
        match self.agent.ask(Request::Context { session: self.session, data }).await {
            Ok(_) => {}
            Err(RemoteError::Refused { code, message }) => {
                return self.steps.failed(THERE_AND_BACK, &format!("{message} ({code})"), advice(code));
            }
            Err(error) => return Err(error.into()),
        }
        let Some(came) = self.until(THERE_AND_BACK, came_back).await? else { return Ok(()) };
        if came == text {
            let detail = format!("context data came back in {} ms", began.elapsed().as_millis());
            self.steps.ok(THERE_AND_BACK, &detail)
        } else {
            self.steps.failed(THERE_AND_BACK, "other context data came back", "update their agent")
        }
    }

    /// Waits for an event of the check; without it the step has failed.
    async fn until<T>(&mut self, step: &str, is_it: fn(&Event) -> Option<T>) -> Result<Option<T>> {
        let deadline = Instant::now() + PATIENCE;
        while let Some(told) = self.agent.told_until(deadline).await? {
            let Told::Event(event) = &told else { continue };
            if session_of(&told) != Some(self.session) {
                continue;
            }
            if let Some(found) = is_it(event) {
                return Ok(Some(found));
            }
            if let Event::Ended(ended) = event {
                self.steps.failed(step, &crate::words::code(ended.code), advice(ended.code))?;
                return Ok(None);
            }
        }
        let detail = format!("nothing came within {} seconds", PATIENCE.as_secs());
        self.steps.failed(step, &detail, advice(Code::SR_SESSION_TIMEOUT))?;
        Ok(None)
    }
}

fn accepted(event: &Event) -> Option<String> {
    match event {
        Event::Accepted { data, .. } => Some(data.as_ref().and_then(Data::as_text).unwrap_or_default().to_owned()),
        Event::Invited { .. }
        | Event::Invitation(_)
        | Event::Connected { .. }
        | Event::Context { .. }
        | Event::Ended(_)
        | Event::Progress { .. }
        | Event::Presence { .. }
        | Event::SignedOut { .. }
        | Event::Expiring { .. }
        | Event::Lock { .. }
        | Event::LockChallenge { .. }
        | Event::LockResult { .. }
        | Event::LockStatus { .. }
        | Event::Unknown => None,
    }
}

fn came_back(event: &Event) -> Option<String> {
    match event {
        Event::Context { data, .. } => Some(data.as_text().unwrap_or_default().to_owned()),
        Event::Invited { .. }
        | Event::Invitation(_)
        | Event::Accepted { .. }
        | Event::Connected { .. }
        | Event::Ended(_)
        | Event::Progress { .. }
        | Event::Presence { .. }
        | Event::SignedOut { .. }
        | Event::Expiring { .. }
        | Event::Lock { .. }
        | Event::LockChallenge { .. }
        | Event::LockResult { .. }
        | Event::LockStatus { .. }
        | Event::Unknown => None,
    }
}

/// `version=0.1.0;status=ONLINE;…` with spaces, for a person.
fn report_words(report: &str) -> String {
    if report.is_empty() { "it says nothing of itself".to_owned() } else { report.replace(';', ", ").replace('=', " ") }
}

/// Which link fails, and what to do.
fn advice(code: Code) -> &'static str {
    match code {
        Code::MSGR_E_RESTRICTED_USER => "they have not got you as a contact: ask them for `hither contact add`",
        Code::MSGR_E_NOT_LOGGED_ON => "they are not signed in, are invisible, or block you: ask them",
        Code::MSGR_E_USER_NOT_FOUND => "there is nobody of this name at your service: check the spelling",
        Code::SR_SESSION_TIMEOUT => {
            "they are signed in, but no agent answers there, or it does not see you as a contact: \
             ask them for `hither agent status` and `hither contacts`"
        }
        Code::SR_CONNECTION_FAILURE => "their connection to the service was lost meanwhile: try again",
        Code::SR_SESSION_CANCELLED_REMOTE | Code::SR_INVITATION_DECLINED => {
            "something else than an agent has answered: they are signed in with another client too"
        }
        _ => code.advice(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_in_words() {
        let report = "version=0.1.0;status=BUSY;applications=2;notifications=none";
        assert_eq!(report_words(report), "version 0.1.0, status BUSY, applications 2, notifications none");
        assert_eq!(report_words(""), "it says nothing of itself");
    }
}
