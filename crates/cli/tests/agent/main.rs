//! The agent as people meet it: real processes, a real service, real applications. Two people have an
//! agent each, with everything below a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at whatever it did not expect"
)]

mod application;
mod apps;
mod checks;
mod desktop;
mod document;
mod flow;
mod home;
mod hostile;
mod instance;
mod killed;
mod launching;
mod missing;
mod own;
mod people;
mod policy;
#[path = "../../../agent/tests/desktop/screen.rs"]
mod screen;
mod signing;
#[path = "../cli/world.rs"]
#[allow(dead_code, reason = "the other tests of the command use the rest of it")]
mod world;
