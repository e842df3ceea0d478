//! The systemd user unit.

/// The agent starts with the desktop: what it launches needs the desktop's environment, which systemd
/// does not have before.
pub const TARGET: &str = "graphical-session.target";

/// The unit that runs this program; its path has no control characters.
///
/// There is no sandbox, on purpose: nearly every restriction of a unit is inherited by what it starts,
/// and the agent starts whatever applications a person has registered.
pub fn text(program: &str) -> String {
    format!(
        "\
# Written by `hither agent install`, removed by `hither agent uninstall`.
[Unit]
Description=Hither agent: rings when somebody invites you, and starts the application
Documentation=https://github.com/hither/hither
After={TARGET}
PartOf={TARGET}

[Service]
ExecStart={} agent
Restart=on-failure
RestartSec=2
# Applications go on without the agent that has started them, and find the next one.
KillMode=process
OOMPolicy=continue

[Install]
WantedBy={TARGET}
",
        command(program)
    )
}

/// Whether a unit can name this program.
pub fn can_name(program: &str) -> bool {
    !(is_odd(program) && program.contains('='))
}

/// systemd refuses such characters in the path of a program; in an argument they may stand.
fn is_odd(program: &str) -> bool {
    program.contains(['"', '\'', '\\'])
}

/// The program as `ExecStart=` takes it. An odd one is an argument of `env`, which then is that program;
/// that would take one with a `=` in it for a variable.
fn command(program: &str) -> String {
    if is_odd(program) {
        // Variables are replaced in arguments only.
        format!("/usr/bin/env {}", quoted(&program.replace('$', "$$")))
    } else {
        quoted(program)
    }
}

/// In quotes, with escapes, and without specifiers.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
    #![allow(clippy::print_stderr, reason = "says what is passed over")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::Command;
    use tempfile::TempDir;

    #[test]
    fn a_path_is_quoted() {
        assert!(text("/usr/bin/hither").contains("\nExecStart=\"/usr/bin/hither\" agent\n"));
        assert_eq!(command("/a b/%h;$HOME ${X}=$$"), "\"/a b/%%h;$HOME ${X}=$$\"");
        assert_eq!(command("/a b/%h \"c\" $X \\n"), "/usr/bin/env \"/a b/%%h \\\"c\\\" $$X \\\\n\"");
        assert_eq!(command("/it's"), "/usr/bin/env \"/it's\"");
        assert!(can_name("/a=b") && can_name("/it's") && !can_name("/it's=b"));
    }

    /// What systemd itself says of a unit, where it is installed.
    fn complaints(program: &Path) -> Option<String> {
        let home = TempDir::new().unwrap();
        let unit = home.path().join("hither-agent.service");
        fs::write(&unit, text(program.to_str().unwrap())).unwrap();
        let mut verify = Command::new("systemd-analyze");
        verify.args(["--user", "--man=no", "verify"]).arg(&unit).env("XDG_RUNTIME_DIR", home.path());
        let Ok(output) = verify.output() else {
            eprintln!("skipped: systemd-analyze is not installed");
            return None;
        };
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        let ours: Vec<&str> = complaints.lines().filter(|line| line.contains("hither")).collect();
        Some(ours.join("\n"))
    }

    #[test]
    fn systemd_finds_the_program_whatever_it_is_called() {
        let home = TempDir::new().unwrap();
        for name in ["hither", "my hither", "%h%%i", "a\"b'c", "a\\nb", "$HOME ${HOME} $$", "{hither};|&", "é"] {
            let program = home.path().join(name);
            fs::write(&program, "#!/bin/cat\n").unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            let Some(complaints) = complaints(&program) else { return };
            assert_eq!(complaints, "", "{name}");
        }
        let missing = complaints(&home.path().join("nowhere")).unwrap();
        assert!(missing.contains("is not executable"), "{missing}");
    }
}
