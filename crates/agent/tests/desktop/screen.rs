//! A screen, a session bus and a notification daemon of the test's own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const DAEMON: &str = "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd";
/// Longer than anything here takes; a test that waits so long has failed.
const LONG: Duration = Duration::from_secs(30);
/// Looks at a card that all show the same before it is steady: it slides in.
const STEADY: usize = 20;
/// Where the daemon puts *Accept*, the first of two buttons: so far from the lower right corner.
const ACCEPT: (i64, i64) = (148, 31);

pub struct Screen {
    display: String,
    bus: String,
    server: Child,
    dbus: Child,
    daemon: Option<Child>,
    folder: TempDir,
}

/// A window on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

fn is_there(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    program.starts_with('/') && fs::exists(program).unwrap()
        || std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

impl Screen {
    /// A screen with everything on it; nothing where the programs are missing, unless the test has to run.
    #[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub fn start() -> Option<Screen> {
        let missing: Vec<&str> =
            ["Xvfb", "dbus-daemon", "xdotool", DAEMON].into_iter().filter(|program| !is_there(program)).collect();
        if !missing.is_empty() {
            assert!(std::env::var_os("HITHER_REQUIRE_DESKTOP").is_none(), "missing: {missing:?}");
            eprintln!("skipped: a desktop test needs {missing:?}, which `cargo xtask setup` installs");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let display = format!(":{}", first_line(&mut server));
        let config = folder.path().join("bus.conf");
        let socket = folder.path().join("bus");
        fs::write(&config, bus_config(&socket.to_string_lossy())).unwrap();
        let (dbus, bus) = start_bus(&config);
        let mut screen = Screen { display, bus, server, dbus, daemon: None, folder };
        screen.start_daemon();
        Some(screen)
    }

    /// Where a program finds the screen and the bus.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("DISPLAY", self.display.clone()),
            ("DBUS_SESSION_BUS_ADDRESS", self.bus.clone()),
            ("HOME", self.folder.path().to_string_lossy().into_owned()),
            ("GSETTINGS_BACKEND", "memory".into()),
            ("NO_AT_BRIDGE", "1".into()),
        ]
    }

    #[allow(dead_code, reason = "not every test that includes this file talks to the bus itself")]
    pub fn bus(&self) -> String {
        self.bus.clone()
    }

    /// Ends the bus, and begins another where it was; who was on it is not any more.
    #[allow(dead_code, reason = "not every test that includes this file does so")]
    pub fn restart_bus(&mut self) {
        self.dbus.kill().unwrap();
        self.dbus.wait().unwrap();
        drop(fs::remove_file(self.folder.path().join("bus")));
        (self.dbus, self.bus) = start_bus(&self.folder.path().join("bus.conf"));
    }

    pub fn start_daemon(&mut self) {
        let mut command = Command::new(DAEMON);
        command.envs(self.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.daemon = Some(command.spawn().unwrap());
    }

    #[allow(dead_code, reason = "not every test that includes this file ends the daemon")]
    pub fn stop_daemon(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// Waits for a card on the screen that has reached its place and size.
    pub fn card(&self) -> Window {
        self.steady(|cards| cards.into_iter().next())
    }

    /// Waits until so many cards are on the screen, each in its place.
    #[allow(dead_code, reason = "not every test that includes this file shows several")]
    pub fn several(&self, count: usize) -> Vec<Window> {
        self.steady(|cards| (cards.len() == count).then_some(cards))
    }

    fn steady<T: PartialEq>(&self, pick: impl Fn(Vec<Window>) -> Option<T>) -> T {
        let since = Instant::now();
        let (mut last, mut same) = (None, 0);
        while since.elapsed() < LONG {
            let Some(look) = pick(self.cards()) else { continue };
            same = if last.as_ref() == Some(&look) { same + 1 } else { 1 };
            if same == STEADY {
                return look;
            }
            last = Some(look);
        }
        panic!("the cards are not shown");
    }

    /// Waits until no card is on the screen.
    #[allow(dead_code, reason = "not every test that includes this file waits for that")]
    pub fn no_card(&self) {
        let since = Instant::now();
        while since.elapsed() < LONG {
            if self.cards().is_empty() {
                return;
            }
        }
        panic!("a card is still shown");
    }

    /// Presses *Accept* on a card, with the mouse.
    pub fn accept(&self, card: Window) {
        let (x, y) = (card.x + card.width - ACCEPT.0, card.y + card.height - ACCEPT.1);
        self.xdotool(&["mousemove", "--sync", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// Keeps a picture of the screen, if somebody wants it.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("HITHER_SCREENSHOTS").map(PathBuf::from) else { return };
        let mut command = Command::new("import");
        command.envs(self.environment()).args(["-window", "root"]).arg(folder.join(name));
        assert!(command.status().unwrap().success());
    }

    /// The cards on the screen. The daemon's windows have no name that one could go by, but nobody else
    /// has windows here.
    fn cards(&self) -> Vec<Window> {
        let ids = self.xdotool(&["search", "--onlyvisible", "--class", "notifyd"]);
        ids.lines().filter_map(|id| self.window(id)).filter(|window| window.height > 40 && window.x > 0).collect()
    }

    fn window(&self, id: &str) -> Option<Window> {
        let shell = self.xdotool(&["getwindowgeometry", "--shell", id]);
        let value =
            |name: &str| shell.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
        Some(Window { x: value("X")?, y: value("Y")?, width: value("WIDTH")?, height: value("HEIGHT")? })
    }

    fn xdotool(&self, args: &[&str]) -> String {
        let output = Command::new("xdotool").envs(self.environment()).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in self.daemon.iter_mut().chain([&mut self.dbus, &mut self.server]) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn start_bus(config: &Path) -> (Child, String) {
    let mut dbus = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--print-address=1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = first_line(&mut dbus);
    // Without the id of this very bus, as the system's session has it: another may take its place.
    let address = address.split(',').next().unwrap().to_owned();
    (dbus, address)
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn bus_config(socket: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#
    )
}
