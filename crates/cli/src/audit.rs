//! What commands on the store tell its audit.

use std::path::Path;

use hither_service::audit::{Action, Actor, AuditEvent, tell_now};

use crate::failure::say;

/// Tells what was done. What is done stays done if that cannot be written.
pub fn tell(data: &Path, action: Action, subject: &str) {
    let event = AuditEvent::Administered { action, subject: subject.to_owned(), by: Actor::Command };
    if let Err(error) = tell_now(data, &event) {
        say(format_args!("it is done, and the audit in {} does not say so: {error}", data.display()));
    }
}
