//! Optimisers, schedules, clipping and accumulation against their formulas in f64.

use tapetum::optim::{self, Adam, Schedule, Sgd};
use tapetum::{Device, HostTensor, Init, State, Tape, TensorType, Var};

/// Σ c (w − a)²/2, whose gradient is c (w − a).
fn bowl(t: &mut Tape) -> (Var, Var) {
    let w = t.parameter("w", [3], Init::Value(HostTensor::f32([3], vec![1.0, -2.0, 0.5]).unwrap())).unwrap();
    let a = t.constant(HostTensor::f32([3], vec![0.25, 1.0, -0.5]).unwrap()).unwrap();
    let c = t.constant(HostTensor::f32([3], vec![1.0, 0.5, 3.0]).unwrap()).unwrap();
    let d = t.sub(w, a).unwrap();
    let s = t.square(d).unwrap();
    let s = t.mul(s, c).unwrap();
    let s = t.sum(s, &[], false).unwrap();
    let loss = t.scale(s, 0.5).unwrap();
    let gradient = t.gradient(loss, &[w]).unwrap()[0];
    (w, gradient)
}

fn slope(w: &[f64]) -> Vec<f64> {
    w.iter().zip([0.25, 1.0, -0.5]).zip([1.0, 0.5, 3.0]).map(|((w, a), c)| c * (w - a)).collect()
}

fn after(t: &Tape, steps: usize) -> Vec<f64> {
    let mut program = Device::oracle().compile(t, &[]).unwrap();
    program.steps(steps).unwrap();
    program.state().read("w").unwrap().to_f64_vec()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < tolerance), "{found:?} {expected:?}");
}

#[test]
fn adam_follows_its_formula() {
    for decoupled in [false, true] {
        let mut t = Tape::new();
        let (w, g) = bowl(&mut t);
        Adam { decay: 0.125, decoupled, ..Adam::new(0.0625) }.apply(&mut t, &[(w, g)]).unwrap();
        let (mut w, mut m, mut v) = (vec![1.0, -2.0, 0.5], [0.0; 3], [0.0; 3]);
        let (b1, b2, eps) = (f64::from(0.9f32), f64::from(0.999f32), f64::from(1e-8f32));
        for step in 1..=7 {
            let g = slope(&w);
            for i in 0..3 {
                let g = if decoupled { g[i] } else { g[i] + 0.125 * w[i] };
                if decoupled {
                    w[i] -= 0.0625 * 0.125 * w[i];
                }
                m[i] = b1 * m[i] + (1.0 - b1) * g;
                v[i] = b2 * v[i] + (1.0 - b2) * g * g;
                let (c1, c2) = (1.0 - b1.powi(step), 1.0 - b2.powi(step));
                w[i] -= 0.0625 * (m[i] / c1) / ((v[i] / c2).sqrt() + eps);
            }
        }
        // The exponent t ln β is held in f32 on the tape, hence not 1e-12.
        close(&after(&t, 7), &w, 1e-6);
    }
}

#[test]
fn sgd_follows_its_formula() {
    for nesterov in [false, true] {
        let mut t = Tape::new();
        let (w, g) = bowl(&mut t);
        Sgd { momentum: 0.5, decay: 0.25, nesterov, ..Sgd::new(0.125) }.apply(&mut t, &[(w, g)]).unwrap();
        let (mut w, mut b) = (vec![1.0, -2.0, 0.5], [0.0; 3]);
        for _ in 0..5 {
            let g = slope(&w);
            for i in 0..3 {
                let g = g[i] + 0.25 * w[i];
                b[i] = 0.5 * b[i] + g;
                w[i] -= 0.125 * if nesterov { g + 0.5 * b[i] } else { b[i] };
            }
        }
        close(&after(&t, 5), &w, 1e-12);
    }
}

