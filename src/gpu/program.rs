//! A plan bound to a device: pipelines, buffers and bind groups made once, then replayed.

use super::boundary;
use super::context::Context;
use super::fault::guarded;
use super::readback::Reading;
use super::state::{Buffers, sized_buffer, storage_buffer, upload};
use super::submission::Submission;
use crate::blocking::block_on;
use crate::plan::{Plan, Storage};
use crate::tape::Var;
use crate::tensor::{HostTensor, TensorType};
use crate::{Error, Result};
use std::collections::HashMap;

/// The work a program has done since it was made, counted by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Steps encoded.
    pub steps: u64,
    /// Submissions to the queue.
    pub submits: u64,
    /// Compute passes.
    pub passes: u64,
    /// Dispatches.
    pub dispatches: u64,
    /// Writes from the host.
    pub uploads: u64,
    /// Their bytes.
    pub uploaded_bytes: u64,
}

/// A range of a buffer.
#[derive(Debug, Clone)]
struct BufferRange {
    buffer: wgpu::Buffer,
    offset: u64,
    size: u64,
}

impl BufferRange {
    fn whole(buffer: wgpu::Buffer) -> Self {
        Self { offset: 0, size: buffer.size(), buffer }
    }
}

/// A dispatch ready to encode.
#[derive(Debug)]
struct BoundDispatch {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    uniform: u32,
    grid: [u32; 3],
}

/// The most submissions of steps in flight: before another is made, the host waits for the oldest.
const IN_FLIGHT: usize = 3;

/// A compiled tape on a device.
#[derive(Debug)]
pub struct GpuProgram {
    context: Context,
    plan: Plan,
    places: HashMap<Storage, BufferRange>,
    written: Vec<bool>,
    uniforms: wgpu::BindGroup,
    dispatches: Vec<BoundDispatch>,
    in_flight: [Option<Submission>; IN_FLIGHT],
    counts: Counts,
}

impl GpuProgram {
    /// Binds `plan`, whose states `state` holds.
    pub(crate) async fn new(context: Context, plan: Plan, state: &Buffers) -> Result<Self> {
        context.fault()?;
        let mut places = HashMap::new();
        for (i, &bytes) in plan.slots.iter().enumerate() {
            places.insert(Storage::Slot(i), BufferRange::whole(sized_buffer(&context, &format!("slot {i}"), bytes).await?));
        }
        for (i, (name, ty, _)) in plan.inputs.iter().enumerate() {
            places.insert(Storage::Input(i), BufferRange::whole(storage_buffer(&context, name, *ty).await?));
        }
        for (i, value) in plan.constants.iter().enumerate() {
            let buffer = storage_buffer(&context, "constant", value.ty()).await?;
            upload(&context, &buffer, value.bytes().unwrap_or(&[]))?;
            places.insert(Storage::Constant(i), BufferRange::whole(buffer));
        }
        for (i, (name, _, _)) in plan.states.iter().enumerate() {
            let buffer = state.buffer(name).ok_or_else(|| Error::tensor(name, "is a state the store does not hold"))?;
            places.insert(Storage::State(i), BufferRange::whole(buffer.clone()));
        }
        let (uniforms, offsets) = uniforms(&context, &plan).await?;
        let mut dispatches = Vec::with_capacity(plan.steps.len());
        for (step, uniform) in plan.steps.iter().zip(offsets) {
            let written: Vec<bool> = step.bindings.iter().map(|b| b.1).collect();
            let pipeline = context.pipelines().pipeline(&step.kernel, &written).await?;
            let group = bind(&context, &places, &step.bindings).await?;
            dispatches.push(BoundDispatch { pipeline, group, uniform, grid: step.grid });
        }
        let written = vec![false; plan.inputs.len()];
        let in_flight = [const { None }; IN_FLIGHT];
        Ok(Self { context, plan, places, written, uniforms, dispatches, in_flight, counts: Counts::default() })
    }

