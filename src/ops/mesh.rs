//! Values on the vertices of a mesh.

use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::{Binding, Lowering, Params, Source, Variant, common, wgsl};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(super) static NEIGHBOUR_MEAN: Source = Source {
    name: "mesh/neighbour_mean",
    text: wgsl!("mesh/neighbour_mean"),
    snippets: &[common::GRID],
    variants: &Variant::PLAIN,
    choices: &[],
};

/// Each vertex's mean over its neighbours, along the last axis. The table is symmetric, so it is its own reverse.
#[derive(Debug, Clone, Copy)]
struct NeighbourMean;

impl NeighbourMean {
    fn run<R: Real>(x: &HostTensor, table: &[i32]) -> Result<HostTensor> {
        let vertices = x.shape().last().copied().unwrap_or(0);
        let degree = table.len() / vertices.max(1);
        let scale = R::of(1.0 / degree as f64);
        let data = x.elements::<R>()?;
        let mut y = buffer(data.len());
        let table: Vec<usize> = table.iter().map(|&n| (n.max(0) as usize).min(vertices.saturating_sub(1))).collect();
        parallel::rows(&mut y, vertices, vertices * degree, |row, y| {
            let x = &data[row * vertices..(row + 1) * vertices];
            for (y, near) in y.iter_mut().zip(table.chunks_exact(degree)) {
                *y = near.iter().map(|&n| x[n]).sum::<R>() * scale;
            }
        });
        HostTensor::real(x.shape(), y)
    }
}

impl Op for NeighbourMean {
    fn key(&self) -> OpKey {
        OpKey::new("neighbour_mean")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, table) = (inputs[0], inputs[1]);
        let fits = x.shape.last().is_some_and(|&v| table.shape.rank() == 2 && table.shape[0] == v && table.shape[1] > 0);
        if x.dtype != DType::F32 || table.dtype != DType::I32 || !fits {
            return Err(Error::op(
                "neighbour_mean",
                format!("f32 [.., vertices] and i32 [vertices, degree] expected, found {x} and {table}"),
            ));
        }
        Ok(vec![x])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let table = inputs[1].as_i32().ok_or_else(|| Error::op("neighbour_mean", "neighbours must be i32"))?;
        real_inputs!(inputs, R => Self::run::<R>(&inputs[0], table)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (table, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        Ok(vec![Some(cx.tape().record_one(Self, &[g, table])?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, table) = (cx.input_shape(0), cx.input_shape(1));
        let n = x.elements();
        let params = Params::new().u32(n).u32(table[0]).u32(table[1]).f32(1.0 / table[1] as f32);
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        let kernel = cx.kernel(&NEIGHBOUR_MEAN, &[]);
        cx.dispatch(kernel, bindings, params, n.div_ceil(64), (n * (table[1] + 1)) as f64)
    }
}

impl Tape {
    /// Each vertex's mean over its neighbours, of x `[.., vertices]`: `neighbours` is i32 `[vertices, degree]`, rows shorter than the
    /// degree filled up with the vertex itself.
    ///
    /// # Errors
    /// Where the shapes do not fit, an index is out of range, or the table is not symmetric (u as often v's neighbour as v is u's).
    pub fn neighbour_mean(&mut self, x: Var, neighbours: &HostTensor) -> Result<Var> {
        let bad = |what: String| Error::op("neighbour_mean", what);
        let table = neighbours.as_i32().ok_or_else(|| bad(format!("neighbours must be i32, found {}", neighbours.ty())))?;
        let [vertices, degree] = *neighbours.shape() else {
            return Err(bad(format!("neighbours must be [vertices, degree], found {}", neighbours.shape())));
        };
        let mut pairs: Vec<(i32, i32)> = (0..vertices as i32).flat_map(|v| vec![v; degree]).zip(table.iter().copied()).collect();
        if let Some((v, n)) = pairs.iter().find(|(_, n)| !(0..vertices as i32).contains(n)) {
            return Err(bad(format!("vertex {v} has the neighbour {n}, of {vertices} vertices")));
        }
        let mut turned: Vec<(i32, i32)> = pairs.iter().map(|(v, n)| (*n, *v)).collect();
        pairs.sort_unstable();
        turned.sort_unstable();
        if let Some(((v, n), _)) = pairs.iter().zip(&turned).find(|(a, b)| a != b) {
            return Err(bad(format!("the table is not symmetric: vertices {v} and {n} are not neighbours both ways")));
        }
        let table = self.constant(neighbours.clone())?;
        self.record_one(NeighbourMean, &[x, table])
    }
}

pub(super) fn cases() -> Vec<Case> {
    // A ring: each vertex between its two neighbours, and itself.
    let ring = |n: i32| HostTensor::i32([n as usize, 3], (0..n).flat_map(|v| [(v + 1) % n, (v + n - 1) % n, v]).collect());
    [[1, 1], [3, 7], [7, 65]]
        .into_iter()
        .map(|[rows, n]| {
            Case::new("neighbour_mean", vec![f32s([rows, n], Draw::Normal)], move |t, x| {
                Ok(vec![t.neighbour_mean(x[0], &ring(n as i32)?)?])
            })
            .within(1e-6, 1e-6)
        })
        .collect()
}

/// A strip of triangles closed to a ring: each vertex beside the three before it and the three after.
fn strip(vertices: usize) -> Result<HostTensor> {
    let near = |v: usize| [1, 2, 3].into_iter().flat_map(move |k| [v + k, v + vertices - k]).map(move |n| (n % vertices) as i32);
    HostTensor::i32([vertices, 6], (0..vertices).flat_map(near).collect())
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[16, 256], [100, 2562], [800, 20_484]];
    let work = |[rows, vertices]: [usize; 2]| {
        Instance::new(vec![f32s([rows, vertices], Draw::Normal)], move |t, x| Ok(vec![t.neighbour_mean(x[0], &strip(vertices)?)?]))
    };
    vec![Work::new("neighbour_mean", sizes.map(work))]
}
