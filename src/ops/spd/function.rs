//! Functions of symmetric matrices: f(A) = V f(λ) Vᵀ, with gradients by divided differences, which are finite at repeated eigenvalues.

use super::ruled::Rule;
use super::{Unary, unary_cases};
use crate::ops::case::{Case, Draw, f32s};
use crate::tape::{Tape, Var};
use crate::{Error, Result};

/// A function of a symmetric matrix, by its eigenvalues.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum MatrixFunction {
    /// ln λ.
    Log,
    /// e^λ; it has no use for a floor.
    Exp,
    /// √λ.
    Sqrt,
    /// 1/√λ.
    InverseSqrt,
    /// λᵖ.
    Power(f32),
}

impl MatrixFunction {
    fn name(self) -> &'static str {
        match self {
            Self::Log => "matrix_log",
            Self::Exp => "matrix_exp",
            Self::Sqrt => "matrix_sqrt",
            Self::InverseSqrt => "matrix_inverse_sqrt",
            Self::Power(_) => "matrix_power",
        }
    }

    /// True where the function's error grows with the condition number of the matrix.
    pub(super) fn inverts(self) -> bool {
        match self {
            Self::Log | Self::InverseSqrt => true,
            Self::Exp | Self::Sqrt => false,
            Self::Power(p) => p < 0.0,
        }
    }

    /// f of eigenvalues.
    fn of(self, t: &mut Tape, x: Var) -> Result<Var> {
        match self {
            Self::Log => t.log(x),
            Self::Exp => t.exp(x),
            Self::Sqrt => t.sqrt(x),
            Self::InverseSqrt => {
                let root = t.sqrt(x)?;
                t.reciprocal(root)
            }
            Self::Power(p) => t.powf(x, p),
        }
    }

    /// Γᵢⱼ = (f(g(λᵢ)) − f(g(λⱼ))) / (λᵢ − λⱼ), f′g′ where they are equal; g holds eigenvalues to the floor. By the chain rule of
    /// divided differences that is f[g(λᵢ), g(λⱼ)] · g[λᵢ, λⱼ], each in a form that loses no digits where the two are close.
    pub(super) fn divided_differences(self, t: &mut Tape, values: Var, floor: f32) -> Result<Var> {
        let (b, a) = t.by_columns_and_rows(values)?;
        if self == Self::Exp {
            return exp_differences(t, a, b);
        }
        let (ga, gb) = (t.clamp(a, floor, f32::MAX)?, t.clamp(b, floor, f32::MAX)?);
        let of_function = match self {
            Self::Log => log_differences(t, ga, gb)?,
            Self::Exp | Self::Sqrt => root_differences(t, ga, gb)?.0,
            Self::InverseSqrt => {
                let (differences, product) = root_differences(t, ga, gb)?;
                let over = t.div(differences, product)?;
                t.neg(over)?
            }
            Self::Power(p) => power_differences(t, ga, gb, p)?,
        };
        // g[a, b]: 1 above the floor, 0 below it, in between across it.
        let held = t.scalar(floor)?;
        let above = t.greater_equal(a, held)?;
        let (rise, run) = (t.sub(ga, gb)?, t.sub(a, b)?);
        let one = t.scalar(1.0)?;
        let safe = t.select(run, run, one)?;
        let across = t.div(rise, safe)?;
        let of_floor = t.select(run, across, above)?;
        t.mul(of_function, of_floor)
    }
}

