#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::cell::RefCell;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;

/// A system whose programs only say what they were asked.
#[derive(Default)]
struct Fake {
    ran: RefCell<Vec<String>>,
    systemctl: Option<Ran>,
    entries: Option<Ran>,
}

impl Tools for Fake {
    fn run(&self, program: &str, args: &[&str]) -> Ran {
        self.ran.borrow_mut().push(format!("{program} {}", args.join(" ")));
        let ran = if program == "systemctl" { &self.systemctl } else { &self.entries };
        ran.clone().unwrap_or(Ran::Well)
    }
}

struct Place {
    home: TempDir,
    tools: Fake,
}

impl Place {
    fn new() -> Place {
        Place { home: TempDir::new().unwrap(), tools: Fake::default() }
    }

    fn paths(&self) -> Paths {
        Paths::below(self.home.path())
    }

    fn desktop(&self) -> Desktop<'_> {
        Desktop { usual: true, ..Desktop::new(&self.paths(), &self.tools) }
    }

    fn files(&self) -> Vec<String> {
        fn below(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() { below(&entry.path(), found) } else { found.push(entry.path()) }
            }
        }
        let mut found = Vec::new();
        below(self.home.path(), &mut found);
        let mut found: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(self.home.path()).unwrap().to_str().unwrap().to_owned())
            .collect();
        found.sort();
        found
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.home.path().join(path)).unwrap()
    }

    fn ran(&self) -> Vec<String> {
        self.tools.ran.take()
    }
}

const ALL: [&str; 3] =
    ["config/mimeapps.list", "config/systemd/user/hither-agent.service", "data/applications/hither.desktop"];

fn done(steps: &[Step]) -> Vec<&Done> {
    steps.iter().map(|step| &step.done).collect()
}

fn left(steps: &[Step]) -> Vec<&str> {
    steps.iter().filter(|step| matches!(step.done, Done::ByHand(_))).map(|step| step.what.as_str()).collect()
}

#[test]
fn there_and_back() {
    let place = Place::new();
    let entries = format!("update-desktop-database -q {}", place.home.path().join("data/applications").display());
    let answers = "systemctl --user show --property=Version";

    let steps = place.desktop().install(Path::new("/opt/my hither")).unwrap();
    assert_eq!(place.files(), ALL);
    assert!(left(&steps).is_empty(), "{steps:?}");
    assert!(place.text(ALL[1]).contains("ExecStart=\"/opt/my hither\" agent\n"));
    assert!(place.text(ALL[2]).contains("Exec=\"/opt/my hither\" open %u\n"));
    let enable = "systemctl --user enable --now hither-agent.service";
    let reload = "systemctl --user daemon-reload";
    let restart = "systemctl --user try-restart hither-agent.service";
    assert_eq!(place.ran(), [&entries, answers, reload, enable, restart]);
    assert!(steps.iter().all(|step| !step.to_string().contains(char::is_control)));
    assert!(steps[0].to_string().starts_with("wrote the systemd user unit /"), "{}", steps[0]);

    let steps = place.desktop().install(Path::new("/opt/my hither")).unwrap();
    assert_eq!(done(&steps)[..3], [&Done::Already; 3]);
    assert_eq!(place.ran(), [&entries, answers, reload, enable], "an agent that is the same is not restarted");
    place.desktop().install(Path::new("/opt/moved")).unwrap();
    assert!(place.ran().contains(&restart.to_owned()));

    let steps = place.desktop().uninstall().unwrap();
    assert!(place.files().is_empty() && left(&steps).is_empty(), "{steps:?}");
    let stop = "systemctl --user stop hither-agent.service";
    assert_eq!(place.ran(), [answers, stop, answers, reload, &entries]);
    let steps = place.desktop().uninstall().unwrap();
    assert_eq!(done(&steps), [&Done::Already; 3]);
    assert!(place.ran().is_empty(), "nothing was there");
}

