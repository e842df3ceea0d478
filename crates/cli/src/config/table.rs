//! The one table of all settings. From it come the reader of the file, the reader of the environment,
//! the flags with their help, `hither config print`, and the table in `docs/operating.md`.

use hither_service::{MachineConfig, ServiceConfig};

use super::value::{Kind, Value};

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The section of the file.
    pub section: &'static str,
    /// The name in its section.
    pub key: &'static str,
    /// The flag, "" if there is none.
    pub flag: &'static str,
    /// What is asked of it.
    pub kind: Kind,
    /// What it is if nobody sets it.
    pub default: Preset,
    /// Whether a service that runs can take another one.
    pub live: bool,
    /// What it does, in a sentence without a full stop.
    pub help: &'static str,
}

/// What a setting is if nobody sets it.
#[derive(Clone, Copy, Debug)]
pub enum Preset {
    /// Not set; an example of how it could be.
    Unset(&'static str),
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(u64),
    /// A text.
    Text(&'static str),
    /// A list.
    List(&'static [&'static str]),
    /// As the service itself has it.
    Service(fn(&ServiceConfig) -> u64),
    /// The same, of what its machine decides.
    Machine(fn(&MachineConfig) -> u64),
}

use Preset::{Bool, List, Machine, Number, Service, Text, Unset};

/// A section with a heading for people.
pub const SECTIONS: &[(&str, &str)] = &[
    ("service", "Service"),
    ("tls", "TLS"),
    ("times", "Times, in seconds"),
    ("limits", "Limits"),
    ("lock", "Lock and Key"),
    ("admin", "The operator's HTTP API"),
    ("accounts", "Accounts"),
    ("audit", "Audit"),
];

/// The name of the list of issuers of tokens: `[[issuer]]`.
pub const ISSUER_LIST: &str = "issuer";

/// At most a year, so that no sum of times overflows.
const SECONDS: Kind = Kind::Number(1, 31_536_000, "seconds");
/// Something, but no more than any machine could hold.
const COUNT: Kind = Kind::Number(1, 1_000_000_000, "");
const BYTES: Kind = Kind::Number(1, 1_000_000_000, "bytes");

const fn of(section: &'static str, key: &'static str, flag: &'static str, kind: Kind, default: Preset) -> Setting {
    Setting { section, key, flag, kind, default, live: true, help: "" }
}

impl Setting {
    const fn says(self, help: &'static str) -> Setting {
        Setting { help, ..self }
    }

    /// A service keeps what it was started with.
    const fn at_start(self) -> Setting {
        Setting { live: false, ..self }
    }

    /// `section.key`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The variable: `HITHER_SECTION_KEY`.
    pub fn variable(&self) -> String {
        format!("HITHER_{}_{}", self.section, self.key).to_ascii_uppercase()
    }

    /// What it is if nobody sets it.
    pub fn default(&self) -> Option<Value> {
        Some(match self.default {
            Unset(_) => return None,
            Bool(bool) => Value::Bool(bool),
            Number(number) => Value::Number(number),
            Text(text) => Value::Text(text.to_owned()),
            List(list) => Value::List(list.iter().map(|text| (*text).to_owned()).collect()),
            Service(read) => Value::Number(read(&service())),
            Machine(read) => Value::Number(read(&MachineConfig::default())),
        })
    }

    /// How it could be, where it is not set: a line for a file to start from.
    pub fn example(&self) -> String {
        match (self.default, self.default()) {
            (Unset(example), _) => Value::Text(example.to_owned()).to_string(),
            (_, Some(value)) => value.to_string(),
            (_, None) => String::new(),
        }
    }
}

fn service() -> ServiceConfig {
    ServiceConfig::new(([127, 0, 0, 1], 0).into(), std::path::PathBuf::new())
}

/// Every setting but those of issuers.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    of("service", "listen", "listen", Kind::Address, Text("127.0.0.1:4000")).at_start()
        .says("Where to listen; port 0 takes a free one"),
    of("service", "data", "data", Kind::Folder, Unset("/var/lib/hither")).at_start()
        .says("The folder of the store; made if it is not there"),
    of("service", "operations", "operations", Kind::Address, Unset("127.0.0.1:9090")).at_start()
        .says("Where operators' tools ask for /livez, /readyz and /metrics; nowhere without it"),
    of("service", "proxies", "proxy", Kind::Networks, List(&[]))
        .says("Proxies in front that speak TLS, by address or network: whom they connect for stands in X-Forwarded-For"),
    of("service", "drain", "drain", Kind::Number(0, 3_600, "seconds"), Number(0))
        .says("How long /readyz says 503 at a stop before connections are closed"),
    of("service", "origins", "origin", Kind::Origins, List(&[]))
        .says("Web pages that may connect, by their origin, for instance https://play.example.org; * is any"),
    of("service", "invitations", "invitations", Kind::OneOf(&["contacts", "anyone"]), Text("contacts"))
        .says("From whom people take invitations who have not chosen themselves"),
    of("service", "log", "log", Kind::Filter, Text("info"))
        .says("What to log, for instance warn or hither_service=debug"),

