//! What this test does when it is started as a program.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// The arguments with which this test is a program. Any text may be one: the harness takes what
/// comes after each `--skip` as it is.
pub fn args(home: &Path, texts: &[&str]) -> Vec<String> {
    let mut args = ["--exact", "program::the_program", "--nocapture", "--skip"].map(str::to_owned).to_vec();
    args.push(format!("in {}", home.display()));
    args.extend(texts.iter().flat_map(|text| ["--skip".to_owned(), format!("text {text}")]));
    args
}

/// Not a test: a program that says who it is and does what it is told, line by line.
#[test]
fn the_program() {
    let Some(home) = env::args().find_map(|arg| Some(arg.strip_prefix("in ")?.to_owned())) else { return };
    let mut stream = UnixStream::connect(Path::new(&home).join("programs")).unwrap();
    writeln!(stream, "{}", std::process::id()).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        let (what, with) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "exit" => std::process::exit(with.parse().unwrap()),
            "kill" => kill_process(getpid(), Signal::KILL).unwrap(),
            "mumble" => eprintln!("{with}"),
            "variable" => writeln!(stream, "{:?}", env::var(with).ok()).unwrap(),
            "folder" => writeln!(stream, "{}", env::current_dir().unwrap().display()).unwrap(),
            "group" => writeln!(stream, "{}", rustix::process::getpgrp().as_raw_pid()).unwrap(),
            "read" => writeln!(stream, "{:?}", std::io::read_to_string(std::io::stdin()).unwrap()).unwrap(),
            "fork" => spawn(Path::new(&home)),
            "signal" => kill_process(Pid::from_raw(with.parse().unwrap()).unwrap(), Signal::KILL).unwrap(),
            other => panic!("{other}"),
        }
    }
}

/// A child that goes on by itself.
fn spawn(home: &Path) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(args(home, &[])).stdin(Stdio::null()).stdout(Stdio::null());
    drop(command.spawn().unwrap());
}
