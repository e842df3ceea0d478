//! The operator's HTTP API over real sockets: every request as somebody else's program would write it.

mod changes;
mod doors;
mod keys;
mod live;
mod wrong;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hither_service::{AdminConfig, ServiceConfig};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{PATIENCE, TestService, service_with};

pub const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0ffeeddcc";
/// A password that anybody may choose.
pub const PASSWORD: &str = "correct horse battery";

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It is a problem of this kind, in the right form; its body.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["type"], format!("urn:hither:problem:{slug}"), "{body}");
        assert_eq!(body["status"], status);
        assert!(
            !body["title"].as_str().unwrap().is_empty() && body["detail"].as_str().unwrap().ends_with('.'),
            "{body}"
        );
        body
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

/// Writes a request as it is, and reads until the other end closes.
pub async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> std::io::Result<Reply> {
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer in time")?;
    let text = String::from_utf8(bytes).unwrap();
    let (head, text) = text.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Ok(Reply { status, headers, text: text.to_owned() })
}

/// A request with these header lines, each with its end.
pub fn written(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}{length}\r\n{body}")
}

pub async fn raw(address: SocketAddr, request: &str) -> Reply {
    exchange(TcpStream::connect(address).await.unwrap(), request.as_bytes()).await.unwrap()
}

/// The operator, with the token.
#[derive(Clone, Copy)]
pub struct Operator {
    pub address: SocketAddr,
}

impl Operator {
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        let body = body.map_or(String::new(), |body| body.to_string());
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let headers = format!("Authorization: Bearer {TOKEN}\r\n{kind}");
        raw(self.address, &written(method, path, &headers, &body)).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask("GET", path, None).await.ok()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ask("POST", path, Some(body)).await.ok()
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.ask("PATCH", path, Some(body)).await.ok()
    }
}

/// A file that only its owner reads.
pub fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// With a token, on a free port of this machine.
pub fn with_token(config: &mut ServiceConfig) -> PathBuf {
    let token = config.data.join("token");
    private(&token, &format!("{TOKEN}\n"));
    let listen = ([127, 0, 0, 1], 0).into();
    config.admin = Some(AdminConfig { listen, token_file: Some(token.clone()), client_ca: None, tls: None });
    token
}

pub async fn operated_with(change: impl FnOnce(&mut ServiceConfig)) -> (TestService, Operator) {
    let service = service_with(|config| {
        with_token(config);
        change(config);
    })
    .await;
    let address = service.admin.unwrap();
    (service, Operator { address })
}

pub async fn operated() -> (TestService, Operator) {
    operated_with(|_| {}).await
}
