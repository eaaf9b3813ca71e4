//! The benchmarks: every kernel is reached by a work, and the figures are right.

use crate::common::gpu;
use std::collections::BTreeSet;
use tapetum::Device;
use tapetum::bench::job::{Direction, Job, RecordedWork};
use tapetum::bench::measure::{Effort, Timing, times};
use tapetum::bench::{Bench, Settings, directions, kernels, works};
use tapetum::kernel::{Cost, Target};
use tapetum::ops::sources;
use tapetum::ops::work::{Size, Work};
use tapetum::plan::Plan;

fn work(name: &str) -> Work {
    works().into_iter().find(|w| w.name == name).unwrap()
}

fn recorded(name: &str, size: Size, direction: Direction) -> RecordedWork {
    let work = work(name);
    let (_, instance) = work.sizes.iter().find(|(s, _)| *s == size).unwrap();
    RecordedWork::new(instance, direction).unwrap()
}

#[test]
fn every_kernel_is_reached_by_a_work() {
    // Some kernels are for software adapters alone, others for GPUs, or for those with cooperative matrices.
    let targets = [(true, None), (false, None), (false, Some(16))];
    let targets = targets.map(|(software, cooperative)| Target { software, cooperative, ..Target::portable() });
    let of = |target| works().iter().flat_map(|w| kernels(w, target).unwrap()).collect::<BTreeSet<String>>();
    let reached: BTreeSet<String> = targets.iter().flat_map(of).collect();
    // The kernels of the ceilings are timed as ceilings.
    let missed: Vec<_> = sources().iter().map(|s| s.name).filter(|s| !s.starts_with("bench/") && !reached.contains(*s)).collect();
    assert!(missed.is_empty(), "no work reaches {missed:?}");
    assert!(reached.contains("pointwise/chain"));
}

/// All sizes of all works can be planned, the large ones with what fills a GPU, and within what every device binds.
#[test]
fn large_works_fill_a_gpu_and_every_device_binds_them() {
    let names: BTreeSet<_> = works().iter().map(|w| w.name).collect();
    assert_eq!(names.len(), works().len(), "two works of one name");
    let mut little = Vec::new();
    for work in works() {
        for &direction in directions(&work) {
            let mut last = Cost::default();
            for (size, instance) in &work.sizes {
                let recorded = RecordedWork::new(instance, direction).unwrap();
                let plan =
                    Plan::new(&recorded.tape, &recorded.outputs, &Target::portable()).unwrap_or_else(|e| panic!("{}: {e}", work.name));
                let cost = plan.cost();
                assert!(cost.bytes > last.bytes || cost.flops > last.flops, "{} {size:?} is no more than the size before", work.name);
                last = cost;
                let fills = cost.bytes >= f64::from(64 << 20) || cost.flops >= 1e10;
                if *size == Size::Large && !fills {
                    little.push(format!("{} {direction:?}: {cost:?}", work.name));
                }
            }
        }
    }
    assert!(little.is_empty(), "do not fill a GPU: {little:#?}");
}

/// A reverse work is timed without the forward pass that it needs.
#[test]
fn a_reverse_work_is_its_reverse_kernels() {
    let target = Target::portable();
    let timed = |name: &str| -> Vec<String> {
        let recorded = recorded(name, Size::Small, Direction::Reverse);
        let plan = Plan::new(&recorded.tape, &recorded.outputs, &target).unwrap();
        let timed = recorded.timed(&plan);
        plan.steps.iter().zip(timed).filter(|(_, t)| *t).map(|(s, _)| s.kernel.name.to_string()).collect()
    };
    assert_eq!(timed("softmax rows"), ["softmax/softmax_reverse"]);
    assert_eq!(timed("correlation"), ["covariance/symmetrise", "matmul/matmul", "covariance/standardise_reverse"]);
    // The forward sum of the memberships goes on with the chain by which the sweep divides, in one dispatch. The row products go to scratch,
    // which the next kernel reads.
    let logits = ["reduce/reduce", "parcellation/row_dot", "parcellation/memberships_reverse", "softmax/softmax_reverse"];
    assert_eq!(timed("soft_parcellation")[..4].iter().collect::<BTreeSet<_>>(), logits.map(String::from).iter().collect());
    assert_eq!(timed("transpose"), ["shape/transpose"]);
}

