//! Batched matrix products, either operand transposed.

use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, Suits, Variant, common, wgsl};
use crate::ops::pointwise::Walk;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Layout, Real, TensorType, buffer, product, real_inputs};
use crate::{Error, Result, Shape};

/// Register tiles of 8 × 8 or 4 × 4, fed directly or through workgroup memory.
pub(crate) const TILE_VARIANTS: [Variant; 4] = [
    Variant { name: "direct8", suits: Suits::Software, constants: &[("EDGE", "2u")], snippets: &[common::TILE_DIRECT] },
    Variant { name: "shared8", suits: Suits::Hardware, constants: &[("EDGE", "2u")], snippets: &[common::TILE_SHARED] },
    Variant { name: "direct4", suits: Suits::Software, constants: &[("EDGE", "1u")], snippets: &[common::TILE_DIRECT] },
    Variant { name: "shared4", suits: Suits::Hardware, constants: &[("EDGE", "1u")], snippets: &[common::TILE_SHARED] },
];

const FALSE_TRUE: &[&str] = &["false", "true"];

pub(super) static MATMUL: Source = Source {
    name: "matmul/matmul",
    text: wgsl!("matmul/matmul"),
    snippets: &[common::GRID, common::BLOCKS, common::BLOCK_A, common::BLOCK_B],
    variants: &TILE_VARIANTS,
    choices: &[
        Choice::Constant("TRANSPOSE_A", FALSE_TRUE),
        Choice::Constant("TRANSPOSE_B", FALSE_TRUE),
        common::OPERAND_A,
        common::OPERAND_B,
    ],
};

/// The tile variant for an output of `blocks8` blocks of 64 × 64 in all: small tiles where large ones would leave a GPU idle.
/// Also the edge of its blocks.
pub(crate) fn tile_variant(source: &'static Source, cx: &Lowering<'_>, blocks8: usize) -> (&'static Variant, usize) {
    let mut variant = source.variant(cx.target());
    if cx.target().pinned(source.name).is_none() && !cx.target().software && blocks8 < 256 {
        variant = source.variants.iter().find(|v| v.name == "shared4").unwrap_or(variant);
    }
    (variant, if variant.name.ends_with('8') { 64 } else { 32 })
}

/// C = A B over the last two axes, batches broadcast.
#[derive(Debug, Clone, Copy)]
struct Matmul {
    transpose_a: bool,
    transpose_b: bool,
}

/// A product's extents.
struct Extents {
    m: usize,
    k: usize,
    n: usize,
    batch: Shape,
}

impl Matmul {
    fn extents(&self, a: Shape, b: Shape) -> Result<Extents> {
        if a.rank() < 2 || b.rank() < 2 {
            return Err(Error::op("matmul", format!("matrices of at least two axes expected, found {a} and {b}")));
        }
        let matrix = |s: Shape, transposed| {
            let [rows, cols] = [s[s.rank() - 2], s[s.rank() - 1]];
            if transposed { [cols, rows] } else { [rows, cols] }
        };
        let ([m, k], [k2, n]) = (matrix(a, self.transpose_a), matrix(b, self.transpose_b));
        if k != k2 {
            let t = |on| if on { " transposed" } else { "" };
            return Err(Error::op(
                "matmul",
                format!("the inner extents {k} and {k2} of {a}{} and {b}{} differ", t(self.transpose_a), t(self.transpose_b)),
            ));
        }
        let (batch_a, batch_b) = (batch(a), batch(b));
        let batch = batch_a.broadcast(&batch_b).ok_or_else(|| Error::op("matmul", format!("batches of {a} and {b} do not broadcast")))?;
        Ok(Extents { m, k, n, batch })
    }

    fn run<R: Real>(&self, a: &HostTensor, b: &HostTensor) -> Result<HostTensor> {
        let Extents { m, k, n, batch: space } = self.extents(a.shape(), b.shape())?;
        let walk = Walk::new(&[batch(a.shape()), batch(b.shape())], space);
        let (x, y) = (a.elements::<R>()?, b.elements::<R>()?);
        let mut c = buffer(space.elements() * m * n);
        for (i, c) in c.chunks_mut((m * n).max(1)).enumerate().take(space.elements()) {
            let [ia, ib] = [walk.offset(0, i), walk.offset(1, i)];
            let la = Layout::new(ia * m * k, [m, k], self.transpose_a);
            let lb = Layout::new(ib * k * n, [k, n], self.transpose_b);
            product(c, [m, k, n], x, la, y, lb);
        }
        HostTensor::real(output(space, m, n), c)
    }
}

fn batch(s: Shape) -> Shape {
    s.without(s.rank() - 1).without(s.rank() - 2)
}

fn output(batch: Shape, m: usize, n: usize) -> Shape {
    let extents = [&*batch, &[m, n]].concat();
    // The operands had this rank, so it is within bounds.
    Shape::try_new(&extents).unwrap_or(batch)
}

