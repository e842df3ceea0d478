//! What a person is told of the service's lock.

use std::sync::atomic::{AtomicBool, Ordering};

use hither::LockStatus;

use super::{Notice, Outcome};

/// What there is to tell.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// It is not about the lock.
    Other,
    /// A line.
    Line(String),
    /// It is, but it says nothing to a person.
    Nothing,
}

/// Tells of the lock. `has_lock` remembers whether there has been one.
pub fn notice(notice: &Notice, has_lock: &AtomicBool) -> Told {
    let line = match notice {
        Notice::OnLockEnable { enabled: true } => "the service's lock is on",
        Notice::OnLockEnable { enabled: false } => return Told::Nothing,
        Notice::OnLockChallenge { cookie: 0, .. } => "the service asks for the key again",
        Notice::OnLockChallenge { .. } => "the service asks for the key",
        Notice::OnLockResult { unlocked: true, .. } => "the key is right",
        Notice::OnLockResult { unlocked: false, .. } => "the key is wrong",
        Notice::OnLockStatusChanged { status, outcome, retry_after_ms } => {
            return stands(*status, *outcome, *retry_after_ms, has_lock);
        }
        Notice::OnInvitation { .. }
        | Notice::OnStateChanged { .. }
        | Notice::OnAccepted { .. }
        | Notice::OnDeclined { .. }
        | Notice::OnCancelled { .. }
        | Notice::OnContextData { .. }
        | Notice::OnTermination { .. }
        | Notice::OnSendError { .. }
        | Notice::OnProgress { .. }
        | Notice::OnContactStatusChange { .. }
        | Notice::OnSignin { .. }
        | Notice::OnSignout { .. } => return Told::Other,
    };
    Told::Line(line.to_owned())
}

fn stands(status: LockStatus, outcome: Option<Outcome>, retry_after_ms: Option<u64>, has_lock: &AtomicBool) -> Told {
    let had_lock = has_lock.fetch_or(status.is_locked() || status == LockStatus::Unlocked, Ordering::Relaxed);
    let why = outcome.map(|Outcome(code)| format!(" ({code}). {}", code.advice())).unwrap_or_default();
    let again = retry_after_ms.map(|ms| format!(" Again in {} s.", ms.div_ceil(1000))).unwrap_or_default();
    Told::Line(match status {
        LockStatus::Initialized if outcome.is_none() => {
            "locked: nobody can be invited without a key (--app-id, --key-file)".to_owned()
        }
        LockStatus::Initialized => format!("locked{why}{again}"),
        LockStatus::PendingResult => "locked until the key has been judged".to_owned(),
        LockStatus::Unlocked => "unlocked".to_owned(),
        LockStatus::UnlockFailed => format!("locked until the next sign-in{why}"),
        LockStatus::Disabled if had_lock => "the service's lock is off".to_owned(),
        LockStatus::Disabled | LockStatus::NotInitialized => return Told::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use hither::Code;

    use super::*;

    #[test]
    fn where_there_is_no_lock_nothing_is_said() {
        let has_lock = AtomicBool::new(false);
        let stands = |status, outcome| {
            let changed = Notice::OnLockStatusChanged { status, outcome, retry_after_ms: outcome.map(|_| 1_001) };
            match notice(&changed, &has_lock) {
                Told::Line(line) => line,
                Told::Other | Told::Nothing => String::new(),
            }
        };
        assert_eq!(notice(&Notice::OnLockEnable { enabled: false }, &has_lock), Told::Nothing);
        assert_eq!(stands(LockStatus::NotInitialized, None) + &stands(LockStatus::Disabled, None), "");
        assert!(stands(LockStatus::Initialized, None).contains("--key-file"));
        let busy = stands(LockStatus::Initialized, Some(Outcome(Code::MSGR_E_SERVER_TOO_BUSY)));
        assert!(busy.starts_with("locked (MSGR_E_SERVER_TOO_BUSY). ") && busy.ends_with(" Again in 2 s."), "{busy}");
        let failed = stands(LockStatus::UnlockFailed, Some(Outcome(Code::MSGR_E_API_UNLOCK_FAILED)));
        assert!(failed.starts_with("locked until the next sign-in (MSGR_E_API_UNLOCK_FAILED)"), "{failed}");
        assert_eq!(stands(LockStatus::Unlocked, None), "unlocked");
        assert_eq!(stands(LockStatus::Disabled, None), "the service's lock is off");
        let asked = Notice::OnLockChallenge { cookie: 0, challenge: "of-theirs".to_owned() };
        assert_eq!(notice(&asked, &has_lock), Told::Line("the service asks for the key again".to_owned()));
    }
}
