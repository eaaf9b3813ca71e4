//! Numbers that follow the step: weights of losses, learning rates.

use super::form::{Form, number, single, whole};
use super::object::{Object, object};
use crate::optim::Schedule;

/// A number that may depend on the step. The number of steps is given elsewhere in the file.
#[derive(Debug, Clone)]
pub(super) struct Course {
    kind: Kind,
    warm_up: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Constant(f32),
    Linear([f32; 2]),
    Cosine([f32; 2]),
    Step { start: f32, factor: f32, every: u32 },
}

impl Course {
    /// The schedule over a training of `steps` steps.
    pub(super) fn over(&self, steps: u32) -> Schedule {
        let then = match self.kind {
            Kind::Constant(value) => Schedule::Constant(value),
            Kind::Linear([start, end]) => Schedule::Linear { start, end, steps },
            Kind::Cosine([start, end]) => Schedule::Cosine { start, end, steps },
            Kind::Step { start, factor, every } => Schedule::Step { start, factor, every },
        };
        match self.warm_up {
            Some(steps) => Schedule::WarmUp { steps: steps as u32, then: Box::new(then) },
            None => then,
        }
    }
}

/// A number, or an object of the kind of course and, beside it, `warm_up`.
pub(super) fn course() -> Form<Course> {
    let always = |x| Course { kind: Kind::Constant(x), warm_up: None };
    let step = number().times::<3>().checked("[start, factor, every], every a whole number of at least 1", |[_, _, every]| {
        every.fract() == 0.0 && *every >= 1.0 && *every <= f64::from(u32::MAX)
    });
    let step = step.map(|[start, factor, every]| Kind::Step { start: start as f32, factor: factor as f32, every: every as u32 });
    Form::either(vec![
        single().map(always),
        kind("constant", single().map(Kind::Constant), "the value").form(),
        kind("linear", single().times().map(Kind::Linear), "[first, last] along a line").form(),
        kind("cosine", single().times().map(Kind::Cosine), "[first, last] along half a cosine").form(),
        kind("step", step, "[start, factor, every]: start, times factor every so many steps").form(),
    ])
}

fn kind(key: &'static str, form: Form<Kind>, what: &str) -> Object<Course> {
    let warm_up = whole(1).maybe("warm_up", "steps from nothing to the full value");
    object("", (form.field(key, what), warm_up), |(kind, warm_up)| Ok(Course { kind, warm_up }))
}
