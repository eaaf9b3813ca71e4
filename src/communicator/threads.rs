//! Ranks that are threads of one process.

use super::Communicator;
use crate::{Error, Result};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A rank among threads of one process, each with a device of its own, say.
///
/// ```
/// use tapetum::communicator::{Communicator, Threads};
///
/// let ranks: Vec<_> = Threads::new(3).into_iter().map(|rank| std::thread::spawn(move || rank.gather(&[rank.rank() as u8]))).collect();
/// for rank in ranks {
///     assert_eq!(rank.join().unwrap()?, [[0], [1], [2]]);
/// }
/// # Ok::<(), tapetum::Error>(())
/// ```
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    size: usize,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    round: Mutex<Round>,
    changed: Condvar,
}

/// The messages of one call that all ranks make.
#[derive(Debug, Default)]
struct Round {
    /// Messages so far.
    sent: Vec<Option<Vec<u8>>>,
    /// The messages of all ranks, once all are there.
    complete: Option<Arc<Vec<Vec<u8>>>>,
    /// Ranks that have yet to take them.
    waiting: usize,
    /// The message of the rank that failed.
    failure: Option<String>,
}

impl Threads {
    /// The ranks of a run of `size` threads, one for each.
    pub fn new(size: usize) -> Vec<Self> {
        let shared = Arc::new(Shared::default());
        shared.lock().sent = vec![None; size];
        (0..size).map(|rank| Self { rank, size, shared: Arc::clone(&shared) }).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Round> {
        // No thread panics while it holds the lock.
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` holds, or a rank has failed.
    fn wait<'a>(&'a self, round: MutexGuard<'a, Round>, ready: impl Fn(&Round) -> bool) -> Result<MutexGuard<'a, Round>> {
        let round =
            self.changed.wait_while(round, |round| round.failure.is_none() && !ready(round)).unwrap_or_else(PoisonError::into_inner);
        match &round.failure {
            // A complete message may be taken, although a rank has left since.
            Some(message) if !ready(&round) => Err(Error::argument(message.clone())),
            _ => Ok(round),
        }
    }
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        // The round before this one ends when its last rank has taken the messages.
        let mut round = self.shared.wait(self.shared.lock(), |round| round.complete.is_none())?;
        round.sent[self.rank] = Some(bytes.to_vec());
        if round.sent.iter().all(Option::is_some) {
            let all = round.sent.iter_mut().filter_map(Option::take).collect();
            (round.complete, round.waiting) = (Some(Arc::new(all)), self.size);
            self.shared.changed.notify_all();
        }
        let mut round = self.shared.wait(round, |round| round.complete.is_some())?;
        round.waiting -= 1;
        let found = if round.waiting == 0 { round.complete.take() } else { round.complete.clone() };
        drop(round);
        self.shared.changed.notify_all();
        Ok(found.map(Arc::unwrap_or_clone).unwrap_or_default())
    }

    fn abort(&self, message: &str) {
        let (rank, size) = (self.rank, self.size);
        self.shared.lock().failure.get_or_insert_with(|| format!("rank {rank} of {size} failed: {message}"));
        self.shared.changed.notify_all();
    }
}

impl Drop for Threads {
    /// A thread that panics or leaves early must not be waited for. A rank that leaves when all is done is not waited for any more.
    fn drop(&mut self) {
        self.abort("it ended before the others");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rounds_stay_apart() {
        std::thread::scope(|scope| {
            for rank in Threads::new(4) {
                scope.spawn(move || {
                    for round in 0..500u32 {
                        let own: Vec<u8> = (round * 4 + rank.rank() as u32).to_le_bytes().repeat(1 + rank.rank());
                        let found = rank.gather(&own).unwrap();
                        for (from, bytes) in found.iter().enumerate() {
                            assert_eq!(*bytes, (round * 4 + from as u32).to_le_bytes().repeat(1 + from));
                        }
                        assert_eq!(rank.broadcast(own).unwrap(), (round * 4).to_le_bytes());
                    }
                });
            }
        });
    }

    #[test]
    fn a_rank_that_fails_is_named_and_not_waited_for() {
        let [first, second] = Threads::new(2).try_into().unwrap();
        let waiting = std::thread::spawn(move || first.gather(&[]).unwrap_err().to_string());
        second.abort("no room");
        assert_eq!(waiting.join().unwrap(), "rank 1 of 2 failed: no room");
        let [first, second] = Threads::new(2).try_into().unwrap();
        let waiting = std::thread::spawn(move || first.gather(&[]).unwrap_err().to_string());
        drop(second);
        assert_eq!(waiting.join().unwrap(), "rank 1 of 2 failed: it ended before the others");
    }
}
