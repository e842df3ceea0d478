//! Starting applications and following them, with real processes. The programs are this test itself,
//! started again, or small ones that every system has.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod arguments;
mod failures;
mod families;
mod output;
mod program;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hither_agent::launch::{Exit, Launcher, Order, Process};
use hither_wire::Guid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

/// Only so that a broken program fails a test rather than holding it up.
const LONG: Duration = Duration::from_secs(30);

/// A launcher with its folder, and the programs that it starts.
struct Place {
    home: TempDir,
    launcher: Launcher,
    programs: UnixListener,
}

impl Place {
    fn new() -> Place {
        let home = TempDir::new().unwrap();
        let launcher = Launcher::new(home.path().join("launched"));
        let programs = UnixListener::bind(home.path().join("programs")).unwrap();
        Place { home, launcher, programs }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// This test again, as a program with these arguments.
    fn order(&self, args: &[&str]) -> Order {
        let mut order = order(&env::current_exe().unwrap(), &program::args(self.path(), args));
        order.socket = self.path().join("agent.sock");
        order
    }

    /// The next program that says it is there.
    async fn program(&self) -> Program {
        let (stream, _) = timeout(LONG, self.programs.accept()).await.unwrap().unwrap();
        let mut stream = BufReader::new(stream);
        let mut pid = String::new();
        timeout(LONG, stream.read_line(&mut pid)).await.unwrap().unwrap();
        Program { stream, pid: pid.trim().parse().unwrap() }
    }
}

/// A program that waits to be told what to do.
struct Program {
    stream: BufReader<UnixStream>,
    pid: u32,
}

impl Program {
    async fn tell(&mut self, what: &str) {
        self.stream.write_all(format!("{what}\n").as_bytes()).await.unwrap();
    }

    /// What it answers.
    async fn says(&mut self) -> String {
        let mut line = String::new();
        timeout(LONG, self.stream.read_line(&mut line)).await.unwrap().unwrap();
        line.trim_end().to_owned()
    }

    fn process(&self) -> Process {
        Process::of(self.pid).unwrap()
    }
}

fn order(program: &Path, args: &[String]) -> Order {
    Order {
        session: Guid(0xABCD_EF01_2345_6789_ABCD_EF01_2345_6789),
        program: program.to_owned(),
        args: args.to_vec(),
        socket: "agent.sock".into(),
        secret: "0123456789abcdef0123456789abcdef".into(),
        local: None,
        remote: None,
    }
}

/// A small program that every system has.
fn small(name: &str) -> PathBuf {
    let folders = ["/usr/bin", "/bin"].map(PathBuf::from);
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.exists()).unwrap()
}

async fn exit(launcher: &Launcher, process: Process) -> Exit {
    timeout(LONG, launcher.exited(process)).await.unwrap()
}
