//! What packages install.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

/// A home with two folders of the system.
fn home() -> (Home, PathBuf, PathBuf) {
    let mut home = Home::new();
    let (first, second) = (home.path().join("first"), home.path().join("second"));
    fs::create_dir(&first).unwrap();
    fs::create_dir(&second).unwrap();
    home.paths.drop_ins = vec![first.clone(), home.path().join("missing"), second.clone()];
    home.registry = Registry::new(&home.paths);
    (home, first, second)
}

fn entry(home: &Home, n: u128, name: &str) -> String {
    home.entry(guid(n), name).replace("[[application]]\n", "")
}

#[test]
fn folders_in_order_and_files_by_name() {
    let (home, first, second) = home();
    fs::write(first.join("b.toml"), entry(&home, 1, "b")).unwrap();
    fs::write(first.join("a.toml"), entry(&home, 1, "a")).unwrap();
    fs::write(second.join("0.toml"), entry(&home, 1, "0")).unwrap();
    fs::write(second.join("c.toml"), entry(&home, 2, "c")).unwrap();
    for ignored in [".d.toml", "d.toml.dpkg-new", "d", "d.TOML", "d.toml~"] {
        fs::write(second.join(ignored), "damaged").unwrap();
    }
    fs::write(home.path().join("elsewhere"), entry(&home, 3, "linked")).unwrap();
    symlink("../elsewhere", second.join("e.toml")).unwrap();
    let Listing { apps, .. } = home.registry.read();
    assert_eq!(apps.into_values().map(|app| app.name).collect::<Vec<_>>(), ["a", "c", "linked"]);
    let complaints = home.complaints();
    assert!(complaints.len() == 1 && complaints[0].starts_with("first/b.toml: "), "{complaints:?}");
    assert!(complaints[0].contains("first/a.toml already"), "{complaints:?}");
}

#[test]
fn whatever_is_wrong_is_said_and_the_rest_counts() {
    let (home, first, _) = home();
    fs::write(first.join("a.toml"), "name = 'a'\n").unwrap();
    fs::write(first.join("b.toml"), b"\n\xff").unwrap();
    fs::write(first.join("c.toml"), format!("{}#{}", entry(&home, 1, "c"), "x".repeat(64 * 1024))).unwrap();
    fs::create_dir(first.join("d.toml")).unwrap();
    symlink("nowhere", first.join("e.toml")).unwrap();
    fs::write(first.join("f.toml"), home.entry(guid(1), "f")).unwrap();
    fs::write(first.join("g.toml"), format!("{}future = 1\n", entry(&home, 2, "g"))).unwrap();
    fs::write(first.join("h.toml"), "name = ").unwrap();
    let names: Vec<String> = home.registry.read().apps.into_values().map(|app| app.name).collect();
    assert_eq!(names, ["g"]);
    let complaints = home.complaints();
    let begin = [
        "first/a.toml:1: `guid` is missing",
        "first/b.toml:2: this is no UTF-8",
        "first/c.toml: this is larger than 64 KiB",
        "first/d.toml: this is a folder",
        "first/e.toml: this link leads nowhere",
        "first/f.toml:1: `guid` is missing",
        "first/g.toml:4: `future` means nothing here",
        "first/h.toml:1: this is no TOML",
    ];
    assert_eq!(complaints.len(), begin.len(), "{complaints:?}");
    for (complaint, begin) in complaints.iter().zip(begin) {
        assert!(complaint.starts_with(begin), "{complaint}, expected {begin}");
    }
}

#[test]
fn a_thousand_files_and_no_more() {
    let (home, first, second) = home();
    for n in 0..999 {
        fs::write(first.join(format!("{n:04}.toml")), entry(&home, n, "Chess")).unwrap();
    }
    fs::write(second.join("b.toml"), entry(&home, 5001, "b")).unwrap();
    fs::write(second.join("a.toml"), entry(&home, 5000, "a")).unwrap();
    let Listing { apps, .. } = home.registry.read();
    assert_eq!((apps.len(), apps.contains_key(&guid(5000))), (1000, true));
    let complaints = home.complaints();
    assert!(complaints.len() == 1 && complaints[0].starts_with("second: only 1000"), "{complaints:?}");
}

#[test]
fn a_folder_that_is_a_file_is_said() {
    let (home, first, _) = home();
    fs::remove_dir(&first).unwrap();
    fs::write(&first, "").unwrap();
    let complaints = home.complaints();
    assert!(complaints.len() == 1 && complaints[0].starts_with("first: cannot be read"), "{complaints:?}");
}
