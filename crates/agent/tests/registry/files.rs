//! The person's file: edited by hand, damaged, full.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use hither_agent::apps::Origin;

use super::*;

#[test]
fn the_first_registration_makes_a_file_that_explains_itself() {
    let home = Home::new();
    home.register(&home.registration(guid(1))).unwrap();
    let text = home.text();
    assert!(text.starts_with("# The applications that you can be invited into."), "{text}");
    let entry = home.entry(guid(1), "Chess");
    assert!(text.ends_with(&format!("\n\n{entry}")), "{text}");
    let mode = fs::metadata(&home.paths.config).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // What the explanation shows can be used as it stands.
    let example: String =
        text.lines().filter_map(|line| line.strip_prefix("# ")).skip(2).collect::<Vec<_>>().join("\n");
    home.write(example);
    let [app] = home.fine().try_into().unwrap();
    assert_eq!(
        (app.name.as_str(), app.args.as_slice()),
        ("Chess", &["--session".to_owned(), "{session}".to_owned()][..])
    );
}

#[test]
fn what_a_person_wrote_stays_as_it_was() {
    let home = Home::new();
    let before = format!(
        "# My games\r\n\n# the best\n{}# with a note\nurl = 'https://example.org' # where\n\n  # old:\n# [[application]]\n\n\
         [[application]] # wrong: no name\nguid = \"{}\"\n\n[extra]\nx = {{ y = 1 }} # mine",
        home.entry(guid(1), "Chess"),
        guid(7)
    );
    home.write(&before);
    home.register(&home.registration(guid(2))).unwrap();
    home.register(&home.registration(guid(3))).unwrap();
    assert!(home.text().starts_with(&before), "{}", home.text());
    home.unregister(&guid(2).to_string()).unwrap();
    let third = home.entry(guid(3), "Chess");
    assert_eq!(home.text(), format!("{before}\n\n{third}"));
    home.unregister(&guid(1).to_string()).unwrap();
    let after = home.text();
    assert!(
        after.starts_with("# My games\r\n\n# the best\n\n  # old:\n# [[application]]\n\n[[application]] # wrong"),
        "{after}"
    );
    assert!(after.contains("x = { y = 1 } # mine\n"), "{after}");
    assert_eq!(home.registry.read().apps.into_keys().collect::<Vec<_>>(), [guid(3)]);
}

#[test]
fn one_wrong_entry_is_left_out_with_its_line() {
    let home = Home::new();
    let program = home.program().display().to_string();
    let head = |n| format!("[[application]]\nguid = \"{}\"\n", guid(n));
    let long = "x".repeat(257);
    let args = format!("name = 'a'\nprogram = '{program}'\nargs = [{}]\n", "'0123456789',".repeat(24));
    for (wrong, line, what) in [
        (String::from("[[application]]\nname = 'a'\n"), 6, "`guid` is missing"),
        (String::from("[[application]]\nguid = 7\n"), 7, "`guid` must be a text in quotes"),
        (String::from("[[application]]\nguid = '7'\n"), 7, "`7` is no GUID"),
        (head(2), 6, "`name` is missing"),
        (format!("{}name = '{long}'\n", head(2)), 8, "at most 256"),
        (format!("{}name = \"a\\u001bb\"\n", head(2)), 8, "`a\\u{1b}b` has control characters"),
        (format!("{}name = 'a'\n", head(2)), 6, "`program` is missing"),
        (format!("{}name = 'a'\nprogram = 'chess'\n", head(2)), 9, "must be absolute"),
        (format!("{}name = 'a'\nprogram = '{program}'\nurl = 'ftp://x'\n", head(2)), 10, "no URL"),
        (format!("{}name = 'a'\nprogram = '{program}'\nargs = 'x'\n", head(2)), 10, "`args` must be a list"),
        (format!("{}name = 'a'\nprogram = '{program}'\nargs = [1]\n", head(2)), 10, "`args` must be a list"),
        (format!("{}{args}", head(2)), 9, "at most 260"),
        (format!("{}name = 'a'\nprogram = '{program}'\nmode = 'shell'\n", head(2)), 10, "`shell` is no mode"),
        (home.entry(guid(1), "Again"), 6, "Chess further up counts"),
    ] {
        let file = format!("{}\n{wrong}\n{}", home.entry(guid(1), "Chess"), home.entry(guid(3), "Go"));
        home.write(&file);
        let complaints = home.complaints();
        assert!(complaints.len() == 1 && complaints[0].contains(what), "{what}: {complaints:?}");
        assert!(complaints[0].starts_with(&format!("config/hither/applications.toml:{line}: ")), "{complaints:?}");
        let names: Vec<String> = home.registry.read().apps.into_values().map(|app| app.name).collect();
        assert_eq!(names, ["Chess", "Go"]);
        home.register(&home.registration(guid(4))).unwrap();
        assert!(home.text().starts_with(&file), "the wrong one stays");
    }
}

