//! Who guesses.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::wire::Connection;

/// Guesses a second, altogether.
const RATE: u64 = 1_000;
/// How long an attack goes on before anything is measured.
const RUN_UP: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub enum Attack {
    OneAddress,
    ManyAddresses,
}

/// An attack that goes on until it is ended.
pub struct UnderWay {
    tasks: JoinSet<()>,
    guesses: Arc<AtomicU64>,
    since: Instant,
}

impl UnderWay {
    /// Ends it; what it was.
    pub async fn end(mut self) -> String {
        let rate = self.guesses.load(Ordering::Relaxed) as f64 / self.since.elapsed().as_secs_f64();
        self.tasks.shutdown().await;
        format!("{rate:.0} guesses were answered a second")
    }
}

impl Attack {
    pub fn name(self) -> &'static str {
        match self {
            Attack::OneAddress => "wrong passwords from one address",
            Attack::ManyAddresses => "wrong passwords from 1,000",
        }
    }

    /// Begins, and waits until it is in full swing.
    pub async fn begin(self, url: &str) -> anyhow::Result<UnderWay> {
        let guesses = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let workers: u64 = match self {
            Attack::OneAddress => 100,
            Attack::ManyAddresses => 1_000,
        };
        for number in 0..workers {
            let (url, guesses) = (url.to_owned(), Arc::clone(&guesses));
            let from = match self {
                Attack::OneAddress => Ipv4Addr::new(127, 1, 0, 1),
                Attack::ManyAddresses => {
                    let [.., high, low] = number.to_be_bytes();
                    Ipv4Addr::new(127, 2, high, low)
                }
            };
            tasks.spawn(async move {
                // Not all in the same moment.
                let mut ticks = interval(Duration::from_millis(1000 * workers / RATE));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    drop(guess(&url, from, number, &mut ticks, &guesses).await);
                    ticks.tick().await;
                }
            });
            if number % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let since = Instant::now() + RUN_UP;
        tokio::time::sleep(RUN_UP).await;
        guesses.store(0, Ordering::Relaxed);
        Ok(UnderWay { tasks, guesses, since })
    }
}

/// Guesses until it is thrown out. Every guess is at somebody else: no name is guessed at often.
async fn guess(
    url: &str,
    from: Ipv4Addr,
    number: u64,
    ticks: &mut tokio::time::Interval,
    guesses: &AtomicU64,
) -> anyhow::Result<()> {
    let mut connection = Connection::open(url, from).await?;
    for count in 0_u64.. {
        ticks.tick().await;
        let user = format!("x{number}-{count}@bench");
        connection.ask(json!({"do": "sign-in", "user": user, "password": "guess"})).await?;
        guesses.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
