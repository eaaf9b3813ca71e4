//! Networks over connectomes (hypercoil's `crosshair`, `sylo`, `recombinator`, `vertcom`). Their receptive field is the crosshair of an
//! entry: its row and its column, as in the edge-to-edge filters of BrainNetCNN (Kawahara et al. 2017, NeuroImage 146).

use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// The similarity of a matrix x to a template w over the crosshair of each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Similarity {
    /// The sum of products, Σ x w.
    #[default]
    Product,
    /// The cosine, Σ x w / (|x| |w|); 0 where either crosshair is all zeros.
    Cosine,
    /// The distance Σ |x − w|.
    L1,
    /// The distance √Σ (x − w)².
    L2,
}

/// The symmetry of a low-rank template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Symmetry {
    /// No symmetry: L Rᵀ.
    #[default]
    None,
    /// Symmetric: ½ (L Rᵀ + R Lᵀ).
    Cross,
    /// Antisymmetric: ½ (L Rᵀ − R Lᵀ).
    Skew,
}

/// # Networks over connectomes
impl Tape {
    /// The sum over the row and the column of each entry of a matrix `[.., h, w]`, with the entry itself counted once.
    ///
    /// # Errors
    /// Returns an error where there are fewer than two axes; the other methods of this file return one where shapes do not fit.
    pub fn crosshair_sum(&mut self, x: Var) -> Result<Var> {
        let (down, across) = (self.sum(x, &[-2], true)?, self.sum(x, &[-1], true)?);
        let both = self.add(down, across)?;
        self.sub(both, x)
    }

    /// The product sum Σ a b over the crosshair of each entry: row sum + column sum − a b.
    pub fn crosshair_product(&mut self, a: Var, b: Var) -> Result<Var> {
        let products = self.mul(a, b)?;
        self.crosshair_sum(products)
    }

    /// The sum Σ |a| over the crosshair of each entry.
    pub fn crosshair_l1(&mut self, a: Var) -> Result<Var> {
        let sizes = self.abs(a)?;
        self.crosshair_sum(sizes)
    }

    /// The norm √Σ a² over the crosshair of each entry. Its gradient is 0 where it is 0.
    pub fn crosshair_l2(&mut self, a: Var) -> Result<Var> {
        let squares = self.square(a)?;
        let sum = self.crosshair_sum(squares)?;
        // The sum row sum + column sum − a² cannot be negative; values below 0 come from rounding.
        let sum = self.relu(sum)?;
        self.root(sum)
    }

    /// The similarity of matrices x `[batch, channels, h, w]` to templates `[filters, channels, h, w]` over the crosshair of each entry,
    /// summed over channels: `[batch, filters, h, w]`. It is computed channel by channel, and no array of size batch × filters × channels ×
    /// h × w is kept.
    pub fn crosshair_similarity(&mut self, x: Var, templates: Var, similarity: Similarity) -> Result<Var> {
        let (input, filters) = (self.shape(x), self.shape(templates));
        if input.rank() != 4 || filters.rank() != 4 || input[1..] != filters[1..] || input[1] == 0 {
            let what = format!("[batch, channels, h, w] and [filters, channels, h, w] expected, found {input} and {filters}");
            return Err(Error::op("crosshair_similarity", what));
        }
        let mut sum = None;
        for channel in 0..input[1] {
            let a = self.slice(x, 1, channel, channel + 1, 1)?;
            let b = self.slice(templates, 1, channel, channel + 1, 1)?;
            let b = self.reshape(b, [1, filters[0], filters[2], filters[3]])?;
            let part = self.channel_similarity(a, b, similarity)?;
            sum = Some(match sum {
                Some(sum) => self.add(sum, part)?,
                None => part,
            });
        }
        let sum = sum.ok_or_else(|| Error::op("crosshair_similarity", "no channels"))?;
        // A sum over a crosshair is linear, so products are summed over channels first.
        if similarity == Similarity::Product { self.crosshair_sum(sum) } else { Ok(sum) }
    }

