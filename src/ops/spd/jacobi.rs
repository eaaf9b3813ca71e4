//! Jacobi's method on a device: rounds of disjoint rotations, in which every pair of indices meets once a sweep.
//!
//! A matrix is a workgroup's, or blocks of its indices meet in pairs, each pair a workgroup's: what turns it is then taken to the rest of the
//! matrix as products, all workgroups at once (Bečka, Okša and Vajteršic 2002).

use super::{VARIANTS, class, extents, shares};
use crate::kernel::common::{flat_groups, flat_step};
use crate::kernel::{Algorithms, Binding, Buffer, Choice, Lowering, Params, Source, kernel_source};
use crate::ops::matmul::Product;
use crate::ops::row::{self, Rows};
use crate::tensor::TensorType;
use crate::{Error, Result};

pub(in crate::ops) static JACOBI_START: Source = kernel_source!("spd/jacobi_start");
pub(in crate::ops) static EIGEN_ORDER: Source =
    kernel_source!("spd/eigen_order").with_choices(&[Choice::Constant("POLISHED", &["false", "true"])]);

pub(in crate::ops) static JACOBI: Source = kernel_source!("spd/jacobi").with_variants(&VARIANTS);

pub(in crate::ops) static JACOBI_BLOCKS: Source = kernel_source!("spd/jacobi_blocks");
pub(in crate::ops) static JACOBI_TURN: Source = kernel_source!("spd/jacobi_turn");
pub(in crate::ops) static RAYLEIGH: Source = kernel_source!("spd/rayleigh").with_variants(&row::VARIANTS);

/// The algorithms of the eigendecomposition.
pub(in crate::ops) static EIGEN: Algorithms = Algorithms {
    name: "spd/eigen",
    all: &[("columns", "spd/jacobi"), ("blocks", "spd/jacobi_blocks")],
    classes: &[""],
    rule: super::by_blocks,
};

/// The most variables that the workgroup memory of `spd/jacobi` has room for.
const MOST: usize = 2048;

/// Larger matrices take a dispatch a sweep, so that none keeps a GPU so long that its watchdog bites.
const LONG: usize = 64;

/// Indices of two blocks that meet.
const PAIR: usize = 32;

/// Sweeps after which what is left off the diagonal is below the rounding of f32: the method converges quadratically, after a number
/// of sweeps that grows with the logarithm of n. Measured up to n = 512 on spectra spread evenly over three decades, and one added.
fn sweeps(n: usize) -> usize {
    match n {
        0..=1 => 0,
        2 => 1,
        3..=8 => 6,
        9..=16 => 7,
        17..=64 => 10,
        65..=128 => 10,
        129..=512 => 12,
        _ => 14,
    }
}

/// The same by blocks, for more variables than a pair of blocks has. Sweeps that find nothing to turn cost next to nothing, so that these
/// suffice for half as many frames as variables too, which take 15 at n = 256 where spectra over three decades take 11.
fn sweeps_of_blocks(n: usize) -> usize {
    match n {
        0..=64 => 10,
        65..=128 => 13,
        129..=256 => 16,
        _ => 18,
    }
}

/// The dispatches of the eigendecomposition: of the operand, to the values and the vectors.
pub(super) fn lower(cx: &mut Lowering<'_>) -> Result<()> {
    match EIGEN.choose(cx.target(), "") {
        "blocks" => lower_blocks(cx),
        _ => lower_whole(cx),
    }
}

/// The matrices that the method begins with, of rows `stride` apart: the symmetric part and the identity.
fn lower_start(cx: &mut Lowering<'_>, [matrices, n, stride]: [usize; 3]) -> Result<[Buffer; 2]> {
    let ty = TensorType::f32([matrices, stride, stride]);
    let (work, w) = (cx.scratch(ty), cx.scratch(ty));
    let elements = matrices * stride * stride;
    let kernel = cx.kernel(&JACOBI_START, &[]);
    let bindings = vec![Binding::read(cx.input(0)), Binding::write(work), Binding::write(w)];
    let params = flat_step(stride).into_iter().fold(Params::new().u32(elements).u32(n).u32(stride), Params::u32);
    cx.dispatch(kernel, bindings, params, flat_groups(elements), (2 * matrices * n * n) as f64)?;
    Ok([work, w])
}

