//! What waits to be sent on one connection. The driver puts in and never waits; the connection's
//! task takes out all there is and sends it in one write.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

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
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.close.is_some() {
            return;
        }
        inner.bytes += frame.len() + size_of::<String>();
        if inner.bytes > self.bytes_max {
            *inner = Inner { close: Some(Close::TooSlow), ..Inner::default() };
            self.overflowed.notify_one();
        } else {
            inner.frames.push_back(frame);
        }
        drop(inner);
        self.filled.notify_one();
    }

    /// Closes after what is in the queue.
    pub fn close(&self, why: Close) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
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
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bytes = 0;
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

    #[test]
    fn many_empty_frames_are_too_many_too() {
        let outbox = Outbox::new(1_000);
        for _ in 0..1_000 {
            outbox.push(String::new());
        }
        assert_eq!(outbox.take().close, Some(Close::TooSlow));
    }
}
