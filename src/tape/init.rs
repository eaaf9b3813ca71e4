//! The ways in which a state begins.

use crate::tensor::Philox;
use crate::tensor::{DType, HostTensor, TensorType};
use crate::{Error, Result};

/// The value of a state before the first step. Draws are Philox4x32-10 of (seed, stream, step 0, element): the same
/// bits on every device.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All zero; the only one for integers beside `Value`.
    Zeros,
    /// One value throughout.
    Full(f32),
    /// Uniform on `[low, high)`.
    Uniform {
        /// Lower bound.
        low: f32,
        /// Upper bound.
        high: f32,
        /// The run's seed.
        seed: u64,
        /// Distinguishes the draws of one seed.
        stream: u32,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f32,
        /// Standard deviation.
        std: f32,
        /// The run's seed.
        seed: u64,
        /// Distinguishes the draws of one seed.
        stream: u32,
    },
    /// This value.
    Value(HostTensor),
}

impl Init {
    /// Uniform within ±√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010).
    pub fn glorot(fan_in: usize, fan_out: usize, seed: u64, stream: u32) -> Self {
        let bound = (6.0 / (fan_in + fan_out).max(1) as f32).sqrt();
        Self::Uniform { low: -bound, high: bound, seed, stream }
    }

    /// Normal of standard deviation √(2 / fan_in) (He et al. 2015).
    pub fn he(fan_in: usize, seed: u64, stream: u32) -> Self {
        Self::Normal { mean: 0.0, std: (2.0 / fan_in.max(1) as f32).sqrt(), seed, stream }
    }

    pub(super) fn check(&self, name: &str, ty: TensorType) -> Result<()> {
        match self {
            Self::Zeros => Ok(()),
            Self::Value(v) if v.ty() == ty && !v.is_f64() => Ok(()),
            Self::Value(v) => Err(Error::tensor(name, format!("is {ty}, and its first value is {}", v.ty()))),
            _ if ty.dtype == DType::F32 => Ok(()),
            _ => Err(Error::tensor(name, format!("is {ty}: it begins as zeros or a given value"))),
        }
    }

    /// The value for a state of type `ty`.
    pub fn value(&self, ty: TensorType) -> Result<HostTensor> {
        match self {
            Self::Zeros => Ok(HostTensor::zeros(ty)),
            Self::Full(value) => Ok(HostTensor::full(ty.shape, *value)),
            Self::Value(value) => Ok(value.clone()),
            Self::Uniform { low, high, seed, stream } => {
                let draws = Philox::new(*seed, *stream, 0);
                HostTensor::f32(ty.shape, (0..ty.shape.elements()).map(|i| low + (high - low) * draws.uniform(i)).collect())
            }
            Self::Normal { mean, std, seed, stream } => {
                let draws = Philox::new(*seed, *stream, 0);
                HostTensor::f32(ty.shape, (0..ty.shape.elements()).map(|i| mean + std * draws.normal(i) as f32).collect())
            }
        }
    }
}
