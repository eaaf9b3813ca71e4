//! A transform as dispatches: a stage a radix, over panels of rows.

use super::transform::{Direction, Transform};
use crate::Result;
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, Variant, common, wgsl};
use crate::tensor::TensorType;

pub(in crate::ops) static STAGE: Source = Source {
    name: "fourier/stage",
    text: wgsl!("fourier/stage"),
    snippets: &[common::GRID],
    variants: &Variant::PLAIN,
    choices: &[
        Choice::Constant("READ", &["0u", "1u", "2u"]),
        Choice::Constant("WRITE", &["0u", "1u", "2u"]),
        Choice::Constant("INVERSE", &["false", "true"]),
    ],
};

/// The layouts between stages and at either end, as the kernel numbers them.
const COMPLEX_IN: usize = 1;
const COMPLEX_OUT: usize = 0;

/// The most bytes of a panel between stages: few enough to stay in a cache.
const PANEL: u64 = 32 << 20;

/// The radices of the stages of n, the largest first: primes, gathered to at most 8 while that is a whole factor of what is left.
pub(super) fn radices(n: usize) -> Vec<usize> {
    let mut radices = Vec::new();
    let mut rest = n;
    while let Some(radix) = (2..=8).rev().find(|&p| rest.is_multiple_of(p)).filter(|_| rest > 1) {
        radices.push(radix);
        rest /= radix;
    }
    let mut prime = 11;
    while rest > 1 {
        // Beyond its root, what is left is prime.
        if prime * prime > rest {
            prime = rest;
        }
        while rest.is_multiple_of(prime) && rest > 1 {
            radices.push(prime);
            rest /= prime;
        }
        prime += 2;
    }
    radices.sort_unstable_by(|a, b| b.cmp(a));
    // One element is its own transform: a stage moves it.
    if radices.is_empty() { vec![1] } else { radices }
}

pub(super) fn lower(op: &Transform, cx: &mut Lowering<'_>) -> Result<()> {
    let (n, m) = (op.n, op.half());
    let elements = cx.input_shape(0).elements();
    let (rows, x_kind, y_kind) = match op.direction {
        Direction::Forward => (elements / n, 0, 1),
        Direction::Inverse => (elements / (2 * m), 2, 2),
    };
    let radices = radices(n);
    let bytes = PANEL.min(cx.target().max_binding);
    let together = if radices.len() == 1 { rows } else { ((bytes / (8 * n as u64)) as usize).max(1) };
    for first in (0..rows).step_by(together.max(1)) {
        let panel = together.min(rows - first);
        let mut span = 1;
        let mut from = cx.input(0);
        for (i, &radix) in radices.iter().enumerate() {
            let (begins, ends) = (i == 0, i + 1 == radices.len());
            let chosen = [if begins { x_kind } else { COMPLEX_IN }, if ends { y_kind } else { COMPLEX_OUT }];
            let (to, binding) = result(cx, ends, first, [panel, n]);
            stage(op, cx, chosen, from, binding, [first, panel, span, radix])?;
            (from, span) = (to, span * radix);
        }
    }
    Ok(())
}

/// Where a stage writes: the op's result, which the first panel begins, or scratch.
fn result(cx: &mut Lowering<'_>, ends: bool, first: usize, [panel, n]: [usize; 2]) -> (Buffer, Binding) {
    if ends {
        let y = cx.output(0);
        return (y, if first == 0 { Binding::write(y) } else { Binding::go_on(y) });
    }
    let scratch = cx.scratch(TensorType::f32([panel, n, 2]));
    (scratch, Binding::write(scratch))
}

fn stage(
    op: &Transform,
    cx: &mut Lowering<'_>,
    [read, write]: [usize; 2],
    from: Buffer,
    to: Binding,
    [first, panel, span, radix]: [usize; 4],
) -> Result<()> {
    let (n, m) = (op.n, op.half());
    let per_row = if write == 1 { m } else { n };
    let outputs = panel * per_row;
    // What is read of a Hermitian spectrum stands for two entries but at the ends.
    let middle = if read == 2 { 0.5 * op.middle } else { op.middle };
    let params = Params::new().u32(outputs).u32(per_row).u32(n).u32(span).u32(radix).u32(first).f32(op.ends as f32).f32(middle as f32);
    let kernel = cx.kernel(&STAGE, &[read, write, usize::from(op.direction == Direction::Inverse)]);
    let term = if read == 0 || write == 2 { 4 } else { 8 };
    let scaled = if read == 2 || write == 1 { 2 * panel * m } else { 0 };
    let bindings = vec![Binding::read(from), Binding::read(cx.input(1)), to];
    cx.dispatch(kernel, bindings, params, outputs.div_ceil(64), (outputs * radix * term + scaled) as f64)
}

#[cfg(test)]
mod tests {
    use super::radices;

    #[test]
    fn radices_multiply_to_the_length() {
        for n in 1..3000 {
            let radices = radices(n);
            assert_eq!(radices.iter().product::<usize>(), n, "{radices:?}");
        }
        assert_eq!(radices(814), [37, 11, 2]);
        assert_eq!(radices(1200), [8, 6, 5, 5]);
        assert_eq!(radices(1201), [1201]);
    }
}
