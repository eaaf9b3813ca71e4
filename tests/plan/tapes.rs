//! Random tapes whose values stay within [-1, 1] and depend continuously on what goes in, so that results in single precision can be
//! compared with double precision.

use proptest::prelude::*;
use tapetum::optim::{Adam, Schedule, Sgd, clip_by_global_norm};
use tapetum::{DType, HostTensor, Init, Result, Shape, Tape, TensorType, Var};

/// One move of the generator: what is recorded, and three choices for it.
pub type Move = [usize; 4];

pub fn recipe(longest: usize) -> impl Strategy<Value = Vec<Move>> {
    let choices = || (0..10_000usize, 0..10_000usize, 0..10_000usize);
    let any = (0..20usize, choices());
    // Chains of several sizes that meet again and again: what fusion can tie into a knot.
    let knots = (prop::sample::select(vec![0, 3, 3, 4, 7, 7]), choices());
    let moves = move |kind: BoxedStrategy<(usize, (usize, usize, usize))>| prop::collection::vec(kind, 1..longest);
    let moves = prop_oneof![3 => moves(any.boxed()), 1 => moves(knots.boxed())];
    moves.prop_map(|moves| moves.into_iter().map(|(code, (a, b, c))| [code, a, b, c]).collect())
}

/// A tape, the outputs to compile, and the values of its inputs.
#[derive(Debug)]
pub struct Case {
    pub tape: Tape,
    pub outputs: Vec<Var>,
    pub inputs: Vec<(Var, HostTensor)>,
}

/// The largest number of elements of a value; an op with a larger result is not recorded.
const LARGEST: usize = 120;

struct Generator {
    tape: Tape,
    pool: Vec<Var>,
    states: Vec<Var>,
    mask: Var,
    rows: Var,
    outputs: Vec<Var>,
}

pub fn case(recipe: &[Move]) -> Case {
    let mut tape = Tape::new();
    let wave = |shape: Shape, phase: f64| {
        let values = (0..shape.elements()).map(|i| ((i as f64 + phase) * 1.7).sin() as f32).collect();
        HostTensor::f32(shape, values).unwrap()
    };
    let mut inputs = Vec::new();
    let mut pool = Vec::new();
    for (i, shape) in [Shape::from([3, 4]), [4].into(), [4, 3].into(), [2, 3, 4].into(), [1, 8].into()].into_iter().enumerate() {
        let var = tape.input(&format!("x{i}"), TensorType::f32(shape)).unwrap();
        inputs.push((var, wave(shape, i as f64)));
        pool.push(var);
    }
    let mask = tape.input("mask", TensorType::i32([3, 4])).unwrap();
    inputs.push((mask, HostTensor::i32([3, 4], (0..12).map(|i| i % 2).collect()).unwrap()));
    let rows = tape.input("rows", TensorType::i32([4])).unwrap();
    inputs.push((rows, HostTensor::i32([4], vec![2, 0, 1, 2]).unwrap()));
    pool.push(tape.constant(wave([3, 1].into(), 9.0)).unwrap());
    let mut states = Vec::new();
    for (i, shape) in [Shape::from([3, 4]), [3, 4].into(), [4].into(), [].into()].into_iter().enumerate() {
        let init = Init::Value(wave(shape, 20.0 + i as f64));
        states.push(tape.parameter(&format!("s{i}"), shape, init).unwrap());
    }
    pool.extend(&states);
    let mut generator = Generator { tape, pool, states, mask, rows, outputs: Vec::new() };
    for m in recipe {
        generator.play(*m).unwrap();
    }
    // Enough ends that most of what was recorded is needed.
    let ends = generator.pool.len() - 6;
    generator.outputs.extend(&generator.pool[ends..]);
    Case { tape: generator.tape, outputs: generator.outputs, inputs }
}

impl Generator {
    /// A value recorded so far: every other choice is a recent one, so that chains grow.
    fn pick(&self, choice: usize) -> Var {
        let n = self.pool.len();
        let back = if choice.is_multiple_of(2) { (choice / 2) % n.min(4) } else { (choice / 2) % n };
        self.pool[n - 1 - back]
    }

    /// The first value from `choice` on that `fits`.
    fn find(&self, choice: usize, fits: impl Fn(&Tape, Var) -> bool) -> Option<Var> {
        let n = self.pool.len();
        (0..n).map(|i| self.pool[(choice + i) % n]).find(|&v| fits(&self.tape, v))
    }

