//! Correlations in row panels: against the whole matrix, and past what one panel holds.

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
    for device in [Device::oracle(), Device::cpu(), gpu()] {
        for n in [2, 7, 65, 130] {
            let k = (n - 1).min(4);
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