#[test]
fn schedules_follow_their_formulas() {
    let cosine = Schedule::Cosine { start: 0.5, end: 0.125, steps: 9 };
    let of_cosine = |s: u32| 0.3125 + 0.1875 * (std::f64::consts::PI * f64::from(s.min(8)) / 8.0).cos();
    type Formula = Box<dyn Fn(u32) -> f64>;
    let table: Vec<(Schedule, Formula)> = vec![
        (0.25.into(), Box::new(|_| 0.25)),
        (Schedule::Step { start: 1.0, factor: 0.5, every: 3 }, Box::new(|s| 0.5f64.powi((s / 3) as i32))),
        (cosine.clone(), Box::new(of_cosine)),
        (Schedule::Linear { start: 1.0, end: -1.0, steps: 5 }, Box::new(|s| 1.0 - 2.0 * f64::from(s.min(4)) / 4.0)),
        (Schedule::WarmUp { steps: 4, then: Box::new(cosine) }, Box::new(move |s| of_cosine(s) * (f64::from(s) + 1.0).min(4.0) / 4.0)),
    ];
    for device in [Device::oracle(), Device::cpu()] {
        for (schedule, formula) in &table {
            let mut t = Tape::new();
            let value = schedule.on(&mut t).unwrap();
            t.advance().unwrap();
            let mut program = device.compile(&t, &[value]).unwrap();
            for s in 0..12 {
                let found = program.run(&[]).unwrap()[0].to_f64_vec()[0];
                assert!((found - formula(s)).abs() < 2e-6, "{schedule:?} at {s}: {found}, {} expected", formula(s));
            }
        }
    }
}

#[test]
fn clipping_is_of_the_common_norm() {
    let mut t = Tape::new();
    let a = t.input("a", TensorType::f32([2])).unwrap();
    let b = t.input("b", TensorType::f32([1])).unwrap();
    for (limit, scale) in [(1.0, 1.0 / 13.0), (20.0, 1.0)] {
        let (clipped, norm) = optim::clip_by_global_norm(&mut t, &[a, b], limit).unwrap();
        let mut program = Device::oracle().compile(&t, &[clipped[0], clipped[1], norm]).unwrap();
        let inputs = [HostTensor::f32([2], vec![3.0, 4.0]).unwrap(), HostTensor::f32([1], vec![12.0]).unwrap()];
        let found = program.run(&[(a, &inputs[0]), (b, &inputs[1])]).unwrap();
        close(&found[0].to_f64_vec(), &[3.0 * scale, 4.0 * scale], 1e-6);
        close(&found[1].to_f64_vec(), &[12.0 * scale], 1e-6);
        close(&found[2].to_f64_vec(), &[13.0], 1e-12);
    }
}

/// Four micro-batches accumulated and applied once are one step on the whole batch.
#[test]
fn accumulated_gradients_are_the_batchs() {
    let device = Device::oracle();
    let state = State::new(&device);
    let first = Init::Value(HostTensor::f32([2], vec![0.5, -1.0]).unwrap());
    let gradient = |t: &mut Tape, rows: usize| {
        let x = t.input("x", TensorType::f32([rows, 2])).unwrap();
        let w = t.parameter("w", [2], first.clone()).unwrap();
        let y = t.mul(x, w).unwrap();
        let y = t.sum(y, &[1], false).unwrap();
        let y = t.tanh(y).unwrap();
        let loss = t.mean(y, &[], false).unwrap();
        (x, w, t.gradient(loss, &[w]).unwrap()[0])
    };
    let data: Vec<f32> = (0..16).map(|i| (i as f32 * 0.7).sin()).collect();

    let mut t = Tape::new();
    let (x, w, g) = gradient(&mut t, 2);
    optim::accumulate(&mut t, &[(w, g)]).unwrap();
    let mut accumulate = device.compile_with(&t, &[], &state).unwrap();
    let mut t = Tape::new();
    let w = t.parameter("w", [2], first.clone()).unwrap();
    let mean = optim::accumulated(&mut t, &[w], 4).unwrap();
    Sgd::new(0.5).apply(&mut t, &[(w, mean[0])]).unwrap();
    let mut apply = device.compile_with(&t, &[], &state).unwrap();
    for _ in 0..2 {
        for batch in data.chunks(4) {
            accumulate.run(&[(x, &HostTensor::f32([2, 2], batch.to_vec()).unwrap())]).unwrap();
        }
        apply.step().unwrap();
    }

    let mut t = Tape::new();
    let (x, w, g) = gradient(&mut t, 8);
    Sgd::new(0.5).apply(&mut t, &[(w, g)]).unwrap();
    let mut whole = device.compile(&t, &[]).unwrap();
    for _ in 0..2 {
        whole.run(&[(x, &HostTensor::f32([8, 2], data.clone()).unwrap())]).unwrap();
    }
    close(&state.read("w").unwrap().to_f64_vec(), &whole.state().read("w").unwrap().to_f64_vec(), 1e-7);
    assert_eq!(state.read("w.gradient").unwrap().to_f64_vec(), [0.0, 0.0]);
}