    of("tls", "certificate", "tls-certificate", Kind::File, Unset("/etc/hither/tls/fullchain.pem"))
        .says("The chain of certificates in PEM, the service's own first; read again when it changes"),
    of("tls", "key", "tls-key", Kind::File, Unset("/etc/hither/tls/privkey.pem"))
        .says("The certificate's private key in PEM, which others on the machine cannot read"),

    of("times", "ring", "ring", SECONDS, Machine(|c| c.ring_ms / 1000))
        .says("How long an invitation rings"),
    of("times", "connect", "connect", SECONDS, Machine(|c| c.connect_ms / 1000))
        .says("How long an accepted session may take to be connected"),
    of("times", "longest", "longest", SECONDS, Machine(|c| c.longest_ms / 1000))
        .says("How long a connected session may last"),
    of("times", "install", "install", SECONDS, Machine(|c| c.install_ms / 1000))
        .says("How long an invitation waits for its application to be installed"),
    of("times", "grace", "grace", SECONDS, Machine(|c| c.grace_ms / 1000))
        .says("How long a device that lost its connection is waited for"),
    of("times", "sign_in", "sign-in", SECONDS, Machine(|c| c.sign_in_ms / 1000))
        .says("How long a connection may take to sign in, and a TLS handshake at most"),
    of("times", "keepalive", "keepalive", SECONDS, Machine(|c| c.keepalive_ms / 1000))
        .says("Silence after which a client is pinged"),

    of("limits", "connections", "connections", COUNT, Service(|c| c.connections as u64))
        .says("Connections altogether"),
    of("limits", "connections_per_address", "connections-per-address", COUNT, Service(|c| c.connections_per_address as u64))
        .says("Connections from one address"),
    of("limits", "frame_bytes", "frame-bytes", Kind::Number(16_384, 16_777_215, "bytes"), Machine(|c| c.frame_bytes))
        .says("Bytes of a frame from a client; the least is what the protocol needs"),
    of("limits", "unread", "unread", SECONDS, Service(|c| c.unread_ms / 1000))
        .says("Seconds that a client may leave unread what it is sent"),
    of("limits", "token_days", "token-days", Kind::Number(1, 36_500, "days"), Service(|c| u64::from(c.token_days)))
        .says("Days after which a session token that has not been used stops working"),
    of("limits", "tokens_per_account", "tokens-per-account", Kind::Number(1, 10_000, "tokens"), Service(|c| u64::from(c.tokens_per_account)))
        .says("Session tokens of one account; the one unused for longest makes room"),
    of("limits", "unsent_bytes", "unsent-bytes", BYTES, Service(|c| c.unsent_bytes as u64))
        .says("Bytes that wait to be sent on one connection"),
    of("limits", "events_pending", "events-pending", COUNT, Machine(|c| c.events_pending as u64))
        .says("Events of a device that wait to be acknowledged"),
    of("limits", "devices_per_person", "devices-per-person", COUNT, Machine(|c| c.devices_per_person as u64))
        .says("Devices of a person that are signed in at a time"),
    of("limits", "sessions_per_person", "sessions-per-person", COUNT, Machine(|c| c.sessions_per_person as u64))
        .says("Sessions that a person is in at a time"),
    of("limits", "ringing_per_pair", "ringing-per-pair", COUNT, Machine(|c| c.ringing_per_pair as u64))
        .says("Invitations of one person to another that ring at a time"),
    of("limits", "invitations_per_minute", "invitations-per-minute", Kind::Number(60, 4_294_967_295, "invitations"), Machine(|c| u64::from(c.invitations_per_minute)))
        .says("Invitations of one person to another in a minute, at least 60"),
    of("limits", "failures_per_address", "failures-per-address", COUNT, Service(|c| c.failures_per_address.burst))
        .says("Wrong passwords from one address in quick succession"),
    of("limits", "failures_per_name", "failures-per-name", COUNT, Service(|c| c.failures_per_name.burst))
        .says("Wrong passwords for one name in quick succession"),

    of("lock", "enabled", "lock-enabled", Kind::Bool, Bool(false))
        .says("Whether applications have to unlock the API with an id and a key"),
    of("lock", "environment", "lock-environment", Kind::OneOf(&["production", "test"]), Text("production"))
        .says("Keys of this environment unlock, those of the other do not"),
    of("lock", "key_file", "lock-key-file", Kind::File, Unset("/etc/hither/lock.key"))
        .says("The file with which keys are sealed in the store, 32 random bytes in base64; hither.key in the data folder without it"),
    of("lock", "answer", "lock-answer", SECONDS, Number(30))
        .says("How long a challenge may be answered"),
    of("lock", "failures_per_address", "lock-failures-per-address", COUNT, Number(50))
        .says("Wrong responses from one address in quick succession"),
    of("lock", "failures_per_person", "lock-failures-per-person", COUNT, Number(10))
        .says("Wrong responses of one person in quick succession"),

