//! `mimeapps.list`: which application opens which links. Other applications' lines stand in the same
//! file, and stay as they are.

const GROUP: &str = "[Default Applications]";
const KEY: &str = "x-scheme-handler/hither";
const OURS: &str = "hither.desktop";
/// What stands in the group.
pub const LINE: &str = "x-scheme-handler/hither=hither.desktop;";

/// The file with our entry as the first for our links; others that a person may have put there follow.
pub fn with(text: &str) -> String {
    let mut lines = lines(text);
    let mut found = false;
    let mut last = None;
    for (at, line) in in_group(&mut lines) {
        if let Some(others) = others(line) {
            found = true;
            *line = format!("{KEY}={OURS};{others}{}", end(line));
        }
        if !line.trim().is_empty() {
            last = Some(at);
        }
    }
    if found {
        return lines.concat();
    }
    if let Some(last) = last {
        if let Some(line) = lines.get_mut(last).filter(|line| !line.ends_with('\n')) {
            line.push('\n');
        }
        lines.insert(last + 1, format!("{LINE}\n"));
        return lines.concat();
    }
    let between = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{between}{GROUP}\n{LINE}\n")
}

/// The file without our entry, and without the group if nothing else stands in it.
pub fn without(text: &str) -> String {
    let mut lines = lines(text);
    let mut removed = false;
    for (_, line) in in_group(&mut lines) {
        if let Some(others) = others(line).filter(|_| is_ours(line)) {
            removed = true;
            *line = if others.is_empty() { String::new() } else { format!("{KEY}={others}{}", end(line)) };
        }
    }
    if !removed {
        return text.to_owned();
    }
    let group: Vec<usize> = in_group(&mut lines).map(|(at, _)| at).collect();
    let empty = group.iter().filter_map(|at| lines.get(*at)).all(|line| line.trim().is_empty() || line.trim() == GROUP);
    let headers = group.iter().filter(|at| lines.get(**at).is_some_and(|line| line.trim() == GROUP));
    if let (true, [header]) = (empty, headers.copied().collect::<Vec<_>>().as_slice()) {
        // With the blank line that was put before it.
        let blank = header.checked_sub(1).filter(|at| lines.get(*at).is_some_and(|line| line.trim().is_empty()));
        for at in blank.into_iter().chain([*header]) {
            lines.get_mut(at).map(String::clear);
        }
    }
    lines.concat()
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

/// The lines of the group with their numbers, its header too.
fn in_group(lines: &mut [String]) -> impl Iterator<Item = (usize, &mut String)> {
    let mut inside = false;
    lines.iter_mut().enumerate().filter(move |(_, line)| {
        if line.trim_start().starts_with('[') {
            inside = line.trim() == GROUP;
        }
        inside
    })
}

/// The other applications in a line for our links, each with a `;` after it; `None` if it is for others.
fn others(line: &str) -> Option<String> {
    let others = values(line)?.filter(|value| *value != OURS);
    Some(others.flat_map(|other| [other, ";"]).collect())
}

fn is_ours(line: &str) -> bool {
    values(line).is_some_and(|mut values| values.any(|value| value == OURS))
}

fn values(line: &str) -> Option<impl Iterator<Item = &str>> {
    let (key, values) = line.split_once('=')?;
    (key.trim() == KEY).then(|| values.split(';').map(str::trim).filter(|value| !value.is_empty()))
}

fn end(line: &str) -> &'static str {
    match line {
        line if line.ends_with("\r\n") => "\r\n",
        line if line.ends_with('\n') => "\n",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn our_line_comes_first_and_the_rest_stays() {
        for (before, after) in [
            ("", "[Default Applications]\nx-scheme-handler/hither=hither.desktop;\n"),
            (
                "[Added Associations]\na=b;\n",
                "[Added Associations]\na=b;\n\n[Default Applications]\nx-scheme-handler/hither=hither.desktop;\n",
            ),
            ("# mine", "# mine\n\n[Default Applications]\nx-scheme-handler/hither=hither.desktop;\n"),
            (
                "[Default Applications]\ntext/html=firefox.desktop\n\n[Added Associations]\nx-scheme-handler/hither=other.desktop;\n",
                "[Default Applications]\ntext/html=firefox.desktop\nx-scheme-handler/hither=hither.desktop;\n\n[Added Associations]\nx-scheme-handler/hither=other.desktop;\n",
            ),
            ("[Default Applications]\na=b", "[Default Applications]\na=b\nx-scheme-handler/hither=hither.desktop;\n"),
            (
                "[Default Applications]\r\nx-scheme-handler/hither = other.desktop; hither.desktop\r\na=b\r\n",
                "[Default Applications]\r\nx-scheme-handler/hither=hither.desktop;other.desktop;\r\na=b\r\n",
            ),
            (
                "[Default Applications]\nx-scheme-handler/hither2=x\n",
                "[Default Applications]\nx-scheme-handler/hither2=x\nx-scheme-handler/hither=hither.desktop;\n",
            ),
        ] {
            assert_eq!(with(before), after);
            assert_eq!(with(after), after, "twice is once");
        }
    }

    #[test]
    fn what_is_removed_is_ours_alone() {
        for (before, after) in [
            ("", ""),
            ("[Default Applications]\n", "[Default Applications]\n"),
            ("[Default Applications]\nx-scheme-handler/hither=hither.desktop;\n", ""),
            (
                "[Default Applications]\nx-scheme-handler/hither=other.desktop\n",
                "[Default Applications]\nx-scheme-handler/hither=other.desktop\n",
            ),
            (
                "[Default Applications]\nx-scheme-handler/hither=hither.desktop;other.desktop;\n",
                "[Default Applications]\nx-scheme-handler/hither=other.desktop;\n",
            ),
            (
                "[Default Applications]\n# mine\nx-scheme-handler/hither=hither.desktop\n",
                "[Default Applications]\n# mine\n",
            ),
            (
                "[Added Associations]\nx-scheme-handler/hither=hither.desktop\n",
                "[Added Associations]\nx-scheme-handler/hither=hither.desktop\n",
            ),
            (
                "hither.desktop=x\nx-scheme-handler/hither=hither.desktop\n",
                "hither.desktop=x\nx-scheme-handler/hither=hither.desktop\n",
            ),
        ] {
            assert_eq!(without(before), after);
        }
    }

    proptest! {
        #[test]
        fn there_and_back(text in "((\\[Default Applications\\]\na=b|\\[Other\\]|x=y;z|# c|x-scheme-handler/hither=o|)\n){0,8}") {
            let installed = with(&text);
            prop_assert_eq!(with(&installed), installed.clone());
            let back = without(&installed);
            // A line that was there is written in our way.
            let normal = |text: &str| text.replace("hither=o;", "hither=o");
            prop_assert_eq!(normal(&back), text);
        }

        #[test]
        fn nothing_else_is_lost(text in "(?s:[\\[\\]Default Applications=;x\n\r-]{0,80})") {
            let kept = with(&text);
            for line in text.lines().filter(|line| !line.contains("x-scheme-handler/hither")) {
                prop_assert!(kept.contains(line));
            }
        }
    }
}