#[test]
fn what_means_nothing_is_said_and_does_not_harm() {
    let home = Home::new();
    home.write(format!("version = 2\n{}sandbox = true\nnmae = 'x'\n\n[other]\n", home.entry(guid(1), "Chess")));
    assert_eq!(home.registry.read().apps.len(), 1);
    let complaints = home.complaints();
    let about: Vec<&str> = complaints.iter().map(|complaint| complaint.split_inclusive('`').nth(1).unwrap()).collect();
    assert_eq!(about, ["version`", "sandbox`", "nmae`", "other`"], "{complaints:?}");
}

#[test]
fn a_guid_that_stands_twice_is_taken_out_at_once() {
    let home = Home::new();
    let wrong = format!("[[application]]\nguid = '{}'\n", guid(1));
    home.write(format!(
        "{}\n{}\n{wrong}\n{}",
        home.entry(guid(1), "a"),
        home.entry(guid(1), "b"),
        home.entry(guid(2), "c")
    ));
    assert_eq!(home.unregister(&guid(1).to_string()), Ok(guid(1)));
    assert_eq!(home.text(), home.entry(guid(2), "c"));
    // Only a wrong one: it is not registered, and where to look is said.
    home.write(&wrong);
    let refused = home.registry.unregister(&guid(1).to_string()).unwrap_err();
    assert_eq!(refused.code, Code::SR_APP_NOT_REGISTERED);
    assert!(refused.message.contains("applications.toml:1;"), "{refused}");
    assert_eq!(home.text(), wrong);
}

#[test]
fn a_damaged_file_is_set_aside_and_said_so() {
    let large = vec![b'#'; 1024 * 1024 + 1];
    let cases: [(&[u8], &str); 8] = [
        (b"\n[[application]\n", "applications.toml:2: this is no TOML"),
        (b"guid: {1}\n", "applications.toml:1: this is no TOML"),
        (b"a = 1\na = 2\n", "applications.toml:2: this is no TOML"),
        (b"\n\n# \xff\n", "applications.toml:3: this is no UTF-8"),
        (b"\0\0\0\0", "applications.toml:1: this is no TOML"),
        (b"\n[application]\nguid = 'x'\n", "applications.toml:2: every entry must begin with [[application]]"),
        (b"application = []\n", "applications.toml:1: every entry must begin with [[application]]"),
        (&large, "applications.toml: this is larger than 1024 KiB"),
    ];
    let home = Home::new();
    for (n, (bytes, what)) in cases.iter().enumerate() {
        home.write(bytes);
        let complaints = home.complaints();
        assert!(complaints[0].contains(what), "{what}: {complaints:?}");
        assert_eq!(home.registry.read().apps.len(), 0);
        assert_eq!(home.unregister(&guid(1).to_string()), Err(Code::SR_APP_NOT_REGISTERED));
        let unresolved = Registration { path: "/no/such".into(), ..home.registration(guid(1)) };
        assert_eq!(home.register(&unresolved), Err(Code::E_FAIL));
        assert_eq!(fs::read(home.file()).unwrap(), *bytes, "nothing was done to it yet");

        home.register(&home.registration(guid(1))).unwrap();
        let aside = home.paths.config.join(format!("applications.toml.damaged-{}", n + 1));
        assert_eq!(fs::read(&aside).unwrap(), *bytes);
        assert_eq!(home.registry.read().apps.len(), 1);
        let complaints = home.complaints();
        assert_eq!(complaints.len(), n + 1, "as long as the old ones are there: {complaints:?}");
    }
}