    fn shape(&self, var: Var) -> Shape {
        self.tape.shape(var)
    }

    /// Records one move; nothing where its operands do not suit.
    fn play(&mut self, [code, a, b, c]: Move) -> Result<()> {
        let x = self.pick(a);
        let made = match code % 20 {
            0..=2 => Some(self.unary(x, b)?),
            3..=5 => self.binary(x, b, c)?,
            6 => self.choose(x, b)?,
            7 => Some(self.reduce(x, b, c)?),
            8 => self.along(x, b, c)?,
            9 => self.product(x, b, c)?,
            10 => self.turned(x, b)?,
            11 => self.part(x, b, c)?,
            12 => self.joined(x, b, c)?,
            13 => Some(self.reshaped(x, b)?),
            14 => Some(self.tape.detach(x)?),
            15 => Some(self.recomputed(x)?),
            16 => self.filled(x, b)?,
            17 => self.assigned(b, c)?,
            18 => self.trained(x, b, c)?,
            _ => {
                self.outputs.push(x);
                None
            }
        };
        self.pool.extend(made.filter(|v| self.tape.ty(*v).dtype == DType::F32));
        Ok(())
    }

    fn unary(&mut self, x: Var, which: usize) -> Result<Var> {
        let t = &mut self.tape;
        match which % 6 {
            0 => t.tanh(x),
            1 => t.sigmoid(x),
            2 => t.sin(x),
            3 => t.abs(x),
            4 => t.neg(x),
            _ => t.square(x),
        }
    }

    fn binary(&mut self, x: Var, with: usize, which: usize) -> Result<Option<Var>> {
        let shape = self.shape(x);
        let fits = |t: &Tape, v: Var| shape.broadcast(&t.shape(v)).is_some_and(|s| s.elements() <= LARGEST);
        let Some(y) = self.find(with, fits) else { return Ok(None) };
        let t = &mut self.tape;
        match which % 4 {
            0 => t.mul(x, y),
            1 => t.maximum(x, y),
            2 => t.sub(x, y).and_then(|d| t.scale(d, 0.5)),
            _ => t.add(y, x).and_then(|s| t.scale(s, 0.5)),
        }
        .map(Some)
    }

    /// By an integer mask, which a chain converts.
    fn choose(&mut self, x: Var, with: usize) -> Result<Option<Var>> {
        let shape = self.shape(self.mask);
        let fits = |t: &Tape, v: Var| t.shape(v).broadcast(&shape) == Some(shape);
        let Some(y) = self.find(with, fits) else { return Ok(None) };
        if self.shape(x).broadcast(&shape) != Some(shape) {
            return Ok(None);
        }
        self.tape.select(self.mask, x, y).map(Some)
    }

    fn reduce(&mut self, x: Var, which: usize, axis: usize) -> Result<Var> {
        let rank = self.shape(x).rank();
        let axes: Vec<isize> = if rank == 0 || axis.is_multiple_of(3) { vec![] } else { vec![(axis % rank) as isize] };
        let keep = which.is_multiple_of(2);
        if which.is_multiple_of(3) { self.tape.max(x, &axes, keep) } else { self.tape.mean(x, &axes, keep) }
    }

    fn along(&mut self, x: Var, which: usize, axis: usize) -> Result<Option<Var>> {
        let rank = self.shape(x).rank();
        if rank == 0 {
            return Ok(None);
        }
        let axis = (axis % rank) as isize;
        match which % 3 {
            0 => self.tape.softmax(x, axis),
            1 => self.tape.log_softmax(x, axis).and_then(|y| self.tape.scale(y, 0.1)),
            _ => self.tape.gather_rows(x, self.rows),
        }
        .map(Some)
    }

    fn product(&mut self, x: Var, with: usize, flags: usize) -> Result<Option<Var>> {
        let (ta, tb) = (flags.is_multiple_of(2), flags.is_multiple_of(3));
        let shape = self.shape(x);
        if shape.rank() != 2 {
            return Ok(None);
        }
        let inner = if ta { shape[0] } else { shape[1] };
        let fits = |t: &Tape, v: Var| t.shape(v).rank() == 2 && (if tb { t.shape(v)[1] } else { t.shape(v)[0] }) == inner;
        let Some(y) = self.find(with, fits) else { return Ok(None) };
        let z = self.tape.matmul_with(x, y, ta, tb)?;
        self.tape.scale(z, 1.0 / inner as f32).map(Some)
    }

