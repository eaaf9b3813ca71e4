//! Recursive filters: a cascade of second-order sections run along the last axis, forward or backward in time
//! ([`Tape::section_filter`]). [`Tape::forward_backward_filter`](crate::Tape::forward_backward_filter) is made of two of them.
//!
//! The definition is the recursion, section by section, in f64: its time and its memory grow with the frames. A recursion in f32 would
//! turn rounding into errors of 1e-4 where poles lie near 1 (a cut-off of 0.01 Hz at a TR of 0.7 s puts them at 0.98), and it is serial.
//! The kernels therefore work on blocks of 64 frames: what a block makes of its own frames is a short convolution, what it hands on is
//! a state, and the states of all blocks are found by a scan of log₂(blocks) passes. Every map is computed on the host in f64. The state is
//! that of a normalised lattice (Gray & Markel 1975), whose step is a part of an orthogonal matrix: no power of it is larger than 1, so that
//! rounding does not grow, however near to 1 the poles are.

mod blocks;
mod lower;

pub(in crate::ops) use lower::{APPLY, CARRY, DRIVE};

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::Lowering;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};
use blocks::Blocks;

pub(super) static FAMILY: Family = Family { sources: &[&APPLY, &CARRY, &DRIVE], cases, works };

/// y_t = b₀x_t + b₁x_{t−1} + b₂x_{t−2} − a₁y_{t−1} − a₂y_{t−2}.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Section {
    /// b₀, b₁, b₂.
    pub b: [f64; 3],
    /// a₁, a₂.
    pub a: [f64; 2],
}

impl Section {
    /// Its gain at frequency 0.
    pub(crate) fn steady_gain(&self) -> f64 {
        self.b.iter().sum::<f64>() / (1.0 + self.a[0] + self.a[1])
    }

    /// Runs in place from the state z of the transposed direct form II: z₁ is what the frames before add to the first, z₂ to the second.
    /// The state after them is given back.
    pub(crate) fn run(&self, y: &mut [f64], z: [f64; 2]) -> [f64; 2] {
        self.run_side_by_side(y.as_chunks_mut().0, z.map(|z| [z])).map(|[z]| z)
    }

    /// The same for series side by side.
    fn run_side_by_side<const SIDE: usize>(&self, y: &mut [[f64; SIDE]], mut z: [[f64; SIDE]; 2]) -> [[f64; SIDE]; 2] {
        let ([b_0, b_1, b_2], [a_1, a_2]) = (self.b, self.a);
        for y in y.iter_mut() {
            for (l, y) in y.iter_mut().enumerate() {
                let x = *y;
                *y = b_0 * x + z[0][l];
                (z[0][l], z[1][l]) = (b_1 * x - a_1 * *y + z[1][l], b_2 * x - a_2 * *y);
            }
        }
        z
    }
}

/// Series that a core filters at once: a frame waits for the one before it, and other series fill the time.
const SIDE: usize = 8;

/// x and what kernels know of blocks → x through the sections one after another, from a state of zeros; from the last frame to the first
/// where `reversed`, which is the adjoint.
#[derive(Debug, Clone)]
struct SectionFilter {
    sections: Vec<Section>,
    reversed: bool,
}

impl SectionFilter {
    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let (given, time) = (x.elements::<R>()?, x.shape().last().copied().unwrap_or(0));
        let mut y = buffer(given.len());
        let work = 10 * SIDE * time * self.sections.len();
        parallel::rows(&mut y, SIDE * time, work, |at, y| {
            let given = &given[at * SIDE * time..][..y.len()];
            let mut wide = vec![[0.0; SIDE]; time];
            for (l, row) in given.chunks_exact(time).enumerate() {
                wide.iter_mut().zip(row).for_each(|(wide, x)| wide[l] = x.double());
            }
            if self.reversed {
                wide.reverse();
            }
            for section in &self.sections {
                section.run_side_by_side(&mut wide, [[0.0; SIDE]; 2]);
            }
            if self.reversed {
                wide.reverse();
            }
            for (l, row) in y.chunks_exact_mut(time).enumerate() {
                row.iter_mut().zip(&wide).for_each(|(y, wide)| *y = R::of(wide[l]));
            }
        });
        HostTensor::real(x.shape(), y)
    }
}

