//! Ranks: the processes of one run, on one machine or on many, and the messages between them.
//!
//! A [`Communicator`] is what a run needs of its ranks: their number, the bytes of all of them, and sums that do not depend on how many
//! they are. [`Alone`] is a process by itself, [`Threads`] are the threads of one process, `Mpi` (feature `mpi`) is what `mpirun` or `srun`
//! starts, and an application may bring its own.
//!
//! # The order of sums
//!
//! A floating-point sum depends on its order. [`Communicator::sum`] adds parts that are counted from 0, and the order is that of one binary
//! tree over their numbers, whatever the ranks: the sum over the parts a to b is the sum over a to ⌊(a + b) / 2⌋, plus the sum over the
//! rest. The rank r of n holds the parts ⌊r · parts / n⌋ to ⌊(r + 1) · parts / n⌋ ([`share`]). It adds those whole subtrees that it holds,
//! and the ranks exchange what is left: one vector each where parts and ranks are powers of two. Every rank adds a slice of those vectors,
//! and the slices are put together: a rank sends and receives about as much as two vectors, however many ranks there are. A sum that is NaN
//! is [`f32::NAN`], since processors choose the bits of a NaN by rules of their own.
//!
//! The order is all that ranks add to a result. Devices of different kinds still compute different bits, so that a run takes ranks whose
//! devices are alike; the number of threads of a host does not matter.
//!
//! ```
//! use tapetum::communicator::{Alone, Communicator, Threads, share};
//!
//! // Four parts, added by one rank and by two.
//! let parts = |held: std::ops::Range<usize>| held.map(|part| vec![0.1 * part as f32, 1e8]).collect::<Vec<_>>();
//! let alone = Alone.sum(parts(0..4), 4)?;
//! let ranks: Vec<_> = Threads::new(2)
//!     .into_iter()
//!     .map(|rank| std::thread::spawn(move || rank.sum(parts(share(4, rank.rank(), rank.size())), 4)))
//!     .collect();
//! for rank in ranks {
//!     assert_eq!(rank.join().unwrap()?, alone);
//! }
//! # Ok::<(), tapetum::Error>(())
//! ```

#[cfg(feature = "mpi")]
mod mpi;
mod threads;
mod tree;

#[cfg(feature = "mpi")]
pub use mpi::Mpi;
pub use threads::Threads;

use crate::{Error, Result};
use std::ops::Range;

/// The ranks of a run, seen from one of them.
///
/// All ranks call the same functions in the same order, and each call returns when every rank has called it. The functions block.
pub trait Communicator: std::fmt::Debug + Send + Sync {
    /// The number of this rank, counted from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn size(&self) -> usize;

    /// The bytes of each rank, at all ranks, in the order of the ranks. Their lengths may differ.
    ///
    /// # Errors
    /// Returns an error where a rank has ended or the messages fail.
    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>>;

    /// The bytes of rank 0, at all ranks. Those of the others are not looked at.
    ///
    /// # Errors
    /// The same as those of [`gather`](Self::gather).
    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let own = if self.rank() == 0 { bytes } else { Vec::new() };
        let mut all = self.gather(&own)?;
        if all.is_empty() { Err(Error::argument("ranks: rank 0 sent nothing")) } else { Ok(all.swap_remove(0)) }
    }

    /// The message that each rank has for this one, in the order of the ranks: `to` holds this rank's message to each rank. A communicator
    /// that can send a message to one rank alone does so here; otherwise every rank sees all of them.
    ///
    /// # Errors
    /// The same as those of [`gather`](Self::gather), and an error where there is not one message for each rank.
    fn exchange(&self, to: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        tree::exchange_by_gather(self, &to)
    }

    /// The sum of `of` vectors of the same length by the fixed tree (see [the module](self)), at all ranks. `parts` are the vectors that
    /// this rank holds, in order: those that [`share`] assigns to it.
    ///
    /// # Errors
    /// The same as those of [`gather`](Self::gather), and an error where a rank does not hold as many parts as it should, or the lengths
    /// differ.
    fn sum(&self, parts: Vec<Vec<f32>>, of: usize) -> Result<Vec<f32>> {
        tree::sum(self, parts, of)
    }

    /// Tells the other ranks that this one has failed, so that none waits for it. Under MPI all processes end, and this function does not
    /// return; elsewhere the calls of the others fail with an error that names this rank and quotes the message.
    fn abort(&self, message: &str);
}

/// The places, among `of` things counted from 0, of those that the rank `rank` of `size` ranks takes: consecutive, as many for each rank as
/// possible, none twice.
///
/// ```
/// use tapetum::communicator::share;
///
/// assert_eq!([0, 1, 2].map(|rank| share(8, rank, 3)), [0..2, 2..5, 5..8]);
/// ```
pub fn share(of: usize, rank: usize, size: usize) -> Range<usize> {
    let from = |rank: usize| (rank as u128 * of as u128 / size.max(1) as u128) as usize;
    from(rank)..from(rank + 1)
}

/// A process by itself: one rank.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        Ok(vec![bytes.to_vec()])
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        Ok(bytes)
    }

    fn exchange(&self, to: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        Ok(to)
    }

    fn abort(&self, _: &str) {}
}