    fn channel_similarity(&mut self, a: Var, b: Var, similarity: Similarity) -> Result<Var> {
        match similarity {
            Similarity::Product => self.mul(a, b),
            Similarity::Cosine => {
                let product = self.crosshair_product(a, b)?;
                let (long, wide) = (self.crosshair_l2(a)?, self.crosshair_l2(b)?);
                let lengths = self.mul(long, wide)?;
                let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
                let none = self.less_equal(lengths, zero)?;
                let safe = self.select(none, one, lengths)?;
                let ratio = self.div(product, safe)?;
                self.select(none, zero, ratio)
            }
            Similarity::L1 => {
                let apart = self.sub(a, b)?;
                self.crosshair_l1(apart)
            }
            Similarity::L2 => {
                let apart = self.sub(a, b)?;
                self.crosshair_l2(apart)
            }
        }
    }

    /// Low-rank templates L Rᵀ from L `[.., h, rank]` and R `[.., w, rank]`, with an optional symmetry. To couple the ranks, multiply the
    /// coupling into L beforehand.
    pub fn low_rank_templates(&mut self, left: Var, right: Var, symmetry: Symmetry) -> Result<Var> {
        let templates = self.matmul_with(left, right, false, true)?;
        if symmetry == Symmetry::None {
            return Ok(templates);
        }
        let turned = self.matmul_with(right, left, false, true)?;
        let both = match symmetry {
            Symmetry::Skew => self.sub(templates, turned)?,
            _ => self.add(templates, turned)?,
        };
        self.scale(both, 0.5)
    }

    /// The sylo layer: the crosshair similarity `[batch, filters, h, w]` of x `[batch, channels, h, w]` to low-rank templates, L `[filters,
    /// channels, h, rank]` and R `[filters, channels, w, rank]`. The caller adds a bias. With `without_diagonal` the diagonals of the
    /// templates and of the result are left out.
    pub fn sylo(&mut self, x: Var, [left, right]: [Var; 2], symmetry: Symmetry, without_diagonal: bool) -> Result<Var> {
        let mut templates = self.low_rank_templates(left, right, symmetry)?;
        if without_diagonal {
            templates = self.without_diagonal(templates)?;
        }
        let similar = self.crosshair_similarity(x, templates, Similarity::Product)?;
        if without_diagonal { self.without_diagonal(similar) } else { Ok(similar) }
    }

    /// Channels of x `[batch, channels, h, w]` mixed by `mixture` `[.., out, channels]`, which is one matrix or one for each batch item:
    /// `[batch, out, h, w]`. This is a 1 × 1 convolution.
    pub fn recombine(&mut self, x: Var, mixture: Var) -> Result<Var> {
        let shape = self.shape(x);
        if shape.rank() != 4 {
            return Err(Error::op("recombine", format!("[batch, channels, h, w] expected, found {shape}")));
        }
        let flat = self.reshape(x, [shape[0], shape[1], shape[2] * shape[3]])?;
        let mixed = self.matmul(mixture, flat)?;
        let out = self.shape(mixed)[1];
        self.reshape(mixed, shape.with(1, out))
    }

    /// [`Tape::recombine`] with convex combinations chosen by a query: the mixture `[out, channels]` becomes softmax(mixture · query) over
    /// channels, with one query `[channels, channels]` for each item, `[batch, channels, channels]`.
    pub fn recombine_by_query(&mut self, x: Var, mixture: Var, query: Var) -> Result<Var> {
        let scores = self.matmul(mixture, query)?;
        let chosen = self.softmax(scores, -1)?;
        self.recombine(x, chosen)
    }

    /// [`Tape::recombine_by_query`] with a low-rank query L Rᵀ, L and R `[batch, channels, rank]`.
    pub fn recombine_by_low_rank_query(&mut self, x: Var, mixture: Var, [left, right]: [Var; 2]) -> Result<Var> {
        let scores = self.matmul(mixture, left)?;
        let scores = self.matmul_with(scores, right, false, true)?;
        let chosen = self.softmax(scores, -1)?;
        self.recombine(x, chosen)
    }

    /// The compressed network R X Rᵀ `[.., p, p]` of x `[.., n, n]` by `rows` R `[.., p, n]`, with diagonals left out before and after.
    /// Where `renormalised`, the off-diagonal entries keep their former standard deviation. hypercoil's `uncompress` is
    /// [`Tape::vertical_compression`] with the transposed rows. Errors are those of that method.
    pub fn network_compression(&mut self, x: Var, rows: Var, renormalised: bool) -> Result<Var> {
        let x = self.without_diagonal(x)?;
        let left = self.matmul(rows, x)?;
        let compressed = self.matmul_with(left, rows, false, true)?;
        let compressed = self.without_diagonal(compressed)?;
        if !renormalised {
            return Ok(compressed);
        }
        let (before, after) = (self.deviation_off_diagonal(x)?, self.deviation_off_diagonal(compressed)?);
        self.scaled_to(compressed, before, after)
    }

