//! Scores that losses are made of.

use super::one;
use crate::workflow::block::{Argument, Block, Kind, axis, flag, number, required, value, whole};
use crate::{Error, Result, Tape, Var};

const OF: Argument = value("of", "a value");
const PREDICTED: Argument = value("predicted", "what the workflow says");
const TARGET: Argument = value("target", "what is so, of the same shape");

fn alike(tape: &Tape, a: Var, b: Var) -> Result<()> {
    let (a, b) = (tape.shape(a), tape.shape(b));
    if a == b { Ok(()) } else { Err(Error::argument(format!("`predicted` is {a}, and `target` {b}: one shape is expected"))) }
}

pub(super) const BLOCKS: &[Block] = &[
    Block {
        name: "square_error",
        what: "(predicted - target)^2 of each element",
        arguments: &[PREDICTED, TARGET],
        build: |t, a| {
            let (predicted, target) = (a.value("predicted")?, a.value("target")?);
            alike(t, predicted, target)?;
            let error = t.sub(predicted, target)?;
            one(t.square(error)?)
        },
    },
    Block {
        name: "logistic_loss",
        what: "-ln of the probability sigmoid(predicted) gives to a target of 0 or 1",
        arguments: &[PREDICTED, TARGET],
        build: |t, a| {
            let (logit, target) = (a.value("predicted")?, a.value("target")?);
            alike(t, logit, target)?;
            // softplus(x) - x y.
            let both = t.softplus(logit)?;
            let said = t.mul(logit, target)?;
            one(t.sub(both, said)?)
        },
    },
    Block {
        name: "cross_entropy",
        what: "[..]: -ln of the probability that softmax(predicted) gives to the target's class",
        arguments: &[value("predicted", "logits [.., classes]"), value("target", "one-hot, or probabilities [.., classes]")],
        build: |t, a| {
            let (logits, target) = (a.value("predicted")?, a.value("target")?);
            alike(t, logits, target)?;
            let log = t.log_softmax(logits, -1)?;
            let said = t.mul(log, target)?;
            let sum = t.sum(said, &[-1], false)?;
            one(t.neg(sum)?)
        },
    },
    Block {
        name: "hinge",
        what: "max(0, 1 - y predicted) for targets y of -1 and 1",
        arguments: &[PREDICTED, TARGET],
        build: |t, a| one(t.hinge(a.value("predicted")?, a.value("target")?)?),
    },
    Block {
        name: "entropy",
        what: "of probabilities along an axis",
        arguments: &[OF, axis("that holds the probabilities")],
        build: |t, a| one(t.entropy(a.value("of")?, a.axis())?),
    },
    Block {
        name: "kl_divergence",
        what: "of probabilities from others along an axis",
        arguments: &[OF, value("with", "the other probabilities"), axis("that holds the probabilities")],
        build: |t, a| one(t.kl_divergence(a.value("of")?, a.value("with")?, a.axis())?),
    },
    Block {
        name: "js_divergence",
        what: "between probabilities along an axis",
        arguments: &[OF, value("with", "the other probabilities"), axis("that holds the probabilities")],
        build: |t, a| one(t.js_divergence(a.value("of")?, a.value("with")?, a.axis())?),
    },
    Block {
        name: "difference",
        what: "of neighbours along an axis, some times over: its 1-norm is total variation",
        arguments: &[OF, axis("along which"), whole("order", 1, "how many times")],
        build: |t, a| one(t.difference(a.value("of")?, a.whole("order"), a.axis())?),
    },
    Block {
        name: "bimodal",
        what: "the distance of each element to the nearer of two modes",
        arguments: &[OF, required("modes", Kind::Pair, "[low, high]")],
        build: |t, a| one(t.bimodal(a.value("of")?, a.pair("modes").map(|x| x as f32))?),
    },
    Block {
        name: "dispersion",
        what: "minus the squared distances between all rows",
        arguments: &[value("of", "[rows, features]")],
        build: |t, a| one(t.dispersion(a.value("of")?)?),
    },
    Block {
        name: "log_determinant",
        what: "[..]: minus the log-determinant of a Gram matrix plus psi on its diagonal",
        arguments: &[value("of", "[.., n, n]"), number("psi", 1e-3, "added to the diagonal")],
        build: |t, a| one(t.gram_log_determinant(a.value("of")?, a.single("psi"))?),
    },
    Block {
        name: "multivariate_kurtosis",
        what: "[..]: minus Mardia's kurtosis of series",
        arguments: &[value("series", "[.., regions, time]"), flag("scaled", true, "divided by what a normal law has")],
        build: |t, a| {
            let series = a.value("series")?;
            let precision = t.series_precision(series, 0)?;
            one(t.multivariate_kurtosis(series, precision, a.flag("scaled"))?)
        },
    },
];
