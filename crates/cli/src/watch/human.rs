//! For people: the time, the session by its first digits, what happened.

use std::collections::BTreeMap;
use std::io::stdout;

use anyhow::Result;
use hither::{PersonName, SessionId};
use hither_agent::remote::Told;
use hither_wire::local::{self, AgentStatus, SessionLine};
use hither_wire::message::{By, Elsewhere, Ended, Event, How, Invitation};
use jiff::Zoned;

use crate::session::row;
use crate::terminal::{Paint, escape, show};
use crate::words;

/// The sessions that can be named by who and what, rather than by their ids alone.
pub struct Known(BTreeMap<SessionId, String>);

impl Known {
    /// These.
    pub fn of(sessions: &[SessionLine]) -> Known {
        Known(sessions.iter().map(|line| (line.session, words::session(line))).collect())
    }

    /// Whether it is known what a session is about.
    pub fn has(&self, session: SessionId) -> bool {
        self.0.contains_key(&session)
    }

    fn named(&self, session: &SessionId) -> String {
        let about = self.0.get(session).map(|about| format!(" ({about})")).unwrap_or_default();
        format!("{}{about}", words::short(session))
    }
}

/// How it is at the beginning.
pub fn begin(status: &AgentStatus, sessions: &[SessionLine]) -> Result<()> {
    let who = status.user.as_ref().map_or_else(|| "nobody is signed in".into(), |user| escape(user.as_str()));
    let down = if status.connected { "" } else { ", not connected to the service" };
    print(&format!("watching: {who}{down}; Ctrl-C ends it"))?;
    sessions.iter().try_for_each(|session| print(&row(session)))
}

/// What happens.
pub fn tell(told: &Told, known: &mut Known) -> Result<()> {
    let line = match told {
        Told::Event(event) => of_service(event, known),
        Told::Agent(event) => of_agent(event, known),
    };
    if let Told::Event(Event::Ended(ended)) = told {
        known.0.remove(&ended.session);
    }
    line.map_or(Ok(()), |line| print(&line))
}

fn print(line: &str) -> Result<()> {
    let time = Zoned::now().strftime("%H:%M:%S").to_string();
    show(&format!("{} {line}", Paint::of(&stdout()).dim(&time)))
}

fn of_service(event: &Event, known: &mut Known) -> Option<String> {
    Some(match event {
        Event::Invited { session, ring_ms, .. } => {
            format!("{}: the invitation is out, for {} s", known.named(session), ring_ms.div_ceil(1_000))
        }
        Event::Invitation(invitation) => invited(invitation, known),
        Event::Accepted { session, data, .. } => {
            format!("{}: accepted{}", known.named(session), words::said(data.as_ref()))
        }
        Event::Connected { session } => format!("{}: connected", known.named(session)),
        Event::Context { session, data } => {
            format!("{}: context data{}", known.named(session), words::said(Some(data)))
        }
        Event::Ended(ended) => ended_words(ended, known),
        Event::Progress { session, stage, code } => {
            let why = code.map(|code| format!(" ({code})")).unwrap_or_default();
            format!("{}: {} there{why}", known.named(session), stage.name())
        }
        Event::Presence { who, status, .. } => format!("{} is {}", escape(who.as_str()), status.name()),
        Event::SignedOut { code } => format!("signed out by the service; {}", words::code(*code)),
        // Of applications; an agent tells its tools none of them.
        Event::Expiring { .. }
        | Event::Lock { .. }
        | Event::LockChallenge { .. }
        | Event::LockResult { .. }
        | Event::LockStatus { .. }
        | Event::Unknown => return None,
    })
}

fn invited(invitation: &Invitation, known: &mut Known) -> String {
    let Invitation { session, from, app, data, ring_ms, .. } = invitation;
    let (from, app): (_, _) = (from_whom(from, &invitation.friendly_name), words::app(app));
    known.0.insert(*session, format!("{app}, invited by {}", escape(invitation.from.as_str())));
    let id = words::short(session);
    let said = words::said(data.as_ref());
    let seconds = ring_ms.div_ceil(1_000);
    format!(
        "{id}: {from} invites you to {app}{said}; `hither accept {id}` within {seconds} s, or `hither decline {id}`"
    )
}

