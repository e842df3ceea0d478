//! Makes a failing plan as short as it can be, so that a person can read it.

use crate::plan::Plan;
use crate::world::{Failure, run};

/// The shortest plan found that still breaks a promise, and how. The plan must break one.
pub fn shorten(mut plan: Plan) -> (Plan, Failure) {
    let mut failure = fails(&plan).unwrap_or(Failure { broken: "nothing".to_owned(), at: 0, step: 0 });
    plan.steps.truncate(failure.step.max(1));
    let mut size = plan.steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < plan.steps.len() {
            let mut shorter = plan.clone();
            shorter.steps.drain(at..(at + size).min(plan.steps.len()));
            if let Some(same) = fails(&shorter) {
                (plan, failure) = (shorter, same);
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    (plan, failure)
}

fn fails(plan: &Plan) -> Option<Failure> {
    run(plan, false).0.err()
}
