//! Edits from outside are noticed.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::Duration;

use hither_agent::apps::Watch;
use tokio::time::timeout;

use super::*;

/// Whether a change is told. The clock is paused: it jumps to the end of the time-out as soon as
/// there is nothing to read, so that what was read by then is told by the next call. That the calls
/// before were dropped loses nothing.
async fn told(watch: &mut Watch) -> bool {
    for _ in 0..3 {
        if timeout(Duration::from_mins(1), watch.changed()).await.is_ok() {
            return true;
        }
    }
    false
}

#[tokio::test(start_paused = true)]
async fn every_way_to_change_a_file() {
    let home = Home::new();
    let mut watch = home.registry.watch().unwrap();
    assert!(home.paths.config.is_dir());
    assert!(!told(&mut watch).await, "nothing has happened yet");
    let config = &home.paths.config;
    for name in ["applications.toml", "rules.toml", "account.toml"] {
        let file = config.join(name);
        fs::write(&file, "# one\n").unwrap();
        assert!(told(&mut watch).await, "{name} is written");
        let mut open = fs::OpenOptions::new().append(true).open(&file).unwrap();
        open.write_all(b"# two\n").unwrap();
        assert!(told(&mut watch).await, "{name} is written in place, and not closed");
        drop(open);
        assert!(told(&mut watch).await, "{name} is closed");
        fs::write(config.join("draft"), "# three\n").unwrap();
        assert!(!told(&mut watch).await, "a draft");
        fs::rename(config.join("draft"), &file).unwrap();
        assert!(told(&mut watch).await, "{name} is replaced");
        fs::rename(&file, config.join("draft")).unwrap();
        assert!(told(&mut watch).await, "{name} is moved away");
        fs::hard_link(config.join("draft"), &file).unwrap();
        assert!(told(&mut watch).await, "{name} is linked");
        fs::remove_file(&file).unwrap();
        assert!(told(&mut watch).await, "{name} is removed");
        assert!(!told(&mut watch).await, "nothing more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_told_once_and_other_files_are_not() {
    let home = Home::new();
    let mut watch = home.registry.watch().unwrap();
    for n in 0..50 {
        home.register(&home.registration(guid(n))).unwrap();
    }
    assert!(told(&mut watch).await);
    assert!(!told(&mut watch).await);
    for other in [".applications.toml.new", "applications.lock", "applications.toml~", "4913", ".x.toml"] {
        fs::write(home.paths.config.join(other), "x").unwrap();
    }
    assert!(!told(&mut watch).await);
}

#[tokio::test(start_paused = true)]
async fn folders_that_come_and_go() {
    let home = Home::new();
    let mut watch = home.registry.watch().unwrap();
    let system = &home.paths.drop_ins[0];
    fs::create_dir_all(system.parent().unwrap().parent().unwrap()).unwrap();
    assert!(told(&mut watch).await, "a folder above");
    fs::create_dir_all(system).unwrap();
    assert!(told(&mut watch).await, "the folder");
    fs::write(system.join("chess.toml"), "").unwrap();
    assert!(told(&mut watch).await, "a file in it");
    fs::write(system.join("chess.toml.dpkg-new"), "").unwrap();
    assert!(!told(&mut watch).await, "another file in it");
    fs::remove_dir_all(home.path().join("system")).unwrap();
    assert!(told(&mut watch).await, "all of it is gone");
    fs::create_dir_all(system).unwrap();
    assert!(told(&mut watch).await, "it is there again");
    fs::write(system.join("chess.toml"), "").unwrap();
    assert!(told(&mut watch).await, "with a file");

    fs::rename(&home.paths.config, home.path().join("old")).unwrap();
    assert!(told(&mut watch).await, "the person's folder is moved away");
    fs::write(home.path().join("old/applications.toml"), "").unwrap();
    assert!(!told(&mut watch).await, "and means nothing any more");
    home.write("# new\n");
    assert!(told(&mut watch).await, "a new one");
    home.write("# newer\n");
    assert!(told(&mut watch).await, "in which files are seen");
}

#[tokio::test(start_paused = true)]
async fn a_file_kept_elsewhere() {
    let home = Home::new();
    let kept = home.path().join("dotfiles");
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("games.txt"), "").unwrap();
    let mut watch = home.registry.watch().unwrap();
    symlink(kept.join("games.txt"), home.file()).unwrap();
    assert!(told(&mut watch).await, "the link");
    fs::write(kept.join("games.txt"), "# one\n").unwrap();
    assert!(told(&mut watch).await, "what it leads to");
    fs::write(kept.join("other.toml"), "").unwrap();
    assert!(!told(&mut watch).await, "a neighbour");
    home.register(&home.registration(guid(1))).unwrap();
    assert!(told(&mut watch).await, "our own writing");
    assert!(fs::read_to_string(kept.join("games.txt")).unwrap().starts_with("# one\n"));
}
