//! The cases that check the pointwise ops, every row alone, over shapes that broadcast and shapes that do not, and where it is defined;
//! and the works that time them.

use crate::Result;
use crate::ops::case::{Case, Draw, f32s};
use crate::ops::work::{Instance, Work};
use crate::tape::{Tape, Var};
use crate::tensor::{DType, TensorType};

type Unary = fn(&mut Tape, Var) -> Result<Var>;
type Binary = fn(&mut Tape, Var, Var) -> Result<Var>;

const ANY: Draw = Draw::Uniform(-3.0, 3.0);
const POSITIVE: Draw = Draw::Uniform(0.2, 3.0);
const WITHIN: Draw = Draw::Uniform(-0.95, 0.95);

pub(in crate::ops) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, op, draw, tolerance) in unary() {
        for n in [1, 7, 65, 260] {
            let operands = vec![f32s([n], draw)];
            cases.push(Case::new(name, operands, move |t, x| Ok(vec![op(t, x[0])?])).within(tolerance, 2.0 * tolerance));
        }
    }
    for (name, op, draw) in binary() {
        let shapes: [(&[usize], &[usize]); 5] =
            [(&[1], &[1]), (&[7, 9], &[7, 9]), (&[7, 1, 5], &[3, 1]), (&[65, 8], &[65, 1]), (&[3, 8], &[8])];
        for (a, b) in shapes {
            let (Some(a), Some(b)) = (crate::Shape::try_new(a), crate::Shape::try_new(b)) else { continue };
            cases.push(Case::new(name, vec![f32s(a, draw), f32s(b, draw)], move |t, x| Ok(vec![op(t, x[0], x[1])?])));
        }
    }
    for (name, op) in comparisons() {
        // Whole numbers, −0 among them, so that ties occur.
        let operands = vec![f32s([7, 12], Draw::Whole(2)), f32s([12], Draw::Whole(2))];
        cases.push(Case::new(name, operands, move |t, x| Ok(vec![op(t, x[0], x[1])?])).within(0.0, 0.0).forward_only());
    }
    let operands = vec![f32s([7, 1], Draw::Whole(1)), f32s([7, 9], ANY), f32s([9], ANY)];
    cases.push(Case::new("select", operands, |t, x| Ok(vec![t.select(x[0], x[1], x[2])?])).within(0.0, 1e-6));
    for dtype in [DType::I32, DType::U32, DType::F16] {
        for n in [7, 64] {
            let operands = vec![(TensorType::new(dtype, [n]), ANY)];
            let case = Case::new("cast", operands, |t, x| Ok(vec![t.cast(x[0])?])).within(0.0, 0.0).forward_only();
            cases.push(case);
        }
    }
    cases.push(Case::new("chain", vec![f32s([5, 12], ANY), f32s([12], ANY)], chain));
    cases
}

/// A chain long enough to be cut, read twice, and differentiated.
fn chain(t: &mut Tape, x: &[Var]) -> Result<Vec<Var>> {
    let a = t.tanh(x[0])?;
    let b = t.mul(a, x[1])?;
    let c = t.sigmoid(b)?;
    let d = t.add(c, a)?;
    let e = t.square(d)?;
    let f = t.softplus(e)?;
    let flat = t.reshape(f, [60])?;
    let g = t.gelu(flat)?;
    let h = t.scale(g, 0.5)?;
    let h = t.reshape(h, [5, 12])?;
    let i = t.sub(h, c)?;
    let j = t.exp(i)?;
    Ok(vec![j, d])
}

