//! The numbers of the wire as tables: codes, limits, settings, close codes.

use hither_proto::service::{Close, Config};
use hither_wire::code::TABLE;
use hither_wire::limits as max;

use super::table;

/// Every code: as it stands on the wire, as it is usually written, its name and its sentence.
pub fn codes() -> String {
    let row = |(code, name, advice): &(hither_wire::Code, &str, &str)| {
        [code.0.to_string(), format!("0x{:08x}", code.0), (*name).to_owned(), (*advice).to_owned()]
    };
    table(["integer", "hexadecimal", "name", "meaning"], TABLE.iter().map(row))
}

/// Every limit with its value and what happens beyond it.
pub fn limits() -> String {
    let rows = LIMITS.iter().map(|(name, value, of, beyond)| {
        [format!("`{name}`"), value.to_string(), (*of).to_owned(), (*beyond).to_owned()]
    });
    table(["limit", "value", "of what", "beyond it"], rows)
}

const INVALID: &str = "E_INVALIDARG";

/// The limits of `hither_wire::limits`. A test of that crate misses one that is not in the document.
const LIMITS: &[(&str, u64, &str, &str)] = &[
    ("CLIENT_FRAME_BYTES", max::CLIENT_FRAME_BYTES as u64, "bytes of a frame from a client", "close 1009"),
    ("SERVICE_FRAME_BYTES", max::SERVICE_FRAME_BYTES as u64, "bytes of a frame from the service", "never sent"),
    ("INTEGER", max::INTEGER, "largest integer, 2⁵³ − 1", INVALID),
    ("REQUESTS_IN_FLIGHT", max::REQUESTS_IN_FLIGHT as u64, "requests of a connection without an answer", "close 4005"),
    (
        "ANSWERS_KEPT",
        max::ANSWERS_KEPT as u64,
        "last keyed answers that are kept for each device",
        "the oldest is forgotten",
    ),
    ("ACK_AFTER_EVENTS", max::ACK_AFTER_EVENTS, "events that a client holds without acknowledging", "acknowledge"),
    ("KEY_BYTES", max::KEY_BYTES as u64, "bytes of `key`", INVALID),
    ("OBJECT_BYTES", max::OBJECT_BYTES as u64, "bytes of `object`", INVALID),
    ("VERSIONS", max::VERSIONS as u64, "entries of `versions`", INVALID),
    ("CAPABILITIES", max::CAPABILITIES as u64, "entries of `capabilities`", INVALID),
    ("CAPABILITY_BYTES", max::CAPABILITY_BYTES as u64, "bytes of a capability", INVALID),
    ("CLIENT_NAME_BYTES", max::CLIENT_NAME_BYTES as u64, "bytes of `client`", INVALID),
    ("SIGNIN_NAME_UNITS", max::SIGNIN_NAME_UNITS as u64, "units of a sign-in name", INVALID),
    ("FRIENDLY_NAME_UNITS", max::FRIENDLY_NAME_UNITS as u64, "units of a friendly name", INVALID),
    ("PASSWORD_BYTES", max::PASSWORD_BYTES as u64, "bytes of `password`", INVALID),
    ("TOKEN_BYTES", max::TOKEN_BYTES as u64, "bytes of `token`", INVALID),
    ("APP_ID_BYTES", max::APP_ID_BYTES as u64, "bytes of `app_id`", INVALID),
    ("NEW_PASSWORD_BYTES", max::NEW_PASSWORD_BYTES as u64, "bytes of a new password at least", INVALID),
    ("CODE_BYTES", max::CODE_BYTES as u64, "bytes of `registration`", INVALID),
    ("DEVICES", max::DEVICES as u64, "devices in `devices`", "the rest is left out"),
    ("CHALLENGE_BYTES", max::CHALLENGE_BYTES as u64, "bytes of `challenge`", "never sent"),
    ("RESPONSE_BYTES", max::RESPONSE_BYTES as u64, "bytes of `response`", INVALID),
    ("DEVICE_KEY_BYTES", max::DEVICE_KEY_BYTES as u64, "bytes of `device_key`", INVALID),
    ("GUID_CHARS", max::GUID_CHARS as u64, "units of a GUID's text; a right one has 38", INVALID),
    ("APP_NAME_UNITS", max::APP_NAME_UNITS as u64, "units of `app.name`", INVALID),
    ("APP_URL_UNITS", max::APP_URL_UNITS as u64, "units of `app.url`", INVALID),
    ("APP_DATA_UNITS", max::APP_DATA_UNITS as u64, "units of app data: 512 bytes of UTF-16", INVALID),
    ("CONTEXT_UNITS", max::CONTEXT_UNITS as u64, "units of context data", "SR_CONTEXT_DATA_OVER_LIMIT"),
    (
        "CONTEXT_COUNT",
        max::CONTEXT_COUNT as u64,
        "context data from each party of a session",
        "SR_CONTEXT_DATA_OVER_LIMIT",
    ),
    ("SEALED_BYTES", max::SEALED_BYTES as u64, "bytes of `sealed`; reserved", INVALID),
    ("MATERIAL_BYTES", max::MATERIAL_BYTES as u64, "bytes of `material`", INVALID),
    ("ADDRESS_CHARS", max::ADDRESS_CHARS as u64, "units of an `address` that is no IPv6 literal", "E_OUTOFMEMORY"),
    ("CONTACTS", max::CONTACTS as u64, "contacts of a person, and as many blocked", "MSGR_E_LIST_FULL"),
    (
        "ENDED_SESSIONS_READABLE",
        max::ENDED_SESSIONS_READABLE as u64,
        "ended sessions that a client can still read",
        "the oldest is forgotten",
    ),
];

