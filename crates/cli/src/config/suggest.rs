//! The nearest right name.

use strsim::damerau_levenshtein;

/// As many names as are compared, and as long: what is wrong comes from somebody.
const NAME_CHARS: usize = 64;

/// ` (did you mean NAME?)`, or nothing if no name is near.
pub fn did_you_mean<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, right).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default()
}

/// The name that is nearest, if it is near.
pub fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: String = wrong.chars().take(NAME_CHARS).flat_map(char::to_lowercase).collect();
    let measured = right.into_iter().map(|name| (distance(&wrong, name), name));
    let (distance, name) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.chars().count() / 4).then_some(name)
}

fn distance(wrong: &str, right: &str) -> usize {
    let right = right.to_lowercase();
    if wrong.replace('-', "_") == right {
        return 0;
    }
    // A part of a name, or a name with something more, is near too.
    let part = wrong.len() >= 3 && (right.contains(wrong) || wrong.contains(&right));
    let measured = damerau_levenshtein(wrong, &right);
    if part { measured.min(2) } else { measured }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far() {
        let names = ["ring", "connect", "connections_per_address", "token_file", "certificate"];
        for (wrong, right) in [
            ("rnig", "ring"),
            ("Ring", "ring"),
            ("connections-per-address", "connections_per_address"),
            ("conect", "connect"),
            ("token", "token_file"),
            ("certifcate", "certificate"),
        ] {
            assert_eq!(nearest(wrong, names), Some(right), "{wrong}");
        }
        for wrong in ["", "x", "password", &"y".repeat(10_000)] {
            assert_eq!(nearest(wrong, names), None, "{wrong}");
        }
        assert_eq!(did_you_mean("rng", names), " (did you mean ring?)");
        assert_eq!(did_you_mean("password", names), "");
    }
}
