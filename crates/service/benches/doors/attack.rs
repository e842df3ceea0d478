//! Who guesses.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::wire::Connection;

/// Guesses a second, altogether.
pub const RATE: u64 = 1_000;
/// How long an attack goes on before anything is measured.
const RUN_UP: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
pub enum Attack {
    OneAddress,
    ManyAddresses,
}

/// What came of guesses.
#[derive(Default)]
pub struct Counts {
    guesses: AtomicU64,
    judged: AtomicU64,
}

impl Counts {
    pub fn guessed(&self) {
        self.guesses.fetch_add(1, Ordering::Relaxed);
    }

    /// The guess was looked at, and not refused unseen.
    pub fn judged(&self) {
        self.judged.fetch_add(1, Ordering::Relaxed);
    }
}

/// An attack that goes on until it is ended.
pub struct UnderWay {
    tasks: JoinSet<()>,
    counts: Arc<Counts>,
    since: Instant,
}

impl UnderWay {
    /// From now on it counts.
    pub async fn in_full_swing(tasks: JoinSet<()>, counts: Arc<Counts>) -> UnderWay {
        // sleep: an attack that has only begun is not measured.
        tokio::time::sleep(RUN_UP).await;
        counts.guesses.store(0, Ordering::Relaxed);
        counts.judged.store(0, Ordering::Relaxed);
        UnderWay { tasks, counts, since: Instant::now() }
    }

    /// Ends it; what it was.
    pub async fn end(mut self) -> String {
        let seconds = self.since.elapsed().as_secs_f64();
        let rate = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64 / seconds;
        let (guesses, judged) = (rate(&self.counts.guesses), rate(&self.counts.judged));
        self.tasks.shutdown().await;
        let judged = if judged > 0.0 { format!(", {judged:.0} of them not refused unseen") } else { String::new() };
        format!("{guesses:.0} guesses were answered a second{judged}")
    }
}

/// When one of so many guesses.
pub fn paced(workers: u64, rate: u64) -> Interval {
    // Not all in the same moment.
    let mut ticks = interval(Duration::from_millis(1000 * workers / rate));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl Attack {
    pub fn name(self) -> &'static str {
        match self {
            Attack::OneAddress => "from one address",
            Attack::ManyAddresses => "from 1,000",
        }
    }

    /// Begins to guess passwords, and waits until it is in full swing.
    pub async fn begin(self, url: &str) -> UnderWay {
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        let workers: u64 = match self {
            Attack::OneAddress => 100,
            Attack::ManyAddresses => 1_000,
        };
        for number in 0..workers {
            let (url, counts) = (url.to_owned(), Arc::clone(&counts));
            let from = match self {
                Attack::OneAddress => Ipv4Addr::new(127, 1, 0, 1),
                Attack::ManyAddresses => {
                    let [.., high, low] = number.to_be_bytes();
                    Ipv4Addr::new(127, 2, high, low)
                }
            };
            tasks.spawn(async move {
                let mut ticks = paced(workers, RATE);
                loop {
                    drop(guess(&url, from, number, &mut ticks, &counts).await);
                    ticks.tick().await;
                }
            });
            if number % 50 == 0 {
                // sleep: they do not all come at once.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        UnderWay::in_full_swing(tasks, counts).await
    }
}

/// Guesses until it is thrown out. Every guess is at somebody else: no name is guessed at often.
async fn guess(url: &str, from: Ipv4Addr, number: u64, ticks: &mut Interval, counts: &Counts) -> anyhow::Result<()> {
    let mut connection = Connection::open(url, from).await?;
    for count in 0_u64.. {
        ticks.tick().await;
        let user = format!("x{number}-{count}@bench");
        connection.ask(json!({"do": "sign-in", "user": user, "password": "guess"})).await?;
        counts.guessed();
    }
    Ok(())
}
