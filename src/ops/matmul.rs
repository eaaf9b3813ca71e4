//! Batched matrix products, either operand transposed.

mod narrow;

use super::Family;
use super::case::{Case, Draw, f32s};
use super::tile::{self, Extents, Operand, Terms, Tiling};
use super::work::{Instance, Work};
use crate::kernel::{Adapters, Binding, Buffer, Choice, Lowering, Params, Source, Variant, common, kernel_source};
use crate::ops::pointwise::Walk;
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, MatrixLayout, Real, TensorType, buffer, product, real_inputs};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family =
    Family { sources: &[&ADD_PARTS, &MATMUL, &narrow::DOTS, &narrow::OUTER, &narrow::SUMS, &tile::MAGNITUDES, &tile::PAD], cases, works };

const FALSE_TRUE: &[&str] = &["false", "true"];

pub(super) static MATMUL: Source = kernel_source!("matmul/matmul").with_variants(&tile::VARIANTS).with_choices(&[
    Choice::Constant("TRANSPOSE_A", FALSE_TRUE),
    Choice::Constant("TRANSPOSE_B", FALSE_TRUE),
    common::OPERANDS,
    common::RESULT,
]);

pub(super) static ADD_PARTS: Source = kernel_source!("matmul/add_parts")
    .with_variants(&[
        Variant { name: "few", adapters: Adapters::Any, classes: &["few"], constants: &[("DOWN", "1u")], snippets: &[] },
        Variant { name: "many", adapters: Adapters::Any, classes: &["many"], constants: &[("DOWN", "32u")], snippets: &[] },
    ])
    .with_choices(&[Choice::Constant("MEANS", FALSE_TRUE), common::RESULT]);

/// C = A B over the last two axes, batches broadcast.
#[derive(Debug, Clone, Copy)]
struct Matmul {
    transpose_a: bool,
    transpose_b: bool,
    /// True where the cotangent of B is one product for all uses of B in products of this kind: A is `[rows, k]`, B is a matrix.
    gathered: bool,
}

/// A product's extents.
struct ProductExtents {
    m: usize,
    k: usize,
    n: usize,
    batch: Shape,
}

impl Matmul {
    fn extents(&self, a: Shape, b: Shape) -> Result<ProductExtents> {
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
        Ok(ProductExtents { m, k, n, batch })
    }

