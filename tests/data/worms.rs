//! Worms in the files that laboratories publish, as `tests/goldens/make_hdf5.py` makes them.

use super::assert_says;
use super::hdf5::{golden, path};
use crate::common::folder::Folder;
use crate::common::golden::expected;
use serde_json::Value;
use std::fs;
use tapetum::data::{Worm, read_worms, shared_neurons};

/// The worm's series are those of the golden, which is `[frame, neuron]`.
#[track_caller]
fn holds(worm: &Worm, golden: &Value, what: &str) {
    let wanted = expected(golden);
    let [frames, neurons] = *wanted.shape() else { panic!("{what}") };
    let values = wanted.to_f64_vec();
    let turned: Vec<f64> = (0..frames * neurons).map(|i| values[i % frames * neurons + i / frames]).collect();
    assert_eq!((worm.series.to_f64_vec(), &*worm.series.shape()), (turned, &[neurons, frames][..]), "{what}");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

const NEURONS: [&[&str]; 2] = [&["AVAL", "2", "RIMR"], &["AVAL", "RIMR", "AVBL", "4"]];

#[test]
fn worms_of_kato_are_read() {
    let golden = golden();
    for (file, count) in [("kato.mat", 2), ("kato_codes.mat", 2), ("kato73.mat", 1)] {
        let (worms, states) = read_worms(path(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!((worms.len(), &states), (count, &names(&["fwd", "nostate", "rev1"])), "{file}");
        for (i, worm) in worms.iter().enumerate() {
            holds(worm, &golden["worms"][i], file);
            assert_eq!(worm.neurons, names(NEURONS[i]), "{file}");
            assert!((worm.rate - [2.5, 4.0][i]).abs() < 1e-9, "{file}: {}", worm.rate);
            // Two frames forward, one in reversal, one in neither, and again.
            let wanted: Vec<i32> = (0..worm.states.len()).map(|t| [0, 0, 2, 1][t % 4]).collect();
            assert_eq!(worm.states, wanted, "{file}");
        }
        if count == 2 {
            assert_eq!(shared_neurons(&worms), ["AVAL", "RIMR"], "{file}");
        }
    }
    let (worms, states) = read_worms(path("kato_each.mat")).unwrap();
    assert_eq!((worms.len(), states), (2, names(&["unknown"])));
    worms.iter().enumerate().for_each(|(i, worm)| holds(worm, &golden["worms"][i], "a structure a worm"));
}

#[test]
fn worms_of_wormwideweb_are_read() {
    let golden = golden();
    let labels = [("wormwideweb.h5", ["1", "2", "3", "4"]), ("wormwideweb.json", ["AVAL", "2", "3", "AVBL"])];
    for (file, neurons) in labels {
        let (worms, states) = read_worms(path(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        let [worm] = worms.as_slice() else { panic!("{file}: {} worms", worms.len()) };
        holds(worm, &golden["www"], file);
        assert_eq!((worm.neurons.clone(), states), (names(&neurons), names(&["no reversal", "reversal"])), "{file}");
        // A gap of 100 s between two parts of the recording is no step.
        assert!((worm.rate - 1.0 / 0.6).abs() < 1e-9, "{file}: {}", worm.rate);
        assert_eq!(worm.states, [0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], "{file}");
    }
    let folder = Folder::new("wormwideweb");
    for file in ["wormwideweb.h5", "wormwideweb.json"] {
        fs::copy(path(file), folder.0.join(format!("2000-{file}"))).unwrap();
    }
    let (worms, _) = read_worms(&folder.0).unwrap();
    assert_eq!(worms.iter().map(|worm| (worm.index, worm.neurons[0].as_str())).collect::<Vec<_>>(), [(0, "1"), (1, "AVAL")]);
}

#[test]
fn what_is_no_worm_is_refused() {
    let refused = |name: &str, parts: &[&str]| assert_says(read_worms(path(name)), &path(name), parts);
    refused("level5.mat", &["a structure with deltaFOverF_bc or traces or deltaFOverF is expected: the file has x, names"]);
    refused("series.h5", &["a group `gcamp` with trace_array_original or trace_array is expected"]);
    refused("none.mat", &["cannot be read"]);
    refused("none.h5", &["cannot be read"]);
    refused("none.json", &["cannot be read"]);
    let folder = Folder::new("worms");
    assert!(read_worms(&folder.0).unwrap_err().to_string().contains("meta.json"));
    let json = |what: Value| folder.file("x.json", what.to_string());
    let mut good: Value = serde_json::from_slice(&fs::read(path("wormwideweb.json")).unwrap()).unwrap();
    assert!(read_worms(json(good.clone())).is_ok());
    let mut wrong = |place: &str, value: Value, part: &str| {
        let before = std::mem::replace(good.pointer_mut(place).unwrap(), value);
        let file = json(good.clone());
        assert_says(read_worms(&file), &file, &[part]);
        *good.pointer_mut(place).unwrap() = before;
    };
    wrong("/gcamp/trace_array_original", 3.into(), "rows of numbers are expected in `trace_array_original`");
    wrong("/gcamp/trace_array_original/1", vec![1.0].into(), "rows of one length");
    wrong("/gcamp/trace_array_original/1/2", Value::Null, "rows of numbers");
    wrong("/gcamp/trace_array_original/1/2", 1e300.into(), "frame 2, neuron 1 is not finite");
    let fewer: Vec<f64> = (0..14).map(f64::from).collect();
    wrong("/timing/timestamp_confocal", fewer.into(), "`trace_array_original` is [4, 15], and the time has 14 frames");
    wrong("/timing/timestamp_confocal", vec![1.0; 15].into(), "rising, are expected in `timestamp_confocal`");
    wrong("/behavior/reversal_events/1", vec![10, 16].into(), "pairs of frames from 1 to 15");
    wrong("/behavior/reversal_events/1", vec![10].into(), "pairs of frames from 1 to 15");
    wrong("/label", serde_json::json!({"99": {"label": "AVAL"}}), "found `99`");
}