/// Launched many times in a pass, a kernel takes about as long a launch as by itself, by either clock.
#[test]
fn both_clocks_agree_on_a_kernel() {
    let device = gpu();
    let effort = Effort { samples: 5, least: 5, ..Effort::QUICK };
    let recorded = recorded("softmax rows", Size::Small, Direction::Forward);
    let mut program = device.compile(&recorded.tape, &recorded.outputs).unwrap();
    program.write(recorded.tape.lookup("operand 0").unwrap(), &tapetum::HostTensor::full([16, 64], 0.5)).unwrap();
    let mut fastest = |timing| {
        let found = times(&mut program, timing, &effort).unwrap();
        assert_eq!((found.samples.len(), found.samples[0].len(), found.fastest.len()), (5, 1, 1));
        assert!(found.samples.iter().all(|sample| found.fastest[0] <= sample[0]));
        found.fastest[0]
    };
    let wall = fastest(Timing::Wall);
    assert!(wall > 0.0);
    if Timing::of(&device) == Timing::Gpu {
        let gpu = fastest(Timing::Gpu);
        // Other programs may have most of the machine meanwhile; a clock that is wrong is wrong by its unit, or by the launches, which
        // are tens in one and hundreds in the other.
        assert!(gpu < 20.0 * wall && wall < 20.0 * gpu, "{gpu} ns by timestamps, {wall} ns by the host's clock");
    }
}

#[test]
fn a_job_is_timed_a_kernel_a_part() {
    let (device, quick) = (gpu(), Effort::QUICK);
    let recorded = recorded("pad", Size::Small, Direction::Forward);
    assert_eq!(recorded.shape(), "[64, 64]");
    let mut job = Job::new(&device, &recorded, 0).unwrap();
    let kernels: Vec<_> = job.parts().iter().map(|p| (p.kernel.as_str(), p.units.len(), p.workgroup)).collect();
    assert_eq!(kernels, [("shape/place", 1, Some([256, 1, 1]))]);
    let bytes: Vec<f64> = job.parts().iter().map(|p| p.cost.bytes).collect();
    assert_eq!(bytes, [16_384.0 + 20_480.0]);
    for stats in job.time(&quick).unwrap() {
        assert!(0.0 < stats.q1 && stats.q1 <= stats.median && stats.median <= stats.q3, "{stats:?}");
    }
}

/// On the host a work is its ops: the reverse without the forward pass.
#[test]
fn a_job_on_the_host_is_one_part() {
    let (device, quick) = (Device::cpu(), Effort::QUICK);
    let mut forward = Job::new(&device, &recorded("matmul", Size::Small, Direction::Forward), 0).unwrap();
    let mut reverse = Job::new(&device, &recorded("matmul", Size::Small, Direction::Reverse), 0).unwrap();
    let matrix = 4.0 * 64.0 * 64.0;
    let product = 2.0 * 64.0f64.powi(3);
    for (job, products) in [(&mut forward, 1.0), (&mut reverse, 2.0)] {
        let [part] = job.parts() else { panic!("{:?}", job.parts()) };
        assert_eq!((part.kernel.as_str(), part.workgroup), ("host", None));
        assert_eq!((part.cost.flops, part.cost.bytes), (products * product, products * 3.0 * matrix));
        assert!(job.time(&quick).unwrap()[0].median > 0.0);
    }
}

#[test]
fn a_filter_means_works_kernels_and_steps() {
    let device = Device::cpu();
    let stages = |filter: &str| {
        let settings = Settings { filter: Some(filter.into()), ..Settings::default() };
        Bench::new(&device, &settings).map(|b| b.stages() - 1)
    };
    // Large steps run where their names are asked for.
    assert_eq!(stages("step/").unwrap(), 9);
    assert_eq!(stages("FISHER_Z").unwrap(), 1);
    assert!(stages("covariance/weights_reverse").unwrap() >= 1, "a kernel's name stands for the works that reach it");
    // Three steps, and two starts.
    assert_eq!(stages("").unwrap(), works().len() + 5);
    let error = stages("nosuchkernel").unwrap_err().to_string();
    assert!(error.contains("`nosuchkernel`") && error.contains("there are "), "{error}");
}
