//! Correlations in row panels, and from the product's tiles: against the whole matrix, and past what one panel holds.

use crate::common::gpu;
use tapetum::kernel::Target;
use tapetum::ops::case::Draw;
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Tape, TensorType, Var};

/// Runs what `build` records over series of this shape.
fn run(device: &Device, shape: [usize; 2], build: impl Fn(&mut Tape, Var) -> Vec<Var>) -> Vec<HostTensor> {
    let mut tape = Tape::new();
    let ty = TensorType::f32(shape);
    let x = tape.input("series", ty).unwrap();
    let outputs = build(&mut tape, x);
    device.compile(&tape, &outputs).unwrap().run(&[(x, &Draw::Series.value(ty, 3).unwrap())]).unwrap()
}

/// The adapter with every variant of the kernel that chooses neighbours from the product's tiles.
fn by_tiles() -> impl Iterator<Item = Device> {
    ["shared32", "shared64", "shared128"].into_iter().map(|variant| {
        let pins = [("covariance/neighbours", "tiles"), ("covariance/top_k_tiles", variant)];
        gpu().with_variants(pins.map(|(name, way)| (name.to_owned(), way.to_owned())))
    })
}

/// The expected results of all panel ops, by the definitions over the whole matrix.
fn expected(r: &[f64], n: usize, threshold: f64, k: usize) -> (Vec<f64>, Vec<f64>, Vec<i32>) {
    let (mut degree, mut values, mut indices) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let row = &r[i * n..(i + 1) * n];
        degree.push(row.iter().enumerate().filter(|&(j, &r)| j != i && r > threshold).count() as f64);
        let mut others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        others.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        values.extend(others[..k].iter().map(|&j| row[j]));
        indices.extend(others[..k].iter().map(|&j| j as i32));
    }
    (degree, values, indices)
}

#[test]
fn what_panels_keep_is_what_the_matrix_holds() {
    for device in [Device::oracle(), Device::cpu(), gpu()].into_iter().chain(by_tiles()) {
        for (n, k) in [(2, 1), (7, 6), (33, 32), (65, 1), (130, 4), (257, 10)] {
            let found = run(&device, [n, 33], |t, x| {
                let (values, indices) = t.top_k_neighbours(x, k).unwrap();
                vec![
                    t.correlation(x, None, false).unwrap(),
                    t.correlation_rows(x, 0..n).unwrap(),
                    t.degree(x, 0.5).unwrap(),
                    values,
                    indices,
                    t.mean_connectivity(x).unwrap(),
                ]
            });
            let found: Vec<Vec<f64>> = found.iter().map(HostTensor::to_f64_vec).collect();
            let r = &found[0];
            let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
            assert!(found[1].iter().zip(r).all(|(a, b)| near(*a, *b)), "rows of {n}");
            let (degree, values, indices) = expected(r, n, 0.5, k);
            assert_eq!(found[2], degree, "degree of {n}");
            assert!(found[3].iter().zip(&values).all(|(a, b)| near(*a, *b)), "neighbours of {n}");
            // Where two correlations are the same to the last digit but one, either neighbour is right.
            for (at, (&found, &wanted)) in found[4].iter().zip(&indices).enumerate() {
                let row = &r[at / k * n..][..n];
                assert!(found == f64::from(wanted) || near(row[found as usize], row[wanted as usize]), "neighbour {at} of {n}");
            }
            let mean = |i: usize| (0..n).filter(|&j| j != i).map(|j| r[i * n + j]).sum::<f64>() / (n - 1) as f64;
            assert!((0..n).all(|i| near(found[5][i], mean(i))), "mean connectivity of {n}");
        }
    }
}

/// Series of each kind that has equal correlations, and the neighbours of each, as far as theory tells.
#[test]
fn of_equal_correlations_the_first_is_taken() {
    const TIME: usize = 12;
    let wave = |i: usize, t: usize| ((i * i * 31 + i * t * 17 + t * t * 7) % 101) as f32;
    for device in [Device::oracle(), Device::cpu(), gpu()].into_iter().chain(by_tiles()) {
        for n in [66, 258] {
            let chosen = |k: usize, of: &dyn Fn(usize, usize) -> f32| {
                let mut tape = Tape::new();
                let x = tape.input("series", TensorType::f32([n, TIME])).unwrap();
                let (values, indices) = tape.top_k_neighbours(x, k).unwrap();
                let series = (0..n * TIME).map(|at| of(at / TIME, at % TIME)).collect();
                let series = HostTensor::f32([n, TIME], series).unwrap();
                let found = device.compile(&tape, &[values, indices]).unwrap().run(&[(x, &series)]).unwrap();
                let indices = found[1].to_f64_vec().chunks(k).map(|row| row.iter().map(|&j| j as usize).collect()).collect();
                (found[0].to_f64_vec(), indices)
            };
            let firsts = |k: usize| -> Vec<Vec<usize>> { (0..n).map(|i| (0..n).filter(|&j| j != i).take(k).collect()).collect() };

            // Constant series have correlation 0 with all.
            let (values, indices): (Vec<f64>, Vec<Vec<usize>>) = chosen(7, &|i, _| i as f32);
            assert!(values.iter().all(|&r| r == 0.0) && indices == firsts(7), "constant, {n} on {}", device.name());

            // One NaN in a series: NaN with all others, and the first of each of theirs.
            let bad = n / 2;
            let (values, indices) = chosen(3, &|i, t| if (i, t) == (bad, 5) { f32::NAN } else { wave(i, t) });
            assert_eq!(indices[bad], firsts(3)[bad], "NaN, {n} on {}", device.name());
            for i in 0..n {
                assert!(i == bad || indices[i][0] == bad, "NaN beside {i} of {n} on {}", device.name());
                assert!((0..3).all(|at| values[3 * i + at].is_nan() == (i == bad || at == 0)), "NaN in {i} of {n} on {}", device.name());
            }

            // Every series twice: the second of two has the correlations of the first.
            let (_, indices) = chosen(9, &|i, t| wave(i % (n / 2), t));
            for (i, row) in indices.iter().enumerate() {
                assert!(!row.contains(&i), "row {i} of {n} has itself on {}", device.name());
                for (at, &j) in row.iter().enumerate().filter(|(_, j)| **j >= n / 2) {
                    let twin = j - n / 2;
                    assert!(twin == i || row[..at].contains(&twin), "row {i} of {n}: {row:?} on {}", device.name());
                }
            }
        }
    }
}

