//! What happens, under the reference's names and with plain fields.

use hither::message::Elsewhere;
use hither::{Code, Event, Invitation, LockStatus, PersonName, SessionId};
use serde::{Serialize, Serializer};

use super::request::Outcome;

/// An event as the console tells it.
#[derive(Debug, Serialize)]
#[serde(tag = "event")]
#[expect(clippy::enum_variant_names, reason = "the reference's names")]
pub enum Notice {
    OnInvitation {
        session: SessionId,
        from: PersonName,
        friendly_name: String,
        guid: String,
        name: String,
        url: String,
        data: String,
        ring_ms: u64,
    },
    OnStateChanged {
        session: SessionId,
        previous: &'static str,
        state: &'static str,
    },
    OnAccepted {
        session: SessionId,
        data: String,
    },
    OnDeclined {
        session: SessionId,
        data: String,
    },
    OnCancelled {
        session: SessionId,
        data: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Elsewhere>,
    },
    OnContextData {
        session: SessionId,
        data: String,
    },
    OnTermination {
        session: SessionId,
        #[serde(flatten)]
        outcome: Outcome,
        data: String,
    },
    OnSendError {
        session: SessionId,
        #[serde(flatten)]
        outcome: Outcome,
    },
    OnProgress {
        session: SessionId,
        stage: &'static str,
        #[serde(flatten)]
        outcome: Option<Outcome>,
    },
    OnContactStatusChange {
        who: PersonName,
        friendly_name: String,
        status: &'static str,
    },
    OnSignin {
        user: PersonName,
        resumed: bool,
    },
    OnSignout {
        #[serde(flatten)]
        outcome: Outcome,
    },
    OnLockEnable {
        enabled: bool,
    },
    OnLockChallenge {
        cookie: u32,
        challenge: String,
    },
    OnLockResult {
        cookie: u32,
        unlocked: bool,
    },
    OnLockStatusChanged {
        #[serde(serialize_with = "by_name")]
        status: LockStatus,
        #[serde(flatten)]
        outcome: Option<Outcome>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn by_name<S: Serializer>(status: &LockStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

/// What the sdk tells, divided by who has to know.
pub enum Happened {
    /// To be printed.
    Notice(Notice),
    /// The connection is down and being made again; no event of the reference.
    ConnectionLost(Code),
    /// An event that an agent tells, or a later sdk knows, and this console does not.
    Unknown,
}

/// Puts an event of the sdk into the console's words.
pub fn describe(event: &Event) -> Happened {
    Happened::Notice(match event {
        Event::Invitation(invitation) => on_invitation(invitation),
        Event::StateChanged { session, previous, state } => {
            Notice::OnStateChanged { session: *session, previous: previous.name(), state: state.name() }
        }
        Event::Accepted { session, data } => Notice::OnAccepted { session: *session, data: data.clone() },
        Event::Declined { session, data } => Notice::OnDeclined { session: *session, data: data.clone() },
        Event::Cancelled { session, data, reason } => {
            Notice::OnCancelled { session: *session, data: data.clone(), reason: *reason }
        }
        Event::ContextData { session, data } => Notice::OnContextData { session: *session, data: data.clone() },
        Event::Termination { session, code, data } => {
            Notice::OnTermination { session: *session, outcome: Outcome(*code), data: data.clone() }
        }
        Event::SendError { session, code } => Notice::OnSendError { session: *session, outcome: Outcome(*code) },
        Event::Progress { session, stage, code } => {
            Notice::OnProgress { session: *session, stage: stage.name(), outcome: code.map(Outcome) }
        }
        Event::ContactStatusChange { who, friendly_name, status } => Notice::OnContactStatusChange {
            who: who.clone(),
            friendly_name: friendly_name.clone(),
            status: status.name(),
        },
        Event::Signin { user, resumed } => Notice::OnSignin { user: user.clone(), resumed: *resumed },
        Event::Signout { code } => Notice::OnSignout { outcome: Outcome(*code) },
        Event::ConnectionLost { code } => return Happened::ConnectionLost(*code),
        Event::LockEnable { enabled } => Notice::OnLockEnable { enabled: *enabled },
        Event::LockChallenge { cookie, challenge } => {
            Notice::OnLockChallenge { cookie: *cookie, challenge: challenge.clone() }
        }
        Event::LockResult { cookie, unlocked } => Notice::OnLockResult { cookie: *cookie, unlocked: *unlocked },
        Event::LockStatusChanged { status, error, retry_after } => Notice::OnLockStatusChanged {
            status: *status,
            outcome: error.map(Outcome),
            retry_after_ms: retry_after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX)),
        },
        // Only an agent tells the others that are known.
        Event::ReadyToLaunch { .. }
        | Event::BeforeAppLaunch { .. }
        | Event::AppNotPresent { .. }
        | Event::AppRegistered { .. }
        | Event::AppUnRegistered { .. }
        | Event::AppShutdown
        | _ => return Happened::Unknown,
    })
}

fn on_invitation(invitation: &Invitation) -> Notice {
    Notice::OnInvitation {
        session: invitation.session.id(),
        from: invitation.from.clone(),
        friendly_name: invitation.friendly_name.clone(),
        guid: invitation.application.guid.to_string(),
        name: invitation.application.name.to_string(),
        url: invitation.application.url.to_string(),
        data: invitation.data.clone(),
        ring_ms: invitation.ring_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::json;
    use hither::{Guid, Stage, State};

    #[test]
    fn lines_of_the_reference() {
        let session = Guid::parse("{305D86C6-6896-4099-91F5-CB7BA7733563}").unwrap();
        let line = |event: Event| match describe(&event) {
            Happened::Notice(notice) => json::line(&notice),
            Happened::ConnectionLost(_) | Happened::Unknown => String::new(),
        };
        let head = |name: &str| format!(r#"{{"event":"{name}","session":"{session}""#);
        assert_eq!(
            line(Event::StateChanged { session, previous: State::Ready, state: State::Invitation }),
            head("OnStateChanged") + r#","previous":"SS_READY","state":"SS_INVITATION"}"#
        );
        assert_eq!(
            line(Event::Cancelled { session, data: String::new(), reason: Some(Elsewhere::AcceptedElsewhere) }),
            head("OnCancelled") + r#","data":"","reason":"accepted_elsewhere"}"#
        );
        assert_eq!(
            line(Event::Cancelled { session, data: "d".to_owned(), reason: None }),
            head("OnCancelled") + r#","data":"d"}"#
        );
        assert_eq!(
            line(Event::Termination { session, code: Code(0x8000_1234), data: String::new() }),
            head("OnTermination") + r#","hresult":"0x80001234","result":"0x80001234","data":""}"#
        );
        assert_eq!(
            line(Event::Progress { session, stage: Stage::Ringing, code: None }),
            head("OnProgress") + r#","stage":"ringing"}"#
        );
        assert_eq!(
            line(Event::Progress { session, stage: Stage::LaunchFailed, code: Some(Code::E_FAIL) }),
            head("OnProgress") + r#","stage":"launch-failed","hresult":"0x80004005","result":"E_FAIL"}"#
        );
        assert_eq!(
            line(Event::Signout { code: Code::S_OK }),
            r#"{"event":"OnSignout","hresult":"0x00000000","result":"S_OK"}"#
        );
        assert_eq!(line(Event::ConnectionLost { code: Code::E_FAIL }), "");
        assert_eq!(line(Event::LockEnable { enabled: true }), r#"{"event":"OnLockEnable","enabled":true}"#);
        assert_eq!(
            line(Event::LockChallenge { cookie: 0, challenge: "c".to_owned() }),
            r#"{"event":"OnLockChallenge","cookie":0,"challenge":"c"}"#
        );
        assert_eq!(
            line(Event::LockResult { cookie: 7, unlocked: false }),
            r#"{"event":"OnLockResult","cookie":7,"unlocked":false}"#
        );
        let status = |status, error, retry_after| line(Event::LockStatusChanged { status, error, retry_after });
        assert_eq!(status(LockStatus::Unlocked, None, None), r#"{"event":"OnLockStatusChanged","status":"UNLOCKED"}"#);
        let busy = Some(Code::MSGR_E_SERVER_TOO_BUSY);
        assert_eq!(
            status(LockStatus::Initialized, busy, Some(std::time::Duration::from_millis(1500))),
            r#"{"event":"OnLockStatusChanged","status":"INITIALIZED","hresult":"0x8100030e","result":"MSGR_E_SERVER_TOO_BUSY","retry_after_ms":1500}"#
        );
    }
}