/// Puts something into the place of the file.
type Make<'a> = &'a dyn Fn(&Home);

#[test]
fn something_that_is_no_file_is_set_aside_too() {
    let home = Home::new();
    fs::create_dir_all(&home.paths.config).unwrap();
    let pipe = |home: &Home| {
        rustix::fs::mkfifoat(rustix::fs::CWD, home.file(), rustix::fs::Mode::RWXU).unwrap();
    };
    let make: [(Make<'_>, &str); 5] = [
        (&|home| fs::create_dir(home.file()).unwrap(), "this is a folder"),
        (&pipe, "this is no ordinary file"),
        (&|home| symlink("applications.toml", home.file()).unwrap(), "this link leads to itself"),
        (&|home| symlink("nowhere", home.file()).unwrap(), "this link leads nowhere"),
        (&|home| symlink("/dev/zero", home.file()).unwrap(), "this is no ordinary file"),
    ];
    for (n, (make, what)) in make.iter().enumerate() {
        make(&home);
        assert!(home.complaints()[0].contains(what), "{:?}", home.complaints());
        home.register(&home.registration(guid(1))).unwrap();
        assert_eq!(home.registry.read().apps.len(), 1, "{what}");
        assert!(home.paths.config.join(format!("applications.toml.damaged-{}", n + 1)).symlink_metadata().is_ok());
        fs::remove_file(home.file()).unwrap();
    }
}

#[test]
fn a_name_for_damaged_files_that_is_taken_is_not_taken_again() {
    let home = Home::new();
    home.write("damaged");
    let taken = home.paths.config.join("applications.toml.damaged-1");
    fs::write(&taken, "precious").unwrap();
    home.register(&home.registration(guid(1))).unwrap();
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    assert_eq!(fs::read_to_string(home.paths.config.join("applications.toml.damaged-2")).unwrap(), "damaged");
}

#[test]
fn a_thousand_applications_and_no_more() {
    let home = Home::new();
    let entries = |count: u128| (0..count).map(|n| home.entry(guid(n), "Chess")).collect::<Vec<_>>().join("\n");
    home.write(entries(999));
    assert_eq!(home.register(&home.registration(guid(5000))), Ok(guid(5000)));
    assert_eq!(home.register(&home.registration(guid(5001))), Err(Code::REGDB_E_WRITEREGDB));
    assert_eq!(home.fine().len(), 1000);
    home.write(entries(1001));
    let complaints = home.complaints();
    assert!(complaints.len() == 1 && complaints[0].contains("only 1000 applications are read"), "{complaints:?}");
    assert_eq!(home.registry.read().apps.len(), 1000);
    // Complaints are bounded as well.
    home.write("[[application]]\n".repeat(1000));
    assert_eq!(home.complaints().len(), 100);
    home.write((0..100_000).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("\n"));
    assert_eq!(home.complaints().len(), 100);
}

#[test]
fn long_entries_end_at_the_size_that_can_be_read() {
    let home = Home::new();
    home.write("#".repeat(1024 * 1024 - 50));
    assert_eq!(home.register(&home.registration(guid(1))), Err(Code::REGDB_E_WRITEREGDB));
    assert_eq!(home.fine(), []);
}

#[test]
fn the_persons_entry_wins_over_a_packages() {
    let home = Home::new();
    let system = &home.paths.drop_ins[0];
    fs::create_dir_all(system).unwrap();
    let file = system.join("chess.toml");
    fs::write(&file, home.entry(guid(1), "Installed").replace("[[application]]\n", "")).unwrap();
    assert_eq!((home.fine()[0].name.as_str(), &home.fine()[0].origin), ("Installed", &Origin::System(file.clone())));
    let refused = home.registry.unregister(&guid(1).to_string()).unwrap_err();
    assert_eq!(refused.code, Code::SR_APP_NOT_REGISTERED);
    assert!(refused.message.contains("is registered by a package"), "{refused}");
    assert_eq!(home.register(&home.registration(guid(1))), Ok(guid(1)));
    assert_eq!((home.fine()[0].name.as_str(), &home.fine()[0].origin), ("Chess", &Origin::User));
    assert_eq!(home.unregister(&guid(1).to_string()), Ok(guid(1)));
    assert_eq!(home.fine()[0].name, "Installed");
}
