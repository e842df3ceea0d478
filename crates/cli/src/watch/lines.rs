//! For programs: the frames of the wire, with the time.

use anyhow::Result;
use hither_agent::remote::Told;
use hither_wire::local::{AgentStatus, SessionLine};
use hither_wire::message::Event;
use jiff::Timestamp;
use serde::Serialize;

use crate::terminal::{json, show};

#[derive(Serialize)]
struct Line<T> {
    time: String,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Begin<'a> {
    Watching {
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        connected: bool,
    },
    Session(&'a SessionLine),
}

/// How it is at the beginning.
pub fn begin(status: &AgentStatus, sessions: &[SessionLine]) -> Result<()> {
    let user = status.user.as_ref().map(hither::PersonName::as_str);
    line(Begin::Watching { user, connected: status.connected })?;
    sessions.iter().try_for_each(|session| line(Begin::Session(session)))
}

/// What happens.
pub fn tell(told: &Told) -> Result<()> {
    match told {
        // A later version's: this one has no words for it.
        Told::Event(Event::Unknown) => Ok(()),
        Told::Event(event) => line(event),
        Told::Agent(event) => line(event),
    }
}

fn line(what: impl Serialize) -> Result<()> {
    show(&json(&Line { time: format!("{:.3}", Timestamp::now()), what }))
}

#[cfg(test)]
mod tests {
    use hither::Guid;
    use hither_wire::local;

    use super::*;

    #[test]
    fn the_frames_of_the_wire_with_the_time() {
        let time = || "T".to_owned();
        let session = Guid(1);
        let event = Event::Connected { session };
        assert_eq!(
            json(&Line { time: time(), what: &event }),
            r#"{"time":"T","event":"connected","session":"{00000000-0000-0000-0000-000000000001}"}"#
        );
        let event = local::Event::Service { connected: true, code: None };
        assert_eq!(json(&Line { time: time(), what: &event }), r#"{"time":"T","event":"service","connected":true}"#);
        assert_eq!(
            json(&Line { time: time(), what: Begin::Watching { user: None, connected: false } }),
            r#"{"time":"T","event":"watching","connected":false}"#
        );
    }
}
