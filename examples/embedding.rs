//! Use of tapetum inside an application with its own wgpu device, buffers and encoder: tapetum records a step into the application's
//! encoder, between the application's own commands, reads and writes the application's buffers, and submits nothing.
//!
//! `cargo run --release --example embedding`

use tapetum::gpu::{Context, Options};
use tapetum::wgpu::{self, BufferUsages};
use tapetum::{Device, Error, Result, Tape, TensorType, Var};

const REGIONS: usize = 4;
const TIME: usize = 100;
/// The series lie within a larger buffer of the application.
const OFFSET: u64 = 1024;

/// The adapter, device and queue that such an application already has.
async fn application() -> Result<(wgpu::Adapter, wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    let kind = |a: &wgpu::Adapter| a.get_info().device_type;
    let real = adapters.iter().find(|a| kind(a) != wgpu::DeviceType::Cpu);
    let adapter = real.or(adapters.first()).cloned().ok_or_else(|| Error::NoAdapter { what: "this machine has none".into() })?;
    let made = adapter.request_device(&wgpu::DeviceDescriptor::default()).await;
    let (device, queue) = made.map_err(|e| Error::Device { what: e.to_string() })?;
    Ok((adapter, device, queue))
}

/// The recorded step: its series and their correlation.
fn tape() -> Result<(Tape, Var, Var)> {
    let mut tape = Tape::new();
    let x = tape.input("series", TensorType::f32([REGIONS, TIME]))?;
    let r = tape.correlation(x, None, false)?;
    Ok((tape, x, r))
}

/// Waves, each slightly delayed relative to the one before.
fn series() -> Vec<f32> {
    (0..REGIONS * TIME).map(|i| ((i / TIME) as f32 * 0.8 + (i % TIME) as f32 * 0.3).sin()).collect()
}

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let (adapter, device, queue) = application().await?;
    println!("the application runs on {}", adapter.get_info().name);
    let buffer =
        |label, size, usage| device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false });
    let bytes = |elements: usize| 4 * elements as u64;
    let input = buffer("series", OFFSET + bytes(REGIONS * TIME), BufferUsages::STORAGE | BufferUsages::COPY_DST);
    let matrix = buffer("matrix", bytes(REGIONS * REGIONS), BufferUsages::STORAGE | BufferUsages::COPY_SRC);
    let staging = buffer("staging", matrix.size(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);

    // The application's device and its buffers, for a tape of ours.
    let (tape, x, r) = tape()?;
    let ours = Device::Gpu(Context::from_wgpu(&adapter, &device, &queue, &Options::default())?);
    let mut program = ours.compile(&tape, &[r])?;
    let program = program.gpu_mut().ok_or_else(|| Error::argument("a program on a GPU expected"))?;
    program.bind_input(x, &input, OFFSET).await?;
    program.bind_output(r, &matrix, 0).await?;

    // One frame of the application: its own upload, the recorded step, its own copy, and its submission.
    queue.write_buffer(&input, OFFSET, bytemuck::cast_slice(&series()));
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    program.encode(&mut encoder)?;
    encoder.copy_buffer_to_buffer(&matrix, 0, &staging, 0, matrix.size());
    queue.submit([encoder.finish()]);

    staging.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| Error::Device { what: e.to_string() })?;
    let view = staging.get_mapped_range(..).map_err(|e| Error::Device { what: e.to_string() })?;
    let found: Vec<f32> = bytemuck::pod_collect_to_vec(&view);
    println!("correlation of {REGIONS} regions over {TIME} frames, cos(0.8 k) beside the diagonal but for the ends:");
    for row in found.chunks(REGIONS) {
        println!("{}", row.iter().map(|r| format!("{r:7.3}")).collect::<String>());
    }
    println!("submitted by tapetum: {}, passes recorded: {}", program.counts().submits, program.counts().passes);
    Ok(())
}
