//! Profiles of a step's time: GPU timestamps around every dispatch.

use super::context::Context;
use super::fault::guarded;
use super::program::GpuProgram;
use super::readback::Reading;
use crate::kernel::Cost;
use crate::tensor::TensorType;
use crate::{Error, Result};
#[cfg(not(target_arch = "wasm32"))]
use std::time::{Duration, Instant};

/// One dispatch of a profiled step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// The op.
    pub label: String,
    /// Kernel and variant.
    pub kernel: String,
    /// Start, in nanoseconds since the step's first.
    pub start_ns: f64,
    /// Duration in nanoseconds.
    pub duration_ns: f64,
    /// FLOPs and bytes by definition.
    pub cost: Cost,
}

/// A profiled step.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Profile {
    /// Its dispatches, in order.
    pub spans: Vec<Span>,
}

impl Profile {
    /// The step as a Chrome / Perfetto trace (`chrome://tracing`, ui.perfetto.dev).
    pub fn trace(&self) -> serde_json::Value {
        serde_json::json!({ "displayTimeUnit": "ns", "traceEvents": self.events(0).collect::<Vec<_>>() })
    }

    /// The dispatches as events of a trace, in the process `pid`.
    pub(crate) fn events(&self, pid: usize) -> impl Iterator<Item = serde_json::Value> + '_ {
        self.spans.iter().map(move |s| {
            serde_json::json!({
                "name": s.label, "cat": "dispatch", "ph": "X", "pid": pid, "tid": 0,
                "ts": s.start_ns / 1e3, "dur": s.duration_ns / 1e3,
                "args": { "kernel": s.kernel, "flops": s.cost.flops, "bytes": s.cost.bytes },
            })
        })
    }

    /// The time from the first start to the last end, in nanoseconds.
    pub fn total_ns(&self) -> f64 {
        self.spans.iter().map(|s| s.start_ns + s.duration_ns).fold(0.0, f64::max)
    }
}

/// The most queries of a set.
const MOST: usize = 4096;

impl GpuProgram {
    /// Runs one step with a pass and two timestamps for each dispatch.
    ///
    /// # Errors
    /// Where the device has no timestamps, the step has more than 2,048 dispatches, or the device reports a fault.
    pub async fn profile(&mut self) -> Result<Profile> {
        self.profile_launches(&vec![1; self.plan().steps.len()]).await
    }

    /// [`GpuProgram::profile`] with dispatch i launched `launches[i]` times in its pass, one after the other; durations are those of one
    /// launch, so that what a pass and its timestamps cost is shared among the launches. State is updated that often.
    ///
    /// # Errors
    /// As [`GpuProgram::profile`], and where `launches` is not a positive number for each dispatch.
    pub async fn profile_launches(&mut self, launches: &[u32]) -> Result<Profile> {
        let n = self.plan().steps.len();
        if 2 * n > MOST || n == 0 {
            return Err(Error::argument(format!("a step of {n} dispatches cannot be profiled: 1 to {} can", MOST / 2)));
        }
        if launches.len() != n || launches.contains(&0) {
            return Err(Error::argument(format!("{} launches for {n} dispatches: one or more for each expected", launches.len())));
        }
        let times = timestamps(&self.context().clone(), 2 * n, |encoder, queries| {
            for (i, &launches) in launches.iter().enumerate() {
                let mut pass = timed_pass(encoder, queries, &self.plan().steps[i].label, 2 * i as u32);
                (0..launches).for_each(|_| self.encode_one(i, &mut pass));
            }
        })
        .await?;
        let span = |(i, s): (usize, &crate::plan::Step)| Span {
            label: s.label.clone(),
            kernel: format!("{}/{}", s.kernel.name, s.kernel.variant),
            start_ns: times[2 * i],
            duration_ns: (times[2 * i + 1] - times[2 * i]) / f64::from(launches[i]),
            cost: s.cost,
        };
        Ok(Profile { spans: self.plan().steps.iter().enumerate().map(span).collect() })
    }

