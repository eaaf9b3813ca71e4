//! The definition: tiles of pairs that stay in a core's cache, their products by `gemm`, shares of receivers over all cores.

use super::super::PairActivation;
use super::super::activation::{Body, BodyWithSlope, Phi};
use super::MlpExtents;
use crate::Result;
use crate::tensor::{HostTensor, MatrixLayout, Real, buffer, filled, parallel, product_alone};
use std::ops::Range;

/// Elements of a tile's hidden layer: of that and of its like, four lie in a cache of 1 MiB.
const TILE: usize = 1 << 16;

/// The receivers are shared out in so many parts or a few more, whatever the number of cores: sums are then the same on all.
const SHARES: usize = 32;

/// The operands that the network is applied to, their extents, and the activations.
pub(super) struct Operands<'a, R> {
    z: &'a [R],
    u: &'a [R],
    v: &'a [R],
    w: &'a [R],
    b: &'a [R],
    extents: MlpExtents,
    activations: [PairActivation; 2],
}

/// Receivers of one graph, for one core.
struct Share {
    graph: usize,
    receivers: Range<usize>,
}

/// Pairs of a graph that are computed together, receiver by receiver.
struct Tile {
    graph: usize,
    receivers: Range<usize>,
    senders: Range<usize>,
}

impl Tile {
    fn pairs(&self) -> usize {
        self.receivers.len() * self.senders.len()
    }

    /// Receiver and sender of each pair.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        self.receivers.clone().flat_map(|i| self.senders.clone().map(move |j| (i, j)))
    }
}

/// The cotangents that a share's reverse makes: those of its own receivers, and its part of those that all receivers add to.
struct Cotangents<'a, R> {
    z: &'a mut [R],
    u: &'a mut [R],
    v: Vec<R>,
    w: Vec<R>,
    b: Vec<R>,
}

/// A tile's hidden layer and its slopes, made messages, and the way back.
struct Scratch<R> {
    hidden: Vec<R>,
    slopes: Vec<R>,
    made: Vec<R>,
    back: Vec<R>,
}

impl<'a, R: Real> Operands<'a, R> {
    pub(super) fn new(x: &'a [HostTensor], extents: MlpExtents, activations: [PairActivation; 2]) -> Result<Self> {
        let [z, u, v, w, b] = [0, 1, 2, 3, 4].map(|i| x[i].elements::<R>());
        Ok(Self { z: z?, u: u?, v: v?, w: w?, b: b?, extents, activations })
    }

    /// Receivers of a share; the last of a graph may have fewer.
    fn share(&self) -> usize {
        let e = &self.extents;
        e.receivers.div_ceil(SHARES.div_ceil(e.batch.max(1))).max(1)
    }

    fn shares(&self) -> Vec<Share> {
        let (e, step) = (self.extents, self.share());
        let of_graph = |graph| (0..e.receivers).step_by(step).map(move |i| Share { graph, receivers: i..e.receivers.min(i + step) });
        (0..e.batch).flat_map(of_graph).collect()
    }

    /// The most pairs of a tile.
    fn tile(&self) -> usize {
        (TILE / self.extents.features.max(self.extents.outputs)).clamp(16, 512)
    }

    fn tiles(&self, share: &Share) -> Vec<Tile> {
        let (most, m) = (self.tile(), self.extents.senders);
        let together = (most / m.max(1)).max(1);
        let mut tiles = Vec::new();
        for i in share.receivers.clone().step_by(together) {
            let receivers = i..share.receivers.end.min(i + together);
            let senders = (0..m).step_by(most).map(|j| j..m.min(j + most));
            tiles.extend(senders.map(|senders| Tile { graph: share.graph, receivers: receivers.clone(), senders }));
        }
        tiles
    }

    /// About how many operations a share costs.
    fn work(&self) -> usize {
        2 * self.share() * self.extents.senders * self.extents.features * self.extents.outputs
    }

    fn receiver(&self, graph: usize, i: usize) -> usize {
        graph * self.extents.receivers + i
    }

    fn sender(&self, graph: usize, j: usize) -> usize {
        graph * self.extents.senders + j
    }

