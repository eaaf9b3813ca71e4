//! The proof that products on a device's cooperative matrices are as accurate as products in f32, before one is planned.

use crate::Result;
use crate::gpu::{Buffers, Context, GpuProgram};
use crate::kernel::{Source, Target};
use crate::ops::case::Draw;
use crate::ops::message::PairActivation;
use crate::plan::Plan;
use crate::tape::{Tape, Var};
use crate::tensor::{HostTensor, TensorType};
use std::collections::BTreeMap;

/// The largest error that is taken for accurate, relative to the root mean square that a product of such rows and columns has: 4 times what
/// f32 arithmetic is wrong by in the row with one large element. Without the low halves the error is 1e-3.
const TOLERANCE: f64 = 8e-6;
/// Rows, terms and columns: two blocks and a tail each way, and terms that end within a stage.
const EXTENTS: [usize; 3] = [133, 203, 261];

/// The plan of a tape on a device. Where it takes cooperative matrices and nobody knows yet whether they serve, that is proven first.
pub(super) async fn plan(context: &Context, tape: &Tape, outputs: &[Var]) -> Result<Plan> {
    let plan = Plan::new(tape, outputs, context.target())?;
    if context.cooperative().is_some() || !plan.steps.iter().any(|step| step.kernel.cooperative()) {
        return Ok(plan);
    }
    match prove(context).await {
        Ok(_) => Ok(plan),
        Err(_) => Plan::new(tape, outputs, context.target()),
    }
}

/// Runs products on the cooperative matrices that a device offers, and keeps what was found: the largest error, relative to the root mean
/// square. Nothing is run where that is known, or where there are none.
///
/// # Errors
/// The reason why they are not taken.
pub(super) async fn prove(context: &Context) -> std::result::Result<f64, String> {
    if context.cooperative().is_none() {
        let proof = match compare(context).await {
            Ok(error) if error <= TOLERANCE => Ok(error),
            Ok(error) => Err(format!("a product on them is wrong by {error:.1e} of its root mean square")),
            Err(e) => Err(format!("a product on them fails: {e}")),
        };
        // The proof holds what the device reported, so that the fault is cleared; the loss of a device stays.
        let _ = context.fault();
        context.proven(proof);
    }
    context.cooperative().unwrap_or(Err("nothing is known of them")).map_err(str::to_owned)
}

/// The kernels that have variants on the cooperative matrices of a target, and those variants.
fn pins(target: &Target) -> BTreeMap<String, String> {
    let variant = |s: &Source| s.variants.iter().find(|v| v.cooperative() && v.adapters.run_on(target));
    let pin = |s: &'static Source| variant(s).map(|v| (s.name.to_owned(), v.name.to_owned()));
    crate::ops::sources().into_iter().filter_map(pin).collect()
}

/// The largest error of one product on cooperative matrices, computed in every [`Way`].
async fn compare(context: &Context) -> Result<f64> {
    let target = Target { variants: pins(context.target()), ..context.target().clone() };
    let operands = Operands::new()?;
    let mut worst: f64 = 0.0;
    for way in [Way::Plain, Way::Transposed, Way::Messages] {
        let values = operands.values(way)?;
        let mut tape = Tape::new();
        let [a, b] = [tape.input("a", values[0].ty())?, tape.input("b", values[1].ty())?];
        let product = way.product(&mut tape, a, b)?;
        let plan = Plan::new(&tape, &[product], &target)?;
        let mut program = GpuProgram::new(context.clone(), plan, &Buffers::new(context.clone())).await?;
        program.write(a, &values[0])?;
        program.write(b, &values[1])?;
        program.steps_async(1).await?;
        worst = worst.max(operands.error(&program.read(product).await?.to_f64_vec()));
    }
    Ok(worst)
}

/// A way to a product of A `[m, k]` and B `[k, n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Both are stored as they are.
    Plain,
    /// Both are stored transposed.
    Transposed,
    /// The messages of an edge network, which makes its operands where it uses them: A is the receivers, B the weights, stored transposed.
    Messages,
}

impl Way {
    fn product(self, tape: &mut Tape, a: Var, b: Var) -> Result<Var> {
        if self != Self::Messages {
            let transposed = self == Self::Transposed;
            return tape.matmul_with(a, b, transposed, transposed);
        }
        // Four senders of zeros, a quarter of each of whose messages is taken, and activations that change nothing.
        let [m, k, n] = EXTENTS;
        let receivers = tape.reshape(a, [1, m, k])?;
        let (quarters, senders, bias) = (tape.full([1, m, 4], 0.25)?, tape.full([1, 4, k], 0.0)?, tape.full([n], 0.0)?);
        tape.pairwise_mlp(quarters, [receivers, senders], [b, bias], [PairActivation::LeakyRelu(1.0); 2])
    }
}

/// Rows of A and columns of B, one after another, whose magnitudes lie far apart; an infinity is in one row, a NaN in one column.
struct Operands {
    rows: Vec<f32>,
    cols: Vec<f32>,
}

impl Operands {
    fn new() -> Result<Self> {
        let [m, k, n] = EXTENTS;
        let drawn = |lines: usize, stream: u32, exponents: [i32; 3]| -> Result<Vec<f32>> {
            let x = Draw::Normal.value(TensorType::f32([lines, k]), stream)?.to_f64_vec();
            Ok(x.iter().enumerate().map(|(i, x)| (x * 2f64.powi(exponents[i / k % 3])) as f32).collect())
        };
        let (mut rows, mut cols) = (drawn(m, 0, [0, 90, -90])?, drawn(n, 1, [0, 10, -10])?);
        // One element far above the others of its row.
        rows[40 * k + 100] *= 4096.0;
        rows[70 * k + 17] = f32::INFINITY;
        cols[130 * k + 90] = f32::NAN;
        Ok(Self { rows, cols })
    }

    /// A and B as they are stored.
    fn values(&self, way: Way) -> Result<[HostTensor; 2]> {
        let [m, k, n] = EXTENTS;
        let turned = |x: &[f32], lines: usize| (0..k * lines).map(|i| x[i % lines * k + i / lines]).collect();
        let a = match way {
            Way::Transposed => HostTensor::f32([k, m], turned(&self.rows, m))?,
            Way::Plain | Way::Messages => HostTensor::f32([m, k], self.rows.clone())?,
        };
        let b = match way {
            Way::Plain => HostTensor::f32([k, n], turned(&self.cols, n))?,
            Way::Transposed | Way::Messages => HostTensor::f32([n, k], self.cols.clone())?,
        };
        Ok([a, b])
    }

    /// The largest error of their product, each entry's relative to the root mean square of products of such a row and such a column;
    /// infinite where an entry that is not finite differs.
    fn error(&self, product: &[f64]) -> f64 {
        let k = EXTENTS[1];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
        let pairs = self.rows.chunks(k).flat_map(|a| self.cols.chunks(k).map(move |b| (a, b)));
        let errors = pairs.zip(product).map(|((a, b), &found)| {
            let exact = dot(a, b);
            match exact.is_finite() {
                true => (found - exact).abs() / (dot(a, a) * dot(b, b) / k as f64).sqrt(),
                false if found == exact || found.is_nan() && exact.is_nan() => 0.0,
                false => f64::INFINITY,
            }
        });
        errors.fold(0.0, |worst, e| if e.is_nan() { f64::INFINITY } else { worst.max(e) })
    }
}