fn from_whom(from: &PersonName, friendly_name: &str) -> String {
    if friendly_name.trim().is_empty() {
        escape(from.as_str()).into_owned()
    } else {
        format!("{} ({})", escape(friendly_name), escape(from.as_str()))
    }
}

fn ended_words(ended: &Ended, known: &Known) -> String {
    let Ended { session, how, by, code, data, reason } = ended;
    let what = match (reason, how, by) {
        (Some(Elsewhere::AcceptedElsewhere), _, _) => "accepted elsewhere",
        (Some(Elsewhere::DeclinedElsewhere), _, _) => "declined elsewhere",
        (_, How::Declined, Some(By::Local)) => "declined here",
        (_, How::Declined, _) => "declined",
        (_, How::Cancelled, Some(By::Local)) => "cancelled here",
        (_, How::Cancelled, _) => "cancelled",
        (_, How::Terminated, _) => "over",
    };
    format!("{}: {what}{}; {}", known.named(session), words::said(data.as_ref()), words::code(*code))
}

fn of_agent(event: &local::Event, known: &Known) -> Option<String> {
    Some(match event {
        local::Event::ReadyToLaunch { session } => format!("{}: about to start here", known.named(session)),
        // The launch itself follows.
        local::Event::BeforeLaunch { .. } => return None,
        local::Event::AppNotPresent { session, name, url } => {
            let get = if url.is_empty() {
                "the invitation does not say where to get it".to_owned()
            } else {
                format!("it is at {}: `hither get {}` opens that page", escape(url), words::short(session))
            };
            format!("{}: {} is not installed; {get}", known.named(session), escape(name))
        }
        local::Event::AppRegistered { app } => format!("registered: {}", words::app(app)),
        local::Event::AppUnregistered { guid } => format!("unregistered: {guid}"),
        local::Event::Shutdown => "the agent stops".to_owned(),
        local::Event::Launch { session, stage, why } => {
            let why = why.as_deref().map(|why| format!(": {}", escape(why))).unwrap_or_default();
            format!("{}: {} here{why}", known.named(session), stage.name())
        }
        local::Event::Service { connected: true, .. } => "connected to the service".to_owned(),
        local::Event::Service { connected: false, code } => {
            let why = code.map(|code| format!("; {}", words::code(code))).unwrap_or_default();
            format!("the connection to the service is down{why}")
        }
    })
}

#[cfg(test)]
mod tests {
    use hither::{Code, Guid};
    use hither_wire::message::{Data, SessionLimits};

    use super::*;

    fn told(event: &Event, known: &mut Known) -> String {
        of_service(event, known).unwrap()
    }

    #[test]
    fn what_others_say_is_harmless() {
        let mut known = Known::of(&[]);
        let session = Guid(0x1234_5678 << 96);
        let app = hither::Application { guid: Guid(1), name: "\x1b[2J".into(), url: "".into(), launch_only: false };
        let invitation = Event::Invitation(Box::new(Invitation {
            session,
            from: PersonName::parse("alice@example.org").unwrap(),
            friendly_name: "A\u{9b}\u{202e}".into(),
            app,
            data: Data::text("a\r\ngame"),
            material: None,
            ring_ms: 1_500,
            limits: SessionLimits::REFERENCE,
            question: None,
        }));
        let line = told(&invitation, &mut known);
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(
            line.starts_with("12345678: A\\u{9b}\\u{202e} (alice@example.org) invites you to \\u{1b}[2J"),
            "{line}"
        );
        assert!(line.contains("within 2 s"), "{line}");
        let line = told(&Event::Connected { session }, &mut known);
        assert_eq!(line, "12345678 (\\u{1b}[2J, invited by alice@example.org): connected");
    }

    #[test]
    fn how_it_ended() {
        let session = Guid(0x1234_5678 << 96);
        let ended = |how, by, reason| Ended { session, how, by, code: Code::S_OK, data: None, reason };
        let words = |ended| ended_words(&ended, &Known::of(&[]));
        assert_eq!(words(ended(How::Declined, Some(By::Local), None)), "12345678: declined here; S_OK: Done.");
        let elsewhere = ended(How::Cancelled, Some(By::Remote), Some(Elsewhere::AcceptedElsewhere));
        assert_eq!(words(elsewhere), "12345678: accepted elsewhere; S_OK: Done.");
        assert_eq!(words(ended(How::Terminated, None, None)), "12345678: over; S_OK: Done.");
    }
}