    fn run<R: Real>(&self, a: &HostTensor, b: &HostTensor) -> Result<HostTensor> {
        let ProductExtents { m, k, n, batch: space } = self.extents(a.shape(), b.shape())?;
        let walk = Walk::new(&[batch(a.shape()), batch(b.shape())], space);
        let (x, y) = (a.elements::<R>()?, b.elements::<R>()?);
        let mut c = buffer(space.elements() * m * n);
        for (i, c) in c.chunks_mut((m * n).max(1)).enumerate().take(space.elements()) {
            let [ia, ib] = [walk.offset(0, i), walk.offset(1, i)];
            let la = MatrixLayout::new(ia * m * k, [m, k], self.transpose_a);
            let lb = MatrixLayout::new(ib * k * n, [k, n], self.transpose_b);
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
        // op(A)' = G op(B)ᵀ, and the transpose of that where A came transposed; likewise for B.
        let da = if want_a {
            let tape = cx.tape();
            let d = if ta { tape.matmul_with(b, g, tb, true)? } else { tape.matmul_with(g, b, false, !tb)? };
            Some(tape.sum_to(d, tape.shape(a))?)
        } else {
            None
        };
        let db = if want_b && self.gathered {
            cx.add_product(1, if tb { [g, a] } else { [a, g] });
            None
        } else if want_b {
            let tape = cx.tape();
            let d = if tb { tape.matmul_with(g, a, true, ta)? } else { tape.matmul_with(a, g, !ta, false)? };
            Some(tape.sum_to(d, tape.shape(b))?)
        } else {
            None
        };
        Ok(vec![da, db])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (a, b) = (cx.input_shape(0), cx.input_shape(1));
        let ProductExtents { m, k, n, batch: space } = self.extents(a, b)?;
        if k == 0 {
            return super::shape::lower_set(cx, cx.output(0), 0);
        }
        let walk = Walk::new(&[batch(a), batch(b)], space);
        if walk.extents.len() > 3 {
            return Err(Error::op("matmul", format!("batches of {a} and {b} broadcast in a way that has no kernel; broadcast one first")));
        }
        let mut product = Product::new([m, k, n], [self.transpose_a, self.transpose_b], space.elements());
        product.stored = [batch(a).elements(), batch(b).elements()];
        let pad = 3 - walk.extents.len();
        product.extents = [1; 3];
        product.extents[pad..].copy_from_slice(&walk.extents);
        for (out, strides) in product.strides.iter_mut().zip(&walk.strides) {
            *out = [0; 3];
            out[pad..].copy_from_slice(strides);
        }
        product.lower(cx, cx.input(0), cx.input(1), cx.output(0))
    }
}

/// A batch of products of `[m, k]` by `[k, n]`, either stored transposed, to be lowered.
pub(super) struct Product {
    shape: [usize; 3],
    transposed: [bool; 2],
    /// The batches as an index space, and each operand's strides in it, in matrices.
    extents: [usize; 3],
    strides: [[usize; 3]; 2],
    /// The number of matrices in each operand.
    stored: [usize; 2],
}

impl Product {
    /// Products of operands that hold as many matrices each as there are products.
    pub(super) fn new(shape: [usize; 3], transposed: [bool; 2], batches: usize) -> Self {
        Self { shape, transposed, extents: [1, 1, batches], strides: [[0, 0, 1]; 2], stored: [batches; 2] }
    }

    /// Its dispatches: the product, before it a copy of an operand whose rows are in the way, and after it the sum of the parts of long
    /// sums.
    pub(super) fn lower(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer, c: Buffer) -> Result<()> {
        if self.lower_narrow(cx, a, b, c)? {
            return Ok(());
        }
        let tiling = Tiling::sliced(&MATMUL, cx, self.tiled())?;
        if tiling.slices == 1 {
            return self.lower_tiled(cx, tiling, a, b, c);
        }
        self.parts(cx, tiling, a, b)?.add(cx, c, None)
    }

    /// The parts of its sums in so many slices, which a dispatch of the caller adds.
    pub(super) fn lower_parts(&self, cx: &mut Lowering<'_>, a: Buffer, b: Buffer, slices: usize) -> Result<Parts> {
        let tiling = Tiling::sliced(&MATMUL, cx, self.tiled())?.in_slices(self.shape[1], slices);
        self.parts(cx, tiling, a, b)
    }

    fn tiled(&self) -> Extents {
        let [m, k, n] = self.shape;
        Extents { batches: self.extents.iter().product(), rows: m, cols: n, terms: k }
    }

    fn parts(&self, cx: &mut Lowering<'_>, tiling: Tiling, a: Buffer, b: Buffer) -> Result<Parts> {
        let [m, _, n] = self.shape;
        let parts = Parts::new(cx, tiling.slices, self.extents.iter().product::<usize>() * m * n, n);
        self.lower_tiled(cx, tiling, a, b, parts.buffer)?;
        Ok(parts)
    }

