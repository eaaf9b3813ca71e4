//! Rows made orthonormal under the frames' weights.

use super::super::case::{Case, Draw, f32s};
use super::super::reduce::tree_sum_of;
use super::super::row::{self, Rows};
use super::super::work::{Instance, Work};
use crate::kernel::{Algorithms, Binding, Buffer, Lowering, Params, Source, Target, kernel_source};
use crate::tape::{Inversion, Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};
use std::ops::Range;

pub(in crate::ops) static ORTHONORMALISE: Source = kernel_source!("confounds/orthonormalise").with_variants(&row::TOGETHER);

pub(in crate::ops) static ORTHONORMALISE_BLOCKS: Source = kernel_source!("confounds/orthonormalise_blocks");

/// The algorithms of the process: row after row, or four rows at a time, which a workgroup holds.
pub(in crate::ops) static BASIS: Algorithms = Algorithms {
    name: "confounds/basis",
    all: &[("rows", "confounds/orthonormalise"), ("blocks", "confounds/orthonormalise_blocks")],
    classes: &["short", "medium", "long"],
    rule,
};

/// The class of the work: `held` where the 256 invocations of a workgroup hold four rows, five frames and a column of m each.
fn class([k, time]: [usize; 2]) -> &'static str {
    if k <= 256 && time <= 1280 { "held" } else { "long" }
}

/// Four rows at a time on a GPU, where a workgroup can hold them.
fn rule(target: &Target, class: &str) -> &'static str {
    if target.software || class == "long" { "rows" } else { "blocks" }
}

/// A row of which less than this share of its length is left, once it is rid of those before it, is a combination of them: what
/// rounding in f32 leaves of such a row is some ε √k, and what it leaves of another is lost below this.
const DEPENDENT: f32 = 32.0 * f32::EPSILON;

/// The same in double precision: nilearn's bound.
const DEPENDENT_IN_DOUBLE: f64 = 100.0 * f64::EPSILON;

/// (x, w) → q = m x and m: ⟨q_i, q_j⟩ + ridge ⟨m_i, m_j⟩ = \[i = j\], ⟨a, b⟩ = Σ w_t a_t b_t.
#[derive(Debug, Clone, Copy)]
struct Orthonormalise {
    ridge: f32,
}

/// q and m of one set of rows, by Gram and Schmidt's process, each row rid of those before it twice. A row with |rest| ≤ `tolerance` ·
/// |row| is zeros in both.
fn orthonormalise<R: Real>(q: &mut [R], m: &mut [R], w: &[R], k: usize, ridge: R, tolerance: R) {
    let time = w.len();
    m.fill(R::zero());
    for j in 0..k {
        let (before, rest) = q.split_at_mut(j * time);
        let (m_before, m_rest) = m.split_at_mut(j * k);
        let (v, m_j) = (&mut rest[..time], &mut m_rest[..k]);
        m_j[j] = R::one();
        let inner = |a: &[R], b: &[R], m_a: &[R], m_b: &[R]| {
            tree_sum_of([w, a, b], |[w, a, b]| w * a * b) + ridge * tree_sum_of([m_a, m_b], |[a, b]| a * b)
        };
        let whole = inner(v, v, m_j, m_j);
        for _ in 0..2 {
            for (q_i, m_i) in before.chunks_exact(time.max(1)).zip(m_before.chunks_exact(k)) {
                let c = inner(q_i, v, m_i, m_j);
                v.iter_mut().zip(q_i).for_each(|(v, &q)| *v -= c * q);
                m_j.iter_mut().zip(m_i).for_each(|(v, &m)| *v -= c * m);
            }
        }
        let left = inner(v, v, m_j, m_j);
        // A row with a NaN is no combination of others: it and those after it are NaN.
        let s = if left <= tolerance * tolerance * whole { R::zero() } else { left.sqrt().recip() };
        v.iter_mut().for_each(|v| *v *= s);
        m_j.iter_mut().for_each(|v| *v *= s);
    }
}

/// An orthonormal basis `[at most k, time]` of what k rows of `time` frames span, in f64. A row that is a combination of those before
/// it but for 100 ε counts for nothing.
pub(crate) fn orthonormal_basis(rows: &[Vec<f64>], time: usize) -> Vec<f64> {
    let k = rows.len();
    let (mut q, mut m) = (rows.concat(), vec![0.0; k * k]);
    orthonormalise(&mut q, &mut m, &vec![1.0; time], k, 0.0, DEPENDENT_IN_DOUBLE);
    q.chunks_exact(time.max(1)).filter(|row| row.iter().any(|&x| x != 0.0)).flatten().copied().collect()
}

/// `[batch, k, time]` of `[.., k, time]`.
fn extents(x: &[usize]) -> [usize; 3] {
    let rank = x.len();
    [x[..rank - 2].iter().product(), x[rank - 2], x[rank - 1]]
}

