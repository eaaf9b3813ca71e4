//! Values on the vertices of a mesh: means over neighbours, and weighted sums.

use super::Family;
use super::case::{Case, Draw, f32s};
use super::work::{Instance, Work};
use crate::kernel::{Adapters, Binding, Kernel, Lowering, Params, Source, Variant, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result, Shape};

pub(super) static FAMILY: Family = Family { sources: &[&NEIGHBOUR_MEAN, &NEIGHBOUR_SUM], cases, works };

pub(super) static NEIGHBOUR_MEAN: Source = kernel_source!("mesh/neighbour_mean").with_variants(&VARIANTS);

pub(super) static NEIGHBOUR_SUM: Source = kernel_source!("mesh/neighbour_sum").with_variants(&VARIANTS);

const fn of_rows(name: &'static str, classes: &'static [&'static str], constants: &'static [(&'static str, &'static str)]) -> Variant {
    Variant { name, adapters: Adapters::Any, classes, constants, snippets: &[] }
}

/// The rows of an invocation: several read a vertex's neighbours once, where there are invocations enough.
static VARIANTS: [Variant; 2] = [of_rows("rows8", &["many"], &[("ROWS", "8u")]), of_rows("rows1", &["few"], &[("ROWS", "1u")])];

/// The elements from which on invocations take several rows on a GPU.
const MANY: usize = 1 << 21;

/// The variant for x `[.., vertices]`, the first words of its uniform struct, and its workgroups.
fn launch(source: &'static Source, cx: &Lowering<'_>, x: Shape) -> (Kernel, Params, usize) {
    let vertices = x.last().copied().unwrap_or(1).max(1);
    let rows = x.elements() / vertices;
    let class = if (cx.target().software || x.elements() >= MANY) && rows >= 8 { "many" } else { "few" };
    let variant = source.variant(cx.target(), class);
    let items = rows.div_ceil(variant.constant("ROWS").unwrap_or(1)) * vertices;
    (source.kernel(variant, &[]).for_class(class), Params::new().u32(items).u32(rows).u32(vertices), items.div_ceil(256))
}

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
        let (kernel, params, workgroups) = launch(&NEIGHBOUR_MEAN, cx, x);
        let params = params.u32(table[1]).f32(1.0 / table[1] as f32);
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        cx.dispatch(kernel, bindings, params, workgroups, (n * (table[1] + 1)) as f64)
    }
}

/// Each vertex's weighted sum over its neighbours, along the last axis: (x, table, weights, turned), `turned` the weights that the
/// neighbours give the vertex. The table is symmetric, so the same op with the weights exchanged is the reverse.
#[derive(Debug, Clone, Copy)]
struct NeighbourSum;

impl NeighbourSum {
    fn run<R: Real>(x: &HostTensor, table: &[i32], weights: &HostTensor) -> Result<HostTensor> {
        let vertices = x.shape().last().copied().unwrap_or(0);
        let degree = table.len() / vertices.max(1);
        let (data, weights) = (x.elements::<R>()?, weights.elements::<R>()?);
        let table: Vec<usize> = table.iter().map(|&n| (n.max(0) as usize).min(vertices.saturating_sub(1))).collect();
        let mut y = buffer::<R>(data.len());
        parallel::rows(&mut y, vertices, vertices * degree, |row, y| {
            let x = &data[row * vertices..(row + 1) * vertices];
            for (y, (near, w)) in y.iter_mut().zip(table.chunks_exact(degree).zip(weights.chunks_exact(degree))) {
                *y = near.iter().zip(w).map(|(&n, &w)| w * x[n]).sum();
            }
        });
        HostTensor::real(x.shape(), y)
    }
}

