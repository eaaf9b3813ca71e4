//! `tapetum bench`.

use super::common::{Common, Done, note, progress};
use super::traffic;
use crate::bench::compare::{Baseline, Comparison, Verdict};
use crate::bench::job::{Direction, HOST};
use crate::bench::measure::Timing;
use crate::bench::own::{self, Bound, Contents, Launch};
use crate::bench::report::{LeftOut, Report, Row};
use crate::bench::start::{Start, StartRow};
use crate::bench::step::StepRow;
use crate::bench::{Bench as Measured, Settings, machine::Machine};
use crate::file::{OutputFolder, write_file};
use crate::ops::work::Size;
use crate::report::picture::{Ceiling, Point, roofline};
use crate::report::table;
use crate::{Device, Error, Result, Shape};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Bench {
    /// Only the works and steps whose names contain this, or the kernels where no work and no step has such a name.
    filter: Option<String>,
    /// Write bench.json, bench.csv and roofline.svg into a folder.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print ratios against an earlier bench.json of the same adapter and driver; past the threshold, exit with 3.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
    /// The greatest ratio of a kernel's time to its time in the earlier run.
    #[arg(long, default_value_t = 1.10, value_parser = threshold, requires = "compare", value_name = "RATIO")]
    threshold: f64,
    /// Take a few samples of each; time only small sizes, unless another is named.
    #[arg(long)]
    quick: bool,
    /// Time only works of this size, and no steps.
    #[arg(long, value_parser = size, value_name = "small|medium|large")]
    size: Option<Size>,
    /// Write one step of each training step that is timed to a file, for ui.perfetto.dev: when each dispatch began, and how long it took.
    #[arg(long, value_name = "FILE.json")]
    trace: Option<PathBuf>,
    /// Count the bytes that each kernel loads and stores, in place of its time: on software adapters, of the kernels that a GPU would be
    /// given. Sizes beyond medium are left out, unless another is named. With `--out`, a table `traffic.tsv` is written.
    #[arg(long, conflicts_with_all = ["compare", "trace"])]
    traffic: bool,
    /// Time a kernel of your own: a file of WGSL with the entry point `main`, storage buffers at @group(0) and, if it has parameters, one
    /// uniform struct at @group(1) @binding(0).
    #[arg(long, value_name = "FILE.wgsl", requires_all = ["bindings", "workgroups"], conflicts_with_all = ["filter", "size", "shape"])]
    kernel: Option<PathBuf>,
    /// The storage buffers of the kernel, by the names of its variables: `x=4096x64` is drawn at random, or is the kernel's to write;
    /// `sums=zeros:4096` begins with zeros, and `index=FILE.npy` with the elements of a file. A shape counts scalars, also where the
    /// kernel has vectors.
    #[arg(long, value_delimiter = ',', value_parser = binding, value_name = "NAME=SHAPE|zeros:SHAPE|FILE.npy,...", requires = "kernel")]
    bindings: Vec<Bound>,
    /// The workgroups of the kernel; beyond 65,535 they are folded in two dimensions.
    #[arg(long, value_name = "N", requires = "kernel", value_parser = clap::value_parser!(u32).range(1..))]
    workgroups: Option<u32>,
    /// The words of the kernel's uniform struct.
    #[arg(long, value_delimiter = ',', value_name = "X,...", requires = "kernel", allow_hyphen_values = true)]
    params: Vec<f64>,
    /// The floating-point operations of the kernel.
    #[arg(long, default_value_t = 0.0, value_name = "N", requires = "kernel")]
    flops: f64,
    /// Compile the kernel without runtime checks: it must not index outside its buffers, nor loop without end.
    #[arg(long, requires = "kernel")]
    unchecked: bool,
    /// Time one work on operands of these shapes: `4096x512,512x128`.
    #[arg(long, value_parser = shapes, value_name = "SHAPES", conflicts_with = "size", requires = "filter")]
    shape: Option<Shapes>,
}

/// The shapes of a work's operands.
#[derive(Debug, Clone)]
struct Shapes(Vec<Shape>);

fn size(text: &str) -> Result<Size, String> {
    let found = Size::ALL.into_iter().find(|size| size.name() == text);
    found.ok_or_else(|| "small, medium or large is expected".into())
}

fn shape(text: &str) -> Result<Shape, String> {
    let extent =
        |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no extent: shapes such as 4096x512,512x128 are expected"));
    let extents = text.split('x').map(extent).collect::<Result<Vec<_>, _>>()?;
    Shape::try_new(&extents).ok_or_else(|| format!("`{text}` has too many axes"))
}

fn shapes(text: &str) -> Result<Shapes, String> {
    text.split(',').map(shape).collect::<Result<_, _>>().map(Shapes)
}

