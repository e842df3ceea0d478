//! What reaches a program is what was meant for it, byte for byte.

use std::fs;

use hither_wire::Guid;

use super::{Place, Program, exit};

/// The arguments of a process, as the system has them.
fn arguments(program: &Program) -> Vec<String> {
    let raw = fs::read(format!("/proc/{}/cmdline", program.pid)).unwrap();
    let text = String::from_utf8(raw).unwrap();
    text.strip_suffix('\0').unwrap().split('\0').skip(1).map(str::to_owned).collect()
}

/// Texts that mean something to shells, paths, terminals or formats.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "'; touch hacked; '",
        "\"$(touch hacked)\" `touch hacked` ${HOME} $HOME ~ * ? [a] !! && || | > hacked < /dev/null &",
        "line\nline\r\n\ttab",
        "../../../etc/passwd",
        "\u{1}\u{7}\u{8}\u{1b}[2J\u{1b}]0;title\u{7}\u{7f}\u{9b}",
        "\u{202e}desrever \u{feff}\u{1F600} é",
        "--help -x -- {session} {local} {remote} {{}} %s %n \\n \\\\",
        " leading and trailing ",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x\n$(y)".repeat(100_000 / 6));
    texts
}

#[tokio::test]
async fn hostile_texts_stay_one_argument_each() {
    let place = Place::new();
    for text in hostile() {
        let mut order = place.order(&["a{session}b", "<{local}>", "<{remote}{remote}>", "{local", "plain"]);
        let before = order.args.len() - 10;
        order.local = Some(text.clone());
        order.remote = (text.len() < 1_000).then(|| text.clone());
        let process = place.launcher.start(&order).unwrap();
        let mut program = place.program().await;
        let remote = order.remote.clone().unwrap_or_default();
        let expected = [
            format!("text a{}b", order.session),
            format!("text <{text}>"),
            format!("text <{remote}{remote}>"),
            "text {local".to_owned(),
            "text plain".to_owned(),
        ];
        let arguments = arguments(&program);
        assert_eq!(arguments[..before], order.args[..before]);
        let given: Vec<&String> = arguments[before..].iter().filter(|arg| *arg != "--skip").collect();
        assert_eq!(given, expected.iter().collect::<Vec<_>>());
        program.tell("exit 0").await;
        assert_eq!(exit(&place.launcher, process).await.status, Some(0));
    }
}

#[tokio::test]
async fn hostile_texts_of_the_registration_stay_as_they_are() {
    let place = Place::new();
    for text in hostile().iter().filter(|text| !text.contains('{')) {
        place.launcher.start(&place.order(&[text])).unwrap();
        let mut program = place.program().await;
        assert_eq!(arguments(&program).pop().unwrap(), format!("text {text}"));
        program.tell("exit 0").await;
    }
}

#[tokio::test]
async fn what_a_program_begins_with() {
    let place = Place::new();
    let mut order = place.order(&[]);
    order.session = Guid(0xA);
    order.remote = Some("192.0.2.1:5000".into());
    order.secret = "f".repeat(32);
    let process = place.launcher.start(&order).unwrap();
    let mut program = place.program().await;
    assert_eq!(program.process(), process);
    let path = std::env::var("PATH").ok();
    for (variable, expected) in [
        ("HITHER_SOCKET", Some(order.socket.to_str().unwrap().to_owned())),
        ("HITHER_SESSION", Some("{00000000-0000-0000-0000-00000000000A}".to_owned())),
        ("HITHER_LAUNCH", Some("f".repeat(32))),
        ("PATH", path),
    ] {
        program.tell(&format!("variable {variable}")).await;
        assert_eq!(program.says().await, format!("{expected:?}"));
    }
    program.tell("read").await;
    assert_eq!(program.says().await, "\"\"", "there is nothing to read");
    program.tell("group").await;
    assert_eq!(program.says().await, process.pid.to_string(), "Ctrl-C in the agent's terminal does not reach it");
    program.tell("folder").await;
    let home = std::env::var("HOME").ok().and_then(|home| fs::canonicalize(home).ok());
    assert_eq!(program.says().await, home.unwrap_or_else(|| "/".into()).to_str().unwrap());
}
