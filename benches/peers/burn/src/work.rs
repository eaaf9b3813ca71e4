//! The works in burn: operands on the device, results that stay there until somebody reads them.

use burn::backend::Autodiff;
use burn::backend::wgpu::WgpuDevice;
use burn::prelude::*;
use burn::tensor::activation::softmax;
use burn::tensor::backend::AutodiffBackend;
use std::error::Error;

/// f32, differentiable.
pub type Backend = Autodiff<burn::backend::Vulkan<f32, i32>>;

type Inner<B> = <B as AutodiffBackend>::InnerBackend;
type Failure = Box<dyn Error>;

/// The numbers that every side computes with: operand `operand`, reproducible noise in −½..½, exact in f32.
pub fn numbers(n: usize, operand: u32) -> Vec<f32> {
    let number = |i: u32| {
        let mut h = i.wrapping_mul(0x9E37_79B9).wrapping_add(operand.wrapping_mul(0x85EB_CA6B));
        h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
        h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
        ((h ^ (h >> 16)) >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..n as u32).map(number).collect()
}

/// Results on the device.
pub struct Made(Vec<Box<dyn FnOnce() -> Result<Vec<f32>, Failure>>>);

impl Made {
    fn with<B: burn::tensor::backend::Backend, const D: usize>(mut self, tensor: Tensor<B, D>) -> Self {
        self.0.push(Box::new(move || tensor.into_data().into_vec::<f32>().map_err(|e| format!("{e:?}").into())));
        self
    }

    /// Read back.
    pub fn values(self) -> Result<Vec<Vec<f32>>, Failure> {
        self.0.into_iter().map(|read| read()).collect()
    }
}

/// A work by name, its operands on the device.
pub struct Job {
    run: Box<dyn Fn() -> Made>,
    sync: Box<dyn Fn() -> Result<(), Failure>>,
}

impl Job {
    /// The work `KIND AxBxC`.
    pub fn new<B: AutodiffBackend<Device = WgpuDevice>>(name: &str, device: &WgpuDevice) -> Result<Self, Failure> {
        let (kind, shape) = name.rsplit_once(' ').ok_or_else(|| format!("`KIND AxBxC` expected, found `{name}`"))?;
        let extents: Vec<usize> = shape.split('x').map(str::parse).collect::<Result<_, _>>()?;
        let [p, q, r] = extents[..] else { return Err(format!("three extents expected, found `{shape}`").into()) };
        let matrix = |shape: [usize; 2], operand| operand_of::<Inner<B>, 2>(shape, operand, device);
        let series = || operand_of::<Inner<B>, 3>([p, q, r], 0, device);
        let run: Box<dyn Fn() -> Made> = match kind {
            "product" => {
                let (a, b) = (matrix([p, q], 0), matrix([q, r], 1));
                Box::new(move || Made(vec![]).with(a.clone().matmul(b.clone())))
            }
            "correlation" => {
                let x = series();
                Box::new(move || Made(vec![]).with(correlation(x.clone())))
            }
            "correlation gradient" => {
                let x = series();
                Box::new(move || gradient::<B, 3, 3>(x.clone(), correlation))
            }
            "parcellation" => {
                let (logits, x) = (matrix([q, p], 0), matrix([p, r], 1));
                Box::new(move || Made(vec![]).with(parcellation(logits.clone(), x.clone())))
            }
            "parcellation gradient" => {
                let (logits, x) = (matrix([q, p], 0), matrix([p, r], 1));
                Box::new(move || gradient::<B, 2, 2>(logits.clone(), |logits| parcellation(logits, Tensor::from_inner(x.clone()))))
            }
            _ => return Err(format!("no work `{kind}`").into()),
        };
        let device = device.clone();
        let sync = Box::new(move || B::sync(&device).map_err(|e| format!("{e:?}").into()));
        Ok(Self { run, sync })
    }

    /// Runs once, until the device is done. The results live until then: burn may leave out what nobody holds.
    pub fn run(&self) -> Result<Made, Failure> {
        let made = (self.run)();
        (self.sync)()?;
        Ok(made)
    }
}

fn operand_of<B: burn::tensor::backend::Backend, const D: usize>(shape: [usize; D], operand: u32, device: &B::Device) -> Tensor<B, D> {
    let n = shape.iter().product();
    Tensor::from_data(TensorData::new(numbers(n, operand), shape), device)
}

/// Pearson correlation of the rows of `[subjects, regions, time]`.
fn correlation<B: burn::tensor::backend::Backend>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let centred = x.clone() - x.mean_dim(2);
    let norm = (centred.clone() * centred.clone()).sum_dim(2).sqrt();
    let unit = centred / norm;
    unit.clone().matmul(unit.transpose())
}

/// Membership-weighted means of `[vertices, time]`, memberships a softmax of `[parcels, vertices]` over parcels.
fn parcellation<B: burn::tensor::backend::Backend>(logits: Tensor<B, 2>, x: Tensor<B, 2>) -> Tensor<B, 2> {
    let memberships = softmax(logits, 0);
    let mass = memberships.clone().sum_dim(1);
    memberships.matmul(x) / mass
}

/// The sum of squares of `f(x)`, and its gradient.
fn gradient<B: AutodiffBackend, const D: usize, const E: usize>(x: Tensor<Inner<B>, D>, f: impl Fn(Tensor<B, D>) -> Tensor<B, E>) -> Made {
    let x = Tensor::<B, D>::from_inner(x).require_grad();
    let y = f(x.clone());
    let sum = (y.clone() * y).sum();
    let gradients = sum.backward();
    let made = Made(vec![]).with(sum.inner());
    match x.grad(&gradients) {
        Some(gradient) => made.with(gradient),
        None => made,
    }
}