fn binding(text: &str) -> Result<Bound, String> {
    let (name, contents) = text.split_once('=').ok_or("NAME=SHAPE, NAME=zeros:SHAPE or NAME=FILE.npy is expected")?;
    let contents = match contents.strip_prefix("zeros:") {
        Some(zeros) => Contents::Zeros(shape(zeros)?),
        None if contents.ends_with(".npy") => Contents::File(contents.into()),
        None => Contents::Shape(shape(contents)?),
    };
    Ok(Bound { name: name.to_owned(), contents })
}

fn threshold(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(ratio) if ratio.is_finite() && ratio > 1.0 => Ok(ratio),
        _ => Err("a number above 1 is expected".into()),
    }
}

impl Bench {
    pub(super) fn run(self, common: &Common) -> Result<Done> {
        let earlier = self.compare.as_deref().map(|path| Baseline::read(path).map(|b| (path, b))).transpose()?;
        let device = common.any_device()?;
        if let Some((path, baseline)) = &earlier {
            baseline.check(path, &Machine::of(&device), Timing::of(&device).name())?;
        }
        if self.kernel.is_some() && matches!(device, Device::Cpu(_)) {
            return Err(Error::argument("--kernel: the host executor runs no kernels, an adapter is expected"));
        }
        if self.trace.is_some() && Timing::of(&device) == Timing::Wall {
            return Err(Error::argument("--trace: a device with timestamps is expected"));
        }
        let launch = || Launch {
            bindings: self.bindings.clone(),
            workgroups: self.workgroups.unwrap_or(1) as usize,
            params: self.params.clone(),
            flops: self.flops,
            unchecked: self.unchecked,
        };
        let own = self.kernel.as_deref().map(|path| own::work(path, &launch())).transpose()?;
        let shapes = self.shape.as_ref().map(|shapes| shapes.0.clone());
        let (filter, quick, traffic) = (self.filter.clone(), self.quick, self.traffic);
        let settings = Settings { filter, quick, size: self.size, shapes, own, seed: common.seed, traffic };
        let bench = Measured::new(&device, &settings)?;
        let none = || Error::argument("--trace: no training step is timed: `tapetum bench step/demo` times one");
        if self.trace.is_some() && !bench.times_steps() {
            return Err(none());
        }
        let mut folder = self.out.as_ref().map(OutputFolder::new).transpose()?;
        common.say(&device);
        if self.traffic {
            return traffic::run(&bench, &device, folder, common);
        }
        let bar = progress(bench.stages() as u64, "stages")?;
        let suspicious = earlier.as_ref().map(|(_, baseline)| (baseline, self.threshold));
        let report = bench.run(suspicious, |stage| bar.next(None, stage))?;
        bar.finish();

        let compared = earlier.as_ref().map(|(_, baseline)| baseline.compare(&report, self.threshold));
        if let Some(folder) = &mut folder {
            write(folder, &report)?;
        }
        folder.map(OutputFolder::commit).transpose()?;
        if let Some(path) = &self.trace {
            write_file(path, format!("{:#}\n", report.trace().ok_or_else(none)?).as_bytes())?;
        }
        let mut object = report.json();
        if let Some(compared) = &compared {
            object["comparison"] = compared.json();
        }
        common.print(&object, || text(&report, compared.as_ref()))?;
        if let Some((compared, (path, _))) = compared.as_ref().zip(earlier.as_ref()).filter(|(c, _)| c.rows.is_empty() && c.unsteady == 0) {
            return Err(Error::file(*path, format!("has none of the {} rows of this run", compared.unmatched)));
        }
        if compared.as_ref().is_some_and(Comparison::machine_moved) {
            note("warning: the control moved by more than the threshold: the machine itself is faster or slower than it was");
        }
        Ok(if compared.is_some_and(|c| c.slower()) { Done::Missed } else { Done::Well })
    }
}

fn write(folder: &mut OutputFolder, report: &Report) -> Result<()> {
    folder.add("bench.json", format!("{:#}\n", report.json()).as_bytes())?;
    folder.add("bench.csv", &report.csv().map_err(|e| Error::argument(format!("the table: {e}")))?)?;
    folder.add("roofline.svg", picture(report)?.as_bytes())
}

fn text(report: &Report, compared: Option<&Comparison>) -> String {
    let mut parts = vec![ceilings(report)];
    if !report.rows.is_empty() {
        parts.push(kernels(report));
    }
    if !report.steps.is_empty() {
        parts.push(steps(&report.steps));
    }
    if !report.starts.is_empty() {
        parts.push(starts(&report.starts));
    }
    if !report.left_out.is_empty() {
        parts.push(left_out(&report.left_out));
    }
    if let Some(compared) = compared {
        parts.push(comparison(compared));
    }
    parts.join("\n\n")
}

