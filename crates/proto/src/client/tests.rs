//! The client machine against a service that says what a script says: what goes in, what comes out.

mod agent;
mod bench;
mod calls;
mod connection;
mod durable;
mod hostile;
mod lock;
mod loss;
mod relay;
mod sessions;