    of("admin", "listen", "admin-listen", Kind::Address, Unset("127.0.0.1:4001")).at_start()
        .says("Where the operator's HTTP API listens; nowhere without it"),
    of("admin", "token_file", "admin-token-file", Kind::File, Unset("/etc/hither/admin.token"))
        .says("The file with the token that callers of the API send, 32 characters at least"),
    of("admin", "client_ca", "admin-client-ca", Kind::File, Unset("/etc/hither/tls/operators.pem"))
        .says("Authorities whose clients may call the API, in PEM; needs a certificate of the API's own"),
    of("admin", "certificate", "admin-certificate", Kind::File, Unset("/etc/hither/tls/fullchain.pem"))
        .says("The chain of certificates of the API, in PEM"),
    of("admin", "key", "admin-key", Kind::File, Unset("/etc/hither/tls/privkey.pem"))
        .says("The private key of the API's certificate, in PEM"),

    of("accounts", "registration", "accounts-registration", Kind::Bool, Bool(false))
        .says("Whether people may make an account themselves, with a code from the operator"),
    of("accounts", "passwords", "accounts-passwords", Kind::Bool, Bool(true))
        .says("Whether people may sign in with accounts and passwords of this service"),

    of("audit", "file", "audit-file", Kind::File, Unset("/var/log/hither/audit.jsonl")).at_start()
        .says("The file of audit events, apart from the log; - is standard error, audit.jsonl in the data folder without it"),
];

/// The settings of one issuer of tokens. They stand in the file only.
#[rustfmt::skip]
pub const ISSUER: &[Setting] = &[
    of(ISSUER_LIST, "name", "", Kind::Text, Unset("shop"))
        .says("What logs and audit events call it; each name once"),
    of(ISSUER_LIST, "issuer", "", Kind::Text, Unset("https://login.example.org"))
        .says("The claim iss of its tokens, character by character"),
    of(ISSUER_LIST, "audience", "", Kind::Text, Unset("hither"))
        .says("What has to be among the claim aud of its tokens"),
    of(ISSUER_LIST, "keys_file", "", Kind::File, Unset("/etc/hither/shop.jwks"))
        .says("Its public keys in a file, as a JWKS or in PEM; this or jwks_url"),
    of(ISSUER_LIST, "jwks_url", "", Kind::Url, Unset("https://login.example.org/jwks.json"))
        .says("Where its public keys are fetched, as a JWKS; this or keys_file"),
    of(ISSUER_LIST, "algorithms", "", Kind::SomeOf(&["EdDSA", "ES256", "RS256"]), List(&["EdDSA", "ES256", "RS256"]))
        .says("The algorithms with which it may sign"),
    of(ISSUER_LIST, "person_claim", "", Kind::Text, Text("sub"))
        .says("The claim with the person's name"),
    of(ISSUER_LIST, "name_claim", "", Kind::Text, Text("name"))
        .says("The claim with the name that others see"),
    of(ISSUER_LIST, "contacts_claim", "", Kind::Text, Unset("contacts"))
        .says("The claim with the person's contacts, a list; without it, contacts are kept here"),
    of(ISSUER_LIST, "domain", "", Kind::Domain, Unset("example.org"))
        .says("What is put behind the @ of a person's name that has none, and the only one that is taken"),
    of(ISSUER_LIST, "leeway", "", Kind::Number(0, 3_600, "seconds"), Number(60))
        .says("By how much clocks may differ"),
];

/// Where a setting stands in the table.
pub fn position(section: &str, key: &str) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.section == section && setting.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_setting_is_whole_and_there_once() {
        let mut seen = BTreeSet::new();
        for setting in SETTINGS.iter().chain(ISSUER) {
            assert!(seen.insert(setting.name()) && seen.insert(setting.variable()), "{} twice", setting.name());
            assert!(setting.flag.is_empty() || seen.insert(format!("--{}", setting.flag)), "--{} twice", setting.flag);
            assert!(!setting.help.is_empty() && !setting.help.ends_with('.'), "{}", setting.name());
            assert!(!setting.help.contains('|'), "it stands in a table: {}", setting.name());
            if let Some(value) = setting.default() {
                assert_eq!(setting.kind.read_words(&value.words()), Ok(value), "{}", setting.name());
            }
        }
        for setting in SETTINGS {
            assert!(SECTIONS.iter().any(|(section, _)| *section == setting.section), "{}", setting.name());
            assert!(!setting.flag.is_empty(), "{} has no flag", setting.name());
        }
    }

    #[test]
    fn examples_are_right() {
        for setting in SETTINGS.iter().chain(ISSUER) {
            if let Unset(example) = setting.default {
                assert!(setting.kind.read_words(example).is_ok(), "{}: {example}", setting.name());
            }
        }
    }
}