impl Orthonormalise {
    fn run<R: Real>(&self, x: &HostTensor, w: &HostTensor) -> Result<Vec<HostTensor>> {
        let [batch, k, time] = extents(&x.shape());
        let (given, w) = (x.elements::<R>()?, w.elements::<R>()?);
        let (mut q, mut m) = (buffer(given.len()), buffer(batch * k * k));
        q.copy_from_slice(given);
        if given.is_empty() {
            return Ok(vec![x.clone(), HostTensor::real(self.coefficients(x.ty()).shape, m)?]);
        }
        let tolerance = if x.is_f64() { DEPENDENT_IN_DOUBLE } else { DEPENDENT.into() };
        let mut entries: Vec<_> = q.chunks_mut(k * time).zip(m.chunks_mut(k * k)).zip(w.chunks(time)).collect();
        parallel::rows(&mut entries, 1, 4 * k * k * time, |_, entry| {
            let ((q, m), w) = &mut entry[0];
            orthonormalise(q, m, w, k, R::of(self.ridge.into()), R::of(tolerance));
        });
        Ok(vec![HostTensor::real(x.shape(), q)?, HostTensor::real(self.coefficients(x.ty()).shape, m)?])
    }

    /// The type of m.
    fn coefficients(&self, x: TensorType) -> TensorType {
        let rank = x.shape.rank();
        TensorType::f32(x.shape.with(rank - 1, x.shape[rank - 2]))
    }
}

impl Op for Orthonormalise {
    fn key(&self) -> OpKey {
        OpKey::of("orthonormalise", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, w) = (inputs[0], inputs[1]);
        let rank = x.shape.rank();
        let fits = rank >= 2 && w.shape == x.shape.without(rank - 2) && x.shape[rank - 1] > 0;
        if x.dtype != DType::F32 || w.dtype != DType::F32 || !fits {
            let what = format!("f32 rows [.., k, time] of a frame at least, and weights [.., time], expected; found {x} and {w}");
            return Err(Error::op("orthonormalise", what));
        }
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return Err(Error::op("orthonormalise", format!("a ridge of {}: a number not below 0 expected", self.ridge)));
        }
        Ok(vec![x, self.coefficients(x)])
    }

    fn inversion(&self) -> Option<Inversion> {
        Some(Inversion::Rows)
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0], &inputs[1]))
    }

    /// Of the Cholesky factor L = m⁻¹ of x w xᵀ + ridge: dq = −Φ(S) q + m dx, S = U + Uᵀ + q dw qᵀ, U = m dx w qᵀ, with Φ the lower
    /// triangle and half the diagonal. So with H = Φ(A) + Φ(A)ᵀ, A = −ḡ qᵀ, the cotangents are mᵀ (ḡ + H q w) and ½ Σ (H q) q.
    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        if cx.cotangent(1).is_some() {
            let why = "the coefficients have no reverse rule; take the residual of a regression";
            return Err(Error::NotDifferentiable { op: "orthonormalise".into(), why: why.into() });
        }
        let (w, q, m, g) = (cx.input(1), cx.output(0), cx.output(1), cx.cotangent_or_zeros(0)?);
        let want_weights = cx.wanted(1);
        let tape = cx.tape();
        let shape = tape.shape(q);
        let (rank, k) = (shape.rank(), shape[shape.rank() - 2]);
        let a = tape.matmul_with(g, q, false, true)?;
        let lower = (0..k * k)
            .map(|i| {
                if i / k > i % k {
                    -1.0
                } else if i / k == i % k {
                    -0.5
                } else {
                    0.0
                }
            })
            .collect();
        let lower = tape.constant(HostTensor::f32([k, k], lower)?)?;
        let a = tape.mul(a, lower)?;
        let axes: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        let mirrored = tape.transpose(a, &axes)?;
        let h = tape.add(a, mirrored)?;
        let hq = tape.matmul(h, q)?;
        let wide = tape.reshape(w, shape.with(rank - 2, 1))?;
        let weighted = tape.mul(hq, wide)?;
        let n = tape.add(g, weighted)?;
        let dx = tape.matmul_with(m, n, true, false)?;
        if !want_weights {
            return Ok(vec![Some(dx), None]);
        }
        let products = tape.mul(hq, q)?;
        let sum = tape.sum(products, &[-2], false)?;
        Ok(vec![Some(dx), Some(tape.scale(sum, 0.5)?)])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let [batch, k, time] = extents(&cx.input_shape(0));
        let class = class([k, time]);
        // A workgroup cannot hold long ones, whatever is asked for.
        if class != "long" && BASIS.choose(cx.target(), class) == "blocks" {
            return self.lower_blocks(cx, [batch, k, time]);
        }
        let rows = Rows::new(&ORTHONORMALISE, cx, [batch, time]);
        let (q, m) = (cx.output(0), cx.output(1));
        let mut first = 0;
        while first < k {
            let last = Self::dispatched(first, [k, time], rows.lanes());
            let made = |b: Buffer| if first == 0 { Binding::write(b) } else { Binding::continued(b) };
            let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), made(q), made(m)];
            let params = Params::new().u32(batch).u32(k).u32(time).u32(first).u32(last).f32(self.ridge).f32(DEPENDENT);
            let flops = flops([batch, k, time], first..last);
            cx.dispatch(rows.kernel(&[]), bindings, params, rows.groups, flops)?;
            first = last;
        }
        Ok(())
    }
}

