//! A small study of denoising: simulated runs, a model learnt from some and judged on others.

use tapetum::connectome::confounds::denoise::Model;
use tapetum::connectome::confounds::learn::{Cohort as Learning, Settings as LearnSettings, learn, standardised_table};
use tapetum::connectome::confounds::quality::edges;
use tapetum::connectome::confounds::simulate::{Settings, Simulated, Simulator, artefact_columns};
use tapetum::connectome::confounds::{Column, ConfoundModel, Confounds, Strategy, censor};
use tapetum::connectome::signal::butterworth::{Band, butterworth, forward_backward};
use tapetum::data::read_confounds;
use tapetum::statistics::metrics::pearson;
use tapetum::tensor::Philox;
use tapetum::{Device, HostTensor};

const REGIONS: usize = 10;
const TIME: usize = 150;
const SUBJECTS: usize = 16;

fn confounds() -> Confounds {
    read_confounds(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/hypercoil_desc-confounds_timeseries.tsv")).unwrap()
}

/// Regions on a line, 10 mm apart.
fn simulator(settings: Settings) -> Simulator {
    let lengths: Vec<f64> = (0..REGIONS * REGIONS).map(|at| 10.0 * (at / REGIONS).abs_diff(at % REGIONS) as f64).collect();
    Simulator::new(&confounds(), &lengths, settings).unwrap()
}

/// Two networks, and noise.
fn clean(number: u32) -> HostTensor {
    let draws = Philox::new(9, number, 0);
    let value = |i: usize| {
        let (region, t) = (i / TIME, i % TIME);
        (draws.normal(t + TIME * (region / 5)) + 0.7 * draws.normal(2 * TIME + i)) as f32
    };
    HostTensor::f32([REGIONS, TIME], (0..REGIONS * TIME).map(value).collect()).unwrap()
}

fn stacked(subjects: &[Simulated]) -> [HostTensor; 3] {
    let series = subjects.iter().flat_map(|s| s.series.as_f32().unwrap().to_vec()).collect();
    let columns: Vec<_> = subjects.iter().map(|s| s.table.select(&artefact_columns(&s.table).unwrap()).unwrap()).collect();
    let motion = subjects.iter().map(|s| s.motion as f32).collect();
    let n = subjects.len();
    [HostTensor::f32([n, REGIONS, TIME], series).unwrap(), standardised_table(&columns).unwrap(), HostTensor::f32([n], motion).unwrap()]
}

/// A subject's table holds what the strategies want; its artefacts follow its motion, and its columns explain them.
#[test]
fn simulated_runs_are_clean_series_and_confounds() {
    let settings = Settings { jitter: 0.0, ..Settings::default() };
    let simulator = simulator(settings);
    let subjects: Vec<Simulated> = (0..SUBJECTS as u32).map(|s| simulator.subject(&clean(s), s).unwrap()).collect();
    let powers = |s: &Simulated| s.series.to_f64_vec().iter().map(|x| x * x).sum::<f64>().sqrt();
    let (power, motion): (Vec<f64>, Vec<f64>) = subjects.iter().map(|s| (powers(s), s.motion)).unzip();
    // Displacement is Σ |Δ| of motion in proportion to the artefact's size, over turns of one run.
    let r = pearson(&power, &motion).unwrap();
    assert!(r > 0.8, "{r}");
    for s in &subjects {
        for strategy in [Strategy::ThirtySixP, Strategy::Acompcor, Strategy::Scrubbing] {
            s.table.select(&strategy.columns(&s.table).unwrap()).unwrap();
        }
        censor::scrubbed(&s.table).unwrap();
    }
    // Of all columns nothing is left but the clean series' own residual.
    let (s, still) = (&subjects[0], clean(0));
    let all = s.table.select(&artefact_columns(&s.table).unwrap()).unwrap();
    let model = Model { confounds: all, ..Model::default() };
    let [with, without] = [&s.series, &still].map(|x| model.clean(&Device::cpu(), x).unwrap().series.to_f64_vec());
    let scale =
        still.to_f64_vec().chunks(TIME).map(|row| row.iter().map(|x| x * x).sum::<f64>() / TIME as f64).sum::<f64>() / REGIONS as f64;
    let apart = with.chunks(TIME).zip(without.chunks(TIME)).map(|(a, b)| pearson(a, b).unwrap()).fold(1.0f64, f64::min);
    assert!(apart > 1.0 - 1e-8 && scale > 0.0, "{apart}");
}

/// Without an intercept in the last regression the residual is the filtered series about its mean, as SciPy's `sosfiltfilt` has it, less
/// its projection on centred confounds; with it, the same less its own mean.
#[test]
fn an_offset_of_the_filter_is_kept_on_request() {
    let (series, filter) = (clean(3), butterworth(5, Band::Low(0.1), 2.0).unwrap());
    let filtered: Vec<Vec<f64>> =
        series.to_f64_vec().chunks(TIME).map(|row| forward_backward(&filter, &about_mean(row)).unwrap()).collect();
    let cleaned = |confounds: Vec<Column>, keep_offset| {
        let model = Model { confounds, filter: filter.clone(), keep_offset, ..Model::default() };
        model.clean(&Device::cpu(), &series).unwrap().series.to_f64_vec()
    };
    let (kept, without) = (cleaned(Vec::new(), true), cleaned(Vec::new(), false));
    for (found, wanted) in kept.chunks(TIME).zip(&filtered) {
        assert!(found.iter().zip(wanted).all(|(f, w)| (f - w).abs() < 1e-5));
    }
    for (found, wanted) in without.chunks(TIME).zip(&filtered) {
        assert!(found.iter().zip(about_mean(wanted)).all(|(f, w)| (f - w).abs() < 1e-5));
    }
    let means = |rows: &[f64]| rows.chunks(TIME).map(|row| row.iter().sum::<f64>() / TIME as f64).collect::<Vec<_>>();
    assert!(means(&kept).iter().any(|mean| mean.abs() > 1e-4), "a filter that leaves no mean shows nothing");
    let drift = Column { name: "drift".into(), values: (0..TIME).map(|t| 7.0 + (t as f64 * 0.05).sin()).collect() };
    let regressed = means(&cleaned(vec![drift], true));
    assert!(regressed.iter().zip(means(&kept)).all(|(a, b)| (a - b).abs() < 1e-6), "centred confounds leave means");
}

fn about_mean(row: &[f64]) -> Vec<f64> {
    let mean = row.iter().sum::<f64>() / row.len() as f64;
    row.iter().map(|x| x - mean).collect()
}

#[test]
fn a_learnt_model_takes_motion_out_of_connectivity() {
    let simulator = simulator(Settings { processes: Some(2), ..Settings::default() });
    let [taught, held] = [0, 100].map(|from| {
        let subject = |s: u32| simulator.subject(&clean(from + s), from + s).unwrap();
        (0..SUBJECTS as u32).map(subject).collect::<Vec<_>>()
    });
    let [series, confounds, motion] = stacked(&taught);
    let cohort = Learning { series: &series, confounds: &confounds, motion: &motion };
    for model in
        [ConfoundModel::Combination { regressors: 4 }, ConfoundModel::Responses { regressors: 4, responses: 2, duration: 3, leak: 0.001 }]
    {
        let mut heard = 0;
        let settings = LearnSettings { model, steps: 55, rate: 0.05, seed: 1 };
        let learnt = learn(&Device::cpu(), &cohort, &settings, |step, _| heard = step).unwrap();
        assert_eq!((heard, learnt.losses.len()), (55, 55));
        assert!(learnt.losses[54] < learnt.losses[0], "{:?}", learnt.losses);
        let [series, confounds, _] = stacked(&held);
        let cleaned = learnt.clean(&series, &confounds).unwrap();
        assert_eq!(*cleaned.regressors.shape(), [SUBJECTS, 4, TIME]);
        let recovery = |connectomes: &HostTensor| -> f64 {
            let near = |(s, found): (usize, Vec<f64>)| pearson(&found, &truth(100 + s as u32)).unwrap();
            edges(connectomes).unwrap().into_iter().enumerate().map(near).sum::<f64>() / SUBJECTS as f64
        };
        let [before, after] = [recovery(&correlations(&series)), recovery(&cleaned.connectomes)];
        assert!(after > before + 0.05, "{model:?}: {after} after, {before} before");
        assert!(learnt.parameters().unwrap().iter().any(|(name, _)| name == "confounds.weights"));
    }
}

fn correlations(series: &HostTensor) -> HostTensor {
    let mut t = tapetum::Tape::new();
    let x = t.input("x", series.ty()).unwrap();
    let r = t.correlation(x, None, false).unwrap();
    Device::cpu().compile(&t, &[r]).unwrap().run(&[(x, series)]).unwrap().remove(0)
}

fn truth(number: u32) -> Vec<f64> {
    edges(&correlations(&clean(number).reshaped([1, REGIONS, TIME]).unwrap())).unwrap().remove(0)
}

#[test]
fn what_is_missing_is_named() {
    let mut table = confounds();
    table.columns.retain(|c| c.name != "csf" && c.name != "rot_y");
    let e = Simulator::new(&table, &[0.0], Settings::default()).unwrap_err().to_string();
    assert!(e.contains("`csf`") && e.contains("`rot_y`"), "{e}");
    assert!(Simulator::new(&confounds(), &[0.0; 3], Settings::default()).unwrap_err().to_string().contains("[regions, regions]"));
    let long = HostTensor::zeros(tapetum::TensorType::f32([REGIONS, 400]));
    assert!(simulator(Settings::default()).subject(&long, 0).unwrap_err().to_string().contains("3 to 257 frames"));
}
