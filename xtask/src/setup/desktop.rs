//! A screen, a bus, a notification daemon and a keyring, for tests of the agent on a desktop. They are
//! not there on a server, so the tests go without them where they cannot be installed from here.

use std::path::Path;

use super::{Install, apt_install, how_to_install, is_root};
use crate::shell;

/// Debian's packages.
const DEBIAN: [&str; 8] =
    ["xvfb", "xauth", "dbus", "xfce4-notifyd", "xdotool", "fonts-dejavu-core", "gnome-keyring", "desktop-file-utils"];

/// Programs that are there when the packages are.
const PROGRAMS: [&str; 6] = [
    "/usr/bin/Xvfb",
    "/usr/bin/dbus-daemon",
    "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd",
    "/usr/bin/xdotool",
    "/usr/bin/gnome-keyring-daemon",
    "/usr/bin/desktop-file-validate",
];

/// Whether everything is there.
pub fn is_there() -> bool {
    PROGRAMS.iter().all(|program| Path::new(program).exists())
}

/// Installs what is missing, or says what the tests go without.
pub fn install(root: &Path) {
    if is_there() {
        return;
    }
    match how_to_install(&DEBIAN, shell::works("apt-get", &["--version"]), is_root(root)) {
        Install::Here => {
            if let Err(error) = apt_install(root, &DEBIAN) {
                println!("tests on a desktop are skipped: {error:#}");
            }
        }
        Install::ByHand(how) => println!("tests on a desktop are skipped, since programs for them are missing. {how}"),
    }
}