    /// Runs one step as it is replayed, in one pass, and returns the nanoseconds that the device took from its first dispatch to its last.
    ///
    /// # Errors
    /// Where the device has no timestamps or reports a fault.
    pub async fn step_time(&mut self) -> Result<f64> {
        let times = timestamps(&self.context().clone(), 2, |encoder, queries| {
            let mut pass = timed_pass(encoder, queries, "tapetum step", 0);
            (0..self.plan().steps.len()).for_each(|i| self.encode_one(i, &mut pass));
        })
        .await?;
        Ok(times[1] - times[0])
    }

    /// The wall time from the submission of `launches` launches of dispatch `at`, in one pass, to their end: for devices without
    /// timestamps.
    ///
    /// # Errors
    /// Where there is no such dispatch, or the device reports a fault.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wall_time(&mut self, at: usize, launches: u32) -> Result<Duration> {
        if at >= self.plan().steps.len() {
            return Err(Error::argument(format!("no dispatch {at} in a step of {}", self.plan().steps.len())));
        }
        let context = self.context().clone();
        // Work submitted before is not timed.
        context.poll(Some(context.queue().submit([])))?;
        let start = Instant::now();
        let submission = context.stepping(|| {
            let mut encoder = context.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum timed") });
            let mut pass =
                encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: Some("tapetum timed"), timestamp_writes: None });
            (0..launches).for_each(|_| self.encode_one(at, &mut pass));
            drop(pass);
            context.queue().submit([encoder.finish()])
        })?;
        context.poll(Some(submission))?;
        Ok(start.elapsed())
    }

    /// The host's time to record one step into an encoder and to close it. Nothing is submitted.
    ///
    /// # Errors
    /// As [`GpuProgram::encode`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn encode_time(&mut self) -> Result<Duration> {
        let context = self.context().clone();
        let start = Instant::now();
        let mut encoder = context.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum timed") });
        self.encode(&mut encoder)?;
        let recorded = encoder.finish();
        let taken = start.elapsed();
        drop(recorded);
        Ok(taken)
    }
}

/// A pass that writes the queries `first` and `first + 1` where it begins and where it ends.
fn timed_pass<'a>(encoder: &'a mut wgpu::CommandEncoder, queries: &wgpu::QuerySet, label: &str, first: u32) -> wgpu::ComputePass<'a> {
    encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some(label),
        timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
            query_set: queries,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }),
    })
}

/// Submits what `record` records, and reads `count` timestamps that it wrote: nanoseconds since the first.
async fn timestamps(context: &Context, count: usize, record: impl FnOnce(&mut wgpu::CommandEncoder, &wgpu::QuerySet)) -> Result<Vec<f64>> {
    let device = context.device();
    if !context.timestamps() {
        return Err(Error::Device { what: format!("`{}` has no timestamps", context.adapter().name()) });
    }
    let size = (8 * count) as u64;
    let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
    let buffer = wgpu::BufferDescriptor { label: Some("timestamps"), size, usage, mapped_at_creation: false };
    let queries = wgpu::QuerySetDescriptor { label: Some("timestamps"), ty: wgpu::QueryType::Timestamp, count: count as u32 };
    let resolved = guarded(context.device(), "a profiled step", || {
        let (queries, resolved) = (device.create_query_set(&queries), device.create_buffer(&buffer));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum profile") });
        record(&mut encoder, &queries);
        encoder.resolve_query_set(&queries, 0..count as u32, &resolved, 0);
        context.queue().submit([encoder.finish()]);
        resolved
    })
    .await?;
    let bytes = Reading::begin(context, &resolved, 0, TensorType::u32([2 * count])).await?.bytes().await?;
    let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
    let period = f64::from(context.queue().get_timestamp_period());
    Ok(ticks.iter().map(|t| t.wrapping_sub(ticks[0]) as f64 * period).collect())
}
