//! Embedding in an application, with its device, buffers, encoder and submissions, and the errors where something does not fit.

use pollster::block_on;
use tapetum::gpu::{Choice, Context, Options, adapters};
use tapetum::kernel::Target;
use tapetum::plan::Plan;
use tapetum::wgpu::{self, BufferUsages};
use tapetum::{Device, Error, HostTensor, Init, Program, Tape, TensorType, Var};

/// The wgpu objects of an application that embeds this crate.
struct Application {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl Application {
    fn new() -> Self {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapters = block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
        let adapter = adapters.into_iter().next().expect("an adapter, if need be software");
        let (device, queue) = block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
        Self { adapter, device, queue }
    }

    fn context(&self) -> Context {
        Context::from_wgpu(&self.adapter, &self.device, &self.queue, &Options { checks: true, ..Options::default() }).unwrap()
    }

    fn buffer(&self, size: u64, usage: BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor { label: Some("application"), size, usage, mapped_at_creation: false })
    }

    /// A storage buffer with `values` from `offset` on and −1 elsewhere.
    fn filled(&self, size: u64, offset: u64, values: &[f32]) -> wgpu::Buffer {
        let buffer = self.buffer(size, BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST);
        self.queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&vec![-1.0f32; size as usize / 4]));
        self.queue.write_buffer(&buffer, offset, bytemuck::cast_slice(values));
        buffer
    }

    fn read(&self, buffer: &wgpu::Buffer) -> Vec<f32> {
        let staging = self.buffer(buffer.size(), BufferUsages::MAP_READ | BufferUsages::COPY_DST);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
        self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |r| r.unwrap());
        self.device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        let view = staging.get_mapped_range(..).unwrap();
        bytemuck::pod_collect_to_vec(&view)
    }

    fn submit(&self, program: &mut Program) {
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        program.gpu_mut().unwrap().encode(&mut encoder).unwrap();
        self.queue.submit([encoder.finish()]);
    }
}

const N: usize = 70;

/// y = a x + c, and a counts the steps.
struct Job {
    program: Program,
    x: Var,
    c: Var,
    y: Var,
}

impl Job {
    fn new(context: Context) -> Self {
        let mut t = Tape::new();
        let x = t.input("x", TensorType::f32([N])).unwrap();
        let c = t.input("c", TensorType::f32([N])).unwrap();
        let a = t.parameter("a", [1], Init::Full(1.0)).unwrap();
        let ax = t.mul(a, x).unwrap();
        let y = t.add(ax, c).unwrap();
        let next = t.offset(a, 1.0).unwrap();
        t.assign(a, next).unwrap();
        Self { program: Device::Gpu(context).compile(&t, &[y]).unwrap(), x, c, y }
    }

    fn bind_input(&mut self, input: Var, buffer: &wgpu::Buffer, offset: u64) -> Result<(), Error> {
        block_on(self.program.gpu_mut().unwrap().bind_input(input, buffer, offset))
    }

    fn bind_output(&mut self, output: Var, buffer: &wgpu::Buffer, offset: u64) -> Result<(), Error> {
        block_on(self.program.gpu_mut().unwrap().bind_output(output, buffer, offset))
    }
}

fn ramp(scale: f32) -> Vec<f32> {
    (0..N).map(|i| scale * i as f32).collect()
}

const BYTES: u64 = 4 * N as u64;

