//! Updates of state, in place where the plan can: optimisers' steps, the step counter, the ring of losses. None has a gradient.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::common::{self, FLAT_NUMBERS, flat_groups, flat_width};
use crate::kernel::{Binding, Choice, Lowering, Params, Source, kernel_source};
use crate::tape::{Init, Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};
use std::sync::Arc;

pub(super) static FAMILY: Family = Family { sources: &[&ADAM, &ADVANCE, &RING, &RINGS, &SGD], cases, works };

const FALSE_TRUE: &[&str] = &["false", "true"];

pub(super) static ADAM: Source = kernel_source!("optim/adam").with_choices(&[Choice::Constant("DECOUPLED", FALSE_TRUE), FLAT_NUMBERS]);
pub(super) static SGD: Source = kernel_source!("optim/sgd").with_choices(&[Choice::Constant("NESTEROV", FALSE_TRUE), FLAT_NUMBERS]);
pub(super) static ADVANCE: Source = kernel_source!("optim/advance");
pub(super) static RING: Source = kernel_source!("optim/ring");
/// Rings and the counter by which they are written, in one dispatch, as a plan joins them.
pub(crate) static RINGS: Source = kernel_source!("optim/rings").with_choices(&[common::RINGS]);

fn no_gradient(op: &str) -> Result<Vec<Option<Var>>> {
    Err(Error::NotDifferentiable { op: op.into(), why: "it updates state".into() })
}

/// Operands of one shape but for the scalars after them.
fn same(op: &str, tensors: &[TensorType], scalars: &[TensorType]) -> Result<()> {
    if let Some(ty) = tensors.iter().find(|&ty| *ty != tensors[0]) {
        return Err(Error::op(op, format!("{} expected, found {ty}", tensors[0])));
    }
    match scalars.iter().find(|ty| ty.shape.elements() != 1) {
        Some(ty) => Err(Error::op(op, format!("a scalar expected, found {ty}"))),
        None => Ok(()),
    }
}

/// (p, m, v, g, lr, step) → p, m, v; the bias corrections are those of the step, which counts from 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adam {
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) epsilon: f32,
    pub(crate) decay: f32,
    pub(crate) decoupled: bool,
}

/// m := β₁ m + (1 − β₁) g and v := β₂ v + (1 − β₂) g².
fn moments<R: Real>(new: (&mut [R], &mut [R]), old: (&[R], &[R]), g: impl Iterator<Item = R>, [b1, b2]: [R; 2]) {
    for (((new_m, &m), (new_v, &v)), g) in new.0.iter_mut().zip(old.0).zip(new.1.iter_mut().zip(old.1)).zip(g) {
        *new_m = b1 * m + (R::one() - b1) * g;
        *new_v = b2 * v + (R::one() - b2) * g * g;
    }
}

/// p := shrunk p − rate m / (√(v c) + ε).
fn descend<R: Real>(new: &mut [R], old: &[R], (m, v): (&[R], &[R]), [shrunk, rate, c, epsilon]: [R; 4]) {
    for (((new, &p), &m), &v) in new.iter_mut().zip(old).zip(m).zip(v) {
        *new = shrunk * p - rate * m / ((v * c).sqrt() + epsilon);
    }
}

/// Elements updated at once: few enough to stay in a core's first cache.
const PART: usize = 1 << 11;

impl Adam {
    /// ln β₁ and ln β₂: the bias correction 1 − βᵗ is −(e^(t ln β) − 1), accurate for β near 1.
    fn logarithms(&self) -> [f32; 2] {
        [self.beta1, self.beta2].map(|beta| f64::from(beta).ln() as f32)
    }

    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = x[0].shape();
        let [p, m, v, g, lr] = [0, 1, 2, 3, 4].map(|i| x[i].elements::<R>());
        let (p, m, v, g, lr) = (p?, m?, v?, g?, lr?[0]);
        let count = R::of(f64::from(x[5].as_u32().and_then(|s| s.first()).copied().unwrap_or(0)) + 1.0);
        let [c1, c2] = self.logarithms().map(|log| -(count * R::of(f64::from(log))).exp_m1());
        let [b1, b2, epsilon, decay] = [self.beta1, self.beta2, self.epsilon, self.decay].map(|x| R::of(f64::from(x)));
        let decoupled = self.decoupled;
        let [mut new_p, mut new_m, mut new_v] = [0, 1, 2].map(|_| buffer(p.len()));
        let parts = new_p.chunks_mut(PART).zip(new_m.chunks_mut(PART)).zip(new_v.chunks_mut(PART));
        let mut parts: Vec<_> = parts.map(|((p, m), v)| (p, m, v)).collect();
        parallel::rows(&mut parts, 1, 16 * PART, |part, new| {
            let (new_p, new_m, new_v) = &mut new[0];
            let [p, m, v, g] = [p, m, v, g].map(|x| &x[part * PART..(part * PART + PART).min(x.len())]);
            moments((new_m, new_v), (m, v), p.iter().zip(g).map(|(&p, &g)| if decoupled { g } else { g + decay * p }), [b1, b2]);
            let shrunk = if decoupled { R::one() - lr * decay } else { R::one() };
            descend(new_p, p, (new_m, new_v), [shrunk, lr / c1, c2.recip(), epsilon]);
        });
        [new_p, new_m, new_v].into_iter().map(|x| HostTensor::real(shape, x)).collect()
    }
}

