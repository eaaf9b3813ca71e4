//! Blocks for arithmetic, changes of shape, and parts of networks.

use super::one;
use crate::workflow::block::{Block, Input, Name, block, maybe, value, values};
use crate::workflow::form::{axis, flag, positive, single, whole, words};
use crate::{Result, Tape, Var};

fn of() -> Input<Name> {
    value("of", "a value")
}

fn with() -> Input<Name> {
    value("with", "another, of a shape that broadcasts")
}

/// Pointwise functions, by the names of their tape methods.
const FUNCTIONS: [&str; 12] = ["relu", "tanh", "sigmoid", "softplus", "gelu", "exp", "log", "abs", "square", "sqrt", "neg", "atanh"];

type Reduce = fn(&mut Tape, Var, &[isize]) -> Result<Var>;

/// The effect of a reduction on a constant that is added along the last axis.
#[derive(Debug, Clone, Copy, PartialEq)]
enum OfMeans {
    /// Over other axes it gives a constant that is added along the last axis.
    Kept,
    /// Over the last axis it gives the same with and without.
    Gone,
    Other,
}

const REDUCTIONS: [(&str, (Reduce, OfMeans)); 6] = [
    ("mean", (|t, x, axes| t.mean(x, axes, false), OfMeans::Kept)),
    ("sum", (|t, x, axes| t.sum(x, axes, false), OfMeans::Kept)),
    ("max", (|t, x, axes| t.max(x, axes, false), OfMeans::Other)),
    ("min", (|t, x, axes| t.min(x, axes, false), OfMeans::Other)),
    ("variance", (|t, x, axes| t.variance(x, axes, 0, false), OfMeans::Gone)),
    ("norm", (|t, x, axes| t.l2_norm(x, axes, false), OfMeans::Other)),
];

fn reduced(t: &mut Tape, x: Var, (reduce, of_means): (Reduce, OfMeans), axes: &[isize]) -> Result<Var> {
    let last = t.shape(x).rank() as isize - 1;
    let is_last = |axis: &isize| *axis == -1 || *axis == last;
    match of_means {
        OfMeans::Kept if !axes.is_empty() && !axes.iter().any(is_last) => t.through_means(x, |t, x| reduce(t, x, axes)),
        OfMeans::Gone if !axes.is_empty() && axes.iter().all(is_last) => reduce(t, t.less_means(x), axes),
        _ => reduce(t, x, axes),
    }
}

/// Σ w x / Σ w over axes. A sum of weights of 0 is replaced by 1, so that the mean is 0 there, and its gradient finite.
fn weighted_mean(t: &mut Tape, x: Var, weights: Var, axes: &[isize]) -> Result<Var> {
    let shape = t.shape(x);
    let weights = t.broadcast_to(weights, shape)?;
    let weighted = t.mul(x, weights)?;
    let (sum, total) = (t.sum(weighted, axes, false)?, t.sum(weights, axes, false)?);
    let zero = t.scalar(0.0)?;
    let none = t.equal(total, zero)?;
    let total = t.add(total, none)?;
    t.div(sum, total)
}

type Two = fn(&mut Tape, Var, Var) -> Result<Var>;

/// True where x is constant along the last axis of y.
fn is_constant_along(t: &Tape, x: Var, y: Var) -> bool {
    t.shape(x).last().copied().unwrap_or(1) == 1 && t.shape(y).last().is_some_and(|&time| time > 1)
}

/// The sum or the difference. An operand that is constant along the last axis changes means alone.
fn sum_of(t: &mut Tape, a: Var, b: Var, op: Two) -> Result<Var> {
    let made = op(t, a, b)?;
    let (less_a, less_b) = (t.less_means(a), t.less_means(b));
    if (less_a, less_b) == (a, b) {
        return Ok(made);
    }
    let twin = if is_constant_along(t, b, made) {
        (t.shape(less_a) == t.shape(made)).then_some(less_a)
    } else if is_constant_along(t, a, made) {
        None
    } else {
        Some(op(t, less_a, less_b)?)
    };
    twin.into_iter().for_each(|twin| t.differs_by_means(made, twin));
    Ok(made)
}

/// The product or the quotient. A factor that is constant along the last axis scales means as it scales the rest.
fn product_of(t: &mut Tape, a: Var, b: Var, op: Two) -> Result<Var> {
    if is_constant_along(t, b, a) { t.through_means(a, |t, a| op(t, a, b)) } else { op(t, a, b) }
}

