//! `cargo xtask sim`: the simulator, optimised; and the bugs that show that it can find any.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// The simulator's own options follow; `cargo xtask sim --help` lists them. One is not among them:
/// `--mutants` puts known bugs into a copy of the machines, one at a time, and shows that the
/// simulator finds each, and how fast.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Options of the simulator.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

/// A bug to put in: one piece of text in one file, and what takes its place.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "two winners: an acceptance without its application does not end the ringing",
        file: "crates/proto/src/session.rs",
        from: "self.transition(Phase::Accepted { answerer: device, attached, until, times: ringing.times });",
        to: "if attached.len() > 1 { self.transition(Phase::Accepted { answerer: device, attached, until, times: ringing.times }); }",
    },
    Mutant {
        name: "a lost event: whoever resumes is not told the first one again",
        file: "crates/proto/src/service/sign_in.rs",
        from: "device.pending().cloned()",
        to: "device.pending().skip(1).cloned()",
    },
    Mutant {
        name: "a doubled request: kept answers are not looked at",
        file: "crates/proto/src/service/connection.rs",
        from: "device.answered(key))",
        to: "device.answered(key)).filter(|_| false)",
    },
    Mutant {
        name: "a ring past its deadline: who resumes is told the whole ringing time again",
        file: "crates/proto/src/service/sign_in.rs",
        from: "            let Invitation { session, ring_ms, .. } = &mut **invitation;\n            *ring_ms = left(session);",
        to: "            let Invitation { session, .. } = &mut **invitation;\n            let _ = left(session);",
    },
    Mutant {
        name: "a budget refilled: the invitee's context data are never more than one",
        file: "crates/proto/src/session/record.rs",
        from: "self.sent_by_invitee += 1",
        to: "self.sent_by_invitee = 1",
    },
];

/// How many seeds a mutant may survive.
const SEEDS: &str = "200000";

pub fn run(root: &Path, args: &Args) -> anyhow::Result<()> {
    if args.options.iter().any(|option| option == "--mutants") {
        return mutants(root);
    }
    let status = simulator(root, &root.join("target")).args(&args.options).status().context("cargo cannot be run")?;
    if status.success() { Ok(()) } else { bail!("the simulator says no") }
}

fn simulator(folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder).env("CARGO_TARGET_DIR", target);
    command.args(["run", "--quiet", "--release", "--package", "hither-sim", "--"]);
    command
}

fn mutants(root: &Path) -> anyhow::Result<()> {
    let copy = root.join("target/mutants/source");
    for mutant in MUTANTS {
        lay_out(root, &copy)?;
        mutate(&copy, mutant)?;
        let output = simulator(&copy, &root.join("target/mutants/build"))
            .args(["--seeds", SEEDS, "--keep", "failure.plan"])
            .output()
            .context("cargo cannot be run")?;
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{}", mutant.name);
        match said.lines().find(|line| line.contains("breaks a promise")) {
            Some(found) => {
                let how = said.lines().find(|line| line.starts_with("shortened")).unwrap_or_default();
                println!("  found: {found}\n  {how}");
            }
            None => bail!("not found in {SEEDS} seeds:\n{said}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    println!("{} bugs put in, {} found", MUTANTS.len(), MUTANTS.len());
    Ok(())
}

/// A fresh copy of what the simulator is made of.
fn lay_out(root: &Path, copy: &Path) -> anyhow::Result<()> {
    if copy.exists() {
        std::fs::remove_dir_all(copy)?;
    }
    for name in ["wire", "proto", "sim"] {
        copy_folder(&root.join("crates").join(name), &copy.join("crates").join(name))?;
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let is_members = |line: &&str| line.starts_with("members");
    let members = manifest.lines().find(is_members).context("the workspace has `members` on one line")?;
    std::fs::write(copy.join("Cargo.toml"), manifest.replace(members, "members = [\"crates/*\"]"))?;
    std::fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to: PathBuf = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// The text must stand there exactly once, so that a mutant cannot become none unnoticed.
fn mutate(copy: &Path, mutant: &Mutant) -> anyhow::Result<()> {
    let path = copy.join(mutant.file);
    let text = std::fs::read_to_string(&path)?;
    match text.matches(mutant.from).count() {
        1 => Ok(std::fs::write(path, text.replace(mutant.from, mutant.to))?),
        count => bail!("`{}` stands {count} times in {}: the mutant must follow the code", mutant.from, mutant.file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutant_still_fits_the_code() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for mutant in MUTANTS {
            let text = std::fs::read_to_string(root.join(mutant.file)).unwrap();
            assert_eq!(text.matches(mutant.from).count(), 1, "{}", mutant.name);
            assert_ne!(mutant.from, mutant.to);
        }
    }
}