    /// The device.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The plan that is replayed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The counts of the work done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Fills an input from the host.
    ///
    /// # Errors
    /// Where `input` is no input of this program, or the value is of another type.
    pub fn write(&mut self, input: Var, value: &HostTensor) -> Result<()> {
        let at = self.input(input)?;
        let (name, ty, _) = &self.plan.inputs[at];
        if value.ty() != *ty || value.is_f64() {
            return Err(Error::tensor(name, format!("is {ty}, written with {}", value.ty())));
        }
        let bytes = value.bytes().unwrap_or(&[]);
        upload(&self.context, &self.places[&Storage::Input(at)].buffer, bytes)?;
        self.written[at] = true;
        self.counts.uploads += 1;
        self.counts.uploaded_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Takes an application's buffer for an input, from `offset` on.
    ///
    /// # Errors
    /// Where `input` is no input, or the buffer is too small, misaligned, or not a storage buffer.
    pub async fn bind_input(&mut self, input: Var, buffer: &wgpu::Buffer, offset: u64) -> Result<()> {
        let at = self.input(input)?;
        let (name, ty, _) = self.plan.inputs[at].clone();
        self.rebind(Storage::Input(at), &name, ty, buffer, offset).await?;
        self.written[at] = true;
        Ok(())
    }

    /// Takes an application's buffer for an output, from `offset` on.
    ///
    /// # Errors
    /// As [`GpuProgram::bind_input`], and where the output is an input, state or constant, which have their own.
    pub async fn bind_output(&mut self, output: Var, buffer: &wgpu::Buffer, offset: u64) -> Result<()> {
        let (ty, storage) = self.output(output)?;
        if !matches!(storage, Storage::Slot(_)) {
            return Err(Error::tensor(format!("output {}", output.index()), "is no result of an op, and has its own buffer"));
        }
        self.rebind(storage, &format!("output {}", output.index()), ty, buffer, offset).await
    }

    async fn rebind(&mut self, storage: Storage, name: &str, ty: TensorType, buffer: &wgpu::Buffer, offset: u64) -> Result<()> {
        let alignment = u64::from(self.context.device().limits().min_storage_buffer_offset_alignment);
        let size = ty.bytes();
        if !buffer.usage().contains(wgpu::BufferUsages::STORAGE) {
            return Err(Error::tensor(name, "was given a buffer without the usage STORAGE"));
        }
        if !offset.is_multiple_of(alignment) {
            return Err(Error::tensor(name, format!("was given an offset of {offset} bytes, not a multiple of {alignment}")));
        }
        if offset.checked_add(size).is_none_or(|end| end > buffer.size()) {
            let what = format!("takes {size} bytes from {offset} on, and the buffer given has {}", buffer.size());
            return Err(Error::tensor(name, what));
        }
        let place = BufferRange { buffer: buffer.clone(), offset, size };
        for step in self.plan.steps.iter().filter(|s| s.bindings.iter().any(|b| b.0 == storage)) {
            let here = step.bindings.iter().any(|b| b.0 == storage && b.1);
            let clash = step.bindings.iter().any(|(s, w)| *s != storage && self.places[s].buffer == *buffer && (here || *w));
            if clash {
                return Err(Error::tensor(name, format!("was given a buffer that `{}` also reads or writes", step.label)));
            }
        }
        let before = self.places.insert(storage, place);
        let mut groups = Vec::new();
        for (i, step) in self.plan.steps.iter().enumerate().filter(|(_, s)| s.bindings.iter().any(|b| b.0 == storage)) {
            match bind(&self.context, &self.places, &step.bindings).await {
                Ok(group) => groups.push((i, group)),
                Err(e) => {
                    before.map(|p| self.places.insert(storage, p));
                    return Err(e);
                }
            }
        }
        groups.into_iter().for_each(|(i, group)| self.dispatches[i].group = group);
        Ok(())
    }

    /// Records one step into an application's encoder: one compute pass. Nothing is submitted.
    ///
    /// # Errors
    /// Where an input was never written, or the device was lost.
    pub fn encode(&mut self, encoder: &mut wgpu::CommandEncoder) -> Result<()> {
        self.context.fault()?;
        if let Some(at) = self.written.iter().position(|w| !w) {
            return Err(Error::tensor(&self.plan.inputs[at].0, "is an input that was never written"));
        }
        let descriptor = wgpu::ComputePassDescriptor { label: Some("tapetum step"), timestamp_writes: None };
        let mut pass = boundary::wgpu(|| encoder.begin_compute_pass(&descriptor));
        for r in &self.dispatches {
            boundary::wgpu(|| r.encode(&mut pass, &self.uniforms));
        }
        boundary::wgpu(|| drop(pass));
        self.counts.steps += 1;
        self.counts.passes += 1;
        self.counts.dispatches += self.dispatches.len() as u64;
        Ok(())
    }

    /// Runs `n` steps in one submission, and lets the host run ahead of the device by at most a few.
    ///
    /// # Errors
    /// Where an input was never written, or the device reports a fault, this step's or an earlier one's; in a browser also where three
    /// submissions are not done yet, because nothing may wait there. Nothing is submitted then.
    pub fn steps(&mut self, n: usize) -> Result<()> {
        block_on(self.steps_async(n))?
    }

    /// The asynchronous form of [`GpuProgram::steps`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`GpuProgram::steps`].
    pub async fn steps_async(&mut self, n: usize) -> Result<()> {
        match &self.in_flight[0] {
            Some(oldest) => oldest.done(&self.context).await?,
            None => self.context.poll(None)?,
        }
        let submitted = self.submit(n)?;
        self.in_flight.rotate_left(1);
        self.in_flight[IN_FLIGHT - 1] = Some(submitted);
        self.context.fault()
    }

    fn submit(&mut self, n: usize) -> Result<Submission> {
        let context = self.context.clone();
        context.stepping(|| {
            let descriptor = wgpu::CommandEncoderDescriptor { label: Some("tapetum step") };
            let mut encoder = boundary::wgpu(|| context.device().create_command_encoder(&descriptor));
            for _ in 0..n {
                self.encode(&mut encoder)?;
            }
            self.counts.submits += 1;
            Ok(Submission::new(&context, encoder))
        })?
    }

    /// Waits until what was submitted so far is done.
    ///
    /// # Errors
    /// Where the device reports a fault.
    pub fn wait(&self) -> Result<()> {
        block_on(self.wait_async())?
    }

    /// The asynchronous form of [`GpuProgram::wait`], for callers that must not block.
    ///
    /// # Errors
    /// The same as those of [`GpuProgram::wait`].
    pub async fn wait_async(&self) -> Result<()> {
        match &self.in_flight[IN_FLIGHT - 1] {
            Some(last) => last.done(&self.context).await,
            None => Ok(()),
        }
    }

    /// An output as the last step left it.
    ///
    /// # Errors
    /// Where `output` is no output of this program, or the device reports a fault.
    pub async fn read(&self, output: Var) -> Result<HostTensor> {
        self.begin_read(output).await?.value().await
    }

    /// Begins to read an output as the last step so far leaves it.
    ///
    /// # Errors
    /// As [`GpuProgram::read`].
    pub(crate) async fn begin_read(&self, output: Var) -> Result<Reading> {
        let (ty, storage) = self.output(output)?;
        let place = &self.places[&storage];
        if !place.buffer.usage().contains(wgpu::BufferUsages::COPY_SRC) {
            return Err(Error::tensor(format!("output {}", output.index()), "lies in a buffer without the usage COPY_SRC"));
        }
        Reading::begin(&self.context, &place.buffer, place.offset, ty).await
    }

    /// The buffer of an output, its offset and bytes.
    ///
    /// # Errors
    /// Where `output` is no output of this program.
    pub fn output_buffer(&self, output: Var) -> Result<(&wgpu::Buffer, u64, u64)> {
        let (ty, storage) = self.output(output)?;
        let place = &self.places[&storage];
        Ok((&place.buffer, place.offset, ty.bytes()))
    }

    pub(super) fn encode_one(&self, at: usize, pass: &mut wgpu::ComputePass<'_>) {
        self.dispatches[at].encode(pass, &self.uniforms);
    }

    fn input(&self, input: Var) -> Result<usize> {
        let found = self.plan.inputs.iter().position(|(_, _, v)| *v == input);
        found.ok_or_else(|| Error::argument(format!("value %{} is no input of this program", input.index())))
    }

    fn output(&self, output: Var) -> Result<(TensorType, Storage)> {
        let found = self.plan.outputs.iter().find(|(v, _, _)| *v == output);
        found.map(|(_, ty, s)| (*ty, *s)).ok_or_else(|| Error::argument(format!("value %{} is no output of this program", output.index())))
    }
}

impl BoundDispatch {
    fn encode(&self, pass: &mut wgpu::ComputePass<'_>, uniforms: &wgpu::BindGroup) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.set_bind_group(1, uniforms, &[self.uniform]);
        pass.dispatch_workgroups(self.grid[0], self.grid[1], self.grid[2]);
    }
}

async fn bind(context: &Context, places: &HashMap<Storage, BufferRange>, bindings: &[(Storage, bool)]) -> Result<wgpu::BindGroup> {
    let written: Vec<bool> = bindings.iter().map(|b| b.1).collect();
    let layout = context.pipelines().storage(&written);
    let entry = |(i, (storage, _)): (usize, &(Storage, bool))| {
        let place = &places[storage];
        let resource = wgpu::BufferBinding { buffer: &place.buffer, offset: place.offset, size: std::num::NonZeroU64::new(place.size) };
        wgpu::BindGroupEntry { binding: i as u32, resource: wgpu::BindingResource::Buffer(resource) }
    };
    let entries: Vec<_> = bindings.iter().enumerate().map(entry).collect();
    let descriptor = wgpu::BindGroupDescriptor { label: Some("tapetum"), layout: &layout, entries: &entries };
    guarded(context.device(), "a bind group", || context.device().create_bind_group(&descriptor)).await
}

/// All uniform structs in one buffer, its bind group, and each step's offset; equal structs share a place.
async fn uniforms(context: &Context, plan: &Plan) -> Result<(wgpu::BindGroup, Vec<u32>)> {
    let device = context.device();
    let alignment = device.limits().min_uniform_buffer_offset_alignment.max(16) as usize;
    let largest = plan.steps.iter().map(|s| s.params.words().len() * 4).max().unwrap_or(0).max(16);
    let stride = largest.next_multiple_of(alignment);
    let mut bytes: Vec<u8> = Vec::new();
    let mut known: HashMap<&[u32], u32> = HashMap::new();
    let mut offsets = Vec::with_capacity(plan.steps.len());
    for step in &plan.steps {
        offsets.push(*known.entry(step.params.words()).or_insert_with(|| {
            let at = bytes.len();
            bytes.extend_from_slice(bytemuck::cast_slice(step.params.words()));
            bytes.resize(at + stride, 0);
            at as u32
        }));
    }
    bytes.resize(bytes.len().max(stride), 0);
    let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let descriptor = wgpu::BufferDescriptor { label: Some("tapetum uniforms"), size: bytes.len() as u64, usage, mapped_at_creation: false };
    let buffer = guarded(context.device(), "the uniform buffer", || device.create_buffer(&descriptor)).await?;
    context.queue().write_buffer(&buffer, 0, &bytes);
    let layout = context.pipelines().uniforms();
    let resource = wgpu::BufferBinding { buffer: &buffer, offset: 0, size: std::num::NonZeroU64::new(stride as u64) };
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("tapetum uniforms"),
        layout: &layout,
        entries: &[wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(resource) }],
    });
    Ok((group, offsets))
}
