//! Sums by one binary tree over the numbers of the parts, whatever the ranks.

use super::{Communicator, share};
use crate::{Error, Result};
use std::ops::Range;

/// The two halves of a node of the tree.
fn halves(node: &Range<usize>) -> [Range<usize>; 2] {
    let middle = node.start + node.len() / 2;
    [node.start..middle, middle..node.end]
}

/// The largest nodes of the tree below `node` of which every part is among those held, from left to right.
fn whole(node: Range<usize>, held: &Range<usize>, found: &mut Vec<Range<usize>>) {
    if node.is_empty() || node.end <= held.start || held.end <= node.start {
        return;
    }
    if held.start <= node.start && node.end <= held.end {
        return found.push(node);
    }
    for half in halves(&node) {
        whole(half, held, found);
    }
}

/// The nodes that a rank adds by itself.
fn nodes(of: usize, rank: usize, size: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    whole(0..of, &share(of, rank, size), &mut found);
    found
}

/// The sum of two numbers; NaN has one form.
fn add(a: f32, b: f32) -> f32 {
    let sum = a + b;
    if sum.is_nan() { f32::NAN } else { sum }
}

/// The sum over a node of the tree. `known` gives the sums of nodes that need not be divided.
fn total(node: Range<usize>, known: &mut dyn FnMut(&Range<usize>) -> Option<Vec<f32>>) -> Result<Vec<f32>> {
    if let Some(sum) = known(&node) {
        return Ok(sum);
    }
    if node.len() < 2 {
        return Err(Error::argument(format!("ranks: the part {} of a sum is missing", node.start)));
    }
    let [left, right] = halves(&node);
    let (mut left, right) = (total(left, known)?, total(right, known)?);
    if left.len() != right.len() {
        return Err(Error::argument(format!("ranks: vectors of {} and of {} numbers cannot be added", left.len(), right.len())));
    }
    left.iter_mut().zip(&right).for_each(|(a, b)| *a = add(*a, *b));
    Ok(left)
}

/// [`Communicator::sum`].
pub(super) fn sum<C: Communicator + ?Sized>(communicator: &C, parts: Vec<Vec<f32>>, of: usize) -> Result<Vec<f32>> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let held = share(of, rank, size);
    if parts.len() != held.len() || of == 0 {
        return Err(Error::argument(format!(
            "ranks: rank {rank} of {size} holds {} parts of a sum, {} of {of} expected",
            parts.len(),
            held.len()
        )));
    }
    let mut parts: Vec<Option<Vec<f32>>> = parts.into_iter().map(Some).collect();
    let mut part = |node: &Range<usize>| if node.len() == 1 { parts[node.start - held.start].take() } else { None };
    let mut own = Vec::new();
    for node in nodes(of, rank, size) {
        own.push(total(node, &mut part)?);
    }
    if size == 1 {
        return own.pop().ok_or_else(|| Error::argument("ranks: there is nothing to add"));
    }
    // Every rank must know the length, which one without parts does not.
    let length = own.first().map_or(0, Vec::len);
    let lengths = communicator.gather(&(length as u64).to_le_bytes())?;
    let length = lengths.iter().map(|bytes| number(bytes)).max().unwrap_or(0);
    if let Some(other) = own.iter().find(|vector| vector.len() != length) {
        return Err(Error::argument(format!("ranks: vectors of {} and of {length} numbers cannot be added", other.len())));
    }
    let slices =
        |to: usize| own.iter().flat_map(|vector| bytemuck::cast_slice::<f32, u8>(&vector[share(length, to, size)])).copied().collect();
    let slices: Vec<Vec<u8>> = (0..size).map(slices).collect();
    drop(own);
    let found = communicator.exchange(slices)?;
    let slice = share(length, rank, size).len();
    let mut sums = Vec::new();
    for (from, bytes) in found.iter().enumerate() {
        let nodes = nodes(of, from, size);
        let vectors = numbers(bytes, nodes.len() * slice, from)?;
        sums.extend(nodes.into_iter().enumerate().map(|(i, node)| (node, vectors[i * slice..(i + 1) * slice].to_vec())));
    }
    let mut known = |node: &Range<usize>| sums.iter_mut().find(|(of, _)| of == node).map(|(_, vector)| std::mem::take(vector));
    let sum = total(0..of, &mut known)?;
    let all = communicator.gather(bytemuck::cast_slice(&sum))?;
    let mut sum = Vec::with_capacity(length);
    for (from, bytes) in all.iter().enumerate() {
        sum.extend(numbers(bytes, share(length, from, size).len(), from)?);
    }
    Ok(sum)
}

/// The number of eight bytes.
fn number(bytes: &[u8]) -> usize {
    bytes.try_into().map_or(0, |bytes| u64::from_le_bytes(bytes) as usize)
}

/// The numbers that a rank sent, of which there must be `expected`.
fn numbers(bytes: &[u8], expected: usize, from: usize) -> Result<Vec<f32>> {
    let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(bytes);
    match numbers.len() == expected && bytes.len() == 4 * expected {
        true => Ok(numbers),
        false => Err(Error::argument(format!("ranks: rank {from} sent {} bytes, {} expected", bytes.len(), 4 * expected))),
    }
}

