//! Ranks that `mpirun` or `srun` starts, by the Message Passing Interface.

use super::{Communicator, tree};
use crate::{Error, Result};
use ::mpi::Threading;
use ::mpi::datatype::{Partition, PartitionMut};
use ::mpi::environment::{Universe, processor_name};
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::{Communicator as _, CommunicatorCollectives as _, Root as _};
use std::sync::{Mutex, PoisonError};

/// The most bytes of all messages of one call: MPI counts them by a signed number of 32 bits.
const MOST: usize = i32::MAX as usize;

/// The ranks that a launcher of MPI has started. MPI is finalised where this is dropped.
///
/// A rank that fails calls [`abort`](Communicator::abort); one that only ends would leave the others waiting for it. Where a process dies,
/// the launcher ends the others.
pub struct Mpi {
    universe: Universe,
    /// MPI is called from one thread at a time.
    turn: Mutex<()>,
}

impl std::fmt::Debug for Mpi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mpi").field("rank", &self.rank()).field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Mpi {
    /// Initialises MPI. The thread that does so should be the one that drops the value.
    ///
    /// # Errors
    /// Returns an error where MPI is initialised already, or does not allow calls from several threads one at a time.
    pub fn new() -> Result<Self> {
        let Some((universe, level)) = ::mpi::initialize_with_threading(Threading::Serialized) else {
            return Err(Error::argument("ranks: MPI was initialised before"));
        };
        if level < Threading::Serialized {
            return Err(Error::argument(format!("ranks: MPI offers the thread level {level:?}, Serialized expected")));
        }
        Ok(Self { universe, turn: Mutex::new(()) })
    }

    /// The name of the machine that this rank runs on.
    pub fn machine(&self) -> String {
        processor_name().unwrap_or_default()
    }

    /// Calls MPI, one thread at a time.
    fn with<T>(&self, call: impl FnOnce(&SimpleCommunicator) -> T) -> T {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        call(&self.universe.world())
    }

    /// Ranks and lengths fit the numbers of MPI: a length in bytes of each rank, at all ranks.
    fn lengths(&self, length: usize) -> Vec<usize> {
        let mut found = vec![0u64; self.size()];
        self.with(|world| world.all_gather_into(&(length as u64), &mut found[..]));
        found.into_iter().map(|n| n as usize).collect()
    }
}

/// Room for this number of bytes. OpenMPI takes 1, the address of an empty vector, for `MPI_IN_PLACE`, so that an empty one is at a real
/// address too.
fn room(bytes: usize) -> Vec<u8> {
    let mut room = Vec::with_capacity(bytes.max(1));
    room.resize(bytes, 0);
    room
}

/// The bytes of a message in the round `round`, where `most` bytes are sent at once.
fn piece(length: usize, round: usize, most: usize) -> std::ops::Range<usize> {
    (round * most).min(length)..((round + 1) * most).min(length)
}

/// Counts, and the place of each among what came before, in the numbers of MPI. They fit, since all together are at most [`MOST`].
fn counted(lengths: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<i32>) {
    let counts: Vec<i32> = lengths.map(|n| n as i32).collect();
    let places = counts.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n))).collect();
    (counts, places)
}

/// Appends to each message what came in one round.
fn append(found: &mut [Vec<u8>], bytes: &[u8], counts: &[i32], places: &[i32]) {
    for (message, (&count, &place)) in found.iter_mut().zip(counts.iter().zip(places)) {
        message.extend_from_slice(&bytes[place as usize..][..count as usize]);
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.with(|world| world.rank()) as usize
    }

    fn size(&self) -> usize {
        self.with(|world| world.size()) as usize
    }

    fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let lengths = self.lengths(bytes.len());
        let most = MOST / lengths.len();
        let rounds = lengths.iter().max().map_or(0, |longest| longest.div_ceil(most));
        let mut found: Vec<Vec<u8>> = lengths.iter().map(|n| Vec::with_capacity(*n)).collect();
        for round in 0..rounds {
            let (counts, places) = counted(lengths.iter().map(|n| piece(*n, round, most).len()));
            let mut came = room(counts.iter().map(|n| *n as usize).sum());
            let empty = room(0);
            let own = Some(&bytes[piece(bytes.len(), round, most)]).filter(|own| !own.is_empty()).unwrap_or(&empty);
            self.with(|world| {
                world.all_gather_varcount_into(own, &mut PartitionMut::new(&mut came[..], &counts[..], &places[..]));
            });
            append(&mut found, &came, &counts, &places);
        }
        Ok(found)
    }

    fn broadcast(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        let length = self.lengths(bytes.len())[0];
        bytes.resize(length, 0);
        for part in bytes.chunks_mut(MOST) {
            self.with(|world| world.process_at_rank(0).broadcast_into(part));
        }
        Ok(bytes)
    }

    fn exchange(&self, to: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
        let size = self.size();
        if to.len() != size {
            return tree::exchange_by_gather(self, &to);
        }
        let sent: Vec<u64> = to.iter().map(|message| message.len() as u64).collect();
        let mut came = vec![0u64; size];
        self.with(|world| world.all_to_all_into(&sent[..], &mut came[..]));
        let came: Vec<usize> = came.into_iter().map(|n| n as usize).collect();
        let most = MOST / size;
        // All ranks make as many rounds as the longest message of any of them needs.
        let longest = to.iter().map(Vec::len).max().unwrap_or(0);
        let rounds = self.lengths(longest).into_iter().max().unwrap_or(0).div_ceil(most);
        let mut found: Vec<Vec<u8>> = came.iter().map(|n| Vec::with_capacity(*n)).collect();
        for round in 0..rounds {
            let mut out = room(0);
            to.iter().for_each(|message| out.extend_from_slice(&message[piece(message.len(), round, most)]));
            let (out_counts, out_places) = counted(to.iter().map(|message| piece(message.len(), round, most).len()));
            let (in_counts, in_places) = counted(came.iter().map(|n| piece(*n, round, most).len()));
            let mut into = room(in_counts.iter().map(|n| *n as usize).sum());
            self.with(|world| {
                let out = Partition::new(&out[..], &out_counts[..], &out_places[..]);
                world.all_to_all_varcount_into(&out, &mut PartitionMut::new(&mut into[..], &in_counts[..], &in_places[..]));
            });
            append(&mut found, &into, &in_counts, &in_places);
        }
        Ok(found)
    }

    /// Ends all processes. The message is for the caller to print, who knows where errors go.
    fn abort(&self, _: &str) {
        self.with(|world| world.abort(1));
    }
}

impl Drop for Mpi {
    /// A rank that panics ends the others, which would wait for it until MPI is finalised.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.abort("a panic");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_message_has_an_address() {
        let empty = room(0);
        assert!(empty.as_ptr() as usize > 1 && empty.is_empty());
        assert_eq!(room(3), [0; 3]);
    }

    #[test]
    fn a_long_message_is_sent_in_pieces() {
        let message: Vec<u8> = (0..23).collect();
        let pieces: Vec<u8> = (0..23usize.div_ceil(5)).flat_map(|round| message[piece(23, round, 5)].to_vec()).collect();
        assert_eq!(pieces, message);
        assert_eq!((piece(23, 4, 5), piece(23, 5, 5), piece(0, 0, 5)), (20..23, 23..23, 0..0));
        assert_eq!(counted([3, 0, 2].into_iter()), (vec![3, 0, 2], vec![0, 3, 3]));
    }
}
