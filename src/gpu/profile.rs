//! Where a step's time goes: GPU timestamps around every dispatch.

use super::program::Program;
use super::readback;
use crate::kernel::Cost;
use crate::{Error, Result};

/// One dispatch of a profiled step.
#[derive(Debug, Clone, PartialEq)]
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
pub struct Profile {
    /// Its dispatches, in order.
    pub spans: Vec<Span>,
}

impl Profile {
    /// The step as a Chrome / Perfetto trace (`chrome://tracing`, ui.perfetto.dev).
    pub fn trace(&self) -> serde_json::Value {
        let event = |s: &Span| {
            serde_json::json!({
                "name": s.label, "cat": "dispatch", "ph": "X", "pid": 0, "tid": 0,
                "ts": s.start_ns / 1e3, "dur": s.duration_ns / 1e3,
                "args": { "kernel": s.kernel, "flops": s.cost.flops, "bytes": s.cost.bytes },
            })
        };
        serde_json::json!({ "displayTimeUnit": "ns", "traceEvents": self.spans.iter().map(event).collect::<Vec<_>>() })
    }

    /// The time from the first start to the last end, in nanoseconds.
    pub fn total_ns(&self) -> f64 {
        self.spans.iter().map(|s| s.start_ns + s.duration_ns).fold(0.0, f64::max)
    }
}

/// The most queries of a set.
const MOST: usize = 4096;

impl Program {
    /// Runs one step with a pass and two timestamps for each dispatch.
    ///
    /// # Errors
    /// Where the device has no timestamps, the step has more than 2,048 dispatches, or the device reports a fault.
    pub async fn profile(&mut self) -> Result<Profile> {
        let context = self.context().clone();
        let device = context.device();
        let n = self.plan().steps.len();
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(Error::Device { what: format!("`{}` has no timestamps", context.adapter().name()) });
        }
        if 2 * n > MOST || n == 0 {
            return Err(Error::argument(format!("a step of {n} dispatches cannot be profiled: 1 to {} can", MOST / 2)));
        }
        let size = (16 * n) as u64;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let buffer = wgpu::BufferDescriptor { label: Some("timestamps"), size, usage, mapped_at_creation: false };
        let queries = wgpu::QuerySetDescriptor { label: Some("timestamps"), ty: wgpu::QueryType::Timestamp, count: 2 * n as u32 };
        let resolved = context
            .guarded("a profiled step", || {
                let (queries, resolved) = (device.create_query_set(&queries), device.create_buffer(&buffer));
                let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("tapetum profile") });
                for i in 0..n {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                        label: Some(&self.plan().steps[i].label),
                        timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                            query_set: &queries,
                            beginning_of_pass_write_index: Some(2 * i as u32),
                            end_of_pass_write_index: Some(2 * i as u32 + 1),
                        }),
                    });
                    self.encode_one(i, &mut pass);
                }
                encoder.resolve_query_set(&queries, 0..2 * n as u32, &resolved, 0);
                context.queue().submit([encoder.finish()]);
                resolved
            })
            .await?;
        let bytes = readback::read_bytes(&context, &resolved, 0, size).await?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&bytes);
        let period = f64::from(context.queue().get_timestamp_period());
        let ns = |i: usize| ticks[i].wrapping_sub(ticks[0]) as f64 * period;
        let span = |(i, s): (usize, &crate::plan::Step)| Span {
            label: s.label.clone(),
            kernel: format!("{}/{}", s.kernel.name, s.kernel.variant),
            start_ns: ns(2 * i),
            duration_ns: ns(2 * i + 1) - ns(2 * i),
            cost: s.cost,
        };
        Ok(Profile { spans: self.plan().steps.iter().enumerate().map(span).collect() })
    }
}
