//! The service over real sockets: a real store in a temporary folder, real WebSockets, no client
//! library of ours, every frame as `spec/wire.md` writes it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod accounts;
mod admin;
mod context;
mod crossing;
mod devices;
mod hostile;
mod http;
mod issuers;
mod lock;
mod logs;
mod operations;
mod proxy;
mod reload;
mod resume;
mod signing;
mod support;
mod tls;
