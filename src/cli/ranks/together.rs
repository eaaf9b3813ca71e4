//! What ranks do together: they end alike, and rank 0 gets the results of all.
//!
//! Every rank calls these functions in the same order. A rank that fails says so in the place of its results, so that none waits for it.

use super::super::common::{Done, note};
use super::Ranks;
use super::frames::Frames;
use crate::communicator::share;
use crate::{Error, Result};
use std::ops::Range;

impl Ranks {
    /// True at rank 0, which prints and writes files.
    pub(in super::super) fn is_first(&self) -> bool {
        self.communicator.rank() == 0
    }

    /// The places, among `of` things in order, of those that this rank takes.
    pub(in super::super) fn share(&self, of: usize) -> Range<usize> {
        self.share_of(of, self.communicator.rank())
    }

    /// The places that a rank takes.
    pub(in super::super) fn share_of(&self, of: usize, rank: usize) -> Range<usize> {
        share(of, rank, self.communicator.size())
    }

    /// The own value where all ranks have one; otherwise, at all ranks, the error of the first that failed. They then do nothing together
    /// any more.
    pub(in super::super) fn agree<T>(&self, own: Result<T>) -> Result<T> {
        let (rank, size) = (self.communicator.rank(), self.communicator.size());
        if size == 1 || self.over.get() {
            return own;
        }
        let said = own.as_ref().err().map(|error| format!("!{error}"));
        let all = self.communicator.gather(said.unwrap_or_default().as_bytes())?;
        let Some(first) = all.iter().position(|said| !said.is_empty()) else { return own };
        self.over.set(true);
        match own {
            Err(error) if first == rank => Err(named(first, size, error)),
            _ => {
                let said = String::from_utf8_lossy(&all[first]);
                Err(named(first, size, Error::argument(said.strip_prefix('!').unwrap_or(&said))))
            }
        }
    }

    /// What `work` makes of each of `of` things, spread over ranks: of all in order at rank 0, of none at the others. `add` and `next` carry a
    /// result from one rank to another.
    ///
    /// # Errors
    /// Returns, at rank 0, the error of the first thing that fails, as one process does; and the errors of [`to_first`](Self::to_first).
    pub(in super::super) fn spread<T>(
        &self,
        of: usize,
        mut work: impl FnMut(usize) -> Result<T>,
        add: impl Fn(&mut Frames, &T) -> Result<()>,
        next: impl Fn(&mut Frames) -> Result<T>,
    ) -> Result<Vec<T>> {
        let (mut made, mut frames) = (Vec::new(), Frames::default());
        let mut own = Ok(());
        for at in self.share(of) {
            match work(at) {
                Ok(result) if self.is_first() => made.push(result),
                Ok(result) => {
                    frames.add(&[]);
                    own = add(&mut frames, &result);
                }
                Err(error) if self.is_first() => own = Err(error),
                // Rank 0 says it, unless something before it has failed.
                Err(error) => {
                    frames.add(format!("!{error}").as_bytes());
                    break;
                }
            }
            if own.is_err() {
                break;
            }
        }
        self.to_first(own.map(|()| frames), |rank, mut frames| {
            let share = self.share_of(of, rank);
            for _ in share {
                let said = frames.next_text()?;
                if let Some(what) = said.strip_prefix('!') {
                    return Err(Error::argument(what));
                }
                made.push(next(&mut frames)?);
            }
            Ok(())
        })?;
        Ok(made)
    }

    /// Hands the results of the other ranks to rank 0, in the order of the ranks and one rank at a time: at most one rank's are in memory
    /// beside those that `take` keeps. `own` are the results of this rank; those of rank 0 are not sent.
    ///
    /// # Errors
    /// Returns the error of this rank; at rank 0, otherwise the first error of another rank or of `take`.
    pub(in super::super) fn to_first(&self, own: Result<Frames>, mut take: impl FnMut(usize, Frames) -> Result<()>) -> Result<()> {
        let (rank, size) = (self.communicator.rank(), self.communicator.size());
        let (mut message, mut outcome) = match own {
            Ok(frames) => (frames.into_message(), Ok(())),
            Err(error) => (Frames::failure(&error), Err(error)),
        };
        for from in 1..size {
            let mut to = vec![Vec::new(); size];
            if from == rank {
                to[0] = std::mem::take(&mut message);
            }
            let came = self.communicator.exchange(to)?.into_iter().nth(from).filter(|_| rank == 0);
            // After an error the messages are still taken, for the others send them.
            if let (Some(bytes), Ok(())) = (came, &outcome) {
                outcome = Frames::of_message(bytes).map_err(|error| named(from, size, error)).and_then(|frames| take(from, frames));
            }
        }
        outcome
    }

    /// Ends a subcommand alike at all ranks. Rank 0 prints the error of the first rank that failed, as one process prints its own.
    pub(in super::super) fn settle(&self, outcome: Result<Done>) -> Result<Done> {
        if self.communicator.size() == 1 {
            return outcome;
        }
        match self.agree(outcome) {
            Err(error) if !self.over.get() => Err(error),
            Err(error) => {
                note(&format!("tapetum: {error}"));
                Ok(Done::Failed)
            }
            Ok(own) => {
                let first = self.communicator.broadcast(vec![u8::from(matches!(own, Done::Missed))])?;
                Ok(if first == [1] { Done::Missed } else { Done::Well })
            }
        }
    }
}

/// An error with the rank that it is of. Rank 0's is as one process has it.
fn named(rank: usize, size: usize, error: Error) -> Error {
    if rank == 0 { error } else { Error::argument(format!("rank {rank} of {size}: {error}")) }
}
