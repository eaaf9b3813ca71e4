//! A NaN that arises during a computation is shown in the result, on every device.

use super::run::{DEVICES, Folder, read_f32};

fn same(found: &[f64], expected: &[f64]) -> bool {
    found.iter().zip(expected).all(|(f, e)| f == e || f.is_nan() && e.is_nan())
}

/// `tests/cases/nan-becomes-minus-one`: the logarithm of negative values, correlated and rectified.
#[test]
fn nan_of_a_block_stays_nan() {
    let folder = Folder::new("nan-stays");
    folder.file("workflow.json", include_bytes!("../cases/nan-becomes-minus-one/workflow.json"));
    folder.file("series.npy", include_bytes!("../cases/nan-becomes-minus-one/series.npy"));
    let c = folder.file("c.npy", include_bytes!("../cases/nan-becomes-minus-one/expected_c.npy"));
    let rectified = folder.file("rectified.npy", include_bytes!("../cases/nan-becomes-minus-one/expected_rectified.npy"));
    let (c, rectified) = (read_f32(c, &[4, 5, 5]), read_f32(rectified, &[4, 5, 40]));
    for device in DEVICES {
        let done = folder.run(&format!("run workflow.json -o {device} --device {device}"));
        assert_eq!(done.code, Some(0), "{done:?}");
        let out = |name: &str| folder.0.join(device).join(name);
        assert!(same(&read_f32(out("c.npy"), &[4, 5, 5]), &c), "{device}");
        let found = read_f32(out("rectified.npy"), &[4, 5, 40]);
        let near = |(f, e): (&f64, &f64)| (f - e).abs() <= 2e-6 || f.is_nan() && e.is_nan();
        assert!(found.iter().zip(&rectified).all(near), "{device}");
    }
}