fn flops([batch, k, time]: [usize; 3], rows: Range<usize>) -> f64 {
    let pairs = rows.end * rows.end.saturating_sub(1) - rows.start * rows.start.saturating_sub(1);
    (batch * (pairs * (5 * time + 4 * k + 2) + rows.len() * (7 * time + 5 * k + 8))) as f64
}

impl Orthonormalise {
    fn lower_blocks(&self, cx: &mut Lowering<'_>, [batch, k, time]: [usize; 3]) -> Result<()> {
        let kernel = cx.kernel(&ORTHONORMALISE_BLOCKS, &[]);
        let reads = [0, 1].map(|i| Binding::read(cx.input(i)));
        let bindings = reads.into_iter().chain([0, 1].map(|i| Binding::write(cx.output(i)))).collect();
        let params = Params::new().u32(batch).u32(k).u32(time).f32(self.ridge).f32(DEPENDENT);
        cx.dispatch(kernel, bindings, params, if k == 0 { 0 } else { batch }, flops([batch, k, time], 0..k))
    }

    /// The row that a dispatch from `first` on ends before: so many that its loops stay far below what a device may cut short, one at
    /// least.
    fn dispatched(first: usize, [k, time]: [usize; 2], lanes: usize) -> usize {
        const STEPS: usize = 1 << 14;
        let pair = 2 * (time.div_ceil(lanes) + k.div_ceil(lanes)) + 16;
        let mut steps = 0;
        (first..k)
            .find(|&j| {
                steps += (2 * j + 4) * pair;
                j > first && steps > STEPS
            })
            .unwrap_or(k)
    }
}

/// # Orthonormal bases of confounds
impl Tape {
    /// Rows q = m x that span what the rows of x `[.., k, time]` do and are orthonormal under the frames' weights `[.., time]`,
    /// Σ w_t q_it q_jt + ridge Σ m_il m_jl = \[i = j\]; and m `[.., k, k]`, lower triangular. A row of x that is a combination of those
    /// before it, but for 32 ε of f32, gives zeros. q has a reverse rule, m has none.
    ///
    /// # Errors
    /// Where the operands are not f32 of these shapes, or the ridge is negative.
    pub fn orthonormalise(&mut self, x: Var, weights: Var, ridge: f32) -> Result<(Var, Var)> {
        let made = self.record(std::sync::Arc::new(Orthonormalise { ridge }), &[x, weights])?;
        Ok((made[0], made[1]))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for [batch, k, time] in [[1, 1, 7], [3, 3, 65], [2, 7, 63], [1, 12, 260], [65, 2, 33], [1, 24, 300], [1, 5, 700], [1, 3, 1300]] {
        let operands = || vec![f32s([batch, k, time], Draw::Normal), f32s([batch, time], Draw::Weights)];
        for ridge in [0.0, 2.5] {
            cases.push(
                Case::new("orthonormalise", operands(), move |t, x| Ok(vec![t.orthonormalise(x[0], x[1], ridge)?.0])).within(5e-6, 2e-5),
            );
        }
        let coefficients = move |t: &mut Tape, x: &[Var]| Ok(vec![t.orthonormalise(x[0], x[1], 0.0)?.1]);
        cases.push(Case::new("orthonormalise coefficients", operands(), coefficients).within(5e-6, 0.0).forward_only());
    }
    // A row that repeats another, and one of zeros.
    let dependent = vec![f32s([2, 3, 33], Draw::Normal), f32s([2, 33], Draw::Weights)];
    cases.push(
        Case::new("orthonormalise dependent", dependent, |t, x| {
            let (twice, none) = (t.scale(x[0], 2.0)?, t.scale(x[0], 0.0)?);
            let rows = t.concatenate(&[x[0], twice, none], 1)?;
            Ok(vec![t.orthonormalise(rows, x[1], 0.0)?.0])
        })
        .within(5e-6, 0.0)
        .forward_only(),
    );
    cases
}

pub(super) fn works() -> Vec<Work> {
    let operands = |[batch, k, time]: [usize; 3]| vec![f32s([batch, k, time], Draw::Normal), f32s([batch, time], Draw::Weights)];
    let shapes = [[1, 8, 128], [16, 24, 600], [192, 36, 1200]];
    vec![Work::new("orthonormalise", shapes.map(|s| Instance::new(operands(s), |t, x| Ok(vec![t.orthonormalise(x[0], x[1], 0.0)?.0]))))]
}
