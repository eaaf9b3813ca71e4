//! Arithmetic, shapes, and networks in small.

use super::one;
use crate::workflow::block::{Argument, Block, Default, Kind, axes, axis, choice, flag, maybe, number, required, value};

const OF: Argument = value("of", "a value");
const WITH: Argument = value("with", "another, of a shape that broadcasts");

const FUNCTIONS: &[&str] = &["relu", "tanh", "sigmoid", "softplus", "gelu", "exp", "log", "abs", "square", "sqrt", "neg", "atanh"];

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "function",
        what: "of each element",
        arguments: &[OF, required("apply", Kind::Choice(FUNCTIONS), "which")],
        build: |t, a| one(t.pointwise(a.text("apply"), &[a.value("of")?], [0.0; 2])?),
    },
    Block { name: "add", what: "the sum", arguments: &[OF, WITH], build: |t, a| one(t.add(a.value("of")?, a.value("with")?)?) },
    Block { name: "subtract", what: "the difference", arguments: &[OF, WITH], build: |t, a| one(t.sub(a.value("of")?, a.value("with")?)?) },
    Block {
        name: "multiply",
        what: "the product of elements",
        arguments: &[OF, WITH],
        build: |t, a| one(t.mul(a.value("of")?, a.value("with")?)?),
    },
    Block { name: "divide", what: "the quotient", arguments: &[OF, WITH], build: |t, a| one(t.div(a.value("of")?, a.value("with")?)?) },
    Block {
        name: "scale",
        what: "by x + plus",
        arguments: &[OF, number("by", 1.0, "a factor"), number("plus", 0.0, "a summand")],
        build: |t, a| {
            let scaled = t.scale(a.value("of")?, a.single("by"))?;
            one(t.offset(scaled, a.single("plus"))?)
        },
    },
    Block {
        name: "matmul",
        what: "the matrix product over the last two axes",
        arguments: &[OF, WITH, flag("transpose_of", false, "the first turned"), flag("transpose_with", false, "the second turned")],
        build: |t, a| {
            let (x, y) = (a.value("of")?, a.value("with")?);
            one(t.matmul_with(x, y, a.flag("transpose_of"), a.flag("transpose_with"))?)
        },
    },
    Block {
        name: "linear",
        what: "[subjects, out], or [subjects] where out is 1: x flat, times weights, plus bias",
        arguments: &[value("of", "[subjects, ..]"), value("weights", "[features, out]"), maybe("bias", "[out]")],
        build: |t, a| {
            let x = a.value("of")?;
            let shape = t.shape(x);
            let rows = shape.first().copied().unwrap_or(1);
            let flat = t.reshape(x, [rows, shape.elements() / rows.max(1)])?;
            let mut made = t.matmul(flat, a.value("weights")?)?;
            if let Some(bias) = a.find("bias") {
                made = t.add(made, bias)?;
            }
            one(if t.shape(made)[1] == 1 { t.reshape(made, [rows])? } else { made })
        },
    },
    Block {
        name: "softmax",
        what: "probabilities along an axis",
        arguments: &[OF, axis("whose elements sum to 1"), number("temperature", 1.0, "above 0")],
        build: |t, a| {
            let scaled = t.scale(a.value("of")?, 1.0 / a.single("temperature"))?;
            one(t.softmax(scaled, a.axis())?)
        },
    },
    Block {
        name: "reduce",
        what: "over axes, which vanish",
        arguments: &[
            OF,
            choice("by", &["mean", "sum", "max", "min", "variance", "norm"], "mean", "how; variance with ddof 0"),
            axes("all where they are not given"),
        ],
        build: |t, a| {
            let (x, axes) = (a.value("of")?, a.axes());
            one(match a.text("by") {
                "sum" => t.sum(x, axes, false)?,
                "max" => t.max(x, axes, false)?,
                "min" => t.min(x, axes, false)?,
                "variance" => t.variance(x, axes, 0, false)?,
                "norm" => t.l2_norm(x, axes, false)?,
                _ => t.mean(x, axes, false)?,
            })
        },
    },
    Block {
        name: "concatenate",
        what: "values one after the other along an axis",
        arguments: &[required("values", Kind::Values, "their names"), axis("along which")],
        build: |t, a| one(t.concatenate(a.values("values")?, a.axis())?),
    },
    Block {
        name: "slice",
        what: "some elements along an axis",
        arguments: &[
            OF,
            axis("along which"),
            Argument::new("from", Kind::Whole(0), Default::Number(0.0), "the first"),
            required("to", Kind::Whole(1), "the one after the last"),
        ],
        build: |t, a| one(t.slice(a.value("of")?, a.axis(), a.whole("from"), a.whole("to"), 1)?),
    },
    Block {
        name: "detach",
        what: "the value, through which no gradient passes",
        arguments: &[OF],
        build: |t, a| one(t.detach(a.value("of")?)?),
    },
];
