//! The pointwise functions, a row each. `a`, `b`, `c` are the operands and `p`, `q` the attributes, in the definition and in WGSL
//! alike; ties, ends and what becomes of NaN are PyTorch's: a NaN operand gives NaN, but comparisons give 0 (`not_equal` gives 1) and
//! `select` takes NaN for what is not 0, as `where` does.

use super::Function;
use crate::tape::{Tape, Var};
use crate::tensor::Real;
use crate::{Error, Result};

/// `Name method(operands; attributes) = "name": definition, "WGSL", |tape, x, y, p, g| cotangents;`
macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $Name:ident $method:ident($($x:ident),+ $(; $($p:ident),+)?) = |$R:ident| $define:expr, $wgsl:literal,
       |$t:ident, $xs:ident, $y:ident, $ps:ident, $g:ident| $reverse:expr;)*) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, Copy)]
            pub struct $Name;

            impl Function for $Name {
                const NAME: &'static str = stringify!($method);
                const ARITY: usize = [$(stringify!($x)),+].len();
                const WGSL: &'static str = $wgsl;
                #[inline(always)]
                fn define<$R: Real>(x: [$R; 3], p: [$R; 2]) -> $R {
                    let [$($x,)+ ..] = x;
                    $(let [$($p,)+ ..] = p;)?
                    let _ = p;
                    $define
                }
                #[allow(unused_variables, reason = "few rules use all they are given")]
                fn reverse($t: &mut Tape, $xs: &[Var], $y: Var, $ps: [f32; 2], $g: Var) -> Result<Vec<Option<Var>>> {
                    Ok($reverse)
                }
            }

            impl Tape {
                $(#[doc = $doc])+
                ///
                /// # Errors
                /// Where operands do not broadcast.
                #[allow(clippy::too_many_arguments, reason = "operands, then attributes")]
                pub fn $method(&mut self, $($x: Var,)+ $($($p: f32),+)?) -> Result<Var> {
                    #[allow(unused_mut, unused_assignments, reason = "most rows have no attributes")]
                    let mut attributes = [0.0; 2];
                    $(for (slot, value) in attributes.iter_mut().zip([$($p),+]) {
                        *slot = value;
                    })?
                    self.map::<$Name>(&[$($x),+], attributes)
                }
            }
        )*

        impl Tape {
            /// Records the row called `name`, as its method does; attributes that it has no use for are ignored.
            ///
            /// # Errors
            /// Where there is no such row, or the operands are too few, too many, or do not broadcast.
            pub fn pointwise(&mut self, name: &str, operands: &[Var], attributes: [f32; 2]) -> Result<Var> {
                match name {
                    $(stringify!($method) => self.row::<$Name>(operands, attributes),)*
                    _ => Err(Error::op(name, "no pointwise function is called so")),
                }
            }
        }

        /// Name, operands and WGSL of every row.
        pub const ROWS: &[(&str, usize, &str)] = &[$(($Name::NAME, $Name::ARITY, $Name::WGSL)),*];
    };
}

