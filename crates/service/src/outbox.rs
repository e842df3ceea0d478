//! What waits to be sent on one connection. The driver puts in and never waits; the connection's
//! task takes out all there is and sends it in one write.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hither_proto::service::Close;
use tokio::sync::Notify;

/// The queue towards one client.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    filled: Notify,
    overflowed: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<String>,
    bytes: usize,
    /// Whether the first frame may wait.
    waits: bool,
    close: Option<Close>,
}

/// What the connection's task has to do.
#[derive(Debug)]
pub struct Batch {
    /// Frames to send, in order.
    pub frames: VecDeque<String>,
    /// Whether, and why, to close after them.
    pub close: Option<Close>,
}

impl Outbox {
    /// An empty queue of at most so many bytes; what it costs to hold a frame counts too, so that
    /// the number of frames is bounded as well.
    pub fn new(bytes_max: usize) -> Outbox {
        Outbox { inner: Mutex::default(), filled: Notify::new(), overflowed: Notify::new(), bytes_max }
    }

    /// Puts a frame in. What does not fit shows that the client does not read: it is closed.
    pub fn push(&self, frame: String) {
        drop(self.put(frame));
        self.filled.notify_one();
    }

    /// Puts a frame in that goes out with the next one. True if nobody sees yet that it does not wait for
    /// long: the caller has to, with [`Outbox::flush`].
    pub fn push_later(&self, frame: String) -> bool {
        let mut inner = self.put(frame);
        // What was there before is taken out soon, with this one.
        let first = inner.frames.len() == 1;
        inner.waits = first || inner.waits;
        if inner.close.is_some() {
            self.filled.notify_one();
        }
        first
    }

    /// What may wait has waited for long enough.
    pub fn flush(&self) {
        if self.lock().waits {
            self.filled.notify_one();
        }
    }

    fn put(&self, frame: String) -> MutexGuard<'_, Inner> {
        let mut inner = self.lock();
        if inner.close.is_some() {
            return inner;
        }
        inner.bytes += frame.len() + size_of::<String>();
        if inner.bytes > self.bytes_max {
            *inner = Inner { close: Some(Close::TooSlow), ..Inner::default() };
            self.overflowed.notify_one();
        } else {
            inner.frames.push_back(frame);
        }
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes after what is in the queue.
    pub fn close(&self, why: Close) {
        let mut inner = self.lock();
        inner.close.get_or_insert(why);
        drop(inner);
        self.filled.notify_one();
    }

    /// Waits until there is something to do.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// Waits until the queue has overflowed.
    pub async fn overflowed(&self) {
        self.overflowed.notified().await;
    }

    /// Takes everything out.
    pub fn take(&self) -> Batch {
        let mut inner = self.lock();
        inner.bytes = 0;
        inner.waits = false;
        Batch { frames: std::mem::take(&mut inner.frames), close: inner.close }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_closes() {
        let outbox = Outbox::new(10 + 2 * size_of::<String>());
        outbox.push("12345".into());
        outbox.push("67890".into());
        assert_eq!(outbox.take().frames.len(), 2);
        outbox.push("12345".into());
        outbox.push("678901".into());
        let batch = outbox.take();
        assert_eq!((batch.frames.len(), batch.close), (0, Some(Close::TooSlow)));
        outbox.push("1".into());
        assert!(outbox.take().frames.is_empty(), "nothing after the close");
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_wait_goes_with_the_next() {
        let outbox = Outbox::new(1_000);
        let second = std::time::Duration::from_secs(1);
        let filled = async || tokio::time::timeout(second, outbox.filled()).await.is_ok();
        let taken = || outbox.take().frames.into_iter().collect::<Vec<_>>();
        assert!(outbox.push_later("1".into()) && !outbox.push_later("2".into()), "one look after both");
        assert!(!filled().await);
        outbox.push("3".into());
        assert!(filled().await);
        assert_eq!(taken(), ["1", "2", "3"]);
        outbox.flush();
        assert!(!filled().await, "there is nothing left");

        outbox.push("4".into());
        assert!(!outbox.push_later("5".into()) && filled().await);
        assert_eq!(taken(), ["4", "5"]);
        assert!(outbox.push_later("6".into()));
        outbox.flush();
        assert!(filled().await);
        assert_eq!(taken(), ["6"]);
        outbox.push_later("x".repeat(1_000));
        assert!(filled().await, "one that does not fit closes at once");
        assert_eq!(outbox.take().close, Some(Close::TooSlow));
    }

    #[test]
    fn many_empty_frames_are_too_many_too() {
        let outbox = Outbox::new(1_000);
        for _ in 0..1_000 {
            outbox.push(String::new());
        }
        assert_eq!(outbox.take().close, Some(Close::TooSlow));
    }
}
