//! Behind a real proxy, set up as the documentation says.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::operating::{Operated, certify};
use crate::world::{Console, connected, lines};

/// From where it connects to the service: unlike the clients.
const OUTSIDE: &str = "127.0.0.9";

struct Nginx {
    child: Child,
    url: String,
}

impl Nginx {
    /// The location that `docs/operating.md` gives, in front of a service. `cargo xtask ci` names the program,
    /// `cargo xtask setup` fetches it. Whoever has run neither gets this passed over, and is told so.
    #[expect(clippy::print_stdout, reason = "who runs the tests is told what was passed over")]
    fn before(service: &Operated) -> Option<Nginx> {
        let Some(program) = std::env::var_os("HITHER_TEST_NGINX") else {
            println!("passed over: HITHER_TEST_NGINX does not say where nginx is");
            return None;
        };
        let folder = service.path("");
        certify(&folder);
        let upstream = service.url.trim_start_matches("ws://").trim_end_matches("/v1");
        let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md")).unwrap();
        let location = guide.split("```nginx\n").nth(1).unwrap().split("```").next().unwrap();
        assert!(location.contains("http://127.0.0.1:4000;"), "{location}");
        let location = location.replace("127.0.0.1:4000", upstream);
        // A port that was free a moment ago may be somebody else's by now.
        let nginx = (0..10).find_map(|_| Nginx::start(Path::new(&program), &folder, &location));
        Some(nginx.expect("a free port"))
    }

    fn start(program: &Path, folder: &Path, location: &str) -> Option<Nginx> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let folders = kinds.map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display())).concat();
        let config = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr notice; events {{}}\n\
             http {{ access_log off; {folders}\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {0}/cert; ssl_certificate_key {0}/key;\n\
             proxy_bind {OUTSIDE};\n{location} }} }}",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new(program);
        command.arg("-e").arg("stderr").arg("-p").arg(folder).arg("-c").arg(&file);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = lines(child.stderr.take().unwrap());
        let url = format!("wss://127.0.0.1:{port}/v1");
        let nginx = Nginx { child, url };
        let mut log = Vec::new();
        for line in said {
            // It listens before it says so.
            if line.contains("start worker process") || line.contains("using the \"epoll\"") {
                return Some(nginx);
            }
            log.push(line);
        }
        let log = log.join("\n");
        assert!(log.contains("Address already in use"), "{log}");
        None
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn two_play_through_nginx_and_are_who_they_are() {
    let service = Operated::start(&format!("proxies = [\"{OUTSIDE}\"]\n"));
    let Some(nginx) = Nginx::before(&service) else { return };
    let person = |user: &str| {
        let file: PathBuf = service.add_account(user);
        let mut console = Console::trusting(&nginx.url, user, &file, &service.path("ca"));
        console.event("OnSignin");
        console
    };
    let (mut alice, mut bob) = (person("alice@example.org"), person("bob@example.org"));
    alice.ok(json!({"do": "contact", "add": "bob@example.org"}));
    bob.ok(json!({"do": "contact", "add": "alice@example.org"}));
    alice.until_status("bob@example.org", "ONLINE");
    let session = connected(&mut alice, &mut bob);
    alice.ok(json!({"do": "context", "session": session, "data": "through nginx"}));
    assert_eq!(bob.session_event()["data"], "through nginx");

    let audit = fs::read_to_string(service.path("data/audit.jsonl")).unwrap();
    let signed_in: Vec<_> = audit.lines().filter(|line| line.contains("signed-in")).collect();
    assert_eq!(signed_in.len(), 2, "{audit}");
    assert!(signed_in.iter().all(|line| line.contains(r#""address":"127.0.0.1""#)), "{audit}");
}