impl Op for NeighbourSum {
    fn key(&self) -> OpKey {
        OpKey::new("neighbour_sum")
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        NeighbourMean.infer(&inputs[..2]).map_err(|_| {
            let what = format!("f32 [.., vertices] and i32 [vertices, degree] expected, found {} and {}", inputs[0], inputs[1]);
            Error::op("neighbour_sum", what)
        })
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let table = inputs[1].as_i32().ok_or_else(|| Error::op("neighbour_sum", "neighbours must be i32"))?;
        real_inputs!(inputs, R => Self::run::<R>(&inputs[0], table, &inputs[2])).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (table, weights, turned, g) = (cx.input(1), cx.input(2), cx.input(3), cx.cotangent_or_zeros(0)?);
        Ok(vec![Some(cx.tape().record_one(Self, &[g, table, turned, weights])?), None, None, None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (x, table) = (cx.input_shape(0), cx.input_shape(1));
        let n = x.elements();
        let (kernel, params, workgroups) = launch(&NEIGHBOUR_SUM, cx, x);
        let params = params.u32(table[1]);
        let bindings = [0, 1, 2].map(|i| Binding::read(cx.input(i))).into_iter().chain([Binding::write(cx.output(0))]).collect();
        cx.dispatch(kernel, bindings, params, workgroups, (2 * n * table[1]) as f64)
    }
}

/// For each entry (v, n) of a table `[vertices, degree]`, the place of the entry (n, v); an error of `op` where one has none.
fn turned(op: &str, neighbours: &HostTensor) -> Result<Vec<usize>> {
    let bad = |what: String| Error::op(op, what);
    let table = neighbours.as_i32().ok_or_else(|| bad(format!("neighbours must be i32, found {}", neighbours.ty())))?;
    let [vertices, degree] = *neighbours.shape() else {
        return Err(bad(format!("neighbours must be [vertices, degree], found {}", neighbours.shape())));
    };
    let pair = |e: usize| ((e / degree) as i32, table[e]);
    if let Some((v, n)) = (0..table.len()).map(pair).find(|(_, n)| !(0..vertices as i32).contains(n)) {
        return Err(bad(format!("vertex {v} has the neighbour {n}, of {vertices} vertices")));
    }
    let mut entries: Vec<usize> = (0..table.len()).collect();
    let mut others = entries.clone();
    entries.sort_unstable_by_key(|&e| (pair(e), e));
    others.sort_unstable_by_key(|&e| ((pair(e).1, pair(e).0), e));
    let mut places = vec![0; table.len()];
    for (&e, &o) in entries.iter().zip(&others) {
        let ((v, n), (m, u)) = (pair(e), pair(o));
        if (v, n) != (u, m) {
            let (v, n) = (v, n).min((u, m));
            return Err(bad(format!("the table is not symmetric: vertices {v} and {n} are not neighbours both ways")));
        }
        places[e] = o;
    }
    Ok(places)
}

/// # Neighbours on a mesh
impl Tape {
    /// Each vertex's weighted sum over its neighbours, of x `[.., vertices]`: Σ_k w_vk x_n(v, k). `neighbours` is i32 `[vertices, degree]`,
    /// `weights` f32 of that shape; rows are filled up with the vertex itself and weights of 0. For smoothing on a sphere, see
    /// [`sphere::gaussian_neighbourhood`](crate::connectome::parcels::sphere::gaussian_neighbourhood).
    ///
    /// # Errors
    /// Where the shapes do not fit, an index is out of range, or the table is not symmetric (u as often v's neighbour as v is u's).
    pub fn neighbour_sum(&mut self, x: Var, neighbours: &HostTensor, weights: &HostTensor) -> Result<Var> {
        let places = turned("neighbour_sum", neighbours)?;
        if weights.ty() != TensorType::f32(neighbours.shape()) || weights.is_f64() {
            let what = format!("weights must be {}, found {}", TensorType::f32(neighbours.shape()), weights.ty());
            return Err(Error::op("neighbour_sum", what));
        }
        let w = weights.elements::<f32>()?;
        let turned = HostTensor::f32(weights.shape(), places.into_iter().map(|p| w[p]).collect())?;
        let (table, weights) = (self.constant(neighbours.clone())?, self.constant(weights.clone())?);
        let turned = self.constant(turned)?;
        self.record_one(NeighbourSum, &[x, table, weights, turned])
    }

    /// Each vertex's mean over its neighbours, of x `[.., vertices]`: `neighbours` is i32 `[vertices, degree]`, rows shorter than the
    /// degree filled up with the vertex itself.
    ///
    /// # Errors
    /// Where the shapes do not fit, an index is out of range, or the table is not symmetric (u as often v's neighbour as v is u's).
    pub fn neighbour_mean(&mut self, x: Var, neighbours: &HostTensor) -> Result<Var> {
        turned("neighbour_mean", neighbours)?;
        let table = self.constant(neighbours.clone())?;
        self.record_one(NeighbourMean, &[x, table])
    }
}

pub(super) fn cases() -> Vec<Case> {
    // A ring: each vertex between its two neighbours, and itself.
    let ring = |n: i32| HostTensor::i32([n as usize, 3], (0..n).flat_map(|v| [(v + 1) % n, (v + n - 1) % n, v]).collect());
    // Weights that tell every entry from every other.
    let weights = |n: i32| HostTensor::f32([n as usize, 3], (0..3 * n).map(|e| 0.1 + (e as f32 * 0.37).sin()).collect());
    let shapes = [[1, 1], [3, 7], [7, 65], [17, 257]];
    let sums = shapes.map(|[rows, n]| {
        Case::new("neighbour_sum", vec![f32s([rows, n], Draw::Normal)], move |t, x| {
            Ok(vec![t.neighbour_sum(x[0], &ring(n as i32)?, &weights(n as i32)?)?])
        })
        .within(1e-6, 1e-6)
    });
    shapes
        .into_iter()
        .map(|[rows, n]| {
            Case::new("neighbour_mean", vec![f32s([rows, n], Draw::Normal)], move |t, x| {
                Ok(vec![t.neighbour_mean(x[0], &ring(n as i32)?)?])
            })
            .within(1e-6, 1e-6)
        })
        .chain(sums)
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
    let weighted = |[rows, vertices]: [usize; 2]| {
        Instance::new(vec![f32s([rows, vertices], Draw::Normal)], move |t, x| {
            let weights = HostTensor::full([vertices, 6], 1.0 / 6.0);
            Ok(vec![t.neighbour_sum(x[0], &strip(vertices)?, &weights)?])
        })
    };
    vec![Work::new("neighbour_mean", sizes.map(work)), Work::new("neighbour_sum", sizes.map(weighted))]
}
