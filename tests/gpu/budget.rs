//! The cost of a steady step of training apart from its arithmetic: one submission, one pass, no upload, no GPU resource created, and no
//! memory allocated by this crate on the host. The memory of its plan is limited too.

use crate::common::gpu;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tapetum::gpu::boundary::in_wgpu;
use tapetum::kernel::Target;
use tapetum::optim::{Adam, Schedule, clip_by_global_norm};
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Init, Result, Tape, TensorType, Var};

/// Counts this thread's allocations that are not within a call into wgpu.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    if !in_wgpu() {
        ALLOCATIONS.with(|n| n.set(n.get() + 1));
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps to the allocator's contract, which is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps to the allocator's contract, which is the system's.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps to the allocator's contract, which is the system's.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

const PARCELS: usize = 16;
const VERTICES: usize = 257;
const TIME: usize = 65;

struct Training {
    tape: Tape,
    series: Var,
    loss: Var,
}

/// A soft parcellation with the objective's usual parts: parcels unlike each other, memberships decided, parcels of equal mass and
/// compact in space; Adam under a cosine schedule after a warm-up, gradients clipped, the last losses kept on the device.
fn training() -> Result<Training> {
    let mut t = Tape::new();
    let series = t.input("series", TensorType::f32([VERTICES, TIME]))?;
    let places = (0..VERTICES * 3).map(|i| (i as f32 * 0.61).sin()).collect();
    let places = t.constant(HostTensor::f32([VERTICES, 3], places)?)?;
    let logits = t.parameter("logits", [PARCELS, VERTICES], Init::Normal { mean: 0.0, std: 1.0, seed: 7, stream: 0 })?;
    let parcels = t.soft_parcellation(logits, series)?;
    let r = t.correlation(parcels.series, None, true)?;
    let r = t.square(r)?;
    let alike = t.mean(r, &[], false)?;

    let a = parcels.memberships;
    let safe = t.offset(a, 1e-8)?;
    let log = t.log(safe)?;
    let plogp = t.mul(a, log)?;
    let undecided = t.mean(plogp, &[], false)?;

    let share = t.scale(parcels.mass, PARCELS as f32 / VERTICES as f32)?;
    let uneven = t.offset(share, -1.0)?;
    let uneven = t.square(uneven)?;
    let uneven = t.mean(uneven, &[], false)?;

    let (centres, _) = t.parcel_series(a, places)?;
    let cosine = t.matmul_with(centres, places, false, true)?;
    let square = t.square(centres)?;
    let length = t.sum(square, &[1], true)?;
    let cosine = t.scale(cosine, -2.0)?;
    let distance = t.add(cosine, length)?;
    let spread = t.mul(a, distance)?;
    let spread = t.mean(spread, &[], false)?;

    let undecided = t.scale(undecided, -0.1)?;
    let loss = t.add(alike, undecided)?;
    let loss = t.add(loss, uneven)?;
    let loss = t.add(loss, spread)?;
    let gradient = t.gradient(loss, &[logits])?;
    let (gradient, _) = clip_by_global_norm(&mut t, &gradient, 1.0)?;
    let rate = Schedule::WarmUp { steps: 5, then: Box::new(Schedule::Cosine { start: 0.1, end: 0.0, steps: 100 }) };
    Adam::new(rate).apply(&mut t, &[(logits, gradient[0])])?;
    t.keep_last("losses", loss, 32)?;
    Ok(Training { tape: t, series, loss })
}

fn data() -> HostTensor {
    let wave = |i: usize| ((i / TIME % 8) as f32 * 0.9 + (i % TIME) as f32 * 0.4).sin() + 0.3 * (i as f32 * 12.99).sin();
    HostTensor::f32([VERTICES, TIME], (0..VERTICES * TIME).map(wave).collect()).unwrap()
}

const STEPS: u64 = 10;

#[test]
fn a_steady_step_is_one_pass_and_makes_nothing() {
    let device = gpu();
    let Training { tape, series, loss } = training().unwrap();
    let mut program = device.compile(&tape, &[loss]).unwrap();
    program.write(series, &data()).unwrap();
    // Until as many steps are in flight as ever will be.
    (0..8).for_each(|_| program.step().unwrap());

    let before = program.counts();
    let made = allocations(|| (0..STEPS).for_each(|_| program.step().unwrap()));
    let after = program.counts();
    assert_eq!(after.submits - before.submits, STEPS);
    assert_eq!(after.passes - before.passes, STEPS);
    assert_eq!(after.dispatches - before.dispatches, STEPS * program.plan().unwrap().steps.len() as u64);
    assert_eq!((after.uploads, after.uploaded_bytes), (before.uploads, before.uploaded_bytes));
    assert_eq!(before.uploads, 1);
    assert_eq!(made, 0, "heap allocations in {STEPS} steps");

    let losses = program.state().read("losses").unwrap().to_f64_vec();
    assert!(losses[17] < losses[0] && losses[..18].iter().all(|l| l.is_finite()), "this is no training: {losses:?}");
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1u8)))), 1);
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 100]))), 1);
}

/// wgpu's own counts of what is alive on the device.
fn objects(device: &tapetum::wgpu::Device) -> [(&'static str, isize); 9] {
    let c = device.get_internal_counters().hal;
    [
        ("buffers", c.buffers.read()),
        ("bytes of buffers", c.buffer_memory.read()),
        ("allocations", c.memory_allocations.read()),
        ("bind groups", c.bind_groups.read()),
        ("bind group layouts", c.bind_group_layouts.read()),
        ("pipelines", c.compute_pipelines.read()),
        ("pipeline layouts", c.pipeline_layouts.read()),
        ("shader modules", c.shader_modules.read()),
        ("query sets", c.query_sets.read()),
    ]
}

#[test]
fn a_steady_step_makes_no_object_on_the_gpu() {
    let device = gpu();
    let Device::Gpu(context) = &device else { panic!("a GPU device expected") };
    let Training { tape, series, loss } = training().unwrap();
    let empty = objects(context.device());
    let mut program = device.compile(&tape, &[loss]).unwrap();
    program.write(series, &data()).unwrap();
    (0..8).for_each(|_| program.step().unwrap());
    let before = objects(context.device());
    for (i, name) in [(0, "buffers"), (3, "bind groups"), (5, "pipelines")] {
        assert!(before[i].1 > empty[i].1, "wgpu does not count {name}: {before:?}");
    }
    for _ in 0..STEPS {
        program.step().unwrap();
        assert_eq!(objects(context.device()), before);
    }
}

#[test]
fn the_plan_takes_at_most_60_percent() {
    let Training { tape, loss, .. } = training().unwrap();
    for (name, software) in [("software", true), ("hardware", false)] {
        let plan = Plan::new(&tape, &[loss], &Target { software, ..Target::portable() }).unwrap();
        let m = plan.memory;
        let percent = |bytes: u64| 100.0 * bytes as f64 / m.unplanned as f64;
        println!(
            "{name}: {} dispatches, {} slots: {} bytes planned ({:.1} %), {} the least ({:.1} %), {} one by one",
            plan.steps.len(),
            plan.slots.len(),
            m.planned,
            percent(m.planned),
            m.lower_bound,
            percent(m.lower_bound),
            m.unplanned
        );
        assert!(m.lower_bound <= m.planned, "{plan}");
        assert!(percent(m.planned) <= 60.0, "{:.1} %\n{plan}", percent(m.planned));
    }
}
