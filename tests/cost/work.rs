//! Tapes, compared with the definitions of the kernels that they use.

use super::counted::{Counted, Entry, Ledger};
use std::collections::BTreeMap;
use tapetum::kernel::Target;
use tapetum::ops::case::Draw;
use tapetum::plan::Plan;
use tapetum::{Device, HostTensor, Result, Shape, Tape, TensorType, Var};

/// A work recorded on a tape, beside the results and counts of the definitions on the same operands.
#[derive(Default)]
pub struct Work {
    pub name: String,
    pub tape: Tape,
    pub ledger: Ledger,
    /// Variants and algorithms that the plan must take instead of its own choice.
    pub pins: BTreeMap<String, String>,
    /// The edge of the cooperative matrices of the device for which it is planned.
    pub cooperative: Option<usize>,
    inputs: Vec<(Var, HostTensor)>,
    /// The outputs, and their values by the definitions (`None` where there is no definition here).
    outputs: Vec<(Var, Option<Vec<f64>>)>,
    states: Vec<(&'static str, Vec<f64>)>,
}

impl Work {
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An f32 input drawn at random, and its elements.
    pub fn input(&mut self, shape: impl Into<Shape>, draw: Draw) -> Result<(Var, Vec<Counted>)> {
        let ty = TensorType::f32(shape);
        let value = draw.value(ty, self.inputs.len() as u32)?;
        let elements = value.to_f64_vec().into_iter().map(Counted).collect();
        Ok((self.given(value)?, elements))
    }

    /// An input of this value.
    pub fn given(&mut self, value: HostTensor) -> Result<Var> {
        let var = self.tape.input(&format!("x{}", self.inputs.len()), value.ty())?;
        self.inputs.push((var, value));
        Ok(var)
    }

    /// Adds an output, with its value by the definition.
    pub fn output(&mut self, var: Var, elements: &[Counted]) {
        self.outputs.push((var, Some(elements.iter().map(|x| x.0).collect())));
    }

    /// An output whose value is compared with its definition elsewhere.
    pub fn moved(&mut self, var: Var) {
        self.outputs.push((var, None));
    }

    /// Adds a state, with its value by the definition.
    pub fn state(&mut self, name: &'static str, elements: &[Counted]) {
        self.states.push((name, elements.iter().map(|x| x.0).collect()));
    }

    /// The costs that the plan states, sorted.
    pub fn stated(&self) -> Result<Vec<Entry>> {
        let outputs: Vec<Var> = self.outputs.iter().map(|(v, _)| *v).collect();
        let target = Target { variants: self.pins.clone(), cooperative: self.cooperative, ..Target::portable() };
        let plan = Plan::new(&self.tape, &outputs, &target)?;
        let entry = |s: &tapetum::plan::Step| Entry { kernel: s.kernel.name.to_string(), flops: s.cost.flops, bytes: s.cost.bytes };
        Ok(sorted(plan.steps.iter().map(entry).collect()))
    }

    /// The costs that the definitions counted, sorted.
    pub fn counted(&self) -> Vec<Entry> {
        sorted(self.ledger.0.clone())
    }

    /// The largest error of the definitions here against the ops' in f64, relative to the largest magnitude.
    pub fn error(&self) -> Result<f64> {
        let outputs: Vec<Var> = self.outputs.iter().map(|(v, _)| *v).collect();
        let mut program = Device::oracle().compile(&self.tape, &outputs)?;
        let inputs: Vec<_> = self.inputs.iter().map(|(v, t)| (*v, t)).collect();
        let found = program.run(&inputs)?;
        let outputs = self.outputs.iter().zip(&found).filter_map(|((_, own), t)| own.as_ref().map(|own| (own, t.to_f64_vec())));
        let mut worst = outputs.map(|(own, op)| error(own, &op)).fold(0.0, f64::max);
        for (name, own) in &self.states {
            worst = worst.max(error(own, &program.state().read(name)?.to_f64_vec()));
        }
        Ok(worst)
    }
}

fn error(own: &[f64], op: &[f64]) -> f64 {
    assert_eq!(own.len(), op.len());
    let scale = op.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    // A NaN must not pass for agreement.
    own.iter().zip(op).map(|(a, b)| (a - b).abs() / scale).map(|e| if e.is_nan() { f64::INFINITY } else { e }).fold(0.0, f64::max)
}

/// Entries are sorted, because a plan may run independent dispatches in any order.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.partial_cmp(b).expect("costs are numbers"));
    entries
}
