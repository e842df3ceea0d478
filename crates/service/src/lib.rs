//! The hither service: sockets, passwords and a store around `hither_proto::service`.
//!
//! What is decided about people and sessions is decided in the machine; here frames are carried to
//! it and from it. One task, the [`driver`](self), owns the machine; each connection has a task of
//! its own; passwords and the store have threads of their own and answer into the driver's inbox.
//! Every queue between them is bounded, and the driver never waits for any of them.

mod admin;
mod alarm;
pub mod audit;
mod auth;
mod config;
mod connection;
mod door;
mod driver;
mod gate;
mod handle;
mod http;
mod issuers;
pub mod keys;
mod lock;
mod looks;
mod metrics;
mod notices;
mod operations;
mod outbox;
mod password;
mod proxy;
mod server;
mod store;
mod tls;
mod upgrade;
mod writer;

pub use admin::{AdminError, AuthoritiesError, TokenError, describe as describe_admin};
pub use audit::{AuditEvent, AuditTo};
pub use config::{AdminConfig, PasswordCost, ServiceConfig, TlsFiles};
pub use handle::{Handle, ReloadError};
pub use hither_proto::rate::Allowance;
pub use hither_proto::service::Config as MachineConfig;
pub use hither_proto::service::Whom;
pub use issuers::{Issuer, KeysFrom, Signature, check_url, inspect_keys};
pub use keys::LockConfig;
pub use lock::LockControl;
pub use password::{PasswordError, hash as hash_password};
pub use proxy::{Network, NetworkError};
pub use server::{Server, StartError};
pub use store::{
    Account, Changed, ContactOutcome, NewCode, Notice, Person, PersonChange, RegistrationCode, Revoked, Store,
    StoreError,
};
pub use tls::{TlsError, Validity, inspect as inspect_certificate};
