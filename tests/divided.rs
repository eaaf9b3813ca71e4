//! Steps in parts: their mean by hand, their random draws, and the same bits on any number of ranks.

use crate::common::gpu;
use tapetum::communicator::{Alone, Communicator, Threads};
use tapetum::optim::{Adam, Sgd};
use tapetum::training::{Batch, Descent, Divided, Spread, Training};
use tapetum::{Device, Error, HostTensor, Init, Result, State, Tape, TensorType, Var};

fn devices() -> [Device; 2] {
    [Device::cpu(), gpu()]
}

fn bits(state: &State) -> Vec<(String, Vec<u64>)> {
    let of = |name: &str| state.read(name).unwrap().to_f64_vec().iter().map(|x| x.to_bits()).collect();
    state.names().into_iter().map(|name| (name.clone(), of(&name))).collect()
}

/// The mean of (x − w)² over a part x `[2]`.
fn distance(steps: u32, rate: f32) -> (Tape, Var, Divided) {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([2])).unwrap();
    let w = t.parameter("w", [1], Init::Zeros).unwrap();
    let apart = t.sub(x, w).unwrap();
    let square = t.square(apart).unwrap();
    let loss = t.mean(square, &[], false).unwrap();
    let doubled = t.scale(loss, 2.0).unwrap();
    let divided = Descent::new(Sgd::new(rate)).divide(&mut t, (loss, &[("doubled".into(), doubled)]), &[w], steps).unwrap();
    (t, x, divided)
}

/// w ← w − 2 η (w − mean x) by hand, x being all four numbers of the two parts.
#[test]
fn a_divided_step_is_the_mean_of_its_parts() {
    for device in devices() {
        let (t, x, divided) = distance(25, 0.125);
        let state = State::new(&device);
        let at = |step: u32, part: usize| [step as f32 * 0.25 - part as f32, 1.0 + 2.0 * part as f32];
        let draw = |step, part| Ok(vec![(x, HostTensor::f32([2], at(step, part).to_vec())?)]);
        let spread = Spread { parts: 2, ranks: &Alone };
        let mut saved = Vec::new();
        let mut training = Training::divided(&device, &t, divided, &state, 25, spread).unwrap().batches_in_parts(draw);
        assert_eq!(training.programs().len(), 2);
        training = training.saving_all(10, |programs| {
            saved.push((programs.len(), programs[0].state().read("step")?.to_f64_vec()[0]));
            Ok(())
        });
        training.run(|_, _| {}).unwrap();
        let found = training.losses().unwrap();
        drop(training);
        let (mut w, mut losses) = (0.0, Vec::new());
        for step in 0..25 {
            let x: Vec<f64> = (0..2).flat_map(|part| at(step, part)).map(f64::from).collect();
            losses.push(x.iter().map(|x| (x - w) * (x - w)).sum::<f64>() / 4.0);
            w -= 0.125 * 2.0 * (w - x.iter().sum::<f64>() / 4.0);
        }
        assert!((state.read("w").unwrap().to_f64_vec()[0] - w).abs() < 1e-5);
        assert!(found.iter().zip(&losses).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-4 * (1.0 + b)), "{found:?} {losses:?}");
        let doubled = state.read("loss.doubled").unwrap().to_f64_vec();
        assert!(doubled.iter().zip(&losses).all(|(a, b)| (a - 2.0 * b).abs() < 2e-4 * (1.0 + b)), "{doubled:?}");
        assert_eq!(saved, [(2, 10.0), (2, 20.0), (2, 25.0)]);
    }
}

/// A network with dropout, noise on its input, clipping and Adam, trained over twelve parts.
fn network(device: &Device, ranks: &dyn Communicator, state: &State, until: u32) -> Result<()> {
    let mut t = Tape::new();
    t.draw_by_part()?;
    let (x, y) = (t.input("x", TensorType::f32([3, 33]))?, t.input("y", TensorType::f32([3, 1]))?);
    let first = t.parameter("first", [33, 17], Init::Normal { mean: 0.0, std: 0.3, seed: 1, stream: 1 })?;
    let last = t.parameter("last", [17, 1], Init::Normal { mean: 0.0, std: 0.3, seed: 1, stream: 2 })?;
    let noise = t.random_normal([3, 33], 5, 3)?;
    let noise = t.scale(noise, 0.1)?;
    let noisy = t.add(x, noise)?;
    let hidden = t.matmul(noisy, first)?;
    let hidden = t.tanh(hidden)?;
    let hidden = t.dropout(hidden, 0.25, 5, 4)?;
    let found = t.matmul(hidden, last)?;
    let loss = t.mean_squared_error(found, y)?;
    let descent = Descent { clip: Some(0.5), ..Descent::new(Adam::new(0.02)) };
    let divided = descent.divide(&mut t, (loss, &[]), &[first, last], 24)?;
    let wave = |i: usize| (i as f32 * 12.9898).sin();
    let draw = |step: u32, part: usize| -> Result<Batch> {
        let at = 1000 * (step as usize % 3) + 100 * part;
        let series = HostTensor::f32([3, 33], (0..99).map(|i| wave(at + i)).collect())?;
        Ok(vec![(x, series), (y, HostTensor::f32([3, 1], (0..3).map(|i| wave(at + 33 * i)).collect())?)])
    };
    let training = Training::divided(device, &t, divided, state, 24, Spread { parts: 12, ranks })?;
    training.batches_in_parts(draw).saving(5, |_| Ok(())).run_until(until, |_, _| {})
}