#[test]
fn what_others_have_put_there_stays() {
    let place = Place::new();
    let put = |path: &str, text: &str| {
        let path = place.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let before = "[Default Applications]\ntext/html=firefox.desktop;\n\n[Added Associations]\na=b;\n";
    put("dotfiles/mimeapps.list", before);
    put("config/systemd/user/other.service", "");
    put("data/applications/other.desktop", "");
    let link = place.home.path().join(ALL[0]);
    symlink("../dotfiles/mimeapps.list", &link).unwrap();
    let target = place.home.path().join("dotfiles/mimeapps.list");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
    let files = place.files();

    place.desktop().install(Path::new("/usr/bin/hither")).unwrap();
    assert!(place.text(ALL[0]).contains("firefox.desktop;\nx-scheme-handler/hither=hither.desktop;\n\n[Added"));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    let wants = place.home.path().join("config/systemd/user/graphical-session.target.wants");
    fs::create_dir(&wants).unwrap();
    symlink("../hither-agent.service", wants.join(UNIT)).unwrap();
    symlink("/elsewhere", wants.join("other.service")).unwrap();

    place.desktop().uninstall().unwrap();
    fs::remove_file(wants.join("other.service")).unwrap();
    assert_eq!(place.files(), files);
    assert_eq!(place.text(ALL[0]), before);
}

#[test]
fn what_the_system_cannot_do_is_left_to_the_person() {
    let mut place = Place::new();
    for (systemctl, says) in [(Ran::Absent, "no systemd"), (Ran::Badly("no bus".into()), "does not answer")] {
        (place.tools.systemctl, place.tools.entries) = (Some(systemctl), Some(Ran::Absent));
        let steps = place.desktop().install(Path::new("/usr/bin/hither")).unwrap();
        let by_hand = ["systemctl --user daemon-reload", "systemctl --user enable --now hither-agent.service"];
        assert_eq!(left(&steps)[..2], by_hand);
        assert!(steps.last().unwrap().to_string().contains(says), "{steps:?}");
        assert_eq!(place.ran().len(), 2, "only whether it answers was asked");
        assert_eq!(place.files(), ALL);
        let steps = place.desktop().uninstall().unwrap();
        assert_eq!(left(&steps)[0], "systemctl --user stop hither-agent.service");
        assert!(place.files().is_empty());
        place.ran();
    }
    place.tools.entries = Some(Ran::Badly("no".into()));
    place.tools.systemctl = None;
    let steps = place.desktop().install(Path::new("/usr/bin/hither")).unwrap();
    assert!(left(&steps)[0].starts_with("update-desktop-database /"));
}

#[test]
fn where_the_system_does_not_look_nothing_is_run() {
    let place = Place::new();
    let desktop = Desktop::new(&place.paths(), &place.tools);
    let steps = desktop.install(Path::new("/usr/bin/hither")).unwrap();
    assert!(steps.last().unwrap().to_string().contains("HITHER_HOME"), "{steps:?}");
    assert_eq!(place.files(), ALL);
    desktop.uninstall().unwrap();
    assert!(place.files().is_empty() && place.ran().is_empty());
    install(&place.paths(), Path::new("/usr/bin/hither")).unwrap();
    uninstall(&place.paths()).unwrap();
    assert!(place.files().is_empty());
}

#[test]
fn programs_that_cannot_be_named() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    for name in [&b"hither"[..], b"/a\nExecStart=/bin/evil", b"/a\xff", b"/a\x1b", b"/a\0b", b"/a'=b"] {
        let refused = place.desktop().install(Path::new(OsStr::from_bytes(name))).unwrap_err();
        assert!(matches!(refused, InstallError::Program { .. }), "{refused:?}");
        assert!(!refused.to_string().contains(char::is_control));
    }
    assert!(place.files().is_empty() && place.ran().is_empty());
}

#[test]
fn a_file_that_cannot_be_changed_is_left_alone() {
    let place = Place::new();
    let path = place.home.path().join(ALL[0]);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, b"[Default Applications]\na=\xff\n").unwrap();
    let steps = place.desktop().install(Path::new("/usr/bin/hither")).unwrap();
    assert!(left(&steps)[0].contains("x-scheme-handler/hither=hither.desktop;"), "{steps:?}");
    assert_eq!(fs::read(&path).unwrap(), b"[Default Applications]\na=\xff\n");
    fs::remove_file(&path).unwrap();
    fs::remove_file(place.home.path().join(ALL[2])).unwrap();
    fs::create_dir(place.home.path().join(ALL[2])).unwrap();
    let refused = place.desktop().install(Path::new("/usr/bin/hither")).unwrap_err();
    assert!(matches!(refused, InstallError::Io { .. }), "{refused:?}");
    let there = fs::read_dir(place.home.path().join("data/applications")).unwrap().count();
    assert_eq!(there, 1, "nothing is left behind");
}
