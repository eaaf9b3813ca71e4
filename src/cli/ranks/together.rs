//! Actions of all ranks together: they end alike, and rank 0 gets the results of all.
//!
//! Every rank calls these functions in the same order. A rank that fails says so in the place of its results, so that none waits for it.

use super::super::common::{Done, note};
use super::Ranks;
use super::frames::Frames;
use crate::communicator::share;
use crate::{Device, Error, Result};
use std::hash::{DefaultHasher, Hash, Hasher};
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

    /// Checks that all ranks compute on the same kind of device, because others give other bits.
    pub(in super::super) fn same_device(&self, device: &Device) -> Result<()> {
        let own = match device {
            Device::Gpu(context) => format!("{} ({}, {})", device.name(), context.adapter().backend(), context.adapter().driver()),
            Device::Cpu(_) => format!("cpu ({})", std::env::consts::ARCH),
        };
        self.same("another device", &[own])
    }

    /// Checks that all ranks have the same things in the same order, and are of one version. `other` is what an error calls things that
    /// differ. A node may have a copy of the data that is not the same, and shares of different lists would give results to the wrong
    /// subjects.
    pub(in super::super) fn same(&self, other: &str, own: &[String]) -> Result<()> {
        let size = self.communicator.size();
        if size == 1 {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), own).hash(&mut hasher);
        let all = self.communicator.gather(&hasher.finish().to_le_bytes())?;
        let Some(rank) = all.iter().position(|of_rank| Some(of_rank) != all.first()) else { return Ok(()) };
        self.over.set(true);
        let what = "the same are expected for all ranks, and the same version of tapetum";
        Err(Error::argument(format!("rank {rank} of {size} has {other} than rank 0: {what}")))
    }

    /// The results of `work` on each of `of` things, spread over ranks: of all in order at rank 0, of none at the others. `add` and `next` carry a
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
            if let Some(bytes) = came.filter(|_| outcome.is_ok()) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::communicator::Threads;

    /// The value that each of `size` ranks gets from `call`.
    fn ranks<T: Send>(size: usize, call: impl Fn(&Ranks) -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let call = &call;
            let start =
                |threads: Threads| scope.spawn(move || call(&Ranks { communicator: std::sync::Arc::new(threads), ..Ranks::default() }));
            let started: Vec<_> = Threads::new(size).into_iter().map(start).collect();
            started.into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    fn add(frames: &mut Frames, made: &u64) -> Result<()> {
        frames.add(&made.to_le_bytes());
        Ok(())
    }

    fn next(frames: &mut Frames) -> Result<u64> {
        Ok(u64::from_le_bytes(frames.next()?.try_into().unwrap()))
    }

    fn text<T>(outcome: Result<T>) -> Result<T, String> {
        outcome.map_err(|error| error.to_string())
    }

    #[test]
    fn results_come_to_rank_0_in_order() {
        for (size, of) in (1..6).flat_map(|size| [0, 1, 2, 7, 65].map(|of| (size, of))) {
            let found = ranks(size, |ranks| {
                let made = ranks.spread(of, |at| Ok(at as u64 * 3), add, next).unwrap();
                (made, ranks.share(of))
            });
            assert_eq!(found[0].0, (0..of as u64).map(|at| at * 3).collect::<Vec<_>>(), "{size} ranks");
            assert!(found[1..].iter().all(|(made, _)| made.is_empty()));
            assert_eq!(found.iter().flat_map(|(_, share)| share.clone()).collect::<Vec<_>>(), (0..of).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_thing_that_fails_is_the_error_on_any_number_of_ranks() {
        let work = |at: usize| if at == 3 || at == 5 { Err(Error::argument(format!("thing {at}"))) } else { Ok(at as u64) };
        for size in 1..6 {
            let found = ranks(size, |ranks| {
                let outcome = ranks.spread(7, work, add, next).map(|_| Done::Well);
                let said = outcome.as_ref().err().map(ToString::to_string);
                (said, ranks.settle(outcome).is_ok_and(|done| matches!(done, Done::Failed)))
            });
            assert_eq!(found[0].0.as_deref(), Some("thing 3"), "{size} ranks");
            assert!(found[1..].iter().all(|(said, _)| said.is_none()));
            // One process has the error still to print.
            assert!(size == 1 || found.iter().all(|(_, failed)| *failed));
        }
    }

    #[test]
    fn all_ranks_fail_where_one_does_and_none_waits() {
        for failing in 0..3 {
            let found = ranks(3, |ranks| {
                let own = if ranks.communicator.rank() >= failing { Err(Error::argument("no room")) } else { Ok(()) };
                let outcome = ranks.agree(own).map(|()| Done::Well);
                let said = text(outcome.as_ref().map(|_| ()).map_err(Clone::clone));
                (said, matches!(ranks.settle(outcome), Ok(Done::Failed)))
            });
            let said = if failing == 0 { "no room".to_owned() } else { format!("rank {failing} of 3: no room") };
            assert_eq!(found, vec![(Err(said), true); 3]);
        }
        assert_eq!(ranks(3, |ranks| text(ranks.agree(Ok(ranks.communicator.rank())))), [Ok(0), Ok(1), Ok(2)]);
    }

    #[test]
    fn ranks_that_see_different_files_are_refused() {
        let files = |ranks: &Ranks| ["a", if ranks.communicator.rank() == 1 { "c" } else { "b" }].map(str::to_owned);
        let said = "rank 1 of 3 has other files than rank 0: the same are expected for all ranks, and the same version of tapetum";
        assert_eq!(ranks(3, |ranks| text(ranks.same("other files", &files(ranks)))), vec![Err(said.to_owned()); 3]);
        assert_eq!(ranks(3, |ranks| text(ranks.same("other files", &files(ranks)[..1]))), [Ok(()), Ok(()), Ok(())]);
        let devices = [Device::cpu(), Device::cpu()];
        assert_eq!(ranks(2, |ranks| text(ranks.same_device(&devices[ranks.communicator.rank()]))), [Ok(()), Ok(())]);
    }

    /// A rank that fails before it has results, and one that ends while others are at the next thing that all do.
    #[test]
    fn a_rank_that_fails_early_is_heard_in_the_place_of_its_results() {
        let found = ranks(3, |ranks| {
            let own = if ranks.communicator.rank() == 2 { Err(Error::argument("lost")) } else { Ok(Frames::default()) };
            text(ranks.to_first(own, |_, _| Ok(())))
        });
        assert_eq!(found, [Err("rank 2 of 3: lost".to_owned()), Ok(()), Err("lost".to_owned())]);
        let found = ranks(3, |ranks| {
            let outcome = if ranks.communicator.rank() == 1 { Err(Error::argument("wrong")) } else { ranks.agree(Ok(Done::Well)) };
            matches!(ranks.settle(outcome), Ok(Done::Failed))
        });
        assert_eq!(found, [true; 3]);
    }

    #[test]
    fn ranks_end_as_rank_0_does() {
        let found = ranks(3, |ranks| {
            let own = if ranks.is_first() { Done::Missed } else { Done::Well };
            matches!(ranks.settle(Ok(own)), Ok(Done::Missed))
        });
        assert_eq!(found, [true; 3]);
    }
}
