//! The work that the benches time: tapes of any shape, on data made here. `benches/peers` does the same in other libraries.

mod pillars;

use tapetum::connectome::parcels::learn_parcels::{Learner, Settings};
use tapetum::data::shipped_cortex;
use tapetum::nn::{Activation, EdgeMlp, Linear};
use tapetum::ops::message::PairActivation;
use tapetum::{Device, Error, HostTensor, Program, Result, Tape, TensorType, Var, wgpu};

/// A work by name, ready to run.
pub struct Job {
    device: Device,
    work: Work,
}

enum Work {
    Tape(Box<Program>, Vec<Var>),
    Demo(Box<Learner>),
    Call(Call),
}

/// A call of the library, and what the last one gave back.
struct Call {
    call: Box<dyn FnMut() -> Result<Vec<HostTensor>>>,
    made: Vec<HostTensor>,
}

impl Call {
    fn new(call: impl FnMut() -> Result<Vec<HostTensor>> + 'static) -> Self {
        Self { call: Box::new(call), made: Vec::new() }
    }
}

impl Job {
    /// Compiles the work of that name, `KIND AxBxC` or `demo step`, its inputs written:
    ///
    /// - `product MxKxN`: a matrix product;
    /// - `correlation SxRxT`: of subjects, regions, frames;
    /// - `parcellation VxPxT`: soft, of vertices, parcels, frames;
    /// - `edges-STYLE BxNxF`: Σ_j relu(W relu(U x_i + V x_j)) of graphs, nodes, features; `messages-STYLE BxNxF`: Σ_j W relu(U x_i + V x_j).
    ///   The style is that of a peer: ours is one and the same;
    /// - `edge_step BxNxF`: the same as `edges`, and a step of Adam on all weights;
    /// - `births_deaths GxNxN`: of graphs, by `Diagrams`;
    /// - `tangent SxRxT`: of subjects, regions, frames, by `Connectivity`;
    /// - `denoise VxTxC`: of vertices, frames, confounds, by `Denoise`;
    /// - `… gradient`: the sum of the result's squares, and its gradient with respect to the series, the logits or x.
    ///
    /// # Errors
    /// Where there is none of that name, or the device has no room for it.
    pub fn new(name: &str, device: &Device) -> Result<Self> {
        let unknown = || Error::argument(format!("no work `{name}`: `KIND AxBxC` or `demo step` expected"));
        let work = if name == "demo step" {
            demo(device)?
        } else {
            let (kind, shape) = name.rsplit_once(' ').ok_or_else(unknown)?;
            let extents: Vec<usize> = shape.split('x').map(str::parse).collect::<std::result::Result<_, _>>().map_err(|_| unknown())?;
            let extents = <[usize; 3]>::try_from(extents).map_err(|_| unknown())?;
            let (kind, style) = kind.split_once('-').unwrap_or((kind, ""));
            let gradient = style.ends_with(" gradient");
            match kind {
                "edges" => edges(device, extents, Activation::Relu, gradient)?,
                "messages" => edges(device, extents, Activation::Identity, gradient)?,
                "edge_step" => pillars::edge_step(device, extents)?,
                "births_deaths" => pillars::births_deaths(device, extents)?,
                "tangent" => pillars::tangent(device, extents)?,
                "denoise" => pillars::denoise(device, extents)?,
                "product" => product(device, extents)?,
                "correlation" => correlation(device, extents, false)?,
                "correlation gradient" => correlation(device, extents, true)?,
                "parcellation" => parcellation(device, extents, false)?,
                "parcellation gradient" => parcellation(device, extents, true)?,
                _ => return Err(unknown()),
            }
        };
        Ok(Self { device: device.clone(), work })
    }

    /// Runs once, until the device is done.
    pub fn run(&mut self) -> Result<()> {
        match &mut self.work {
            Work::Tape(program, _) => program.step()?,
            Work::Demo(learner) => learner.steps(1)?,
            Work::Call(call) => call.made = (call.call)()?,
        }
        let Device::Gpu(context) = &self.device else { return Ok(()) };
        let polled = context.device().poll(wgpu::PollType::wait_indefinitely());
        polled.map_err(|e| Error::Device { what: format!("a wait: {e}") })?;
        context.fault()
    }