/// The service's settings, with their defaults and what a client notices of them.
pub fn settings() -> String {
    let config = Config::default();
    let row = |(name, value, what, then): (&str, String, &str, &str)| {
        [format!("`{name}`"), value, what.to_owned(), then.to_owned()]
    };
    let rows = times(&config).into_iter().chain(counts(&config)).map(row);
    table(["setting", "default", "what", "then"], rows)
}

type Setting = (&'static str, String, &'static str, &'static str);

fn times(config: &Config) -> Vec<Setting> {
    let s = |ms: u64| format!("{} s", ms / 1000);
    let sessions_end = "its sessions end with SR_CONNECTION_FAILURE";
    vec![
        ("ring_ms", s(config.ring_ms), "an invitation rings", "`ended` with SR_SESSION_TIMEOUT"),
        (
            "connect_ms",
            s(config.connect_ms),
            "an accepted session waits for both applications",
            "`ended` with SR_APPLICATION_LAUNCH_FAILED",
        ),
        ("longest_ms", s(config.longest_ms), "a connected session lasts", "`ended` with SR_SESSION_TIMEOUT"),
        (
            "install_ms",
            s(config.install_ms),
            "an invitation waits for an application to be installed",
            "`ended` with SR_APP_NOT_REGISTERED",
        ),
        ("grace_ms", s(config.grace_ms), "a device that lost its connection is waited for", sessions_end),
        (
            "answer_ms",
            s(config.answer_ms),
            "a challenge waits for its response",
            "`lock-status` with MSGR_E_API_UNLOCK_FAILED",
        ),
        ("failure_ms", s(config.failure_ms), "a wrong response is kept from the one who gave it", "`lock-result`"),
        ("sign_in_ms", s(config.sign_in_ms), "a connection takes to sign in", "close 4002"),
        (
            "keepalive_ms",
            s(config.keepalive_ms),
            "silence before the service sends a ping",
            "see [Keep-alive](#keep-alive)",
        ),
    ]
}

fn counts(config: &Config) -> Vec<Setting> {
    let to_invite = "MSGR_E_TOO_MANY_SESSIONS to `invite`";
    vec![
        ("frame_bytes", config.frame_bytes.to_string(), "bytes of a frame from a client", "close 1009"),
        (
            "events_pending",
            config.events_pending.to_string(),
            "unacknowledged events of a device",
            "E_OUTOFMEMORY to `context`, MSGR_E_TOO_MANY_SESSIONS to `invite`",
        ),
        (
            "devices_per_person",
            config.devices_per_person.to_string(),
            "devices of a person at a time",
            "MSGR_E_TOO_MANY_SESSIONS to `sign-in`",
        ),
        ("sessions_per_person", config.sessions_per_person.to_string(), "sessions of a person at a time", to_invite),
        (
            "ringing_per_pair",
            config.ringing_per_pair.to_string(),
            "invitations from one person to another that ring at a time",
            to_invite,
        ),
        (
            "invitations_per_minute",
            config.invitations_per_minute.to_string(),
            "invitations from one person to another in a minute, and ten times as many to all together",
            "MSGR_E_TOO_MANY_SESSIONS to `invite`, with `retry_after_ms`",
        ),
        (
            "objects_per_device",
            config.objects_per_device.to_string(),
            "applications behind a device that have locks of their own",
            "E_OUTOFMEMORY to `challenge`",
        ),
        ("lock", if config.lock { "on" } else { "off" }.to_owned(), "Lock and Key", "MSGR_E_API_LOCKED to `invite`"),
        (
            "invitations",
            format!("{:?}", config.invitations).to_lowercase(),
            "from whom people take invitations who have not chosen",
            "MSGR_E_RESTRICTED_USER to `invite`",
        ),
    ]
}

/// Every close code, and what a client does about it.
pub fn close_codes() -> String {
    let row = |close: Close| [close.number().to_string(), close.reason().to_owned(), what_to_do(close).to_owned()];
    table(["code", "text", "what a client does"], Close::ALL.map(row))
}

fn what_to_do(close: Close) -> &'static str {
    match close {
        Close::Normal => "nothing: it signed out",
        Close::GoingAway => "reconnect with [backoff](#reconnecting)",
        Close::Binary | Close::TooLong | Close::Malformed | Close::Hello => {
            "do not repeat it: the client has an error, or is too old"
        }
        Close::SignInTimeout => "reconnect, and send `sign-in` right after `hello`",
        Close::Replaced => "do not reconnect by itself: another process uses the same device id",
        Close::TooSlow => "reconnect and resume; read while writing",
        Close::TooManyRequests => "reconnect and resume; wait for answers",
        Close::Silent => "reconnect and resume",
        Close::Expired => "reconnect and resume with a new token",
        Close::SignedOut => "do not reconnect by itself: its token does not work any more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_as_integers_and_in_hexadecimal() {
        assert!(codes().contains("| 2164262417 | 0x81000611 | SR_CONTEXT_DATA_OVER_LIMIT |"));
        assert_eq!(codes().lines().count(), TABLE.len() + 2);
        assert!(close_codes().contains("| 4003 |"));
        assert!(limits().contains("| `CONTEXT_UNITS` | 300 |"));
        assert!(settings().contains("| `ring_ms` | 60 s |"));
    }

    #[test]
    fn no_setting_is_missing() {
        let all = format!("{:?}", Config::default());
        let names = all.split([' ', '{']).filter_map(|word| word.strip_suffix(':'));
        for name in names {
            assert!(settings().contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
