//! A work for each pillar of the library, written as a user of it would: called whole, on values in the host's memory.

use super::{Call, Work, numbers};
use tapetum::connectome::confounds::denoise::Denoise;
use tapetum::connectome::confounds::{Column, Confounds, Selection};
use tapetum::connectome::connectivity::measure::{Connectivity, Kind};
use tapetum::connectome::signal::butterworth::Band;
use tapetum::nn::{Activation, EdgeMlp, Linear};
use tapetum::optim::Adam;
use tapetum::topology::Diagrams;
use tapetum::{Device, Error, HostTensor, Init, Result, Tape, TensorType};

/// A step of Adam that makes the messages of an edge network smaller, by the gradients of all its weights; its loss.
pub(super) fn edge_step(device: &Device, [batch, nodes, features]: [usize; 3]) -> Result<Work> {
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([batch, nodes, features]))?;
    let mut weights = Vec::with_capacity(3);
    for (operand, name) in (1..).zip(["u", "v", "w"]) {
        let first = HostTensor::f32([features, features], numbers(features * features, operand))?;
        weights.push(tape.parameter(name, [features, features], Init::Value(first))?);
    }
    let [receiver, sender, second] = [0, 1, 2].map(|i| Linear { weight: weights[i], bias: None });
    let all = tape.full([batch, nodes, nodes], 1.0)?;
    let network = EdgeMlp { receiver, sender, pair: None, second, activations: [Activation::Relu; 2] };
    let made = network.messages(&mut tape, x, all)?;
    let squares = tape.square(made)?;
    let loss = tape.mean(squares, &[], false)?;
    let gradients = tape.gradient(loss, &weights)?;
    let updates: Vec<_> = weights.into_iter().zip(gradients).collect();
    Adam::new(1e-3).apply(&mut tape, &updates)?;
    super::compiled(device, &tape, &[x], vec![loss])
}

/// The births of graphs and their deaths, from symmetric weights 1 + x + xᵀ.
pub(super) fn births_deaths(device: &Device, [graphs, n, columns]: [usize; 3]) -> Result<Work> {
    if columns != n {
        return Err(Error::argument(format!("graphs of {n} by {columns} weights: square ones expected")));
    }
    let x = numbers(graphs * n * n, 0);
    let weight = |at: usize| {
        let (graph, i, j) = (at / (n * n) * n * n, at / n % n, at % n);
        1.0 + (x[graph + i * n + j] + x[graph + j * n + i])
    };
    let weights = HostTensor::f32([graphs, n, n], (0..x.len()).map(weight).collect())?;
    let device = device.clone();
    Ok(Work::Call(Call::new(move || {
        let found = Diagrams::new(&device, &weights)?;
        let births: Vec<f32> = (0..graphs).flat_map(|g| found.births(g).iter().copied()).collect();
        let deaths: Vec<f32> = (0..graphs).flat_map(|g| found.deaths(g).iter().copied()).collect();
        Ok(vec![HostTensor::f32([births.len()], births)?, HostTensor::f32([deaths.len()], deaths)?])
    })))
}

/// The tangents of a group of subjects, with the defaults, which are nilearn's.
pub(super) fn tangent(device: &Device, shape: [usize; 3]) -> Result<Work> {
    let series = HostTensor::f32(shape, numbers(shape.iter().product(), 0))?;
    let device = device.clone();
    Ok(Work::Call(Call::new(move || Ok(vec![Connectivity::new(Kind::Tangent).compute(&device, &series)?.values]))))
}

/// Series detrended, filtered to 0.01 to 0.1 Hz at a repetition time of 2 s, and regressed on confounds that were treated alike.
pub(super) fn denoise(device: &Device, [vertices, time, confounds]: [usize; 3]) -> Result<Work> {
    let series = HostTensor::f32([vertices, time], numbers(vertices * time, 0))?;
    let values = numbers(confounds * time, 1);
    let columns = values.chunks(time).enumerate();
    let columns: Vec<Column> =
        columns.map(|(i, v)| Column { name: format!("confound_{i}"), values: v.iter().map(|&x| x.into()).collect() }).collect();
    let names = columns.iter().map(|c| c.name.clone()).collect();
    let table = Confounds { columns, ..Confounds::default() };
    let how =
        Denoise { confounds: Selection::Columns(names), detrend: true, band: Some((Band::Pass(0.01, 0.1), 2.0)), ..Denoise::default() };
    let device = device.clone();
    Ok(Work::Call(Call::new(move || {
        let mut model = how.model(&table, time)?;
        // As nilearn's `signal.clean` does.
        model.keep_offset = true;
        Ok(vec![model.clean(&device, &series)?.series])
    })))
}
