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

const REDUCTIONS: [(&str, Reduce); 6] = [
    ("mean", |t, x, axes| t.mean(x, axes, false)),
    ("sum", |t, x, axes| t.sum(x, axes, false)),
    ("max", |t, x, axes| t.max(x, axes, false)),
    ("min", |t, x, axes| t.min(x, axes, false)),
    ("variance", |t, x, axes| t.variance(x, axes, 0, false)),
    ("norm", |t, x, axes| t.l2_norm(x, axes, false)),
];

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block(
            "function",
            "a function of each element",
            (of(), words(FUNCTIONS.map(|name| (name, name))).field("apply", "which function")),
            |t, (of, name)| one(t.pointwise(name, &[of], [0.0; 2])?),
        ),
        block("add", "the sum", (of(), with()), |t, (of, with)| one(t.add(of, with)?)),
        block("subtract", "the difference", (of(), with()), |t, (of, with)| one(t.sub(of, with)?)),
        block("multiply", "the product of elements", (of(), with()), |t, (of, with)| one(t.mul(of, with)?)),
        block("divide", "the quotient", (of(), with()), |t, (of, with)| one(t.div(of, with)?)),
        block(
            "scale",
            "by x + plus",
            (of(), single().or("by", 1, "a factor"), single().or("plus", 0, "a summand")),
            |t, (of, by, plus)| {
                let scaled = t.scale(of, by)?;
                one(t.offset(scaled, plus)?)
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
            |t, (of, with, transpose_of, transpose_with)| one(t.matmul_with(of, with, transpose_of, transpose_with)?),
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
            |t, (of, by, axes)| one(by(t, of, &axes)?),
        ),
        block(
            "concatenate",
            "values one after the other along an axis",
            (values("values", "their names"), axis().or("axis", -1, "the axis")),
            |t, (values, axis)| one(t.concatenate(&values, axis)?),
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
            |t, (of, axis, from, to)| one(t.slice(of, axis, from, to, 1)?),
        ),
        block("detach", "the value, through which no gradient passes", (of(),), |t, (of,)| one(t.detach(of)?)),
    ]
}
