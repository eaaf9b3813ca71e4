//! What is read of the data beside the clone, `../shared/data`.

use std::path::PathBuf;
use tapetum::DType;
use tapetum::data::read_npy;

fn shared(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(path)
}

#[test]
fn surface_series_of_both_hemispheres_are_read() {
    for hemisphere in ["lh", "rh"] {
        let series = read_npy(shared(&format!("lemon/fsa4_{hemisphere}_bold_f16.npy"))).unwrap();
        assert_eq!((series.shape(), series.dtype()), ([2562, 652].into(), DType::F16));
        assert!(series.to_f64_vec().iter().all(|x| x.is_finite()));
    }
}

#[test]
fn the_series_that_ships_is_the_shared_one() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fsa4_lh_bold_f16.npy");
    assert_eq!(std::fs::read(shipped).unwrap(), std::fs::read(shared("lemon/fsa4_lh_bold_f16.npy")).unwrap());
}
