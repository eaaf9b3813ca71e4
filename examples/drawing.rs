//! An application that draws what tapetum learns, without leaving the GPU: its vertex shader reads the memberships that a training step has
//! written. There is no window; each frame is a picture, `tapetum-drawing/frame0.png` and so on.
//!
//! `cargo run --release --example drawing`

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use tapetum::data::shipped_cortex;
use tapetum::gpu::{Context, Options};
use tapetum::optim::Adam;
use tapetum::statistics::standardise::unit_rows;
use tapetum::tensor::Philox;
use tapetum::wgpu::{self, BufferUsages};
use tapetum::{Device, Error, HostTensor, Init, Result, Tape, TensorType, Var};

const PARCELS: usize = 40;
const FRAMES: usize = 200;
/// Training steps from one picture to the next, all in one submission with its drawing.
const STEPS: usize = 25;
const PICTURES: usize = 4;
/// The side of a picture in pixels. Rows of a copied texture are aligned to 256 bytes, which 4 bytes a pixel fulfil here.
const SIDE: u32 = 512;

/// A sphere seen from its left. Each vertex has the colour of the parcel that it belongs to most.
const SHADER: &str = "
struct Shown { @builtin(position) place: vec4<f32>, @location(0) colour: vec3<f32> }

@group(0) @binding(0) var<storage, read> xyz: array<f32>;
@group(0) @binding(1) var<storage, read> memberships: array<f32>; // [parcels, vertices]
@group(0) @binding(2) var<storage, read> seen: array<u32>; // 1 where a vertex has a series

@vertex
fn place(@builtin(vertex_index) v: u32) -> Shown {
    let vertices = arrayLength(&seen);
    var parcel = 0u;
    for (var p = 1u; p < arrayLength(&memberships) / vertices; p++) {
        if memberships[p * vertices + v] > memberships[parcel * vertices + v] { parcel = p; }
    }
    let hue = fract(f32(parcel) * 0.61803399) * 6.0;
    let bright = clamp(vec3(abs(hue - 3.0) - 1.0, 2.0 - abs(hue - 2.0), 2.0 - abs(hue - 4.0)), vec3(0.0), vec3(1.0));
    let colour = select(vec3(0.55), 0.25 + 0.7 * bright, seen[v] == 1u);
    let at = vec3(xyz[3u * v], xyz[3u * v + 1u], xyz[3u * v + 2u]) / 110.0;
    // The left hemisphere's outer side lies at negative x.
    return Shown(vec4(-at.y, at.z, 0.5 + 0.45 * at.x, 1.0), colour * (0.6 - 0.4 * at.x));
}

@fragment
fn paint(shown: Shown) -> @location(0) vec4<f32> {
    return vec4(shown.colour, 1.0);
}
";

/// The application's scene: a mesh, and which of its vertices have a series.
struct Mesh {
    xyz: Vec<f32>,
    faces: Vec<u32>,
    seen: Vec<u32>,
}

/// The mesh of the cortex that ships, and the series of its vertices, scaled to unit length.
fn cortex() -> Result<(Mesh, HostTensor)> {
    let cortex = shipped_cortex()?;
    let vertices = cortex.series.shape()[0];
    let all = cortex.series.elements::<f32>()?;
    let frames = cortex.frames();
    let of = |v: usize| &all[v * frames..][..FRAMES];
    let series = unit_rows(&(0..vertices).flat_map(of).copied().collect::<Vec<_>>(), FRAMES);
    let faces = cortex.faces.as_ref().ok_or_else(|| Error::argument("a mesh is expected"))?;
    let mut seen = vec![0; vertices];
    cortex.usable.iter().for_each(|v| seen[*v] = 1);
    let faces = faces.to_f64_vec().iter().map(|v| *v as u32).collect();
    Ok((
        Mesh { xyz: cortex.xyz.to_f64_vec().iter().map(|x| *x as f32).collect(), faces, seen },
        HostTensor::f32([vertices, FRAMES], series)?,
    ))
}

