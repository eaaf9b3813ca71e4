//! A step in parts: the gradients of each part of a batch, and the update by their mean.

use super::{Descent, LOSS, ring_of};
use crate::tape::{Origin, Tape, Var};
use crate::tensor::TensorType;
use crate::{Error, Result};

/// A training step that is computed part by part, as [`Descent::divide`] records it.
///
/// The tape of a part gives its loss, terms and gradients as one vector; the update takes the mean of these vectors over all parts.
#[derive(Debug)]
pub struct Divided {
    /// Loss, terms and gradients of a part, one after the other.
    pub(super) packed: Var,
    /// The packed values, by the names that an error calls them by.
    pub(super) results: Vec<(String, Var)>,
    /// Clipping, the optimiser, and the buffers that keep the losses.
    pub(super) update: Tape,
    /// The mean of what is packed, an input of the update.
    pub(super) mean: Var,
}

impl Descent {
    /// Records a training step that is computed in parts: on `tape` the gradient of `loss` of one part, and on a tape of its own what
    /// [`record`](Self::record) records besides. The loss of the step is the mean of the parts' losses, and its gradient the mean of their
    /// gradients. [`Training::divided`](super::Training::divided) runs it.
    ///
    /// # Errors
    /// Returns an error in the cases of [`record`](Self::record), where the tape assigns a state, whose value would depend on the order of
    /// the parts, and where something is drawn by the number of the step alone, so that all parts would draw the same (see
    /// [`Tape::draw_by_part`]).
    pub fn divide(&self, tape: &mut Tape, (loss, terms): (Var, &[(String, Var)]), parameters: &[Var], steps: u32) -> Result<Divided> {
        let gradients = tape.gradient(loss, parameters)?;
        if let Some((state, _)) = tape.assignments().first() {
            let what =
                "is changed by the step, and a step in parts would change it once for each part: leave it as it is, or take one part";
            return Err(Error::tensor(tape.describe(*state), what));
        }
        refuse_equal_draws(tape)?;
        let mut results = vec![(LOSS.to_owned(), loss)];
        results.extend(terms.iter().map(|(name, term)| (ring_of(name), *term)));
        results.extend(parameters.iter().zip(&gradients).map(|(of, gradient)| (format!("{}.gradient", tape.describe(*of)), *gradient)));
        let mut flat = Vec::with_capacity(results.len());
        for (_, var) in &results {
            flat.push(tape.reshape(*var, [tape.shape(*var).elements()])?);
        }
        let packed = tape.concatenate(&flat, 0)?;

        let mut update = Tape::new();
        let mean = update.input("mean", TensorType::f32(tape.shape(packed)))?;
        let mut unpack = Unpack { mean, at: 0 };
        let loss = unpack.next(&mut update, 1)?;
        let mut kept = Vec::with_capacity(terms.len());
        for (name, _) in terms {
            kept.push((name.clone(), unpack.next(&mut update, 1)?));
        }
        let mut pairs = Vec::with_capacity(parameters.len());
        for &parameter in parameters {
            let (ty, Origin::State(name, init)) = (tape.ty(parameter), &tape.node_of(parameter).origin) else {
                return Err(Error::argument(format!("`{}` is no state, and cannot be optimised", tape.describe(parameter))));
            };
            let gradient = unpack.next(&mut update, ty.shape.elements())?;
            pairs.push((update.state(name, ty, init.clone())?, update.reshape(gradient, ty.shape)?));
        }
        self.descend(&mut update, pairs)?;
        super::keep(&mut update, (loss, &kept), steps)?;
        Ok(Divided { packed, results, update, mean })
    }
}

/// Takes a packed vector apart.
struct Unpack {
    mean: Var,
    at: usize,
}

impl Unpack {
    fn next(&mut self, tape: &mut Tape, n: usize) -> Result<Var> {
        let from = self.at;
        self.at += n;
        tape.slice(self.mean, 0, from, self.at, 1)
    }
}

/// Refuses random draws that know nothing of the part.
fn refuse_equal_draws(tape: &Tape) -> Result<()> {
    let Some(step) = tape.lookup("step") else { return Ok(()) };
    for node in tape.nodes() {
        if let Origin::Op(op) = &node.origin
            && op.draw_counter().and_then(|at| node.inputs.get(at)) == Some(&step)
        {
            let what =
                "draws by the number of the step alone, and every part of a batch would draw the same: call `Tape::draw_by_part` first";
            return Err(Error::op(op.key().name, what));
        }
    }
    Ok(())
}
