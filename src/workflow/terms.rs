//! Losses: each term is a value, a reduction of it to a number, and a weight.

use super::block::Name;
use super::form::{Form, Placed, axis, name, positive, single, text, words, yes};
use super::object::object;
use super::schedule::{Course, course};
use crate::connectome::loss::{GradientPath, Reduction, Scalarise};
use crate::training::LOSS;

/// A term of the loss.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) name: String,
    /// The value that is reduced to a number.
    pub(super) score: Name,
    pub(super) weight: Course,
    pub(super) reduce: Scalarise,
}

/// A term of the loss.
pub(super) fn term() -> Form<Placed<Term>> {
    let parts = (
        name()
            .checked("another name, since the sum of all terms is called `loss`,", |name| name != LOSS)
            .field("name", "the name of the term"),
        text().refers("value").placed().field("score", "the value that is reduced to a number"),
        course().or("weight", 1, "what it is multiplied by"),
        scalarise().or("reduce", "mean", "how it is reduced to a number: over all axes, or over some after the other"),
    );
    object("", parts, |(name, score, weight, reduce)| Ok(Term { name, score, weight, reduce })).form().placed()
}

/// A reduction and the axes that it is over; an empty list means all axes.
type Step = (Reduction, Vec<isize>);

/// Reductions without a setting.
const PLAIN: [(&str, Reduction); 5] = [
    ("mean", Reduction::Mean),
    ("sum", Reduction::Sum),
    ("mean_square", Reduction::MeanSquare),
    ("max", Reduction::Max),
    ("min", Reduction::Min),
];

/// A word, the reduction that it means with a number, and the meaning of the number.
type NumberRow = (&'static str, fn(f32) -> Reduction, &'static str);

/// Reductions with a number.
const BY_NUMBER: [NumberRow; 3] = [
    ("norm", Reduction::Norm, "the p of the p-norm, at least 1"),
    ("soft_maximum", |temperature| Reduction::SoftMaximum { temperature, path: GradientPath::Both }, "the temperature"),
    ("soft_minimum", |temperature| Reduction::SoftMinimum { temperature, path: GradientPath::Both }, "the temperature"),
];

/// One reduction, or several in order.
fn scalarise() -> Form<Scalarise> {
    let several = Form::either(steps()).list(1);
    let mut forms: Vec<Form<Vec<Step>>> = steps().into_iter().map(|step| step.map(|step| vec![step])).collect();
    forms.push(several);
    Form::either(forms).map(|steps| {
        let mut steps = steps.into_iter();
        // The form has at least one.
        let (first, axes) = steps.next().unwrap_or((Reduction::Mean, Vec::new()));
        steps.fold(Scalarise::over(first, &axes), |made, (reduction, axes)| made.then(reduction, &axes))
    })
}

fn steps() -> Vec<Form<Step>> {
    let axes = || axis().list(0).or("axes", Vec::<i64>::new(), "the axes; all where there are none");
    let mut forms = vec![words(PLAIN).map(|reduction| (reduction, Vec::new()))];
    forms.extend(PLAIN.map(|(key, reduction)| object("", (yes().field(key, ""), axes()), move |((), axes)| Ok((reduction, axes))).form()));
    forms.extend(BY_NUMBER.map(|(key, make, what)| {
        let number = if key == "norm" { single() } else { positive().map(|x| x as f32) };
        object("", (number.field(key, what), axes()), move |(number, axes)| Ok((make(number), axes))).form()
    }));
    forms
}
