//! `hither health`: whether a service on this machine takes clients, for a container's health check.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::config::Sources;
use crate::terminal::show;

/// How long a service that is well takes at most.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest answer that is looked at.
const ANSWER_BYTES: u64 = 4_096;

/// Asks `/readyz` where the settings say that operators' tools are answered.
pub fn run(sources: &Sources) -> Result<ExitCode> {
    let Some(address) = sources.operations() else {
        bail!("nothing can be asked: set service.operations, as `hither serve` has it");
    };
    let address = nearby(address);
    let answer = ask(address).with_context(|| format!("no service answers at {address}"))?;
    let status = answer.lines().next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 200 ") {
        show("ready")?;
        return Ok(ExitCode::SUCCESS);
    }
    show(if status.starts_with("HTTP/1.1 503 ") { "stopping" } else { "what answers there is no hither service" })?;
    Ok(ExitCode::FAILURE)
}

/// A service that listens everywhere is asked here.
fn nearby(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