/// The training step: every vertex is rebuilt from the series of its soft parcels. It begins with parcels around random vertices.
fn tape(mesh: &Mesh) -> Result<(Tape, Var, Var, Var)> {
    let vertices = mesh.seen.len();
    let random = Philox::new(0, 0, 0);
    let centre = |p: usize| 3 * ((random.uniform(p) * vertices as f32) as usize % vertices);
    let near = |p: usize, v: usize| (0..3).map(|i| (mesh.xyz[centre(p) + i] - mesh.xyz[3 * v + i]).powi(2)).sum::<f32>() / -500.0;
    let logits = (0..PARCELS * vertices).map(|at| near(at / vertices, at % vertices)).collect();
    let mut tape = Tape::new();
    let series = tape.input("series", TensorType::f32([vertices, FRAMES]))?;
    let logits = tape.parameter("logits", [PARCELS, vertices], Init::Value(HostTensor::f32([PARCELS, vertices], logits)?))?;
    let parcels = tape.soft_parcellation(logits, series)?;
    let rebuilt = tape.matmul_with(parcels.memberships, parcels.series, true, false)?;
    let error = tape.sub(series, rebuilt)?;
    let error = tape.square(error)?;
    let sum = tape.sum(error, &[1], false)?;
    let loss = tape.mean(sum, &[], false)?;
    let gradient = tape.gradient(loss, &[logits])?[0];
    Adam::new(0.1).apply(&mut tape, &[(logits, gradient)])?;
    Ok((tape, series, parcels.memberships, loss))
}

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = instance.enumerate_adapters(wgpu::Backends::PRIMARY).await;
    let real = adapters.iter().find(|a| a.get_info().device_type != wgpu::DeviceType::Cpu);
    let adapter = real.or(adapters.first()).ok_or_else(|| Error::NoAdapter { what: "this machine has none".into() })?;
    let made = adapter.request_device(&wgpu::DeviceDescriptor::default()).await;
    let (device, queue) = made.map_err(|e| Error::Device { what: e.to_string() })?;
    println!("the application runs on {}", adapter.get_info().name);

    // The application's buffer of memberships is the output of the training step, and what its vertex shader reads.
    let (mesh, values) = cortex()?;
    let (tape, series, memberships, loss) = tape(&mesh)?;
    let bytes = (4 * PARCELS * mesh.seen.len()) as u64;
    let usage = BufferUsages::STORAGE;
    let shown = device.create_buffer(&wgpu::BufferDescriptor { label: Some("memberships"), size: bytes, usage, mapped_at_creation: false });
    let ours = Device::Gpu(Context::from_wgpu(adapter, &device, &queue, &Options::default())?);
    let mut program = ours.compile(&tape, &[memberships, loss])?;
    program.write(series, &values)?;
    let program = program.gpu_mut().ok_or_else(|| Error::argument("a program on a GPU expected"))?;
    program.bind_output(memberships, &shown, 0).await?;

    let drawing = Drawing::new(&device, &queue, &mesh, &shown);
    std::fs::create_dir_all("tapetum-drawing").map_err(|e| Error::file("tapetum-drawing", e.to_string()))?;
    for picture in 0..PICTURES {
        // One submission: training steps, then the application's render pass.
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let steps = if picture == 0 { 1 } else { STEPS };
        for _ in 0..steps {
            program.encode(&mut encoder)?;
        }
        drawing.draw(&mut encoder);
        queue.submit([encoder.finish()]);
        let path = format!("tapetum-drawing/frame{picture}.png");
        drawing.save(&device, Path::new(&path))?;
        println!("step {:3}: loss {:.4} -> {path}", 1 + picture * STEPS, program.read(loss).await?.item()?);
    }
    Ok(())
}

/// The application's own drawing.
struct Drawing {
    pipeline: wgpu::RenderPipeline,
    group: wgpu::BindGroup,
    faces: wgpu::Buffer,
    indices: u32,
    colour: wgpu::Texture,
    depth: wgpu::Texture,
    staging: wgpu::Buffer,
}