/// The tiles of one kernel and the rows of another are the same sums in the same order. 2,020 variables are more units than the first
/// dispatch takes.
#[test]
fn tiles_and_panels_choose_the_same() {
    let made = |n: usize, variant: &str, way: &str| {
        let kernels = ["covariance/correlation_rows", "covariance/top_k_tiles"].map(|kernel| (kernel.to_owned(), variant.to_owned()));
        let device = gpu().with_variants(kernels.into_iter().chain([("covariance/neighbours".to_owned(), way.to_owned())]));
        run(&device, [n, 9], |t, x| {
            let (values, indices) = t.top_k_neighbours(x, 10).unwrap();
            vec![values, indices]
        })
    };
    for (n, variant) in [(300, "shared64"), (300, "shared128"), (2020, "shared32")] {
        let [panels, tiles, again] = ["panels", "tiles", "tiles"].map(|way| made(n, variant, way));
        assert_eq!(panels, tiles, "{n} in {variant}");
        assert_eq!(tiles, again, "{n} in {variant}");
    }
}

/// Of 4,200 variables the matrix takes 67 MiB: more than a panel.
#[test]
fn panels_follow_one_another() {
    let build = |t: &mut Tape, x: Var| {
        let (values, indices) = t.top_k_neighbours(x, 2).unwrap();
        vec![t.degree(x, 0.9).unwrap(), values, indices]
    };
    let device = gpu();
    let [wanted, found] = [Device::cpu(), device].map(|d| run(&d, [4200, 5], build));
    // So few frames that thousands of pairs lie near the threshold, some within rounding of it.
    let differing = wanted[0].to_f64_vec().iter().zip(found[0].to_f64_vec()).filter(|(a, b)| (*a - b).abs() > 1.0).count();
    assert_eq!(differing, 0, "degrees differ by more than one");
    let worst = tapetum::check::error(&found[1], &wanted[1]);
    assert!(worst < 1e-6, "{worst}");
    assert!(found[2].to_f64_vec().iter().all(|&i| (0.0..4200.0).contains(&i)));
}

/// The matrix never exists: no buffer is larger than a panel, whatever the number of variables.
#[test]
fn the_matrix_never_exists() {
    let mut tape = Tape::new();
    let x = tape.input("series", TensorType::f32([100_000, 300])).unwrap();
    let outputs = [tape.degree(x, 0.3).unwrap(), tape.top_k_neighbours(x, 10).unwrap().0];
    let plan = Plan::new(&tape, &outputs, &Target::portable()).unwrap();
    let series = 4 * 100_000 * 300;
    let scratch = plan.buffers.iter().map(|(ty, _)| ty.bytes()).filter(|&b| b > 64 << 20 && b != series).count();
    assert_eq!(scratch, 0, "buffers above 64 MiB that are not series");
}

#[test]
fn what_cannot_be_is_an_error() {
    let mut tape = Tape::new();
    let x = tape.input("series", TensorType::f32([5, 9])).unwrap();
    let batch = tape.input("batch", TensorType::f32([2, 5, 9])).unwrap();
    let message = |e: tapetum::Error| e.to_string();
    assert!(message(tape.top_k_neighbours(x, 5).unwrap_err()).contains("5 neighbours are more than each of 5 variables has"));
    assert!(message(tape.correlation_rows(x, 2..6).unwrap_err()).contains("rows 2 .. 6 are not among the 5"));
    assert!(message(tape.degree(x, f32::NAN).unwrap_err()).contains("not a number"));
    assert!(message(tape.degree(batch, 0.5).unwrap_err()).contains("[variables, time]"));
    let degree = tape.degree(x, 0.5).unwrap();
    assert!(matches!(tape.gradient(degree, &[x]), Err(tapetum::Error::NotDifferentiable { .. } | tapetum::Error::Op { .. })));
}
