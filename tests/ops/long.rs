//! Rows longer than an invocation of a software adapter can go along: llvmpipe counts the turns of all its loops together, and leaves
//! every loop after 65,535 without a word. A row then belongs to several invocations, or the op says that it cannot.

use crate::common::gpu;
use tapetum::gpu::Options;
use tapetum::ops::case::Draw;
use tapetum::{Device, Result, Shape, Tape, TensorType, Var};

/// The largest difference of what `build` makes of random operands on the best adapter from what it makes on the host.
fn worst(shapes: &[Shape], build: impl Fn(&mut Tape, &[Var]) -> Result<Var>) -> f64 {
    let device = gpu();
    let mut tape = Tape::new();
    let ty = |s: &Shape| TensorType::f32(*s);
    let operands: Vec<Var> = shapes.iter().enumerate().map(|(i, s)| tape.input(&format!("x{i}"), ty(s)).unwrap()).collect();
    let values: Vec<_> = shapes.iter().enumerate().map(|(i, s)| Draw::Normal.value(ty(s), i as u32).unwrap()).collect();
    let output = build(&mut tape, &operands).unwrap();
    let inputs: Vec<_> = operands.iter().copied().zip(&values).collect();
    let [found, wanted] = [device, Device::cpu()].map(|d| d.compile(&tape, &[output]).unwrap().run(&inputs).unwrap().remove(0));
    tapetum::check::error(&found, &wanted)
}

#[test]
fn long_rows_are_gone_along_to_their_ends() {
    let long = 70_001;
    let of = |extents: &[usize]| Shape::try_new(extents).unwrap();
    assert!(worst(&[of(&[3, long])], |t, x| t.correlation(x[0], None, false)) < 1e-6);
    assert!(worst(&[of(&[2, long])], |t, x| t.softmax(x[0], 1)) < 1e-6);
    assert!(
        worst(&[of(&[2, long]), of(&[2, 2])], |t, x| {
            let r = t.correlation(x[0], None, false)?;
            Ok(t.vjp(&[(r, x[1])], &[x[0]])?[0])
        }) < 1e-6
    );
    // 8,000 neighbours looked through ten times.
    assert!(worst(&[of(&[8000, 3])], |t, x| Ok(t.top_k_neighbours(x[0], 10)?.0)) < 1e-6);
}

#[test]
fn what_a_software_adapter_would_leave_unfinished_is_an_error() {
    let device = Device::gpu(&Options { choice: tapetum::gpu::Choice::Best, software: true, ..Options::from_env() }).unwrap();
    let Device::Gpu(context) = &device else { unreachable!("a GPU was asked for") };
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([1, 70_001])).unwrap();
    let y = tape.cumulative_sum(x, 1).unwrap();
    let compiled = device.compile(&tape, &[y]);
    if context.target().software {
        let text = compiled.unwrap_err().to_string();
        assert!(text.contains("cumulative_sum") && text.contains("software adapter"), "{text}");
    } else {
        compiled.unwrap();
    }
}
