//! The arithmetic of products on cooperative matrices, in the steps of `shaders/common/tile_cooperative.wgsl`, for machines that have none:
//! operands scaled by powers of two and split into halves, sums of 16 products rounded toward zero, added up in f32 every 64 terms.

use crate::common::golden;
use half::f16;
use std::collections::BTreeMap;
use tapetum::kernel::Target;
use tapetum::ops::{case::Draw, message::PairActivation, sources};
use tapetum::plan::Plan;
use tapetum::{Result, Tape, TensorType, Var};

/// The power of two that brings a row's largest magnitude into 2¹⁴ .. 2¹⁵.
fn scale(row: &[f32]) -> f32 {
    let largest = row.iter().fold(0, |most, x| most.max(x.abs().to_bits()));
    f32::from_bits((268 - (largest >> 23).min(254)).clamp(14, 253) << 23)
}

/// x, scaled, as two halves that together hold 22 bits of it.
fn split(x: f32, scale: f32) -> [f64; 2] {
    let x = x * scale;
    let upper = f32::from_bits((x.to_bits() + 0x1000) & 0xffff_e000);
    [upper, x - upper].map(|half| f16::from_f32(half).to_f64())
}

/// x in f32, rounded toward zero.
fn toward_zero(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest).abs() > x.abs() { f32::from_bits(nearest.to_bits() - 1) } else { nearest }
}

/// A row or a column: its elements, their halves, and its scale.
struct Line<'a> {
    elements: &'a [f32],
    halves: Vec<[f64; 2]>,
    scale: f32,
}

impl<'a> Line<'a> {
    fn new(elements: &'a [f32]) -> Self {
        let scale = scale(elements);
        Self { elements, halves: elements.iter().map(|&x| split(x, scale)).collect(), scale }
    }

    fn dot(&self, other: &Self) -> f64 {
        self.elements.iter().zip(other.elements).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// The product of a row and a column, as the kernel computes it.
    fn product(&self, other: &Self) -> f32 {
        let mut total = 0.0f32;
        for (a, b) in self.halves.chunks(64).zip(other.halves.chunks(64)) {
            let mut sum = 0.0f32;
            for (a, b) in a.chunks(16).zip(b.chunks(16)) {
                for (of_a, of_b) in [(1, 0), (0, 1), (0, 0)] {
                    let products = a.iter().zip(b).map(|(a, b)| a[of_a] * b[of_b]);
                    sum = toward_zero(f64::from(sum) + products.sum::<f64>());
                }
            }
            total += sum;
        }
        total * other.scale.recip() * self.scale.recip()
    }

    /// The error of that product, relative to the root mean square of a product of such a row and such a column.
    fn error(&self, other: &Self) -> f64 {
        let exact = self.dot(other);
        (f64::from(self.product(other)) - exact).abs() / (self.dot(self) * other.dot(other) / self.elements.len() as f64).sqrt()
    }
}

/// The largest error of the products of 20 rows and 20 columns.
fn worst(terms: usize, element: impl Fn(usize, f64) -> f64, other: impl Fn(usize, f64) -> f64) -> f64 {
    let drawn = |stream, element: &dyn Fn(usize, f64) -> f64| -> Vec<f32> {
        let drawn = Draw::Normal.value(TensorType::f32([20, terms]), stream).unwrap().to_f64_vec();
        drawn.iter().enumerate().map(|(i, &x)| element(i / terms, x) as f32).collect()
    };
    let (a, b) = (drawn(0, &element), drawn(1, &other));
    let [a, b] = [&a, &b].map(|x| x.chunks(terms).map(Line::new).collect::<Vec<_>>());
    golden::worst(a.iter().flat_map(|a| b.iter().map(|b| a.error(b))))
}

#[test]
fn halves_keep_the_accuracy_of_f32() {
    let plain = |_: usize, x: f64| x;
    let power = |exponents: [i32; 3]| move |row: usize, x: f64| x * 2f64.powi(exponents[row % 3]);
    for terms in [1, 7, 65, 257, 2048] {
        let held = |what: &str, error: f64| assert!(error <= 2e-6, "{what}, {terms} terms: {error:.1e}");
        held("normal", worst(terms, plain, plain));
        held("rows far apart", worst(terms, power([0, 100, -100]), power([0, 15, -15])));
        held("near the smallest number", worst(terms, power([-120, -124, -110]), power([20, 30, 40])));
        held("near the largest number", worst(terms, power([120, 124, 110]), power([-120, -115, -110])));
        held("magnitudes far apart within a row", worst(terms, |_, x| x * x.exp(), plain));
        held("few digits", worst(terms, |_, x| (4.0 * x).round() + 0.5, plain));
    }
}

#[test]
fn cooperative_variants_are_chosen_where_a_device_has_them_alone() {
    let all = sources().into_iter().flat_map(|s| s.variants.iter().map(move |v| (s, v)));
    let mut found = 0;
    for (source, variant) in all.filter(|(_, v)| v.cooperative()) {
        found += 1;
        let variants: BTreeMap<_, _> = [(source.name.to_owned(), variant.name.to_owned())].into();
        let edge = if variant.name == "cooperative" { 16 } else { 8 };
        for (cooperative, class) in
            [None, Some(24 - edge)].into_iter().flat_map(|c| ["large", "medium", variant.classes[0]].map(|k| (c, k)))
        {
            for software in [false, true] {
                let target = Target { software, cooperative, variants: variants.clone(), ..Target::portable() };
                assert_ne!(source.variant(&target, class).name, variant.name, "{}", source.name);
            }
        }
        let target = Target { cooperative: Some(edge), ..Target::portable() };
        assert_eq!(source.variant(&target, variant.classes[0]).name, variant.name, "{}", source.name);
        // A software adapter is slow on them: it takes them where they are asked for.
        let software = Target { software: true, ..target.clone() };
        assert!(!source.variant(&software, variant.classes[0]).cooperative(), "{}", source.name);
        for target in [target, software] {
            let pinned = Target { variants: variants.clone(), ..target };
            assert_eq!(source.variant(&pinned, "small").name, variant.name, "{}", source.name);
        }
    }
    assert!(found >= 20, "{found}");
}

/// The kernels, without the choices of their variants, that compute `build` of one matrix.
fn planned(cooperative: Option<usize>, shape: [usize; 2], build: impl Fn(&mut Tape, Var) -> Result<Var>) -> Vec<String> {
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32(shape)).unwrap();
    let y = build(&mut tape, x).unwrap();
    let plan = Plan::new(&tape, &[y], &Target { cooperative, ..Target::portable() }).unwrap();
    let named = |s: &tapetum::plan::Step| format!("{}/{}", s.kernel.name, s.kernel.variant.split('+').next().unwrap_or_default());
    plan.steps.iter().map(named).collect()
}

