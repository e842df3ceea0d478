//! What a session costs the service, beside a bare WebSocket relay that does the same sends, in one
//! run on one machine: `cargo bench -p hither-service --bench session`.
//!
//! Each is measured in plain text and, in a second table, over TLS.
//!
//! Both servers run as processes of their own (this executable, started again) and are asked by the
//! same load: many connections, some sessions in flight, seven relayed messages of about 300
//! characters each (invite, accept, two context data each way, end). Counted is the CPU time of the
//! server's process for a session, and its resident memory for an idle connection after use.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark, which prints")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]
#![allow(missing_docs, reason = "no library")]

mod encryption;
mod load;
mod process;
mod relay;
mod server;

use std::path::{Path, PathBuf};

use process::Server;

/// Connections; half of them invite, the other half is invited.
const CONNECTIONS: usize = 1_000;
const IN_FLIGHT: usize = 64;
const SESSIONS: usize = 6_000;
/// Connections for the measure of memory.
const IDLE: usize = 10_000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("relay") => runtime.block_on(relay::run(folder().as_deref())),
        Some("service") => {
            runtime.block_on(server::run(CONNECTIONS.max(IDLE), folder().as_deref().map(encryption::files)))
        }
        _ => runtime.block_on(measure()),
    }
}

/// Where the certificate is, for a server with TLS.
fn folder() -> Option<PathBuf> {
    std::env::args().nth(2).map(PathBuf::from)
}

struct Figures {
    cpu_us: f64,
    hop_us: [f64; 2],
    resident_kib: f64,
}

async fn measure() -> anyhow::Result<()> {
    let sessions = std::env::var("HITHER_BENCH_SESSIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(SESSIONS);
    let idle = std::env::var("HITHER_BENCH_IDLE").ok().and_then(|n| n.parse().ok()).unwrap_or(IDLE);
    println!(
        "{CONNECTIONS} connections, {IN_FLIGHT} sessions in flight, {sessions} sessions; memory with {idle} connections"
    );
    let certificate = tempfile::tempdir()?;
    encryption::write(certificate.path())?;
    for (title, folder) in [("plain text", None), ("TLS", Some(certificate.path()))] {
        let relay = figures("relay", folder, sessions, idle).await?;
        let service = figures("service", folder, sessions, idle).await?;
        table(title, &relay, &service);
    }
    Ok(())
}

fn table(title: &str, relay: &Figures, service: &Figures) {
    println!("{title:24} {:>12} {:>12} {:>8}", "bare relay", "hither", "ratio");
    let row = |what: &str, a: f64, b: f64| println!("{what:24} {a:>12.1} {b:>12.1} {:>8.2}", b / a);
    row("CPU us a session", relay.cpu_us, service.cpu_us);
    row("hop, median us", relay.hop_us[0], service.hop_us[0]);
    row("hop, p99 us", relay.hop_us[1], service.hop_us[1]);
    row("KiB a connection", relay.resident_kib, service.resident_kib);
}

async fn figures(role: &str, folder: Option<&Path>, sessions: usize, idle: usize) -> anyhow::Result<Figures> {
    let tls = folder.map(encryption::connector).transpose()?;
    let server = Server::start(role, folder)?;
    eprintln!("{role}: connecting");
    let mut pairs = load::pairs(&server.url, role, tls.as_ref(), CONNECTIONS / 2, 0).await?;
    load::run(&mut pairs, IN_FLIGHT, sessions / 10).await?; // warm
    eprintln!("{role}: sessions");
    let before = server.cpu_us()?;
    load::run(&mut pairs, IN_FLIGHT, sessions).await?;
    let cpu_us = (server.cpu_us()? - before) / sessions as f64;
    let hop_us = load::hops(&mut pairs).await?;
    drop(pairs);
    drop(server);

    eprintln!("{role}: memory");
    let server = Server::start(role, folder)?;
    let empty = server.resident_kib()?;
    let mut pairs = load::pairs(&server.url, role, tls.as_ref(), idle / 2, 0).await?;
    let used = pairs.len();
    load::run(&mut pairs, IN_FLIGHT, used).await?;
    let resident_kib = (server.resident_kib()? - empty) / idle as f64;
    Ok(Figures { cpu_us, hop_us, resident_kib })
}
