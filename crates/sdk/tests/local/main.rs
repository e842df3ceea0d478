//! The sdk and an agent that says what a script says, over a real socket.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects")]

mod applications;
mod connecting;
mod desk;
mod gone;
mod launching;
mod started;
