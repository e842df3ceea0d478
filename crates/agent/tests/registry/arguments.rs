//! Section 2.1 of the reference, row by row, each limit at its edge.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use hither_agent::apps::Origin;
use hither_wire::local::Mode;

use super::*;

const GOOD: &str = "{305D86C6-6896-4099-91F5-CB7BA7733563}";
/// Two UTF-16 units.
const WIDE: &str = "\u{1F600}";

#[test]
fn a_registration_is_listed_as_it_was_made() {
    let home = Home::new();
    let path = format!("{} --session {{session}} 'a b' {{local}}", home.program().display());
    let registration = Registration {
        guid: GOOD.to_lowercase().into(),
        name: "Chess \"♞\" \\ 'x'".into(),
        url: "https://example.org/chess?a=1#b".into(),
        path: path.as_str().into(),
        flags: 0,
        mode: Mode::LaunchOnly,
    };
    let guid = home.register(&registration).unwrap();
    assert_eq!(guid.to_string(), GOOD);
    let [app] = home.fine().try_into().unwrap();
    assert_eq!((app.guid, app.name.as_str(), app.url.as_str()), (guid, &*registration.name, &*registration.url));
    assert_eq!((&app.program, app.mode, &app.origin), (&home.program(), Mode::LaunchOnly, &Origin::User));
    assert_eq!(app.args, ["--session", "{session}", "a b", "{local}"]);
    assert_eq!(app.path(), path);
    assert!(app.application().launch_only);
    assert_eq!(home.unregister(GOOD), Ok(guid));
    assert_eq!(home.fine(), []);
    let again = Registration { path: app.path().into(), ..registration };
    assert_eq!(home.register(&again), Ok(guid));
    assert_eq!(home.fine(), [app]);
}

#[test]
fn guids_of_every_length_and_shape() {
    let home = Home::new();
    let with = |guid: &str| Registration { guid: guid.into(), ..home.registration(super::guid(1)) };
    let bad = [
        String::new(),
        GOOD[..37].to_owned(),
        format!("{GOOD} "),
        format!("{GOOD}  "),
        format!(" {GOOD}"),
        format!("{GOOD}\0"),
        GOOD[1..37].to_owned(),
        GOOD.replace('{', "(").replace('}', ")"),
        GOOD.replace('-', ""),
        GOOD.replace("{3", "{G"),
        GOOD.replace("{3", "{+"),
        GOOD.replace("{30", "{0x"),
        GOOD.replace("C6-", "-C6"),
        GOOD.replace("63}", "\u{e9}}"),
        GOOD.replacen('3', "\u{ff13}", 1),
        "../../../etc/passwd".to_owned(),
        "\"\n[[application]]\n".to_owned(),
        "x".repeat(100_000),
        hither_wire::local::CHECK.to_string(),
    ];
    for guid in bad {
        assert_eq!(home.register(&with(&guid)), Err(Code::E_INVALIDARG), "{guid}");
        assert_eq!(home.unregister(&guid), Err(Code::E_INVALIDARG), "{guid}");
    }
    assert!(!home.paths.config.exists(), "nothing was written");
    assert!(GOOD.len() == 38 && home.register(&with(GOOD)).is_ok());
    assert_eq!(home.register(&with(&GOOD.to_lowercase())), Err(Code::SR_APP_ALREADY_REGISTERED));
    assert!(home.unregister(&GOOD.to_lowercase()).is_ok());
}

