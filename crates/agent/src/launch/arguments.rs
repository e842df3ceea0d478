//! What takes the place of `{session}`, `{local}` and `{remote}`.

/// An argument as the process gets it. What took a place is not looked at again.
pub fn filled(arg: &str, session: &str, local: &str, remote: &str) -> String {
    let places = [("{session}", session), ("{local}", local), ("{remote}", remote)];
    let mut filled = String::with_capacity(arg.len());
    let mut rest = arg;
    while let Some((before, from)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
        filled.push_str(before);
        let place = places.iter().find_map(|(place, text)| Some((from.strip_prefix(place)?, *text)));
        let (after, text) = place.unwrap_or_else(|| (from.strip_prefix('{').unwrap_or_default(), "{"));
        filled.push_str(text);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places() {
        let fill = |arg| filled(arg, "S", "1.2.3.4", "{session}");
        for (arg, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{session}", "S"),
            ("--id={session}:{session}", "--id=S:S"),
            ("{local}/{remote}", "1.2.3.4/{session}"),
            ("{{session}}", "{S}"),
            ("{Session} {sessio} { session} {session", "{Session} {sessio} { session} {session"),
            ("$session ${session} %session% \\{session}", "$session $S %session% \\S"),
            ("é{é{local}é}", "é{é1.2.3.4é}"),
            ("{", "{"),
        ] {
            assert_eq!(fill(arg), expected, "{arg}");
        }
        assert_eq!(filled("[{local}][{remote}]", "S", "", ""), "[][]");
    }

    #[test]
    fn what_took_a_place_is_not_scanned_again() {
        assert_eq!(filled("{local}{remote}", "S", "{remote}", "{local}"), "{remote}{local}");
        assert_eq!(filled("{local}ion}", "S", "{sess", ""), "{session}");
    }

    proptest! {
        #[test]
        fn everything_else_stays(arg in "[{}sesionlcartem\\PC]{0,60}", text in "\\PC{0,20}") {
            let expected = arg.replace("{session}", "\u{0}").replace("{local}", "\u{1}").replace("{remote}", "\u{2}");
            let expected = expected.replace('\u{0}', "S").replace('\u{2}', "").replace('\u{1}', &text);
            prop_assert_eq!(filled(&arg, "S", &text, ""), expected);
        }
    }
}
