//! What the settings mean, each section in a structure of its own.

use std::net::SocketAddr;

use hither::InvitationsFrom;
use hither_service::keys::Environment;
use hither_service::{
    AdminConfig, Allowance, AuditTo, Issuer, KeysFrom, LockConfig, ServiceConfig, Signature, TlsFiles,
};

use super::layers::{Effective, Values};

/// Everything that a service is started with.
#[derive(Clone, Debug)]
pub struct Configured {
    /// What the service itself takes.
    pub service: ServiceConfig,
    /// What is logged.
    pub log: String,
    /// How long `/readyz` says 503 before a stop, in milliseconds.
    pub drain_ms: u64,
}

impl Configured {
    /// What the settings mean. They were read and found right; what is not set has no place here
    /// (`data` is checked before).
    pub fn of(settings: &Effective) -> Configured {
        Configured {
            service: service(settings),
            log: settings.text("service", "log").unwrap_or_default(),
            drain_ms: settings.number("service", "drain") * 1_000,
        }
    }
}

/// Kinds are judged when a value is read: what is an address there is one here.
fn address(settings: &Effective, section: &str, key: &str) -> Option<SocketAddr> {
    settings.text(section, key)?.parse().ok()
}

fn service(settings: &Effective) -> ServiceConfig {
    let listen = address(settings, "service", "listen").unwrap_or_else(|| ([127, 0, 0, 1], 4000).into());
    let mut config = ServiceConfig::new(listen, settings.path("service", "data").unwrap_or_default());
    config.operations = address(settings, "service", "operations");
    config.origins = settings.list("service", "origins");
    config.proxies = settings.list("service", "proxies").iter().filter_map(|text| text.parse().ok()).collect();
    config.tls = tls(settings, "tls");
    config.machine.invitations = match settings.text("service", "invitations").as_deref() {
        Some("anyone") => InvitationsFrom::Anyone,
        _ => InvitationsFrom::Contacts,
    };
    config.issuers = settings.issuers.iter().filter_map(issuer).collect();
    config.lock = settings.is("lock", "enabled").then(|| lock(settings));
    config.admin = admin(settings);
    config.registration = settings.is("accounts", "registration");
    config.passwords = settings.is("accounts", "passwords");
    config.audit = settings.path("audit", "file").map(|file| match file.to_str() {
        Some("-") => AuditTo::Stderr,
        _ => AuditTo::File(file),
    });
    times(settings, &mut config);
    limits(settings, &mut config);
    config
}

fn tls(settings: &Effective, section: &str) -> Option<TlsFiles> {
    let (certificate, key) = (settings.path(section, "certificate")?, settings.path(section, "key")?);
    Some(TlsFiles { certificate, key })
}

fn times(settings: &Effective, config: &mut ServiceConfig) {
    let ms = |key| settings.number("times", key) * 1_000;
    let machine = &mut config.machine;
    machine.ring_ms = ms("ring");
    machine.connect_ms = ms("connect");
    machine.longest_ms = ms("longest");
    machine.install_ms = ms("install");
    machine.grace_ms = ms("grace");
    machine.sign_in_ms = ms("sign_in");
    machine.keepalive_ms = ms("keepalive");
}

fn limits(settings: &Effective, config: &mut ServiceConfig) {
    let number = |key| settings.number("limits", key);
    // The table has bounded every number far below what these can hold.
    let size = |key| usize::try_from(number(key)).unwrap_or(usize::MAX);
    let small = |key| u32::try_from(number(key)).unwrap_or(u32::MAX);
    config.connections = size("connections");
    config.connections_per_address = size("connections_per_address");
    config.unread_ms = number("unread") * 1_000;
    config.token_days = small("token_days");
    config.tokens_per_account = small("tokens_per_account");
    config.unsent_bytes = size("unsent_bytes");
    config.failures_per_address.burst = number("failures_per_address");
    config.failures_per_name.burst = number("failures_per_name");
    let machine = &mut config.machine;
    machine.frame_bytes = number("frame_bytes");
    machine.events_pending = size("events_pending");
    machine.devices_per_person = size("devices_per_person");
    machine.sessions_per_person = size("sessions_per_person");
    machine.ringing_per_pair = size("ringing_per_pair");
    machine.invitations_per_minute = small("invitations_per_minute");
}

fn lock(settings: &Effective) -> LockConfig {
    LockConfig {
        environment: match settings.text("lock", "environment").as_deref() {
            Some("test") => Environment::Test,
            _ => Environment::Production,
        },
        key_file: settings.path("lock", "key_file"),
        answer_ms: settings.number("lock", "answer") * 1_000,
        failures_per_address: Allowance { burst: settings.number("lock", "failures_per_address"), each_ms: 1_000 },
        failures_per_person: Allowance { burst: settings.number("lock", "failures_per_person"), each_ms: 6_000 },
    }
}

/// `None` if something that has to be there is not; that was found before.
fn issuer(values: &Values) -> Option<Issuer> {
    let keys = match (values.text("keys_file"), values.text("jwks_url")) {
        (Some(file), _) => KeysFrom::File(file.into()),
        (None, Some(url)) => KeysFrom::Url(url),
        (None, None) => return None,
    };
    Some(Issuer {
        name: values.text("name")?,
        iss: values.text("issuer")?,
        audience: values.text("audience")?,
        keys,
        algorithms: values.list("algorithms").iter().filter_map(|name| Signature::parse(name)).collect(),
        person_claim: values.text("person_claim")?,
        name_claim: values.text("name_claim")?,
        contacts_claim: values.text("contacts_claim"),
        domain: values.text("domain"),
        leeway: values.number("leeway"),
    })
}

fn admin(settings: &Effective) -> Option<AdminConfig> {
    Some(AdminConfig {
        listen: address(settings, "admin", "listen")?,
        token_file: settings.path("admin", "token_file"),
        client_ca: settings.path("admin", "client_ca"),
        tls: tls(settings, "admin"),
    })
}
