//! Settings that can be read and checked, but of which the service does nothing yet: a file that turns
//! one on is refused, so that nobody believes in a door that is not there.

use super::layers::{Effective, Finding};
use super::sections::Configured;

/// What is turned on and not there.
pub fn findings(configured: &Configured, settings: &Effective) -> Vec<Finding> {
    let mut findings = Vec::new();
    debug_assert!(configured.issuers.len() <= settings.issuers.len());
    for issuer in &settings.issuers {
        findings.push(Finding::error(
            &issuer.source,
            "signing in with tokens of an issuer is not in this version of hither",
        ));
    }
    findings
}
