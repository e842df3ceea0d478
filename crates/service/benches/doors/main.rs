//! What guessing does to those who know: a thousand wrong passwords a second, from one address and from
//! a thousand, and how long others take to sign in meanwhile, in one run on one machine:
//! `cargo bench -p hither-service --bench doors`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark, which prints")]
#![allow(clippy::cast_precision_loss, clippy::indexing_slicing, reason = "figures")]
#![allow(missing_docs, dead_code, reason = "no library; shares the other benchmark's process")]

#[path = "../session/process.rs"]
mod process;

mod attack;
mod honest;
mod wire;

use attack::Attack;
use hither_service::{PasswordCost, Server as Service, ServiceConfig, Store, hash_password};
use hither_wire::PersonName;
use honest::Way;
use process::Server;

/// People with an account; all have the password `bench`.
pub const PEOPLE: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match std::env::args().nth(1).as_deref() {
        Some("service") => runtime.block_on(serve()),
        _ => runtime.block_on(measure()),
    }
}

/// The service as an operator has it: passwords at their full price.
async fn serve() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let store = Store::open(data.path())?;
    let password = hash_password("bench", PasswordCost::RECOMMENDED)?;
    for number in 0..PEOPLE {
        store.add_account(&PersonName::parse(&format!("p{number}@bench"))?, "", &password)?;
    }
    drop(store);
    let server = Service::bind(ServiceConfig::new("127.0.0.1:0".parse()?, data.path().to_owned())).await?;
    println!("{}", server.url());
    server.run(std::future::pending()).await;
    Ok(())
}

async fn measure() -> anyhow::Result<()> {
    println!(
        "{:34} {:>28} {:>28} {:>28}",
        "sign-in, median / worst ms (tries)", "token", "password, known device", "password, new device"
    );
    for attack in [None, Some(Attack::OneAddress), Some(Attack::ManyAddresses)] {
        let server = Server::start("service", None)?;
        let mut people = honest::prepare(&server.url).await?;
        let under_way = match attack {
            Some(attack) => Some(attack.begin(&server.url).await?),
            None => None,
        };
        let mut columns = Vec::new();
        for way in Way::ALL {
            columns.push(honest::sign_in(&server.url, &mut people, way).await?.to_string());
        }
        let name = attack.map_or("nothing else happens", Attack::name);
        println!("{name:34} {:>28} {:>28} {:>28}", columns[0], columns[1], columns[2]);
        if let Some(under_way) = under_way {
            println!("    {}, the service has {:.0} MiB", under_way.end().await, server.resident_kib()? / 1024.0);
        }
    }
    Ok(())
}
