//! Who only wants to sign in, and to unlock.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use crate::responses::Pair;
use crate::wire::Connection;

/// How many sign in, one after the other, each way.
const TIMES: usize = 20;
/// How long somebody goes on trying.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy)]
pub enum Way {
    Token,
    KnownDevice,
    NewDevice,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Token, Way::KnownDevice, Way::NewDevice];
}

/// Somebody who has signed in before.
pub struct Person {
    user: String,
    device: Value,
    token: Value,
    from: Ipv4Addr,
}

/// How long they took.
#[derive(Default)]
pub struct Times {
    millis: Vec<f64>,
    tries: usize,
    gave_up: usize,
}

impl Times {
    /// Those of another round as well.
    pub fn add(&mut self, other: Times) {
        self.millis.extend(other.millis);
        self.millis.sort_by(f64::total_cmp);
        self.tries += other.tries;
        self.gave_up += other.gave_up;
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.millis.get(self.millis.len() / 2), self.millis.last()) {
            (Some(median), Some(worst)) => write!(f, "{median:.0} / {worst:.0} ({})", self.tries)?,
            _ => write!(f, "nobody ({})", self.tries)?,
        }
        if self.gave_up > 0 {
            write!(f, ", {} gave up", self.gave_up)?;
        }
        Ok(())
    }
}

/// They sign in while nothing else happens.
pub async fn prepare(url: &str) -> anyhow::Result<Vec<Person>> {
    let mut people = Vec::new();
    for number in 0..u8::try_from(TIMES)? {
        let from = Ipv4Addr::new(127, 9, 0, number + 1);
        let user = format!("p{number}@bench");
        let mut connection = Connection::open(url, from).await?;
        let answer = connection.ask(json!({"do": "sign-in", "user": user, "password": "bench"})).await?;
        ensure!(answer["code"] == 0, "{answer}");
        let signed_in = &answer["signed_in"];
        let (device, token) = (signed_in["device"].clone(), signed_in["token"].clone());
        connection.ask(json!({"do": "sign-out"})).await?;
        people.push(Person { user, device, token, from });
    }
    Ok(people)
}

pub async fn sign_in(url: &str, people: &mut [Person], way: Way) -> anyhow::Result<Times> {
    let mut times = Times::default();
    for person in people {
        let from = match way {
            Way::Token | Way::KnownDevice => person.from,
            // Somebody at a place that the service has never seen.
            Way::NewDevice => Ipv4Addr::new(127, 10, 0, person.from.octets()[3]),
        };
        let request = match way {
            Way::Token => json!({"do": "sign-in", "token": person.token, "device": person.device}),
            Way::KnownDevice => {
                json!({"do": "sign-in", "user": person.user, "password": "bench", "device": person.device})
            }
            Way::NewDevice => json!({"do": "sign-in", "user": person.user, "password": "bench"}),
        };
        let started = Instant::now();
        loop {
            times.tries += 1;
            let mut connection = Connection::open(url, from).await?;
            let Ok(answer) = connection.ask(request.clone()).await else { continue };
            if answer["code"] == 0 {
                times.millis.push(started.elapsed().as_secs_f64() * 1000.0);
                if let Some(token) = answer["signed_in"]["token"].as_str() {
                    person.token = token.into();
                    person.device = answer["signed_in"]["device"].clone();
                }
                drop(connection.ask(json!({"do": "sign-out"})).await);
                break;
            }
            ensure!(answer["name"] == "MSGR_E_SERVER_TOO_BUSY", "{answer}");
            if started.elapsed() > PATIENCE {
                times.gave_up += 1;
                break;
            }
            let wait = answer["retry_after_ms"].as_u64().unwrap_or(1_000);
            // sleep: as long as the service has asked for.
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }
    times.millis.sort_by(f64::total_cmp);
    Ok(times)
}

/// They unlock, after signing in by token: how long that takes from the challenge on.
pub async fn unlock(url: &str, people: &[Person], pair: &Pair) -> anyhow::Result<Times> {
    let mut times = Times::default();
    for person in people {
        let mut connection = Connection::open(url, person.from).await?;
        let sign_in = json!({"do": "sign-in", "token": person.token, "device": person.device});
        let answer = connection.ask(sign_in).await?;
        ensure!(answer["code"] == 0, "{answer}");
        let started = Instant::now();
        loop {
            times.tries += 1;
            let status = connection.respond(&pair.id, |challenge| pair.response(challenge)).await?;
            if status["status"] == "UNLOCKED" {
                times.millis.push(started.elapsed().as_secs_f64() * 1000.0);
                break;
            }
            ensure!(status["retry_after_ms"].is_u64(), "{status}");
            if started.elapsed() > PATIENCE {
                times.gave_up += 1;
                break;
            }
            let wait = status["retry_after_ms"].as_u64().unwrap_or(1_000);
            // sleep: as long as the service has asked for.
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        drop(connection.ask(json!({"do": "sign-out"})).await);
    }
    times.millis.sort_by(f64::total_cmp);
    Ok(times)
}
