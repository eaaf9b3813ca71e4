//! The op: real series to half a spectrum, or back. One dispatch transforms rows that fit in workgroup memory; longer rows take several,
//! over panels of rows; where the length has a large prime factor, they are those of Bluestein's convolution.

use super::way::{Passes, TILE, Way, points, radices};
use crate::kernel::{Adapters, Binding, Buffer, Choice, Lowering, Params, Source, Variant, common, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Var};
use crate::tensor::{DType, HostTensor, MAX_RANK, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};
use realfft::num_complex::Complex;

/// The direction of a transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// `[.., n]` to `[.., n / 2 + 1, 2]`.
    Forward,
    /// And back.
    Inverse,
}

/// The reason why a transform on the host cannot fail.
const FITS: &str = "the plan is of this length, and the ends are real";

/// Forward, X_k = s_k Σ_t x_t e^(−2πikt/n); inverse, x_t = Re Σ_k s_k X_k e^(2πikt/n); over the first half of the spectrum alone, with
/// s_k = `ends` at its first and, where n is even, last entry, and `middle` between. Operands: the series or spectrum, and the tables,
/// which only kernels read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transform {
    pub(super) direction: Direction,
    pub(super) n: usize,
    pub(super) ends: f64,
    pub(super) middle: f64,
}

impl Transform {
    pub(super) fn name(&self) -> &'static str {
        match self.direction {
            Direction::Forward => "rfft",
            Direction::Inverse => "irfft",
        }
    }

    /// Entries of half a spectrum.
    pub(super) fn half(&self) -> usize {
        self.n / 2 + 1
    }

    fn scale(&self, k: usize) -> f64 {
        if k == 0 || 2 * k == self.n { self.ends } else { self.middle }
    }

    /// The shape of the result, where x fits.
    fn output(&self, x: Shape) -> Option<Shape> {
        let rank = x.rank();
        match self.direction {
            Direction::Forward if rank >= 1 && x[rank - 1] == self.n && rank < MAX_RANK => {
                Shape::try_new(&[&x[..rank - 1], &[self.half(), 2]].concat())
            }
            Direction::Inverse if rank >= 2 && x[rank - 2..] == [self.half(), 2] => Some(x.without(rank - 1).with(rank - 2, self.n)),
            _ => None,
        }
    }

    fn run<R: Real>(&self, x: &HostTensor) -> Result<HostTensor> {
        let shape = self.output(x.shape()).ok_or_else(|| self.mismatch(x.ty()))?;
        let (n, m, x) = (self.n, self.half(), x.elements::<R>()?);
        let (forward, inverse) = R::fourier(n);
        let mut y = buffer(shape.elements());
        match self.direction {
            Direction::Forward => parallel::rows(&mut y, 2 * m, 8 * n, |row, y| {
                let (mut series, mut spectrum) = (x[row * n..][..n].to_vec(), vec![Complex::default(); m]);
                forward.process(&mut series, &mut spectrum).expect(FITS);
                for (k, (y, z)) in y.chunks_exact_mut(2).zip(spectrum).enumerate() {
                    let s = R::of(self.scale(k));
                    (y[0], y[1]) = (z.re * s, z.im * s);
                }
            }),
            Direction::Inverse => parallel::rows(&mut y, n, 8 * n, |row, y| {
                let of = |(k, z): (usize, &[R])| {
                    let s = R::of(self.scale(k));
                    // The transform takes the ends for real, and counts an entry between them twice.
                    if k == 0 || 2 * k == n { Complex::new(z[0] * s, R::zero()) } else { Complex::new(z[0] * s, z[1] * s) * R::of(0.5) }
                };
                let mut spectrum: Vec<_> = x[row * 2 * m..][..2 * m].chunks_exact(2).enumerate().map(of).collect();
                inverse.process(&mut spectrum, y).expect(FITS);
            }),
        }
        HostTensor::real(shape, y)
    }

    fn mismatch(&self, x: TensorType) -> Error {
        let what = match self.direction {
            Direction::Forward => format!("f32 series [.., {}] of fewer than {MAX_RANK} axes expected, found {x}", self.n),
            Direction::Inverse => format!("the f32 half spectrum [.., {}, 2] of {} elements expected, found {x}", self.half(), self.n),
        };
        Error::op(self.name(), what)
    }
}

