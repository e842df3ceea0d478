//! What a person wants done about invitations without being asked.

use hither_wire::{Guid, PersonName};

/// What is done about an invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The person is asked.
    #[default]
    Ask,
    /// It is accepted.
    Accept,
    /// It is declined.
    Refuse,
}

impl Answer {
    /// All of them.
    pub const ALL: [Answer; 3] = [Answer::Ask, Answer::Accept, Answer::Refuse];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Answer::Ask => "ask",
            Answer::Accept => "accept",
            Answer::Refuse => "refuse",
        }
    }
}

/// One rule. Without a person it is for anybody, without an application for anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For invitations of this person.
    pub who: Option<PersonName>,
    /// For invitations into this application.
    pub app: Option<Guid>,
    /// What is done.
    pub answer: Answer,
}

/// The most specific rule that fits decides: one for person and application, for the person, for the
/// application, for all; of several such the first. Without one the person is asked.
pub fn decide<'a>(rules: impl IntoIterator<Item = &'a Rule>, who: Option<&PersonName>, app: Option<Guid>) -> Answer {
    let is_for = |rule: &Rule| {
        rule.who.as_ref().is_none_or(|named| Some(named) == who) && rule.app.is_none_or(|named| Some(named) == app)
    };
    let weight = |rule: &Rule| (rule.who.is_some(), rule.app.is_some());
    let mut best: Option<&Rule> = None;
    for rule in rules.into_iter().filter(|rule| is_for(rule)) {
        if best.is_none_or(|best| weight(rule) > weight(best)) {
            best = Some(rule);
        }
    }
    best.map_or(Answer::Ask, |rule| rule.answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_rule_decides() {
        let bob = PersonName::parse("bob@x").unwrap();
        let eve = PersonName::parse("eve@x").unwrap();
        let (chess, board) = (Guid(1), Guid(2));
        let rule = |who: Option<&PersonName>, app, answer| Rule { who: who.cloned(), app, answer };
        let rules = [
            rule(None, Some(chess), Answer::Refuse),
            rule(Some(&bob), Some(board), Answer::Ask),
            rule(Some(&bob), None, Answer::Accept),
            rule(Some(&bob), None, Answer::Refuse),
        ];
        for (who, app, answer) in [
            (&bob, chess, Answer::Accept),
            (&bob, board, Answer::Ask),
            (&eve, chess, Answer::Refuse),
            (&eve, board, Answer::Ask),
        ] {
            assert_eq!(decide(&rules, Some(who), Some(app)), answer, "{who} {app:?}");
        }
    }
}