/// [`Communicator::exchange`], by sending every message to all ranks.
pub(super) fn exchange_by_gather<C: Communicator + ?Sized>(communicator: &C, to: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let (rank, size) = (communicator.rank(), communicator.size());
    if to.len() != size {
        return Err(Error::argument(format!("ranks: {} messages for {size} ranks", to.len())));
    }
    let mut bytes: Vec<u8> = to.iter().flat_map(|message| (message.len() as u64).to_le_bytes()).collect();
    to.iter().for_each(|message| bytes.extend(message));
    let all = communicator.gather(&bytes)?;
    all.iter().enumerate().map(|(from, bytes)| own(bytes, rank, size).ok_or_else(|| malformed(from))).collect()
}

fn malformed(from: usize) -> Error {
    Error::argument(format!("ranks: rank {from} sent messages that cannot be read"))
}

/// The message to `rank` among those that a rank sent to all.
fn own(bytes: &[u8], rank: usize, size: usize) -> Option<Vec<u8>> {
    let (lengths, messages) = bytes.split_at_checked(8 * size)?;
    let lengths: Vec<usize> = lengths.chunks_exact(8).map(number).collect();
    let from = lengths[..rank].iter().try_fold(0usize, |sum, n| sum.checked_add(*n))?;
    messages.get(from..from.checked_add(lengths[rank])?).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::super::{Alone, Threads};
    use super::*;
    use proptest::prelude::*;

    /// The tree's definition, by recursion over one position.
    fn defined(parts: &[f32]) -> f32 {
        match parts {
            [one] => *one,
            parts => {
                let (left, right) = parts.split_at(parts.len() / 2);
                let sum = defined(left) + defined(right);
                if sum.is_nan() { f32::NAN } else { sum }
            }
        }
    }

    /// The sums that `size` ranks find.
    fn by_ranks(parts: &[Vec<f32>], size: usize) -> Vec<Vec<f32>> {
        let of = parts.len();
        std::thread::scope(|scope| {
            let sum = |rank: Threads| {
                let held = parts[share(of, rank.rank(), size)].to_vec();
                scope.spawn(move || rank.sum(held, of).unwrap())
            };
            let ranks: Vec<_> = Threads::new(size).into_iter().map(sum).collect();
            ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    fn bits(vector: &[f32]) -> Vec<u32> {
        vector.iter().map(|x| x.to_bits()).collect()
    }

    fn numbers() -> impl Strategy<Value = f32> {
        prop_oneof![
            8 => -1e3f32..1e3,
            2 => any::<f32>(),
            1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(-0.0), Just(f32::MIN_POSITIVE / 8.0)],
        ]
    }

    proptest! {
        #[test]
        fn any_number_of_ranks_finds_the_bits_of_the_tree(
            parts in (1usize..13, 0usize..20).prop_flat_map(|(of, n)| prop::collection::vec(prop::collection::vec(numbers(), n), of))
        ) {
            let expected: Vec<f32> = match parts.len() {
                1 => parts[0].clone(),
                _ => (0..parts[0].len()).map(|i| defined(&parts.iter().map(|part| part[i]).collect::<Vec<_>>())).collect(),
            };
            prop_assert_eq!(bits(&Alone.sum(parts.clone(), parts.len()).unwrap()), bits(&expected));
            for size in 1..=5 {
                for found in by_ranks(&parts, size) {
                    prop_assert_eq!(bits(&found), bits(&expected), "{} ranks", size);
                }
            }
        }
    }

    #[test]
    fn the_order_is_the_tree_s() {
        // (1e8 + 1) + (−1e8 + 1) = 1e8 − 1e8 in f32; from left to right it would be 1.
        let parts: Vec<Vec<f32>> = [1e8, 1.0, -1e8, 1.0].map(|x| vec![x]).to_vec();
        assert_eq!(Alone.sum(parts.clone(), 4).unwrap(), [0.0]);
        assert_eq!(by_ranks(&parts, 3), [[0.0], [0.0], [0.0]]);
    }

    #[test]
    fn a_power_of_two_leaves_one_node_for_each_rank() {
        assert_eq!((0..4).flat_map(|rank| nodes(16, rank, 4)).collect::<Vec<_>>(), [0..4, 4..8, 8..12, 12..16]);
        assert_eq!(nodes(6, 0, 3), [0..1, 1..2]);
        assert!(nodes(2, 0, 3).is_empty());
    }

    #[test]
    fn what_cannot_be_added_is_refused() {
        assert!(Alone.sum(vec![], 0).unwrap_err().to_string().contains("holds 0 parts"));
        assert!(Alone.sum(vec![vec![1.0]], 2).unwrap_err().to_string().contains("holds 1 parts of a sum, 2 of 2 expected"));
        let message = Alone.sum(vec![vec![1.0], vec![1.0, 2.0]], 2).unwrap_err().to_string();
        assert_eq!(message, "ranks: vectors of 1 and of 2 numbers cannot be added");
    }

    #[test]
    fn each_rank_gets_the_messages_to_it() {
        let found = std::thread::scope(|scope| {
            let exchange = |rank: Threads| {
                scope.spawn(move || {
                    let to = (0..3).map(|to| vec![rank.rank() as u8; to]).collect();
                    rank.exchange(to).unwrap()
                })
            };
            let ranks: Vec<_> = Threads::new(3).into_iter().map(exchange).collect();
            ranks.into_iter().map(|rank| rank.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(found[0], [[], [], []] as [[u8; 0]; 3]);
        assert_eq!(found[2], [[0, 0], [1, 1], [2, 2]]);
    }
}