    /// s.
    pub(super) fn messages(&self) -> Vec<R> {
        let MlpExtents { batch, receivers, features: f, outputs: h, .. } = self.extents;
        let mut s = filled(batch * receivers * h, R::zero());
        let shares = self.shares();
        let mut parts = self.parts(&mut s, receivers * h, h);
        parallel::rows(&mut parts, 1, self.work(), |at, s| {
            let pairs = self.tile();
            let (mut hidden, mut made) = (vec![R::zero(); pairs * f], vec![R::zero(); pairs * h]);
            for tile in self.tiles(&shares[at]) {
                Phi::value(self.activations[0]).with(Hidden { x: self, tile: &tile, hidden: &mut hidden });
                self.second(&tile, &hidden, &mut made);
                Phi::value(self.activations[1]).with(Sum {
                    x: self,
                    tile: &tile,
                    made: &made,
                    s: &mut *s[0],
                    first: shares[at].receivers.start,
                });
            }
        });
        s
    }

    /// `values`, so many elements a graph and a receiver, by shares.
    fn parts<'b>(&self, values: &'b mut [R], graph: usize, receiver: usize) -> Vec<&'b mut [R]> {
        let width = self.share() * receiver;
        if graph * width == 0 {
            return self.shares().iter().map(|_| Default::default()).collect();
        }
        values.chunks_mut(graph).flat_map(|g| g.chunks_mut(width)).collect()
    }

    /// W times the hidden layer.
    fn second(&self, tile: &Tile, hidden: &[R], made: &mut [R]) {
        let (n, MlpExtents { features: f, outputs: h, .. }) = (tile.pairs(), self.extents);
        product_alone(made, [n, f, h], (hidden, MatrixLayout::new(0, [n, f], false)), (self.w, MatrixLayout::new(0, [f, h], true)), false);
    }

    /// The cotangents of z, u, v, w and b, g that of s.
    pub(super) fn cotangents(&self, g: &[R]) -> [Vec<R>; 5] {
        let MlpExtents { batch, receivers: n, senders: m, features: f, outputs: h } = self.extents;
        let (mut dz, mut du) = (buffer(batch * n * m), filled(batch * n * f, R::zero()));
        let shares = self.shares();
        let own = self.parts(&mut dz, n * m, m).into_iter().zip(self.parts(&mut du, n * f, f));
        let zeros = |n| vec![R::zero(); n];
        let mut parts: Vec<_> = own.map(|(z, u)| Cotangents { z, u, v: zeros(m * f), w: zeros(h * f), b: zeros(h) }).collect();
        parallel::rows(&mut parts, 1, 3 * self.work(), |at, part| self.reverse(&shares[at], g, &mut part[0]));
        let [mut dv, mut dw, mut db] = [batch * m * f, h * f, h].map(|n| filled(n, R::zero()));
        for (share, part) in shares.iter().zip(&parts) {
            add(&mut dv[share.graph * m * f..][..m * f], &part.v);
            add(&mut dw, &part.w);
            add(&mut db, &part.b);
        }
        [dz, du, dv, dw, db]
    }

    fn reverse(&self, share: &Share, g: &[R], part: &mut Cotangents<'_, R>) {
        let MlpExtents { features: f, outputs: h, .. } = self.extents;
        let zeros = |n| vec![R::zero(); self.tile() * n];
        let mut scratch = Scratch { hidden: zeros(f), slopes: zeros(f), made: zeros(h), back: zeros(f) };
        for tile in self.tiles(share) {
            let n = tile.pairs();
            self.activations[0].with_slope(HiddenWithSlope { x: self, tile: &tile, scratch: &mut scratch });
            self.second(&tile, &scratch.hidden, &mut scratch.made);
            self.activations[1].with_slope(Slopes { x: self, tile: &tile, g, made: &mut scratch.made, part, first: share.receivers.start });
            let (made, pairs) = (&scratch.made[..], MatrixLayout::new(0, [n, h], false));
            product_alone(&mut scratch.back, [n, h, f], (made, pairs), (self.w, MatrixLayout::new(0, [h, f], false)), false);
            let transposed = MatrixLayout::new(0, [h, n], true);
            product_alone(&mut part.w, [h, n, f], (made, transposed), (&scratch.hidden, MatrixLayout::new(0, [n, f], false)), true);
            for (at, (i, j)) in tile.each().enumerate() {
                let back = scratch.back[at * f..][..f].iter().zip(&scratch.slopes[at * f..][..f]);
                let ends = part.u[(i - share.receivers.start) * f..][..f].iter_mut().zip(&mut part.v[j * f..][..f]);
                ends.zip(back).for_each(|((du, dv), (&back, &slope))| {
                    let d = back * slope;
                    *du += d;
                    *dv += d;
                });
            }
        }
    }
}

fn add<R: Real>(sum: &mut [R], part: &[R]) {
    sum.iter_mut().zip(part).for_each(|(s, &p)| *s += p);
}

