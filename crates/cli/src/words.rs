//! What agents tell, in words for a person. Everything in it that comes from somebody else is escaped.

use std::borrow::Cow;

use hither::{Application, Code, SessionId};
use hither_wire::local::SessionLine;
use hither_wire::message::Data;
use jiff::Timestamp;

use crate::terminal::escape;

/// The first digits of a session's id: what a person types to name it.
pub fn short(id: &SessionId) -> String {
    format!("{:08X}", id.0 >> 96)
}

/// What an application is called.
pub fn app(app: &Application) -> Cow<'_, str> {
    if app.name.trim().is_empty() { app.guid.to_string().into() } else { escape(&app.name) }
}

/// Data from the other side, in quotes after a colon; nothing if there are none.
pub fn said(data: Option<&Data>) -> String {
    match data {
        Some(Data::Text(text)) => format!(": \"{}\"", escape(text)),
        Some(Data::Sealed(_)) => ": (sealed)".to_owned(),
        None => String::new(),
    }
}

/// A session by who and what it is about.
pub fn session(line: &SessionLine) -> String {
    let SessionLine { user, app: into, inviter, .. } = line;
    let (user, into) = (escape(user.as_str()), app(into));
    if *inviter { format!("{into}, you invited {user}") } else { format!("{into}, invited by {user}") }
}

/// A time in seconds since 1970.
pub fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// A code with what it says.
pub fn code(code: Code) -> String {
    format!("{code}: {}", code.advice())
}

#[cfg(test)]
mod tests {
    use hither::{Guid, PersonName};

    use super::*;

    #[test]
    fn short_and_harmless() {
        let id = Guid::parse("{005D86C6-6896-4099-91F5-CB7BA7733563}").unwrap();
        assert_eq!(short(&id), "005D86C6");
        let called = Application { guid: id, name: "a\x1b[2J".into(), url: "".into(), launch_only: false };
        assert_eq!(app(&called), "a\\u{1b}[2J");
        assert_eq!(app(&Application { name: "  ".into(), ..called.clone() }), id.to_string());
        assert_eq!(said(Data::text("x\n").as_ref()), ": \"x\\u{a}\"");
        let line = SessionLine {
            session: id,
            state: "SS_INVITATION".into(),
            inviter: false,
            user: PersonName::parse("bob@x").unwrap(),
            app: called,
            data: None,
            ring_ms: None,
            doing: "ringing".into(),
            process: None,
        };
        assert_eq!(session(&line), "a\\u{1b}[2J, invited by bob@x");
    }
}
