//! Who waits for a password to be checked, and who goes first.
//!
//! A check costs so much that somebody who guesses from many addresses keeps the threads busy for good.
//! Then those go first of whom it is known that they have been here, then those who come for the first
//! time, and last those who have just been wrong. When the line is full, the last one who came has to go.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

/// How much speaks for somebody, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The device has signed in as this person before.
    Known,
    /// Nothing is known.
    Stranger,
    /// The address has had wrong passwords lately.
    Doubtful,
}

/// A line of bounded length.
#[derive(Debug)]
pub struct Line<T> {
    waiting: Mutex<Waiting<T>>,
    /// Somebody has come, or nobody will come any more.
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting<T> {
    /// By standing, in the order in which they came.
    queues: [VecDeque<T>; 3],
    places: usize,
    closed: bool,
}

impl<T> Line<T> {
    /// An empty line with so many places.
    pub fn new(places: usize) -> Line<T> {
        let queues = [VecDeque::new(), VecDeque::new(), VecDeque::new()];
        Line { waiting: Mutex::new(Waiting { queues, places, closed: false }), changed: Condvar::new() }
    }

    /// Somebody joins it. Who has no place, or has to give it up, comes back.
    pub fn join(&self, standing: Standing, one: T) -> Option<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let without = waiting.join(standing, one);
        drop(waiting);
        self.changed.notify_one();
        without
    }

    /// Waits for the first in line; `None` once the line is closed.
    pub fn first(&self) -> Option<T> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(first) = waiting.queues.iter_mut().find_map(VecDeque::pop_front) {
                return Some(first);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Nobody is served any more.
    pub fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }
}

impl<T> Waiting<T> {
    fn join(&mut self, standing: Standing, one: T) -> Option<T> {
        let [known, strangers, doubtful] = &mut self.queues;
        let full = known.len() + strangers.len() + doubtful.len() >= self.places;
        match standing {
            _ if !full => {
                self.queues.get_mut(standing as usize)?.push_back(one);
                None
            }
            Standing::Known => match doubtful.pop_back().or_else(|| strangers.pop_back()) {
                Some(last) => {
                    known.push_back(one);
                    Some(last)
                }
                None => Some(one),
            },
            Standing::Stranger => match doubtful.pop_back() {
                Some(last) => {
                    strangers.push_back(one);
                    Some(last)
                }
                None => Some(one),
            },
            Standing::Doubtful => Some(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{Doubtful, Known, Stranger};
    use super::*;

    fn served(line: &Line<u8>) -> Vec<u8> {
        let mut waiting = line.waiting.lock().unwrap();
        std::iter::from_fn(|| waiting.queues.iter_mut().find_map(VecDeque::pop_front)).collect()
    }

    #[test]
    fn by_standing_then_as_they_came() {
        let line = Line::new(10);
        for (standing, one) in [(Doubtful, 1), (Stranger, 2), (Known, 3), (Doubtful, 4), (Stranger, 5), (Known, 6)] {
            assert_eq!(line.join(standing, one), None);
        }
        assert_eq!(served(&line), [3, 6, 2, 5, 1, 4]);
    }

    #[test]
    fn in_a_full_line_the_last_of_the_lowest_goes_and_nobody_goes_for_one_like_them() {
        let line = Line::new(3);
        for one in 1..=3 {
            assert_eq!(line.join(Doubtful, one), None);
        }
        assert_eq!(line.join(Doubtful, 4), Some(4));
        assert_eq!(line.join(Stranger, 5), Some(3));
        assert_eq!(line.join(Known, 6), Some(2));
        assert_eq!(line.join(Known, 7), Some(1));
        assert_eq!(line.join(Stranger, 8), Some(8));
        assert_eq!(line.join(Known, 9), Some(5));
        assert_eq!(line.join(Known, 10), Some(10));
        assert_eq!(served(&line), [6, 7, 9]);
    }

    #[test]
    fn whoever_serves_waits_for_the_next_and_goes_home_when_it_is_closed() {
        let line = Line::new(3);
        std::thread::scope(|scope| {
            let server = scope.spawn(|| std::iter::from_fn(|| line.first()).collect::<Vec<_>>());
            line.join(Stranger, 1);
            line.join(Stranger, 2);
            while line.waiting.lock().unwrap().queues.iter().any(|queue| !queue.is_empty()) {
                std::thread::yield_now();
            }
            line.close();
            assert_eq!(server.join().unwrap(), [1, 2]);
        });
        assert_eq!(line.first(), None);
    }
}
