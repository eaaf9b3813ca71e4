//! The dispatches: states that blocks leave behind, a scan over them, and the frames.

use super::blocks::{Blocks, FRAMES};
use crate::Result;
use crate::kernel::{Binding, Choice, Lowering, Params, Source, Variant, common, wgsl};
use crate::tensor::TensorType;

const DIRECTION: Choice = Choice::Constant("REVERSED", &["false", "true"]);

pub(in crate::ops) static DRIVE: Source = Source {
    name: "filter/drive",
    text: wgsl!("filter/drive"),
    snippets: &[common::GRID],
    variants: &Variant::PLAIN,
    choices: &[DIRECTION],
};

pub(in crate::ops) static CARRY: Source =
    Source { name: "filter/carry", text: wgsl!("filter/carry"), snippets: &[common::GRID], variants: &Variant::PLAIN, choices: &[] };

pub(in crate::ops) static APPLY: Source = Source {
    name: "filter/apply",
    text: wgsl!("filter/apply"),
    snippets: &[common::GRID],
    variants: &Variant::PLAIN,
    choices: &[DIRECTION],
};

pub(super) fn lower(cx: &mut Lowering<'_>, sections: usize, reversed: bool) -> Result<()> {
    let shape = cx.input_shape(0);
    let time = shape.last().copied().unwrap_or(0);
    let rows = shape.elements() / time.max(1);
    let blocks = Blocks::of(sections, time);
    let Blocks { states: n, carries } = blocks;
    let (x, maps, direction) = (cx.input(0), cx.input(1), usize::from(reversed));
    let numbers = rows * carries * n;
    // Where no block hands a state on, the last kernel reads none: something is bound in its place.
    let mut state = maps;
    if numbers > 0 {
        state = cx.scratch(TensorType::f32([numbers]));
        let params = Params::new().u32(numbers).u32(time).u32(carries).u32(n);
        let kernel = cx.kernel(&DRIVE, &[direction]);
        let bindings = vec![Binding::read(x), Binding::read(maps), Binding::write(state)];
        cx.dispatch(kernel, bindings, params, numbers.div_ceil(64), (2 * numbers * FRAMES) as f64)?;
    }
    let powers = FRAMES * (1 + 2 * n);
    for level in (0..blocks.levels()).filter(|_| numbers > 0) {
        let (apart, next) = (1 << level, cx.scratch(TensorType::f32([numbers])));
        let params = Params::new().u32(numbers).u32(carries).u32(n).u32(apart).u32(powers + level * n * n);
        let kernel = cx.kernel(&CARRY, &[]);
        let bindings = vec![Binding::read(state), Binding::read(maps), Binding::write(next)];
        let flops = rows * (carries - apart) * n * (2 * n + 1);
        cx.dispatch(kernel, bindings, params, numbers.div_ceil(64), flops as f64)?;
        state = next;
    }
    let params = Params::new().u32(rows * time.div_ceil(FRAMES)).u32(time).u32(carries).u32(n);
    let (whole, rest) = (time / FRAMES, time % FRAMES);
    let own = whole * FRAMES * (FRAMES + 1) + rest * (rest + 1);
    let of_states = (2 * n + 1) * time.saturating_sub(FRAMES);
    let kernel = cx.kernel(&APPLY, &[direction]);
    let bindings = vec![Binding::read(x), Binding::read(maps), Binding::read(state), Binding::write(cx.output(0))];
    cx.dispatch(kernel, bindings, params, rows * time.div_ceil(FRAMES), (rows * (own + of_states)) as f64)
}
