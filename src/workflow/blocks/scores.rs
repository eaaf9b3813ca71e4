//! Blocks that compute scores, from which losses are formed.

use super::one;
use crate::workflow::block::{Block, Input, Name, block, value};
use crate::workflow::form::{axis, flag, not_negative, positive, single, whole};
use crate::workflow::object::Field;
use crate::{Error, Result, Tape, Var};

fn of() -> Input<Name> {
    value("of", "a value")
}

fn predicted() -> Input<Name> {
    value("predicted", "what is predicted")
}

fn target() -> Input<Name> {
    value("target", "the truth, of the same shape")
}

fn probabilities() -> Input<Name> {
    value("with", "the other probabilities")
}

fn along() -> Field<isize> {
    axis().or("axis", -1, "the axis of the probabilities")
}

fn alike(tape: &Tape, predicted: Var, target: Var) -> Result<()> {
    let (a, b) = (tape.shape(predicted), tape.shape(target));
    if a == b { Ok(()) } else { Err(Error::argument(format!("`predicted` is {a}, and `target` {b}: one shape is expected"))) }
}

pub(super) fn blocks() -> Vec<Block> {
    vec![
        block("square_error", "(predicted - target)^2 of each element", (predicted(), target()), |t, (predicted, target)| {
            alike(t, predicted, target)?;
            let error = t.sub(predicted, target)?;
            one(t.square(error)?)
        }),
        block(
            "huber",
            "Huber's loss of each element: quadratic up to delta, linear beyond",
            (predicted(), target(), positive().or("delta", 1, "the error from which on it is linear")),
            |t, (predicted, target, delta)| {
                alike(t, predicted, target)?;
                one(t.huber(predicted, target, delta as f32)?)
            },
        ),
        block(
            "logistic_loss",
            "-ln of the probability that sigmoid(predicted) gives to a target of 0 or 1, of each element",
            (predicted(), target()),
            |t, (logit, target)| {
                alike(t, logit, target)?;
                // softplus(x) - x y.
                let both = t.softplus(logit)?;
                let said = t.mul(logit, target)?;
                one(t.sub(both, said)?)
            },
        ),
        block(
            "cross_entropy",
            "[..]: -ln of the probability that softmax(predicted) gives to the class of the target",
            (value("predicted", "logits [.., classes]"), value("target", "one-hot, or probabilities [.., classes]")),
            |t, (logits, target)| {
                alike(t, logits, target)?;
                let log = t.log_softmax(logits, -1)?;
                let said = t.mul(log, target)?;
                let sum = t.sum(said, &[-1], false)?;
                one(t.neg(sum)?)
            },
        ),
        block(
            "hinge",
            "max(0, 1 - target predicted) of each element, for targets of -1 and 1",
            (predicted(), target()),
            |t, (predicted, target)| one(t.hinge(predicted, target)?),
        ),
        block("entropy", "the entropy of probabilities along an axis, which vanishes, in nats", (of(), along()), |t, (of, axis)| {
            one(t.entropy(of, axis)?)
        }),
        block(
            "kl_divergence",
            "Kullback and Leibler's divergence of probabilities from others along an axis, which vanishes, in nats",
            (of(), probabilities(), along()),
            |t, (of, with, axis)| one(t.kl_divergence(of, with, axis)?),
        ),
        block(
            "js_divergence",
            "Jensen and Shannon's divergence between probabilities along an axis, which vanishes, in nats",
            (of(), probabilities(), along()),
            |t, (of, with, axis)| one(t.js_divergence(of, with, axis)?),
        ),
        block(
            "difference",
            "differences of neighbours along an axis; the 1-norm of the first is total variation",
            (of(), axis().or("axis", -1, "the axis"), whole(1).or("order", 1, "how many times differences are taken")),
            |t, (of, axis, order)| one(t.difference(of, order, axis)?),
        ),
        block(
            "bimodal",
            "the distance of each element to the nearer of two modes",
            (of(), single().times::<2>().field("modes", "[low, high]")),
            |t, (of, modes)| one(t.bimodal(of, modes)?),
        ),
        block(
            "dispersion",
            "[.., n (n - 1) / 2]: minus the squared distance of every pair of rows",
            (value("of", "[.., n, features]"),),
            |t, (of,)| one(t.dispersion(of)?),
        ),
        block(
            "log_determinant",
            "[..]: minus the log-determinant of a Gram matrix plus psi on its diagonal",
            (value("of", "[.., n, n]"), not_negative().or("psi", 1e-3, "what is added to the diagonal")),
            |t, (of, psi)| one(t.gram_log_determinant(of, psi as f32)?),
        ),
        block(
            "multivariate_kurtosis",
            "[..]: minus Mardia's kurtosis of series",
            (value("series", "[.., regions, time]"), flag().or("scaled", true, "divided by the kurtosis of a normal distribution")),
            |t, (series, scaled)| {
                let precision = t.series_precision(series, 0)?;
                one(t.multivariate_kurtosis(series, precision, scaled)?)
            },
        ),
    ]
}
