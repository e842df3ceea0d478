//! Everything that an operator can set, with its default.

mod admin;
mod live;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::audit::AuditTo;
use hither_proto::rate::Allowance;
use hither_proto::service::Config;

use crate::issuers::Issuer;
use crate::keys::LockConfig;
use crate::proxy::Network;
pub use admin::AdminConfig;
pub use live::Live;
pub use tls::TlsFiles;

/// The service's settings.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where operators' tools ask how the service is; nowhere if there is none.
    pub operations: Option<SocketAddr>,
    /// The certificate and the key with which clients are served over TLS; without them they are
    /// served in plain text.
    pub tls: Option<TlsFiles>,
    /// Where the store is.
    pub data: PathBuf,
    /// What the service machine decides by.
    pub machine: Config,
    /// The origins of web pages that may connect; `*` stands for any. Programs that send no
    /// `Origin` are not concerned.
    pub origins: Vec<String>,
    /// Proxies that are believed when they say for whom they connect. Whoever comes from elsewhere is
    /// who connects.
    pub proxies: Vec<Network>,
    /// Connections altogether: HTTP 503 beyond.
    pub connections: usize,
    /// Connections from one address: HTTP 503 beyond.
    pub connections_per_address: usize,
    /// Bytes that wait to be sent on one connection; beyond, it is closed with 4004.
    pub unsent_bytes: usize,
    /// How long a client may leave unread what it is sent, in milliseconds; then it is closed with
    /// 4004.
    pub unread_ms: u64,
    /// How hard a password is to try out.
    pub password_cost: PasswordCost,
    /// Whose tokens are believed.
    pub issuers: Vec<Issuer>,
    /// Whether people of the service's own accounts may sign in.
    pub passwords: bool,
    /// Whether somebody with a code may make an account.
    pub registration: bool,
    /// Where the audit is written; into the data directory if nothing is said.
    pub audit: Option<AuditTo>,
    /// Wrong passwords from one address: `MSGR_E_SERVER_TOO_BUSY` beyond.
    pub failures_per_address: Allowance,
    /// Wrong passwords for one name: `MSGR_E_SERVER_TOO_BUSY` beyond; tokens are not concerned.
    pub failures_per_name: Allowance,
    /// A token that has not been used for so many days stops working.
    pub token_days: u32,
    /// Tokens of one account, at least 1; beyond, the one unused for longest stops working.
    pub tokens_per_account: u32,
    /// Lock and Key (section 2.3 of the reference); off if there is none. It decides over what the
    /// machine's own settings say of the lock.
    pub lock: Option<LockConfig>,
    /// The operator's HTTP API; off if there is none.
    pub admin: Option<AdminConfig>,
}

/// Parameters of Argon2id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl PasswordCost {
    /// What OWASP recommends for one lane: 19 MiB, two passes.
    pub const RECOMMENDED: PasswordCost = PasswordCost { memory_kib: 19 * 1024, passes: 2 };
    /// As little as there is: for tests and demonstrations on one machine, never for people.
    pub const FOR_TESTS: PasswordCost = PasswordCost { memory_kib: 8, passes: 1 };
}

impl ServiceConfig {
    /// The defaults, with what has none.
    pub fn new(listen: SocketAddr, data: PathBuf) -> ServiceConfig {
        ServiceConfig {
            listen,
            operations: None,
            tls: None,
            data,
            machine: Config::default(),
            origins: Vec::new(),
            proxies: Vec::new(),
            connections: 20_000,
            connections_per_address: 12_000,
            unsent_bytes: 2 * 1024 * 1024,
            unread_ms: 10_000,
            password_cost: PasswordCost::RECOMMENDED,
            issuers: Vec::new(),
            passwords: true,
            registration: false,
            audit: None,
            failures_per_address: Allowance { burst: 50, each_ms: 1_000 },
            failures_per_name: Allowance { burst: 10, each_ms: 6_000 },
            token_days: 90,
            tokens_per_account: 32,
            lock: None,
            admin: None,
        }
    }
}