/// Eigenvalues as they were found: so far apart, and so far from matrix to matrix.
struct Found {
    values: Buffer,
    apart: usize,
    span: usize,
}

/// Values and vectors in order; the vectors a step nearer to orthonormal where `product` is W Wᵀ W.
fn lower_order(cx: &mut Lowering<'_>, [matrices, n, stride]: [usize; 3], found: Found, w: Buffer, product: Option<Buffer>) -> Result<()> {
    let (count, polished) = (matrices * n, product.is_some());
    let kernel = cx.kernel(&EIGEN_ORDER, &[polished.into()]);
    let read = [found.values, w, product.unwrap_or(w)].map(Binding::read);
    let bindings = read.into_iter().chain([0, 1].map(|i| Binding::write(cx.output(i)))).collect();
    let flops = (5 + 3 * usize::from(polished)) * n + 1;
    let params = Params::new().u32(count).u32(n).u32(stride).u32(found.apart).u32(found.span);
    cx.dispatch(kernel, bindings, params, count.div_ceil(64), (flops * count) as f64)
}

/// A matrix a workgroup, or an invocation.
fn lower_whole(cx: &mut Lowering<'_>) -> Result<()> {
    let shape = cx.input_shape(0);
    let [matrices, n] = extents(shape);
    if n > MOST {
        return Err(Error::op("eigh", format!("matrices of at most {MOST} variables have a kernel, found {shape}; use the host")));
    }
    let [work, w] = lower_start(cx, [matrices, n, n])?;
    let variant = JACOBI.variant(cx.target(), class(n));
    let kernel = JACOBI.kernel(variant, &[]).for_class(class(n));
    let (lanes, rounds) = (variant.constant("LANES").unwrap_or(1), n.max(1) - 1 + n % 2);
    let pairs = n.div_ceil(2);
    let turns = 4 + pairs.div_ceil(lanes) + (pairs * pairs / 2).div_ceil(lanes) + (pairs * n).div_ceil(lanes);
    let most = if n <= LONG { usize::MAX } else { rounds };
    for share in shares(cx.target(), sweeps(n) * rounds, most, |_| turns) {
        let bindings = vec![Binding::continued(work), Binding::continued(w)];
        let params = Params::new().u32(matrices).u32(n).u32(share.start).u32(share.end);
        cx.dispatch(kernel.clone(), bindings, params, matrices, (matrices * share.len()) as f64 * flops_of_round(n))?;
    }
    let found = Found { values: work, apart: n + 1, span: n * n };
    lower_order(cx, [matrices, n, n], found, w, None)
}

fn flops_of_round(n: usize) -> f64 {
    let (pairs, odd) = (n / 2, n % 2);
    (pairs * (25 + 8 * n) + 32 * (pairs * (pairs - 1) / 2) + 8 * odd * pairs) as f64
}

