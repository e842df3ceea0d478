//! What is decided: sans-IO machines for the session, the lock, the service, the client and the agent.
//!
//! No clock, no socket, no thread, no randomness: those come in as inputs. The contract of every
//! machine here, in one sentence: *give one input with the time, take outputs until there are none,
//! only then give the next.* Time is a number of milliseconds that the shell counts ([`Millis`]), so
//! that it can be stored; it never goes backwards.

#![cfg_attr(test, allow(clippy::wildcard_enum_match_arm, reason = "a test names what it expects"))]

pub mod agent;
pub mod client;
pub mod lock;
mod outbox;
pub mod rate;
pub mod service;
pub mod session;
pub mod timers;

/// A point in time, in milliseconds since some moment that the shell chose.
pub type Millis = u64;
