//! The console for people: short commands, sessions by number, events above the prompt. Whatever
//! comes from somebody else is escaped before it is shown.

mod commands;
mod editor;
mod lock;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, stdout};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use hither::{Contact, SessionId};
use serde_json::Value;

use super::event::{Happened, Notice};
use super::input::Lines;
use super::json::Asked;
use super::request::{Answer, Body, Outcome, SessionView, hex};
use super::sessions::Sessions;
use super::{Console, Request};
use crate::terminal::{Paint, escape, print_line};
use commands::Parsed;
use editor::Printer;
use lock::Told;

/// Names that can be completed.
pub type Names = Arc<Mutex<BTreeSet<String>>>;

/// Shows things to a person.
pub struct Face {
    paint: Paint,
    names: Names,
    /// `None`: plain lines on standard output.
    printer: Option<Mutex<Printer>>,
    /// Whether the service has had a lock: where there is none, nothing is said about it.
    has_lock: AtomicBool,
}

/// Starts to edit lines on the terminal; the events of `console` are printed above the prompt.
pub async fn edit(console: &Arc<Console>) -> Result<(Face, Lines)> {
    let contacts = console.perform(Request::Contacts).await;
    let names = Names::default();
    let (printer, lines) = editor::start(Arc::clone(console), Arc::clone(&names))?;
    let face = Face {
        paint: Paint::of(&stdout()),
        names,
        printer: Some(Mutex::new(printer)),
        has_lock: AtomicBool::new(false),
    };
    if let Ok(super::Success { body: Body::Contacts { contacts }, .. }) = &contacts {
        for contact in contacts {
            face.know(contact.who.as_str());
        }
    }
    face.print(&format!(
        "`help` lists the commands, Tab completes, Ctrl-D or `quit` leaves.\n{}",
        commands::FIRST_STEPS
    ))?;
    Ok((face, lines))
}

impl Face {
    /// Without a terminal: line by line.
    pub fn plain() -> Face {
        Face { paint: Paint::of(&stdout()), names: Names::default(), printer: None, has_lock: AtomicBool::new(false) }
    }

    /// Reads a line; `None` if there is nothing to carry out.
    pub fn read(&self, line: &[u8], sessions: &Sessions) -> io::Result<Option<Asked>> {
        let request = match commands::parse(&String::from_utf8_lossy(line), sessions) {
            Parsed::Request(request) => Ok(request),
            Parsed::Wrong(refusal) => Err(refusal),
            Parsed::Help(text) => {
                self.print(text.trim_end())?;
                return Ok(None);
            }
            Parsed::Nothing => return Ok(None),
        };
        Ok(Some(Asked { id: Value::Null, request }))
    }

    /// Shows an answer.
    pub fn answer(&self, answer: &Answer, sessions: &Sessions) -> io::Result<()> {
        let text = match answer {
            Ok(success) => self.body(&success.body, success.outcome, sessions),
            Err(refusal) => {
                let name = format!("{} ({})", refusal.code, hex(refusal.code));
                format!("{}: {}", self.paint.red(&name), escape(&refusal.message))
            }
        };
        self.print(&text)
    }

    /// Shows what happened.
    pub fn tell(&self, happened: &Happened, sessions: &Sessions) -> io::Result<()> {
        let text = match happened {
            Happened::Notice(notice) => match lock::notice(notice, &self.has_lock) {
                Told::Other => self.notice(notice, sessions),
                Told::Line(line) => line,
                Told::Nothing => return Ok(()),
            },
            Happened::ConnectionLost(code) => format!("the connection is down ({code}); it is being made again"),
            Happened::Unknown => return Ok(()),
        };
        self.print(&format!("{} {text}", self.paint.cyan("*")))
    }

    fn body(&self, body: &Body, outcome: Outcome, sessions: &Sessions) -> String {
        match body {
            Body::Nothing {} if outcome.0 == hither::Code::S_OK => "ok".to_owned(),
            Body::Nothing {} => format!("{}: {}", outcome.0, outcome.0.advice()),
            Body::Created { session } => {
                format!("{} {}", self.session(session, sessions), self.paint.dim(&session.to_string()))
            }
            Body::Session(view) => self.view(view, sessions),
            Body::Contact { contact } => contact.as_ref().map_or_else(|| "ok".to_owned(), |one| self.contact(one)),
            Body::Contacts { contacts } if contacts.is_empty() => "no contacts; `add NAME@DOMAIN` adds one".to_owned(),
            Body::Contacts { contacts } => {
                contacts.iter().map(|contact| self.contact(contact)).collect::<Vec<_>>().join("\n")
            }
            Body::Settings { settings } => format!(
                "invitations from {}; declines are {} to people who are not contacts",
                match settings.invitations {
                    Some(hither::InvitationsFrom::Contacts) => "contacts",
                    Some(hither::InvitationsFrom::Anyone) => "anyone",
                    None => "whomever the service's policy says",
                },
                if settings.show_declines { "shown" } else { "not shown" }
            ),
        }
    }