#[test]
fn names_and_urls_of_256_and_257() {
    let home = Home::new();
    let plain = home.registration(guid(1));
    let url = |tail: &str| format!("http://example.org/{tail}");
    let room = 256 - url("").len();
    let refused = [
        Registration { name: "x".repeat(257).into(), ..plain.clone() },
        Registration { name: format!("x{}", WIDE.repeat(128)).into(), ..plain.clone() },
        Registration { name: "".into(), ..plain.clone() },
        Registration { name: "  ".into(), ..plain.clone() },
        Registration { name: "a\nb".into(), ..plain.clone() },
        Registration { name: "a\u{1b}[31m".into(), ..plain.clone() },
        Registration { url: url(&"x".repeat(room + 1)).into(), ..plain.clone() },
        Registration { url: "file:///etc/passwd".into(), ..plain.clone() },
        Registration { url: "https://example.org/\u{7}".into(), ..plain.clone() },
        Registration { flags: 1, ..plain.clone() },
        Registration { flags: u32::MAX, ..plain.clone() },
    ];
    for registration in refused {
        assert_eq!(home.register(&registration), Err(Code::E_INVALIDARG), "{registration:?}");
    }
    let longest = url(&"x".repeat(room));
    for (n, name) in ["x".repeat(256), WIDE.repeat(128), "€".repeat(256)].into_iter().enumerate() {
        let registration = home.registration(guid(n as u128));
        let registration = Registration { name: name.as_str().into(), url: longest.as_str().into(), ..registration };
        home.register(&registration).unwrap();
        assert_eq!(home.fine()[n].name, name);
    }
}

#[test]
fn paths_of_260_and_261() {
    let home = Home::new();
    let program = home.program().to_str().unwrap().to_owned();
    let with = |n: u128, path: &str| Registration { path: path.into(), ..home.registration(guid(n)) };
    let padded = |units: usize| format!("{program} {}", "x".repeat(units - program.len() - 1));
    assert_eq!(home.register(&with(1, &padded(261))), Err(Code::E_INVALIDARG));
    assert!(home.register(&with(1, &padded(260))).is_ok());
    // The same for the path of a program alone, and for characters that count two.
    let room = 260 - home.path().as_os_str().len() - 1;
    let (longest, longer) = (home.path().join("x".repeat(room)), home.path().join("x".repeat(room + 1)));
    executable(&longest);
    executable(&longer);
    assert!(home.register(&with(2, longest.to_str().unwrap())).is_ok());
    assert_eq!(home.register(&with(3, longer.to_str().unwrap())), Err(Code::E_INVALIDARG));
    let wide = format!("{program} {}", WIDE.repeat(130));
    assert_eq!(home.register(&with(3, &wide)), Err(Code::E_INVALIDARG));
}