/// By blocks: matrices of one pair of blocks in one dispatch; larger ones in rounds of blocks, each pair through one sweep of its own.
fn lower_blocks(cx: &mut Lowering<'_>) -> Result<()> {
    let [matrices, n] = extents(cx.input_shape(0));
    let half = n.div_ceil(PAIR);
    let stride = half * PAIR;
    let [work, w] = lower_start(cx, [matrices, n, stride])?;
    if n == 0 {
        return Ok(());
    }
    let turns = cx.scratch(TensorType::f32([matrices, half, PAIR, PAIR]));
    let turned = cx.scratch(TensorType::u32([matrices, half]));
    let alone = half == 1;
    let (rounds, inner) = if alone { (1, sweeps(n)) } else { (sweeps_of_blocks(n) * (2 * half - 1), 1) };
    for round in 0..rounds {
        let round = round % (2 * half - 1);
        lower_pairs(cx, [matrices, half, round, inner], [work, turns, turned])?;
        lower_turn(cx, [matrices, half, round], [work, w, turns, turned])?;
    }
    if alone {
        let found = Found { values: work, apart: stride + 1, span: stride * stride };
        return lower_order(cx, [matrices, n, stride], found, w, None);
    }
    let [square, cube] = lower_cube(cx, [matrices, stride], w)?;
    let values = lower_rayleigh(cx, [matrices, n, stride], w, square)?;
    lower_order(cx, [matrices, n, stride], Found { values, apart: 1, span: stride }, w, Some(cube))
}

fn lower_pairs(cx: &mut Lowering<'_>, [matrices, half, round, sweeps]: [usize; 4], [work, turns, turned]: [Buffer; 3]) -> Result<()> {
    let pairs = matrices * half;
    let params = Params::new().u32(pairs).u32(half).u32(round).u32(sweeps);
    let bindings = vec![Binding::continued(work), Binding::write(turns), Binding::write(turned)];
    let kernel = cx.kernel(&JACOBI_BLOCKS, &[]);
    cx.dispatch(kernel, bindings, params, pairs, (pairs * sweeps * (PAIR - 1)) as f64 * flops_of_round(PAIR))
}

fn lower_turn(cx: &mut Lowering<'_>, [matrices, half, round]: [usize; 3], [work, w, turns, turned]: [Buffer; 4]) -> Result<()> {
    let (of_work, of_w) = (half * (half - 1) / 2, half * half);
    let tiles = matrices * (of_work + of_w);
    let params = Params::new().u32(tiles).u32(of_work + of_w).u32(of_work).u32(half).u32(round);
    let bindings = vec![Binding::continued(work), Binding::continued(w), Binding::read(turns), Binding::read(turned)];
    let kernel = cx.kernel(&JACOBI_TURN, &[]);
    let products = matrices * (2 * of_work + of_w);
    cx.dispatch(kernel, bindings, params, tiles, (products * 2 * PAIR * PAIR * PAIR) as f64)
}

/// W Wᵀ, and W Wᵀ W.
fn lower_cube(cx: &mut Lowering<'_>, [matrices, stride]: [usize; 2], w: Buffer) -> Result<[Buffer; 2]> {
    let ty = TensorType::f32([matrices, stride, stride]);
    let (square, cube) = (cx.scratch(ty), cx.scratch(ty));
    Product::new([stride; 3], [false, true], matrices).lower(cx, w, w, square)?;
    Product::new([stride; 3], [false, false], matrices).lower(cx, square, w, cube)?;
    Ok([square, cube])
}

/// The eigenvalues `[matrices, stride]` of the vectors in the rows of W.
fn lower_rayleigh(cx: &mut Lowering<'_>, [matrices, n, stride]: [usize; 3], w: Buffer, square: Buffer) -> Result<Buffer> {
    let [a, _] = lower_start(cx, [matrices, n, stride])?;
    let product = cx.scratch(TensorType::f32([matrices, stride, stride]));
    Product::new([stride; 3], [false, false], matrices).lower(cx, w, a, product)?;
    let values = cx.scratch(TensorType::f32([matrices, stride]));
    let count = matrices * stride;
    let rows = Rows::new(&RAYLEIGH, cx, [count, stride]);
    let bindings = [product, w, square].map(Binding::read).into_iter().chain([Binding::write(values)]).collect();
    let params = Params::new().u32(count).u32(stride);
    cx.dispatch(rows.kernel(&[]), bindings, params, rows.groups, (count * (2 * stride + 1)) as f64)?;
    Ok(values)
}
