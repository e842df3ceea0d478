//! What can be asked of the console, however it was written, and what it answers.

use hither::{Code, Contact, ContactAction, SessionId, SettingsChange, Status};
use serde::{Serialize, Serializer};

/// A request to the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new session, in READY.
    Create,
    /// `IMsgrSession::Application`.
    Application { session: SessionId, guid: String, name: String, url: String },
    /// `IMsgrSession::LocalAddress`; `None` discloses none.
    Address { session: SessionId, address: Option<String> },
    /// `IMsgrSession::Invite`.
    Invite { session: SessionId, to: String, data: String },
    /// `IMsgrSession::Accept`.
    Accept { session: SessionId, data: String },
    /// `IMsgrSession::Decline`.
    Decline { session: SessionId, data: String },
    /// Lets it ring out (R23).
    Ignore { session: SessionId },
    /// `IMsgrSession::Cancel`.
    Cancel { session: SessionId, hr: Code, data: String },
    /// The application is there (R7).
    Attach { session: SessionId },
    /// `IMsgrSession::SendContextData`.
    Context { session: SessionId, data: String },
    /// Everything that is known of a session.
    Get { session: SessionId },
    /// One's own presence.
    Status { status: Status },
    /// A change of the contact list.
    Contact { action: ContactAction, who: String },
    /// The contact list.
    Contacts,
    /// Reads or changes one's settings.
    Settings(SettingsChange),
    /// Signs out and ends the console.
    Quit,
}

/// Why a request was not carried out: a code of the reference and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub message: String,
}

impl Refusal {
    /// A request that is missing something or is malformed.
    pub fn invalid(message: impl Into<String>) -> Refusal {
        Refusal { code: Code::E_INVALIDARG, message: message.into() }
    }
}

impl From<hither::Error> for Refusal {
    fn from(error: hither::Error) -> Refusal {
        Refusal { code: error.code(), message: error.to_string() }
    }
}

/// What a request that succeeded gives.
#[derive(Debug, Serialize)]
pub struct Success {
    #[serde(flatten)]
    pub outcome: Outcome,
    #[serde(flatten)]
    pub body: Body,
}

impl Success {
    /// Done, with nothing to tell.
    pub const DONE: Success = Success { outcome: Outcome(Code::S_OK), body: Body::Nothing {} };

    /// Done, with something to tell.
    pub fn with(body: Body) -> Success {
        Success { outcome: Outcome(Code::S_OK), body }
    }

    /// Done with a success code other than `S_OK`.
    pub fn code(code: Code) -> Success {
        Success { outcome: Outcome(code), body: Body::Nothing {} }
    }
}

/// The answer to a request.
pub type Answer = Result<Success, Refusal>;

/// What an answer carries beside the outcome.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Body {
    Nothing {},
    Created { session: SessionId },
    Session(Box<SessionView>),
    Contact { contact: Option<Contact> },
    Contacts { contacts: Vec<Contact> },
    Settings { settings: hither::Settings },
}

/// The answer to `get`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SessionView {
    pub session: SessionId,
    pub state: &'static str,
    pub flags: u32,
    pub guid: Option<String>,
    pub name: Option<String>,
    pub url: Option<String>,
    pub user: Option<String>,
    pub local: Option<String>,
    pub remote: Option<String>,
    pub context: Option<String>,
}

/// A code as `hresult` and `result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome(pub Code);

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Fields {
            hresult: String,
            result: String,
        }
        Fields { hresult: hex(self.0), result: self.0.to_string() }.serialize(serializer)
    }
}

/// A code as the reference prints it, for instance `0x81000611`.
pub fn hex(code: Code) -> String {
    format!("0x{:08x}", code.0)
}

/// Reads a code: an integer, signed or not, or a hex string with `0x`.
pub fn parse_code(text: &str) -> Result<Code, Refusal> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hex {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => u32::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok().and_then(code_bits),
    };
    number.map(Code).ok_or_else(|| Refusal::invalid("`hr` is an integer of 32 bits or a hex string such as 0x80004005"))
}

/// The 32 bits of a code that was written as an integer, signed or not.
pub fn code_bits(number: i64) -> Option<u32> {
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_in_every_form() {
        for (text, bits) in [
            ("0", 0),
            ("-2147467259", 0x8000_4005),
            ("2147500037", 0x8000_4005),
            ("0x80004005", 0x8000_4005),
            ("0XffffFFFF", 0xffff_ffff),
            ("-1", 0xffff_ffff),
            ("-2147483648", 0x8000_0000),
            ("0x0", 0),
        ] {
            assert_eq!(parse_code(text), Ok(Code(bits)), "{text}");
        }
        for text in ["", "0x", "0x-1", "0x+1", "0x100000000", "4294967296", "-2147483649", "1.0", "80004005x", "E_FAIL"]
        {
            assert_eq!(parse_code(text).unwrap_err().code, Code::E_INVALIDARG, "{text}");
        }
    }
}
