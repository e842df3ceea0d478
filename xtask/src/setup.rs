//! `cargo xtask setup`: installs what the tests need and what is missing on this machine.
//!
//! A fresh machine has cargo, a C compiler and git, and nothing else. What cannot be installed from
//! here is named, with the command that does it.

mod desktop;
mod proxy;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::{packages, shell};

/// What the client in Python needs, and what tests need beside it, one package a line.
const REQUIREMENTS: [&str; 2] = ["examples/python/requirements.txt", "examples/python/requirements-tests.txt"];

/// Debian's packages for a Python with virtual environments.
const DEBIAN: [&str; 2] = ["python3", "python3-venv"];

/// Installs what is missing.
pub fn run(root: &Path) -> anyhow::Result<()> {
    components(root)?;
    python(root)?;
    desktop::install(root);
    proxy::install(root)
}

/// Whether tests on a desktop can run here.
pub fn has_desktop() -> bool {
    desktop::is_there()
}

/// The interpreter that has the packages of [`REQUIREMENTS`], once [`run`] has been here.
pub fn interpreter(root: &Path) -> anyhow::Result<PathBuf> {
    let within = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    Ok(environment(root)?.join(within))
}

/// nginx, once [`run`] has been here, if it could be had.
pub fn nginx(root: &Path) -> anyhow::Result<Option<PathBuf>> {
    proxy::program(root)
}

fn environment(root: &Path) -> anyhow::Result<PathBuf> {
    Ok(packages::read(root)?.target_directory.join("python"))
}

/// rustfmt and clippy, which a minimal toolchain lacks.
fn components(root: &Path) -> anyhow::Result<()> {
    let parts = [("fmt", "rustfmt"), ("clippy", "clippy")];
    let missing: Vec<&str> = parts
        .into_iter()
        .filter(|(tool, _)| !shell::works("cargo", &[tool, "--version"]))
        .map(|(_, name)| name)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !shell::works("rustup", &["--version"]) {
        bail!("missing: {names}. Install it with the tool that installed Rust");
    }
    println!("installing {names}");
    let mut args = vec!["component", "add"];
    args.extend(missing);
    shell::run(shell::command(root, "rustup", &args)).with_context(|| format!("by hand: rustup component add {names}"))
}

/// A virtual environment with the packages of [`REQUIREMENTS`], made again when they change.
fn python(root: &Path) -> anyhow::Result<()> {
    let read = |name: &str| std::fs::read_to_string(root.join(name)).with_context(|| name.to_owned());
    let wanted = REQUIREMENTS.map(read).into_iter().collect::<anyhow::Result<String>>()?;
    let environment = environment(root)?;
    let installed = environment.join("installed.txt");
    let interpreter = interpreter(root)?;
    let path = interpreter.to_string_lossy();
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) && shell::works(&path, &["--version"]) {
        return Ok(());
    }
    base_python(root)?;
    println!("making a Python environment in {}", environment.display());
    let folder = environment.to_string_lossy();
    shell::run(shell::command(root, "python3", &["-m", "venv", "--clear", &folder]))?;
    let mut install = vec!["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    install.extend(REQUIREMENTS.iter().flat_map(|name| ["--requirement", name]));
    shell::run(shell::command(root, &path, &install))?;
    std::fs::write(&installed, wanted).with_context(|| installed.display().to_string())
}

/// A Python 3 that can make virtual environments.
fn base_python(root: &Path) -> anyhow::Result<()> {
    if shell::works("python3", &["-c", "import ensurepip, venv"]) {
        return Ok(());
    }
    match how_to_install(&DEBIAN, shell::works("apt-get", &["--version"]), is_root(root)) {
        Install::Here => apt_install(root, &DEBIAN),
        Install::ByHand(how) => bail!("Python 3 with its `venv` module is missing. {how}"),
    }
}

fn apt_install(root: &Path, packages: &[&str]) -> anyhow::Result<()> {
    println!("installing {}", packages.join(" "));
    shell::run(shell::command(root, "apt-get", &["update", "--quiet=2"]))?;
    let mut apt = shell::command(root, "apt-get", &["install", "--yes", "--quiet=2", "--no-install-recommends"]);
    apt.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    shell::run(apt)
}

#[derive(Debug, PartialEq, Eq)]
enum Install {
    Here,
    ByHand(String),
}

fn how_to_install(packages: &[&str], apt: bool, root: bool) -> Install {
    match (apt, root) {
        (true, true) => Install::Here,
        (true, false) => {
            let names = packages.join(" ");
            Install::ByHand(format!("Run: sudo apt-get update && sudo apt-get install {names}"))
        }
        (false, _) => {
            let names = packages.join(" ");
            Install::ByHand(format!("Install with your system's package manager what Debian calls {names}"))
        }
    }
}

fn is_root(folder: &Path) -> bool {
    shell::output(shell::command(folder, "id", &["-u"])).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_install_is_told_the_command() {
        assert_eq!(how_to_install(&DEBIAN, true, true), Install::Here);
        let Install::ByHand(how) = how_to_install(&DEBIAN, true, false) else { panic!("only root can install") };
        assert!(how.contains("sudo apt-get install python3 python3-venv"), "{how}");
        assert!(matches!(how_to_install(&DEBIAN, false, true), Install::ByHand(_)));
    }
}