fn unary() -> Vec<(&'static str, Unary, Draw, f64)> {
    vec![
        ("neg", Tape::neg, ANY, 0.0),
        ("powf", |t, x| t.powf(x, 2.5), POSITIVE, 1e-5),
        ("powf whole", |t, x| t.powf(x, 3.0), ANY, 1e-5),
        ("scale", |t, x| t.scale(x, -1.7), ANY, 1e-6),
        ("offset", |t, x| t.offset(x, 0.3), ANY, 1e-6),
        ("exp", Tape::exp, ANY, 2e-6),
        ("expm1", Tape::expm1, ANY, 2e-6),
        ("log", Tape::log, POSITIVE, 2e-6),
        ("log1p", Tape::log1p, WITHIN, 2e-6),
        ("x_log_x", Tape::x_log_x, POSITIVE, 2e-6),
        ("sqrt", Tape::sqrt, POSITIVE, 2e-6),
        ("square", Tape::square, ANY, 1e-6),
        ("reciprocal", Tape::reciprocal, POSITIVE, 2e-6),
        ("abs", Tape::abs, ANY, 1e-6),
        ("sin", Tape::sin, ANY, 3e-7),
        ("sin far", Tape::sin, Draw::Uniform(-500.0, 500.0), 3e-7),
        ("cos", Tape::cos, ANY, 3e-7),
        ("cos far", Tape::cos, Draw::Uniform(-500.0, 500.0), 3e-7),
        ("angle_of_chord", Tape::angle_of_chord, Draw::Uniform(0.0, 3.9), 1e-6),
        ("tanh", Tape::tanh, ANY, 1e-6),
        ("tanh far", Tape::tanh, Draw::Uniform(-90.0, 90.0), 1e-6),
        ("atanh", Tape::atanh, WITHIN, 2e-6),
        ("sigmoid", Tape::sigmoid, ANY, 1e-6),
        ("softplus", Tape::softplus, Draw::Uniform(-20.0, 20.0), 1e-6),
        ("erf", Tape::erf, ANY, 1e-6),
        ("gelu", Tape::gelu, ANY, 1e-6),
        ("relu", Tape::relu, ANY, 1e-6),
        ("leaky_relu", |t, x| t.leaky_relu(x, 0.01), ANY, 1e-6),
        ("elu", |t, x| t.elu(x, 1.3), ANY, 2e-6),
        ("clamp", |t, x| t.clamp(x, -1.0, 0.5), ANY, 1e-6),
    ]
}

fn binary() -> Vec<(&'static str, Binary, Draw)> {
    vec![
        ("add", Tape::add, ANY),
        ("sub", Tape::sub, ANY),
        ("mul", Tape::mul, ANY),
        ("div", Tape::div, POSITIVE),
        ("maximum", Tape::maximum, ANY),
        ("minimum", Tape::minimum, ANY),
        ("power", Tape::power, POSITIVE),
        ("atan2", Tape::atan2, ANY),
    ]
}

fn comparisons() -> Vec<(&'static str, Binary)> {
    vec![
        ("greater", Tape::greater),
        ("greater_equal", Tape::greater_equal),
        ("less", Tape::less),
        ("less_equal", Tape::less_equal),
        ("equal", Tape::equal),
        ("not_equal", Tape::not_equal),
        ("sign", |t, a, _| t.sign(a)),
        ("floor", |t, a, b| {
            let half = t.scale(b, 0.5)?;
            let sum = t.add(a, half)?;
            t.floor(sum)
        }),
    ]
}

/// A chain as long as one kernel takes, of cheap functions.
fn eight(t: &mut Tape, x: Var) -> Result<Var> {
    let mut y = x;
    for _ in 0..4 {
        y = t.scale(y, 0.5)?;
        y = t.offset(y, 0.25)?;
    }
    Ok(y)
}

pub(in crate::ops) fn works() -> Vec<Work> {
    let sizes = [[32, 32], [1024, 1024], [4096, 4096]];
    let unary = |name, op: fn(&mut Tape, Var) -> Result<Var>| {
        Work::new(name, sizes.map(|s| Instance::new(vec![f32s(s, ANY)], move |t, x| Ok(vec![op(t, x[0])?]))))
    };
    let binary = |name, op: Binary, other: fn([usize; 2]) -> crate::Shape| {
        Work::new(name, sizes.map(|s| Instance::new(vec![f32s(s, ANY), f32s(other(s), ANY)], move |t, x| Ok(vec![op(t, x[0], x[1])?]))))
    };
    vec![
        binary("mul", Tape::mul, |s| s.into()),
        binary("mul by a row", Tape::mul, |s| [s[1]].into()),
        binary("mul by a column", Tape::mul, |s| [s[0], 1].into()),
        unary("tanh", Tape::tanh),
        unary("gelu", Tape::gelu),
        unary("chain of eight", eight),
    ]
}