    /// The standard deviation `[.., 1, 1]` of the off-diagonal entries of matrices whose diagonal is 0.
    fn deviation_off_diagonal(&mut self, x: Var) -> Result<Var> {
        let n = self.expect_square("network_compression", x)?;
        let entries = (n * n.saturating_sub(1)).max(1) as f32;
        let sum = self.sum(x, &[-2, -1], true)?;
        let mean = self.scale(sum, 1.0 / entries)?;
        let centred = self.sub(x, mean)?;
        let centred = self.without_diagonal(centred)?;
        let squares = self.square(centred)?;
        let power = self.sum(squares, &[-2, -1], true)?;
        let variance = self.scale(power, 1.0 / entries)?;
        self.root(variance)
    }

    /// x scaled by before / after; unchanged where `after` is 0.
    fn scaled_to(&mut self, x: Var, before: Var, after: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let constant = self.less_equal(after, zero)?;
        let safe = self.select(constant, one, after)?;
        let ratio = self.div(before, safe)?;
        let ratio = self.select(constant, one, ratio)?;
        self.mul(x, ratio)
    }

    /// The compression R X Cᵀ `[.., p, q]` of x `[.., h, w]` by `rows` R `[.., p, h]` and `columns` C `[.., q, w]`. Where `renormalised`,
    /// the result has the standard deviation over all entries that each matrix had before; a constant result stays unchanged.
    pub fn vertical_compression(&mut self, x: Var, rows: Var, columns: Var, renormalised: bool) -> Result<Var> {
        let left = self.matmul(rows, x)?;
        let compressed = self.matmul_with(left, columns, false, true)?;
        if !renormalised {
            return Ok(compressed);
        }
        let (before, after) = (self.standard_deviation(x, &[-2, -1], 0, true)?, self.standard_deviation(compressed, &[-2, -1], 0, true)?);
        self.scaled_to(compressed, before, after)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, channels, filters, n, rank] in [[1, 1, 1, 1, 1], [2, 3, 5, 7, 2]] {
        let x = || normal([batch, channels, n, n]);
        for similarity in [Similarity::Product, Similarity::Cosine, Similarity::L1, Similarity::L2] {
            let operands = vec![x(), normal([filters, channels, n, n])];
            let build = move |t: &mut Tape, x: &[Var]| t.crosshair_similarity(x[0], x[1], similarity);
            cases.push(one(&format!("crosshair_similarity {similarity:?}"), operands, build));
        }
        for (symmetry, apart) in [(Symmetry::None, false), (Symmetry::Cross, true), (Symmetry::Skew, false)] {
            let template = || normal([filters, channels, n, rank]);
            let build = move |t: &mut Tape, x: &[Var]| t.sylo(x[0], [x[1], x[2]], symmetry, apart);
            cases.push(one(&format!("sylo {symmetry:?}"), vec![x(), template(), template()], build));
        }
        cases.push(one("recombine", vec![x(), normal([filters, channels])], |t, x| t.recombine(x[0], x[1])));
    }
    let operands = vec![normal([2, 7, 9]), normal([3, 7]), normal([5, 9])];
    cases.push(one("vertical_compression", operands, |t, x| t.vertical_compression(x[0], x[1], x[2], true)));
    let operands = vec![normal([2, 7, 7]), normal([3, 7])];
    cases.push(one("network_compression", operands, |t, x| t.network_compression(x[0], x[1], true)));
    let operands = vec![normal([2, 3, 5, 7]), normal([4, 3]), normal([2, 3, 3])];
    cases.push(one("recombine_by_query", operands, |t, x| t.recombine_by_query(x[0], x[1], x[2])));
    let operands = vec![normal([2, 3, 5, 7]), normal([4, 3]), normal([2, 3, 2]), normal([2, 3, 2])];
    cases.push(one("recombine_by_low_rank_query", operands, |t, x| t.recombine_by_low_rank_query(x[0], x[1], [x[2], x[3]])));
    cases
}