impl Op for Adam {
    fn key(&self) -> OpKey {
        OpKey::of("adam", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        same("adam", &x[..4], &x[4..5])?;
        match x[5..] {
            [step] if step == TensorType::u32([1]) => Ok(x[..3].to_vec()),
            _ => Err(Error::op("adam", "the step counter u32[1] expected")),
        }
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs[..5], R => self.run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        no_gradient("adam")
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let (choice, width) = flat_width(&[n]);
        let bindings = [4, 5, 3].map(|i| Binding::read(cx.input(i))).into_iter();
        let bindings = bindings.chain([0, 1, 2].map(|i| Binding::update(cx.output(i), cx.input(i)))).collect();
        let params = Params::new().f32(self.beta1).f32(self.beta2).f32(self.epsilon).f32(self.decay);
        let params = self.logarithms().into_iter().fold(params, Params::f32).u32(n / width).u32(0);
        let kernel = cx.kernel(&ADAM, &[self.decoupled.into(), choice]);
        cx.dispatch(kernel, bindings, params, flat_groups(n), if self.decoupled { 17.0 } else { 16.0 } * n as f64 + 6.0)
    }
}

/// (p, b, g, lr) → p, b.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sgd {
    pub(crate) momentum: f32,
    pub(crate) decay: f32,
    pub(crate) nesterov: bool,
}

impl Sgd {
    fn run<R: Real>(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let shape = x[0].shape();
        let [p, b, g, lr] = [0, 1, 2, 3].map(|i| x[i].elements::<R>());
        let (p, b, g, lr) = (p?, b?, g?, lr?[0]);
        let [momentum, decay] = [self.momentum, self.decay].map(|x| R::of(f64::from(x)));
        let slope = |i: usize| g[i] + decay * p[i];
        let b: Vec<R> = (0..p.len()).map(|i| momentum * b[i] + slope(i)).collect();
        let step = |i: usize| if self.nesterov { slope(i) + momentum * b[i] } else { b[i] };
        let p = (0..p.len()).map(|i| p[i] - lr * step(i)).collect();
        Ok(vec![HostTensor::real(shape, p)?, HostTensor::real(shape, b)?])
    }
}

impl Op for Sgd {
    fn key(&self) -> OpKey {
        OpKey::of("sgd", self)
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        same("sgd", &x[..3], &x[3..])?;
        Ok(x[..2].to_vec())
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => self.run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        no_gradient("sgd")
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let (choice, width) = flat_width(&[n]);
        let bindings = [2, 3].map(|i| Binding::read(cx.input(i))).into_iter();
        let bindings = bindings.chain([0, 1].map(|i| Binding::update(cx.output(i), cx.input(i)))).collect();
        let params = Params::new().u32(n / width).f32(self.momentum).f32(self.decay);
        let kernel = cx.kernel(&SGD, &[self.nesterov.into(), choice]);
        cx.dispatch(kernel, bindings, params, flat_groups(n), if self.nesterov { 8.0 } else { 6.0 } * n as f64)
    }
}

/// counter → counter + 1.
#[derive(Debug, Clone, Copy)]
struct Advance;

impl Op for Advance {
    fn key(&self) -> OpKey {
        OpKey::new("advance")
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        if x != [TensorType::u32([1])] {
            return Err(Error::op("advance", format!("a counter u32[1] expected, found {}", x[0])));
        }
        Ok(x.to_vec())
    }

