//! What a person is asked, in words. Everything in it that comes from somebody else is quoted and
//! cut; the desktop escapes it for its own markup.

use hither_proto::agent::Ringing;
use hither_wire::message::Application;
use hither_wire::{PersonName, SessionId};

use crate::desktop::{Button, Card, Subject};

/// Characters of a name in a card.
const NAME_CHARS: usize = 80;
/// Characters of app data in a card.
const DATA_CHARS: usize = 260;

/// Somebody invites.
pub fn ringing(ringing: &Ringing) -> Card {
    let who = person(&ringing.friendly_name, &ringing.from);
    let app = app_name(&ringing.app);
    let mut lines = Vec::new();
    if !ringing.data.is_empty() {
        lines.push(quoted(&ringing.data));
    }
    if who != ringing.from.as_str() {
        lines.push(format!("From {}", cut(ringing.from.as_str(), NAME_CHARS)));
    }
    if !ringing.installed {
        lines.push("The application is not installed here yet.".to_owned());
    }
    Card {
        subject: Subject::Ringing(ringing.session),
        title: format!("{who} invites you to {app}"),
        body: lines.join("\n"),
        buttons: vec![Button::Accept, Button::Decline],
        urgent: true,
    }
}

/// The application of an accepted invitation is missing (R15).
pub fn missing(session: SessionId, app: &Application) -> Card {
    let name = app_name(app);
    let (body, buttons) = if app.url.is_empty() {
        let body = "The invitation does not say where to get it. It goes on when the application is installed.";
        (body.to_owned(), vec![Button::No])
    } else {
        let body =
            format!("Open {} in the browser?\nThe invitation goes on when it is installed.", cut(&app.url, DATA_CHARS));
        (body, vec![Button::Get, Button::No])
    };
    Card { subject: Subject::Missing(session), title: format!("{name} is not installed"), body, buttons, urgent: true }
}

/// A link asks to accept an invitation.
pub fn link_accepts(number: u64, from: &PersonName, app: &Application) -> Card {
    let name = app_name(app);
    Card {
        subject: Subject::Link(number),
        title: format!("Accept the invitation to {name}?"),
        body: format!("From {}\nA link asks for it.", cut(from.as_str(), NAME_CHARS)),
        buttons: vec![Button::Accept, Button::No],
        urgent: false,
    }
}

/// A link asks to invite somebody.
pub fn link_invites(number: u64, to: &PersonName, app: &str, data: &str) -> Card {
    let said = if data.is_empty() { String::new() } else { quoted(data) + "\n" };
    Card {
        subject: Subject::Link(number),
        title: format!("Invite {} to {}?", cut(to.as_str(), NAME_CHARS), cut(app, NAME_CHARS)),
        body: format!("{said}A link asks for it."),
        buttons: vec![Button::Invite, Button::No],
        urgent: false,
    }
}

fn person(friendly_name: &str, name: &PersonName) -> String {
    let shown = if friendly_name.trim().is_empty() { name.as_str() } else { friendly_name };
    cut(shown, NAME_CHARS)
}

fn app_name(app: &Application) -> String {
    if app.name.trim().is_empty() { format!("the application {}", app.guid) } else { cut(&app.name, NAME_CHARS) }
}

fn quoted(data: &str) -> String {
    format!("“{}”", cut(data, DATA_CHARS))
}

/// At most so many characters, without any that steer.
fn cut(text: &str, max: usize) -> String {
    let mut clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max + 1).collect();
    if clean.chars().count() > max {
        clean = clean.chars().take(max).chain(['…']).collect();
    }
    clean
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    use hither_wire::Guid;

    use super::*;

    #[test]
    fn what_others_say_is_cut_and_harmless() {
        let app =
            Application { guid: Guid(1), name: "a\n\u{1b}[2J".repeat(50).into(), url: "".into(), launch_only: false };
        let card = ringing(&Ringing {
            session: Guid(2),
            from: PersonName::parse("alice@example.org").unwrap(),
            friendly_name: "  ".into(),
            app: app.clone(),
            installed: false,
            data: "x".repeat(1_000).into(),
            until: 0,
        });
        assert!(card.title.starts_with("alice@example.org invites you to a  [2J"), "{}", card.title);
        assert!(!card.title.contains(['\n', '\u{1b}']) && card.title.ends_with('…'));
        assert!(card.body.contains("not installed") && card.body.len() < 400, "{}", card.body);
        assert_eq!(missing(Guid(2), &app).buttons, [Button::No]);
    }
}