#[test]
fn paths_that_are_no_program() {
    let home = Home::new();
    let with = |path: &str| home.register(&Registration { path: path.into(), ..home.registration(guid(1)) });
    for relative in ["", " ", "chess", "./chess", "../chess", "~/chess", "C:\\chess.exe", "$HOME/chess", "'' /bin/sh"] {
        assert_eq!(with(relative), Err(Code::E_INVALIDARG), "{relative}");
    }
    let program = home.program().display().to_string();
    for malformed in [format!("{program} 'a"), format!("{program} a\nb"), format!("{program}\0")] {
        assert_eq!(with(&malformed), Err(Code::E_INVALIDARG), "{malformed}");
    }
    let below = |name: &str| home.path().join(name).display().to_string();
    fs::write(below("not executable"), "").unwrap();
    fs::set_permissions(below("not executable"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink("loop", below("loop")).unwrap();
    for unresolved in ["nothing", "", "not executable", "loop", "chess/below"].map(below) {
        let quoted = format!("'{unresolved}' a");
        assert_eq!(with(&unresolved.replace(' ', "\\ ")), Err(Code::E_FAIL), "{unresolved}");
        assert_eq!(with(&quoted), Err(Code::E_FAIL), "{unresolved}");
    }
    assert!(!home.paths.config.exists(), "nothing was written");
    symlink("chess", below("link")).unwrap();
    assert!(with(&below("link")).is_ok());
    assert_eq!(home.fine()[0].program, home.path().join("link"), "the link, since programs look at their name");
}

#[test]
fn registering_and_unregistering_twice() {
    let home = Home::new();
    let first = home.registration(guid(1));
    let other = Registration { name: "Other".into(), mode: Mode::Tunnelled, ..first.clone() };
    assert_eq!(home.register(&first), Ok(guid(1)));
    assert_eq!(home.register(&first), Err(Code::SR_APP_ALREADY_REGISTERED));
    assert_eq!(home.register(&other), Err(Code::SR_APP_ALREADY_REGISTERED));
    assert_eq!(home.fine()[0].name, "Chess");
    assert_eq!(home.unregister(&first.guid), Ok(guid(1)));
    assert_eq!(home.unregister(&first.guid), Err(Code::SR_APP_NOT_REGISTERED));
    assert_eq!(home.register(&other), Ok(guid(1)));
    assert_eq!((home.fine()[0].name.as_str(), home.fine()[0].mode), ("Other", Mode::Tunnelled));
    assert_eq!(Home::new().unregister(&first.guid), Err(Code::SR_APP_NOT_REGISTERED));
}

#[test]
fn of_several_things_wrong_the_first_counts() {
    let home = Home::new();
    home.register(&home.registration(guid(1))).unwrap();
    let nowhere: Box<str> = "/no/such/program".into();
    let malformed = Registration { flags: 1, path: nowhere.clone(), ..home.registration(guid(1)) };
    assert_eq!(home.register(&malformed), Err(Code::E_INVALIDARG));
    let twice = Registration { path: nowhere.clone(), ..home.registration(guid(1)) };
    assert_eq!(home.register(&twice), Err(Code::SR_APP_ALREADY_REGISTERED));
    let unwritable = Home::new();
    fs::create_dir_all(unwritable.paths.config.parent().unwrap()).unwrap();
    fs::write(&unwritable.paths.config, "").unwrap();
    let unresolved = Registration { path: nowhere, ..unwritable.registration(guid(1)) };
    assert_eq!(unwritable.register(&unresolved), Err(Code::E_FAIL));
}

#[test]
fn a_registry_that_cannot_be_written() {
    let home = Home::new();
    fs::create_dir_all(home.paths.config.parent().unwrap()).unwrap();
    fs::write(&home.paths.config, "a file in its place").unwrap();
    let refused = home.registry.register(&home.registration(guid(1))).unwrap_err();
    assert_eq!(refused.code, Code::REGDB_E_WRITEREGDB);
    assert!(refused.message.contains("config/hither") && refused.message.contains("move it away"), "{refused}");
    assert_eq!(home.unregister(&guid(1).to_string()), Err(Code::REGDB_E_WRITEREGDB));
    assert_eq!(home.complaints().len(), 1);
    assert_eq!(fs::read_to_string(&home.paths.config).unwrap(), "a file in its place");

    // In the place of the lock, and of the new file.
    for name in ["applications.lock", ".applications.toml.new"] {
        let home = Home::new();
        home.register(&home.registration(guid(1))).unwrap();
        let before = home.text();
        let place = home.paths.config.join(name);
        let _ = fs::remove_file(&place);
        fs::create_dir(&place).unwrap();
        assert_eq!(home.register(&home.registration(guid(2))), Err(Code::REGDB_E_WRITEREGDB), "{name}");
        assert_eq!(home.unregister(&guid(1).to_string()), Err(Code::REGDB_E_WRITEREGDB), "{name}");
        assert_eq!(home.text(), before);
    }
}

#[test]
fn a_folder_without_the_right_to_write() {
    if rustix::process::geteuid().is_root() {
        println!("passed over: nothing keeps root from writing");
        return;
    }
    let home = Home::new();
    home.register(&home.registration(guid(1))).unwrap();
    let rights = |mode| fs::set_permissions(&home.paths.config, fs::Permissions::from_mode(mode)).unwrap();
    rights(0o500);
    let outcome = home.register(&home.registration(guid(2)));
    rights(0o700);
    assert_eq!(outcome, Err(Code::REGDB_E_WRITEREGDB));
}