impl Drawing {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, mesh: &Mesh, memberships: &wgpu::Buffer) -> Self {
        let filled = |contents: &[u8], usage| {
            let usage = usage | BufferUsages::COPY_DST;
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: contents.len() as u64,
                usage,
                mapped_at_creation: false,
            });
            queue.write_buffer(&buffer, 0, contents);
            buffer
        };
        let texture = |format, usage| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: None,
                size: wgpu::Extent3d { width: SIDE, height: SIDE, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage,
                view_formats: &[],
            })
        };
        let module = device
            .create_shader_module(wgpu::ShaderModuleDescriptor { label: Some("sphere"), source: wgpu::ShaderSource::Wgsl(SHADER.into()) });
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("sphere"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("place"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("paint"),
                compilation_options: Default::default(),
                targets: &[Some(wgpu::TextureFormat::Rgba8Unorm.into())],
            }),
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: Some(wgpu::DepthStencilState {
                format: wgpu::TextureFormat::Depth32Float,
                depth_write_enabled: Some(true),
                depth_compare: Some(wgpu::CompareFunction::Less),
                stencil: Default::default(),
                bias: Default::default(),
            }),
            multisample: Default::default(),
            multiview_mask: None,
            cache: None,
        });
        let xyz = filled(bytemuck::cast_slice(&mesh.xyz), BufferUsages::STORAGE);
        let seen = filled(bytemuck::cast_slice(&mesh.seen), BufferUsages::STORAGE);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: xyz.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: memberships.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 2, resource: seen.as_entire_binding() },
            ],
        });
        let target = wgpu::TextureUsages::RENDER_ATTACHMENT;
        let staging = BufferUsages::MAP_READ | BufferUsages::COPY_DST;
        let size = u64::from(4 * SIDE * SIDE);
        Self {
            pipeline,
            group,
            faces: filled(bytemuck::cast_slice(&mesh.faces), BufferUsages::INDEX),
            indices: mesh.faces.len() as u32,
            colour: texture(wgpu::TextureFormat::Rgba8Unorm, target | wgpu::TextureUsages::COPY_SRC),
            depth: texture(wgpu::TextureFormat::Depth32Float, target),
            staging: device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage: staging, mapped_at_creation: false }),
        }
    }

    /// Records the render pass, and the copy of its picture into a buffer that can be read.
    fn draw(&self, encoder: &mut wgpu::CommandEncoder) {
        let [colour, depth] = [&self.colour, &self.depth].map(|t| t.create_view(&wgpu::TextureViewDescriptor::default()));
        let clear = wgpu::LoadOp::Clear(wgpu::Color::WHITE);
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &colour,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: clear, store: wgpu::StoreOp::Store },
            })],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &depth,
                depth_ops: Some(wgpu::Operations { load: wgpu::LoadOp::Clear(1.0), store: wgpu::StoreOp::Discard }),
                stencil_ops: None,
            }),
            ..Default::default()
        });
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.set_index_buffer(self.faces.slice(..), wgpu::IndexFormat::Uint32);
        pass.draw_indexed(0..self.indices, 0, 0..1);
        drop(pass);
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(4 * SIDE), rows_per_image: None };
        let to = wgpu::TexelCopyBufferInfo { buffer: &self.staging, layout };
        encoder.copy_texture_to_buffer(self.colour.as_image_copy(), to, self.colour.size());
    }

    /// Waits for the picture and writes it as PNG.
    fn save(&self, device: &wgpu::Device, path: &Path) -> Result<()> {
        self.staging.map_async(wgpu::MapMode::Read, .., |_| {});
        device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| Error::Device { what: e.to_string() })?;
        let pixels = self.staging.get_mapped_range(..).map_err(|e| Error::Device { what: e.to_string() })?.to_vec();
        self.staging.unmap();
        let failed = |e: &dyn std::fmt::Display| Error::file(path, format!("cannot be written: {e}"));
        let file = File::create(path).map_err(|e| failed(&e))?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), SIDE, SIDE);
        encoder.set_color(png::ColorType::Rgba);
        let mut writer = encoder.write_header().map_err(|e| failed(&e))?;
        writer.write_image_data(&pixels).map_err(|e| failed(&e))
    }
}