#[test]
fn large_products_are_planned_on_cooperative_matrices() {
    let square = |t: &mut Tape, x: Var| t.matmul(x, x);
    // Magnitudes along rows of the left operand, and along columns of the right one.
    let [rows, cols] = [(); 2].map(|()| "matmul/magnitudes/plain");
    assert_eq!(planned(Some(16), [2048, 2048], square), [rows, cols, "matmul/matmul/cooperative"]);
    assert_eq!(planned(Some(8), [2048, 2048], square), [rows, cols, "matmul/matmul/cooperative8"]);
    assert!(planned(None, [2048, 2048], square)[0].starts_with("matmul/matmul/shared"));
    assert!(planned(Some(16), [64, 64], square)[0].starts_with("matmul/matmul/shared"));
    // The rows of a correlation are of norm 1.
    let correlation = planned(Some(16), [2000, 1200], |t, x| t.correlation(x, None, false));
    assert!(!correlation.iter().any(|k| k == rows), "{correlation:?}");
    assert_eq!(correlation.last().unwrap(), "covariance/symmetric_product/cooperative");
    let covariance = planned(Some(16), [2000, 1200], |t, x| t.covariance(x, None, 1));
    assert_eq!(covariance.iter().filter(|k| *k == rows).count(), 1, "{covariance:?}");
}

/// The kernels of an edge network's messages and of their cotangents, of 4 graphs of so many nodes, with so many features and outputs.
fn planned_network(cooperative: Option<usize>, [nodes, features, outputs]: [usize; 3]) -> Vec<String> {
    let mut tape = Tape::new();
    let node = |width: usize| TensorType::f32([4, nodes, width]);
    let types =
        [node(nodes), node(features), node(features), TensorType::f32([outputs, features]), TensorType::f32([outputs]), node(outputs)];
    let x: Vec<Var> = types.into_iter().enumerate().map(|(i, ty)| tape.input(&format!("x{i}"), ty).unwrap()).collect();
    let messages = tape.pairwise_mlp(x[0], [x[1], x[2]], [x[3], x[4]], [PairActivation::Relu; 2]).unwrap();
    let mut outputs = tape.vjp(&[(messages, x[5])], &x[..5]).unwrap();
    outputs.push(messages);
    let plan = Plan::new(&tape, &outputs, &Target { cooperative, ..Target::portable() }).unwrap();
    let of_pairs = plan.steps.iter().filter(|s| s.kernel.name.starts_with("message/"));
    of_pairs.map(|s| format!("{}/{}", s.kernel.name, s.kernel.variant.split('+').next().unwrap_or_default())).collect()
}

#[test]
fn large_edge_networks_are_planned_on_cooperative_matrices() {
    for (edge, variant) in [(16, "/cooperative"), (8, "/cooperative8")] {
        let large = planned_network(Some(edge), [300, 128, 128]);
        assert!(large.len() >= 4 && large.iter().all(|k| k.ends_with(variant)), "{large:?}");
    }
    // On other devices; few pairs; few terms.
    for (cooperative, extents) in [(None, [300, 128, 128]), (Some(16), [30, 128, 128]), (Some(16), [300, 32, 128])] {
        let planned = planned_network(cooperative, extents);
        assert!(planned.len() >= 4 && planned.iter().all(|k| k.contains("/shared")), "{extents:?}: {planned:?}");
    }
}
