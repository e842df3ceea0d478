//! A person's signed-in presence on one machine: it rings when somebody invites, starts the right
//! application when the person accepts, and hands it the session.
//!
//! What is decided is decided in `hither_proto::agent`; `controller` is the loop around it. The other
//! modules know one thing of the system each. Tools of the person talk to a running agent through
//! `remote`; the registry, the rules and the stored sign-in are files, and need no agent.

pub mod apps;
mod cards;
pub mod controller;
pub mod credentials;
pub mod desktop;
mod document;
pub mod install;
pub mod instance;
pub mod launch;
pub mod pair;
pub mod paths;
pub mod remote;
pub mod rules;
pub mod run;
pub mod service;
mod state;
pub mod uri;