impl Op for Transform {
    fn key(&self) -> OpKey {
        OpKey::of(self.name(), self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, roots) = (inputs[0], inputs[1]);
        if x.dtype != DType::F32 || *roots.shape != [Way::of(self.n).entries(self.n), 2] {
            return Err(self.mismatch(x));
        }
        self.output(x.shape).map(|shape| vec![TensorType::f32(shape)]).ok_or_else(|| self.mismatch(x))
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(&inputs[0])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (roots, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        let direction = match self.direction {
            Direction::Forward => Direction::Inverse,
            Direction::Inverse => Direction::Forward,
        };
        Ok(vec![Some(cx.tape().record_one(Self { direction, ..*self }, &[g, roots])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        lower(self, cx)
    }
}

/// The layouts that a pass reads and writes, as the kernel numbers them; the inverse's are its own way round.
const REALS: usize = 0;
const COMPLEX_IN: usize = 1;
const HALF_IN: usize = 2;
const COMPLEX_OUT: usize = 0;
const HALF_OUT: usize = 1;
const REALS_OUT: usize = 2;
/// Neighbours of a row of reals as one complex number, and the half spectrum made into theirs or out of it.
const PAIRS: usize = 3;
const PACKED: usize = 4;

/// The layouts of passes, two digits each: the one that is read, and the one that is written.
const LAYOUTS: [&str; 9] = ["0u", "1u", "10u", "11u", "12u", "20u", "22u", "34u", "43u"];

pub(in crate::ops) static PASS: Source = kernel_source!("fourier/pass")
    .with_variants(&[
        Variant {
            name: "group",
            adapters: Adapters::Hardware,
            classes: &[],
            constants: &[("LANES", "256u")],
            snippets: &[common::FOURIER_GROUP],
        },
        Variant {
            name: "serial",
            adapters: Adapters::Software,
            classes: &[],
            constants: &[("LANES", "64u")],
            snippets: &[common::FOURIER_SERIAL],
        },
    ])
    .with_choices(&[Choice::Constant("LAYOUT", &LAYOUTS), Choice::Constant("CHIRPED", &["false", "true"])]);

/// The most bytes of a panel between passes: few enough to stay in a cache.
const PANEL: u64 = 32 << 20;

/// The fewest workgroups that a pass is divided into before one takes several transforms.
const GROUPS: usize = 264;

fn lower(op: &Transform, cx: &mut Lowering<'_>) -> Result<()> {
    let elements = cx.input_shape(0).elements();
    let (n, way) = (op.n, Way::of(op.n));
    let inverse = op.direction == Direction::Inverse;
    let (rows, ends) = if inverse { (elements / (2 * op.half()), [HALF_IN, REALS_OUT]) } else { (elements / n, [REALS, HALF_OUT]) };
    let variant = PASS.variant(cx.target(), "");
    let by = if variant.name == "serial" { Passes::Steps } else { Passes::Whole };
    let length = way.length(n, by);
    let together = match by.of(length).len() {
        1 if way == Way::Own => rows,
        _ => (PANEL.min(cx.target().max_binding) as usize / (8 * length)).max(1),
    };
    for first in (0..rows).step_by(together.max(1)) {
        let mut rows = Rows { op, cx: &mut *cx, variant, by, length, first, panel: together.min(rows - first) };
        let x = rows.cx.input(0);
        match way {
            Way::Bluestein(m) => {
                let inner = Chain { layouts: [ends[0], COMPLEX_OUT], inverse: false, conjugate: inverse, tables: [2 * m, m] };
                let product = rows.chain(x, &inner)?;
                rows.chain(product, &Chain { layouts: [COMPLEX_IN, ends[1]], inverse: true, tables: [0, 2 * m], ..inner })?
            }
            Way::Own => {
                let layouts = match (way.pairs(n, by), inverse) {
                    (false, _) => ends,
                    (true, false) => [PAIRS, PACKED],
                    (true, true) => [PACKED, PAIRS],
                };
                rows.chain(x, &Chain { layouts, inverse, conjugate: false, tables: [0, 0] })?
            }
        };
    }
    Ok(())
}

/// The steps of a pass that the kernel can take.
const STEPS: usize = 8;

/// The factor, in units of 2⁻²¹, that takes a number below 2¹² to its quotient by `d`. It is 0 for `d` beyond 1024: by those the kernel
/// divides only numbers whose quotient is 0.
fn factor(d: usize) -> usize {
    if d > 1024 { 0 } else { (1 << 21) / d.max(1) + 1 }
}

/// A transform of rows of complex numbers, in as many passes as it takes.
#[derive(Debug, Clone, Copy)]
struct Chain {
    /// The layouts it reads and writes.
    layouts: [usize; 2],
    inverse: bool,
    /// True if the tables that multiply are conjugated.
    conjugate: bool,
    /// The positions of the tables by which it multiplies what it reads and what it writes; 0 for no table.
    tables: [usize; 2],
}

/// A panel of rows on its way, between complex buffers `[panel, length, 2]`.
struct Rows<'a, 'b> {
    op: &'a Transform,
    cx: &'a mut Lowering<'b>,
    variant: &'static Variant,
    by: Passes,
    length: usize,
    first: usize,
    panel: usize,
}

impl Rows<'_, '_> {
    /// The buffer that a pass writes: the op's result, which the first panel begins, or scratch.
    fn result(&mut self, write: usize) -> (Buffer, Binding) {
        if write != COMPLEX_OUT {
            let y = self.cx.output(0);
            return (y, if self.first == 0 { Binding::write(y) } else { Binding::continued(y) });
        }
        let scratch = self.cx.scratch(TensorType::f32([self.panel, self.length, 2]));
        (scratch, Binding::write(scratch))
    }

    fn chain(&mut self, x: Buffer, chain: &Chain) -> Result<Buffer> {
        let passes = self.by.of(self.length);
        let (mut span, mut from) = (1, x);
        for (i, pass) in passes.iter().enumerate() {
            let (start, end) = (i == 0, i + 1 == passes.len());
            let one = Chain {
                layouts: [if start { chain.layouts[0] } else { COMPLEX_IN }, if end { chain.layouts[1] } else { COMPLEX_OUT }],
                tables: [if start { chain.tables[0] } else { 0 }, if end { chain.tables[1] } else { 0 }],
                ..*chain
            };
            from = self.pass(from, &one, pass, span)?;
            span *= points(pass);
        }
        Ok(from)
    }

    /// One dispatch: the steps of these radices, after passes whose points multiply to `span`.
    fn pass(&mut self, from: Buffer, chain: &Chain, radices: &[usize], span: usize) -> Result<Buffer> {
        let [read, write] = chain.layouts;
        let points = points(radices);
        let transforms = self.panel * self.length / points;
        let group = (transforms / GROUPS).clamp(1, (TILE / points).max(1));
        let flops = self.flops(chain, radices);
        // Each entry read from a Hermitian spectrum stands for two, except at the ends.
        let middle = if read == HALF_IN || read == PACKED { 0.5 * self.op.middle } else { self.op.middle };
        let mut params = Params::new().u32(self.op.n).u32(self.length).u32(points).u32(span);
        params = params.u32(transforms).u32(group).u32(self.first).u32(radices.len());
        let turned = usize::from(chain.inverse) + 2 * usize::from(chain.conjugate);
        params = params.u32(chain.tables[0]).u32(chain.tables[1]).u32(turned);
        // Transforms of one row lie beside one another, those of whole rows one after the other.
        let beside = |of_row: usize| if points < self.length { group } else { of_row };
        params = [beside(points), points, self.op.half()].into_iter().fold(params, |p, d| p.u32(factor(d)));
        params = params.f32(self.op.ends as f32).f32(middle as f32);
        let mut before = 1;
        for step in 0..STEPS {
            let p = radices.get(step).copied().unwrap_or(1);
            let (apart, turn) = (points / p, self.roots() / (before * p).max(1));
            params = params.u32(p | apart << 16).u32(factor(beside(apart))).u32(factor(before)).u32(turn);
            before *= p;
        }
        let layout = LAYOUTS.iter().position(|l| **l == format!("{}u", 10 * read + write)).unwrap_or(0);
        let kernel = PASS.kernel(self.variant, &[layout, usize::from(chain.tables != [0, 0])]);
        let (to, binding) = self.result(write);
        let workgroups = match self.by {
            Passes::Whole => transforms.div_ceil(group),
            Passes::Steps => (self.panel * self.kept(write)).div_ceil(64),
        };
        let bindings = vec![Binding::read(from), Binding::read(self.cx.input(1)), binding];
        self.cx.dispatch(kernel, bindings, params, workgroups, flops as f64)?;
        Ok(to)
    }

    /// Powers of the root of unity that the tables begin with.
    fn roots(&self) -> usize {
        if 2 * self.length == self.op.n { self.op.n } else { self.length }
    }

    /// Elements of a row written, complex or not.
    fn kept(&self, write: usize) -> usize {
        match write {
            HALF_OUT | PACKED => self.op.half(),
            REALS_OUT => self.op.n,
            _ => self.length,
        }
    }

    /// FLOPs of these steps by the definition: of rows whose ends are real or half a spectrum, the same whether they go in pairs or not.
    fn flops(&self, chain: &Chain, steps: &[usize]) -> usize {
        let paired = chain.layouts == [PAIRS, PACKED] || chain.layouts == [PACKED, PAIRS];
        let all = if paired { radices(self.op.n) } else { steps.to_vec() };
        // As if neighbours in a row of reals were two.
        let [read, write] = match chain.layouts {
            [PAIRS, PACKED] => [REALS, HALF_OUT],
            [PACKED, PAIRS] => [HALF_IN, REALS_OUT],
            own => own,
        };
        let [table_in, table_out] = chain.tables.map(|table| table > 0);
        let (kept, length) = (self.kept(write), if paired { self.op.n } else { self.length });
        let step = |(i, p): (usize, &usize)| {
            let end = i + 1 == all.len();
            let real = (i == 0 && read == REALS && !table_in) || (end && write == REALS_OUT && !table_out);
            let width = if end { kept } else { length };
            width * p * if real { 4 } else { 8 }
        };
        let mut flops: usize = all.iter().enumerate().map(step).sum();
        if table_in {
            flops += self.op.n * if read == REALS { 2 } else { 6 };
        }
        if table_out {
            flops += kept * if write == REALS_OUT { 3 } else { 6 };
        }
        if read == HALF_IN || write == HALF_OUT {
            flops += 2 * self.op.half();
        }
        self.panel * flops
    }
}