    fn lower_tiled(&self, cx: &mut Lowering<'_>, tiling: Tiling, a: Buffer, b: Buffer, c: Buffer) -> Result<()> {
        let ([m, k, n], [transpose_a, transpose_b]) = (self.shape, self.transposed);
        let stored = |rows, cols, transposed| if transposed { [cols, rows] } else { [rows, cols] };
        let ([rows_a, cols_a], [rows_b, cols_b]) = (stored(m, k, transpose_a), stored(k, n, transpose_b));
        let a = Operand::new(cx, a, [self.stored[0] * rows_a, cols_a], n)?;
        let b = Operand::new(cx, b, [self.stored[1] * rows_b, cols_b], m)?;
        let batches: usize = self.extents.iter().product();
        let [row_units, col_units] = tiling.units_of(m, n);
        let chosen = [transpose_a.into(), transpose_b.into(), tile::operands(a, b), tile::result(n)];
        let mut params = Params::new().u32(m).u32(n).u32(k).u32(row_units).u32(col_units).u32(batches).u32(a.stride).u32(b.stride);
        params = params.u32(self.extents[1]).u32(self.extents[2]);
        for (strides, matrix) in self.strides.iter().zip([rows_a * a.stride, rows_b * b.stride]) {
            params = strides.iter().fold(params, |params, s| params.u32(s * matrix));
        }
        params = params.u32(tiling.slices).u32(tiling.run).u32((batches * m * n).next_multiple_of(4));
        let terms = [Terms::of(!transpose_a, self.stored[0]), Terms::of(transpose_b, self.stored[1])];
        let magnitudes = tiling.magnitudes(cx, [(a, terms[0]), (b, terms[1])])?;
        let bindings = [Binding::read(a.buffer), Binding::read(b.buffer), Binding::write(c)].into_iter().chain(magnitudes).collect();
        let workgroups = if m * n == 0 { 0 } else { tiling.groups(tiling.slices * batches * row_units * col_units) };
        cx.dispatch(tiling.kernel(&chosen), bindings, params, workgroups, 2.0 * (batches * m * n) as f64 * k as f64)
    }
}

/// The parts of a product's sums: so many slices of all its entries, `stride` elements apart, a multiple of 4.
pub(super) struct Parts {
    buffer: Buffer,
    slices: usize,
    stride: usize,
    elements: usize,
    cols: usize,
}

impl Parts {
    fn new(cx: &mut Lowering<'_>, slices: usize, elements: usize, cols: usize) -> Self {
        let stride = elements.next_multiple_of(4);
        Self { buffer: cx.scratch(TensorType::f32([slices, stride])), slices, stride, elements, cols }
    }