impl Op for Matmul {
    fn key(&self) -> OpKey {
        OpKey::of("matmul", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        for (name, ty) in ["a", "b"].iter().zip(inputs) {
            if ty.dtype != DType::F32 {
                return Err(Error::op("matmul", format!("`{name}` must be f32, found {ty}")));
            }
        }
        let e = self.extents(inputs[0].shape, inputs[1].shape)?;
        Ok(vec![TensorType::f32(output(e.batch, e.m, e.n))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0], &inputs[1])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (a, b, g) = (cx.input(0), cx.input(1), cx.cotangent_or_zeros(0)?);
        let (want_a, want_b) = (cx.wanted(0), cx.wanted(1));
        let (ta, tb) = (self.transpose_a, self.transpose_b);
        let tape = cx.tape();
        // op(A)' = G op(B)ᵀ, and the transpose of that where A came transposed; likewise for B.
        let da = if want_a {
            let d = if ta { tape.matmul_with(b, g, tb, true)? } else { tape.matmul_with(g, b, false, !tb)? };
            Some(tape.sum_to(d, tape.shape(a))?)
        } else {
            None
        };
        let db = if want_b {
            let d = if tb { tape.matmul_with(g, a, true, ta)? } else { tape.matmul_with(a, g, !ta, false)? };
            Some(tape.sum_to(d, tape.shape(b))?)
        } else {
            None
        };
        Ok(vec![da, db])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (a, b) = (cx.input_shape(0), cx.input_shape(1));
        let Extents { m, k, n, batch: space } = self.extents(a, b)?;
        if k == 0 {
            return super::shape::lower_set(cx, cx.output(0), 0);
        }
        let walk = Walk::new(&[batch(a), batch(b)], space);
        if walk.extents.len() > 3 {
            return Err(Error::op("matmul", format!("batches of {a} and {b} broadcast in a way that has no kernel; broadcast one first")));
        }
        let mut extents = [1; 3];
        let mut strides = [[0; 3]; 2];
        let pad = 3 - walk.extents.len();
        extents[pad..].copy_from_slice(&walk.extents);
        for (out, (s, size)) in strides.iter_mut().zip(walk.strides.iter().zip([m * k, k * n])) {
            out[pad..].iter_mut().zip(s).for_each(|(out, s)| *out = s * size);
        }
        let batches = space.elements();
        let (variant, edge) = tile_variant(&MATMUL, cx, batches * m.div_ceil(64) * n.div_ceil(64));
        let (row_blocks, col_blocks) = (m.div_ceil(edge), n.div_ceil(edge));
        let contiguous = [if self.transpose_a { m } else { k }, if self.transpose_b { k } else { n }];
        let [a_vector, b_vector] = contiguous.map(|n| usize::from(n.is_multiple_of(4)));
        let kernel = MATMUL.kernel(variant, &[self.transpose_a.into(), self.transpose_b.into(), a_vector, b_vector]);
        let mut params = Params::new().u32(m).u32(n).u32(k).u32(row_blocks).u32(col_blocks).u32(batches).u32(extents[1]).u32(extents[2]);
        for stride in strides.as_flattened() {
            params = params.u32(*stride);
        }
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        let workgroups = if m * n == 0 { 0 } else { batches * row_blocks * col_blocks };
        cx.dispatch(kernel, bindings, params, workgroups, 2.0 * (batches * m * n) as f64 * k as f64)
    }
}

impl Tape {
    /// C = A B: A is `[.., m, k]`, B is `[.., k, n]`, C is `[.., m, n]`; batches broadcast.
    ///
    /// # Errors
    /// Where an operand is not f32, has fewer than two axes, or the inner extents or batches do not fit.
    pub fn matmul(&mut self, a: Var, b: Var) -> Result<Var> {
        self.matmul_with(a, b, false, false)
    }

    /// [`Tape::matmul`] with either operand stored transposed: A as `[.., k, m]`, B as `[.., n, k]`.
    pub fn matmul_with(&mut self, a: Var, b: Var, transpose_a: bool, transpose_b: bool) -> Result<Var> {
        self.record_one(Matmul { transpose_a, transpose_b }, &[a, b])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [m, k, n] in [[1, 1, 1], [7, 63, 65], [65, 7, 33], [64, 64, 64], [36, 132, 68], [257, 5, 3], [3, 257, 4], [5, 0, 4]] {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = if ta { [k, m] } else { [m, k] };
            let b = if tb { [n, k] } else { [k, n] };
            let op = ["matmul", "matmul transposed"][usize::from(ta || tb)];
            let operands = vec![f32s(a, Draw::Normal), f32s(b, Draw::Normal)];
            cases.push(Case::new(op, operands, move |t, x| Ok(vec![t.matmul_with(x[0], x[1], ta, tb)?])).within(2e-6, 2e-6));
        }
    }
    let batches: [(&[usize], &[usize]); 4] =
        [(&[3, 5, 7], &[3, 7, 6]), (&[4, 5, 8], &[8, 12]), (&[5, 8], &[2, 8, 4]), (&[2, 1, 5, 7], &[3, 7, 2])];
    for (a, b) in batches {
        let (Some(a), Some(b)) = (Shape::try_new(a), Shape::try_new(b)) else { continue };
        let operands = vec![f32s(a, Draw::Normal), f32s(b, Draw::Normal)];
        cases.push(Case::new("matmul batched", operands, |t, x| Ok(vec![t.matmul(x[0], x[1])?])).within(2e-6, 2e-6));
    }
    cases
}

pub(super) fn works() -> Vec<Work> {
    let square = |n: usize| vec![f32s([n, n], Draw::Normal), f32s([n, n], Draw::Normal)];
    let batched = |[batch, n]: [usize; 2]| vec![f32s([batch, n, n], Draw::Normal), f32s([batch, n, n], Draw::Normal)];
    vec![
        Work::new("matmul", [64, 512, 4096].map(|n| Instance::new(square(n), |t, x| Ok(vec![t.matmul(x[0], x[1])?])))),
        Work::new(
            "matmul batched",
            [[4, 32], [64, 128], [256, 256]].map(|s| Instance::new(batched(s), |t, x| Ok(vec![t.matmul(x[0], x[1])?]))),
        ),
    ]
}