fn concatenated(t: &mut Tape, values: &[Var], axis: isize) -> Result<Var> {
    let made = t.concatenate(values, axis)?;
    let less: Vec<Var> = values.iter().map(|&x| t.less_means(x)).collect();
    if less != values && axis != -1 && axis != t.shape(made).rank() as isize - 1 {
        let twin = t.concatenate(&less, axis)?;
        t.differs_by_means(made, twin);
    }
    Ok(made)
}

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "function",
            "a function of each element",
            (of(), words(FUNCTIONS.map(|name| (name, name))).field("apply", "which function")),
            |t, (of, name)| one(t.pointwise(name, &[of], [0.0; 2])?),
        ),
        block("add", "the sum", (of(), with()), |t, (of, with)| one(sum_of(t, of, with, Tape::add)?)),
        block("subtract", "the difference", (of(), with()), |t, (of, with)| one(sum_of(t, of, with, Tape::sub)?)),
        block("multiply", "the product of elements", (of(), with()), |t, (of, with)| one(product_of(t, of, with, Tape::mul)?)),
        block("divide", "the quotient", (of(), with()), |t, (of, with)| one(product_of(t, of, with, Tape::div)?)),
        block(
            "scale",
            "by x + plus",
            (of(), single().or("by", 1, "a factor"), single().or("plus", 0, "a summand")),
            |t, (of, by, plus)| {
                let scaled = t.through_means(of, |t, of| t.scale(of, by))?;
                one(t.through_means(scaled, |t, scaled| t.offset(scaled, plus))?)
            },
        ),
        block(
            "matmul",
            "the matrix product over the last two axes",
            (
                of(),
                with(),
                flag().or("transpose_of", false, "whether the first is transposed"),
                flag().or("transpose_with", false, "whether the second is transposed"),
            ),
            |t, (of, with, transpose_of, transpose_with)| match transpose_with {
                true => one(t.matmul_with(of, with, transpose_of, true)?),
                false => one(t.through_means(with, |t, with| t.matmul_with(of, with, transpose_of, false))?),
            },
        ),
        block(
            "linear",
            "[subjects, out], or [subjects] where out is 1: x as one row a subject, times weights, plus bias",
            (value("of", "[subjects, ..]"), value("weights", "[features, out]"), maybe("bias", "[out]")),
            |t, (of, weights, bias)| {
                let shape = t.shape(of);
                let rows = shape.first().copied().unwrap_or(1);
                let flat = t.reshape(of, [rows, shape.elements() / rows.max(1)])?;
                let mut made = t.matmul(flat, weights)?;
                if let Some(bias) = bias {
                    made = t.add(made, bias)?;
                }
                one(if t.shape(made)[1] == 1 { t.reshape(made, [rows])? } else { made })
            },
        ),
        block(
            "softmax",
            "probabilities along an axis",
            (of(), axis().or("axis", -1, "the axis whose elements sum to 1"), positive().or("temperature", 1, "what x is divided by")),
            |t, (of, axis, temperature)| {
                let scaled = t.scale(of, 1.0 / temperature as f32)?;
                one(t.softmax(scaled, axis)?)
            },
        ),
        block(
            "reduce",
            "a reduction over axes, which vanish",
            (
                of(),
                words(REDUCTIONS).or("by", "mean", "which reduction; variance with ddof 0"),
                axis().list(0).or("axes", Vec::<i64>::new(), "the axes; all where there are none"),
            ),
            |t, (of, by, axes)| one(reduced(t, of, by, &axes)?),
        ),
        block(
            "weighted_mean",
            "a mean over axes, which vanish, with weights: the sum of weights times elements by the sum of weights; 0 where that is 0",
            (
                of(),
                value("weights", "weights not below 0, of a shape that broadcasts to that of the value"),
                axis().list(0).or("axes", Vec::<i64>::new(), "the axes; all where there are none"),
            ),
            |t, (of, weights, axes)| one(weighted_mean(t, of, weights, &axes)?),
        ),
        block(
            "concatenate",
            "values one after the other along an axis",
            (values("values", "their names"), axis().or("axis", -1, "the axis")),
            |t, (values, axis)| one(concatenated(t, &values, axis)?),
        ),
        block(
            "slice",
            "some elements along an axis",
            (
                of(),
                axis().or("axis", -1, "the axis"),
                whole(0).or("from", 0, "the first element"),
                whole(1).field("to", "the one after the last"),
            ),
            |t, (of, axis, from, to)| one(t.through_means(of, |t, of| t.slice(of, axis, from, to, 1))?),
        ),
        block("detach", "the value, through which no gradient passes", (of(),), |t, (of,)| one(t.through_means(of, Tape::detach)?)),
    ]
}
