//! Recursive filters with learnt coefficients.

use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::tensor::HostTensor;
use crate::{Error, Result, Shape};

/// The number of frames in a block.
const BLOCK: usize = 64;

/// The linear maps of a section over one block, recorded from its coefficients.
struct Maps {
    /// The map from the frames of a block to its output frames, `[BLOCK, BLOCK]`.
    own: Var,
    /// The map from the frames of a block to the state after it, `[BLOCK, 2]`.
    left_behind: Var,
    /// The map from a state to its contribution to the frames after it, `[2, BLOCK]`.
    added: Var,
    /// The map from a state to the state one block later, `[2, 2]`; states are rows.
    step: Var,
}

impl Tape {
    /// Runs series x `[.., regions, time]` through second-order sections one after another, from a zero state, with coefficients b₀, b₁,
    /// b₂, a₁, a₂ in the rows of `[sections, 5]`: `scipy.signal.sosfilt`, differentiable in the coefficients and in x. Where `reversed`, it
    /// runs from the last frame to the first. The coefficients are f32, which has too few digits for poles very near 1;
    /// [`Tape::section_filter`] runs a fixed filter more exactly.
    ///
    /// # Errors
    /// Returns an error where the operands are not f32 of these shapes.
    pub fn learnt_section_filter(&mut self, x: Var, coefficients: Var, reversed: bool) -> Result<Var> {
        let op = "learnt_section_filter";
        let shape = self.series_shape(op, x)?;
        self.expect_f32(op, "coefficients", coefficients)?;
        let given = self.shape(coefficients);
        let &[sections, 5] = &*given else {
            return Err(Error::op(op, format!("coefficients [sections, 5] expected, found {given}")));
        };
        let time = shape[shape.rank() - 1];
        let turned: Vec<usize> = (0..time).rev().collect();
        let mut y = if reversed { self.taken_frames(x, &turned)? } else { x };
        for section in 0..sections {
            let row = self.slice(coefficients, 0, section, section + 1, 1)?;
            let maps = self.section_maps(row)?;
            y = self.by_blocks(y, &maps, shape)?;
        }
        if reversed { self.taken_frames(y, &turned) } else { Ok(y) }
    }

    /// The maps for coefficients `[1, 5]`, from the powers of the transition matrix A = [−a₁ 1; −a₂ 0] of the transposed direct form.
    fn section_maps(&mut self, coefficients: Var) -> Result<Maps> {
        let part = |t: &mut Self, i: usize| {
            let one = t.slice(coefficients, -1, i, i + 1, 1)?;
            t.reshape(one, [1, 1])
        };
        let [b_0, b_1, b_2, a_1, a_2] = [part(self, 0)?, part(self, 1)?, part(self, 2)?, part(self, 3)?, part(self, 4)?];
        let (down, zero) = (self.full([1, 1], 1.0)?, self.full([1, 1], 0.0)?);
        let (minus_1, minus_2) = (self.neg(a_1)?, self.neg(a_2)?);
        let (first, second) = (self.concatenate(&[minus_1, down], 1)?, self.concatenate(&[minus_2, zero], 1)?);
        let mut power = self.concatenate(&[first, second], 0)?;
        // The powers A⁰ to A⁶³, stacked.
        let mut powers = self.constant(HostTensor::f32([2, 2], vec![1.0, 0.0, 0.0, 1.0])?)?;
        while self.shape(powers)[0] < 2 * BLOCK {
            let next = self.matmul(powers, power)?;
            powers = self.concatenate(&[powers, next], 0)?;
            power = self.matmul(power, power)?;
        }
        let into = |t: &mut Self, b: Var, minus: Var| {
            let product = t.mul(minus, b_0)?;
            t.add(b, product)
        };
        let (into_1, into_2) = (into(self, b_1, minus_1)?, into(self, b_2, minus_2)?);
        let into = self.concatenate(&[into_1, into_2], 0)?;
        // The products Aᵏ b, one in each row, and the first row of each Aᵏ.
        let after = self.matmul(powers, into)?;
        let after = self.reshape(after, [BLOCK, 2])?;
        let first_rows = self.slice(powers, 0, 0, 2 * BLOCK, 2)?;
        let response = self.slice(after, 1, 0, 1, 1)?;
        let response = self.slice(response, 0, 0, BLOCK - 1, 1)?;
        // The impulse response follows zeros; frame j contributes to frame i by its value at i − j.
        let response = self.concatenate(&[b_0, response], 0)?;
        let response = self.pad(response, 0, BLOCK, 0, 0.0)?;
        let index = (0..BLOCK * BLOCK).map(|at| (BLOCK + at % BLOCK - at / BLOCK) as i32).collect();
        let index = self.constant(HostTensor::i32([BLOCK * BLOCK], index)?)?;
        let own = self.gather_rows(response, index)?;
        let own = self.reshape(own, [BLOCK, BLOCK])?;
        let backward: Vec<i32> = (0..BLOCK as i32).rev().collect();
        let backward = self.constant(HostTensor::i32([BLOCK], backward)?)?;
        let left_behind = self.gather_rows(after, backward)?;
        let added = self.transpose(first_rows, &[1, 0])?;
        let step = self.transpose(power, &[1, 0])?;
        Ok(Maps { own, left_behind, added, step })
    }

    /// Runs a section over series of this shape: the map within each block, and a scan over the states between blocks.
    fn by_blocks(&mut self, x: Var, maps: &Maps, shape: Shape) -> Result<Var> {
        let time = shape[shape.rank() - 1];
        let (blocks, rows) = (time.div_ceil(BLOCK), shape.elements() / time);
        let padded = self.pad(x, -1, 0, blocks * BLOCK - time, 0.0)?;
        let x = self.reshape(padded, [rows, blocks, BLOCK])?;
        let mut y = self.matmul(x, maps.own)?;
        if blocks > 1 {
            let mut state = self.matmul(x, maps.left_behind)?;
            let (mut apart, mut step) = (1, maps.step);
            while apart < blocks {
                let before = self.later(state, apart, blocks)?;
                let handed_on = self.matmul(before, step)?;
                state = self.add(state, handed_on)?;
                (apart, step) = (2 * apart, self.matmul(step, step)?);
            }
            let before = self.later(state, 1, blocks)?;
            let added = self.matmul(before, maps.added)?;
            y = self.add(y, added)?;
        }
        let y = self.reshape(y, shape.with(shape.rank() - 1, blocks * BLOCK))?;
        self.slice(y, -1, 0, time, 1)
    }

    /// States `[rows, blocks, 2]` shifted later by `by` blocks, with zeros before.
    fn later(&mut self, state: Var, by: usize, blocks: usize) -> Result<Var> {
        let kept = self.slice(state, 1, 0, blocks - by, 1)?;
        self.pad(kept, 1, by, 0, 0.0)
    }
}

/// Test cases with one section and three, over one block and several. The coefficients are those of stable sections for any draw.
pub(super) fn cases() -> Vec<Case> {
    let case = |(sections, time, reversed): (usize, usize, bool)| {
        let operands = vec![f32s([2, 3, time], Draw::Normal), f32s([sections, 5], Draw::Uniform(-0.4, 0.4))];
        let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.learnt_section_filter(x[0], x[1], reversed)?]);
        Case::new(&format!("learnt_section_filter {reversed}"), operands, build).within(5e-6, 2e-5)
    };
    [(1, 20, false), (3, 150, true), (2, 300, false)].map(case).to_vec()
}