    fn turned(&mut self, x: Var, by: usize) -> Result<Option<Var>> {
        let rank = self.shape(x).rank();
        if rank < 2 {
            return Ok(None);
        }
        let axes: Vec<usize> = (0..rank).map(|i| (i + 1 + by % (rank - 1)) % rank).collect();
        self.tape.transpose(x, &axes).map(Some)
    }

    fn part(&mut self, x: Var, axis: usize, range: usize) -> Result<Option<Var>> {
        let shape = self.shape(x);
        let Some(axis) = (shape.rank() > 0).then(|| axis % shape.rank()) else { return Ok(None) };
        let start = range % shape[axis];
        self.tape.slice(x, axis as isize, start, shape[axis], 1 + range % 2).map(Some)
    }

    fn joined(&mut self, x: Var, with: usize, axis: usize) -> Result<Option<Var>> {
        let shape = self.shape(x);
        if shape.rank() == 0 || 2 * shape.elements() > LARGEST {
            return Ok(None);
        }
        let y = self.find(with, |t, v| t.shape(v) == shape).unwrap_or(x);
        self.tape.concatenate(&[x, y], (axis % shape.rank()) as isize).map(Some)
    }

    fn reshaped(&mut self, x: Var, which: usize) -> Result<Var> {
        let n = self.shape(x).elements();
        match which % 3 {
            0 => self.tape.reshape(x, [n]),
            1 => self.tape.reshape(x, [1, n]),
            _ if n.is_multiple_of(4) => self.tape.reshape(x, [n / 4, 4]),
            _ => self.tape.reshape(x, [n, 1]),
        }
    }

    fn recomputed(&mut self, x: Var) -> Result<Var> {
        self.tape.checkpoint(|t| {
            let y = t.tanh(x)?;
            let z = t.mul(x, y)?;
            t.sin(z)
        })
    }

    /// A fill that stands in memory, or one that is written into a chain.
    fn filled(&mut self, x: Var, which: usize) -> Result<Option<Var>> {
        let shape = self.shape(x);
        let half = self.tape.full(shape, 0.5)?;
        if which.is_multiple_of(2) {
            return self.tape.mul(x, half).map(Some);
        }
        if shape.rank() == 0 {
            return Ok(Some(half));
        }
        self.tape.concatenate(&[half], 0).map(Some)
    }

    /// Assigns a state any value of its type: where that is another state, states are swapped or rotated.
    fn assigned(&mut self, state: usize, value: usize) -> Result<Option<Var>> {
        let state = self.states[state % self.states.len()];
        let ty = self.tape.ty(state);
        if let Some(value) = self.find(value, |t, v| t.ty(v) == ty) {
            self.tape.assign(state, value)?;
        }
        Ok(None)
    }

    /// A loss of `x`, its gradient, clipped, and an update of one or two states in place; a ring of the loss.
    fn trained(&mut self, x: Var, state: usize, how: usize) -> Result<Option<Var>> {
        let t = &mut self.tape;
        let n = self.states.len();
        let mut parameters = vec![self.states[state % n]];
        if how.is_multiple_of(2) && !(state + 1).is_multiple_of(n) {
            parameters.push(self.states[(state + 1) % n]);
        }
        let square = t.square(x)?;
        let loss = t.mean(square, &[], false)?;
        // A value that depends on an update has no gradient through it.
        let Ok(gradients) = t.gradient(loss, &parameters) else { return Ok(None) };
        let (gradients, norm) = clip_by_global_norm(t, &gradients, 0.5)?;
        let pairs: Vec<_> = parameters.into_iter().zip(gradients).collect();
        match how % 3 {
            0 => Sgd { rate: 0.1.into(), momentum: 0.9, decay: 0.01, nesterov: how.is_multiple_of(5) }.apply(t, &pairs)?,
            // The ε is far above rounding, so that a gradient that is zero apart from rounding does not become a step.
            1 => Adam { epsilon: 0.1, ..Adam::new(Schedule::Cosine { start: 0.1, end: 0.0, steps: 5 }) }.apply(t, &pairs)?,
            _ => Adam { epsilon: 0.1, ..Adam::decoupled(0.05) }.apply(t, &pairs)?,
        }
        if how.is_multiple_of(7) {
            t.keep_last("ring", loss, 3)?;
        }
        // The value that an update computes can be used like any other.
        let updated = t.assignments().iter().find(|(s, _)| *s == pairs[0].0).map(|(_, v)| *v);
        self.pool.extend(updated);
        Ok(Some(norm))
    }
}
