//! The policy of the session machine as tables: one for each role.

use hither_proto::session::policy::{Call, Verdict, policy};
use hither_wire::{Role, State};

use super::table;

/// State × role × call → outcome.
pub fn policy_tables() -> String {
    Role::ALL.map(|role| format!("**The {role} calls**\n\n{}", policy_table(role))).join("\n")
}

fn policy_table(role: Role) -> String {
    let states = State::ALL.map(|state| state.name().trim_start_matches("SS_"));
    let [ready, invitation, accepted, connected, cancelled, declined, terminated] = states;
    let head = ["call", ready, invitation, accepted, connected, cancelled, declined, terminated];
    table(head, Call::ALL.map(|call| policy_row(role, call)))
}

fn policy_row(role: Role, call: Call) -> [String; 8] {
    let outcomes = State::ALL.map(|state| outcome(policy(state, role, call)));
    let [ready, invitation, accepted, connected, cancelled, declined, terminated] = outcomes;
    [name(call).to_owned(), ready, invitation, accepted, connected, cancelled, declined, terminated]
}

fn name(call: Call) -> &'static str {
    match call {
        Call::SetApplication => "set the application",
        Call::SetLocalAddress => "set the local address",
        Call::Invite => "invite",
        Call::Accept => "accept",
        Call::Decline => "decline",
        Call::Ignore => "ignore",
        Call::Cancel => "cancel",
        Call::Attach { again: false } => "attach",
        Call::Attach { again: true } => "attach, once more",
        Call::Progress => "progress",
        Call::Context { launch_only: false } => "context",
        Call::Context { launch_only: true } => "context, launch-only application",
    }
}

fn outcome(verdict: Verdict) -> String {
    match verdict {
        Verdict::Apply => "**applied**".to_owned(),
        Verdict::AsDecline => "**applied** as a decline".to_owned(),
        Verdict::AlreadySo => "S_FALSE".to_owned(),
        Verdict::Refuse(code) => code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_printed() {
        let text = policy_tables();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), Role::ALL.len() * (2 + Call::ALL.len()));
        assert!(rows.iter().all(|row| row.matches(" | ").count() == State::ALL.len()), "{text}");
        let accept = rows.iter().filter(|row| row.starts_with("| accept |")).copied().collect::<Vec<_>>();
        assert!(accept[0].contains("SR_NOT_INVITEE") && accept[1].contains("**applied**"), "{accept:?}");
    }
}
