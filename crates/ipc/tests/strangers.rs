//! Another user of the machine: tried with a process of one, where the tests may make such.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "how the processes talk")]

use std::env;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hither_ipc::{ConnectError, Listener, connect};
use tempfile::TempDir;
use tokio::time::timeout;

/// `nobody`.
const STRANGER: u32 = 65_534;
/// What the stranger is to do, and where.
const TASK: &str = "HITHER_TEST_STRANGER";
const SOCKET: &str = "HITHER_TEST_SOCKET";

/// A folder that everybody can enter, with this program in it, since the stranger may not be able to
/// read it where it is.
struct Place {
    home: TempDir,
    program: PathBuf,
}

impl Place {
    /// `None` where the tests may not become somebody else.
    fn new() -> Option<Place> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can be a second user");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o711)).unwrap();
        let program = home.path().join("stranger");
        fs::copy(env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        Some(Place { home, program })
    }

    fn socket(&self) -> PathBuf {
        self.home.path().join("run/agent.sock")
    }

    /// Lets everybody through to the socket, as a careless person may.
    fn open_up(&self) {
        fs::set_permissions(self.home.path().join("run"), Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(self.socket(), Permissions::from_mode(0o666)).unwrap();
    }

    fn stranger(&self, task: &str, socket: &Path) -> Stranger {
        let mut command = Command::new(&self.program);
        command.args(["--exact", "the_stranger", "--nocapture"]).env(TASK, task).env(SOCKET, socket);
        command.uid(STRANGER).gid(STRANGER).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        Stranger(command.spawn().unwrap())
    }
}

struct Stranger(Child);

impl Stranger {
    /// What it says it has found.
    fn says(&mut self) -> String {
        let said = BufReader::new(self.0.stdout.as_mut().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        lines.find_map(|line| Some(line.split_once("stranger: ")?.1.to_owned())).unwrap()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

/// Not a test: what the second user's process does.
#[test]
fn the_stranger() {
    let (Ok(task), Ok(socket)) = (env::var(TASK), env::var(SOCKET)) else { return };
    let socket = Path::new(&socket);
    match task.as_str() {
        "connect" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            println!("stranger: {:?}", runtime.block_on(connect(socket)).map(drop));
        }
        "speak" => {
            let said = UnixStream::connect(socket).and_then(|mut stream| {
                stream.write_all(b"{\"id\":1,\"do\":\"hello\",\"versions\":[1]}\n")?;
                let mut heard = String::new();
                // Being cut off with or without an error is the same.
                drop(stream.read_to_string(&mut heard));
                Ok(heard)
            });
            println!("stranger: {:?}", said.map_err(|error| error.kind()));
        }
        "listen" => {
            let _listener = UnixListener::bind(socket).unwrap();
            println!("stranger: listening");
            drop(std::io::stdin().read(&mut [0]));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_stranger_cannot_reach_the_socket() {
    let Some(place) = Place::new() else { return };
    let _listener = Listener::bind(&place.socket()).unwrap();
    assert!(place.stranger("connect", &place.socket()).says().starts_with("Err(NotYours("));
    assert_eq!(place.stranger("speak", &place.socket()).says(), "Err(PermissionDenied)");
}

#[tokio::test]
async fn a_stranger_who_gets_through_is_turned_away() {
    let Some(place) = Place::new() else { return };
    let listener = Listener::bind(&place.socket()).unwrap();
    place.open_up();
    let mut stranger = place.stranger("speak", &place.socket());
    let said = tokio::task::spawn_blocking(move || stranger.says());
    tokio::select! {
        accepted = listener.accept() => panic!("{accepted:?}"),
        said = said => {
            let said = said.unwrap();
            assert!(said == "Ok(\"\")" || said.contains("BrokenPipe"), "{said}");
        }
    }
    // The next one of this user is let in.
    let socket = place.socket();
    let connecting = connect(&socket);
    let (accepted, connected) = tokio::join!(timeout(Duration::from_secs(20), listener.accept()), connecting);
    assert_eq!(accepted.unwrap().unwrap().peer.pid, Some(std::process::id()));
    connected.unwrap();
}

#[tokio::test]
async fn an_agent_of_a_stranger_is_not_spoken_to() {
    let Some(place) = Place::new() else { return };
    let folder = place.home.path().join("theirs");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    chown(&folder, Some(STRANGER), None).unwrap();
    let socket = folder.join("agent.sock");
    let mut stranger = place.stranger("listen", &socket);
    assert_eq!(stranger.says(), "listening");
    assert!(matches!(connect(&socket).await, Err(ConnectError::NotYours(_))), "the file is theirs");
    chown(&socket, Some(0), None).unwrap();
    assert!(matches!(connect(&socket).await, Err(ConnectError::NotYours(_))), "the process is");
    drop(stranger);
    chown(&socket, Some(STRANGER), None).unwrap();
    assert!(matches!(connect(&socket).await, Err(ConnectError::NotYours(_))), "though nobody listens");
    // Where they were quicker, this person's agent does not listen.
    let refused = Listener::bind(&socket).unwrap_err();
    assert!(refused.to_string().contains("belongs to somebody else"), "{refused:?}");
}