/// φ₁(u_i + v_j).
struct Hidden<'a, R> {
    x: &'a Operands<'a, R>,
    tile: &'a Tile,
    hidden: &'a mut [R],
}

impl<R: Real> Body<R> for Hidden<'_, R> {
    type Made = ();

    fn run(self, phi: impl Fn(R) -> R + Copy + Sync) {
        let f = self.x.extents.features;
        for ((i, j), hidden) in self.tile.each().zip(self.hidden.chunks_exact_mut(f)) {
            let (u, v) =
                (&self.x.u[self.x.receiver(self.tile.graph, i) * f..][..f], &self.x.v[self.x.sender(self.tile.graph, j) * f..][..f]);
            hidden.iter_mut().zip(u).zip(v).for_each(|((a, &u), &v)| *a = phi(u + v));
        }
    }
}

/// The same, and φ₁'(u_i + v_j).
struct HiddenWithSlope<'a, R> {
    x: &'a Operands<'a, R>,
    tile: &'a Tile,
    scratch: &'a mut Scratch<R>,
}

impl<R: Real> BodyWithSlope<R> for HiddenWithSlope<'_, R> {
    type Made = ();

    fn run(self, phi: impl Fn(R) -> (R, R) + Copy + Sync) {
        let f = self.x.extents.features;
        let rows = self.scratch.hidden.chunks_exact_mut(f).zip(self.scratch.slopes.chunks_exact_mut(f));
        for ((i, j), (hidden, slopes)) in self.tile.each().zip(rows) {
            let (u, v) =
                (&self.x.u[self.x.receiver(self.tile.graph, i) * f..][..f], &self.x.v[self.x.sender(self.tile.graph, j) * f..][..f]);
            let made = hidden.iter_mut().zip(slopes);
            made.zip(u).zip(v).for_each(|(((a, slope), &u), &v)| (*a, *slope) = phi(u + v));
        }
    }
}

/// s_i += z_ij φ₂(made + b), s from the receiver `first` on.
struct Sum<'a, R> {
    x: &'a Operands<'a, R>,
    tile: &'a Tile,
    made: &'a [R],
    s: &'a mut [R],
    first: usize,
}

impl<R: Real> Body<R> for Sum<'_, R> {
    type Made = ();

    fn run(self, phi: impl Fn(R) -> R + Copy + Sync) {
        let MlpExtents { senders: m, outputs: h, .. } = self.x.extents;
        for ((i, j), made) in self.tile.each().zip(self.made.chunks_exact(h)) {
            let z = self.x.z[self.x.receiver(self.tile.graph, i) * m + j];
            let s = &mut self.s[(i - self.first) * h..][..h];
            s.iter_mut().zip(made).zip(self.x.b).for_each(|((s, &p), &b)| *s += z * phi(p + b));
        }
    }
}

/// dz_ij = g_i · φ₂(made + b); then made becomes z_ij g_i φ₂'(made + b), which is summed to db.
struct Slopes<'a, 'b, R> {
    x: &'a Operands<'a, R>,
    tile: &'a Tile,
    g: &'a [R],
    made: &'a mut [R],
    part: &'a mut Cotangents<'b, R>,
    first: usize,
}

impl<R: Real> BodyWithSlope<R> for Slopes<'_, '_, R> {
    type Made = ();

    fn run(self, phi: impl Fn(R) -> (R, R) + Copy + Sync) {
        let MlpExtents { senders: m, outputs: h, .. } = self.x.extents;
        for ((i, j), made) in self.tile.each().zip(self.made.chunks_exact_mut(h)) {
            let at = self.x.receiver(self.tile.graph, i);
            let (z, g) = (self.x.z[at * m + j], &self.g[at * h..][..h]);
            // By fours, and so is what they are summed to: no sum waits for another.
            let mut sums = [R::zero(); 4];
            let layers = made.as_chunks_mut::<4>().0.iter_mut().zip(g.as_chunks::<4>().0);
            let biases = self.x.b.as_chunks::<4>().0.iter().zip(self.part.b.as_chunks_mut::<4>().0);
            for ((p, g), (b, db)) in layers.zip(biases) {
                for k in 0..4 {
                    let (y, slope) = phi(p[k] + b[k]);
                    sums[k] += g[k] * y;
                    p[k] = z * g[k] * slope;
                    db[k] += p[k];
                }
            }
            self.part.z[(i - self.first) * m + j] = sums.into_iter().sum();
        }
    }
}