    fn view(&self, view: &SessionView, sessions: &Sessions) -> String {
        let mut text = format!(
            "{} {}\n  state    {}\n  flags    {}",
            self.session(&view.session, sessions),
            self.paint.dim(&view.session.to_string()),
            view.state,
            view.flags
        );
        let fields = [
            ("guid", &view.guid),
            ("name", &view.name),
            ("url", &view.url),
            ("user", &view.user),
            ("local", &view.local),
            ("remote", &view.remote),
            ("context", &view.context),
        ];
        for (name, value) in fields {
            let _ = write!(text, "\n  {name:<8} {}", value.as_deref().map_or_else(|| "-".into(), escape));
        }
        text
    }

    fn contact(&self, contact: &Contact) -> String {
        self.know(contact.who.as_str());
        let mut text = format!(
            "{:<24} {:<14} {}",
            escape(contact.who.as_str()),
            contact.status.name(),
            escape(&contact.friendly_name)
        );
        if contact.blocked {
            text.push_str(" (blocked)");
        }
        if !contact.listed {
            text.push_str(" (not in the list)");
        }
        text.trim_end().to_owned()
    }

    fn notice(&self, notice: &Notice, sessions: &Sessions) -> String {
        let session = |id| self.session(id, sessions);
        match notice {
            Notice::OnInvitation { session: id, from, guid, name, url, data, ring_ms, .. } => {
                self.know(from.as_str());
                let number = sessions.number(id).unwrap_or_default();
                let app = if name.is_empty() { guid } else { name };
                let mut text = format!("{}: {} invites you to {}", session(id), escape(from.as_str()), escape(app));
                if !url.is_empty() {
                    let _ = write!(text, " ({})", escape(url));
                }
                let _ = write!(text, "{}; rings for {} s", said(data), ring_ms.div_ceil(1000));
                let _ = write!(text, "\n  `accept {number}`, `decline {number}` or `ignore {number}`");
                text
            }
            Notice::OnStateChanged { session: id, previous, state } => {
                format!("{}: {previous} -> {}", session(id), self.paint.bold(state))
            }
            Notice::OnAccepted { session: id, data } => format!("{}: accepted{}", session(id), said(data)),
            Notice::OnDeclined { session: id, data } => format!("{}: declined{}", session(id), said(data)),
            Notice::OnCancelled { session: id, data, reason } => match reason {
                Some(hither::Elsewhere::AcceptedElsewhere) => format!("{}: accepted on another device", session(id)),
                Some(hither::Elsewhere::DeclinedElsewhere) => format!("{}: declined on another device", session(id)),
                Some(_) | None => format!("{}: cancelled{}", session(id), said(data)),
            },
            Notice::OnContextData { session: id, data } => format!("{}: context data{}", session(id), said(data)),
            Notice::OnTermination { session: id, outcome, data } => {
                let Outcome(code) = outcome;
                format!("{}: over, {code} ({}){}. {}", session(id), hex(*code), said(data), code.advice())
            }
            Notice::OnSendError { session: id, outcome } => {
                format!("{}: {}. {}", session(id), self.paint.red(&outcome.0.to_string()), outcome.0.advice())
            }
            Notice::OnProgress { session: id, stage, outcome } => {
                let why = outcome.map(|Outcome(code)| format!(" ({code})")).unwrap_or_default();
                format!("{}: {stage}{why}", session(id))
            }
            Notice::OnContactStatusChange { who, status, .. } => {
                self.know(who.as_str());
                format!("{} is {status}", escape(who.as_str()))
            }
            Notice::OnSignin { user, resumed: false } => format!("signed in as {}", escape(user.as_str())),
            Notice::OnSignin { user, resumed: true } => format!("connected again as {}", escape(user.as_str())),
            Notice::OnSignout { outcome: Outcome(hither::Code::S_OK) } => "signed out".to_owned(),
            Notice::OnSignout { outcome: Outcome(code) } => format!("signed out: {code}. {}", code.advice()),
            // Told before, or not at all.
            Notice::OnLockEnable { .. }
            | Notice::OnLockChallenge { .. }
            | Notice::OnLockResult { .. }
            | Notice::OnLockStatusChanged { .. } => String::new(),
        }
    }

    fn session(&self, id: &SessionId, sessions: &Sessions) -> String {
        match sessions.number(id) {
            Some(number) => self.paint.bold(&format!("session {number}")),
            None => format!("session {id}"),
        }
    }

    fn know(&self, name: &str) {
        // Bounded: a name that is not remembered can still be typed.
        const NAMES_MAX: usize = 2_000;
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() < NAMES_MAX {
            names.insert(escape(name).into_owned());
        }
    }

    fn print(&self, text: &str) -> io::Result<()> {
        match &self.printer {
            Some(printer) => printer.lock().unwrap_or_else(PoisonError::into_inner).print(text),
            None => print_line(text),
        }
    }
}

/// Data from the other side, in quotes.
fn said(data: &str) -> String {
    if data.is_empty() { String::new() } else { format!(": \"{}\"", escape(data)) }
}