    /// The results of the last run.
    #[allow(dead_code, reason = "`cost` runs and does not read")]
    pub fn values(&self) -> Result<Vec<HostTensor>> {
        match &self.work {
            Work::Tape(program, outputs) => outputs.iter().map(|&v| program.read(v)).collect(),
            Work::Demo(_) => Ok(Vec::new()),
            Work::Call(call) => Ok(call.made.clone()),
        }
    }
}

/// The numbers that every side computes with: operand `operand`, reproducible noise in −½..½, exact in f32.
pub fn numbers(n: usize, operand: u32) -> Vec<f32> {
    let number = |i: u32| {
        let mut h = i.wrapping_mul(0x9E37_79B9).wrapping_add(operand.wrapping_mul(0x85EB_CA6B));
        h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
        h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
        ((h ^ (h >> 16)) >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..n as u32).map(number).collect()
}

/// A tape's program, with operand `i` written to input `i`.
fn compiled(device: &Device, tape: &Tape, inputs: &[Var], outputs: Vec<Var>) -> Result<Work> {
    let mut program = device.compile(tape, &outputs)?;
    for (operand, &input) in (0..).zip(inputs) {
        let shape = tape.shape(input);
        program.write(input, &HostTensor::f32(shape, numbers(shape.elements(), operand))?)?;
    }
    Ok(Work::Tape(Box::new(program), outputs))
}

/// The value alone, or the sum of its squares and that sum's gradient with respect to `of`.
fn outputs(tape: &mut Tape, value: Var, of: Var, gradient: bool) -> Result<Vec<Var>> {
    if !gradient {
        return Ok(vec![value]);
    }
    let squares = tape.square(value)?;
    let sum = tape.sum(squares, &[], false)?;
    Ok([vec![sum], tape.gradient(sum, &[of])?].concat())
}

fn product(device: &Device, [m, k, n]: [usize; 3]) -> Result<Work> {
    let mut tape = Tape::new();
    let (a, b) = (tape.input("a", TensorType::f32([m, k]))?, tape.input("b", TensorType::f32([k, n]))?);
    let c = tape.matmul(a, b)?;
    compiled(device, &tape, &[a, b], vec![c])
}

fn correlation(device: &Device, shape: [usize; 3], gradient: bool) -> Result<Work> {
    let mut tape = Tape::new();
    let x = tape.input("series", TensorType::f32(shape))?;
    let r = tape.correlation(x, None, false)?;
    let outputs = outputs(&mut tape, r, x, gradient)?;
    compiled(device, &tape, &[x], outputs)
}

fn parcellation(device: &Device, [vertices, parcels, time]: [usize; 3], gradient: bool) -> Result<Work> {
    let mut tape = Tape::new();
    let logits = tape.input("logits", TensorType::f32([parcels, vertices]))?;
    let x = tape.input("series", TensorType::f32([vertices, time]))?;
    let made = tape.soft_parcellation(logits, x)?;
    let outputs = outputs(&mut tape, made.series, logits, gradient)?;
    compiled(device, &tape, &[logits, x], outputs)
}

fn edges(device: &Device, [batch, nodes, features]: [usize; 3], last: Activation, gradient: bool) -> Result<Work> {
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([batch, nodes, features]))?;
    let weights = ["u", "v", "w"].map(|name| tape.input(name, TensorType::f32([features, features])));
    let [u, v, w] = weights;
    let inputs = [x, u?, v?, w?];
    let [receiver, sender, second] = [1, 2, 3].map(|i| Linear { weight: inputs[i], bias: None });
    let all = tape.full([batch, nodes, nodes], 1.0)?;
    let made = if last == Activation::Identity {
        let (u, v) = (receiver.forward(&mut tape, x)?, sender.forward(&mut tape, x)?);
        let sum = tape.pairwise_sum(all, u, v, PairActivation::Relu)?;
        second.forward(&mut tape, sum)?
    } else {
        let network = EdgeMlp { receiver, sender, pair: None, second, activations: [Activation::Relu, last] };
        network.messages(&mut tape, x, all)?
    };
    let outputs = outputs(&mut tape, made, x, gradient)?;
    compiled(device, &tape, &inputs, outputs)
}

fn demo(device: &Device) -> Result<Work> {
    let cortex = shipped_cortex()?;
    let surface = cortex.surface(0..cortex.frames() / 2)?;
    Ok(Work::Demo(Box::new(Learner::new(device, &surface, &Settings::default())?)))
}
