//! Networks over connectomes (hypercoil's `crosshair`, `sylo`, `recombinator`, `vertcom`): each entry of a matrix seen along its row and
//! its column, as BrainNetCNN's edge-to-edge filters see it (Kawahara et al. 2017, NeuroImage 146).

use crate::ops::case::Case;
use crate::ops::case::{normal, one};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// What a template is compared by, over the crosshair of each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Similarity {
    /// Σ x w.
    #[default]
    Product,
    /// Σ x w / (|x| |w|); 0 where either crosshair is all zeros.
    Cosine,
    /// Σ |x − w|, a distance.
    L1,
    /// √Σ (x − w)², a distance.
    L2,
}

/// The symmetry of a template of low rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Symmetry {
    /// L Rᵀ as it is.
    #[default]
    None,
    /// ½ (L Rᵀ + R Lᵀ).
    Cross,
    /// ½ (L Rᵀ − R Lᵀ).
    Skew,
}

impl Tape {
    /// The sum over each entry's row and column of a matrix `[.., h, w]`, the entry itself once.
    ///
    /// # Errors
    /// Where there are not two axes; so for all of these where shapes do not fit.
    pub fn crosshair_sum(&mut self, x: Var) -> Result<Var> {
        let (down, across) = (self.sum(x, &[-2], true)?, self.sum(x, &[-1], true)?);
        let both = self.add(down, across)?;
        self.sub(both, x)
    }

    /// Σ a b over each entry's crosshair: rowsum + colsum − a b.
    pub fn crosshair_product(&mut self, a: Var, b: Var) -> Result<Var> {
        let products = self.mul(a, b)?;
        self.crosshair_sum(products)
    }

    /// Σ |a| over each entry's crosshair.
    pub fn crosshair_l1(&mut self, a: Var) -> Result<Var> {
        let sizes = self.abs(a)?;
        self.crosshair_sum(sizes)
    }

    /// √Σ a² over each entry's crosshair; its gradient is 0 where it is 0.
    pub fn crosshair_l2(&mut self, a: Var) -> Result<Var> {
        let squares = self.square(a)?;
        let sum = self.crosshair_sum(squares)?;
        // rowsum + colsum − a² of numbers not below 0: what is below is rounding.
        let sum = self.relu(sum)?;
        self.root(sum)
    }

    /// Matrices x `[batch, channels, h, w]` against templates `[filters, channels, h, w]`, over each entry's crosshair and summed over
    /// channels: `[batch, filters, h, w]`. It goes channel by channel and keeps nothing of size batch × filters × channels × h × w.
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

    /// Templates of low rank, L Rᵀ of L `[.., h, rank]` and R `[.., w, rank]`, with an optional symmetry. A coupling of the ranks is
    /// multiplied into L beforehand.
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

    /// Sylo: the crosshair similarity of x `[batch, channels, h, w]` to templates of low rank, L `[filters, channels, h, rank]` and R
    /// `[filters, channels, w, rank]`: `[batch, filters, h, w]`. A bias is added by the caller. `without_diagonal` leaves the diagonal of
    /// the templates and of the result out.
    pub fn sylo(&mut self, x: Var, [left, right]: [Var; 2], symmetry: Symmetry, without_diagonal: bool) -> Result<Var> {
        let mut templates = self.low_rank_templates(left, right, symmetry)?;
        if without_diagonal {
            templates = self.without_diagonal(templates)?;
        }
        let similar = self.crosshair_similarity(x, templates, Similarity::Product)?;
        if without_diagonal { self.without_diagonal(similar) } else { Ok(similar) }
    }

    /// Channels x `[batch, channels, h, w]` mixed by `mixture` `[.., out, channels]`, a matrix or one an item of the batch:
    /// `[batch, out, h, w]`, a 1 × 1 convolution.
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

    /// [`Tape::recombine`] by convex combinations that a query chooses: the mixture `[out, channels]` becomes softmax(mixture · query) over
    /// channels, query `[batch, channels, channels]`, one an item.
    pub fn recombine_by_query(&mut self, x: Var, mixture: Var, query: Var) -> Result<Var> {
        let scores = self.matmul(mixture, query)?;
        let chosen = self.softmax(scores, -1)?;
        self.recombine(x, chosen)
    }

    /// [`Tape::recombine_by_query`] of a query of low rank, L Rᵀ of L and R `[batch, channels, rank]`.
    pub fn recombine_by_low_rank_query(&mut self, x: Var, mixture: Var, [left, right]: [Var; 2]) -> Result<Var> {
        let scores = self.matmul(mixture, left)?;
        let scores = self.matmul_with(scores, right, false, true)?;
        let chosen = self.softmax(scores, -1)?;
        self.recombine(x, chosen)
    }

    /// R X Rᵀ of x `[.., n, n]` by `rows` `[.., p, n]`, diagonals left out before and after: a network of fewer nodes, `[.., p, p]`. Where
    /// `renormalised`, the entries off the diagonal have their standard deviation of before. [`Tape::vertical_compression`] by the transposed
    /// rows is hypercoil's `uncompress`. Errors as there.
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

    /// The standard deviation of what is off the diagonal of matrices whose diagonal is 0, `[.., 1, 1]`.
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

    /// x times what it was over what it is, as it stays where that is 0.
    fn scaled_to(&mut self, x: Var, before: Var, after: Var) -> Result<Var> {
        let (zero, one) = (self.scalar(0.0)?, self.scalar(1.0)?);
        let constant = self.less_equal(after, zero)?;
        let safe = self.select(constant, one, after)?;
        let ratio = self.div(before, safe)?;
        let ratio = self.select(constant, one, ratio)?;
        self.mul(x, ratio)
    }

    /// R X Cᵀ of x `[.., h, w]` by `rows` `[.., p, h]` and `columns` `[.., q, w]`: `[.., p, q]`. Where `renormalised`, the result has each
    /// matrix's standard deviation over all entries as it was before; a constant result stays.
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
