//! The desktop entry: what opens `hither:` links.

/// The entry that gives links to this program; its path has no control characters. Menus do not show it.
pub fn text(program: &str) -> String {
    format!(
        "\
# Written by `hither agent install`, removed by `hither agent uninstall`.
[Desktop Entry]
Type=Application
Name=Hither
Comment=Opens links that invite, and links that accept an invitation
Exec={} open %u
Terminal=false
NoDisplay=true
StartupNotify=false
MimeType=x-scheme-handler/hither;
",
        quoted(program)
    )
}

/// A program's path as `Exec=` takes it: quoted, then with its backslashes escaped once more as in every
/// value of the file, and without field codes.
fn quoted(program: &str) -> String {
    let mut quoted = String::from("\"");
    for c in program.chars() {
        match c {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', c]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
    #![allow(clippy::print_stderr, reason = "says what is passed over")]
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;
    use tempfile::TempDir;

    /// What a desktop makes of `Exec=`, as the specification tells it: first the escapes of a value,
    /// then the words with their quotes, then the field codes.
    fn words(exec: &str, url: &str) -> Vec<String> {
        let mut value = String::new();
        let mut chars = exec.chars();
        while let Some(c) = chars.next() {
            value.push(match (c, c == '\\') {
                (_, true) => match chars.next().unwrap() {
                    '\\' => '\\',
                    other => panic!("the value has \\{other}"),
                },
                (c, false) => c,
            });
        }
        let (mut words, mut chars) = (vec![String::new()], value.chars());
        while let Some(c) = chars.next() {
            match c {
                ' ' => words.push(String::new()),
                '"' => {
                    while let Some(c) = chars.next().filter(|c| *c != '"') {
                        let c = if c == '\\' { chars.next().unwrap() } else { c };
                        words.last_mut().unwrap().push(c);
                    }
                }
                other => words.last_mut().unwrap().push(other),
            }
        }
        words.into_iter().map(|word| if word == "%u" { url.to_owned() } else { word.replace("%%", "%") }).collect()
    }

    fn exec(program: &str) -> String {
        let text = text(program);
        text.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap().to_owned()
    }

    #[test]
    fn a_path_is_quoted() {
        assert_eq!(exec("/usr/bin/hither"), "\"/usr/bin/hither\" open %u");
        assert_eq!(exec("/a b/%u \"$c\" `d` \\"), "\"/a b/%%u \\\\\"\\\\$c\\\\\" \\\\`d\\\\` \\\\\\\\\" open %u");
    }

    proptest! {
        #[test]
        fn a_desktop_finds_the_program_whatever_it_is_called(name in "[ \"'`$%\\\\;&|<>=#a-z\\PC]{1,30}") {
            let program = format!("/{name}");
            let url = "hither:accept/%7Bx%7D";
            prop_assert_eq!(words(&exec(&program), url), [program.as_str(), "open", url]);
        }
    }

    #[test]
    fn the_validator_has_nothing_to_say() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("hither.desktop");
        for program in ["/usr/bin/hither", "/opt/a b/%h $HOME `x` \"y\" \\z'/hither"] {
            std::fs::write(&path, text(program)).unwrap();
            let Ok(output) = Command::new("desktop-file-validate").arg(&path).output() else {
                return eprintln!("skipped: desktop-file-validate is not installed");
            };
            assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
        }
    }
}
