//! A time at which something is to be done.

use std::future::pending;
use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// Set only when it changes: every timer that is set may wake the thread that waits for all of them.
#[derive(Debug)]
pub struct Alarm {
    at: Option<Instant>,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// One that is not set.
    pub fn new() -> Alarm {
        Alarm { at: None, sleep: Box::pin(sleep_until(Instant::now())) }
    }

    /// Sets it, or puts it out.
    pub fn set(&mut self, at: Option<Instant>) {
        if self.at == at {
            return;
        }
        if let Some(at) = at {
            self.sleep.as_mut().reset(at);
        }
        self.at = at;
    }

    /// Waits until it rings, once; for ever if it is not set.
    pub async fn rings(&mut self) {
        if self.at.is_none() {
            pending::<()>().await;
        }
        self.sleep.as_mut().await;
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_once_at_the_last_time_it_was_set_to() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let mut alarm = Alarm::new();
        let silent = async |alarm: &mut Alarm| timeout(second, alarm.rings()).await.is_err();
        assert!(silent(&mut alarm).await);
        alarm.set(Some(start + 9 * second));
        alarm.set(Some(start + 5 * second));
        assert!(silent(&mut alarm).await, "two seconds");
        alarm.rings().await;
        assert_eq!(start.elapsed(), 5 * second);
        assert!(silent(&mut alarm).await);
        alarm.set(Some(start));
        alarm.rings().await;
        alarm.set(Some(start + 7 * second));
        alarm.set(None);
        assert!(silent(&mut alarm).await && silent(&mut alarm).await);
    }
}
