//! The cost of the host's side: recording, differentiating, planning, binding and encoding the demo's step, and the work of the host
//! executor. Binding and encoding want an adapter, software if need be, and are skipped where there is none.
//!
//! `cargo bench --bench cost`

mod work;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use tapetum::connectome::parcels::learn_parcels::{Settings, features, loss};
use tapetum::data::shipped_cortex;
use tapetum::gpu::Options;
use tapetum::kernel::Target;
use tapetum::optim::{Adam, Schedule};
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Init, Result, State, Tape, Var};
use work::Job;

/// The demo's operands, made once: a tape's constants share them.
struct Demo {
    features: HostTensor,
    neighbours: HostTensor,
    settings: Settings,
}

impl Demo {
    fn new() -> Result<Self> {
        let cortex = shipped_cortex()?;
        let surface = cortex.surface(0..cortex.frames() / 2)?;
        let settings = Settings::default();
        Ok(Self { features: features(&surface, &settings)?, neighbours: surface.neighbours, settings })
    }

    /// The loss, not yet differentiated.
    fn record(&self) -> Result<(Tape, Var, Var)> {
        let mut tape = Tape::new();
        let x = tape.constant(self.features.clone())?;
        let logits = tape.parameter("logits", [self.settings.parcels, self.features.shape()[0]], Init::Zeros)?;
        let loss = loss(&mut tape, logits, x, &self.neighbours, &self.settings)?;
        Ok((tape, logits, loss))
    }

    /// The whole step.
    fn differentiate(&self, (mut tape, logits, loss): (Tape, Var, Var)) -> Result<Tape> {
        let gradient = tape.gradient(loss, &[logits])?[0];
        let rate = Schedule::Cosine { start: self.settings.rate.0, end: self.settings.rate.1, steps: self.settings.steps };
        Adam { beta2: 0.95, ..Adam::new(rate) }.apply(&mut tape, &[(logits, gradient)])?;
        Ok(tape)
    }
}

fn tape(c: &mut Criterion) {
    let demo = Demo::new().expect("the data ship with the crate");
    let recorded = || demo.record().expect("the demo's loss records");
    let step = demo.differentiate(recorded()).expect("the demo's loss has a gradient");
    let mut group = c.benchmark_group("demo step");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("record", |b| b.iter(|| demo.record()));
    group.bench_function("differentiate", |b| b.iter_batched(recorded, |r| demo.differentiate(r), BatchSize::SmallInput));
    group.bench_function("plan", |b| b.iter(|| black_box(Plan::new(&step, &[], &Target::portable()))));
    match Device::gpu(&Options { software: true, ..Options::from_env() }) {
        Ok(device) => on_device(&mut group, &step, &device),
        Err(e) => println!("demo step/bind and demo step/encode are skipped: {e}"),
    }
    group.finish();
}

/// Binding begins with the plan and ends with its buffers, uniforms and bind groups made; pipelines and state are there from the first
/// time.
fn on_device(group: &mut BenchmarkGroup<'_, WallTime>, step: &Tape, device: &Device) {
    let state = State::new(device);
    let bind = || device.compile_with(step, &[], &state).expect("the demo's step fits any device");
    let mut program = bind();
    group.bench_function("plan and bind", |b| b.iter(bind));
    let program = program.gpu_mut().expect("a program on a GPU");
    group.bench_function("encode", |b| b.iter(|| program.encode_time().expect("the device is there")));
}

fn host(c: &mut Criterion) {
    let mut group = c.benchmark_group("host");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    let works = [
        "correlation 16x400x1200",
        "correlation gradient 16x400x1200",
        "parcellation 20000x400x1200",
        "parcellation gradient 20000x400x1200",
        "demo step",
    ];
    for name in works {
        // Made by the first run, so that a filter skips what it leaves out.
        let mut made: Option<Job> = None;
        group.bench_function(name, |b| {
            let job = made.get_or_insert_with(|| Job::new(name, &Device::cpu()).expect("a work of that name"));
            b.iter(|| job.run());
        });
    }
    group.finish();
}

criterion_group!(benches, tape, host);
criterion_main!(benches);
