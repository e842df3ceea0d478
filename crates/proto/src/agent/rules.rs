//! What a person wants done about invitations without being asked.

use hither_wire::{Guid, PersonName};
use serde::{Deserialize, Serialize};

/// What is done about an invitation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The person is asked.
    #[default]
    Ask,
    /// It is accepted.
    Accept,
    /// It is declined.
    Refuse,
}

/// One rule. With neither person nor application it is for every invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// For invitations of this person.
    pub who: Option<PersonName>,
    /// For invitations into this application.
    pub app: Option<Guid>,
    /// What is done.
    pub answer: Answer,
}

/// The most specific rule that fits decides: person and application, person, application, all.
/// Without one the person is asked.
pub fn decide(rules: &[Rule], who: &PersonName, app: Guid) -> Answer {
    let fits = |rule: &&Rule| rule.who.as_ref().is_none_or(|of| of == who) && rule.app.is_none_or(|of| of == app);
    let weight = |rule: &&Rule| 2 * u8::from(rule.who.is_some()) + u8::from(rule.app.is_some());
    rules.iter().rev().filter(fits).max_by_key(weight).map(|rule| rule.answer).unwrap_or_default()
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
            rule(Some(&bob), Some(board), Answer::Ask),
            rule(Some(&bob), None, Answer::Accept),
            rule(None, Some(chess), Answer::Refuse),
        ];
        for (who, app, answer) in [
            (&bob, chess, Answer::Accept),
            (&bob, board, Answer::Ask),
            (&eve, chess, Answer::Refuse),
            (&eve, board, Answer::Ask),
        ] {
            assert_eq!(decide(&rules, who, app), answer, "{who} {app:?}");
        }
    }
}