/// atanh(r)/r · 2/(a + b), r = (a − b)/(a + b); the plain quotient where a and b are far apart.
fn log_differences(t: &mut Tape, a: Var, b: Var) -> Result<Var> {
    let (difference, sum) = (t.sub(a, b)?, t.add(a, b)?);
    let ratio = t.div(difference, sum)?;
    let one = t.scalar(1.0)?;
    let near = t.clamp(ratio, -0.5, 0.5)?;
    let safe = t.select(near, near, one)?;
    let series = t.atanh(near)?;
    let series = t.div(series, safe)?;
    let series = t.select(near, series, one)?;
    let series = t.scale(series, 2.0)?;
    let series = t.div(series, sum)?;
    let (la, lb) = (t.log(a)?, t.log(b)?);
    let rise = t.sub(la, lb)?;
    let run = t.select(difference, difference, one)?;
    let plain = t.div(rise, run)?;
    let size = t.abs(ratio)?;
    let half = t.scalar(0.5)?;
    let far = t.greater(size, half)?;
    t.select(far, plain, series)
}

/// e^min · (e^|a − b| − 1)/|a − b|.
fn exp_differences(t: &mut Tape, a: Var, b: Var) -> Result<Var> {
    let low = t.minimum(a, b)?;
    let difference = t.sub(a, b)?;
    let gap = t.abs(difference)?;
    let one = t.scalar(1.0)?;
    let rise = t.expm1(gap)?;
    let safe = t.select(gap, gap, one)?;
    let slope = t.div(rise, safe)?;
    let slope = t.select(gap, slope, one)?;
    let grown = t.exp(low)?;
    t.mul(grown, slope)
}

/// 1/(√a + √b), and √a √b.
fn root_differences(t: &mut Tape, a: Var, b: Var) -> Result<(Var, Var)> {
    let (ra, rb) = (t.sqrt(a)?, t.sqrt(b)?);
    let sum = t.add(ra, rb)?;
    Ok((t.reciprocal(sum)?, t.mul(ra, rb)?))
}

/// mᵖ⁻¹ (e^(p d) − 1)/(e^d − 1), m the larger of the two, d = ln(the smaller / m).
fn power_differences(t: &mut Tape, a: Var, b: Var, p: f32) -> Result<Var> {
    let (high, low) = (t.maximum(a, b)?, t.minimum(a, b)?);
    let (log_high, log_low) = (t.log(high)?, t.log(low)?);
    let d = t.sub(log_low, log_high)?;
    let pd = t.scale(d, p)?;
    let (rise, run) = (t.expm1(pd)?, t.expm1(d)?);
    let one = t.scalar(1.0)?;
    let safe = t.select(run, run, one)?;
    let slope = t.div(rise, safe)?;
    let flat = t.scalar(p)?;
    let slope = t.select(run, slope, flat)?;
    let size = t.scale(log_high, p - 1.0)?;
    let size = t.exp(size)?;
    t.mul(size, slope)
}

/// # Functions of symmetric matrices
impl Tape {
    /// f(A) = V f(max(λ, floor)) Vᵀ of the symmetric part A = V λ Vᵀ of x `[.., n, n]`.
    ///
    /// The floor makes f finite where A is rank-deficient; the gradient there is that of the floor. Gradients follow Daleckiĭ and Kreĭn
    /// (Higham, *Functions of Matrices*, Thm 3.11): they are exact at repeated eigenvalues, where those of the eigenvectors are not.
    ///
    /// # Errors
    /// Where x is not f32 `[.., n, n]`, or the floor is not above 0 ([`MatrixFunction::Exp`] ignores it).
    pub fn matrix_function(&mut self, x: Var, function: MatrixFunction, floor: f32) -> Result<Var> {
        let (values, vectors) = self.eigh(x)?;
        self.function_of(x, (values, vectors), function, floor)
    }

    /// The same, given the eigendecomposition of x.
    pub(crate) fn function_of(&mut self, x: Var, (values, vectors): (Var, Var), function: MatrixFunction, floor: f32) -> Result<Var> {
        let exp = function == MatrixFunction::Exp;
        if !(exp || floor > 0.0 && floor.is_finite()) {
            return Err(Error::op(function.name(), format!("a floor of the eigenvalues above 0 expected, found {floor}")));
        }
        let held = if exp { values } else { self.clamp(values, floor, f32::MAX)? };
        let mapped = function.of(self, held)?;
        let (columns, _) = self.by_columns_and_rows(mapped)?;
        let scaled = self.mul(vectors, columns)?;
        let y = self.matmul_with(scaled, vectors, false, true)?;
        self.ruled(Rule::Function { function, floor }, y, x, &[values, vectors])
    }