#[test]
fn a_step_runs_in_the_applications_buffers_and_submission() {
    let app = Application::new();
    let mut job = Job::new(app.context());
    let x = app.filled(1024, 512, &ramp(1.0));
    let other_x = app.filled(BYTES, 0, &ramp(10.0));
    let (y, other_y) = (app.filled(1024, 0, &[]), app.filled(BYTES, 0, &[]));
    job.bind_input(job.x, &x, 512).unwrap();
    job.program.write(job.c, &HostTensor::full([N], 0.5)).unwrap();
    job.bind_output(job.y, &y, 256).unwrap();
    app.submit(&mut job.program);

    let wanted = |scale: f32| ramp(scale).into_iter().map(|v| v + 0.5).collect::<Vec<f32>>();
    let found = app.read(&y);
    assert_eq!(found[64..64 + N], wanted(1.0));
    // Only the output is written; the bytes around it are unchanged.
    assert!(found[..64].iter().chain(&found[64 + N..]).all(|v| *v == -1.0));
    assert_eq!(job.program.read(job.y).unwrap().to_f64_vec(), wanted(1.0).into_iter().map(f64::from).collect::<Vec<_>>());

    // The second step, a = 2, reads and writes elsewhere.
    job.bind_input(job.x, &other_x, 0).unwrap();
    job.bind_output(job.y, &other_y, 0).unwrap();
    app.submit(&mut job.program);
    assert_eq!(app.read(&other_y), wanted(20.0));
    assert_eq!(app.read(&y)[64..64 + N], wanted(1.0), "the first output was written again");
    assert_eq!(job.program.state().read("a").unwrap().to_f64_vec(), [3.0]);

    let counts = job.program.counts();
    assert_eq!((counts.submits, counts.passes, counts.steps, counts.uploads), (0, 2, 2, 1));
}

