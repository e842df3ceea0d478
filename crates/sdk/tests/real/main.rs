//! The sdk against a real service over real sockets, with a proxy in between that can do harm.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod broken;
mod connecting;
mod dropping;
mod killed;
mod lock;
mod people;
mod proxy;
mod sessions;
mod tls;
mod tokens;
mod world;
