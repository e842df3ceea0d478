//! The command as people and scripts meet it: real processes, real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at whatever it did not expect"
)]

mod account;
mod codes;
mod config;
mod demo;
mod human;
mod input;
mod key;
mod limits;
mod lost;
mod operating;
mod operator;
mod proxied;
mod python;
mod readme;
mod resume;
mod schemathesis;
mod secrets;
mod serve;
mod session;
mod sign_in;
mod unlocking;
mod world;