    fn evaluate(&self, x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let counter = x[0].as_u32().and_then(|c| c.first()).copied().unwrap_or(0);
        Ok(vec![HostTensor::u32([1], vec![counter.wrapping_add(1)])?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Ok(vec![None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let bindings = vec![Binding::update(cx.output(0), cx.input(0))];
        let kernel = cx.kernel(&ADVANCE, &[]);
        cx.dispatch(kernel, bindings, Params::new().u32(1), 1, 0.0)
    }
}

/// (ring, value, step) → ring with `value` at step mod n.
#[derive(Debug, Clone, Copy)]
struct Ring;

impl Ring {
    fn run<R: Real>(x: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let mut ring = x[0].elements::<R>()?.to_vec();
        let step = x[2].as_u32().and_then(|s| s.first()).copied().unwrap_or(0) as usize;
        let n = ring.len();
        ring[step % n] = x[1].elements::<R>()?[0];
        Ok(vec![HostTensor::real([n], ring)?])
    }
}

impl Op for Ring {
    fn key(&self) -> OpKey {
        OpKey::new("ring")
    }

    fn infer(&self, x: &[TensorType]) -> Result<Vec<TensorType>> {
        same("ring", &x[..1], &x[1..2])?;
        Ok(vec![x[0]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        real_inputs!(inputs, R => Self::run::<R>(inputs))
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        no_gradient("ring")
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let bindings = vec![Binding::read(cx.input(1)), Binding::read(cx.input(2)), Binding::update(cx.output(0), cx.input(0))];
        let kernel = cx.kernel(&RING, &[]);
        cx.dispatch(kernel, bindings, Params::new().u32(n), 1, 0.0)
    }
}

/// The input that counts the draws of a step in parts.
pub(crate) const DRAW: &str = "draw";

/// # Counters and rings of losses
impl Tape {
    /// The step counter, u32 `[1]`: 0 in the first step. It stands still unless the tape [advances](Self::advance) it.
    ///
    /// # Errors
    /// Where the name `step` is taken.
    pub fn step_counter(&mut self) -> Result<Var> {
        self.state("step", TensorType::u32([1]), Init::Zeros)
    }

    /// Makes every random draw that is recorded from now on depend on the input `draw`, u32 `[1]`, in place of the step counter, and
    /// returns that input. [`Training`](crate::training::Training) fills it with step · parts + part where it computes a step in parts, so
    /// that each part draws numbers of its own, whichever rank computes it.
    ///
    /// # Errors
    /// Returns an error where the name `draw` is taken.
    pub fn draw_by_part(&mut self) -> Result<Var> {
        let draw = self.input(DRAW, TensorType::u32([1]))?;
        self.count_draws_by(draw);
        Ok(draw)
    }

    /// The counter of random draws: that of steps, or the input of [`draw_by_part`](Self::draw_by_part).
    pub(super) fn draw_counter(&mut self) -> Result<Var> {
        self.drawn_by().map_or_else(|| self.step_counter(), Ok)
    }

    /// Advances the step counter by one after this step, on the device.
    pub fn advance(&mut self) -> Result<()> {
        let step = self.step_counter()?;
        let next = self.record_one(Advance, &[step])?;
        self.assign(step, next)
    }

    /// Keeps the last `capacity` values of the one-element `value` in the state `name`, at index step mod capacity, on the device.
    ///
    /// # Errors
    /// Where `value` has more than one element, the capacity is 0, or the name is taken.
    pub fn keep_last(&mut self, name: &str, value: Var, capacity: usize) -> Result<Var> {
        if capacity == 0 {
            return Err(Error::tensor(name, "a capacity of at least 1 expected"));
        }
        let ring = self.state(name, TensorType::f32([capacity]), Init::Zeros)?;
        let step = self.step_counter()?;
        let kept = self.record(Arc::new(Ring), &[ring, value, step])?[0];
        self.assign(ring, kept)?;
        Ok(ring)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let state = |n: usize| f32s([n], Draw::Normal);
    let scalar = |low, high| f32s([1], Draw::Uniform(low, high));
    let adam = |decoupled| {
        move |t: &mut Tape, x: &[Var]| {
            let op = Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, decoupled };
            t.record(Arc::new(op), x)
        }
    };
    let sgd = |nesterov| move |t: &mut Tape, x: &[Var]| t.record(Arc::new(Sgd { momentum: 0.9, decay: 0.1, nesterov }), x);
    let moments = |n: usize| {
        let second = f32s([n], Draw::Uniform(0.1, 1.0));
        vec![state(n), state(n), second, state(n), scalar(0.1, 0.2), (TensorType::u32([1]), Draw::Normal)]
    };
    let velocity = |n: usize| vec![state(n), state(n), state(n), scalar(0.1, 0.2)];
    let counter = || (TensorType::u32([1]), Draw::Normal);
    let mut cases = Vec::new();
    for n in [1, 257, 1028] {
        cases.extend([
            Case::new("adam", moments(n), adam(false)),
            Case::new("adam decoupled", moments(n), adam(true)),
            Case::new("sgd", velocity(n), sgd(false)),
            Case::new("sgd nesterov", velocity(n), sgd(true)),
        ]);
    }
    cases.extend([
        Case::new("ring", vec![f32s([7], Draw::Normal), scalar(0.0, 1.0), counter()], |t, x| t.record(Arc::new(Ring), x)),
        Case::new("advance", vec![counter()], |t, x| t.record(Arc::new(Advance), x)).within(0.0, 0.0),
        rings(1),
        rings(2),
        rings(3),
        rings(4),
        several_adam(3, 64),
        several_adam(9, 7),
    ]);
    cases.into_iter().map(Case::forward_only).collect()
}

/// Rings of which the first has one element, the next two and so on, and the counter that they share.
fn rings(count: usize) -> Case {
    let ring = |n: usize| [f32s([n], Draw::Normal), f32s([1], Draw::Uniform(0.0, 1.0))];
    let operands = (1..=count).flat_map(ring).chain([(TensorType::u32([1]), Draw::Normal)]).collect();
    Case::new("ring", operands, |t, x| {
        let (&counter, rings) = x.split_last().ok_or_else(|| Error::op("ring", "a counter expected"))?;
        let mut kept = Vec::new();
        for ring in rings.chunks(2) {
            kept.extend(t.record(Arc::new(Ring), &[ring, &[counter]].concat())?);
        }
        kept.extend(t.record(Arc::new(Advance), &[counter])?);
        Ok(kept)
    })
}

/// Steps of Adam for `count` tensors of n, 2n, … elements by one rate.
fn several_adam(count: usize, n: usize) -> Case {
    let positive = |n: usize| f32s([n], Draw::Uniform(0.1, 1.0));
    let tensor = |k: usize| [f32s([k * n], Draw::Normal), f32s([k * n], Draw::Normal), positive(k * n), f32s([k * n], Draw::Normal)];
    let shared = [f32s([1], Draw::Uniform(0.1, 0.2)), (TensorType::u32([1]), Draw::Normal)];
    let operands = (1..=count).flat_map(tensor).chain(shared).collect();
    Case::new("adam", operands, move |t, x| {
        let op = Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, decoupled: false };
        let (tensors, shared) = x.split_at(4 * count);
        let steps = tensors.chunks(4).map(|tensor| t.record(Arc::new(op), &[tensor, shared].concat()));
        Ok(steps.collect::<Result<Vec<_>>>()?.concat())
    })
}

/// A step of Adam by the step counter.
fn counted_adam(adam: Adam) -> impl Fn(&mut Tape, &[Var]) -> Result<Vec<Var>> {
    move |t, x| {
        let step = t.step_counter()?;
        t.record(Arc::new(adam), &[x, &[step]].concat())
    }
}

/// `n` states updated in place by `update` of (states, gradient, rate).
fn updating(
    n: usize,
    states: &'static [&'static str],
    update: impl Fn(&mut Tape, &[Var]) -> Result<Vec<Var>> + Send + Sync + 'static,
) -> Instance {
    let operands = vec![f32s([n], Draw::Normal), f32s([1], Draw::Uniform(0.1, 0.2))];
    Instance::new(operands, move |t, x| {
        let held = states.iter().map(|name| t.state(name, TensorType::f32([n]), Init::Full(0.5))).collect::<Result<Vec<_>>>()?;
        let new = update(t, &[&held, x].concat())?;
        held.iter().zip(&new).try_for_each(|(&state, &value)| t.assign(state, value))?;
        Ok(vec![])
    })
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [1 << 10, 1 << 18, 1 << 23];
    let adam = Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, decoupled: false };
    let sgd = Sgd { momentum: 0.9, decay: 0.0, nesterov: false };
    let counted = |t: &mut Tape, _: &[Var]| t.advance().map(|()| vec![]);
    let ring = |t: &mut Tape, x: &[Var]| t.keep_last("losses", x[0], 300).map(|_| vec![]);
    let rings = |t: &mut Tape, x: &[Var]| {
        ["loss", "loss.fit", "loss.rest"].into_iter().try_for_each(|name| t.keep_last(name, x[0], 300).map(|_| ()))?;
        t.advance().map(|()| vec![])
    };
    vec![
        Work::new("adam", sizes.map(|n| updating(n, &["p", "m", "v"], counted_adam(adam)))),
        Work::new("sgd", sizes.map(|n| updating(n, &["p", "b"], move |t, x| t.record(Arc::new(sgd), x)))),
        Work::small("advance", Instance::new(vec![], counted)),
        Work::small("keep_last", Instance::new(vec![f32s([1], Draw::Normal)], ring)),
        Work::small("keep_last and advance", Instance::new(vec![f32s([1], Draw::Normal)], rings)),
    ]
    .into_iter()
    .map(Work::forward_only)
    .collect()
}
