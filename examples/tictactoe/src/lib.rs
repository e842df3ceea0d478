//! A whole small application of hither: tic-tac-toe between two people.
//!
//! The service carries the invitation and, as context data, the ticket to a table. The moves go
//! over a direct TCP connection. `board` has the rules, `table` the direct connection, and `app`
//! what an application does with hither.

pub mod app;
pub mod board;
pub mod table;
