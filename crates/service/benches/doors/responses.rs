//! Who guesses keys: signed-in people of their own, with wrong responses.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use hither_service::keys::{Draft, Environment, Keychain, LockConfig, NewPair};
use hither_service::{PasswordCost, Store, hash_password};
use hither_wire::PersonName;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinSet;
use tokio::time::{Interval, sleep};

use crate::attack::{Attack, Counts, RATE, UnderWay, paced};
use crate::wire::Connection;

/// People whom each worker signs in as, one after the other: more than the failures of one would allow.
const EACH: usize = 4;
/// Workers from as many addresses as have two each: a wrong one knows only a second later that it is.
const WORKERS: usize = 2_000;
/// Sign-ins at a time while nothing is measured.
const AT_A_TIME: usize = 64;

/// What unlocks.
#[derive(Clone)]
pub struct Pair {
    pub id: String,
    key: String,
}

impl Pair {
    pub fn response(&self, challenge: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).unwrap().chain_update(challenge);
        mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Somebody who is signed in by a token.
#[derive(Clone)]
pub struct Attacker {
    device: Value,
    token: Value,
}

/// A pair in the store, and the accounts of attackers. Their passwords cost little: they are used once.
pub fn set_up(data: &Path) -> anyhow::Result<Pair> {
    let store = Store::open(data)?;
    let password = hash_password("bench", PasswordCost::FOR_TESTS)?;
    for number in 0..WORKERS * EACH {
        store.add_account(&PersonName::parse(&format!("a{number}@bench"))?, "", &password)?;
    }
    let keychain = Keychain::open_or_make(data, &LockConfig::default())?;
    let new = NewPair { name: "bench".to_owned(), environment: Environment::Production, md5: false, apps: None };
    let draft = Draft::new(&new)?;
    keychain.keep(&draft)?;
    Ok(Pair { id: draft.pair().id.to_string(), key: draft.key().expose().to_owned() })
}

/// They sign in while nothing is measured.
pub async fn prepare(url: &str) -> anyhow::Result<Vec<Attacker>> {
    let mut attackers = Vec::new();
    for first in (0..WORKERS * EACH).step_by(AT_A_TIME) {
        let mut signing_in = JoinSet::new();
        for number in first..(first + AT_A_TIME).min(WORKERS * EACH) {
            signing_in.spawn(join(url.to_owned(), number));
        }
        while let Some(joined) = signing_in.join_next().await {
            attackers.push(joined??);
        }
    }
    Ok(attackers)
}

async fn join(url: String, number: usize) -> anyhow::Result<Attacker> {
    let mut connection = Connection::open(&url, place(number / EACH)).await?;
    loop {
        let user = format!("a{number}@bench");
        let answer = connection.ask(json!({"do": "sign-in", "user": user, "password": "bench"})).await?;
        if let Some(wait) = answer["retry_after_ms"].as_u64() {
            // sleep: as long as the service has asked for.
            sleep(Duration::from_millis(wait)).await;
            connection = Connection::open(&url, place(number / EACH)).await?;
            continue;
        }
        ensure!(answer["code"] == 0, "{answer}");
        let signed_in = &answer["signed_in"];
        let attacker = Attacker { device: signed_in["device"].clone(), token: signed_in["token"].clone() };
        connection.ask(json!({"do": "sign-out"})).await?;
        return Ok(attacker);
    }
}

fn place(worker: usize) -> Ipv4Addr {
    let [.., high, low] = (worker / 2).to_be_bytes();
    Ipv4Addr::new(127, 3, high, low)
}

/// Begins, and waits until it is in full swing.
pub async fn begin(attack: Attack, url: &str, attackers: &[Attacker], pair: &Pair) -> UnderWay {
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    let workers = match attack {
        Attack::OneAddress => 200,
        Attack::ManyAddresses => WORKERS,
    };
    for (number, people) in attackers.chunks(EACH).take(workers).enumerate() {
        let (url, people, counts, id) = (url.to_owned(), people.to_vec(), Arc::clone(&counts), pair.id.clone());
        let from = match attack {
            Attack::OneAddress => Ipv4Addr::new(127, 1, 0, 1),
            Attack::ManyAddresses => place(number),
        };
        tasks.spawn(async move {
            let mut ticks = paced(workers as u64, RATE);
            for person in people.iter().cycle() {
                drop(guess(&url, from, person, &id, &mut ticks, &counts).await);
            }
        });
        if number.is_multiple_of(50) {
            // sleep: spread evenly over the time between two guesses of one.
            sleep(Duration::from_millis(50 * 1_000 / RATE)).await;
        }
    }
    UnderWay::in_full_swing(tasks, counts).await
}

/// Guesses until that has failed. Whoever is refused unseen guesses again in the same stay.
async fn guess(
    url: &str,
    from: Ipv4Addr,
    person: &Attacker,
    id: &str,
    ticks: &mut Interval,
    counts: &Counts,
) -> anyhow::Result<()> {
    ticks.tick().await;
    let mut connection = Connection::open(url, from).await?;
    let answer = connection.ask(json!({"do": "sign-in", "token": person.token, "device": person.device})).await?;
    ensure!(answer["code"] == 0, "{answer}");
    loop {
        let status = connection.respond(id, |_| "0".repeat(64)).await?;
        counts.guessed();
        if status["status"] == "UNLOCKFAILED" {
            counts.judged();
            return Ok(());
        }
        ensure!(status["error"]["name"] == "MSGR_E_SERVER_TOO_BUSY" || status["retry_after_ms"].is_u64(), "{status}");
        ticks.tick().await;
    }
}
