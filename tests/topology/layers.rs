//! Layers over images against PyTorch.

use super::golden::{count, golden, run, whole};
use crate::common::golden::numbers;
use tapetum::nn::Spacing;
use tapetum::{Device, HostTensor, Shape};

fn ramp(extents: &[usize]) -> HostTensor {
    let shape = Shape::try_new(extents).unwrap();
    HostTensor::f32(shape, (0..shape.elements()).map(|i| ((i * 7 % 31) as f64 / 31.0 - 0.4) as f32).collect()).unwrap()
}

#[test]
fn convolution_and_pooling_are_pytorchs() {
    for row in golden("layers").as_array().unwrap() {
        let (x, kernels) = (whole(&row["x"]), whole(&row["kernels"]));
        let (stride, padding) = (count(&row["stride"]), count(&row["padding"]));
        let operands = [ramp(&x), ramp(&kernels), ramp(&kernels[..1])];
        let made = run(&Device::oracle(), &operands, |t, v| {
            let y = t.convolution_2d(v[0], v[1], Some(v[2]), Spacing { stride, padding, dilation: 1 })?;
            let squares = t.square(y)?;
            Ok(vec![t.max_pool_2d(y, 2)?, t.sum(y, &[], false)?, t.sum(squares, &[], false)?])
        })
        .unwrap();
        assert_eq!(*made[0].shape(), whole(&row["shape"])[..]);
        // f64 sums of at most a few thousand terms of magnitude 1.
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() <= 1e-10 * wanted.abs().max(1.0), "{found}, not {wanted}");
        made[0].to_f64_vec().into_iter().zip(numbers(&row["pooled"])).for_each(|(f, w)| near(f, w));
        near(made[1].to_f64_vec()[0], row["sum"].as_f64().unwrap());
        near(made[2].to_f64_vec()[0], row["squares"].as_f64().unwrap());
    }
    let refused = |x: [usize; 4], kernels: [usize; 4], stride| {
        run(&Device::cpu(), &[ramp(&x), ramp(&kernels)], |t, v| {
            Ok(vec![t.convolution_2d(v[0], v[1], None, Spacing { stride, ..Spacing::default() })?])
        })
        .unwrap_err()
        .to_string()
    };
    assert!(refused([1, 2, 5, 5], [1, 3, 3, 3], 1).contains("kernels of 2 channels"));
    assert!(refused([1, 2, 5, 5], [1, 2, 6, 3], 1).contains("that fit"));
    assert!(refused([1, 2, 5, 5], [1, 2, 3, 3], 0).contains("stride"));
}
