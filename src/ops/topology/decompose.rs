//! Births and deaths of one graph on the host: its edges sorted once, and Kruskal's algorithm down that order.

use crate::ops::sort::{Item, Keyed, sorted};

/// Sorted weights and the indices of their edges.
pub(super) struct Decomposition<'a, R> {
    pub(super) births: &'a mut [R],
    pub(super) deaths: &'a mut [R],
    /// Births' edges, then deaths'.
    pub(super) edges: &'a mut [i32],
}

/// Both ends of an edge in one number, in the order of their indices.
fn ends(i: usize, j: usize) -> u32 {
    (i as u32) << 16 | j as u32
}

/// Entries compared at once with those across the diagonal, so that both lie in the first cache.
const BLOCK: usize = 32;

/// An error that names two nodes where the weights are not finite or not symmetric.
pub(crate) fn check<R: Keyed>(w: &[R], n: usize) -> Result<(), String> {
    for (first, block) in w.chunks(BLOCK * n).enumerate().map(|(b, block)| (b * BLOCK, block)) {
        for left in (first..n).step_by(BLOCK) {
            for (i, row) in (first..).zip(block.chunks_exact(n)) {
                for (j, &x) in row.iter().enumerate().take(left + BLOCK).skip(left.max(i + 1)) {
                    let across = w[j * n + i];
                    if x != across || !x.is_finite() {
                        return Err(fault(i, j, x, across));
                    }
                }
            }
        }
    }
    Ok(())
}

fn fault<R: Keyed>(i: usize, j: usize, x: R, across: R) -> String {
    let at = if x.is_finite() { [j, i] } else { [i, j] };
    if x.is_finite() && across.is_finite() {
        return format!("the weight from node {i} to node {j} (counted from 0) is {x}, and {across} the other way: symmetric is expected");
    }
    let value = if x.is_finite() { across } else { x };
    format!("the weight from node {} to node {} (counted from 0) is {value}: a finite number is expected", at[0], at[1])
}

/// The sets of nodes that a growing forest joins.
struct Forest(Vec<u32>);

impl Forest {
    fn root(&mut self, mut v: u32) -> u32 {
        while self.0[v as usize] != v {
            let above = self.0[self.0[v as usize] as usize];
            self.0[v as usize] = above;
            v = above;
        }
        v
    }

    /// Joins the trees of two nodes; true where they were apart.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a as usize] = b;
        a != b
    }
}

/// Decomposes a graph of n nodes, given of each row of its weights what lies right of the diagonal.
pub(super) fn decompose<'a, R: Keyed>(rows: impl Iterator<Item = (usize, &'a [R])>, n: usize, into: &mut Decomposition<'_, R>) {
    let mut items = Vec::with_capacity(n * (n - 1) / 2);
    for (i, row) in rows {
        items.extend(row.iter().zip(i + 1..).map(|(x, j)| R::Item::new(x.key(), ends(i, j))));
    }
    let items = sorted(items);
    let mut forest = Forest((0..n as u32).collect());
    // The tree's edges by their ranks, from the last.
    let mut tree = Vec::with_capacity(n - 1);
    for (rank, item) in items.iter().enumerate().rev() {
        if forest.join(item.place() >> 16, item.place() & 0xFFFF) {
            tree.push(rank);
            if tree.len() == n - 1 {
                break;
            }
        }
    }
    let value = |item: &R::Item| (R::of_key(item.key()), ((item.place() >> 16) as usize * n) as i32 + (item.place() & 0xFFFF) as i32);
    let (of_births, of_deaths) = into.edges.split_at_mut(n - 1);
    let (mut death, mut from) = (0, 0);
    for (birth, &rank) in tree.iter().rev().enumerate() {
        (into.births[birth], of_births[birth]) = value(&items[rank]);
        fill(&mut into.deaths[death..], &mut of_deaths[death..], &items[from..rank], value);
        (death, from) = (death + rank - from, rank + 1);
    }
    fill(&mut into.deaths[death..], &mut of_deaths[death..], &items[from..], value);
}

fn fill<R, T>(deaths: &mut [R], edges: &mut [i32], items: &[T], value: impl Fn(&T) -> (R, i32)) {
    deaths.iter_mut().zip(edges).zip(items).for_each(|((death, edge), item)| (*death, *edge) = value(item));
}