functions! {
    /// a + b.
    Add add(a, b) = |R| a + b, "a + b", |t, x, y, p, g| vec![Some(g), Some(g)];
    /// a − b.
    Sub sub(a, b) = |R| a - b, "a - b", |t, x, y, p, g| vec![Some(g), Some(t.neg(g)?)];
    /// a · b.
    Mul mul(a, b) = |R| a * b, "a * b", |t, x, y, p, g| vec![Some(t.mul(g, x[1])?), Some(t.mul(g, x[0])?)];
    /// a / b.
    Div div(a, b) = |R| a / b, "a / b", |t, x, y, p, g| {
        let da = t.div(g, x[1])?;
        let slope = t.mul(da, y)?;
        vec![Some(da), Some(t.neg(slope)?)]
    };
    /// The larger; the gradient is shared at ties.
    Maximum maximum(a, b) = |R| a.larger(b), "larger(a, b)", |t, x, y, p, g| t.shared_gradient(x, g, Tape::less)?;
    /// The smaller; the gradient is shared at ties.
    Minimum minimum(a, b) = |R| a.smaller(b), "smaller(a, b)", |t, x, y, p, g| t.shared_gradient(x, g, Tape::greater)?;
    /// The angle of (b, a) in radians, within ±π: `atan2(a, b)`. Its gradient is 0 at the origin.
    Atan2 atan2(a, b) = |R| a.atan2(b), "atan2_(a, b)", |t, x, y, p, g| {
        let (a, b) = (t.square(x[0])?, t.square(x[1])?);
        let length = t.add(a, b)?;
        let least = t.scalar(f32::MIN_POSITIVE)?;
        let length = t.maximum(length, least)?;
        let slope = t.div(g, length)?;
        let (da, db) = (t.mul(slope, x[1])?, t.mul(slope, x[0])?);
        vec![Some(da), Some(t.neg(db)?)]
    };
    /// a to the power b; a negative base wants a whole exponent.
    Power power(a, b) = |R| a.powf(b), "pow_(a, b)", |t, x, y, p, g| {
        let (one, zero) = (t.scalar(1.0)?, t.scalar(0.0)?);
        let less = t.sub(x[1], one)?;
        let slope = t.power(x[0], less)?;
        let slope = t.mul(slope, x[1])?;
        let flat = t.equal(x[1], zero)?;
        let slope = t.select(flat, zero, slope)?;
        let log = t.log(x[0])?;
        let at_zero = t.equal(x[0], zero)?;
        let log = t.select(at_zero, zero, log)?;
        let rise = t.mul(y, log)?;
        vec![Some(t.mul(g, slope)?), Some(t.mul(g, rise)?)]
    };

    /// −a.
    Neg neg(a) = |R| -a, "-a", |t, x, y, p, g| vec![Some(t.neg(g)?)];
    /// a to the power p, a number.
    Powf powf(a; p) = |R| a.powf(p), "pow_(a, p)", |t, x, y, p, g| {
        if p[0] == 0.0 {
            return Ok(vec![None]);
        }
        let less = t.powf(x[0], p[0] - 1.0)?;
        let slope = t.scale(less, p[0])?;
        vec![Some(t.mul(g, slope)?)]
    };
    /// p · a, p a number.
    Scale scale(a; p) = |R| a * p, "a * p", |t, x, y, p, g| vec![Some(t.scale(g, p[0])?)];
    /// a + p, p a number.
    Offset offset(a; p) = |R| a + p, "a + p", |t, x, y, p, g| vec![Some(g)];
    /// eᵃ.
    Exp exp(a) = |R| a.exp(), "exp(a)", |t, x, y, p, g| vec![Some(t.mul(g, y)?)];
    /// eᵃ − 1, exact near 0.
    Expm1 expm1(a) = |R| a.exp_m1(), "expm1_(a)", |t, x, y, p, g| { let s = t.offset(y, 1.0)?; vec![Some(t.mul(g, s)?)] };
    /// Natural logarithm.
    Log log(a) = |R| a.ln(), "log(a)", |t, x, y, p, g| vec![Some(t.div(g, x[0])?)];
    /// ln(1 + a), exact near 0.
    Log1p log1p(a) = |R| a.ln_1p(), "log1p_(a)", |t, x, y, p, g| { let s = t.offset(x[0], 1.0)?; vec![Some(t.div(g, s)?)] };
    /// a ln a, 0 at 0: the terms of an entropy.
    XLogX x_log_x(a) = |R| if a <= R::zero() { R::zero() } else { a * a.ln() }, "nan_or(a, select(T(0.0), a * log(max(a, T(1e-30))), a > T(0.0)))",
    |t, x, y, p, g| {
        let s = t.clamp(x[0], 1e-30, f32::MAX)?;
        let s = t.log(s)?;
        let s = t.offset(s, 1.0)?;
        vec![Some(t.mul(g, s)?)]
    };
    /// Square root.
    Sqrt sqrt(a) = |R| a.sqrt(), "sqrt(a)", |t, x, y, p, g| { let s = t.scale(y, 2.0)?; vec![Some(t.div(g, s)?)] };
    /// a².
    Square square(a) = |R| a * a, "a * a", |t, x, y, p, g| { let s = t.scale(x[0], 2.0)?; vec![Some(t.mul(g, s)?)] };
    /// 1 / a.
    Reciprocal reciprocal(a) = |R| a.recip(), "T(1.0) / a", |t, x, y, p, g| {
        let s = t.square(y)?;
        let s = t.mul(g, s)?;
        vec![Some(t.neg(s)?)]
    };
    /// |a|; its slope at 0 is 0.
    Abs abs(a) = |R| a.abs(), "abs(a)", |t, x, y, p, g| { let s = t.sign(x[0])?; vec![Some(t.mul(g, s)?)] };
    /// −1, 0 or 1; NaN of NaN, as NumPy's.
    Sign sign(a) = |R| if a > R::zero() { R::one() } else if a < R::zero() { -R::one() } else { a.abs() }, "sign_(a)", |t, x, y, p, g| vec![None];
    /// The largest whole number not above a; its slope is 0.
    Floor floor(a) = |R| a.floor(), "floor(a)", |t, x, y, p, g| vec![None];
    /// Sine.
    Sin sin(a) = |R| a.sin(), "sin_(a)", |t, x, y, p, g| { let s = t.cos(x[0])?; vec![Some(t.mul(g, s)?)] };
    /// Cosine.
    Cos cos(a) = |R| a.cos(), "cos_(a)", |t, x, y, p, g| { let s = t.sin(x[0])?; let s = t.mul(g, s)?; vec![Some(t.neg(s)?)] };
    /// The angle between unit vectors whose squared distance is a, 2 asin(√a / 2), in 0 to π; its slope at both ends is 0.
    AngleOfChord angle_of_chord(a) = |R| R::of(2.0) * (R::of(0.5) * a.larger(R::zero()).sqrt()).smaller(R::one()).asin(), "angle_of_chord_(a)", |t, x, y, p, g| {
        // 1 / √(a (4 − a)).
        let (zero, one) = (t.scalar(0.0)?, t.scalar(1.0)?);
        let rest = t.neg(x[0])?;
        let rest = t.offset(rest, 4.0)?;
        let s = t.mul(x[0], rest)?;
        let end = t.less_equal(s, zero)?;
        let s = t.select(end, one, s)?;
        let s = t.sqrt(s)?;
        let slope = t.div(g, s)?;
        vec![Some(t.select(end, zero, slope)?)]
    };
    /// Hyperbolic tangent.
    Tanh tanh(a) = |R| a.tanh(), "tanh_(a)", |t, x, y, p, g| {
        let s = t.square(y)?;
        let s = t.neg(s)?;
        let s = t.offset(s, 1.0)?;
        vec![Some(t.mul(g, s)?)]
    };
    /// Inverse hyperbolic tangent.
    Atanh atanh(a) = |R| a.atanh(), "atanh_(a)", |t, x, y, p, g| {
        let s = t.square(x[0])?;
        let s = t.neg(s)?;
        let s = t.offset(s, 1.0)?;
        vec![Some(t.div(g, s)?)]
    };
    /// 1 / (1 + e⁻ᵃ).
    Sigmoid sigmoid(a) = |R| { let e = (-a.abs()).exp(); if a >= R::zero() { R::one() / (R::one() + e) } else { e / (R::one() + e) } }, "sigmoid_(a)",
    |t, x, y, p, g| {
        let s = t.neg(y)?;
        let s = t.offset(s, 1.0)?;
        let s = t.mul(s, y)?;
        vec![Some(t.mul(g, s)?)]
    };
    /// ln(1 + eᵃ).
    Softplus softplus(a) = |R| a.larger(R::zero()) + (-a.abs()).exp().ln_1p(), "softplus_(a)", |t, x, y, p, g| { let s = t.sigmoid(x[0])?; vec![Some(t.mul(g, s)?)] };
    /// The error function.
    Erf erf(a) = |R| a.erf(), "erf_(a)", |t, x, y, p, g| {
        let s = t.square(x[0])?;
        let s = t.neg(s)?;
        let s = t.exp(s)?;
        let s = t.scale(s, std::f32::consts::FRAC_2_SQRT_PI)?;
        vec![Some(t.mul(g, s)?)]
    };
    /// a Φ(a), Φ the normal distribution function, by erf.
    Gelu gelu(a) = |R| R::of(0.5) * a * (R::one() + (a * R::FRAC_1_SQRT_2()).erf()), "T(0.5) * a * (T(1.0) + erf_(a * T(0.70710678)))", |t, x, y, p, g| {
        let z = t.scale(x[0], std::f32::consts::FRAC_1_SQRT_2)?;
        let e = t.erf(z)?;
        let e = t.offset(e, 1.0)?;
        let cdf = t.scale(e, 0.5)?;
        let q = t.square(z)?;
        let q = t.neg(q)?;
        let q = t.exp(q)?;
        let pdf = t.scale(q, 0.398_942_3)?;
        let s = t.mul(x[0], pdf)?;
        let s = t.add(s, cdf)?;
        vec![Some(t.mul(g, s)?)]
    };
    /// max(a, 0); its slope at 0 is 0.
    Relu relu(a) = |R| if a <= R::zero() { R::zero() } else { a }, "nan_or(a, max(a, T(0.0)))", |t, x, y, p, g| {
        let zero = t.scalar(0.0)?;
        let off = t.less_equal(x[0], zero)?;
        vec![Some(t.select(off, zero, g)?)]
    };
    /// a where a > 0, else p · a.
    LeakyRelu leaky_relu(a; p) = |R| if a > R::zero() { a } else { p * a }, "select(p * a, a, a > T(0.0))", |t, x, y, p, g| {
        let zero = t.scalar(0.0)?;
        let on = t.greater(x[0], zero)?;
        let off = t.scale(g, p[0])?;
        vec![Some(t.select(on, g, off)?)]
    };
    /// a where a > 0, else p (eᵃ − 1).
    Elu elu(a; p) = |R| if a > R::zero() { a } else { p * a.exp_m1() }, "select(p * expm1_(a), a, a > T(0.0))", |t, x, y, p, g| {
        let zero = t.scalar(0.0)?;
        let on = t.greater(x[0], zero)?;
        let slope = t.offset(y, p[0])?;
        let off = t.mul(g, slope)?;
        vec![Some(t.select(on, g, off)?)]
    };
    /// a within [p, q]; the slope at both ends is 1.
    Clamp clamp(a; p, q) = |R| a.larger(p).smaller(q), "nan_or(a, min(max(a, p), q))", |t, x, y, p, g| {
        let (low, high, zero) = (t.scalar(p[0])?, t.scalar(p[1])?, t.scalar(0.0)?);
        let above = t.greater_equal(x[0], low)?;
        let below = t.less_equal(x[0], high)?;
        let within = t.mul(above, below)?;
        vec![Some(t.select(within, g, zero)?)]
    };

    /// 1 where a > b, else 0.
    Greater greater(a, b) = |R| indicator(a > b), "unless_nan(a, b, select(T(0.0), T(1.0), a > b), T(0.0))", |t, x, y, p, g| vec![None, None];
    /// 1 where a ≥ b, else 0.
    GreaterEqual greater_equal(a, b) = |R| indicator(a >= b), "unless_nan(a, b, select(T(0.0), T(1.0), a >= b), T(0.0))", |t, x, y, p, g| vec![None, None];
    /// 1 where a < b, else 0.
    Less less(a, b) = |R| indicator(a < b), "unless_nan(a, b, select(T(0.0), T(1.0), a < b), T(0.0))", |t, x, y, p, g| vec![None, None];
    /// 1 where a ≤ b, else 0.
    LessEqual less_equal(a, b) = |R| indicator(a <= b), "unless_nan(a, b, select(T(0.0), T(1.0), a <= b), T(0.0))", |t, x, y, p, g| vec![None, None];
    /// 1 where a = b, else 0.
    Equal equal(a, b) = |R| indicator(a == b), "unless_nan(a, b, select(T(0.0), T(1.0), a == b), T(0.0))", |t, x, y, p, g| vec![None, None];
    /// 1 where a ≠ b, else 0.
    NotEqual not_equal(a, b) = |R| indicator(a != b), "unless_nan(a, b, select(T(0.0), T(1.0), a != b), T(1.0))", |t, x, y, p, g| vec![None, None];
    /// b where a ≠ 0, else c: NumPy's and PyTorch's `where`.
    Select select(a, b, c) = |R| if a != R::zero() { b } else { c }, "chosen(a, b, c)", |t, x, y, p, g| {
        let zero = t.scalar(0.0)?;
        vec![None, Some(t.select(x[0], g, zero)?), Some(t.select(x[0], zero, g)?)]
    };
    /// The same numbers as f32, from i32, u32 or f16.
    Cast cast(a) = |R| a, "a", |t, x, y, p, g| vec![Some(g)];
}

fn indicator<R: Real>(holds: bool) -> R {
    if holds { R::one() } else { R::zero() }
}

impl Tape {
    /// The gradient goes to the operand that does not lose, half to each at ties; where either is NaN neither loses, and both get it.
    fn shared_gradient(&mut self, x: &[Var], g: Var, loses: fn(&mut Self, Var, Var) -> Result<Var>) -> Result<Vec<Option<Var>>> {
        let (tie, half, zero) = (self.equal(x[0], x[1])?, self.scale(g, 0.5)?, self.scalar(0.0)?);
        let share = self.select(tie, half, g)?;
        let (first, second) = (loses(self, x[0], x[1])?, loses(self, x[1], x[0])?);
        Ok(vec![Some(self.select(first, zero, share)?), Some(self.select(second, zero, share)?)])
    }
}
