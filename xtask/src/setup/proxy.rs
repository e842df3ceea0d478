//! nginx, for tests of a service behind a proxy. Where it is not installed, Debian's package is unpacked
//! below the target directory: to install it would start a server on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Install, how_to_install, is_root};
use crate::{packages, shell};

/// Debian's package.
const DEBIAN: [&str; 1] = ["nginx"];
/// Where it is, once it is installed, and in the package.
const PROGRAM: &str = "usr/sbin/nginx";

/// The program, if it is there.
pub fn program(root: &Path) -> anyhow::Result<Option<PathBuf>> {
    let places = [Path::new("/").join(PROGRAM), folder(root)?.join(PROGRAM)];
    Ok(places.into_iter().find(|program| program.exists()))
}

/// Fetches it if it is missing, or says what the tests go without.
pub fn install(root: &Path) -> anyhow::Result<()> {
    if program(root)?.is_some() {
        return Ok(());
    }
    match how_to_install(&DEBIAN, shell::works("apt-get", &["--version"]), is_root(root)) {
        Install::Here => {
            if let Err(error) = unpack(root) {
                println!("tests behind a proxy are skipped: {error:#}");
            }
        }
        Install::ByHand(how) => println!("tests behind a proxy are skipped, since nginx is missing. {how}"),
    }
    Ok(())
}

fn folder(root: &Path) -> anyhow::Result<PathBuf> {
    Ok(packages::read(root)?.target_directory.join("nginx"))
}

fn unpack(root: &Path) -> anyhow::Result<()> {
    let folder = folder(root)?;
    println!("unpacking nginx into {}", folder.display());
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    shell::run(shell::command(root, "apt-get", &["update", "--quiet=2"]))?;
    shell::run(shell::command(
        &folder,
        "apt-get",
        &["download", "--quiet=2", "--option=APT::Sandbox::User=root", DEBIAN[0]],
    ))?;
    let mut packages = std::fs::read_dir(&folder)?.flatten().map(|entry| entry.path());
    let Some(package) = packages.find(|path| path.extension().is_some_and(|extension| extension == "deb")) else {
        bail!("apt-get has left no package in {}", folder.display());
    };
    shell::run(shell::command(&folder, "dpkg-deb", &["--extract", &package.to_string_lossy(), "."]))?;
    // It may lack a library that this machine does not have.
    let program = folder.join(PROGRAM);
    if !shell::works(&program.to_string_lossy(), &["-v"]) {
        std::fs::remove_file(&program).with_context(|| program.display().to_string())?;
        bail!("the program does not run on this machine; apt-get install nginx");
    }
    Ok(())
}
