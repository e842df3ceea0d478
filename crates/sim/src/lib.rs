//! The whole of hither in one process, from a seed: the service machine, the client machine on
//! every device of a few people, and a network that delays, loses and breaks.
//!
//! A [`plan::Plan`] says what is done; [`world::run`] does it and checks after each event what
//! [`ledger`] promises: both sides agree, context data come in order, once, at most five each way,
//! nothing comes after the end, nothing rings past its deadline, one device wins. A seed makes a
//! plan; a plan that breaks a promise is kept as lines that a person can read and shorten.
//!
//! No socket, no thread, no clock: a second of the world takes as long as what happens in it.

mod device;
pub mod ledger;
mod network;
pub mod plan;
pub mod shorten;
pub mod world;
