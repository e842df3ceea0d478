//! What guessing does to those who know: a thousand wrong passwords a second, from one address and from
//! a thousand, and how long others take to sign in meanwhile; and the same of wrong responses to the
//! challenges of Lock and Key, and of unlocking. In one run on one machine:
//! `cargo bench -p hither-service --bench doors`, or with `-- passwords` or `-- responses` half of it.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark, which prints")]
#![allow(clippy::cast_precision_loss, clippy::indexing_slicing, reason = "figures")]
#![allow(missing_docs, dead_code, reason = "no library; shares the other benchmark's process")]

#[path = "../session/process.rs"]
mod process;

mod attack;
mod honest;
mod responses;
mod wire;

use std::path::Path;
use std::time::{Duration, Instant};

use attack::{Attack, UnderWay};
use hither_service::{LockConfig, PasswordCost, Server as Service, ServiceConfig, Store, hash_password};
use hither_wire::PersonName;
use honest::{Person, Times, Way};
use process::Server;
use responses::Pair;

/// People with an account; all have the password `bench`.
pub const PEOPLE: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some("service") = arguments.first().map(String::as_str) {
        return runtime.block_on(serve(arguments.get(1).map(Path::new)));
    }
    let only = |part: &str| arguments.iter().any(|argument| argument == part);
    runtime.block_on(async {
        if !only("responses") {
            passwords().await?;
        }
        if !only("passwords") {
            responses().await?;
        }
        Ok(())
    })
}

fn add_people(data: &Path) -> anyhow::Result<()> {
    let store = Store::open(data)?;
    let password = hash_password("bench", PasswordCost::RECOMMENDED)?;
    for number in 0..PEOPLE {
        store.add_account(&PersonName::parse(&format!("p{number}@bench"))?, "", &password)?;
    }
    Ok(())
}

/// The service as an operator has it: passwords at their full price. On a store that is there already it
/// has the lock on.
async fn serve(prepared: Option<&Path>) -> anyhow::Result<()> {
    let own = tempfile::tempdir()?;
    let mut config = ServiceConfig::new("127.0.0.1:0".parse()?, prepared.unwrap_or(own.path()).to_owned());
    config.lock = prepared.map(|_| LockConfig::default());
    if prepared.is_none() {
        add_people(own.path())?;
    }
    let server = Service::bind(config).await?;
    println!("{}", server.url());
    server.run(std::future::pending()).await;
    Ok(())
}

/// How long people sign in and unlock while somebody sends wrong responses.
const ROUNDS: Duration = Duration::from_secs(20);
const ATTACKS: [Option<Attack>; 3] = [None, Some(Attack::OneAddress), Some(Attack::ManyAddresses)];
const WAYS: [&str; 3] = ["token", "password, known device", "password, new device"];

fn name_of(what: &str, attack: Option<Attack>) -> String {
    attack.map_or_else(|| "nothing else happens".to_owned(), |attack| format!("wrong {what} {}", attack.name()))
}

fn row(name: &str, columns: &[impl ToString]) {
    let columns: Vec<String> = columns.iter().map(|column| format!("{:>28}", column.to_string())).collect();
    println!("{name:34} {}", columns.join(" "));
}

async fn sign_ins(url: &str, people: &mut [Person]) -> anyhow::Result<Vec<Times>> {
    let mut columns = Vec::new();
    for way in Way::ALL {
        columns.push(honest::sign_in(url, people, way).await?);
    }
    Ok(columns)
}

/// Round after round for as long as guesses are judged and forgotten several times over.
async fn rounds(url: &str, people: &mut [Person], pair: &Pair) -> anyhow::Result<Vec<Times>> {
    let mut all: Vec<Times> = std::iter::repeat_with(Times::default).take(WAYS.len() + 1).collect();
    let begun = Instant::now();
    while begun.elapsed() < ROUNDS {
        let mut round = sign_ins(url, people).await?;
        round.push(honest::unlock(url, people, pair).await?);
        all.iter_mut().zip(round).for_each(|(all, times)| all.add(times));
    }
    Ok(all)
}

async fn passwords() -> anyhow::Result<()> {
    row("sign-in, median / worst ms (tries)", &WAYS);
    for attack in ATTACKS {
        let server = Server::start("service", None)?;
        let mut people = honest::prepare(&server.url).await?;
        let under_way = match attack {
            Some(attack) => Some(attack.begin(&server.url).await),
            None => None,
        };
        row(&name_of("passwords", attack), &sign_ins(&server.url, &mut people).await?);
        told(under_way, &server).await?;
    }
    Ok(())
}

async fn responses() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    add_people(folder.path())?;
    let pair = responses::set_up(folder.path())?;
    let (mut people, attackers) = {
        let server = Server::start("service", Some(folder.path()))?;
        (honest::prepare(&server.url).await?, responses::prepare(&server.url).await?)
    };
    let columns: Vec<&str> = WAYS.into_iter().chain(["unlocking"]).collect();
    row("sign-in, median / worst ms (tries)", &columns);
    for attack in ATTACKS {
        let server = Server::start("service", Some(folder.path()))?;
        let under_way = match attack {
            Some(attack) => Some(responses::begin(attack, &server.url, &attackers, &pair).await),
            None => None,
        };
        row(&name_of("responses", attack), &rounds(&server.url, &mut people, &pair).await?);
        told(under_way, &server).await?;
    }
    Ok(())
}

async fn told(under_way: Option<UnderWay>, server: &Server) -> anyhow::Result<()> {
    if let Some(under_way) = under_way {
        println!("    {}, the service has {:.0} MiB", under_way.end().await, server.resident_kib()? / 1024.0);
    }
    Ok(())
}