#[test]
fn a_buffer_that_does_not_fit_is_refused() {
    let app = Application::new();
    let mut job = Job::new(app.context());
    let storage = BufferUsages::STORAGE | BufferUsages::COPY_SRC;
    let (x, c, y) = (job.x, job.c, job.y);
    let expect = |found: Result<(), Error>, name: &str, part: &str| {
        let error = found.unwrap_err();
        assert!(matches!(&error, Error::Tensor { name: n, .. } if n.contains(name)), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    };
    let plain = app.buffer(BYTES, BufferUsages::COPY_DST | BufferUsages::COPY_SRC);
    expect(job.bind_input(x, &plain, 0), "x", "STORAGE");
    expect(job.bind_output(y, &plain, 0), "output", "STORAGE");
    let large = app.buffer(4096, storage);
    expect(job.bind_input(x, &large, 4), "x", "4 bytes, not a multiple of");
    expect(job.bind_input(x, &large, 4096), "x", &format!("takes {BYTES} bytes from 4096 on, and the buffer given has 4096"));
    expect(job.bind_input(x, &large, u64::MAX - 255), "x", "4096");
    let small = app.buffer(BYTES - 4, storage);
    expect(job.bind_output(y, &small, 0), "output", &format!("takes {BYTES} bytes from 0 on, and the buffer given has {}", BYTES - 4));

    // One buffer that a dispatch would both read and write, whichever comes first and wherever in it.
    job.bind_input(x, &large, 0).unwrap();
    expect(job.bind_output(y, &large, 2048), "output", "also reads or writes");
    let out = app.buffer(4096, storage);
    job.bind_output(y, &out, 0).unwrap();
    expect(job.bind_input(c, &out, 2048), "c", "also reads or writes");
    // Two inputs may share one.
    job.bind_input(c, &large, 2048).unwrap();

    assert!(matches!(job.bind_input(y, &large, 0), Err(Error::Argument { .. })), "an output is no input");
    assert!(matches!(job.bind_output(x, &large, 0), Err(Error::Argument { .. })), "an input is no output");
    // After all these refusals it still runs.
    app.submit(&mut job.program);

    let unread = app.buffer(BYTES, BufferUsages::STORAGE);
    job.bind_output(y, &unread, 0).unwrap();
    let error = job.program.read(y).unwrap_err();
    assert!(error.to_string().contains("COPY_SRC"), "{error}");
}

#[test]
fn an_input_must_be_written_and_of_its_type() {
    let app = Application::new();
    for device in [Device::Gpu(app.context()), Device::cpu()] {
        let mut t = Tape::new();
        let x = t.input("frames", TensorType::f32([3])).unwrap();
        let y = t.exp(x).unwrap();
        let mut program = device.compile(&t, &[y]).unwrap();
        let named = |error: Error| matches!(&error, Error::Tensor { name, .. } if name == "frames");
        assert!(named(program.step().unwrap_err()), "never written");
        assert!(named(program.write(x, &HostTensor::full([4], 0.0)).unwrap_err()), "another shape");
        assert!(named(program.write(x, &HostTensor::i32([3], vec![0; 3]).unwrap()).unwrap_err()), "another element type");
        assert!(matches!(program.write(y, &HostTensor::full([3], 0.0)), Err(Error::Argument { .. })), "no input");
        assert_eq!(program.counts().submits, 0);
        program.write(x, &HostTensor::full([3], 0.0)).unwrap();
        program.step().unwrap();
        assert_eq!(program.read(y).unwrap().to_f64_vec(), [1.0; 3]);
        assert!(matches!(program.read(x), Err(Error::Argument { .. })), "no output");
    }
}

#[test]
fn a_lost_device_stays_lost() {
    let app = Application::new();
    let context = app.context();
    let mut job = Job::new(context.clone());
    job.program.write(job.x, &HostTensor::full([N], 1.0)).unwrap();
    job.program.write(job.c, &HostTensor::full([N], 1.0)).unwrap();
    job.program.step().unwrap();
    context.lost("the driver was updated");
    let compile = |context: &Context| {
        let mut t = Tape::new();
        let one = t.parameter("one", [1], Init::Full(1.0)).unwrap();
        let y = t.exp(one).unwrap();
        Device::Gpu(context.clone()).compile(&t, &[y]).unwrap_err()
    };
    for _ in 0..2 {
        let later = [
            compile(&context),
            job.program.step().unwrap_err(),
            job.program.read(job.y).unwrap_err(),
            job.program.write(job.x, &HostTensor::full([N], 1.0)).unwrap_err(),
            job.program.state().read("a").unwrap_err(),
            {
                let mut encoder = app.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                job.program.gpu_mut().unwrap().encode(&mut encoder).unwrap_err()
            },
        ];
        for error in later {
            assert!(matches!(&error, Error::DeviceLost { what } if what == "the driver was updated"), "{error:?}");
        }
    }
}

#[test]
fn a_tensor_too_large_is_named() {
    let mut t = Tape::new();
    let x = t.input("cortex", TensorType::f32([300, 10])).unwrap();
    let r = t.matmul_with(x, x, false, true).unwrap();
    let target = |max_binding| Target { max_binding, ..Target::portable() };
    let error = Plan::new(&t, &[r], &target(359_999)).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { name, bytes: 360_000, limit: 359_999 } if name.contains("matmul")), "{error:?}");
    assert!(error.to_string().contains("360000") && error.to_string().contains("359999"), "{error}");
    let error = Plan::new(&t, &[r], &target(11_999)).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { name, bytes: 12_000, .. } if name == "cortex"), "{error:?}");
    Plan::new(&t, &[r], &target(360_000)).unwrap();
}

#[test]
fn an_unknown_adapter_is_answered_with_those_there_are() {
    let there = block_on(adapters());
    assert!(!there.is_empty(), "an adapter, if need be software");
    for (choice, asked) in [(Choice::Name("no such card".into()), "no such card"), (Choice::Index(99), "99")] {
        let error = Context::new(&Options { choice, ..Options::default() }).unwrap_err();
        let Error::NoAdapter { what } = &error else { panic!("{error:?}") };
        assert!(what.contains(asked) && there.iter().all(|a| what.contains(a.name())), "{what}");
    }
    // A part of the name will do, in any case.
    let name: String = there[0].name().chars().take(5).collect();
    let found = Context::new(&Options { choice: Choice::Name(name.to_uppercase()), ..Options::default() }).unwrap();
    assert_eq!(found.adapter().name(), there[0].name());
}
