//! The work that the benches time: tapes at the shapes of the README's performance section, on data made here.

use tapetum::connectome::cortex::Cortex;
use tapetum::connectome::learn_parcels::{Learner, Settings};
use tapetum::{Device, HostTensor, Program, Result, Tape, TensorType, Var};

/// Subjects, regions, frames.
pub const CORRELATION: [usize; 3] = [16, 400, 1200];
/// Vertices, parcels, frames.
pub const ATLAS: [usize; 3] = [20_000, 400, 1200];

/// A job by name, ready to run.
pub struct Job {
    run: Box<dyn FnMut() -> Result<()>>,
}

impl Job {
    /// Compiles the job of that name, its inputs written; `None` where there is none.
    pub fn new(name: &str, device: &Device) -> Result<Option<Self>> {
        Ok(Some(match name {
            "correlation forward" => Self::of(correlation(device, false)?),
            "correlation gradient" => Self::of(correlation(device, true)?),
            "atlas forward" => Self::of(atlas(device, false)?),
            "atlas gradient" => Self::of(atlas(device, true)?),
            "demo step" => demo_step(device)?,
            _ => return Ok(None),
        }))
    }

    fn of(mut program: Program) -> Self {
        Self { run: Box::new(move || program.step()) }
    }

    /// Runs once.
    pub fn run(&mut self) -> Result<()> {
        (self.run)()
    }
}

/// Reproducible noise in −½..½.
fn series(shape: impl Into<tapetum::Shape>) -> Result<HostTensor> {
    let shape = shape.into();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    HostTensor::f32(shape, (0..shape.elements()).map(|_| next()).collect())
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

fn correlation(device: &Device, gradient: bool) -> Result<Program> {
    let mut tape = Tape::new();
    let x = tape.input("series", TensorType::f32(CORRELATION))?;
    let r = tape.correlation(x, None, false)?;
    let outputs = outputs(&mut tape, r, x, gradient)?;
    let mut program = device.compile(&tape, &outputs)?;
    program.write(x, &series(CORRELATION)?)?;
    Ok(program)
}

fn atlas(device: &Device, gradient: bool) -> Result<Program> {
    let [vertices, parcels, time] = ATLAS;
    let mut tape = Tape::new();
    let logits = tape.input("logits", TensorType::f32([parcels, vertices]))?;
    let x = tape.input("series", TensorType::f32([vertices, time]))?;
    let made = tape.soft_parcellation(logits, x)?;
    let outputs = outputs(&mut tape, made.series, logits, gradient)?;
    let mut program = device.compile(&tape, &outputs)?;
    program.write(logits, &series([parcels, vertices])?)?;
    program.write(x, &series([vertices, time])?)?;
    Ok(program)
}

fn demo_step(device: &Device) -> Result<Job> {
    let cortex = Cortex::shipped()?;
    let surface = cortex.surface(0..cortex.frames() / 2)?;
    let mut learner = Learner::new(device, &surface, &Settings::default())?;
    Ok(Job { run: Box::new(move || learner.steps(1)) })
}
