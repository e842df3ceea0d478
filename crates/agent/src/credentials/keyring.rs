//! A keyring of the system, and not waiting for one that does not answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Questions that may hang at the same time; whoever asks more is told so.
const HANGING: usize = 4;

/// Told by a keyring when it has answered at all.
pub type Up<'a> = &'a dyn Fn();

/// What keeps secrets under names. Every call may block, and says in a sentence what is wrong.
pub trait Keyring: fmt::Debug + Send + Sync {
    /// The secret of this name, if there is one.
    fn get(&self, name: &str, up: Up<'_>) -> Result<Option<String>, String>;
    /// Puts a secret, in the place of any that it has under this name; `label` is for people.
    fn set(&self, name: &str, label: &str, secret: &str, up: Up<'_>) -> Result<(), String>;
    /// Removes a secret; fine if there is none.
    fn delete(&self, name: &str, up: Up<'_>) -> Result<(), String>;
}

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a keyring to answer at all.
    pub answer: Duration,
    /// From then on, if that is later.
    pub person: Duration,
}

impl Patience {
    /// Somebody else waits: an agent that has other things to do.
    pub const SHORT: Patience = Patience { answer: Duration::from_secs(3), person: Duration::ZERO };
    /// The person is there and may be asked for the keyring's password.
    pub const LONG: Patience = Patience { answer: Duration::from_secs(3), person: Duration::from_mins(1) };
}

enum News<T> {
    Up,
    Done(Result<T, String>),
}

/// Asks on a thread of its own: the keyring's library may run a runtime, which must not be done within
/// another. A question that nobody waits for any more goes on there; what it does then still counts.
pub fn ask<T: Send + 'static>(
    keyring: &Arc<dyn Keyring>,
    patience: Patience,
    question: impl FnOnce(&dyn Keyring, Up<'_>) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    static ASKING: AtomicUsize = AtomicUsize::new(0);
    let place = Place::take(&ASKING).ok_or("it has not answered for some time")?;
    let keyring = Arc::clone(keyring);
    let (tell, told) = sync_channel(2);
    let asking = move || {
        let answer = question(&*keyring, &|| drop(tell.try_send(News::Up)));
        drop(place);
        drop(tell.try_send(News::Done(answer)));
    };
    let thread = thread::Builder::new().name("keyring".to_owned()).spawn(asking);
    thread.map_err(|error| format!("the system has no thread for it ({error})"))?;
    let mut until = Instant::now() + patience.answer;
    loop {
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(News::Up) => until = until.max(Instant::now() + patience.person),
            Ok(News::Done(answer)) => return answer,
            Err(RecvTimeoutError::Timeout) => return Err("it does not answer".to_owned()),
            Err(RecvTimeoutError::Disconnected) => return Err("it made its library fail".to_owned()),
        }
    }
}

/// One of the questions that may hang.
struct Place(&'static AtomicUsize);

impl Place {
    fn take(asking: &'static AtomicUsize) -> Option<Place> {
        let place = Place(asking);
        // Dropping it gives it back in both cases.
        (asking.fetch_add(1, Ordering::Relaxed) < HANGING).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