    /// ln A of symmetric matrices x `[.., n, n]`, eigenvalues held to `floor`. Errors as [`Tape::matrix_function`].
    pub fn matrix_log(&mut self, x: Var, floor: f32) -> Result<Var> {
        self.matrix_function(x, MatrixFunction::Log, floor)
    }

    /// e^A of symmetric matrices x `[.., n, n]`. Errors as [`Tape::matrix_function`].
    pub fn matrix_exp(&mut self, x: Var) -> Result<Var> {
        self.matrix_function(x, MatrixFunction::Exp, 0.0)
    }

    /// A^½ of symmetric matrices x `[.., n, n]`, eigenvalues held to `floor`. Errors as [`Tape::matrix_function`].
    pub fn matrix_sqrt(&mut self, x: Var, floor: f32) -> Result<Var> {
        self.matrix_function(x, MatrixFunction::Sqrt, floor)
    }

    /// A^−½ of symmetric matrices x `[.., n, n]`, eigenvalues held to `floor`. Errors as [`Tape::matrix_function`].
    pub fn matrix_inverse_sqrt(&mut self, x: Var, floor: f32) -> Result<Var> {
        self.matrix_function(x, MatrixFunction::InverseSqrt, floor)
    }

    /// A^p of symmetric matrices x `[.., n, n]`, eigenvalues held to `floor`. Errors as [`Tape::matrix_function`].
    pub fn matrix_power(&mut self, x: Var, p: f32, floor: f32) -> Result<Var> {
        self.matrix_function(x, MatrixFunction::Power(p), floor)
    }
}

pub(super) fn cases() -> Vec<Case> {
    let functions: [(&str, Unary); 6] = [
        ("matrix_log", |t, a| t.matrix_log(a, 1e-4)),
        ("matrix_exp", Tape::matrix_exp),
        ("matrix_sqrt", |t, a| t.matrix_sqrt(a, 1e-4)),
        ("matrix_inverse_sqrt", |t, a| t.matrix_inverse_sqrt(a, 1e-4)),
        ("matrix_power", |t, a| t.matrix_power(a, -1.5, 1e-4)),
        // About a third of the eigenvalues are below this floor.
        ("matrix_log floor", |t, a| t.matrix_log(a, 0.7)),
    ];
    // 1e-5 is what is promised; the matrices' conditions are about 15, and their gradients lose that once more.
    let mut cases: Vec<Case> = functions.iter().flat_map(|&(name, op)| unary_cases(name, op, 1e-5, 5e-5)).collect();
    // Every eigenvalue is repeated; and rank 2 of 5.
    let repeated = |t: &mut Tape, x: &[Var]| {
        let a = t.diagonal_matrix(x[0])?;
        Ok(vec![t.matrix_log(a, 1e-4)?, t.matrix_exp(a)?, t.matrix_power(a, 0.3, 1e-4)?])
    };
    cases.push(Case::new("matrix functions at repeated eigenvalues", vec![f32s([2, 4], Draw::Uniform(1.0, 1.0))], repeated));
    let deficient = |t: &mut Tape, x: &[Var]| {
        let a = t.matmul_with(x[0], x[0], false, true)?;
        Ok(vec![t.matrix_log(a, 0.1)?, t.matrix_inverse_sqrt(a, 0.1)?])
    };
    for shape in [[3, 5, 2], [1, 40, 20]] {
        cases.push(Case::new("matrix functions of deficient rank", vec![f32s(shape, Draw::Normal)], deficient).within(1e-5, 5e-5));
    }
    cases
}