    /// The dispatch that adds them, and divides each row by its mass if there are masses.
    pub(super) fn add(&self, cx: &mut Lowering<'_>, c: Buffer, masses: Option<Buffer>) -> Result<()> {
        let class = if self.slices > 16 { "many" } else { "few" };
        let variant = ADD_PARTS.variant(cx.target(), class);
        let kernel = ADD_PARTS.kernel(variant, &[masses.is_some().into(), tile::result(self.elements)]).for_class(class);
        let across = 256 / variant.constant("DOWN").unwrap_or(1);
        let bindings = vec![Binding::read(self.buffer), Binding::read(masses.unwrap_or(self.buffer)), Binding::write(c)];
        let params = Params::new().u32(self.elements).u32(self.cols).u32(self.slices).u32(self.stride);
        // The additions are the product's.
        let flops = if masses.is_some() { self.elements + 2 * (self.elements / self.cols) } else { 0 };
        cx.dispatch(kernel, bindings, params, self.elements.div_ceil(4 * across), flops as f64)
    }
}

/// # Matrix products
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
        self.record_one(Matmul { transpose_a, transpose_b, gathered: false }, &[a, b])
    }

    /// x Wᵀ for a weight W `[outputs, inputs]` that is applied again and again, to x `[rows, inputs]` at each step of a sequence: the rows
    /// of all steps, and the cotangents of what they make, are kept until the gradient of W is made of them in one product.
    ///
    /// # Errors
    /// As [`Tape::matmul`], and where an operand is no matrix.
    pub fn matmul_again(&mut self, x: Var, weight: Var) -> Result<Var> {
        for (name, operand) in [("x", x), ("the weight", weight)] {
            self.check(operand)?;
            if self.shape(operand).rank() != 2 {
                return Err(Error::op("matmul", format!("{name} must be a matrix, found {}", self.ty(operand))));
            }
        }
        self.record_one(Matmul { transpose_a: false, transpose_b: true, gathered: true }, &[x, weight])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [m, k, n] in [[1, 1, 1], [7, 63, 65], [65, 7, 33], [64, 64, 64], [36, 132, 68], [131, 70, 261], [257, 5, 3], [3, 257, 4], [5, 0, 4]]
    {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let a = if ta { [k, m] } else { [m, k] };
            let b = if tb { [n, k] } else { [k, n] };
            let op = ["matmul", "matmul transposed"][usize::from(ta || tb)];
            let operands = vec![f32s(a, Draw::Normal), f32s(b, Draw::Normal)];
            cases.push(Case::new(op, operands, move |t, x| Ok(vec![t.matmul_with(x[0], x[1], ta, tb)?])).within(2e-6, 2e-6));
        }
    }
    // Sums so long that they are made in slices.
    for [m, k, n] in [[9, 1031, 11], [8, 2052, 12]] {
        let operands = vec![f32s([2, m, k], Draw::Normal), f32s([n, k], Draw::Normal)];
        let sliced = |t: &mut Tape, x: &[Var]| Ok(vec![t.matmul_with(x[0], x[1], false, true)?]);
        cases.push(Case::new("matmul of long sums", operands, sliced).within(2e-6, 2e-6));
    }
    // Few rows, columns or terms.
    for [m, k, n] in [[1, 4099, 5], [1031, 9, 1], [3, 65, 257], [700, 64, 8], [70, 1, 65], [513, 7, 8], [2, 16388, 1]] {
        for (ta, tb) in [(false, false), (true, false), (false, true), (true, true)] {
            let (a, b) = (if ta { [2, k, m] } else { [2, m, k] }, if tb { [n, k] } else { [k, n] });
            let operands = vec![f32s(a, Draw::Normal), f32s(b, Draw::Normal)];
            let narrow = move |t: &mut Tape, x: &[Var]| Ok(vec![t.matmul_with(x[0], x[1], ta, tb)?]);
            cases.push(Case::new("matmul narrow", operands, narrow).within(2e-6, 2e-6));
        }
    }
    for [rows, k, n] in [[1, 1, 1], [7, 5, 5], [3, 65, 65]] {
        // W and what W makes meet in one product; a use that nothing depends on has no part in it.
        let operands = vec![f32s([rows, k], Draw::Normal), f32s([n, k], Draw::Uniform(-0.2, 0.2))];
        let build = |t: &mut Tape, x: &[Var]| {
            let once = t.matmul_again(x[0], x[1])?;
            let twice = t.matmul_again(once, x[1])?;
            t.matmul_again(twice, x[1])?;
            Ok(vec![once, twice])
        };
        cases.push(Case::new("matmul_again", operands, build).within(2e-6, 5e-6));
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
        Work::new("matmul of odd rows", [63, 511, 4095].map(|n| Instance::new(square(n), |t, x| Ok(vec![t.matmul(x[0], x[1])?])))),
        Work::new(
            "matmul of long sums",
            [[8, 4096, 8], [64, 16_384, 64], [400, 65_536, 400]].map(|[m, k, n]| {
                Instance::new(vec![f32s([m, k], Draw::Normal), f32s([k, n], Draw::Normal)], |t, x| Ok(vec![t.matmul(x[0], x[1])?]))
            }),
        ),
        Work::new(
            "matmul narrow",
            [[64, 64], [1000, 1000], [4096, 8000]].map(|[m, k]| {
                Instance::new(vec![f32s([m, k], Draw::Normal), f32s([k, 1], Draw::Normal)], |t, x| Ok(vec![t.matmul(x[0], x[1])?]))
            }),
        ),
        Work::new(
            "matmul batched",
            [[4, 32], [64, 128], [256, 256]].map(|s| Instance::new(batched(s), |t, x| Ok(vec![t.matmul(x[0], x[1])?]))),
        ),
    ]
}
