//! Refusals: what the client is told, and what the audit is told besides.

use hither_proto::service::Denied;
use hither_wire::Code;

/// What somebody should wait who is refused because too many wait, in milliseconds.
pub const RETRY_MS: u64 = 2_000;

/// A refusal with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the client is told.
    pub denied: Denied,
    /// What it is not told.
    pub why: Why,
}

/// Why somebody is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// There are too many: counted, not told.
    TooMany,
    /// For this reason.
    Reason(&'static str),
}

impl Refused {
    /// Nothing is said about what was wrong.
    pub fn wrong(why: &'static str) -> Refused {
        Refused { denied: Denied::new(Code::MSGR_E_INVALID_PASSWORD), why: Why::Reason(why) }
    }

    /// Come back later.
    pub fn too_busy(retry_after_ms: u64) -> Refused {
        let denied = Denied { retry_after_ms: Some(retry_after_ms), ..Denied::new(Code::MSGR_E_SERVER_TOO_BUSY) };
        Refused { denied, why: Why::TooMany }
    }

    /// The service is at fault.
    pub fn failed(why: &'static str) -> Refused {
        let denied = Denied { retry_after_ms: Some(RETRY_MS), ..Denied::new(Code::E_FAIL) };
        Refused { denied, why: Why::Reason(why) }
    }

    /// The same, with another time to come back.
    pub fn after(self, retry_after_ms: u64) -> Refused {
        let denied = Denied { retry_after_ms: Some(retry_after_ms), ..self.denied };
        Refused { denied, ..self }
    }

    /// The service does not allow it to anybody.
    pub fn restricted(why: &'static str, message: &'static str) -> Refused {
        let denied = Denied { message: Some(message), ..Denied::new(Code::MSGR_E_POLICY_RESTRICTED) };
        Refused { denied, why: Why::Reason(why) }
    }

    /// What was asked for cannot be had.
    pub fn unfit(why: &'static str, message: &'static str) -> Refused {
        let denied = Denied { message: Some(message), ..Denied::new(Code::E_INVALIDARG) };
        Refused { denied, why: Why::Reason(why) }
    }
}