/// The works that were left out, with the reasons.
pub(super) fn left_out(works: &[LeftOut]) -> String {
    let line = |l: &LeftOut| format!("  {} {}, {}: {}", l.work, l.direction.name(), l.size.name(), l.why);
    format!("left out:\n{}", works.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn ceilings(report: &Report) -> String {
    let c = &report.ceilings;
    let usual = report.control_bytes / report.control.median;
    let mut lines = vec![
        format!("{}, {}", report.machine.device(), report.machine.date),
        format!("copy         {} GB/s read and written at best, median {}", digits(c.bytes_per_second / 1e9), digits(usual)),
        format!("read         {} GB/s alone, write {}", digits(c.read_bytes_per_second / 1e9), digits(c.write_bytes_per_second / 1e9)),
    ];
    lines.extend(c.workgroup_bytes_per_second.map(|b| format!("workgroup    {} GB/s loaded from its memory", digits(b / 1e9))));
    lines.push(format!("FMA in f32   {} GFLOP/s", digits(c.flops / 1e9)));
    lines.extend(c.flops_f16.map(|f| format!("FMA in f16   {} GFLOP/s", digits(f / 1e9))));
    lines.push(format!("a dispatch   {}, with nothing to do", duration(c.dispatch.median)));
    lines.push(format!("round trip   {}, from submission to the host", duration(c.round_trip.median)));
    lines.push(match report.timing {
        Timing::Gpu => "kernels are timed by the device's timestamps".into(),
        Timing::Wall => "kernels are timed by the host's clock".into(),
    });
    lines.join("\n")
}

fn kernels(report: &Report) -> String {
    let figures = |r: &Row| {
        let rate = |x: f64| if x > 0.0 { digits(x / 1e9) } else { "-".into() };
        vec![
            r.launches.to_string(),
            r.workgroup.map_or("-".into(), |w| w.iter().product::<u32>().to_string()),
            duration(r.time.median),
            format!("{} - {}", duration(r.time.q1), duration(r.time.q3)),
            rate(r.flops_rate()),
            rate(r.bytes_rate()),
            format!("{:.0} %{}", r.percent, if r.beside.steady { " " } else { "?" }),
        ]
    };
    let header = ["launches", "workgroup", "median", "quartiles", "GFLOP/s", "GB/s", "of roofline"];
    let names = |r: &Row| [work(&r.work, r.direction.name()), r.shape.clone(), r.size.name().into(), r.kernel.clone()];
    let rows: Vec<_> = report.rows.iter().map(|r| (names(r), figures(r), &*r.variant)).collect();
    kernel_table(&header, &rows)
}

/// A table of kernels. A row has the work, the shape, the size and the kernel; its figures, whose names are `header`; and the variant. Variants
/// have long names, so they stand in the last column, aligned to the left.
pub(super) fn kernel_table(header: &[&str], rows: &[([String; 4], Vec<String>, &str)]) -> String {
    let widest = rows.iter().map(|(_, _, variant)| variant.chars().count()).max().unwrap_or(0);
    let aligned = |variant: &str| format!("{variant:<widest$}");
    let line = |(names, figures, variant): &([String; 4], Vec<String>, &str)| [&names[..], figures, &[aligned(variant)]].concat();
    let variant = aligned("variant");
    let header = [&["work (' reverse)", "shape", "size", "kernel"][..], header, &[&variant]].concat();
    table(&header, &rows.iter().map(line).collect::<Vec<_>>())
}

/// A work's name, marked with a stroke where the direction is reverse.
pub(super) fn work(name: &str, direction: &str) -> String {
    if direction == Direction::Reverse.name() { format!("{name} '") } else { name.to_owned() }
}

fn steps(steps: &[StepRow]) -> String {
    let row = |s: &StepRow| {
        let of = |f: &dyn Fn(&crate::bench::step::OnDevice) -> String| s.device.as_ref().map_or("-".into(), f);
        vec![
            s.name.to_owned(),
            duration(s.wall.median),
            of(&|d| d.dispatches.to_string()),
            of(&|d| duration(d.encode_a_dispatch())),
            of(&|d| d.gpu.map_or("-".into(), |g| duration(g.median))),
            of(&|d| duration(d.kernels)),
            of(&|d| d.idle().map_or("-".into(), |i| format!("{:.1} %", 100.0 * i))),
            s.memory.map_or("-".into(), |m| bytes(m.peak)),
        ]
    };
    let header = ["training step", "wall", "dispatches", "encode each", "device", "its kernels", "idle", "memory"];
    table(&header, &steps.iter().map(row).collect::<Vec<_>>())
}

fn starts(starts: &[StartRow]) -> String {
    let row = |name: &str, of: &str, start: &Start, kept: u64| {
        let times = [start.device, start.compiled, start.step].map(|time| duration(time.median));
        [name.to_owned(), of.into()].into_iter().chain(times).chain([bytes(kept)]).collect::<Vec<_>>()
    };
    let rows = |s: &StartRow| [Some(row(&s.name, "cold", &s.cold, 0)), s.warm.as_ref().map(|warm| row(&s.name, "warm", warm, s.kept))];
    let header = ["start", "pipelines", "device", "compiled", "first step", "kept before"];
    table(&header, &starts.iter().flat_map(rows).flatten().collect::<Vec<_>>())
}

fn comparison(c: &Comparison) -> String {
    let row = |r: &crate::bench::compare::Compared| {
        vec![
            work(&r.key.work, &r.key.direction),
            r.key.shape.clone(),
            r.key.kernel.clone(),
            duration(r.old.median),
            duration(r.new.median),
            format!("{:.2}", r.ratio),
            format!("{:.2}", r.judged),
            r.verdict.name().into(),
        ]
    };
    let control = ["the control, a copy", "", "bench/copy", "", ""].map(String::from).into_iter().chain([
        format!("{:.2}", c.control.ratio),
        "1.00".into(),
        format!("{:.2} - {:.2}", c.control.low, c.control.high),
    ]);
    let rows: Vec<Vec<String>> = [control.collect()].into_iter().chain(c.rows.iter().map(row)).collect();
    let count = |v: Verdict| c.rows.iter().filter(|r| r.verdict == v).count();
    let header = ["work (' reverse)", "shape", "kernel", "then", "now", "ratio", "over control", ""];
    format!(
        "{}\n{} compared at a threshold of {}: {} slower, {} faster, {} noise; {} of this run alone, {} not steady",
        table(&header, &rows),
        c.rows.len(),
        c.threshold,
        count(Verdict::Slower),
        count(Verdict::Faster),
        count(Verdict::Noise),
        c.unmatched,
        c.unsteady
    )
}

/// A number in about three digits, as a whole number from 100 on.
fn digits(x: f64) -> String {
    match x {
        x if x >= 100.0 => format!("{x:.0}"),
        x if x >= 10.0 => format!("{x:.1}"),
        x if x >= 0.01 => format!("{x:.2}"),
        x => format!("{x:.1e}"),
    }
}

fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{} µs", digits(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", digits(ns / 1e6)),
        ns => format!("{} s", digits(ns / 1e9)),
    }
}

