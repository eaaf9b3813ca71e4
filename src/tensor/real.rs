//! The two precisions a definition is written for.

use super::HostTensor;
use super::host::Data;
use super::pool::{Pool, Shelf};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::sync::Arc;

/// f32 or f64: what an op's definition ([`Op::evaluate`](crate::tape::Op::evaluate)) is generic over.
pub trait Real:
    num_traits::Float
    + num_traits::NumAssign
    + num_traits::FloatConst
    + ndarray::ScalarOperand
    + Sum
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// The nearest value of this precision.
    fn of(value: f64) -> Self;
    /// The value in double precision.
    fn double(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// The larger of two numbers, NaN where either is: `max` of the standard library would leave a NaN out.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self > other || self.is_nan() { self } else { other }
    }
    /// The smaller of two numbers, NaN where either is.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self < other || self.is_nan() { self } else { other }
    }
    /// eˣ of an x that is not above 0; what would be no normal number is 0. In f32 within two units in the last place, for many at once.
    fn exp_not_above_one(self) -> Self;
    /// The elements of `tensor`, row-major, where it is of this precision.
    fn slice(tensor: &HostTensor) -> Option<&[Self]>;
    /// Elements as the data of a tensor.
    #[doc(hidden)]
    fn data(elements: Vec<Self>) -> Data;
    /// The shelf on which `pool` keeps buffers of this precision.
    #[doc(hidden)]
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self>;
    /// The Fourier transforms of n reals, there and back, neither scaled.
    #[doc(hidden)]
    fn fourier(n: usize) -> Fourier<Self>;
}

/// The transforms of reals to the first half of their spectrum, and back.
#[doc(hidden)]
pub(crate) type Fourier<R> = (Arc<dyn RealToComplex<R>>, Arc<dyn ComplexToReal<R>>);

thread_local! {
    // Planners keep what they made: a step plans nothing that the last one did.
    static SINGLE: RefCell<RealFftPlanner<f32>> = RefCell::new(RealFftPlanner::new());
    static DOUBLE: RefCell<RealFftPlanner<f64>> = RefCell::new(RealFftPlanner::new());
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
    fn erf(self) -> Self {
        libm::erff(self)
    }
    #[inline(always)]
    fn exp_not_above_one(self) -> Self {
        // x = n ln 2 + r, |r| ≤ ½ ln 2. Added to 1.5 · 2²³, a number loses its fraction, and its whole part stands in the last bits.
        const WHOLE: f32 = 12_582_912.0;
        // ln 2 as a part of few digits, whose products with n are exact, and the rest.
        const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
        let shifted = self * std::f32::consts::LOG2_E + WHOLE;
        let n = shifted - WHOLE;
        let r = self - n * LN_2[0] - n * LN_2[1];
        let terms = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
        let series = terms.into_iter().fold(1.0 / 5040.0, |sum, term| sum * r + term);
        let power_of_two = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
        // −87.33…: the logarithm of the smallest normal number.
        if self < -87.336_54 { 0.0 } else { series * power_of_two }
    }
    fn slice(tensor: &HostTensor) -> Option<&[Self]> {
        match tensor.data() {
            Data::F32(v) => Some(v),
            _ => None,
        }
    }
    fn data(elements: Vec<Self>) -> Data {
        Data::F32(Arc::new(elements))
    }
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        pool.single()
    }
    fn fourier(n: usize) -> Fourier<Self> {
        SINGLE.with_borrow_mut(|planner| (planner.plan_fft_forward(n), planner.plan_fft_inverse(n)))
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn double(self) -> f64 {
        self
    }
    fn erf(self) -> Self {
        libm::erf(self)
    }
    fn exp_not_above_one(self) -> Self {
        if self < -708.396_418_532_264 { 0.0 } else { self.exp() }
    }
    fn slice(tensor: &HostTensor) -> Option<&[Self]> {
        match tensor.data() {
            Data::F64(v) => Some(v),
            _ => None,
        }
    }
    fn data(elements: Vec<Self>) -> Data {
        Data::F64(Arc::new(elements))
    }
    fn shelf(pool: &mut Pool) -> &mut Shelf<Self> {
        pool.double()
    }
    fn fourier(n: usize) -> Fourier<Self> {
        DOUBLE.with_borrow_mut(|planner| (planner.plan_fft_forward(n), planner.plan_fft_inverse(n)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_hand_nan_on() {
        for (a, b, larger, smaller) in
            [(1.0, 2.0, 2.0, 1.0), (2.0, 1.0, 2.0, 1.0), (f64::NEG_INFINITY, f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY)]
        {
            assert_eq!((a.larger(b), a.smaller(b)), (larger, smaller));
        }
        for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::NAN, f32::INFINITY), (f32::NEG_INFINITY, f32::NAN)] {
            assert!(a.larger(b).is_nan() && a.smaller(b).is_nan());
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        for i in 0..=880_000 {
            let x = -(i as f32) * 1e-4;
            let (found, exact) = (x.exp_not_above_one(), f64::from(x).exp());
            if exact < f64::from(f32::MIN_POSITIVE) * 1.001 {
                assert!(f64::from(found) <= exact * 1.001, "{x}: {found}");
            } else {
                assert!((f64::from(found) - exact).abs() <= 2.0 * exact * f64::from(f32::EPSILON), "{x}: {found}, not {exact}");
            }
        }
        assert_eq!(0f32.exp_not_above_one(), 1.0);
        assert_eq!(f32::NEG_INFINITY.exp_not_above_one(), 0.0);
        assert!(f32::NAN.exp_not_above_one().is_nan());
    }
}