/// The states of each of `size` ranks, which begin with those of `from`.
fn over(device: &Device, size: usize, from: Option<&State>, until: u32) -> Vec<State> {
    let run = |rank: Threads| {
        let state = State::new(device);
        for name in from.map(State::names).unwrap_or_default() {
            state.write(&name, &from.unwrap().read(&name).unwrap()).unwrap();
        }
        network(device, &rank, &state, until).unwrap();
        state
    };
    std::thread::scope(|scope| {
        let ranks: Vec<_> = Threads::new(size).into_iter().map(|rank| scope.spawn(move || run(rank))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

#[test]
fn any_number_of_ranks_leaves_the_same_bits() {
    for device in devices() {
        let alone = State::new(&device);
        network(&device, &Alone, &alone, 24).unwrap();
        assert!(alone.read("loss").unwrap().to_f64_vec().iter().all(|loss| *loss > 0.0));
        for size in [1, 2, 3, 4, 6] {
            for state in over(&device, size, None, 24) {
                assert_eq!(bits(&state), bits(&alone), "{size} ranks on {}", device.name());
            }
        }
        // Begun on four ranks, and resumed on three and on one.
        let begun = over(&device, 4, None, 11).remove(0);
        for size in [3, 1] {
            assert_eq!(bits(&over(&device, size, Some(&begun), 24)[0]), bits(&alone), "resumed on {size} of {}", device.name());
        }
    }
}

/// The part m of the step s draws what a step that is not divided draws at the counter 2 s + m.
#[test]
fn every_part_draws_numbers_of_its_own() {
    let drawn = |t: &mut Tape| {
        let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
        let draws = t.random_uniform([5], 9, 2).unwrap();
        let dropped = t.dropout(draws, 0.5, 9, 7).unwrap();
        let sum = t.sum(dropped, &[], false).unwrap();
        (w, t.mul(sum, w).unwrap())
    };
    for device in devices() {
        let mut t = Tape::new();
        t.draw_by_part().unwrap();
        let (w, loss) = drawn(&mut t);
        let divided = Descent::new(Sgd::new(0.0)).divide(&mut t, (loss, &[]), &[w], 4).unwrap();
        let state = State::new(&device);
        let mut training = Training::divided(&device, &t, divided, &state, 4, Spread { parts: 2, ranks: &Alone }).unwrap();
        training.run(|_, _| {}).unwrap();

        let mut t = Tape::new();
        let (w, loss) = drawn(&mut t);
        Descent::new(Sgd::new(0.0)).record(&mut t, (loss, &[]), &[w], 8).unwrap();
        let mut whole = Training::new(&device, &t, &State::new(&device), 8).unwrap();
        whole.run(|_, _| {}).unwrap();
        let means: Vec<f32> = whole.losses().unwrap().chunks(2).map(|pair| (pair[0] + pair[1]) / 2.0).collect();
        assert_eq!(training.losses().unwrap(), means);
        assert!(means.windows(2).all(|pair| pair[0] != pair[1]), "{means:?}");
    }
}

#[test]
fn what_parts_cannot_share_is_refused() {
    let refused = |record: &dyn Fn(&mut Tape, Var)| {
        let mut t = Tape::new();
        let w = t.parameter("w", [1], Init::Full(1.0)).unwrap();
        record(&mut t, w);
        let loss = t.square(w).unwrap();
        Descent::new(Sgd::new(0.1)).divide(&mut t, (loss, &[]), &[w], 3).unwrap_err().to_string()
    };
    let running = refused(&|t, w| {
        let mean = t.state("mean", TensorType::f32([1]), Init::Zeros).unwrap();
        let next = t.add(mean, w).unwrap();
        t.assign(mean, next).unwrap();
    });
    assert!(running.starts_with("tensor `mean`: is changed by the step"), "{running}");
    let drawn = refused(&|t, w| {
        t.dropout(w, 0.5, 0, 0).unwrap();
    });
    assert!(drawn.starts_with("dropout: draws by the number of the step alone"), "{drawn}");

    let device = Device::cpu();
    let made = |parts, ranks: &dyn Communicator| {
        let (t, _, divided) = distance(3, 0.1);
        Training::divided(&device, &t, divided, &State::new(&device), 3, Spread { parts, ranks }).map(|_| ())
    };
    let message = made(3, &Threads::new(2)[0]).unwrap_err().to_string();
    assert_eq!(message, "a step of 3 parts on 2 ranks: a multiple of the number of ranks expected");
    assert!(made(0, &Alone).is_err());

    let (t, x, divided) = distance(3, 0.1);
    let spread = Spread { parts: 2, ranks: &Alone };
    let mut training = Training::divided(&device, &t, divided, &State::new(&device), 3, spread)
        .unwrap()
        .batches(|_| Ok(vec![(x, HostTensor::f32([2], vec![0.0; 2])?)]));
    assert!(training.run(|_, _| {}).unwrap_err().to_string().contains("`batches_in_parts`"));
}

/// The third part of the eighth step has NaN.
#[test]
fn the_part_in_which_a_value_became_nan_is_named_on_every_rank() {
    let device = Device::cpu();
    let run = |rank: Threads| {
        let (t, x, divided) = distance(20, 0.1);
        let value = |step, part| if (step, part) == (7, 2) { f32::NAN } else { 1.0 };
        let draw = move |step, part| Ok(vec![(x, HostTensor::f32([2], vec![0.0, value(step, part)])?)]);
        let state = State::new(&device);
        let mut training =
            Training::divided(&device, &t, divided, &state, 20, Spread { parts: 4, ranks: &rank }).unwrap().batches_in_parts(draw);
        match training.run(|_, _| {}).unwrap_err() {
            Error::NotFinite { step, what, .. } => (step, what, state.read("step").unwrap().to_f64_vec()[0]),
            other => panic!("{other}"),
        }
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let ranks: Vec<_> = Threads::new(2).into_iter().map(|rank| scope.spawn(|| run(rank))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    });
    assert_eq!(found[0], found[1]);
    let (step, what, done) = &found[0];
    assert!(*step == 8 && *done == 7.0 && what.starts_with("part 3 of 4: ") && what.contains("the input `x` is NaN"), "{found:?}");
}

#[test]
fn ranks_whose_states_differ_are_refused() {
    let device = Device::cpu();
    let run = |rank: Threads| {
        let (t, x, divided) = distance(20, 0.1);
        let state = State::new(&device);
        let mut training = Training::divided(&device, &t, divided, &state, 20, Spread { parts: 3, ranks: &rank })
            .unwrap()
            .inputs_in_parts(|_| Ok(vec![(x, HostTensor::f32([2], vec![0.0; 2])?)]));
        state.write("w", &HostTensor::f32([1], vec![if rank.rank() == 2 { 1.0 + f32::EPSILON } else { 1.0 }]).unwrap()).unwrap();
        training.run(|_, _| {}).unwrap_err().to_string()
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let ranks: Vec<_> = Threads::new(3).into_iter().map(|rank| scope.spawn(|| run(rank))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    });
    for message in found {
        assert!(message.starts_with("tensor `w`: has other bits on rank 2 than on rank 0 after 0 steps"), "{message}");
    }
}

/// Products, statistics, decompositions, sums and transforms that are long enough to be divided among threads.
#[cfg(feature = "host")]
#[test]
fn the_host_computes_the_same_bits_on_any_number_of_threads() {
    let mut t = Tape::new();
    let series = t.input("series", TensorType::f32([3, 65, 701])).unwrap();
    let weights = t.parameter("weights", [65, 65], Init::Normal { mean: 0.0, std: 0.1, seed: 2, stream: 0 }).unwrap();
    let mixed = t.matmul(weights, series).unwrap();
    let correlation = t.correlation(mixed, None, true).unwrap();
    let covariance = t.covariance(mixed, None, 1).unwrap();
    let precision = t.inverse_spd(covariance).unwrap();
    let (values, _) = t.eigh(covariance).unwrap();
    let spectrum = t.rfft(mixed).unwrap();
    let power = t.square(spectrum).unwrap();
    let soft = t.softmax(correlation, -1).unwrap();
    let parts = [soft, precision, values, power].map(|x| t.mean(x, &[], false).unwrap());
    let loss = parts[1..].iter().fold(parts[0], |sum, part| t.add(sum, *part).unwrap());
    let gradient = t.gradient(loss, &[weights]).unwrap()[0];
    let outputs = [loss, gradient, correlation, precision, values, spectrum];
    let input = HostTensor::f32([3, 65, 701], (0..3 * 65 * 701).map(|i| (i as f32 * 78.233).sin()).collect()).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| Device::cpu().compile(&t, &outputs).unwrap().run(&[(series, &input)]).unwrap());
        found.iter().map(|value| value.to_f64_vec().iter().map(|x| x.to_bits()).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let one = on(1);
    for threads in [2, 3, 5, 16] {
        assert!(on(threads) == one, "{threads} threads");
    }
}