fn bytes(n: u64) -> String {
    match n as f64 / 1024.0 {
        kib if kib < 1024.0 => format!("{kib:.1} KiB"),
        kib => format!("{:.1} MiB", kib / 1024.0),
    }
}

/// Each kernel is named once: at its largest size, where it comes nearest to its roofline.
fn picture(report: &Report) -> Result<String> {
    let c = &report.ceilings;
    let peaks = [("FMA in f32", Some(c.flops)), ("FMA in f16", c.flops_f16)];
    let peaks = peaks.into_iter().filter_map(|(name, rate)| Some((name.to_owned(), rate?))).collect();
    let named = |r: &Row| if r.kernel == HOST { r.work.clone() } else { r.kernel.clone() };
    let largest = |r: &Row| {
        let larger = |o: &&Row| (&o.kernel, &o.work, o.direction) == (&r.kernel, &r.work, r.direction) && o.size > r.size;
        report.rows.iter().find(larger).is_none()
    };
    let point = |r: &Row| {
        let best = report.rows.iter().filter(|o| largest(o) && named(o) == named(r)).max_by(|a, b| a.percent.total_cmp(&b.percent));
        let name = named(r);
        Point {
            family: r.family.clone(),
            label: best.filter(|b| std::ptr::eq(*b, r)).map(|_| name.rsplit('/').next().unwrap_or(&name).replace('_', " ")),
            detail: format!("{name}: {} {} {}, {}, {:.0} %", r.work, r.direction.name(), r.shape, duration(r.time.median), r.percent),
            flops: r.cost.flops,
            bytes: r.cost.bytes,
            seconds: r.time.median / 1e9,
            reverse: r.direction == Direction::Reverse,
            faint: !largest(r),
        }
    };
    let points: Vec<Point> = report.rows.iter().map(point).collect();
    let subtitle = format!("{}, {}", report.machine.device(), report.machine.date);
    roofline("Kernels below the roofline", &subtitle, &Ceiling { bandwidth: c.bytes_per_second, peaks }, &points)
}