impl Op for SectionFilter {
    fn key(&self) -> OpKey {
        OpKey::of("section_filter", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, maps) = (inputs[0], inputs[1]);
        let time = x.shape.last().copied().unwrap_or(0);
        if x.dtype != DType::F32 || time == 0 {
            return Err(Error::op("section_filter", format!("f32 series [.., time] of a frame at least expected, found {x}")));
        }
        let wanted = TensorType::f32([Blocks::of(self.sections.len(), time).words()]);
        if maps != wanted {
            return Err(Error::op("section_filter", format!("the maps of its blocks, {wanted}, expected, found {maps}")));
        }
        Ok(vec![x])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|y| vec![y])
    }

    /// The matrix of a causal filter is a triangle with equal diagonals; its transpose is the filter in the other direction.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (maps, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        let op = Self { reversed: !self.reversed, ..self.clone() };
        Ok(vec![Some(cx.tape().record_one(op, &[g, maps])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        lower::lower(cx, self.sections.len(), self.reversed)
    }
}

/// # Recursive filters
impl Tape {
    /// Series x `[.., time]` through second-order sections one after another, from a state of zeros: `scipy.signal.sosfilt`. Where
    /// `reversed`, from the last frame to the first. Differentiable in x.
    ///
    /// # Errors
    /// Where x is not f32 with a frame at least, or a section is not stable (its poles lie inside the unit circle).
    pub fn section_filter(&mut self, x: Var, sections: &[Section], reversed: bool) -> Result<Var> {
        self.expect_f32("section_filter", "the series", x)?;
        let time = self.shape(x).last().copied().unwrap_or(0);
        let maps = blocks::maps(sections, time)?;
        let maps = self.constant(HostTensor::f32([maps.len()], maps)?)?;
        self.record_one(SectionFilter { sections: sections.to_vec(), reversed }, &[x, maps])
    }
}

/// Slow and fast poles, real and complex ones, sections of first order, and from one block of frames to many.
pub(super) fn cases() -> Vec<Case> {
    let slow = [Section { b: [0.03, 0.0, -0.03], a: [-1.935, 0.94] }, Section { b: [1.0, 0.0, -1.0], a: [-1.99, 0.9902] }];
    let fast = [Section { b: [0.5, 0.25, 0.1], a: [0.3, -0.2] }];
    let first_order = [Section { b: [0.1, 0.1, 0.0], a: [-0.8, 0.0] }, Section { b: [1.0, -2.0, 1.0], a: [-1.8, 0.81] }];
    let mut cases = Vec::new();
    for (name, sections) in [("slow", &slow[..]), ("fast", &fast), ("of first order", &first_order), ("of none", &[])] {
        for (shape, reversed) in
            [([1, 1], false), ([3, 64], true), ([2, 65], false), ([2, 129], true), ([1, 1500], false), ([5, 777], true)]
        {
            let sections = sections.to_vec();
            let build = move |t: &mut Tape, x: &[Var]| Ok(vec![t.section_filter(x[0], &sections, reversed)?]);
            let which = if reversed { "reversed " } else { "" };
            let case = Case::new(&format!("section_filter {which}{name}"), vec![f32s(shape, Draw::Normal)], build);
            // Sums of 64 terms and of a state, all of them rounded once.
            cases.push(case.within(2e-6, 2e-6));
        }
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let band = [Section { b: [0.03, 0.0, -0.03], a: [-1.935, 0.94] }, Section { b: [1.0, 0.0, -1.0], a: [-1.99, 0.9902] }];
    let shapes = [[32, 128], [6400, 1200], [800, 20_000]];
    let instance = |shape| Instance::new(vec![f32s(shape, Draw::Normal)], move |t, x| Ok(vec![t.section_filter(x[0], &band, false)?]));
    vec![Work::new("section_filter", shapes.map(instance))]
}
