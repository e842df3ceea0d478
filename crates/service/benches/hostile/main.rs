//! What clients that mean no good do to the others: the time of one relayed message in a quiet run
//! and under each attack, and the service's memory, in one run on one machine:
//! `cargo bench -p hither-service --bench hostile`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark, which prints")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures")]
#![allow(missing_docs, dead_code, reason = "no library; shares the other benchmark's load")]

#[path = "../session/load.rs"]
mod load;
#[path = "../session/process.rs"]
mod process;
#[path = "../session/server.rs"]
mod server;

mod attack;

use attack::Attack;
use process::Server;

/// Pairs of people who only want to play.
const PAIRS: usize = 100;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("service") => runtime.block_on(server::run(10_000, None)),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() -> anyhow::Result<()> {
    let server = Server::start("service", None)?;
    let mut pairs = load::pairs(&server.url, "service", None, PAIRS, 0).await?;
    load::hops(&mut pairs).await?; // warm
    println!(
        "{:44} {:>10} {:>10} {:>12} {:>10}",
        "one relayed message while", "median us", "p99 us", "resident KiB", "attacks"
    );
    let row = |name: &str, hops: [f64; 2], resident: f64, attacks: u64| {
        println!("{name:44} {:>10.0} {:>10.0} {resident:>12.0} {attacks:>10}", hops[0], hops[1]);
    };
    row("nothing else happens", load::hops(&mut pairs).await?, server.resident_kib()?, 0);
    for attack in Attack::ALL {
        let under_way = attack.begin(&server.url).await?;
        let hops = load::hops(&mut pairs).await?;
        let resident = server.resident_kib()?;
        row(attack.name(), hops, resident, under_way.end().await);
    }
    row("nothing else happens again", load::hops(&mut pairs).await?, server.resident_kib()?, 0);
    Ok(())
}
