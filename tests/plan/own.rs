//! Ops that a user defines. The plan treats an op by the properties it declares, never by its name.

use std::sync::Arc;
use tapetum::kernel::{Binding, Kernel, Lowering, Params};
use tapetum::plan::Plan;
use tapetum::tape::{Op, OpKey, Pointwise, Reverse};
use tapetum::{Device, Error, HostTensor, Result, Tape, TensorType, Var};

const REVERSED: &str = "
struct Params {
    elements: u32,
    last: u32,
    scale: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.elements) {
        y[id.x] = params.scale * x[params.last - id.x];
    }
}
";

/// The ops that these tests define.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Means {
    /// y[i] = 2 x[n − 1 − i], by a kernel.
    Reversed,
    /// The same, and its dispatch leaves a word out, or gives another type.
    Short,
    Mistyped,
    /// y = x, which is a view.
    Same,
    /// A view of half of x, which is not a valid view.
    Half,
    /// A view that is pointwise too.
    Both,
    /// 3 + p everywhere, without an operand.
    Constant,
}

/// An op called as the crate's own are.
#[derive(Debug, Clone, Copy)]
struct Named {
    name: &'static str,
    means: Means,
}

impl Op for Named {
    fn key(&self) -> OpKey {
        OpKey::of(self.name, self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(vec![match self.means {
            Means::Constant => TensorType::f32([7]),
            Means::Half => TensorType::f32([inputs[0].shape.elements() / 2]),
            _ => inputs[0],
        }])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let y = match self.means {
            Means::Constant => vec![3.5; 7],
            Means::Same => inputs[0].to_f64_vec(),
            _ => inputs[0].to_f64_vec().into_iter().rev().map(|v| 2.0 * v).collect(),
        };
        Ok(vec![HostTensor::real([y.len()], y)?])
    }

    fn reverse(&self, _: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        Err(Error::NotDifferentiable { op: self.name.into(), why: "it is an op of the tests".into() })
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let n = cx.input_shape(0).elements();
        let params = Params::new().u32(n).u32(n - 1);
        let params = match self.means {
            Means::Short => params,
            Means::Mistyped => params.u32(2),
            _ => params.f32(2.0),
        };
        let bindings = vec![Binding::read(cx.input(0)), Binding::write(cx.output(0))];
        cx.dispatch(Kernel::new("tests/reversed", REVERSED), bindings, params, n.div_ceil(64), 0.0)
    }

    fn pointwise(&self) -> Option<Pointwise<'_>> {
        match self.means {
            Means::Constant => Some(Pointwise { expression: "p + T(3.0)", attributes: &[0.5] }),
            Means::Both => Some(Pointwise { expression: "a", attributes: &[] }),
            _ => None,
        }
    }

    fn view(&self) -> bool {
        matches!(self.means, Means::Same | Means::Half | Means::Both)
    }
}

/// f(op(g(x))) between pointwise ops: −op(x + 1).
fn between(op: Named, operands: usize) -> Result<(Tape, Var, Var)> {
    let mut t = Tape::new();
    let x = t.input("x", TensorType::f32([7]))?;
    let one = t.scalar(1.0)?;
    let moved = t.add(x, one)?;
    let found = t.record(Arc::new(op), &[moved][..operands])?[0];
    let sum = t.sub(x, found)?;
    Ok((t, x, sum))
}

fn on_each_device(tape: &Tape, x: Var, y: Var) -> [Vec<f64>; 3] {
    let value = HostTensor::f32([7], (0..7).map(|i| i as f32).collect()).unwrap();
    [super::software(), Device::cpu(), Device::oracle()].map(|device| {
        let exact = HostTensor::real([7], value.to_f64_vec()).unwrap();
        let value = if device.name() == Device::oracle().name() { &exact } else { &value };
        device.compile(tape, &[y]).unwrap().run(&[(x, value)]).unwrap()[0].to_f64_vec()
    })
}

/// An op with the name of one of the crate's views or fills is run by its own definition: x − 2 (x + 1) in reverse order.
#[test]
fn a_name_says_nothing() {
    for name in ["reshape", "detach", "fill"] {
        let (tape, x, y) = between(Named { name, means: Means::Reversed }, 1).unwrap();
        let expected: Vec<f64> = (0..7).map(|i| f64::from(i) - 2.0 * f64::from(7 - i)).collect();
        for found in on_each_device(&tape, x, y) {
            assert_eq!(found, expected, "{name}");
        }
    }
}

/// A view of a user's own is read through: one chain, x − (x + 1).
#[test]
fn a_view_moves_nothing() {
    let (tape, x, y) = between(Named { name: "own", means: Means::Same }, 1).unwrap();
    let plan = Plan::new(&tape, &[y], &tapetum::kernel::Target::portable()).unwrap();
    assert_eq!(plan.steps.len(), 1, "{plan}");
    for found in on_each_device(&tape, x, y) {
        assert_eq!(found, [-1.0; 7]);
    }
}

/// A pointwise op without operands is written into its readers, whatever it is called: x − 3.5.
#[test]
fn a_constant_costs_no_memory() {
    let (tape, x, y) = between(Named { name: "own", means: Means::Constant }, 0).unwrap();
    let plan = Plan::new(&tape, &[y], &tapetum::kernel::Target::portable()).unwrap();
    assert_eq!(plan.steps.len(), 1, "{plan}");
    for found in on_each_device(&tape, x, y) {
        assert_eq!(found, (0..7).map(|i| f64::from(i) - 3.5).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_no_view_is_refused() {
    for (means, said) in [(Means::Half, "as many elements of one type"), (Means::Both, "not both")] {
        let Err(Error::Op { op, what }) = between(Named { name: "own", means }, 1) else { panic!("{means:?} was recorded") };
        assert!(op == "own" && what.contains(said), "{what}");
    }
}

/// A dispatch whose words are not the members of its kernel's struct is an error of the plan, and not a value of another meaning.
#[test]
fn params_are_the_members_of_the_struct() {
    for (means, given) in [(Means::Short, "[u32, u32]"), (Means::Mistyped, "[u32, u32, u32]")] {
        let (tape, _, y) = between(Named { name: "own", means }, 1).unwrap();
        let found = Plan::new(&tape, &[y], &tapetum::kernel::Target::portable());
        let Err(Error::Shader { kernel, what }) = found else { panic!("{means:?} was planned") };
        assert!(
            kernel.starts_with("tests/reversed") && what.contains("[elements: u32, last: u32, scale: f32]") && what.contains(given),
            "{what}"
        );
    }
}
